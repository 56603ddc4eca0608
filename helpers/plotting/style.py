"""One look for every figure of the book: palette, matplotlib settings, themed SVG, direct labels.

Labels are best written with Unicode ("σ²", "δ") rather than `$mathtext$`: a browser then sets them
as one piece of text in the reader's own font.
"""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from helpers.plotting import svg
from helpers.plotting.labels import label_lines

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = [
    "BLUE",
    "COLORS",
    "GREEN",
    "GRID",
    "INK",
    "MARKERS",
    "MUTED",
    "OCHRE",
    "PAPER",
    "PURPLE",
    "VERMILION",
    "Color",
    "dots",
    "figure_to_svg",
    "in_book_build",
    "label_lines",
    "line",
    "use",
]

FIGURE_SIZE: Final = (6.4, 3.8)
"""Inches; on a phone's 360 px the 12-point text of this size is still 9 px high."""


class Color(str):
    """A colour for matplotlib (its light-mode hex code) that knows its dark-mode twin.

    Attributes
    ----------
    light, dark
        Hex codes on a white and on a dark page.
    """

    light: str
    dark: str

    def __new__(cls, light: str, dark: str) -> Color:
        """Pair two lower-case hex codes such as '#0072b2'."""
        color = super().__new__(cls, light)
        color.light, color.dark = light, dark
        return color


INK: Final = Color("#22272e", "#dfe4e9")  # text and axes
MUTED: Final = Color("#59636e", "#9ca4af")  # tick labels, remarks
GRID: Final = Color("#dde1e6", "#343c48")
# Not quite white, so that a white the author asked for (text on a colour map) stays white.
PAPER: Final = Color("#fffffe", "#14181e")

# The hues of Okabe and Ito (2008). Lightness is set apart as well as hue, and separately for the
# two pages, so that the five also differ to a colour-blind eye; the tests measure both.
BLUE: Final = Color("#0072b2", "#56b4e9")
VERMILION: Final = Color("#d55e00", "#e5702a")
GREEN: Final = Color("#006b4d", "#1a9e6e")
PURPLE: Final = Color("#b3628f", "#d58bb5")
OCHRE: Final = Color("#6b4700", "#f2cc6b")

COLORS: Final[dict[str, Color]] = {
    "blue": BLUE,
    "vermilion": VERMILION,
    "green": GREEN,
    "purple": PURPLE,
    "ochre": OCHRE,
    "ink": INK,
}
MARKERS: Final = ("o", "s", "^", "D", "v", "X")
DASHES: Final[tuple[Any, ...]] = (
    "solid",
    (0, (5, 2)),
    (0, (1, 1.6)),
    (0, (6, 2, 1, 2)),
    (0, (9, 3)),
    (0, (3, 1.5, 1, 1.5, 1, 1.5)),
)


def line(k: int) -> dict[str, Any]:
    """Return colour and dashes of the k-th series (from 0, cyclic): `ax.plot(x, y, **line(k))`."""
    return {"color": _cyclic(tuple(COLORS.values()), k), "linestyle": _cyclic(DASHES, k)}


def dots(k: int) -> dict[str, Any]:
    """Return colour and marker of the k-th series (from 0, cyclic), unconnected: measurements."""
    color = _cyclic(tuple(COLORS.values()), k)
    return {"color": color, "marker": _cyclic(MARKERS, k), "linestyle": "none"}


def _cyclic(options: Sequence[Any], k: int) -> Any:
    return options[k % len(options)]


def in_book_build() -> bool:
    """Say whether the website is being built: the variable BOOK_BUILD is 1."""
    return os.environ.get("BOOK_BUILD", "").strip() not in ("", "0")


def _settings() -> dict[Any, Any]:
    from cycler import cycler

    return {
        "figure.figsize": FIGURE_SIZE,
        "figure.dpi": 100,
        "figure.facecolor": "white",
        "figure.constrained_layout.use": True,
        "savefig.facecolor": "white",
        "savefig.dpi": 200,
        "font.family": "sans-serif",
        "font.sans-serif": ["DejaVu Sans"],  # the one font every matplotlib carries
        "font.size": 12,
        "axes.titlesize": 12,
        "axes.titleweight": "bold",
        "axes.titlelocation": "left",
        "axes.titlepad": 10,
        "axes.labelsize": 12,
        "xtick.labelsize": 11,
        "ytick.labelsize": 11,
        "legend.fontsize": 11,
        "text.color": INK,
        "axes.titlecolor": INK,
        "axes.labelcolor": INK,
        "axes.edgecolor": INK,
        "xtick.color": INK,
        "ytick.color": INK,
        "xtick.labelcolor": INK,
        "ytick.labelcolor": INK,
        "axes.linewidth": 0.8,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.axisbelow": True,
        "axes.grid": True,
        "grid.color": GRID,
        "grid.linewidth": 0.8,
        "xtick.minor.size": 0,
        "ytick.minor.size": 0,
        "axes.prop_cycle": cycler(color=list(COLORS.values())) + cycler(linestyle=list(DASHES)),
        "lines.linewidth": 2.0,
        "lines.markersize": 6,
        "errorbar.capsize": 2.5,
        "legend.frameon": False,
        "image.cmap": "viridis",
    }


def use() -> None:
    """Set the book's figure style, and how a notebook shows a figure.

    While the book is built (BOOK_BUILD=1) a figure becomes one SVG that follows the page's light
    or dark mode; in any other notebook it is a sharp PNG on white. A plain script gets the style.
    """
    import matplotlib

    shell = _kernel()
    if shell is not None:
        # First, because switching the inline backend on resets the formats and may reset rcParams.
        shell.enable_matplotlib("inline")
        _show_figures_in(shell)
    matplotlib.rcParams.update(_settings())


def _kernel() -> Any:
    """Return the running Jupyter shell, or None in a script or a terminal."""
    try:
        from IPython.core.getipython import get_ipython
    except ImportError:
        return None
    shell = get_ipython()
    return shell if shell is not None and hasattr(shell, "kernel") else None


def _show_figures_in(shell: Any) -> None:
    from matplotlib.figure import Figure
    from matplotlib_inline.backend_inline import set_matplotlib_formats

    # bbox_inches=None: the figure keeps its size, as in the SVG, and constrained layout fits it.
    set_matplotlib_formats(  # type: ignore[no-untyped-call]
        "retina", bbox_inches=None, facecolor="white"
    )
    if in_book_build():
        formatters = shell.display_formatter.formatters
        formatters["image/png"].pop(Figure, None)
        formatters["image/svg+xml"].for_type(Figure, figure_to_svg)


def figure_to_svg(fig: Figure, *, alt: str | None = None) -> str:
    """Return `fig` as compact SVG that follows light and dark mode; the figure stays open.

    The palette's colours become CSS variables with a `prefers-color-scheme` override, which an
    `<img>` takes from the `color-scheme` of its page. Every other colour stays as it is. The text
    stays text, in the reader's system font, and the same drawing always gives the same bytes.

    Parameters
    ----------
    fig
        Its size in inches times 96 is the size in CSS pixels.
    alt
        A text alternative to write into the SVG itself, for where there is no `<img alt>`.
    """
    import matplotlib

    buffer = io.StringIO()
    stable: dict[Any, Any] = {"svg.fonttype": "none", "svg.hashsalt": "book", "savefig.bbox": None}
    with matplotlib.rc_context(stable):
        nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        fig.savefig(buffer, format="svg", transparent=True, metadata=nothing)
    palette = {"ink": INK, "muted": MUTED, "grid": GRID, "paper": PAPER} | COLORS
    themed = {name: (color.light, color.dark) for name, color in palette.items()}
    return svg.compact(buffer.getvalue(), themed, alt=alt)
