"""Gaussian means against adaptive integration and against closed forms."""

import itertools
import math

import numpy as np
import pytest
from scipy import integrate, special

from helpers import activations
from helpers.activations import ACTIVATIONS
from helpers.theory import (
    correlated_gaussian_mean,
    derivative_second_moment,
    gaussian_mean,
    second_moment,
)

SCALES = [1e-12, 1e-6, 1e-3, 0.1, 1.0, 3.0, 1e3, 1e6]
HUGE = [1e10, 1e14, 1e20]


def integral(f, q):
    """E f(z), z ~ N(0, q), by scipy's adaptive quadrature over pieces that grow away from 0."""
    sd = math.sqrt(q)
    edges = np.unique(np.clip([0.0, *4.0 ** np.arange(-3, 36), 12 * sd], 0, 12 * sd))

    def integrand(z):
        return (f(np.array(z)) + f(np.array(-z))) * math.exp(-z * z / (2 * q))

    pieces = [
        integrate.quad(integrand, a, b, epsabs=0, epsrel=1e-13, limit=200)[0]
        for a, b in itertools.pairwise(edges)
        if integrand(a) or integrand((a + b) / 2)  # else quad looks for a relative error of 0
    ]
    return math.fsum(pieces) / math.sqrt(2 * math.pi * q)


def erf_product(q, c):
    """E erf(u) erf(v) = 2/pi arcsin(2 q c / (1 + 2 q)) (Williams 1997), with all its digits."""
    return 2 / math.pi * math.atan2(2 * q * c, math.sqrt(1 + 4 * q + 4 * q * q * (1 - c) * (1 + c)))


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
@pytest.mark.parametrize("q", SCALES + HUGE)
def test_moments_are_those_of_adaptive_integration(name, q):
    phi = activations.get(name)
    assert float(second_moment(name, q)) == pytest.approx(
        integral(lambda z: phi.function(z) ** 2, q), rel=1e-12, abs=0
    )
    assert float(derivative_second_moment(name, q)) == pytest.approx(
        integral(lambda z: phi.derivative(z) ** 2, q), rel=1e-12, abs=0
    )


@pytest.mark.parametrize("q", SCALES + HUGE)
def test_moments_with_a_closed_form(q):
    def close(f, value):
        assert float(gaussian_mean(f, q)) == pytest.approx(value, rel=1e-12, abs=0)

    close(np.ones_like, 1)
    close(lambda z: z**2, q)
    close(lambda z: z**4, 3 * q**2)
    close(np.abs, math.sqrt(2 * q / math.pi))
    close(lambda z: np.maximum(z, 0) ** 2, q / 2)
    close(lambda z: np.where(z > 0, 1.0, 0.01) ** 2, (1 + 1e-4) / 2)
    close(lambda z: special.erf(z) ** 2, erf_product(q, 1))
    close(special.ndtr, 0.5)
    close(lambda z: special.ndtr(z) ** 2, 0.25 + erf_product(q / 2, 1) / 4)
    close(lambda z: np.exp(-z * z), 1 / math.sqrt(1 + 2 * q))
    if q <= 3:
        close(np.cos, math.exp(-q / 2))
        close(np.exp, math.exp(q / 2))


def test_a_mean_is_elementwise_in_q_for_any_shape():
    q = np.random.default_rng(0).uniform(0, 9, (3, 1, 1001))  # more than one block
    mean = gaussian_mean(np.abs, q)
    np.testing.assert_allclose(mean, np.sqrt(2 * q / np.pi), rtol=1e-12)
    assert mean.shape == q.shape
    assert isinstance(gaussian_mean(np.abs, 2), float)
    assert gaussian_mean(np.abs, [[1, 4]]).shape == (1, 2)
    assert gaussian_mean(np.cos, 0) == 1


@pytest.mark.parametrize("q", [1e-12, 0.3, 1.0, 20.0, 1e6, 1e12])
@pytest.mark.parametrize("c", [-1.0, -0.7, 0.0, 1e-9, 0.99, 1 - 1e-9, 1 - 1e-14, 1.0])
def test_two_correlated_variables(q, c):
    """Kinked, jumping and smooth functions whose mean is known, at any correlation."""

    def close(f, g, value, size):
        assert correlated_gaussian_mean(f, g, q, c) == pytest.approx(value, abs=2e-11 * size)

    def relu(z):
        return np.maximum(z, 0)

    angle = math.acos(c)
    arc_cosine = (math.sin(angle) + c * (math.pi - angle)) * q / (2 * math.pi)
    close(lambda z: z, lambda z: z, c * q, q)
    close(relu, relu, arc_cosine, q)
    close(np.sign, np.sign, 2 / math.pi * math.asin(c), 1)
    close(lambda z: (z > 0) + 0.0, lambda z: (z > 0) + 0.0, (math.pi - angle) / (2 * math.pi), 1)
    close(relu, lambda z: z, c * q / 2, q)
    close(special.erf, special.erf, erf_product(q, c), 1)
    if q < 30:
        sines = (math.exp(-q * (1 - c)) - math.exp(-q * (1 + c))) / 2
        close(np.sin, np.sin, sines, 1)


@pytest.mark.parametrize("name", ["tanh", "sigmoid", "selu", "gelu"])
@pytest.mark.parametrize(("q", "c"), [(0.6, 0.3), (4.0, -0.8), (9.0, 0.95)])
def test_two_correlated_variables_by_double_integration(name, q, c):
    phi, sd, s = activations.get(name).function, math.sqrt(q), math.sqrt(1 - c * c)

    def integrand(b, a):
        u, v = np.array(sd * a), np.array(sd * (c * a + s * b))
        return phi(u) * phi(v) * math.exp(-(a * a + b * b) / 2) / (2 * math.pi)

    expected = sum(
        integrate.dblquad(integrand, *ends, -8, lambda a: -c * a / s, epsabs=1e-10)[0]
        + integrate.dblquad(integrand, *ends, lambda a: -c * a / s, 8, epsabs=1e-10)[0]
        for ends in ((-8, 0), (0, 8))
    )
    assert correlated_gaussian_mean(phi, phi, q, c) == pytest.approx(expected, abs=2e-9)


@pytest.mark.parametrize(
    ("q", "c", "error", "message"),
    [
        (-1, 0, ValueError, "q must be >= 0; got -1"),
        (math.nan, 0, ValueError, "q must be finite; got 1 NaN"),
        ("a", 0, TypeError, "q must be an array of numbers; got 'a'"),
        ([1, 2], 0, ValueError, r"q must be one number; got an array of shape \(2,\)"),
        (1, 1.1, ValueError, r"c must be one correlation in \[-1, 1\]; got 1.1"),
        (1, [0, 1], ValueError, r"c must be one correlation in \[-1, 1\]; got \[0, 1\]"),
        (1, math.nan, ValueError, "c must be finite"),
    ],
)
def test_bad_input_is_named(q, c, error, message):
    with pytest.raises(error, match=message):
        correlated_gaussian_mean(np.tanh, np.tanh, q, c)
    if "c must" not in message and not isinstance(q, list):
        with pytest.raises(error, match=message):
            gaussian_mean(np.tanh, q)
