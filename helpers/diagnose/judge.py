"""From facts to verdicts, in the order of cause and consequence."""

from __future__ import annotations

from .facts import Facts
from .rules_forward import batch, dead, nonfinite, saturated
from .rules_gradient import exploding, overflows, unreached, vanishing
from .verdict import Verdict, verdict

__all__ = ["judge"]


def judge(facts: Facts) -> tuple[Verdict, ...]:
    """Return the verdicts, the first thing that went wrong first; 'healthy' stands alone.

    What happens first in a step comes first: stored or growing values, batch statistics,
    activations, then the gradients that pass back through them. Growth until overflow is named
    before the overflow.
    """
    broken = list(nonfinite(facts))
    grown = list(exploding(facts))
    order = [
        *(grown + broken if overflows(facts) else broken),
        *sorted([*batch(facts), *dead(facts), *saturated(facts)], key=lambda v: v.order),
        *([] if overflows(facts) else grown),
        *([] if broken else vanishing(facts)),  # beside a NaN, zeros mean nothing
        *unreached(facts),
    ]
    return tuple(order) or (_healthy(facts),)


def _healthy(facts: Facts) -> Verdict:
    parts = ["every trainable parameter gets a gradient" if not facts.zero else ""]
    if facts.depth is not None:
        parts.append(
            f"gradient x{facts.depth.factor:.3g} per layer, 10^{facts.depth.decades:+.1f} over "
            f"{len(facts.depth.values)} layers"
        )
    parts += [f"x{t.factor:.3g} per step of {t.where}" for t in facts.times]
    return verdict(
        "healthy",
        "",
        "; ".join(filter(None, parts)),
        ("depth", "no limit crossed"),
        "none needed; if it does not learn, look at the data, the rate and the loss",
        "10_diagnosis",
    )
