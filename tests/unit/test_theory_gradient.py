"""The backward factor chi, its profiles, its depth scale and its error at finite width."""

import math

import numpy as np
import pytest
from scipy import integrate

from helpers.activations import ACTIVATIONS, Activation, get
from helpers.gradients import per_layer_factor
from helpers.theory import (
    chi,
    correlation_map,
    correlation_slope,
    depth_scale,
    finite_width_error,
    gradient_factor,
    gradient_profile,
    log10_gradient_profile,
    variance_fixed_point,
    variance_map,
    variance_trajectory,
)

NAMES = sorted(ACTIVATIONS)
SMOOTH = ["sigmoid", "tanh", "gelu", "silu", "linear"]


def test_chi_has_the_closed_forms_that_exist():
    q = np.array([1e-6, 1.0, 1e6])
    np.testing.assert_allclose(chi("relu", q, 1.7), 0.85, rtol=1e-12)
    np.testing.assert_allclose(chi("leaky_relu", q, 1.7), 0.85 * (1 + 1e-4), rtol=1e-12)
    np.testing.assert_allclose(chi("linear", q, 1.7), 1.7, rtol=1e-12)
    gaussian = Activation("", None, lambda z: np.exp(-z * z), None, None)
    np.testing.assert_allclose(chi(gaussian, q, 3.0), 3 / np.sqrt(1 + 4 * q), rtol=1e-12)
    assert chi("tanh", 0.0, 1.0) == pytest.approx(1.0)


def test_chi_of_a_saturated_sigmoid_falls_like_one_over_the_scale():
    # a density 1 / sqrt(2 pi q) at 0 times the integral of sigma'^2, which is 1/6
    q = np.array([1e8, 1e16, 1e24])
    np.testing.assert_allclose(chi("sigmoid", q, 1.0), 1 / 6 / np.sqrt(2 * np.pi * q), rtol=1e-6)


def test_chi_broadcasts():
    assert chi("tanh", np.ones((3, 1)), np.ones(2)).shape == (3, 2)
    assert isinstance(chi("tanh", 1, 1), float)


@pytest.mark.parametrize("name", ["relu", "leaky_relu", "linear"])
def test_chi_is_the_slope_of_the_variance_map_where_scale_does_not_matter(name):
    slope = variance_map(name, 2.5, 1.3, 0.2) - variance_map(name, 1.5, 1.3, 0.2)
    assert chi(name, 2.0, 1.3) == pytest.approx(float(slope), rel=1e-12, abs=0)


@pytest.mark.parametrize("name", SMOOTH)
@pytest.mark.parametrize("weight", [0.8, 1.9])
def test_chi_is_the_slope_at_1_of_the_correlation_map_at_the_fixed_point(name, weight):
    bias = 0.1
    q = variance_fixed_point(name, weight, bias)
    if math.isinf(q):
        q = 2.0  # no fixed point: the slope is then chi q / V(q)
    factor = float(chi(name, q, weight)) * q / float(variance_map(name, q, weight, bias))
    assert correlation_slope(name, 1.0, q, weight, bias) == pytest.approx(factor, rel=1e-11, abs=0)
    h = 1e-5
    ends = [correlation_map(name, c, q, weight, bias) for c in (1, 1 - h, 1 - 2 * h)]
    one_sided = (3 * ends[0] - 4 * ends[1] + ends[2]) / (2 * h)
    assert one_sided == pytest.approx(factor, rel=1e-5, abs=0)


def test_a_depth_scale_is_the_layers_per_factor_of_e():
    assert depth_scale(math.exp(-0.25)) == pytest.approx(4)
    assert depth_scale(math.exp(0.25)) == pytest.approx(-4)
    assert depth_scale([1.0, 1 - 1e-16, 0.0]).tolist() == [math.inf, math.inf, 0.0]
    assert depth_scale(np.full((2, 1), 0.5)).shape == (2, 1)
    with pytest.raises(ValueError, match=r"factor must be >= 0; got -0\.5"):
        depth_scale(-0.5)


def test_the_gradient_explodes_at_another_rate_than_correlations_decay():
    # Schoenholz et al. (2017): sigma_w = 2.5, sigma_b^2 = 0.05
    q = variance_fixed_point("tanh", 6.25, 0.05)
    assert depth_scale(chi("tanh", q, 6.25)) == pytest.approx(-2.14, abs=0.005)


def mean_squared_slope(name, q):
    slope = get(name).derivative

    def integrand(z):
        density = math.exp(-z * z / (2 * q)) / math.sqrt(2 * math.pi * q)
        return float(slope(np.array(z)) ** 2 + slope(np.array(-z)) ** 2) * density

    return integrate.quad(integrand, 0, 12 * math.sqrt(q), epsabs=1e-14, limit=200)[0]


@pytest.mark.parametrize("name", NAMES)
def test_a_profile_is_the_product_of_the_chis_above(name):
    weight, bias, depth = 1.4, 0.3, 6
    q = variance_trajectory(name, weight, bias, depth, 0.8)
    factors = [weight * mean_squared_slope(name, float(value)) for value in q]
    expected = [math.prod(factors[layer : depth - 1]) for layer in range(depth)]
    profile = gradient_profile(name, weight, bias, depth, 0.8)
    np.testing.assert_allclose(profile, expected, rtol=1e-10)
    logs = log10_gradient_profile(name, weight, bias, depth, 0.8)
    np.testing.assert_allclose(logs, np.log10(expected), atol=1e-10)
    assert gradient_factor(name, weight, bias, depth, 0.8) == pytest.approx(
        float(per_layer_factor(np.sqrt(expected))), rel=1e-10
    )


def test_a_thousand_layers_do_not_underflow():
    logs = log10_gradient_profile("sigmoid", 1.0, 0.0, 1000)
    fixed = chi("sigmoid", variance_fixed_point("sigmoid", 1.0), 1.0)
    assert logs[0] == pytest.approx(999 * math.log10(fixed), abs=0.2)
    assert logs[0] < -1200
    assert gradient_profile("sigmoid", 1.0, 0.0, 1000)[0] == 0.0
    # the variance itself underflows here, and ReLU does not mind
    relu = log10_gradient_profile("relu", 0.02, 0.0, 1000)
    np.testing.assert_allclose(relu, -2.0 * np.arange(999, -1, -1), rtol=1e-10)
    assert gradient_factor("relu", 0.02, 0.0, 1000) == pytest.approx(0.01, rel=1e-10, abs=0)
    assert log10_gradient_profile("relu", 3.0, 0.0, 1000)[0] == pytest.approx(999 * math.log10(1.5))


def test_profiles_have_one_column_per_input():
    m0 = np.array([[0.1, 1.0, 9.0]])
    profile = gradient_profile("tanh", 1.0, 0.1, 7, m0)
    assert profile.shape == (7, 1, 3)
    assert (profile[-1] == 1).all()
    np.testing.assert_allclose(profile[:, 0, 2], gradient_profile("tanh", 1.0, 0.1, 7, 9.0))
    assert gradient_factor("tanh", 1.0, 0.1, 7, m0).shape == (1, 3)


def test_one_layer_and_no_weights():
    assert gradient_profile("tanh", 1.0, 0.0, 1).tolist() == [1.0]
    assert log10_gradient_profile("tanh", 1.0, 0.0, 1, [1, 2]).tolist() == [[0.0, 0.0]]
    assert gradient_profile("tanh", 0.0, 1.0, 3).tolist() == [0.0, 0.0, 1.0]
    assert gradient_factor("tanh", 0.0, 1.0, 3) == 0.0
    with pytest.raises(ValueError, match="depth must be an integer >= 2; got 1"):
        gradient_factor("tanh", 1.0, 0.0, 1)


def test_the_error_of_finite_width_in_closed_form():
    assert finite_width_error("relu", 1.0, 100) == pytest.approx(5 / 200, rel=1e-12, abs=0)
    assert finite_width_error("linear", 3.0, 100) == pytest.approx(2 / 200, rel=1e-12, abs=0)
    assert finite_width_error("relu", 0.0, 100) == pytest.approx(5 / 200, rel=1e-12, abs=0)
    gaussian = Activation("", None, lambda z: np.exp(-z * z), None, None)
    kappa = (1 + 4 * 0.7) / math.sqrt(1 + 8 * 0.7)
    expected = pytest.approx((3 * kappa - 1) / 20, rel=1e-12, abs=0)
    assert finite_width_error(gaussian, 0.7, 10) == expected
    assert finite_width_error("tanh", [[1.0, 2.0]], 10).shape == (1, 2)


@pytest.mark.parametrize("name", ["relu", "linear", "tanh", "elu"])
def test_the_error_of_finite_width_is_what_random_layers_show(name):
    """The logarithm of the factor of one layer backward, over random weights."""
    rng, n, layers, q = np.random.default_rng(0), 40, 4000, 1.5
    slope = get(name).derivative
    v = rng.normal(size=(layers, n, 1))
    W = rng.normal(size=(layers, n, n)) / math.sqrt(n)
    D = slope(rng.normal(size=(layers, n, 1)) * math.sqrt(q))
    logs = np.log(((D * (W @ v)) ** 2).sum(axis=1) / (v**2).sum(axis=1))[:, 0]
    drop = math.log(chi(name, q, 1.0)) - logs.mean()
    error = float(finite_width_error(name, q, n))
    assert drop == pytest.approx(error, abs=5 * logs.std() / math.sqrt(layers) + error * 6 / n)
    assert logs.var() == pytest.approx(2 * error, rel=0.2)


def test_a_product_of_random_relu_layers_drifts_by_the_error_per_layer():
    rng, n, depth, replicas = np.random.default_rng(1), 40, 10, 1000
    h = rng.normal(size=(replicas, n, 1))
    weights, masks = [], []
    for _ in range(depth):
        weights.append(rng.normal(size=(replicas, n, n)) * math.sqrt(2 / n))
        z = weights[-1] @ h
        masks.append(z > 0)
        h = np.maximum(z, 0)
    delta = rng.normal(size=(replicas, n, 1))
    before = (delta**2).sum(axis=(1, 2))
    for W, mask in zip(reversed(weights), reversed(masks)):
        delta = W.transpose(0, 2, 1) @ (mask * delta)
    logs = np.log((delta**2).sum(axis=(1, 2)) / before) / depth
    error = float(finite_width_error("relu", 1.0, n))
    sem = logs.std() / math.sqrt(replicas)
    assert logs.mean() == pytest.approx(-error, abs=5 * sem)
    assert error > 8 * sem  # so that the line above says something
    assert logs.var() * depth == pytest.approx(5 / n, rel=0.3)  # Hanin & Nica (2020)


def test_a_width_or_an_activation_without_slope_is_refused():
    with pytest.raises(ValueError, match="width must be an integer >= 1; got 0"):
        finite_width_error("relu", 1.0, 0)
    flat = Activation("flat", np.zeros_like, np.zeros_like, None, None)
    with pytest.raises(ValueError, match="activation must have a slope above 0 somewhere"):
        finite_width_error(flat, 1.0, 10)
