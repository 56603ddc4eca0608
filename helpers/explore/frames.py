"""The frames of an explorer: what the drawing function drew, and what is seen in it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from helpers.explore.grid import Control, combinations
from helpers.plotting.style import figure_to_svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Alt", "Draw", "Frame", "draw_every_frame", "draw_frame"]

Draw = Callable[..., "Figure | Axes"]
Alt = Callable[..., str]

IDS: Final = re.compile(r'(id="|href="#|url\(#)f[0-9a-f]{4}')


@dataclass(frozen=True)
class Frame:
    """One drawing.

    Attributes
    ----------
    svg
        The figure, following light and dark mode.
    alt
        What is seen in it.
    width, height
        CSS pixels.
    """

    svg: str
    alt: str
    width: int
    height: int


def draw_frame(draw: Draw, alt: Alt, values: dict[str, Any]) -> Frame:
    """Draw and describe one point of the grid; no figure stays open.

    Raises
    ------
    TypeError, ValueError
        If `draw` returns no figure, or `alt` no text. Whatever they raise themselves passes
        through, with a note that says at which values.
    """
    try:
        with _closing_figures():
            svg = figure_to_svg(_figure(draw(**values)))
        text = alt(**values)
        if not isinstance(text, str) or not text.strip():
            raise TypeError(f"alt must return what is seen in the frame, as text; got {text!r}")
    except Exception as error:
        error.add_note("explore was at " + ", ".join(f"{n}={v!r}" for n, v in values.items()))
        raise
    # The ids differ from figure to figure, so that many can share a page. Frames never do: with
    # the same ids they have more text in common, and compress to less.
    svg = IDS.sub(r"\1f", svg)
    return Frame(svg, text.strip(), *_size(svg))


def draw_every_frame(draw: Draw, alt: Alt, controls: Sequence[Control]) -> list[Frame]:
    """Draw the whole grid; the last control changes fastest.

    Raises
    ------
    TypeError, ValueError
        As `draw_frame`; and if the figures differ in size, or all have the same `alt`.
    """
    frames = [draw_frame(draw, alt, values) for values in combinations(controls)]
    sizes = {(frame.width, frame.height) for frame in frames}
    if len(sizes) > 1:
        raise ValueError(f"draw must return figures of one size; got {sorted(sizes)} pixels")
    if len({frame.alt for frame in frames}) == 1:
        raise ValueError(
            f"alt must say what is seen in each frame; got {frames[0].alt!r} for all {len(frames)}"
        )
    return frames


@contextmanager
def _closing_figures() -> Iterator[None]:
    """Close what is opened inside, so that pyplot neither keeps nor shows it."""
    from matplotlib import pyplot as plt

    before = set(plt.get_fignums())
    try:
        yield
    finally:
        for number in set(plt.get_fignums()) - before:
            plt.close(number)


def _figure(drawn: Any) -> Figure:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    figure = drawn.get_figure(root=True) if isinstance(drawn, Axes) else drawn
    if not isinstance(figure, Figure):
        raise TypeError(f"draw must return a matplotlib Figure or Axes; got {drawn!r}")
    return figure


def _size(svg: str) -> tuple[int, int]:
    sides = dict(re.findall(r' (width|height)="(\d+)"', svg[: svg.index(">")]))
    return int(sides["width"]), int(sides["height"])
