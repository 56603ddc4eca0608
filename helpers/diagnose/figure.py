"""The report as a figure: gradients along depth and time, and what layers learn from them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from .trend import Trend

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from .report import Report

__all__ = ["draw"]

# The book's blue, vermilion and ink: the book turns them into their dark-mode twins.
BLUE, VERMILION, INK = "#0072b2", "#d55e00", "#22272e"
LABELS: Final = 12  # names along an axis that can still be read
PANELS: Final = 4


def draw(report: Report) -> Figure:
    """Return a figure with a panel for depth, one for the weights and one for each time axis."""
    from matplotlib.figure import Figure

    lines = (report.depth, *report.time)
    trends = [t for t in lines if t is not None and len(t.values) > 2 and max(t.values) > 0]
    trends = trends[: PANELS - 1]
    figure = Figure(figsize=(6.4, 2.9 * (len(trends) + 1)), layout="constrained")
    axes = figure.subplots(len(trends) + 1, 1, squeeze=False)[:, 0]
    for ax, trend in zip(axes, trends):
        draw_trend(ax, trend)
    draw_weights(axes[-1], report)
    return figure


def draw_trend(ax: Axes, trend: Trend) -> Axes:
    """Draw the norms of a trend and the line through them; crosses at the bottom are zeros."""
    places = [k for k, value in enumerate(trend.values) if value > 0]
    values = [trend.values[k] for k in places]
    ax.semilogy(places, values, "o", color=BLUE, markersize=5)
    middle = places[len(places) // 2]
    level = sorted(values)[len(values) // 2]
    ax.semilogy(
        places,
        [level * trend.factor ** (middle - k) for k in places],
        "--",
        color=INK,
        linewidth=1.2,
    )
    zeros = [k for k, value in enumerate(trend.values) if value == 0]
    ax.plot(zeros, [min(values)] * len(zeros), "x", color=VERMILION)
    unit, where = ("layer", "") if trend.axis == "depth" else ("step", f" of {trend.where}")
    ax.set_title(f"Gradient x {trend.factor:.3g} per {unit}{where}, going back")
    ax.set_ylabel("norm of the gradient")
    _names(ax, list(trend.names), unit)
    return ax


def draw_weights(ax: Axes, report: Report) -> Axes:
    """Draw gradient over weights, or step over weights, of every layer that has both."""
    stepped = any(layer.update for layer in report.layers)
    rows = [
        (layer.name, layer.update if stepped else (layer.weight_gradient or 0) / layer.weights)
        for layer in report.layers
        if layer.weights
    ]
    shown = [(name, value) for name, value in rows if value]
    ax.plot(range(len(shown)), [value for _, value in shown], "s", color=VERMILION, markersize=5)
    if shown:
        ax.set_yscale("log")
    if stepped:
        ax.axhline(1e-3, color=INK, linewidth=1, linestyle=":")
    ax.set_title("Next step / weights (usual: 0.001)" if stepped else "Gradient / weights")
    ax.set_ylabel("ratio of norms")
    _names(ax, [name for name, _ in shown], "layer")
    return ax


def _names(ax: Any, names: list[str], unit: str) -> None:
    if unit == "layer" and len(names) <= LABELS:
        ax.set_xticks(range(len(names)), names, rotation=30, ha="right")
    else:
        ax.set_xlabel(f"{unit}, in the order of execution")
        ax.xaxis.get_major_locator().set_params(integer=True)
