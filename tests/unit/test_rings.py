from collections import Counter, defaultdict

import pytest
import torch

from helpers.rings import marker_distance, nearest_marker, reach_ceiling


def rings(examples=50, cells=12, density=0.15, seed=0):
    X, y = nearest_marker(cells, density).draw([seed], examples)
    return X[0], y[0]


def test_the_label_is_the_sign_of_the_marker_found_by_walking_left():
    X, y = rings()
    distance = marker_distance(X)
    for ring, labels, steps in zip(X[..., 0].tolist(), y.tolist(), distance.tolist()):
        for cell, (label, found) in enumerate(zip(labels, steps)):
            walked = next(k for k in range(12) if ring[cell - k] != 0)
            assert found == walked
            assert label == (ring[cell - walked] > 0)


def test_markers_are_as_dense_as_asked_and_their_signs_are_fair():
    X, _ = rings(4000, 32, 0.2)
    assert float((X != 0).double().mean()) == pytest.approx(0.2, abs=0.005)
    assert float((X > 0).sum() / (X != 0).sum()) == pytest.approx(0.5, abs=0.01)


def test_every_ring_holds_a_marker():
    X, _ = rings(500, 4, 0.01)
    assert (X != 0).any(dim=1).all()
    with pytest.raises(ValueError, match="X must hold a marker in every ring"):
        marker_distance(torch.zeros(2, 5, 1))


@pytest.mark.parametrize("reach", [0, 1, 3, 7, 11])
def test_the_ceiling_is_what_the_best_table_of_windows_reaches(reach):
    X, y = rings()
    X, y = torch.cat([X, -X]), torch.cat([y, 1 - y])
    answers = defaultdict(Counter)  # window -> how often each label is right
    for ring, labels in zip(X[..., 0].tolist(), y.tolist()):
        for cell, label in enumerate(labels):
            window = tuple(ring[cell - k] for k in range(reach + 1))
            answers[window][label] += 1
    best = sum(max(count.values()) for count in answers.values()) / y.numel()
    assert reach_ceiling(X, reach) == pytest.approx(best, abs=1e-12)


def test_the_ceiling_follows_the_formula_of_an_endless_line():
    X, _ = rings(4000, 64, 0.1)
    for reach in (0, 1, 4, 16):
        formula = 1 - 0.9 ** (reach + 1) / 2
        assert reach_ceiling(X, reach) == pytest.approx(formula, abs=0.005)


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match="cells must be an integer >= 2; got 1"):
        nearest_marker(1)
    with pytest.raises(ValueError, match="density must be > 0 and < 1; got 1"):
        nearest_marker(8, 1.0)
    with pytest.raises(ValueError, match="reach must be at most 11, once round the ring; got 12"):
        reach_ceiling(rings()[0], 12)
    with pytest.raises(TypeError, match="reach must be an integer >= 0"):
        reach_ceiling(rings()[0], 1.5)
