"""The spectrum of a deep Jacobian, against closed forms, moments and random matrices."""

import math

import numpy as np
import pytest

from helpers import activations
from helpers.theory import (
    derivative_second_moment,
    gaussian_mean,
    largest_singular_value,
    largest_singular_value_error,
    singular_value_density,
)


def moments(activation, q, depth, orthogonal, sigma_w2=None):
    """Share of directions, mean of s^2 and variance of s^2, by integrating the density."""
    sigma_w2 = sigma_w2 or float(1 / derivative_second_moment(activation, q))
    top = largest_singular_value(activation, q, sigma_w2, depth, orthogonal=orthogonal)
    s = np.geomspace(1e-6, 1.02 * top, 40_000)
    density = singular_value_density(activation, q, sigma_w2, depth, s, orthogonal=orthogonal)
    share, mean, square = (np.trapezoid(density * s**k, np.log(s)) for k in (0, 2, 4))
    return share, mean, square - mean**2


def kappa(activation, q):
    slope = activations.get(activation).derivative
    fourth = gaussian_mean(lambda z: slope(z) ** 4, q)
    return float(fourth / derivative_second_moment(activation, q) ** 2)


@pytest.mark.parametrize("depth", [1, 2, 5, 20, 100])
def test_the_largest_value_of_a_gaussian_product_has_its_closed_form(depth):
    expected = (depth + 1) ** (depth + 1) / depth**depth
    for sigma_w2 in (1.0, 0.3):
        largest = largest_singular_value("linear", 1.0, sigma_w2, depth)
        assert largest**2 == pytest.approx(expected * sigma_w2**depth, rel=1e-9)


@pytest.mark.parametrize("depth", [2, 3, 20, 100])
def test_relu_with_orthogonal_weights_reaches_as_far_as_one_gaussian_layer_less(depth):
    largest = largest_singular_value("relu", 7.0, 2.0, depth, orthogonal=True)
    gaussian = largest_singular_value("linear", 1.0, 1.0, depth - 1)
    assert largest == pytest.approx(gaussian, rel=1e-9)


def test_rotations_without_activation_stretch_by_their_gain():
    largest = largest_singular_value("linear", 1.0, 1.44, 5, orthogonal=True)
    assert largest == pytest.approx(1.2**5, rel=1e-9)
    error = largest_singular_value_error("linear", 1.0, 1.44, 5, 100, orthogonal=True)
    assert error == pytest.approx(0, abs=1e-9)


def test_one_tanh_layer_with_a_rotation_stretches_by_its_steepest_slope():
    largest = largest_singular_value("tanh", 2.0, 1.0, 1, orthogonal=True)
    assert largest == pytest.approx(1, rel=1e-3)


@pytest.mark.parametrize(("activation", "q"), [("tanh", 0.2), ("gelu", 1.0), ("sigmoid", 1.0)])
@pytest.mark.parametrize("orthogonal", [False, True])
@pytest.mark.parametrize("depth", [2, 5])
def test_mean_and_variance_of_the_density_have_their_closed_forms(activation, q, orthogonal, depth):
    share, mean, variance = moments(activation, q, depth, orthogonal)
    if depth == 2:  # with more layers, many singular values are below the grid's 1e-6
        assert share == pytest.approx(1, abs=0.01)
    assert mean == pytest.approx(1, rel=1e-3)
    expected = depth * (kappa(activation, q) - orthogonal)
    assert variance == pytest.approx(expected, rel=0.01)


def test_the_mean_is_chi_to_the_power_of_the_depth():
    _, mean, _ = moments("tanh", 1.0, 6, False, sigma_w2=1.5)
    assert mean == pytest.approx((1.5 * derivative_second_moment("tanh", 1.0)) ** 6, rel=1e-3)


def test_relu_keeps_half_of_the_directions():
    share, mean, _ = moments("relu", 1.0, 3, True)
    assert share == pytest.approx(0.5, abs=0.005)
    assert mean == pytest.approx(1, rel=1e-3)


def test_nothing_lies_outside_the_spectrum():
    settings = ("tanh", 0.02, 1.04, 4)
    density = singular_value_density(*settings, [1e-6, 0.01, 1.0, 5.0], orthogonal=True)
    assert density[2] > 1
    np.testing.assert_allclose(density[[0, 1, 3]], 0, atol=1e-3)


def products(activation, depth, width, replicas):
    """Singular values of random products W D with slopes drawn as mean field says, q = 1."""
    rng = np.random.default_rng(5)
    slope = activations.get(activation).derivative
    sigma = math.sqrt(1 / derivative_second_moment(activation, 1.0))
    J = np.broadcast_to(np.eye(width), (replicas, width, width))
    for _ in range(depth):
        Q = np.linalg.qr(rng.standard_normal(J.shape))[0]
        J = sigma * (J @ Q) * slope(rng.standard_normal((replicas, 1, width)))
    return np.linalg.svd(J, compute_uv=False), sigma**2


def test_density_and_edge_agree_with_random_matrices():
    values, sigma_w2 = products("tanh", 4, 120, 24)
    s = np.quantile(values, [0.2, 0.4, 0.6, 0.8])
    top = largest_singular_value("tanh", 1.0, sigma_w2, 4, orthogonal=True)
    grid = np.geomspace(1e-5, top, 20_000)
    density = singular_value_density("tanh", 1.0, sigma_w2, 4, grid, orthogonal=True)
    below = np.cumsum(density) * np.log(grid[1] / grid[0])
    np.testing.assert_allclose(np.interp(s, grid, below), [0.2, 0.4, 0.6, 0.8], atol=0.02)
    error = largest_singular_value_error("tanh", 1.0, sigma_w2, 4, 120, orthogonal=True)
    mean, sem = values[:, 0].mean(), values[:, 0].std(ddof=1) / math.sqrt(24)
    assert abs(mean - (top - error)) < 5 * sem
    assert 0 < error < 0.1 * top


def test_the_error_falls_like_the_width_to_two_thirds():
    narrow, wide = (largest_singular_value_error("relu", 1.0, 2.0, 3, n) for n in (100, 800))
    assert narrow / wide == pytest.approx(4, rel=1e-9)


def test_the_error_of_one_gaussian_matrix_is_that_of_johnstone():
    # squared: edge 4, Tracy-Widom scale 2^(4/3) n^(-2/3)
    error = largest_singular_value_error("linear", 1.0, 1.0, 1, 100)
    assert 2 * 2 * error == pytest.approx(1.2065336 * 2 ** (4 / 3) * 100 ** (-2 / 3), rel=1e-3)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (("tanh", 0.0, 1.0, 3), "q must be"),
        (("tanh", 1.0, -1.0, 3), "sigma_w2 must be"),
        (("tanh", 1.0, 1.0, 0), "depth must be"),
        (("tanh2", 1.0, 1.0, 3), "activation must be"),
    ],
)
def test_bad_settings_are_named(settings, message):
    with pytest.raises(ValueError, match=message):
        largest_singular_value(*settings)


def test_the_density_says_where_there_is_none():
    with pytest.raises(ValueError, match="depth must be >= 2"):
        singular_value_density("tanh", 1.0, 1.0, 1, [0.5], orthogonal=True)
    with pytest.raises(ValueError, match="not linear"):
        singular_value_density("linear", 1.0, 1.0, 3, [0.5], orthogonal=True)
    with pytest.raises(ValueError, match="s must be > 0"):
        singular_value_density("tanh", 1.0, 1.0, 3, [0.0, 1.0])
