"""Scales that start near zero, as CaiT's layer scale, and the layers that only they hold back."""

from __future__ import annotations

import math
from statistics import median

from torch.autograd.graph import Node

from .facts import Facts
from .layers import Site
from .thresholds import THRESHOLDS
from .verdict import listed

__all__ = ["excuse_gated", "relative"]


def relative(site: Site) -> float:
    """Return the gradient of a row's parameters over their norm, 0 where there is none."""
    layer = site.layer
    return layer.weight_gradient / layer.weights if layer.weights and layer.weight_gradient else 0.0


def excuse_gated(facts: Facts) -> None:
    """Fill `facts.held`, the slow layers behind a scale that its first steps open, with a note.

    The scale's gradient, relative to the scale, is then as far above the median layer's as theirs
    is below: the step that moves other weights by a thousandth replaces it.
    """
    ratios = [ratio for site in facts.sites if site.weight and (ratio := relative(site))]
    limit = THRESHOLDS["cliff"].value
    middle = median(ratios) if ratios else math.inf
    for gate in facts.sites:
        if gate.weight or relative(gate) <= middle * 10**limit:
            continue
        behind = _behind(gate, facts.sites)
        slow = [s.layer.name for s in behind if s.weight and relative(s) < middle * 10**-limit]
        held = [name for name in slow if name not in facts.held]  # the first scale is named
        if held:
            facts.held += held
            facts.notes.append(
                f"The gradient of {listed(held)} is under 10^-{limit:g} of the median layer's, "
                f"because {gate.layer.name} starts near zero. The first steps open it: look then."
            )


def _behind(gate: Site, sites: list[Site]) -> list[Site]:
    """Return the rows on the way from the input to a scale."""
    before = _nodes(gate)
    waiting = list(before)
    while waiting:
        for child, _ in waiting.pop().next_functions:
            if child is not None and child not in before:
                before.add(child)
                waiting.append(child)
    return [site for site in sites if site is not gate and _nodes(site) & before]


def _nodes(site: Site) -> set[Node]:
    return {node for meter in site.meters for node, _ in meter.outputs}
