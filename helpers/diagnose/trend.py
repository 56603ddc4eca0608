"""A straight line through log gradients, robust to odd ones out: how much is lost per layer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import median, quantiles

__all__ = ["Trend", "trend"]

POINTS = 32  # pairs grow with the square: a longer series is thinned out to this many


@dataclass(frozen=True)
class Trend:
    """How a norm changes from the output back to the input, along depth or along time.

    Attributes
    ----------
    axis
        'depth' or 'time'.
    where
        The module whose time steps these are; '' along depth.
    names
        One per value, in the order of execution: layers, or time steps.
    values
        Norm of dLoss/d(output) at each; 0 where none arrives.
    factor, low, high
        Median over all pairs of the factor per layer (or step) going back, and its quartiles
        (Theil 1950, Sen 1968).
    decades
        The factor over the whole length, as a power of ten: what decays or grows steadily.
    drop
        Largest of the first third over largest of the last third, as a power of ten: also finds
        a single cliff.
    """

    axis: str
    where: str
    names: tuple[str, ...]
    values: tuple[float, ...]
    factor: float
    low: float
    high: float
    decades: float
    drop: float


def trend(
    axis: str,
    where: str,
    names: Sequence[str],
    values: Sequence[float],
    excuses: Sequence[float] = (),
) -> Trend | None:
    """Fit the values above zero; None with fewer than two of them.

    `excuses` are powers of ten added to each value first, for what averaging took away.
    """
    logs = [
        (place, math.log10(value) + (excuses[place] if excuses else 0.0))
        for place, value in enumerate(values)
        if 0 < value < math.inf
    ]
    if len(logs) < 2:
        return None
    slopes = sorted(_slopes(logs))
    low, _, high = quantiles(slopes, n=4) if len(slopes) > 1 else (slopes[0],) * 3
    third = math.ceil(len(logs) / 3)
    first, last = (max(y for _, y in part) for part in (logs[:third], logs[-third:]))
    return Trend(
        axis=axis,
        where=where,
        names=tuple(names),
        values=tuple(values),
        factor=10 ** median(slopes),
        low=10**low,
        high=10**high,
        decades=median(slopes) * (logs[-1][0] - logs[0][0]),
        drop=first - last,
    )


def _slopes(logs: list[tuple[int, float]]) -> list[float]:
    """Return the change per step going back, for every pair of points."""
    stride = math.ceil(len(logs) / POINTS)
    return [(a[1] - b[1]) / (b[0] - a[0]) for a, b in combinations(logs[::stride], 2)]
