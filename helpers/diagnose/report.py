"""The report: verdicts first, then the numbers behind them."""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import wrap
from typing import TYPE_CHECKING

from .layers import Layer
from .table import LEFT, columns
from .trend import Trend
from .verdict import Verdict

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Report"]

WIDTH = 96
ROWS = 50


@dataclass(frozen=True)
class Report:
    """What `diagnose` found. Print it, show it in a notebook, or read its fields.

    Attributes
    ----------
    model
        Class name of the model.
    verdicts
        Causes first, consequences behind; a single 'healthy' if nothing was found.
    layers
        One row per layer and activation, in the order of execution.
    depth
        The gradient along the layers; None with fewer than two of them.
    time
        The gradient along the steps of each recurrent or reused module.
    loss, eval_loss
        In training mode, and in eval mode (None if that pass failed).
    notes
        What else there is to know: frozen parameters, wrappers, zero gates.
    """

    model: str
    verdicts: tuple[Verdict, ...]
    layers: tuple[Layer, ...]
    depth: Trend | None
    time: tuple[Trend, ...]
    loss: float
    eval_loss: float | None
    notes: tuple[str, ...]

    @property
    def healthy(self) -> bool:
        """Say whether nothing was found."""
        return self.names == ("healthy",)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the verdicts."""
        return tuple(verdict.name for verdict in self.verdicts)

    @property
    def title(self) -> str:
        """One line: the model, its loss and the findings."""
        after = "" if self.eval_loss is None else f", {self.eval_loss:.4g} in eval mode"
        return f"{self.model}: {', '.join(dict.fromkeys(self.names))} (loss {self.loss:.4g}{after})"

    def __str__(self) -> str:
        parts = [self.title]
        for place, verdict in enumerate(self.verdicts, start=1):
            where = f" ({verdict.where})" if verdict.where else ""
            parts.append(f"\n{place}. {verdict.name}{where}")
            parts += [_paragraph(label, text) for label, text in verdict.parts]
        parts += [f"\n{_paragraph('note', note)}" for note in self.notes]
        return "\n".join([*parts, "", *_aligned(columns(self.layers))])

    def _repr_html_(self) -> str:
        from .page import page

        return page(self)

    def plot(self) -> Figure:
        """Draw the gradients along depth and time, and what each layer learns from them.

        Raises
        ------
        ImportError
            If matplotlib is not installed; nothing else needs it.
        """
        from .figure import draw

        return draw(self)


def _paragraph(label: str, text: str) -> str:
    lines = wrap(text, WIDTH - 13) or [""]
    first = f"   {label:<9} {lines[0]}"
    return "\n".join([first, *(" " * 13 + line for line in lines[1:])])


def _aligned(table: list[tuple[str, list[str]]]) -> list[str]:
    """Return the lines of the table, the middle of a long one left out."""
    widths = [max(map(len, (head, *cells))) for head, cells in table]
    left = [head in LEFT for head, _ in table]
    rows = zip(*([head, *cells] for head, cells in table))
    lines = [
        "  ".join(t.ljust(w) if k else t.rjust(w) for t, w, k in zip(row, widths, left)).rstrip()
        for row in rows
    ]
    if len(lines) <= ROWS:
        return lines
    hidden = f"... {len(lines) - ROWS} more in report.layers ..."
    return [*lines[: ROWS // 2], hidden, *lines[-ROWS // 2 :]]
