"""Direct labels: each line's name at its end, instead of a legend."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D
    from matplotlib.text import Annotation

__all__ = ["label_lines"]
Array: TypeAlias = NDArray[np.float64]


def label_lines(
    ax: Axes, lines: Iterable[Line2D] | None = None, *, size: float = 11
) -> list[Annotation]:
    """Write each line's label at its right end, in its colour; call it last, with limits set.

    Labels that would overlap move apart vertically by as little as possible.

    Parameters
    ----------
    ax
        The axes the lines are in; constrained layout makes the room at their right.
    lines
        Those to label: all that have a label and a finite point, unless given.
    size
        Font size in points.
    """
    figure = cast("Figure", ax.get_figure(root=True))
    figure.draw_without_rendering()  # so that constrained layout has placed the axes
    named = [e for e in (ax.lines if lines is None else lines) if not _unnamed(e)]
    found = [(entry, _right_end(ax, entry)) for entry in named]
    chosen = [(entry, end) for entry, end in found if end is not None]
    if not chosen:
        return []
    ends = np.array([end for _, end in chosen])
    points = 72 / figure.dpi
    box = ax.get_window_extent()
    at = np.clip(ends[:, 1], box.y0, box.y1) * points
    moved = _apart(at, gap=1.2 * size, low=box.y0 * points, high=box.y1 * points)
    # A label is placed relative to the line's end as it lies in the axes, not beyond its limits.
    anchors = ax.transData.inverted().transform(np.column_stack([ends[:, 0], at / points]))
    return [
        ax.annotate(
            str(entry.get_label()),
            (float(x), float(y)),
            xytext=(6, float(shift)),
            textcoords="offset points",
            va="center",
            size=size,
            color=entry.get_color(),
            annotation_clip=False,
        )
        for (entry, _), (x, y), shift in zip(chosen, anchors, moved - at, strict=True)
    ]


def _unnamed(entry: Line2D) -> bool:
    return str(entry.get_label()).startswith("_")  # matplotlib's mark for "not in the legend"


def _right_end(ax: Axes, entry: Line2D) -> Array | None:
    """Return the right-most finite point of a line, in pixels, or None."""
    points: Array = ax.transData.transform(np.asarray(entry.get_xydata(), dtype=np.float64))
    good = points[np.isfinite(points).all(axis=1)]
    return good[np.argmax(good[:, 0])] if len(good) else None


def _apart(at: Array, gap: float, low: float, high: float) -> Array:
    """Return the positions closest to `at` (least squares) that are `gap` apart, in its order."""
    order = np.argsort(at, kind="stable")
    steps = gap * np.arange(len(at))
    blocks: list[list[float]] = []  # pool adjacent violators: [mean, how many]
    for value in at[order] - steps:
        blocks.append([float(value), 1])
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            mean, n = blocks.pop()
            before, m = blocks[-1]
            blocks[-1] = [(mean * n + before * m) / (n + m), n + m]
    spread: Array = np.concatenate([np.full(int(n), mean) for mean, n in blocks]) + steps
    spread -= max(0.0, spread[-1] - high)  # into the axes, from the top first
    spread += max(0.0, low - spread[0])
    moved: Array = np.empty_like(spread)
    moved[order] = spread
    return moved
