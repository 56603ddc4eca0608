"""Two inputs: how their correlation changes from layer to layer (Poole et al. 2016)."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq

from helpers import activations
from helpers.activations import Activation
from helpers.checks import finite
from helpers.theory.gradient import chi, depth_scale
from helpers.theory.quadrature import check_correlation, correlated_gaussian_mean, variance_number
from helpers.theory.variance import variance_fixed_point, variance_map, variance_trajectory

__all__ = [
    "correlation_depth_scale",
    "correlation_fixed_point",
    "correlation_map",
    "correlation_slope",
    "correlation_trajectory",
    "relu_correlation_map",
]

Array = NDArray[np.float64]


def correlation_map(
    activation: str | Activation, c: float, q: float, sigma_w2: float, sigma_b2: float = 0.0
) -> float:
    """Return the next layer's correlation for two inputs with variance q and correlation c.

    The biases are shared by both inputs, so they raise the correlation.

    Raises
    ------
    ValueError
        If c is outside [-1, 1], a variance is negative, or the next layer has no variance.
    """
    phi = activations.get(activation).function
    weight, bias, variance = _next_variance(activation, q, sigma_w2, sigma_b2)
    covariance = weight * correlated_gaussian_mean(phi, phi, q, c) + bias
    return min(1.0, max(-1.0, covariance / variance))


def _next_variance(
    activation: str | Activation, q: float, sigma_w2: float, sigma_b2: float
) -> tuple[float, float, float]:
    """Return sigma_w2, sigma_b2 and the next layer's variance as numbers, the last above 0."""
    weight = variance_number("sigma_w2", sigma_w2)
    bias = variance_number("sigma_b2", sigma_b2)
    variance = float(variance_map(activation, variance_number("q", q), weight, bias))
    if variance == 0:
        raise ValueError("q, sigma_w2 and sigma_b2 must give the next layer a variance; got 0")
    return weight, bias, variance


def correlation_slope(
    activation: str | Activation, c: float, q: float, sigma_w2: float, sigma_b2: float = 0.0
) -> float:
    """Return dc'/dc = sigma_w2 q E[phi'(u) phi'(v)] / V(q), the slope of `correlation_map`.

    At c = 1 and at the fixed point of the variance map it equals chi.
    """
    slope = activations.get(activation).derivative
    weight, _, variance = _next_variance(activation, q, sigma_w2, sigma_b2)
    return weight * float(q) * correlated_gaussian_mean(slope, slope, q, c) / variance


def correlation_trajectory(
    activation: str | Activation,
    c0: float,
    sigma_w2: float,
    sigma_b2: float,
    depth: int,
    input_second_moment: float = 1.0,
) -> Array:
    """Return c_1..c_L for two inputs of equal mean square and correlation c0, shape (depth,)."""
    m0 = variance_number("input_second_moment", input_second_moment)
    weight = variance_number("sigma_w2", sigma_w2)
    bias = variance_number("sigma_b2", sigma_b2)
    q = variance_trajectory(activation, weight, bias, depth, m0)
    if q[0] == 0:
        raise ValueError("sigma_w2, sigma_b2 and input_second_moment must give layer 1 a variance")
    c = [(weight * m0 * check_correlation(c0) + bias) / float(q[0])]
    for variance in q[:-1]:
        c.append(correlation_map(activation, c[-1], float(variance), weight, bias))
    return np.array(c)


def correlation_fixed_point(
    activation: str | Activation, sigma_w2: float, sigma_b2: float = 0.0
) -> float:
    """Return c*, the correlation that two different inputs approach in deep layers.

    1 in the ordered phase (chi <= 1 at q*: all inputs end up alike), below 1 in the chaotic one.

    Raises
    ------
    ValueError
        If the variance map has no fixed point strictly between 0 and infinity.
    """
    q = _fixed_variance(activation, sigma_w2, sigma_b2)
    if float(chi(activation, q, sigma_w2)) <= 1 + 1e-12:
        return 1.0

    def growth(c: float) -> float:
        return correlation_map(activation, c, q, sigma_w2, sigma_b2) - c

    start = 0.0
    if abs(growth(start)) < 1e-13:  # odd activation without biases: orthogonal stays orthogonal
        return 0.0
    gap = 0.5
    while growth(1 - gap) > 0:  # just below 1 the map lies below the diagonal
        gap /= 2
    return float(brentq(growth, start, 1 - gap, xtol=1e-14))


def correlation_depth_scale(
    activation: str | Activation, sigma_w2: float, sigma_b2: float = 0.0
) -> float:
    """Return xi_c = -1 / ln(slope of the correlation map at c*), in layers.

    Two inputs approach c* like exp(-l / xi_c); Schoenholz et al. (2017) find that networks train
    to about 6 xi_c. Not the gradient's depth scale, except in the ordered phase. Infinite where
    the slope is 1, as at the edge of chaos.
    """
    q = _fixed_variance(activation, sigma_w2, sigma_b2)
    c = correlation_fixed_point(activation, sigma_w2, sigma_b2)
    return float(depth_scale(correlation_slope(activation, c, q, sigma_w2, sigma_b2)))


def _fixed_variance(activation: str | Activation, sigma_w2: float, sigma_b2: float) -> float:
    q = variance_fixed_point(activation, sigma_w2, sigma_b2)
    if q == 0 or math.isinf(q):
        raise ValueError(
            "sigma_w2 and sigma_b2 must give the variance map a fixed point above 0; "
            f"got sigma_w2 = {sigma_w2}, sigma_b2 = {sigma_b2}, which lead to q* = {q}"
        )
    return q


def relu_correlation_map(c: ArrayLike) -> Array:
    """Return ReLU's correlation map without biases in closed form, elementwise in c.

    (sqrt(1 - c^2) + c (pi - arccos c)) / pi, the normalised arc-cosine kernel of degree 1
    (Cho & Saul 2009); q drops out.

    Raises
    ------
    ValueError
        If a correlation is outside [-1, 1].
    """
    correlation = finite("c", c)
    if (np.abs(correlation) > 1).any():
        raise ValueError(f"c must be correlations in [-1, 1]; got {correlation}")
    angle = np.arccos(correlation)
    following: Array = (np.sin(angle) + correlation * (np.pi - angle)) / np.pi
    return following
