"""The correlation of two inputs, from layer to layer and in the end."""

import math

import numpy as np
import pytest
from scipy import special

from helpers.activations import ACTIVATIONS, Activation
from helpers.theory import (
    chi,
    correlation_depth_scale,
    correlation_fixed_point,
    correlation_map,
    correlation_slope,
    correlation_trajectory,
    depth_scale,
    relu_correlation_map,
    variance_fixed_point,
    variance_map,
    variance_trajectory,
)

NAMES = sorted(ACTIVATIONS)
C = [-1.0, -0.6, 0.0, 0.3, 0.9, 1 - 1e-9, 1.0]
ERF = Activation("erf", special.erf, lambda z: 2 / math.sqrt(math.pi) * np.exp(-z * z), None, None)


@pytest.mark.parametrize("c", C)
@pytest.mark.parametrize("q", [1e-9, 0.8, 1e6])
def test_relu_follows_the_arc_cosine_kernel_at_any_variance(c, q):
    angle = math.acos(c)
    kernel = (math.sin(angle) + c * (math.pi - angle)) / math.pi  # Cho & Saul (2009)
    assert relu_correlation_map(c) == pytest.approx(kernel, abs=1e-14)
    assert correlation_map("relu", c, q, 1.7) == pytest.approx(kernel, abs=1e-10)
    slope = (math.pi - angle) / math.pi
    assert correlation_slope("relu", c, q, 1.7) == pytest.approx(slope, abs=1e-10)


@pytest.mark.parametrize("c", C)
@pytest.mark.parametrize("q", [1e-9, 0.8, 30.0])
@pytest.mark.parametrize(("weight", "bias"), [(1.3, 0.0), (2.5, 0.4)])
def test_linear_and_erf_have_closed_forms_too(c, q, weight, bias):
    linear = (weight * q * c + bias) / (weight * q + bias)
    assert correlation_map("linear", c, q, weight, bias) == pytest.approx(linear, abs=1e-10)

    def covariance(c):  # Williams (1997)
        return weight * 2 / math.pi * math.asin(2 * q * c / (1 + 2 * q)) + bias

    erf = covariance(c) / covariance(1.0)
    assert correlation_map(ERF, c, q, weight, bias) == pytest.approx(erf, abs=1e-9)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("c", [-0.8, 0.0, 0.5, 0.95])
def test_the_slope_is_that_of_the_map(name, c):
    h, settings = 1e-4, (1.4, 1.6, 0.2)
    slope = correlation_map(name, c + h, *settings) - correlation_map(name, c - h, *settings)
    assert correlation_slope(name, c, *settings) == pytest.approx(slope / (2 * h), rel=2e-6)


@pytest.mark.parametrize("name", NAMES)
def test_equal_inputs_stay_equal(name):
    assert correlation_map(name, 1.0, 0.7, 1.6, 0.2) == pytest.approx(1.0, abs=1e-12)
    trajectory = correlation_trajectory(name, 1.0, 1.6, 0.2, 4)
    np.testing.assert_allclose(trajectory, 1.0, atol=1e-12)
    assert correlation_map(name, 0.2, 0.0, 1.6, 0.2) == pytest.approx(1.0)  # nothing but biases


@pytest.mark.parametrize("name", NAMES)
def test_chi_at_the_fixed_point_is_the_slope_for_equal_inputs(name):
    weight, bias = 0.7, 0.2
    q = variance_fixed_point(name, weight, bias)
    slope = correlation_slope(name, 1.0, q, weight, bias)
    assert slope == pytest.approx(float(chi(name, q, weight)), rel=1e-11)


def test_a_trajectory_starts_at_the_first_layer_and_repeats_the_map():
    c = correlation_trajectory("tanh", 0.3, 1.8, 0.1, 5, 0.6)
    q = variance_trajectory("tanh", 1.8, 0.1, 5, 0.6)
    assert c.shape == (5,)
    assert c[0] == pytest.approx((1.8 * 0.6 * 0.3 + 0.1) / (1.8 * 0.6 + 0.1))
    for layer in range(4):
        assert c[layer + 1] == correlation_map("tanh", c[layer], q[layer], 1.8, 0.1)
    relu = correlation_trajectory("relu", 0.0, 2.0, 0.0, 6)
    assert relu[[1, 2, 5]] == pytest.approx([0.318, 0.494, 0.736], abs=6e-4)
    np.testing.assert_allclose(relu[1:], relu_correlation_map(relu[:-1]), rtol=1e-10)
    assert correlation_trajectory("tanh", -1.0, 2.0, 0.0, 3) == pytest.approx([-1, -1, -1])


def test_ordered_networks_make_all_inputs_alike():
    assert correlation_fixed_point("tanh", 0.5, 0.1) == 1.0
    assert correlation_fixed_point("sigmoid", 1.0) == 1.0
    assert correlation_fixed_point("relu", 2.0) == 1.0


@pytest.mark.parametrize(("weight", "bias"), [(1.2, 0.05), (2.0, 0.3), (6.25, 0.05), (25.0, 0.5)])
def test_chaotic_networks_keep_inputs_at_a_distance(weight, bias):
    q = variance_fixed_point("tanh", weight, bias)
    c = correlation_fixed_point("tanh", weight, bias)
    if chi("tanh", q, weight) <= 1:
        assert c == 1.0
        return
    assert 0 < c < 1
    assert correlation_map("tanh", c, q, weight, bias) == pytest.approx(c, abs=1e-10)
    for start in (0.0, 0.99):
        m0 = (q - bias) / weight
        c0 = (start * q - bias) / (weight * m0)
        end = correlation_trajectory("tanh", c0, weight, bias, 120, m0)[-1]
        assert end == pytest.approx(c, abs=1e-4)


def test_without_biases_orthogonal_inputs_of_an_odd_network_stay_orthogonal():
    assert correlation_fixed_point("tanh", 4.0) == 0.0
    q = variance_fixed_point("tanh", 4.0)
    assert correlation_map("tanh", 0.0, q, 4.0) == pytest.approx(0.0, abs=1e-13)


def test_just_above_the_edge_of_chaos_inputs_part():
    # expand at c = 1: c' = 1 - chi e + C e^2, so e = (chi - 1) / C with C half the curvature
    weight, bias = 1.7650, 0.05
    q = variance_fixed_point("tanh", weight, bias)
    excess = float(chi("tanh", q, weight)) - 1
    assert 0 < excess < 0.01
    h = 1e-3
    slopes = [correlation_slope("tanh", c, q, weight, bias) for c in (1.0, 1 - h)]
    half_curvature = (slopes[0] - slopes[1]) / (2 * h)
    distance = 1 - correlation_fixed_point("tanh", weight, bias)
    assert distance == pytest.approx(excess / half_curvature, rel=0.05)


def test_the_two_depth_scales_differ_in_the_chaotic_phase_and_agree_in_the_ordered_one():
    q = variance_fixed_point("tanh", 6.25, 0.05)
    assert correlation_depth_scale("tanh", 6.25, 0.05) == pytest.approx(5.31, abs=0.005)
    assert float(depth_scale(chi("tanh", q, 6.25))) == pytest.approx(-2.14, abs=0.005)
    q = variance_fixed_point("tanh", 0.8, 0.05)
    expected = float(depth_scale(chi("tanh", q, 0.8)))
    assert correlation_depth_scale("tanh", 0.8, 0.05) == pytest.approx(expected, rel=1e-10)
    assert correlation_depth_scale("relu", 2.0) == math.inf


def test_the_depth_scale_is_the_rate_at_which_the_fixed_point_is_approached():
    weight, bias = 6.25, 0.05
    q = variance_fixed_point("tanh", weight, bias)
    m0 = (q - bias) / weight
    c = correlation_trajectory("tanh", 0.5, weight, bias, 40, m0)
    gap = np.abs(c - correlation_fixed_point("tanh", weight, bias))
    measured = -1 / np.log(gap[30] / gap[29])
    assert measured == pytest.approx(correlation_depth_scale("tanh", weight, bias), rel=0.01)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("weight", "bias"), [(0.9, 0.2), (1.9, 0.1), (9.0, 0.01)])
def test_every_activation_has_an_end_or_says_why_not(name, weight, bias):
    q = variance_fixed_point(name, weight, bias)
    if math.isinf(q):
        with pytest.raises(ValueError, match="which lead to q\\* = inf"):
            correlation_fixed_point(name, weight, bias)
        return
    c = correlation_fixed_point(name, weight, bias)
    assert -1 <= c <= 1
    assert correlation_map(name, c, q, weight, bias) == pytest.approx(c, abs=1e-9)
    assert correlation_slope(name, c, q, weight, bias) <= 1 + 1e-9  # it attracts


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: correlation_map("tanh", 1.2, 1, 1), r"c must be one correlation in \[-1, 1\]"),
        (lambda: correlation_map("tanh", 0, -1, 1), "q must be >= 0; got -1"),
        (lambda: correlation_map("tanh", 0, [1, 2], 1), "q must be one number; got an array"),
        (lambda: correlation_map("tanh", 0, 1, [1, 2]), "sigma_w2 must be one number"),
        (lambda: correlation_map("tanh", 0, 1, 1, math.inf), "sigma_b2 must be finite"),
        (lambda: correlation_map("tanh", 0, 0, 1), "must give the next layer a variance; got 0"),
        (lambda: correlation_slope("tanh", 0, 1, 0), "must give the next layer a variance; got 0"),
        (lambda: correlation_map("selu2", 0, 1, 1), "activation must be one of"),
        (lambda: correlation_trajectory("tanh", 0, 1, 0, 3, 0), "must give layer 1 a variance"),
        (lambda: correlation_trajectory("tanh", 2, 1, 0, 3), "c must be one correlation"),
        (lambda: correlation_trajectory("tanh", 0, 1, 0, 3, [1, 2]), "input_second_moment must be"),
        (lambda: correlation_trajectory("tanh", 0, 1, 0, 0), "depth must be an integer >= 1"),
        (lambda: correlation_fixed_point("tanh", 1.0), r"which lead to q\* = 0"),
        (lambda: correlation_depth_scale("relu", 3.0), r"which lead to q\* = inf"),
        (lambda: relu_correlation_map([0, 1.5]), r"c must be correlations in \[-1, 1\]"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_the_map_needs_no_more_than_the_next_layers_variance():
    assert variance_map("sigmoid", 0.0, 1.0) == pytest.approx(0.25)
    assert correlation_map("sigmoid", 0.5, 0.0, 1.0) == pytest.approx(1.0)
