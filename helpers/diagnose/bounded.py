"""Losses that expect logits, or logarithms, and were given probabilities."""

from __future__ import annotations

import math
from typing import Final

from torch.autograd.graph import Node

from .activations import signed
from .facts import Bounded
from .graph import VIEWS, Graph, is_layer, operation, saved

__all__ = ["bounded_loss"]

SPAN: Final = {"Softmax": 1.0, "Sigmoid": 1.0, "Tanh": 2.0}
"""Largest difference between two outputs: all that a softmax behind it can see."""


def bounded_loss(graph: Graph) -> Bounded | None:
    """Return the bound when a loss reads a softmax, sigmoid or tanh in place of logits.

    Or in place of log-probabilities: nll_loss is then the mean probability, with its sign turned.
    """
    for node in reversed(graph.nodes):
        if is_layer(node):
            return None
        kind = operation(node)
        source = _behind(graph, node)
        if kind in ("NllLoss", "NllLoss2D") and source == "Softmax":
            classes = saved(node, "self").shape[1 if kind == "NllLoss2D" else -1]
            return Bounded("softmax", classes, -1.0, logarithms=True)
        if kind not in ("LogSoftmax", "BinaryCrossEntropyWithLogits"):
            continue
        if source in SPAN:
            return _bound(node, kind, source)
    return None


def _bound(node: Node, kind: str, source: str) -> Bounded | None:
    span = SPAN[source]
    if kind == "BinaryCrossEntropyWithLogits":
        return Bounded(source.lower(), 2, math.log1p(math.exp(-1.0)))
    result = saved(node, "result")
    classes = result.shape[signed(saved(node, "dim"))] if result is not None else 2
    return Bounded(source.lower(), classes, math.log1p((classes - 1) * math.exp(-span)))


def _behind(graph: Graph, node: Node) -> str:
    """Return the kind of the first operation behind a node that computes something."""
    below = graph.data_below(node)
    while len(below) == 1 and operation(below[0]) in VIEWS:
        below = graph.data_below(below[0])
    return operation(below[0]) if below else ""
