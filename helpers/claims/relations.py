"""The six rules by which a claim holds. Each takes the measurement and returns numbers."""

from __future__ import annotations

import math
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from helpers import checks

__all__ = ["bound", "equality", "identity", "ordering", "proportion"]

Array: TypeAlias = NDArray[np.float64]
Numbers: TypeAlias = dict[str, Any]  # fields of a Claim
SEEDS: Final = 8
ERRORS: Final = 5  # standard errors of the mean
LEVEL: Final = float(2 * stats.norm.sf(ERRORS))
ROUNDINGS: Final = 2**10


def equality(
    measured: Any,
    name: str,
    predicted: Any,
    theory_error: Any = 0.0,
    misses_because: str | None = None,
) -> Numbers:
    """Decide |mean - x| <= theory_error + 5 SEM; of an expected miss, the opposite."""
    numbers = _distance(_replicas("measured", measured), _number(name, predicted), theory_error)
    margin = numbers["tolerance"] - numbers["deviation"]
    if misses_because is None:
        return numbers | _verdict("equality", "=", margin, margin >= 0)
    if not isinstance(misses_because, str) or not misses_because.strip():
        raise ValueError(f"misses_because must be a reason in words; got {misses_because!r}")
    reason = {"reason": " ".join(misses_because.split())}
    return numbers | reason | _verdict("expected miss", "≠", -margin, margin < 0)


def bound(measured: Any, name: str, limit: Any, theory_error: Any = 0.0) -> Numbers:
    """Decide whether the whole of mean ± 5 SEM respects the bound, up to the theory's error."""
    b = _number(name, limit)
    numbers = _distance(_replicas("measured", measured), b, theory_error)
    low, high = numbers["interval"]
    error = numbers["theory_error"]
    margin = b + error - high if name == "at_most" else low - (b - error)
    return numbers | _verdict("bound", "≤" if name == "at_most" else "≥", margin, margin >= 0)


def ordering(measured: Any, name: str, other: Any, by: Any = 0.0) -> Numbers:
    """Decide whether the paired differences are beyond `by`, their mean by more than 5 SEM."""
    least = checks.positive("by", by, allow_zero=True)
    first, second = _replicas("measured", measured), _replicas(name, other)
    if first.shape != second.shape:
        raise ValueError(
            f"{name} must hold the same seeds as measured, {len(first)}; got {len(second)}"
        )
    sign = 1 if name == "above" else -1
    numbers = _distance(first - second, sign * least, 0.0)
    low, high = numbers["interval"]
    margin = (low if name == "above" else -high) - least
    return numbers | _verdict("ordering", ">" if name == "above" else "<", margin, margin > 0)


def proportion(measured: Any, name: str, p: Any) -> Numbers:
    """Decide where p lies relative to the exact binomial interval (Clopper & Pearson 1934)."""
    share = _number(name, p)
    if not 0 <= share <= 1:
        raise ValueError(f"{name} must be between 0 and 1; got {share:g}")
    hits = _replicas("measured", measured, boolean=True)
    k, n = int(hits.sum()), len(hits)
    low = float(stats.beta.ppf(LEVEL / 2, k, n - k + 1)) if k else 0.0
    high = float(stats.beta.isf(LEVEL / 2, k + 1, n - k)) if k < n else 1.0
    relation, margin = {
        "proportion": ("=", min(share - low, high - share)),
        "proportion_at_least": ("≥", low - share),
        "proportion_at_most": ("≤", share - high),
    }[name]
    numbers = {"predicted": share, "mean": k / n, "n": n, "interval": (low, high)}
    numbers |= {"tolerance": (high - low) / 2, "deviation": abs(k / n - share)}
    return numbers | _verdict("proportion", relation, margin, margin >= 0)


def identity(measured: Any, name: str, x: Any) -> Numbers:
    """Decide whether every element is equal up to 2**10 roundings of the measured type."""
    got, want = _real("measured", measured), _real(name, x)
    numbers: Numbers = {"n": got.size, "mean": float(got.item()) if got.size == 1 else None}
    numbers |= {"predicted": float(want.item()) if want.size == 1 else None}
    try:
        want = np.broadcast_to(want, got.shape)
    except ValueError:
        raise ValueError(
            f"{name} must be a number or have measured's shape {got.shape}; got shape {want.shape}"
        ) from None
    left, right = (array.astype(np.longdouble).ravel() for array in (got, want))
    allowed = _rounding(got.dtype) * np.maximum(abs(left), abs(right))
    difference = abs(left - right)
    worst = int(np.argmax(_ratio(difference, allowed)))
    numbers |= {"tolerance": float(allowed[worst]), "deviation": float(difference[worst])}
    margin = float(allowed[worst] - difference[worst])
    return numbers | _verdict("identity", "=", margin, margin >= 0)


def _verdict(kind: str, relation: str, margin: float, holds: bool) -> Numbers:
    return {"kind": kind, "relation": relation, "margin": margin, "holds": holds}


def _distance(values: Array, predicted: float, theory_error: Any) -> Numbers:
    """Mean, spread and the interval mean ± 5 SEM, set against a prediction and its error."""
    error = checks.positive("theory_error", theory_error, allow_zero=True)
    mean, sd, n = *_mean_and_sd(values), len(values)
    reach = ERRORS * sd / math.sqrt(n)
    return {
        "predicted": predicted,
        "theory_error": error,
        "mean": mean,
        "sd": sd,
        "n": n,
        "interval": (mean - reach, mean + reach),
        "tolerance": error + reach,
        "deviation": abs(mean - predicted),
        "values": tuple(values.tolist()),
    }


def _mean_and_sd(values: Array) -> tuple[float, float]:
    """Mean and standard deviation (n - 1), for gradients of 1e-200 or 1e+200 too."""
    if (values == values[0]).all():  # else the mean's own rounding would look like spread
        return float(values[0]), 0.0
    scale = 2.0 ** math.frexp(float(abs(values).max()))[1]  # squares would leave float64's range
    scaled = values / scale
    mean = math.fsum(scaled) / len(scaled)
    sd = math.sqrt(math.fsum((scaled - mean) ** 2) / (len(scaled) - 1))
    return mean * scale, sd * scale


def _rounding(dtype: np.dtype[Any]) -> float:
    """Return the relative difference that rounding may cause in numbers of a type."""
    if dtype.kind in "biu":
        return 0.0
    step = ROUNDINGS * float(np.finfo(dtype).eps)
    if step > 0.01:
        raise TypeError(
            f"measured must be of a type precise enough for an identity, float32 at least; "
            f"got {dtype}"
        )
    return step


def _ratio(difference: NDArray[Any], allowed: NDArray[Any]) -> NDArray[Any]:
    """Return difference / allowed; where nothing is allowed, infinite unless nothing differs."""
    ratio: NDArray[Any] = np.where(difference > 0, np.inf, difference)
    np.divide(difference, allowed, out=ratio, where=allowed > 0)
    return ratio


def _replicas(name: str, value: Any, boolean: bool = False) -> Array:
    """Return one finite number per seed, shape (replicas,), of at least 8 seeds."""
    array = _real(name, value)
    if boolean != (array.dtype == np.bool_):
        wanted = "booleans" if boolean else "numbers (booleans are for a proportion)"
        raise TypeError(f"{name} must hold {wanted}; got {array.dtype}")
    if array.ndim != 1:
        raise ValueError(
            f"{name} must have shape (replicas,), one value per seed; got shape {array.shape}"
        )
    if len(array) < SEEDS:
        raise ValueError(f"{name} must hold at least {SEEDS} seeds; got {len(array)}")
    return array.astype(np.float64)


def _number(name: str, value: Any) -> float:
    """Return a finite scalar as a float."""
    array = _real(name, value)
    if array.ndim or array.dtype == np.bool_:
        raise TypeError(f"{name} must be one number; got {value!r}")
    return float(array)


def _real(name: str, value: Any) -> NDArray[Any]:
    """Return finite real numbers or booleans, in their own type; a tensor is taken off its graph.

    Tensors are recognised by what they can do, so that a claim does not import PyTorch.
    """
    try:
        array = np.asarray(value.detach().cpu() if hasattr(value, "detach") else value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise TypeError(f"{name} must hold real numbers or booleans; got {value!r}") from error
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{name} must hold real numbers or booleans; got {value!r}")
    checks.finite(name, array)
    return array
