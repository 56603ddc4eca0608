"""Steps too small for the weight they are added to: rounding in floating-point numbers."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from helpers.checks import one_of, positive, positive_int
from helpers.theory.quadrature import non_negative, unit_interval

__all__ = ["lost_share", "rounding_band", "unchanged_share"]

Array = NDArray[np.float64]

SIGNIFICANT_BITS = {"float16": 11, "bfloat16": 8, "float32": 24, "float64": 53}


def rounding_band(dtype: str = "float32") -> tuple[float, float]:
    """Return the relative steps |dw| / |w| below which w + dw == w always, above which never.

    Round to nearest discards a step below half the gap between neighbouring numbers. The gap is
    constant from one power of two to the next, so relative to w it varies by a factor of 2:
    2^-(p+1) and 2^-p for p significant bits (normal numbers; Goldberg 1991).

    Raises
    ------
    ValueError
        If the dtype is not float16, bfloat16, float32 or float64.
    """
    bits = SIGNIFICANT_BITS[one_of("dtype", dtype, SIGNIFICANT_BITS)]
    return 2.0 ** -(bits + 1), 2.0**-bits


def lost_share(relative_step: ArrayLike, dtype: str = "float32") -> Array:
    """Return the share of weights that a step of relative size |dw| / |w| leaves unchanged.

    For weights spread evenly over the logarithm within a power of two: 1 below the band of
    `rounding_band`, 0 above it, log2(upper / step) inside. Elementwise.
    """
    lower, upper = rounding_band(dtype)
    step = np.clip(non_negative("relative_step", relative_step), lower, upper)
    share: Array = np.log2(upper / step)
    return share


def unchanged_share(
    step_sd: ArrayLike, weight_limit: float, steps: int, dtype: str = "float32"
) -> Array:
    """Return the share of weights that none of `steps` random steps moves, not by one bit.

    Weights are uniform in [-weight_limit, weight_limit]. A weight's steps are s u, u ~ N(0, 1)
    anew each time, with a scale s ~ N(0, step_sd^2) of its own: deep products of random matrices
    have one dominant direction, which always favours the same units. A weight stays when every
    step is below half the gap to its neighbour, and the gap depends on its power of two only, so
    the mean over weights is a sum over powers of two. A weight that moves and comes back counts
    as moved; where steps change sign at random, more weights than this end where they began.

    Parameters
    ----------
    step_sd
        Root mean square of a step, learning rate included; any shape, >= 0.
    weight_limit
        > 0.
    steps
        >= 1.
    dtype
        A name `rounding_band` knows.

    Returns
    -------
    share
        Shape of `step_sd`, from 0 to 1.
    """
    sd = non_negative("step_sd", step_sd)
    count = positive_int("steps", steps)
    limit = positive("weight_limit", weight_limit)
    bits = SIGNIFICANT_BITS[one_of("dtype", dtype, SIGNIFICANT_BITS)]
    exponents = math.floor(math.log2(limit)) - np.arange(100)  # 2^-100 of the weights are smaller
    upper = np.minimum(2.0 ** (exponents + 1), limit)
    share_of_weights = (upper - 2.0**exponents) / limit
    half_gap = 2.0 ** (exponents - bits)
    nodes, weights = unit_interval(16, 24)
    scale = 9 * nodes  # |N(0, 1)| up to 9
    scale_weights = 9 * weights * math.sqrt(2 / math.pi) * np.exp(-0.5 * scale**2)
    with np.errstate(divide="ignore"):
        reach = half_gap / (sd[..., None, None] * scale[:, None])  # (..., scales, exponents)
    survives = special.erf(reach / math.sqrt(2)) ** count
    share: Array = np.einsum("...se,s,e->...", survives, scale_weights, share_of_weights)
    return share
