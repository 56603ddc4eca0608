"""Argument checks whose messages name the argument, what came and what is allowed."""

from __future__ import annotations

import math
from collections.abc import Iterable
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["finite", "one_of", "per_replica", "positive", "positive_int"]


def positive_int(name: str, value: Any, minimum: int = 1) -> int:
    """Return `value` as an int of at least `minimum`.

    Raises
    ------
    TypeError
        If `value` is not an integer (a bool or a float like 3.0 is not).
    ValueError
        If it is smaller than `minimum`.
    """
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TypeError(f"{name} must be an integer >= {minimum}; got {value!r}")
    if value < minimum:
        raise ValueError(f"{name} must be an integer >= {minimum}; got {value}")
    return int(value)


def positive(name: str, value: Any, allow_zero: bool = False) -> float:
    """Return `value` as a finite float above zero (or at least zero, with `allow_zero`).

    Raises
    ------
    TypeError
        If `value` is not a real number.
    ValueError
        If it is negative, zero where zero is not allowed, infinite or NaN.
    """
    allowed = "a finite number >= 0" if allow_zero else "a finite number > 0"
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name} must be {allowed}; got {value!r}")
    if not math.isfinite(value) or value < 0 or (value == 0 and not allow_zero):
        raise ValueError(f"{name} must be {allowed}; got {value}")
    return float(value)


def one_of(name: str, value: Any, options: Iterable[str]) -> str:
    """Return `value` if it is one of `options`.

    Raises
    ------
    ValueError
        If it is not; the message lists the options.
    """
    known = sorted(options)
    if not isinstance(value, str) or value not in known:
        raise ValueError(f"{name} must be one of {', '.join(known)}; got {value!r}")
    return value


def finite(name: str, value: Any) -> NDArray[np.float64]:
    """Return `value` as a non-empty float64 array without NaN or infinity, of the same shape.

    Raises
    ------
    TypeError
        If it cannot be read as numbers.
    ValueError
        If it is empty or holds a NaN or an infinity; the message counts them.
    """
    try:
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise TypeError(f"{name} must be an array of numbers; got {value!r}") from error
    if array.size == 0:
        raise ValueError(f"{name} must hold at least one number; got an empty array")
    bad = int((~np.isfinite(array)).sum())
    if bad:
        raise ValueError(f"{name} must be finite; got {bad} NaN or infinite of {array.size} values")
    return array


def per_replica(name: str, value: Any, replicas: int) -> NDArray[np.float64]:
    """Give every replica its own number, (replicas,): one is shared, a sequence is dealt out.

    Raises
    ------
    TypeError, ValueError
        If `value` is neither a number nor (replicas,) of them.
    """
    try:
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise TypeError(f"{name} must be a number or a list of numbers; got {value!r}") from error
    if array.shape not in ((), (replicas,)):
        raise ValueError(
            f"{name} must be one number or one per replica, shape ({replicas},); "
            f"got shape {array.shape}"
        )
    return np.broadcast_to(array, (replicas,)).copy()
