"""An explorer as plain HTML: native controls, the start frame, and every other frame as data.

It needs no kernel. website/static/explore.js moves it and explore.css dresses it; without them,
and on paper, the start frame and its values stand there. The drawings, the bulk of it, stand last
in an element of their own, which website/course/explorers.py moves to a file.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Sequence
from html import escape
from typing import Final
from urllib.parse import quote

from helpers.explore.frames import Frame
from helpers.explore.grid import Control

__all__ = ["page_html"]

SAFE_IN_ATTRIBUTES: Final = " =:/;,'()@!?*+$-._~"


def page_html(title: str, controls: Sequence[Control], frames: Sequence[Frame]) -> str:
    """Return the explorer.

    Parameters
    ----------
    title
        Names the group of controls; its words are the explorer's id, and its name in an address.
    controls
        In the order of the grid.
    frames
        One for each combination; the last control changes fastest.
    """
    key = explorer_id(title)
    start = frames[_start_index(controls)]
    source = "data:image/svg+xml," + quote(start.svg, safe=SAFE_IN_ATTRIBUTES)
    shown = ", ".join(f"{control.label}: {control.texts[control.start]}" for control in controls)
    return f"""\
<div class="explorer" id="{key}">
<fieldset disabled>
<legend>{escape(title)}</legend>
{"".join(_control(key, control) for control in controls)}\
<a class="explorer-link" href="#{key}">Link to this setting</a>
</fieldset>
<p class="explorer-values">{escape(shown)}</p>
<img src="{source}" alt="{escape(start.alt)}" width="{start.width}" height="{start.height}">
<p class="explorer-status" role="status"></p>
<noscript><p>One of {len(frames)} settings; the others need JavaScript.</p></noscript>
<script type="application/json" class="explorer-table">{_table(controls, frames)}</script>
<script type="application/json" class="explorer-drawings">{_json(_drawings(frames))}</script>
</div>
"""


def explorer_id(title: str) -> str:
    """Return the words of the title as an id: 'How far?' becomes 'explore-how-far'."""
    ascii_title = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode()
    words: list[str] = re.findall("[a-z0-9]+", ascii_title.lower())
    return "-".join(["explore", *words])


def _start_index(controls: Sequence[Control]) -> int:
    index = 0
    for control in controls:
        index = index * len(control.values) + control.start
    return index


def _control(key: str, control: Control) -> str:
    own = escape(f"{key}-{control.name}")
    common = f'id="{own}" name="{escape(control.name)}" autocomplete="off"'
    text = escape(control.texts[control.start])
    if control.numeric and len(control.values) > 2:
        # The value is in aria-valuetext: the output would only say it twice.
        width = max(len(text) for text in control.texts)
        field = (
            f'<input type="range" {common} min="0" max="{len(control.values) - 1}" '
            f'value="{control.start}" aria-valuetext="{text}">'
            f'<output for="{own}" aria-hidden="true" style="min-width:{width}ch">{text}</output>'
        )
    else:
        options = "".join(
            f'<option value="{k}"{" selected" * (k == control.start)}>{escape(text)}</option>'
            for k, text in enumerate(control.texts)
        )
        field = f"<select {common}>{options}</select>"
    return f'<div><label for="{own}">{escape(control.label)}</label>{field}</div>\n'


def _drawings(frames: Sequence[Frame]) -> list[str]:
    """Return each drawing once, also where several combinations share it."""
    return list(dict.fromkeys(frame.svg for frame in frames))


def _table(controls: Sequence[Control], frames: Sequence[Frame]) -> str:
    """Return what the script needs before it draws; `shown` says which drawing is whose."""
    place = {svg: k for k, svg in enumerate(_drawings(frames))}
    table = {
        "controls": [{"label": c.label, "texts": c.texts, "tokens": c.tokens} for c in controls],
        "shown": [place[frame.svg] for frame in frames],
        "alts": [frame.alt for frame in frames],
    }
    return _json(table)


def _json(content: object) -> str:
    """Return JSON that can stand inside a script element, and is JavaScript as well."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return text.replace("</", "<\\/").replace("<!--", "<\\u0021--")
