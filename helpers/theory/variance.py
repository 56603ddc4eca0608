"""Forward: the variance of the pre-activations from layer to layer (Poole et al. 2016)."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq

from helpers import activations
from helpers.activations import Activation
from helpers.checks import positive_int
from helpers.theory.quadrature import gaussian_mean, non_negative, variance_number

__all__ = [
    "derivative_second_moment",
    "second_moment",
    "variance_fixed_point",
    "variance_map",
    "variance_trajectory",
]

Array = NDArray[np.float64]

TINY = 1e-300  # a variance that is 0 in every sum, on both sides of a kink
PER_OCTAVE = 4  # variances tried per factor of 2 in the search for a fixed point


def second_moment(activation: str | Activation, q: ArrayLike) -> Array:
    """E phi(sqrt(q) u)^2 for u ~ N(0, 1): mean square of an activation, elementwise in q."""
    phi = activations.get(activation).function
    return gaussian_mean(lambda z: phi(z) ** 2, q)


def derivative_second_moment(activation: str | Activation, q: ArrayLike) -> Array:
    """E phi'(sqrt(q) u)^2 for u ~ N(0, 1): mean squared slope, elementwise in q.

    At q = 0 the limit from above, which for ReLU is 1/2 whatever one calls its slope at 0.
    """
    return derivative_moment(activation, q, 2)


def derivative_moment(activation: str | Activation, q: ArrayLike, power: int) -> Array:
    """E phi'(sqrt(q) u)^power, elementwise in q; at q = 0 the limit from above."""
    slope = activations.get(activation).derivative
    return gaussian_mean(lambda z: slope(z) ** power, np.maximum(non_negative("q", q), TINY))


def variance_map(
    activation: str | Activation, q: ArrayLike, sigma_w2: ArrayLike, sigma_b2: ArrayLike = 0.0
) -> Array:
    """Return the next layer's pre-activation variance, sigma_w2 E phi^2 + sigma_b2.

    Arrays broadcast elementwise. Raises ValueError for a negative or NaN argument and for an
    unknown activation. Source: Poole et al. (2016), eq. 3.
    """
    sigma_w2 = non_negative("sigma_w2", sigma_w2)
    sigma_b2 = non_negative("sigma_b2", sigma_b2)
    following: Array = sigma_w2 * second_moment(activation, q) + sigma_b2
    return following


def variance_trajectory(
    activation: str | Activation,
    sigma_w2: float,
    sigma_b2: float,
    depth: int,
    input_second_moment: ArrayLike = 1.0,
) -> Array:
    """Return q_1..q_L, the pre-activation variances of `depth` hidden layers.

    Parameters
    ----------
    activation
        Name or `Activation`.
    sigma_w2, sigma_b2
        Variance of the weights times fan-in, and of the biases; >= 0.
    depth
        Hidden layers, >= 1.
    input_second_moment
        Mean square of the input's entries, any shape (one per example, say); >= 0.

    Returns
    -------
    q
        (depth, *shape of input_second_moment), q_1 first.

    Raises
    ------
    TypeError, ValueError
        For an argument outside what is said above.
    OverflowError
        If the variance leaves the range of float64.
    """
    positive_int("depth", depth)
    m0 = non_negative("input_second_moment", input_second_moment)
    weight = non_negative("sigma_w2", sigma_w2)
    q = [weight * m0 + non_negative("sigma_b2", sigma_b2)]
    while len(q) < depth:
        with np.errstate(over="ignore"):
            q.append(variance_map(activation, q[-1], sigma_w2, sigma_b2))
        if not np.isfinite(q[-1]).all():
            raise OverflowError(f"the variance exceeds float64 at layer {len(q)} of depth {depth}")
    return np.stack(q)


def variance_fixed_point(
    activation: str | Activation, sigma_w2: float, sigma_b2: float = 0.0
) -> float:
    """Return q*, the variance that deep layers approach when the first one has variance 1.

    Found as a root of V(q) - q and not by iteration, which converges like 1/l at a critical
    point (tanh at sigma_w2 = 1). V must increase with q, as it does for the whole table: deep
    layers then approach the first root on the way from 1.

    Returns
    -------
    q
        The fixed point; 0.0 where the signal dies out, inf where it grows without bound. Where
        every variance is a fixed point (ReLU, sigma_w2 = 2, sigma_b2 = 0) it is the start, 1.0.
    """
    weight = variance_number("sigma_w2", sigma_w2)
    bias = variance_number("sigma_b2", sigma_b2)

    def growth(q: ArrayLike) -> Array:
        return variance_map(activation, q, weight, bias) - np.asarray(q, dtype=np.float64)

    start = float(growth(1.0))
    if abs(start) < 1e-14:
        return 1.0
    floor = float(variance_map(activation, 0.0, weight, bias))
    end = 1e12 * max(1.0, weight, bias) if start > 0 else (floor / 2 or 1e-14)
    octaves = math.ceil(abs(math.log2(end)))
    path = 2.0 ** (math.copysign(1 / PER_OCTAVE, start) * np.arange(octaves * PER_OCTAVE + 1))
    crossed = np.flatnonzero(growth(path) * start <= 0)
    if not len(crossed):
        return math.inf if start > 0 else 0.0
    ends = sorted(path[crossed[0] - 1 : crossed[0] + 1])
    return float(brentq(lambda q: float(growth(q)), *ends, xtol=1e-300, rtol=1e-14))
