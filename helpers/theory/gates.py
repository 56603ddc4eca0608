"""Gates: how long an LSTM's cell remembers, by the bias of its forget gates."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from helpers.checks import finite, positive
from helpers.theory.quadrature import non_negative

__all__ = [
    "chrono_survival",
    "chrono_survival_approximation",
    "forget_factor",
    "forget_half_life",
]

Array = NDArray[np.float64]


def forget_factor(forget_bias: ArrayLike) -> Array:
    """Return sigmoid(b_f): what the cell path alone multiplies a gradient by, per step."""
    factor: Array = special.expit(finite("forget_bias", forget_bias))
    return factor


def forget_half_life(forget_bias: ArrayLike) -> Array:
    """Return ln 2 / -ln sigmoid(b_f), in steps, elementwise.

    About e^b_f ln 2 for a large bias: each unit of bias is a factor e of memory.
    """
    # -ln sigmoid(b) = ln(1 + e^-b), without the cancellation at large b
    half_life: Array = np.log(2) / np.logaddexp(0, -finite("forget_bias", forget_bias))
    return half_life


def chrono_survival(lags: ArrayLike, t_max: float) -> Array:
    """Return E (u / (1 + u))^k for u ~ U(1, t_max - 1): the cell path's mean gradient at lag k.

    With chrono initialization b_f = ln u, so a forget gate is u / (1 + u).

    Parameters
    ----------
    lags
        k >= 0, any shape.
    t_max
        Longest time scale, > 2 steps.

    Returns
    -------
    survival
        Shape of `lags`; relative error below 1e-12.

    References
    ----------
    Tallec & Ollivier (2018).
    """
    k = non_negative("lags", lags)
    low, high = np.log(2.0), np.log(_longest(t_max))
    # With v = 1 + u the mean is one of (1 - 1/v)^k over (2, t_max), smooth in ln v.
    x, w = np.polynomial.legendre.leggauss(400)
    v = np.exp(low + (high - low) * (x + 1) / 2)
    weights = w * v * (high - low) / 2 / (t_max - 2)
    survival: Array = np.exp(k[..., None] * np.log1p(-1 / v)) @ weights
    return survival


def chrono_survival_approximation(lags: ArrayLike, t_max: float) -> Array:
    """Return E_2(k / t_max), to which `chrono_survival` tends for t_max >> 1.

    The exponential integral: 1 + x ln x + ... for small x, then e^-x / x. So a slow decline that
    quickens to an exponential at lag t_max; not a power law.
    """
    survival: Array = special.expn(2, non_negative("lags", lags) / _longest(t_max))
    return survival


def _longest(t_max: float) -> float:
    if positive("t_max", t_max) <= 2:
        raise ValueError(f"t_max must be > 2 steps; got {t_max}")
    return float(t_max)
