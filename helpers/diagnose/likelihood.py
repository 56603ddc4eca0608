"""Sigmoids and softmaxes whose flat slope a logarithm in the loss takes away again.

The gradient of -log p by the logit is p - y: small where the answer is right, not where the slope
is. So a flat place of such an output is no obstacle.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from torch.autograd.graph import Node

from .graph import RESHAPES, VIEWS, Edge, Graph, operation

__all__ = ["undone"]

LOGITS: Final = ("BinaryCrossEntropyWithLogits", "LogSigmoid", "LogSoftmax", "Softplus")
LOGARITHMS: Final = ("BinaryCrossEntropy", "Log", "Log2", "Log10", "Log1P")
# 1 - p, p + eps, a clamp for safety, and the choice of the right answer's p.
KEEPS: Final = (
    *VIEWS, "Clamp", "ClampMin", "ClampMax", "Add", "Sub", "Rsub", "Neg", "Where", "Gather",
    "Index", "IndexSelect",
)  # fmt: skip


def undone(graph: Graph, node: Node) -> bool:
    """Say whether a loss takes the logarithm of an activation, or works on its input beside it."""
    if operation(node) not in ("Sigmoid", "Softmax"):
        return False
    above = {operation(reader) for reader in _readers(graph, (node, 0), KEEPS)}
    if above.intersection(LOGARITHMS):
        return True
    beside = {operation(reader) for reader in _readers(graph, _source(node), RESHAPES)}
    return bool(beside.intersection(LOGITS))


def _source(node: Node) -> Edge:
    """Return what an activation reads, before it was reshaped."""
    edge = node.next_functions[0]
    while edge[0] is not None and operation(edge[0]) in RESHAPES:
        edge = edge[0].next_functions[0]
    return edge


def _readers(graph: Graph, edge: Edge, past: tuple[str, ...]) -> Iterator[Node]:
    """Yield the operations that read a result, looking through those named in `past`."""
    waiting, seen = [edge], {edge}
    while waiting:
        for reader in graph.readers.get(waiting.pop(), ()):
            yield reader
            if _passes(reader, past) and (reader, 0) not in seen:
                seen.add((reader, 0))
                waiting.append((reader, 0))


def _passes(reader: Node, past: tuple[str, ...]) -> bool:
    """Say whether a value comes through: also p * y, a choice by what has no gradient."""
    kind = operation(reader)
    if kind == "Mul" and past is KEEPS:
        return any(child is None for child, _ in reader.next_functions)
    return kind in past
