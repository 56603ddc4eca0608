"""An explorer at a live kernel: widgets on the same drawing function, also between the points."""

from __future__ import annotations

import math
import traceback
from collections.abc import Callable, Sequence
from html import escape
from itertools import pairwise
from typing import Any
from urllib.parse import quote

import ipywidgets as widgets

from helpers.explore.frames import Alt, Draw, Frame, draw_frame
from helpers.explore.grid import Control

__all__ = ["live_widget"]

Field = tuple[Any, Callable[[], Any]]  # a widget, and how to read the value to draw


def live_widget(draw: Draw, alt: Alt, title: str, controls: Sequence[Control]) -> Any:
    """Return the explorer as a widget; the start point is drawn at once, any other when asked for.

    Raises
    ------
    Exception
        Whatever `draw` and `alt` raise at the start point. Later it is shown in the frame's place.
    """
    fields = {control.name: _field(control) for control in controls}
    view = widgets.HTML()

    def current() -> Frame:
        return draw_frame(draw, alt, {name: read() for name, (_, read) in fields.items()})

    def redraw(change: Any) -> None:
        try:
            view.value = _image(current())
        except Exception as error:  # the reader's own code, perhaps: show it where they look
            view.value = _trouble(error)

    view.value = _image(current())
    for field, _ in fields.values():
        field.observe(redraw, names="value")
    heading = widgets.HTML(f"<strong>{escape(title)}</strong>")
    row = widgets.Layout(flex_flow="row wrap")
    bar = widgets.Box([field for field, _ in fields.values()], layout=row)
    return widgets.VBox([heading, bar, view])


def _image(frame: Frame) -> str:
    """Return the frame on white, like every figure of a live notebook."""
    return (
        f'<img src="data:image/svg+xml,{quote(frame.svg)}" alt="{escape(frame.alt)}" '
        f'width="{frame.width}" height="{frame.height}" '
        'style="max-width: 100%; height: auto; color-scheme: light; background: white">'
    )


def _trouble(error: Exception) -> str:
    lines = "".join(traceback.format_exception(error))
    return f'<pre role="alert" style="overflow-x: auto">{escape(lines)}</pre>'


def _field(control: Control) -> Field:
    common = {
        "description": control.label,
        "style": {"description_width": "initial"},
        "layout": widgets.Layout(width="auto", min_width="22em", margin="2px 2em 2px 2px"),
    }
    return _slider(control, common) if control.numeric else _menu(control, common)


def _menu(control: Control, common: dict[str, Any]) -> Field:
    options = [(text, k) for k, text in enumerate(control.texts)]
    menu = widgets.Dropdown(options=options, value=control.start, **common)
    return menu, lambda: control.values[menu.value]


def _slider(control: Control, common: dict[str, Any]) -> Field:
    """Return a slider over the numbers' range: whole if they are, logarithmic if they are."""
    numbers = control.values
    common |= {"value": numbers[control.start]}
    whole = all(isinstance(number, int) for number in numbers)
    form = ".0f" if whole else ".3g"
    if _is_logarithmic(numbers):
        low, *_, high = powers = [math.log10(number) for number in numbers]
        step = _tenth_of_a_gap(powers)
        slider = widgets.FloatLogSlider(min=low, max=high, step=step, readout_format=form, **common)
    elif whole:
        slider = widgets.IntSlider(min=numbers[0], max=numbers[-1], **common)
    else:
        step = _tenth_of_a_gap(numbers)
        slider = widgets.FloatSlider(
            min=numbers[0], max=numbers[-1], step=step, readout_format=form, **common
        )

    def read() -> float:
        value: float = round(slider.value) if whole else slider.value
        # Exactly the grid's number where the slider stands on it: what is cached is found again.
        tiny = 1e-9 * (numbers[-1] - numbers[0])
        at = (n for n in numbers if math.isclose(n, value, rel_tol=1e-9, abs_tol=tiny))
        return next(at, value)

    return slider, read


def _is_logarithmic(numbers: Sequence[float]) -> bool:
    """Say whether the ratios between the numbers are more alike than the differences."""
    if numbers[0] <= 0 or len(numbers) < 3:
        return False
    gaps = [b - a for a, b in pairwise(numbers)]
    ratios = [math.log(b / a) for a, b in pairwise(numbers)]
    return max(ratios) / min(ratios) < max(gaps) / min(gaps)


def _tenth_of_a_gap(numbers: Sequence[float]) -> float:
    return min(b - a for a, b in pairwise(numbers)) / 10
