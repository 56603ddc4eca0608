import math

import pytest
import torch

from helpers import losses
from helpers.data import digits
from helpers.recurrent import GRU
from helpers.rings import nearest_marker
from helpers.sequences import (
    adding,
    copy_memory,
    delayed_recall,
    latch,
    pixel_digits,
    temporal_order,
    windows,
)

TASKS = [
    latch(12),
    adding(12),
    copy_memory(7, 3, 4),
    temporal_order(20),
    delayed_recall(12, 4),
    nearest_marker(12),
]


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_a_network_of_the_tasks_shape_takes_its_batches_and_its_loss(task):
    X, y = task.draw([3, 4], 6)
    assert X.shape == (2, 6, task.time, task.n_in)
    assert X.dtype == torch.float32
    per_example = losses.get(task.loss)(GRU(5, [3, 4], **task.shape)(X), y)
    assert per_example.shape == ((2, 6, task.time) if task.readout == "every" else (2, 6))
    assert task.draw([3], 6, torch.float64)[0].dtype == torch.float64


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_batches_are_fresh_repeatable_and_each_replicas_own(task):
    stream = task.batches([3, 4], 6)
    first, second = next(stream), next(stream)
    assert not torch.equal(first[0], second[0])
    assert not torch.equal(first[0][0], first[0][1])
    for one, again, alone in zip(first, task.draw([3, 4], 6), task.draw([4], 6)):
        assert torch.equal(one, again)
        assert torch.equal(one[1], alone[0])


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_the_chance_loss_is_that_of_the_best_answer_without_looking(task):
    _, y = task.draw([0], 20_000)
    if task.loss == "mean_squared_error":
        constant = y.mean() + torch.linspace(-0.1, 0.1, 21)
        measured = min(float(((y - c) ** 2).mean()) for c in constant)
    else:  # the entropy of the labels, step by step
        labels = y[0].reshape(len(y[0]), -1)
        shares = torch.stack([(labels == k).double().mean(0) for k in range(task.n_out)])
        measured = float(-torch.special.xlogy(shares, shares).sum(0).mean())
    assert measured == pytest.approx(task.chance_loss, rel=0.02)


def test_the_latch_shows_its_sign_and_then_only_noise():
    X, y = latch(40, noise=0.5, shown=3).draw([0], 3000)
    sign = 2.0 * y[0] - 1
    assert torch.equal(X[0, :, :3, 0], sign[:, None].expand(-1, 3))
    rest = X[0, :, 3:, 0]
    assert float(rest.std()) == pytest.approx(0.5, rel=0.02)
    assert abs(float((rest.mean(1) * sign).mean())) < 0.01
    assert not latch(9, noise=0.0).draw([0], 5)[0][:, :, 3:].any()


def test_adding_marks_one_number_in_each_half():
    X, y = adding(11).draw([0], 4000)
    numbers, marks = X[0, ..., 0], X[0, ..., 1]
    assert (marks[:, :5].sum(1) == 1).all()
    assert (marks[:, 5:].sum(1) == 1).all()
    assert torch.equal(y[0, :, 0], (numbers * marks).sum(1))
    assert (numbers >= 0).all()
    assert (numbers < 1).all()
    assert (marks.mean(0) > 0.1).all()
    assert float(((y - 1) ** 2).mean()) == pytest.approx(1 / 6, rel=0.05)


def test_copy_memory_asks_for_the_string_after_the_signal():
    task = copy_memory(delay=6, length=4, symbols=5)
    X, y = task.draw([0], 50)
    tokens = X[0].argmax(-1)
    assert (X.sum(-1) == 1).all()
    assert task.time == tokens.shape[1] == 6 + 8
    assert (tokens[:, :4] < 5).all()
    assert torch.equal(y[0, :, -4:], tokens[:, :4])
    assert (y[0, :, :-4] == 5).all()
    assert (tokens[:, -5] == 6).all()
    blank = torch.cat([tokens[:, 4:-5], tokens[:, -4:]], dim=1)
    assert (blank == 5).all()


def test_copy_memory_has_arjovskys_baseline():
    task = copy_memory(delay=100)
    assert (task.time, task.n_in) == (120, 10)
    assert task.chance_loss == pytest.approx(10 * math.log(8) / 120)


def test_temporal_order_names_the_two_symbols():
    X, y = temporal_order(100).draw([0], 2000)
    tokens = X[0].argmax(-1)
    is_symbol = tokens < 2
    assert (is_symbol.sum(1) == 2).all()
    places = is_symbol.nonzero()[:, 1].reshape(-1, 2)
    assert places.amin(0).tolist() == [10, 50]
    assert places.amax(0).tolist() == [19, 59]
    first, second = tokens.gather(1, places).T
    assert torch.equal(y[0], 2 * first + second)


def test_delayed_recall_is_its_own_past():
    X, y = delayed_recall(30, 4).draw([0], 7)
    assert torch.equal(2.0 * y[0, :, 4:] - 1, X[0, :, :-4, 0])
    X, y = delayed_recall(30, 0).draw([0], 7)
    assert torch.equal(2.0 * y[0] - 1, X[0, ..., 0])


def test_windows_follow_each_other():
    X, y = delayed_recall(23, 2).draw([0, 1], 3)
    cut = list(windows(X, y, 5))
    assert len(cut) == 4
    assert torch.equal(torch.cat([x for x, _ in cut], dim=2), X[:, :, :20])
    assert torch.equal(torch.cat([t for _, t in cut], dim=2), y[:, :, :20])


def test_pixel_digits_are_the_digits_one_pixel_a_step():
    flat, images = digits(), pixel_digits()
    assert images.X_train.shape == (1297, 64, 1)
    assert torch.equal(images.X_test[..., 0], flat.X_test)
    assert torch.equal(images.y_train, flat.y_train)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: latch(3), "T must be an integer >= 4; got 3"),
        (lambda: latch(9, noise=-1), "noise must be a finite number >= 0; got -1"),
        (lambda: latch(9, shown=0), "shown must be an integer >= 1; got 0"),
        (lambda: adding(1), "T must be an integer >= 2; got 1"),
        (lambda: copy_memory(0), "delay must be an integer >= 1; got 0"),
        (lambda: copy_memory(5, symbols=1), "symbols must be an integer >= 2; got 1"),
        (lambda: temporal_order(9), "T must be an integer >= 10; got 9"),
        (lambda: delayed_recall(9, -1), "delay must be an integer >= 0; got -1"),
        (lambda: latch(9).batches([0], 0), "batch_size must be an integer >= 1; got 0"),
        (lambda: latch(9).batches([], 4), "seeds must hold at least one seed"),
        (lambda: next(windows(*latch(9).draw([0], 2), 10)), "width must be at most 9"),
    ],
)
def test_bad_arguments_say_what_is_allowed(call, message):
    with pytest.raises(ValueError, match=message):
        call()
