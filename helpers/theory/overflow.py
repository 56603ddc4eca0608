"""Where repeated multiplication leaves the range of floating-point numbers, and clipping."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from helpers.checks import one_of, positive
from helpers.theory.precision import SIGNIFICANT_BITS
from helpers.theory.quadrature import non_negative

__all__ = [
    "clip_value_cosine",
    "largest_number",
    "overflow_step",
    "rounded_to",
    "smallest_number",
    "subnormal_step",
    "underflow_stall",
]

Array = NDArray[np.float64]

LARGEST_EXPONENT = {"float16": 15, "bfloat16": 127, "float32": 127, "float64": 1023}


def largest_number(dtype: str) -> float:
    """Return the largest finite number of a dtype: float16, bfloat16, float32 or float64."""
    bits = SIGNIFICANT_BITS[one_of("dtype", dtype, LARGEST_EXPONENT)]
    return (2 - 2.0 ** (1 - bits)) * 2.0 ** LARGEST_EXPONENT[dtype]


def smallest_number(dtype: str, normal: bool = False) -> float:
    """Return the smallest number above 0 of a dtype; with `normal`, that of full precision."""
    bits = SIGNIFICANT_BITS[one_of("dtype", dtype, LARGEST_EXPONENT)]
    exponent = 1 - LARGEST_EXPONENT[dtype]
    return 2.0**exponent if normal else 2.0 ** (exponent + 1 - bits)


def rounded_to(value: float, dtype: str) -> float:
    """Return the number of that dtype nearest to `value`, ties to even, inside its normal range."""
    bits = SIGNIFICANT_BITS[one_of("dtype", dtype, LARGEST_EXPONENT)]
    mantissa, exponent = math.frexp(positive("value", value))
    return math.ldexp(round(math.ldexp(mantissa, bits)), exponent - bits)


def overflow_step(factor: float, dtype: str) -> int:
    """Return the first k at which factor^k exceeds the largest number: ceil(ln max / ln factor).

    The factor counts as it is stored in the dtype. Exact for powers of 2; otherwise the rounding
    of each product can shift the step by one.

    Raises
    ------
    ValueError
        If the factor, once stored, is not above 1, or the dtype is unknown.
    """
    stored = rounded_to(factor, dtype)
    if stored <= 1:
        raise ValueError(f"factor must be > 1 in {dtype}; got {factor}, stored as {stored}")
    return math.ceil(math.log(largest_number(dtype)) / math.log(stored))


def subnormal_step(factor: float, dtype: str) -> int:
    """Return the first k at which factor^k is below the smallest number of full precision.

    From there on it is subnormal and loses digits. As for `overflow_step`, rounding can shift it.

    Raises
    ------
    ValueError
        If the factor, once stored, is not between 0 and 1, or the dtype is unknown.
    """
    stored = _shrinking(factor, dtype)
    return math.floor(math.log(smallest_number(dtype, normal=True)) / math.log(stored)) + 1


def underflow_stall(factor: float, dtype: str) -> float:
    """Return where repeated multiplication by factor < 1 ends: 0 only if the factor is <= 1/2.

    Subnormal numbers are multiples m of the smallest one, and m stays m when factor * m rounds to
    it, which happens for all m up to about 1 / (2 (1 - factor)). Round to nearest, ties to even,
    subnormals kept, as in IEEE 754.

    Raises
    ------
    ValueError
        If the factor, once stored, is not between 0 and 1, or the dtype is unknown.
    """
    exact = Fraction(_shrinking(factor, dtype))
    m = math.floor(1 / (2 * (1 - exact)))  # the largest m with m - factor * m <= 1/2
    if round(exact * m) != m:  # a tie that goes to the even neighbour below
        m -= 1
    return m * smallest_number(dtype)


def _shrinking(factor: float, dtype: str) -> float:
    stored = rounded_to(factor, dtype)
    if stored >= 1:
        raise ValueError(f"factor must be < 1 in {dtype}; got {factor}, stored as {stored}")
    return stored


def clip_value_cosine(threshold: ArrayLike) -> Array:
    """Return the cosine between a Gaussian gradient and itself clipped by value, elementwise.

    For independent entries N(0, 1) clipped to [-c, c], in high dimension:
    P / sqrt(P - 2 c phi(c) + c^2 (1 - P)), P = erf(c / sqrt 2) the share of entries left alone.
    It falls to sqrt(2 / pi) = 0.80 only, as c -> 0 (the sign of each entry): what clipping by
    value harms is a gradient with few entries or heavy tails.

    Parameters
    ----------
    threshold
        c > 0, in standard deviations of an entry.

    Raises
    ------
    ValueError
        If a threshold is not above 0.
    """
    c = non_negative("threshold", threshold)
    if (c == 0).any():
        raise ValueError("threshold must be > 0; got 0")
    P = special.erf(c / math.sqrt(2))
    density = np.exp(-0.5 * c**2) / math.sqrt(2 * math.pi)
    clipped = P - 2 * c * density + c**2 * special.erfc(c / math.sqrt(2))  # mean square
    cosine: Array = P / np.sqrt(clipped)
    return cosine
