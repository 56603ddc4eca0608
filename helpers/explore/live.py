"""An explorer at a live kernel: widgets on the same drawing function, also between the points."""

from __future__ import annotations

import math
import traceback
from collections.abc import Callable, Sequence
from html import escape
from itertools import pairwise
from typing import Any, Final
from urllib.parse import quote

import ipywidgets as widgets

from helpers.explore.frames import Alt, Draw, Frame, draw_frame
from helpers.explore.grid import Control, number_text

__all__ = ["live_widget"]

STEPS_PER_GAP: Final = 10
"""From one number of the grid to the next, as the slider moves."""

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
    """Return a slider that stands on every number of the grid, exactly, and on some between.

    A slider of plain numbers would step from its minimum on, and pull the start to a step nearby.
    """
    shown = dict(zip(control.values, control.texts))
    numbers = _with_numbers_between(control.values)
    options = [(shown.get(number) or _short(number), number) for number in numbers]
    start = control.values[control.start]
    slider = widgets.SelectionSlider(options=options, value=start, **common)
    return slider, lambda: slider.value


def _short(number: float) -> str:
    return number_text(number if isinstance(number, int) else float(f"{number:.3g}"))


def _with_numbers_between(numbers: Sequence[float]) -> list[float]:
    """Return the numbers and up to nine in each gap, whole or in equal ratios if they are."""
    whole = all(isinstance(number, int) for number in numbers)
    logarithmic = _is_logarithmic(numbers)
    fine: list[float] = [numbers[0]]
    for low, high in pairwise(numbers):
        for tenth in range(1, STEPS_PER_GAP):
            share = tenth / STEPS_PER_GAP
            number = low * (high / low) ** share if logarithmic else low + (high - low) * share
            fine.append(round(number) if whole else number)
        fine.append(high)
    return sorted(set(fine))


def _is_logarithmic(numbers: Sequence[float]) -> bool:
    """Say whether the ratios between the numbers are more alike than the differences."""
    if numbers[0] <= 0 or len(numbers) < 3:
        return False
    gaps = [b - a for a, b in pairwise(numbers)]
    ratios = [math.log(b / a) for a, b in pairwise(numbers)]
    return max(ratios) / min(ratios) < max(gaps) / min(gaps)
