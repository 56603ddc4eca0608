"""The grid of an explorer: each argument with its values, and how a reader sees and links them."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise, product
from numbers import Real
from typing import Any, Final

__all__ = ["MOST_FRAMES", "Control", "combinations", "number_text", "read_grid"]

MOST_FRAMES: Final = 200
"""The build draws every frame, and a file beside the page carries them all."""

SUPERSCRIPTS: Final = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class Control:
    """One argument of the drawing function, as the reader chooses it.

    Attributes
    ----------
    name, label
        The argument's name, and what the reader calls it.
    values, texts, tokens
        Each value, as it is shown, and as it stands in the page's address.
    numeric
        Whether the values are numbers, hence a slider; otherwise names, hence a menu.
    start
        Index of the value shown first.
    """

    name: str
    label: str
    values: tuple[Any, ...]
    texts: tuple[str, ...]
    tokens: tuple[str, ...]
    numeric: bool
    start: int


def read_grid(
    grid: Mapping[str, Any], labels: Mapping[str, str], start: Mapping[str, Any]
) -> tuple[Control, ...]:
    """Return the controls of a grid, in its order.

    Parameters
    ----------
    grid
        Argument to its values: a list of numbers (rising), of strings or of bools, or a mapping
        from label to any value.
    labels
        Argument to what the reader calls it; its name, if not given.
    start
        Argument to the value (of a mapping: the label) shown first; the first, if not given.

    Raises
    ------
    TypeError, ValueError
        If the grid is empty or has over 200 frames, an argument has fewer than two values, values
        that repeat or do not rise, or one that cannot be labelled, or if `labels` or `start` name
        something that is not in the grid.
    """
    if not grid:
        raise ValueError(
            "explore must get at least one argument to vary, as depth=[5, 10]; got none"
        )
    for argument, given in (("labels", labels), ("start", start)):
        if not isinstance(given, Mapping):
            raise TypeError(f"{argument} must be a dict from name to value; got {given!r}")
        for name in given:
            if name not in grid:
                raise ValueError(f"{argument} must name one of {', '.join(grid)}; got {name!r}")
    controls = tuple(_control(name, grid[name], labels, start) for name in grid)
    frames = math.prod(len(control.values) for control in controls)
    if frames > MOST_FRAMES:
        sizes = " x ".join(f"{len(control.values)} {control.name}" for control in controls)
        raise ValueError(f"the grid must have at most {MOST_FRAMES} frames; got {sizes} = {frames}")
    return controls


def combinations(controls: Iterable[Control]) -> Iterator[dict[str, Any]]:
    """Yield the arguments of every frame; the last control changes fastest."""
    controls = tuple(controls)
    for values in product(*(control.values for control in controls)):
        yield {control.name: value for control, value in zip(controls, values)}


def number_text(value: float) -> str:
    """Return a number as a reader sees it: 20, −0.5, 10⁻⁵, 2.5 × 10⁻⁵."""
    text = str(value) if isinstance(value, int) else f"{value:.4g}"
    mantissa, has_exponent, exponent = text.partition("e")
    mantissa = mantissa.replace("-", "−")
    if not has_exponent:
        return mantissa
    power = "10" + str(int(exponent)).translate(SUPERSCRIPTS)
    return power if mantissa == "1" else f"{mantissa} × {power}"


def _control(name: str, given: Any, labels: Mapping[str, str], start: Mapping[str, Any]) -> Control:
    label = labels.get(name, name.replace("_", " "))
    if not isinstance(label, str) or not label.strip():
        raise ValueError(f"labels[{name!r}] must be a text that is not empty; got {label!r}")
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise TypeError(f"{name} must be a list of values or a dict of them; got {given!r}")
    named = isinstance(given, Mapping)
    values = tuple(given.values() if isinstance(given, Mapping) else map(_plain, given))
    if len(values) < 2:
        raise ValueError(f"{name} must have at least two values to choose from; got {list(values)}")
    texts = tuple(given) if named else tuple(_text(name, value) for value in values)
    _check_texts(name, values, texts)
    numeric = not named and all(_is_number(value) for value in values)
    if numeric and any(a >= b for a, b in pairwise(values)):
        raise ValueError(f"{name} must rise from number to number; got {list(values)}")
    options = texts if named else values
    first = _plain(start.get(name, options[0]))
    if first not in options:
        shown = ", ".join(map(repr, options))
        raise ValueError(f"start[{name!r}] must be one of {shown}; got {first!r}")
    return Control(
        name, label, values, texts, _tokens(options, texts), numeric, options.index(first)
    )


def _plain(value: Any) -> Any:
    """Return a NumPy scalar as Python's own int, float, bool or str."""
    return value.item() if hasattr(value, "item") and getattr(value, "ndim", None) == 0 else value


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def _text(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, str):
        return value
    if _is_number(value) and math.isfinite(value):
        return number_text(value)
    raise TypeError(
        f"{name} must hold finite numbers, strings or bools, or be a dict from label to value; "
        f"got {value!r}"
    )


def _check_texts(name: str, values: tuple[Any, ...], texts: tuple[Any, ...]) -> None:
    for text in texts:
        if not isinstance(text, str) or not text.strip():
            raise ValueError(f"{name} must have labels that are not empty; got {text!r}")
    if len(set(texts)) < len(texts):
        raise ValueError(f"{name} must have values that read differently; got {list(values)}")


def _tokens(values: tuple[Any, ...], texts: tuple[str, ...]) -> tuple[str, ...]:
    """Return the values as they stand in an address, each different."""
    tokens: list[str] = []
    for value, text in zip(values, texts):
        plain = f"{value:.4g}".replace("+", "") if _is_number(value) else text
        token = re.sub(r"[^\w.-]+", "-", plain).strip("-") or "value"
        tokens.append(token if token not in tokens else f"{token}-{len(tokens) + 1}")
    return tuple(tokens)
