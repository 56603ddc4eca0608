"""The card of a claim: HTML that reads well without a stylesheet and looks well with the book's."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from helpers.claims.result import Claim

__all__ = ["card", "strip"]

WIDTH: Final = 320  # pixels of the strip
HEIGHT: Final = 24
EDGE: Final = 6
MOST_DOTS: Final = 256


def card(claim: Claim) -> str:
    """Return the claim as HTML: verdict, statement, numbers, a strip of the seeds, notes."""
    state = "holds" if claim.holds else "fails"
    mark = f'<span aria-hidden="true">{"✓" if claim.holds else "✗"}</span>'
    verdict = f'<strong class="claim-verdict">{mark} {_capital(claim.verdict)}.</strong>'
    parts = [
        f'<p class="claim-statement">{verdict} {escape(claim.statement)}</p>',
        f'<p class="claim-numbers">{_numbers(claim)}</p>',
        strip(claim),
        *(f'<p class="claim-note">{_capital(k)}: {escape(text)}</p>' for k, text in claim.notes),
    ]
    inside = "\n".join(filter(None, parts))
    return f'<div class="claim claim-{state}">\n{inside}\n</div>'


def _numbers(claim: Claim) -> str:
    pairs = [
        f'<span class="claim-number"><span class="claim-label">{escape(label)}:</span> '
        f"<b>{escape(text)}</b></span>"
        for label, text in claim.comparison
    ]
    return '\n<span class="claim-gap">&middot;</span>\n'.join(pairs)


def _capital(text: str) -> str:
    return escape(text[:1].upper() + text[1:])


def strip(claim: Claim) -> str:
    """Return a small drawing of the rule, in the text's colour; "" where there is no spread.

    Dots are seeds, the bar is the interval around the mean (diamond), the line is the prediction
    and the shade around it the theory's error. An equality holds when the bar touches the line or
    its shade; a bound or an ordering when the whole bar is on the right side of it.
    """
    if claim.interval is None or claim.predicted is None or claim.mean is None:
        return ""
    dots = claim.values if len(claim.values) <= MOST_DOTS else ()
    shade = (claim.predicted - claim.theory_error, claim.predicted + claim.theory_error)
    ends = (0.0, 1.0) if claim.kind == "proportion" else (*dots, *claim.interval, *shade)
    if min(ends) == max(ends):
        return ""
    at = _axis(min(ends), max(ends))
    (low, high), (left, right) = map(at, claim.interval), map(at, shade)
    shapes = [
        f'<path d="M{left:.1f} 0H{right:.1f}V{HEIGHT}H{left:.1f}z" fill-opacity=".15"/>',
        *(f'<circle cx="{at(value):.1f}" cy="7" r="3" fill-opacity=".4"/>' for value in dots),
        f'<path d="M{low:.1f} 15.5H{high:.1f}v3H{low:.1f}z" fill-opacity=".55"/>',
        f'<path d="M{at(claim.mean):.1f} 12l4 5-4 5-4-5z"/>',
        f'<path d="M{at(claim.predicted):.1f} 0V{HEIGHT}" stroke="currentColor" '
        'stroke-width="1.5" stroke-dasharray="3 2"/>',
    ]
    what = f"{len(dots)} seeds as dots, the mean's interval as a bar, the prediction as a line"
    return _svg(what if dots else what.partition(", ")[2], shapes)


def _axis(low: float, high: float) -> Callable[[float], float]:
    """Return the function from a number to its pixel."""
    return lambda value: EDGE + (value - low) / (high - low) * (WIDTH - 2 * EDGE)


def _svg(label: str, shapes: list[str]) -> str:
    return (
        f'<svg class="claim-strip" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" '
        f'height="{HEIGHT}" fill="currentColor" role="img" aria-label="{escape(label)}">'
        f"{''.join(shapes)}</svg>"
    )
