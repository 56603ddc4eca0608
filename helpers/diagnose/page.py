"""The report as HTML: plain where there is no stylesheet, themed where there is one."""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING, Final

from .table import LEFT, columns
from .verdict import Verdict

if TYPE_CHECKING:
    from .report import Report

__all__ = ["page"]

POWER: Final = re.compile(r"(\d)\^([-+]?\d+(?:\.\d+)?)")
# Everything is drawn in the colour of the text around it, so light and dark pages need no rule of
# their own; the bar beside a verdict has a colour that stands out from both.
STYLE: Final = """
.diagnosis{max-width:60rem;line-height:1.45}
.diagnosis section{border-left:.3rem solid #d55e00;padding:.1rem 0 .1rem .9rem;margin:.9rem 0}
.diagnosis section.healthy{border-left-color:#1a9e6e}
.diagnosis .verdict{margin:.2rem 0;font-size:1.05rem;font-weight:650}
.diagnosis dl{margin:.3rem 0;display:grid;grid-template-columns:max-content 1fr;gap:.15rem .8rem}
.diagnosis dt{font-weight:600}
.diagnosis dd{margin:0}
.diagnosis summary{cursor:pointer;margin:.6rem 0}
.diagnosis .wide{overflow-x:auto}
.diagnosis table{border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:.9rem}
.diagnosis th,.diagnosis td{padding:.15rem .6rem;text-align:right;white-space:nowrap;
 color:inherit;background:none;
 border-bottom:1px solid color-mix(in srgb,currentColor 20%,transparent)}
.diagnosis .words{text-align:left}
""".strip()


def page(report: Report) -> str:
    """Return the report as one HTML fragment."""
    parts = [
        f"<style>{STYLE}</style>",
        '<div class="diagnosis">',
        f"<p><strong>{escape(report.title)}</strong></p>",
        *map(_section, report.verdicts),
        *(f"<p>{escape(note)}</p>" for note in report.notes),
        _table(report),
        "</div>",
    ]
    return "\n".join(parts)


def _section(verdict: Verdict) -> str:
    state = "healthy" if verdict.name == "healthy" else "fault"
    where = f" ({verdict.where})" if verdict.where else ""
    items = "".join(
        f"<dt>{label.capitalize()}</dt><dd>{_prose(text)}</dd>" for label, text in verdict.parts
    )
    title = escape(verdict.name[:1].upper() + verdict.name[1:] + where)
    return f'<section class="{state}"><p class="verdict">{title}</p><dl>{items}</dl></section>'


def _prose(text: str) -> str:
    """Return text as HTML, powers raised."""
    return POWER.sub(
        lambda m: f"{m[1]}<sup>{m[2].lstrip('+').replace('-', '−')}</sup>", escape(text)
    )


def _table(report: Report) -> str:
    table = columns(report.layers)
    if not table:
        return ""
    sides = [' class="words"' if heading in LEFT else "" for heading, _ in table]
    head = "".join(f'<th scope="col"{s}>{escape(h)}</th>' for s, (h, _) in zip(sides, table))
    rows = "\n".join(
        f'<tr><th scope="row"{sides[0]}>{escape(first)}</th>'
        + "".join(f"<td{side}>{escape(cell)}</td>" for side, cell in zip(sides[1:], rest))
        + "</tr>"
        for first, *rest in zip(*(cells for _, cells in table))
    )
    return (
        f"<details><summary>{len(report.layers)} layers and activations</summary>"
        '<div class="wide" role="region" tabindex="0" aria-label="Layers and activations">'
        f"<table><thead><tr>{head}</tr></thead>\n<tbody>{rows}</tbody></table></div></details>"
    )
