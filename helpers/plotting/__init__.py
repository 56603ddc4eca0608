"""What a reader sees: the book's figure style, and the figures that recur."""

from helpers.plotting.figures import mean_and_spread, predicted_and_measured
from helpers.plotting.style import COLORS, INK, MUTED, dots, label_lines, line

__all__ = [
    "COLORS",
    "INK",
    "MUTED",
    "dots",
    "label_lines",
    "line",
    "mean_and_spread",
    "predicted_and_measured",
]
