"""One drawing function, explored: as plain HTML on the website, with widgets at a live kernel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from helpers.explore.frames import Alt, Draw, draw_every_frame
from helpers.explore.grid import read_grid
from helpers.plotting.style import in_book_build

__all__ = ["explore"]


def explore(
    draw: Draw,
    *,
    alt: Alt,
    title: str,
    labels: Mapping[str, str] | None = None,
    start: Mapping[str, Any] | None = None,
    **grid: Any,
) -> Any:
    """Return a figure that the reader moves; let it be the last expression of its cell.

    While the book is built (BOOK_BUILD=1) every frame of the grid is drawn, and the page needs no
    kernel. Otherwise only the point asked for is drawn, and sliders also stop between the numbers
    of the grid: so `draw` and `alt` compute, they do not look up.

    Parameters
    ----------
    draw
        `draw(**values)` with one argument for each name of the grid returns a Figure or an Axes.
        All figures have one size.
    alt
        `alt(**values)` returns what is seen in that frame, for whoever does not see it.
    title
        What is explored: the heading of the controls, and the explorer's name in an address.
    labels
        What the reader calls the arguments: `{"sigma_w2": "weight scale σ_w²"}`. An argument
        without a label is called by its name.
    start
        Where it stands first: `{"depth": 20}`; of a dict in the grid, the label. The first value,
        if not given.
    **grid
        Argument to its values: rising numbers become a slider; strings, bools, or a dict from
        label to any value become a menu. At most 200 combinations.

    Returns
    -------
    object
        Something that Jupyter displays: HTML or a widget.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described; the message names it, what came and what is allowed.
        Each `alt` and the figures' size are checked as they are drawn.

    Examples
    --------
    >>> explore(draw, alt=describe, title="How far does the gradient get?",
    ...         depth=[5, 10, 20], activation=["tanh", "relu"])  # doctest: +SKIP
    """
    for name, function in (("draw", draw), ("alt", alt)):
        if not callable(function):
            raise TypeError(f"{name} must be a function of the grid's arguments; got {function!r}")
    if not isinstance(title, str) or not title.strip():
        raise ValueError(f"title must be a text that is not empty; got {title!r}")
    controls = read_grid(grid, labels or {}, start or {})
    if in_book_build():
        from IPython.display import HTML

        from helpers.explore.page import page_html

        html = page_html(title, controls, draw_every_frame(draw, alt, controls))
        return HTML(html)  # type: ignore[no-untyped-call]
    from helpers.explore.live import live_widget

    return live_widget(draw, alt, title, controls)
