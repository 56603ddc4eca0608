"""Backward: the factor chi by which each layer multiplies the squared gradient."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from helpers.activations import Activation
from helpers.checks import positive_int
from helpers.theory.quadrature import non_negative
from helpers.theory.variance import (
    derivative_moment,
    derivative_second_moment,
    variance_trajectory,
)

__all__ = [
    "chi",
    "depth_scale",
    "finite_width_error",
    "gradient_factor",
    "gradient_profile",
    "log10_gradient_profile",
]

Array = NDArray[np.float64]


def chi(activation: str | Activation, q: ArrayLike, sigma_w2: ArrayLike) -> Array:
    """Return sigma_w2 E phi'(sqrt(q) u)^2: factor of E|delta|^2 for one layer backward.

    Below 1 the gradient vanishes, above 1 it explodes. The same number is the slope at 1 of the
    correlation map. Arrays broadcast elementwise. Source: Schoenholz et al. (2017), eq. 5.
    """
    factor: Array = non_negative("sigma_w2", sigma_w2) * derivative_second_moment(activation, q)
    return factor


def depth_scale(factor: ArrayLike) -> Array:
    """Return -1 / ln(factor): layers over which a quantity shrinks by e at `factor` per layer.

    Negative where it grows, infinite at factor 1 (up to rounding), 0 at factor 0.
    Source: Schoenholz et al. (2017).

    Raises
    ------
    ValueError
        If a factor is negative or NaN.
    """
    with np.errstate(divide="ignore"):
        logarithm = np.log(non_negative("factor", factor))
        scale: Array = np.where(np.abs(logarithm) < 1e-14, np.inf, -1 / logarithm)[()]
    return scale


def _log_profile(
    activation: str | Activation,
    sigma_w2: float,
    sigma_b2: float,
    depth: int,
    input_second_moment: ArrayLike,
) -> Array:
    """ln(E|delta_l|^2 / E|delta_L|^2): sum over k = l..L-1 of ln chi(q_k)."""
    q = variance_trajectory(activation, sigma_w2, sigma_b2, depth, input_second_moment)
    if depth == 1:
        return np.zeros_like(q)
    with np.errstate(divide="ignore"):
        steps = np.log(chi(activation, q[:-1], sigma_w2))
    toward_input = np.cumsum(steps[::-1], axis=0)[::-1]
    return np.concatenate([toward_input, np.zeros_like(q[:1])])


def gradient_profile(
    activation: str | Activation,
    sigma_w2: float,
    sigma_b2: float,
    depth: int,
    input_second_moment: ArrayLike = 1.0,
) -> Array:
    """Return E|delta_l|^2 / E|delta_L|^2 for l = 1..L: the squared gradient relative to layer L.

    Parameters are those of `variance_trajectory`. Uses the trajectory of q, not its fixed point,
    so it holds at any depth. It underflows below 1e-308: see `log10_gradient_profile`.

    Returns
    -------
    profile
        (depth, *shape of input_second_moment); the last entry is 1.
    """
    profile: Array = np.exp(
        _log_profile(activation, sigma_w2, sigma_b2, depth, input_second_moment)
    )
    return profile


def log10_gradient_profile(
    activation: str | Activation,
    sigma_w2: float,
    sigma_b2: float,
    depth: int,
    input_second_moment: ArrayLike = 1.0,
) -> Array:
    """Return log10 of `gradient_profile`, which cannot underflow."""
    logs = _log_profile(activation, sigma_w2, sigma_b2, depth, input_second_moment)
    decades: Array = logs / np.log(10)
    return decades


def gradient_factor(
    activation: str | Activation,
    sigma_w2: float,
    sigma_b2: float,
    depth: int,
    input_second_moment: ArrayLike = 1.0,
) -> Array:
    """Return one factor per layer: exp of the least-squares slope of ln profile, toward the input.

    The fit of `helpers.gradients.per_layer_factor`, applied to the prediction; 0 where no
    gradient at all reaches the first layer.

    Raises
    ------
    ValueError
        With fewer than two layers.
    """
    positive_int("depth", depth, minimum=2)
    logs = _log_profile(activation, sigma_w2, sigma_b2, depth, input_second_moment)
    steps_to_input = -np.arange(depth, dtype=np.float64)
    centred = steps_to_input - steps_to_input.mean()
    with np.errstate(invalid="ignore"):  # 0 * -inf
        slope = np.tensordot(centred, logs, axes=1) / (centred @ centred)
    factor: Array = np.where(np.isneginf(logs[0]), 0.0, np.exp(slope))[()]
    return factor


def finite_width_error(activation: str | Activation, q: ArrayLike, width: int) -> Array:
    """Return the relative error of chi at finite width, leading order, elementwise in q.

    In a layer of n units the squared gradient is multiplied by a random factor whose logarithm
    has variance (3 kappa - 1) / n, kappa = E phi'^4 / (E phi'^2)^2: 5/n for ReLU, 2/n for a linear
    layer. The mean of the logarithm is therefore lower than the logarithm of the mean by half of
    that, and a fitted factor by the relative amount (3 kappa - 1) / (2 n).

    Raises
    ------
    ValueError
        If the slope vanishes for every input, or width < 1.

    References
    ----------
    Hanin & Nica (2020), for ReLU; the general kappa is the same computation.
    """
    fourth = derivative_moment(activation, q, 4)
    squared = derivative_second_moment(activation, q)
    if (squared == 0).any():
        raise ValueError("activation must have a slope above 0 somewhere; got none")
    kappa = fourth / squared**2
    error: Array = (3 * kappa - 1) / (2 * positive_int("width", width))
    return error
