"""The layers as columns of text, those without any number left out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from .layers import Layer

__all__ = ["LEFT", "columns"]

LEFT: Final = ("layer", "kind", "note")
"""Headings of the columns that hold words."""


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.2g}"


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.0%}"


def _ratio(layer: Layer) -> str:
    if layer.weight_gradient is None or not layer.weights:
        return ""
    return _number(layer.weight_gradient / layer.weights)


COLUMNS: Final[tuple[tuple[str, Callable[[Layer], str]], ...]] = (
    ("layer", lambda layer: layer.name),
    ("kind", lambda layer: layer.kind + (f" x{layer.calls}" if layer.calls > 1 else "")),
    ("mean", lambda layer: _number(layer.mean)),
    ("sd", lambda layer: _number(layer.std)),
    ("dead", lambda layer: _share(layer.dead)),
    ("saturated", lambda layer: _share(layer.saturated)),
    ("gradient", lambda layer: _number(layer.gradient)),
    ("gradient/weights", _ratio),
    ("step/weights", lambda layer: _number(layer.update)),
    ("note", lambda layer: layer.note),
)


def columns(layers: Sequence[Layer]) -> list[tuple[str, list[str]]]:
    """Return (heading, cells) for every column in which some layer has something."""
    table = [(heading, [cell(layer) for layer in layers]) for heading, cell in COLUMNS]
    return [(heading, cells) for heading, cells in table if any(cells)]
