"""The variance map, its trajectories and its fixed points."""

import itertools
import math

import numpy as np
import pytest
from scipy import special

from helpers.activations import ACTIVATIONS, Activation
from helpers.theory import (
    derivative_second_moment,
    second_moment,
    variance_fixed_point,
    variance_map,
    variance_trajectory,
)

NAMES = sorted(ACTIVATIONS)
ERF = Activation("erf", special.erf, lambda z: 2 / math.sqrt(math.pi) * np.exp(-z * z), None, None)


def erf_map(q, weight, bias):
    """Williams (1997): E erf(sqrt(q) u)^2 in closed form."""
    return weight * 2 / math.pi * math.asin(2 * q / (1 + 2 * q)) + bias


@pytest.mark.parametrize("q", [0.0, 1e-9, 0.2, 1.0, 50.0])
@pytest.mark.parametrize(("weight", "bias"), [(0.0, 0.3), (1.0, 0.0), (2.5, 0.7)])
def test_the_map_has_the_closed_forms_that_exist(q, weight, bias):
    leaky = (1 + 0.01**2) / 2
    for activation, share in (("relu", 0.5), ("linear", 1.0), ("leaky_relu", leaky)):
        expected = pytest.approx(weight * q * share + bias, rel=1e-13, abs=0)
        assert variance_map(activation, q, weight, bias) == expected
    assert variance_map(ERF, q, weight, bias) == pytest.approx(
        erf_map(q, weight, bias), rel=1e-12, abs=0
    )


def test_at_variance_0_a_layer_sees_zeros():
    for name, phi in ACTIVATIONS.items():
        assert second_moment(name, 0.0) == float(phi.function(np.array(0.0))) ** 2
    assert derivative_second_moment("sigmoid", 0) == pytest.approx(1 / 16)
    assert derivative_second_moment("tanh", 0) == pytest.approx(1)
    assert derivative_second_moment("relu", 0) == pytest.approx(1 / 2)
    assert derivative_second_moment("leaky_relu", 0) == pytest.approx((1 + 1e-4) / 2)


def test_arguments_broadcast_elementwise():
    q, weight, bias = np.array([[0.5], [2.0]]), np.array([1.0, 2.0, 3.0]), 0.1
    together = variance_map("tanh", q, weight, bias)
    assert together.shape == (2, 3)
    for i in range(2):
        for j in range(3):
            alone = variance_map("tanh", q[i, 0], weight[j], bias)
            assert together[i, j] == pytest.approx(float(alone), rel=1e-14, abs=0)
    assert variance_map("tanh", 1.0, 1.0, [0.0, 0.5]).shape == (2,)


@pytest.mark.parametrize("name", NAMES)
def test_the_map_increases_for_the_whole_table(name):
    moments = second_moment(name, 2.0 ** np.arange(-60, 61, 0.5))
    assert (np.diff(moments) > -1e-15 * moments[1:]).all()
    assert (np.diff(moments[80:160:5]) > 0).all()


def test_a_trajectory_starts_at_the_first_layer_and_repeats_the_map():
    q = variance_trajectory("tanh", 1.5, 0.2, 6, 0.7)
    assert q.shape == (6,)
    assert q[0] == 1.5 * 0.7 + 0.2
    for before, after in itertools.pairwise(q):
        assert after == variance_map("tanh", before, 1.5, 0.2)
    relu = variance_trajectory("relu", 2.0, 0.1, 40, 3.0)
    np.testing.assert_allclose(relu, 6.1 + 0.1 * np.arange(40), rtol=1e-12)


@pytest.mark.parametrize("shape", [(), (1,), (4,), (2, 3)])
def test_a_trajectory_has_one_column_per_input(shape):
    m0 = np.random.default_rng(0).uniform(0.1, 3, shape)
    q = variance_trajectory("gelu", 1.3, 0.1, 5, m0)
    assert q.shape == (5, *shape)
    alone = variance_trajectory("gelu", 1.3, 0.1, 5, m0.ravel()[-1])
    np.testing.assert_allclose(q.reshape(5, -1)[:, -1], alone, rtol=1e-13)
    assert variance_trajectory("gelu", 1.3, 0.1, 1, m0).shape == (1, *shape)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("weight", "bias"), [(0.9, 0.2), (1.5, 0.05), (1e-6, 1e-20), (0.0, 2.0)])
def test_the_fixed_point_is_where_iteration_ends(name, weight, bias):
    fixed = variance_fixed_point(name, weight, bias)
    if name == "linear" and weight > 1:
        assert fixed == math.inf
        return
    assert float(variance_map(name, fixed, weight, bias)) == pytest.approx(fixed, rel=1e-12, abs=0)
    start = weight + bias if weight < 1e-3 else 1.0
    end = variance_trajectory(name, weight, bias, 600, (start - bias) / weight if weight else 1.0)
    assert end[-1] == pytest.approx(fixed, rel=1e-6, abs=0)


@pytest.mark.parametrize(
    ("activation", "weight", "bias", "fixed"),
    [
        ("tanh", 1.0, 0.0, 0.0),  # critical: iteration would need 1e8 layers for 1e-8
        ("tanh", 0.5, 0.0, 0.0),
        ("relu", 1.9, 0.0, 0.0),
        ("relu", 0.0, 0.0, 0.0),
        ("relu", 2.0, 0.0, 1.0),
        ("linear", 1.0, 0.0, 1.0),
        ("relu", 2.1, 0.0, math.inf),
        ("relu", 2.0, 0.1, math.inf),
        ("selu", 3.0, 0.0, math.inf),
        ("relu", 1.0, 0.5, 1.0),
        ("relu", 1.0, 1e-30, 2e-30),
        ("relu", 1.9999, 0.1, 2000.0),
        ("tanh", 0.5, 1e-20, 2e-20),
        ("sigmoid", 1e-20, 0.0, 0.25e-20),
        ("linear", 0.0, 3.0, 3.0),
        ("tanh", 1e20, 0.0, 1e20),
    ],
)
def test_fixed_points_that_are_known(activation, weight, bias, fixed):
    assert variance_fixed_point(activation, weight, bias) == pytest.approx(fixed, rel=1e-9, abs=0)


def test_selu_keeps_unit_variance():
    # Klambauer et al. (2017) choose its two constants for that, with sigma_w2 = 1
    assert variance_map("selu", 1.0, 1.0) == pytest.approx(1.0, rel=1e-12, abs=0)
    assert variance_fixed_point("selu", 1.0) == pytest.approx(1.0, rel=1e-10, abs=0)


def test_of_two_fixed_points_close_together_the_first_is_approached():
    # SiLU's map is convex: at this weight and bias it dips just below the diagonal near q = 1.3
    m = [float(second_moment("silu", q)) for q in (1.3 - 1e-4, 1.3, 1.3 + 1e-4)]
    weight = 2e-4 / (m[2] - m[0])
    bias = 1.3 - weight * m[1] - 1e-3
    q = variance_fixed_point("silu", weight, bias)
    assert 1.05 < q < 1.25
    assert variance_map("silu", q, weight, bias) == pytest.approx(q, rel=1e-12, abs=0)
    assert variance_map("silu", 1.9, weight, bias) > 1.9  # it would grow from there
    assert variance_trajectory("silu", weight, bias, 3000, (1 - bias) / weight)[-1] < 1.25


def test_a_decreasing_map_has_its_fixed_point_too():
    cosine = Activation("cos", np.cos, lambda z: -np.sin(z), None, None)
    q = variance_fixed_point(cosine, 1.0, 0.0)
    assert q == pytest.approx((1 + math.exp(-2 * q)) / 2, rel=1e-12, abs=0)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: variance_map("relu2", 1, 1), ValueError, "activation must be one of"),
        (lambda: variance_map("relu", -1, 1), ValueError, "q must be >= 0; got -1"),
        (lambda: variance_map("relu", 1, -2), ValueError, "sigma_w2 must be >= 0; got -2"),
        (lambda: variance_map("relu", 1, 1, math.nan), ValueError, "sigma_b2 must be finite"),
        (lambda: variance_trajectory("relu", 1, 0, 0), ValueError, "depth must be an integer >= 1"),
        (lambda: variance_trajectory("relu", 1, 0, 2.0), TypeError, "depth must be an integer"),
        (
            lambda: variance_trajectory("relu", 1, 0, 2, -1),
            ValueError,
            "input_second_moment must be >= 0",
        ),
        (
            lambda: variance_trajectory("relu", 4, 0, 2000),
            OverflowError,
            "the variance exceeds float64 at layer 10.. of depth 2000",
        ),
        (
            lambda: variance_fixed_point("tanh", [1, 2]),
            ValueError,
            r"sigma_w2 must be one number; got an array of shape \(2,\)",
        ),
        (lambda: variance_fixed_point("tanh", 1, -1), ValueError, "sigma_b2 must be >= 0; got -1"),
    ],
)
def test_bad_input_is_named(call, error, message):
    with pytest.raises(error, match=message):
        call()
