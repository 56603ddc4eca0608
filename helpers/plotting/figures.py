"""Figures that recur: arrays and an Axes in, the Axes out. Line: prediction; dots: measurement."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from helpers.checks import finite
from helpers.plotting import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["mean_and_spread", "predicted_and_measured"]

Array = NDArray[np.float64]


def mean_and_spread(
    ax: Axes,
    x: ArrayLike,
    values: ArrayLike,
    *,
    color: int = 0,
    joined: bool = True,
    geometric: bool = False,
    label: str | None = None,
) -> Axes:
    """Draw the mean over seeds as dots with bars of one standard deviation.

    Parameters
    ----------
    ax
        Where to draw.
    x
        (points,).
    values
        (seeds, points), at least two seeds.
    color
        Number of the series: 0, 1, ... choose colour and marker together.
    joined
        Whether a line joins the means.
    geometric
        Take mean and spread of the logarithm, for data on a logarithmic axis; values > 0.
    label
        For the legend.

    Raises
    ------
    ValueError
        If the shapes do not fit, or a value is not finite (or not above 0, with `geometric`).
    """
    places, middle, low, high = _summary(x, "values", values, geometric)
    look: dict[str, Any] = style.dots(color)
    if joined:
        look["linestyle"] = style.line(color)["linestyle"]
    ax.errorbar(places, middle, yerr=np.stack([middle - low, high - middle]), label=label, **look)
    return ax


def predicted_and_measured(
    ax: Axes,
    predicted: ArrayLike,
    measured: ArrayLike,
    *,
    x: ArrayLike | None = None,
    color: int = 0,
    label: str | None = None,
) -> Axes:
    """Draw a prediction as a line and what was measured over seeds as dots with bars.

    On a logarithmic axis, so the measured mean and spread are those of the logarithm.

    Parameters
    ----------
    ax
        Where to draw.
    predicted
        (points,).
    measured
        (seeds, points), > 0, at least two seeds.
    x
        (points,); 1, 2, ... (layers) if not given.
    color
        Number of the series.
    label
        For the legend; it goes to the line.

    Raises
    ------
    ValueError
        If the shapes do not fit, or a value is not finite or not above 0.
    """
    line = finite("predicted", predicted)
    given = np.arange(1, line.size + 1) if x is None else x
    places, middle, low, high = _summary(given, "measured", measured, geometric=True)
    if line.shape != places.shape:
        raise ValueError(f"predicted must have shape {places.shape}, like x; got {line.shape}")
    _above_zero("predicted", line)
    ax.plot(places, line, label=label, **style.line(color))
    bars = np.stack([middle - low, high - middle])
    ax.errorbar(places, middle, yerr=bars, markersize=4, **style.dots(color))
    return ax


def _summary(
    x: ArrayLike, name: str, values: ArrayLike, geometric: bool
) -> tuple[Array, Array, Array, Array]:
    """Return x, mean, mean - sd, mean + sd over the first axis, each (points,)."""
    places, table = finite("x", x), finite(name, values)
    if places.ndim != 1:
        raise ValueError(f"x must have shape (points,); got {places.shape}")
    if table.ndim != 2 or table.shape[0] < 2 or places.shape != table.shape[1:]:
        raise ValueError(
            f"{name} must have shape (seeds >= 2, points = {places.size}); got {table.shape}"
        )
    if geometric:
        table = np.log(_above_zero(name, table))
    mean, sd = table.mean(axis=0), table.std(axis=0, ddof=1)
    low, high = mean - sd, mean + sd
    if geometric:
        mean, low, high = np.exp(mean), np.exp(low), np.exp(high)
    return places, mean, low, high


def _above_zero(name: str, values: Array) -> Array:
    if (values <= 0).any():
        raise ValueError(f"{name} must be above 0 on a log axis; got {values.min()}")
    return values
