"""Products of Jacobians over time: linear networks, Lyapunov exponents, mean field, the latch.

The layers of a recurrent network share one matrix, so its gradient is a power of it (linear), or
a product along the network's own orbit. All exponents are in nats per time step.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq

from helpers import activations
from helpers.activations import Activation
from helpers.checks import finite, positive, positive_int
from helpers.theory.gradient import chi
from helpers.theory.variance import variance_fixed_point

__all__ = [
    "critical_gain",
    "latch_attractor",
    "latch_factor",
    "lyapunov_exponents",
    "mean_field_exponent",
    "power_norms",
    "spectral_norm",
    "spectral_radius",
    "transient_growth",
]

Array = NDArray[np.float64]


def spectral_radius(W: ArrayLike) -> Array:
    """Return the largest size of an eigenvalue, (...,), of matrices W (..., n, n).

    In the long run the norm of W^k grows or shrinks by this factor per step (Gelfand 1941).
    """
    radius: Array = np.abs(np.linalg.eigvals(_square(W))).max(axis=-1)
    return radius


def spectral_norm(W: ArrayLike) -> Array:
    """Return the largest singular value, (...,), of matrices W (..., n, n).

    The most that one step can do to the length of a vector; never below the spectral radius, and
    equal to it for a normal matrix.
    """
    values: Array = np.asarray(np.linalg.svd(_square(W), compute_uv=False), dtype=np.float64)
    norm: Array = values[..., 0]
    return norm


def power_norms(W: ArrayLike, steps: int) -> Array:
    """Return the spectral norms of W^0, W^1, ... W^steps, shape (..., steps + 1)."""
    matrix = _square(W)
    powers: list[Array] = [np.broadcast_to(np.identity(matrix.shape[-1]), matrix.shape)]
    for _ in range(positive_int("steps", steps)):
        powers.append(powers[-1] @ matrix)
    return np.stack([spectral_norm(power) for power in powers], axis=-1)


def transient_growth(W: ArrayLike, steps: int) -> tuple[Array, NDArray[np.int64]]:
    """Return the largest norm among W^0..W^steps and the power that has it, (...,) each.

    Above 1 for a matrix that is not normal even where every eigenvalue is inside the unit circle:
    a gradient can grow for a while before it vanishes. Source: Trefethen & Embree (2005).
    """
    norms = power_norms(W, steps)
    return norms.max(axis=-1), norms.argmax(axis=-1)


def _square(W: ArrayLike) -> Array:
    matrix = finite("W", W)
    if matrix.ndim < 2 or matrix.shape[-1] != matrix.shape[-2]:
        raise ValueError(f"W must be square matrices (..., n, n); got shape {matrix.shape}")
    return matrix


def lyapunov_exponents(jacobians: Iterable[ArrayLike], count: int = 1, skip: int = 0) -> Array:
    """Return the `count` largest Lyapunov exponents of a sequence of Jacobians, largest first.

    The QR method: carry `count` orthonormal directions along, multiply, orthonormalise again, and
    average the logarithms of what each has grown by.

    Parameters
    ----------
    jacobians
        J_1..J_T, each (..., n, n): row i, column j is dh_t,i / dh_{t-1},j. May be a generator.
    count
        Exponents, from 1 to n.
    skip
        Steps left out of the average while the directions turn into place, from 0 to T - 1.

    Returns
    -------
    exponents
        (..., count), in nats per step; -inf where a direction is lost altogether.

    Raises
    ------
    TypeError, ValueError
        If `count` or `skip` is out of range, or a Jacobian is not finite or not square.

    References
    ----------
    Benettin et al. (1980); Engelken, Wolf & Abbott (2023) for recurrent networks.
    """
    k, first = positive_int("count", count), positive_int("skip", skip, minimum=0)
    sums, steps, Q = np.zeros(()), 0, np.zeros((0, 0))
    for steps, J in enumerate(jacobians, start=1):
        matrix = _square(J)
        if steps == 1:
            Q = _directions(matrix.shape[-1], k)
        Q, R = np.linalg.qr(matrix @ Q)
        if steps > first:
            with np.errstate(divide="ignore"):
                sums = sums + np.log(np.abs(np.diagonal(R, axis1=-2, axis2=-1)))
    if steps <= first:
        raise ValueError(f"jacobians must be more than skip = {first}; got {steps}")
    exponents: Array = np.asarray(sums) / (steps - first)
    return exponents


def _directions(n: int, count: int) -> Array:
    """Orthonormal columns (n, count) to start from, in no special position (and no seed)."""
    if count > n:
        raise ValueError(f"count must be at most {n}, the units; got {count}")
    waves = np.cos(np.outer(np.arange(1, n + 1) ** 1.5, np.arange(1, count + 1)))
    directions: Array = np.linalg.qr(waves)[0]
    return directions


def mean_field_exponent(activation: str | Activation, gain: float, input_sd: float = 0.0) -> float:
    """Return the Lyapunov exponent of a wide random network, 0.5 ln(g^2 E phi'(sqrt(q) u)^2).

    h_t = phi(h_{t-1} W + x_t), W ~ N(0, g^2 / n), x_t ~ N(0, s^2) for each unit by itself. The
    variance q of the pre-activations is the fixed point of q = g^2 E phi(sqrt(q) u)^2 + s^2: the
    feed-forward variance map, with the input for a bias, and 0.5 ln chi at it.

    Parameters
    ----------
    activation
        Name or `Activation`.
    gain
        g > 0.
    input_sd
        s >= 0.

    Raises
    ------
    ValueError
        If a number is out of range.

    References
    ----------
    Molgedey, Schuchhardt & Schuster (1992); Sompolinsky, Crisanti & Sommers (1988) without input.
    """
    g2 = positive("gain", gain) ** 2
    s2 = positive("input_sd", input_sd, allow_zero=True) ** 2
    # An activation whose variance runs away (ReLU) has long since become linear on either side.
    q = min(variance_fixed_point(activation, g2, s2), 1e12)
    return 0.5 * math.log(float(chi(activation, q, g2)))


def critical_gain(activation: str | Activation, input_sd: float = 0.0) -> float:
    """Return the gain at which `mean_field_exponent` is 0; input pushes it above 1 for tanh.

    Searched between 0.1 and 100.

    Raises
    ------
    ValueError
        If the exponent has no zero there.
    """
    low, high = 0.1, 100.0

    def exponent(gain: float) -> float:
        return mean_field_exponent(activation, gain, input_sd)

    try:
        return float(brentq(exponent, low, high, xtol=1e-12))
    except ValueError as error:
        raise ValueError(
            f"activation must have a critical gain between {low} and {high}; {activation} has none"
        ) from error


def latch_attractor(weight: ArrayLike) -> Array:
    """Return the stored value h* > 0 with h* = tanh(w h*), elementwise; 0 where w <= 1.

    One tanh unit that feeds itself keeps a bit as the sign of its state (Bengio et al. 1994).
    """
    value: Array = np.tanh(_latch_pre_activation(finite("weight", weight)))
    return value


def latch_factor(weight: ArrayLike) -> Array:
    """Return w (1 - h*^2), by which a step multiplies the gradient at the attractor; elementwise.

    Below 1 for every w > 0 other than 1: what holds the bit forgets where it came from.
    """
    weights = finite("weight", weight)
    factor: Array = weights * activations.get("tanh").derivative(_latch_pre_activation(weights))
    return factor


def _latch_pre_activation(weights: Array) -> Array:
    """Solve tanh(a) = a / w for a > 0, where w > 1; else a = 0."""

    def solve(w: float) -> float:
        if w <= 1:
            return 0.0
        # a / tanh(a) < 1 + a^2 / 3, so the root lies above sqrt(3 (w - 1)); and it lies below w.
        start = min(math.sqrt(3 * (w - 1)), w) * 0.5
        return float(brentq(lambda a: a / math.tanh(a) - w, start, w, xtol=1e-300, rtol=1e-15))

    pre_activation: Array = np.vectorize(solve, otypes=[np.float64])(weights)
    return pre_activation
