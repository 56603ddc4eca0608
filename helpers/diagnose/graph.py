"""The autograd graph as the network that really ran: its layers, activations and loose ends.

Modules say what a layer is called; the graph says what was computed, including every functional
call and every use of a shared weight.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from torch import Tensor
from torch.autograd.function import BackwardCFunction
from torch.autograd.graph import Node

__all__ = [
    "RESHAPES", "VIEWS", "Edge", "Graph", "is_custom", "is_layer", "is_scale", "operation", "saved",
]  # fmt: skip

Edge = tuple[Node | None, int]
"""An operation and the number of one of its results."""

LAYER: Final = re.compile(
    r"^(Addmm|Addmv|Addr|Baddbmm|Bmm|Dot|Embedding\w*|Linear|Mkldnn(Linear|Convolution|RnnLayer)"
    r"|Mm|Mv|\w*Convolution\w*|\w*Rnn\w*)Backward"
)
EMBEDDING: Final = re.compile(r"^(Embedding\w*|Index|IndexSelect|Gather)Backward")

RESHAPES: Final = (
    "View", "UnsafeView", "ReshapeAlias", "Transpose", "T", "Permute", "Squeeze", "Unsqueeze",
    "Clone", "Alias", "ToCopy",
)  # fmt: skip
"""What only rearranges numbers."""
VIEWS: Final = (*RESHAPES, "Select", "Slice")


def operation(node: Node) -> str:
    """Return the bare name of an operation: 'Softmax' for a SafeSoftmaxBackward0."""
    return node.name().partition("Backward")[0].removeprefix("Safe")


def is_layer(node: Node) -> bool:
    """Say whether a node multiplies: a linear layer, a convolution, an embedding, a recurrence."""
    return LAYER.match(node.name()) is not None


def is_scale(node: Node) -> bool:
    """Say whether a node multiplies element by element: a gain, or a diagonal recurrence."""
    return node.name().startswith("MulBackward")


def is_custom(node: Node) -> bool:
    """Say whether a node is a reader's own torch.autograd.Function."""
    return isinstance(node, BackwardCFunction)


def _leaf(node: Node) -> Tensor | None:
    """Return the tensor whose gradient a node accumulates; None for an operation."""
    variable: Tensor | None = getattr(node, "variable", None)
    return variable if node.name() == "torch::autograd::AccumulateGrad" else None


@dataclass
class Graph:
    """Every operation between the parameters and the loss, in the order it ran.

    Attributes
    ----------
    root
        The loss's own node.
    names
        Of the model's parameters, by id.
    inputs, others
        Ids of the input leaves, and of trainable tensors that are known not to be the model's.
    """

    root: Node
    names: dict[int, str]
    inputs: set[int] = field(default_factory=set)
    others: set[int] = field(default_factory=set)

    @cached_property
    def _all(self) -> list[Node]:
        seen, waiting = {self.root}, [self.root]
        while waiting:
            for child, _ in waiting.pop().next_functions:
                if child is not None and child not in seen:
                    seen.add(child)
                    waiting.append(child)
        return list(seen)

    @cached_property
    def nodes(self) -> list[Node]:
        """The operations in the order of execution, without the leaves."""
        inner = [node for node in self._all if _leaf(node) is None]
        return sorted(inner, key=lambda node: node._sequence_nr())

    @cached_property
    def readers(self) -> dict[Edge, list[Node]]:
        """Which operations read each result."""
        readers: dict[Edge, list[Node]] = defaultdict(list)
        for node in self.nodes:
            for edge in node.next_functions:
                readers[edge].append(node)
        return readers

    @cached_property
    def strangers(self) -> list[Tensor]:
        """Trainable tensors that the loss depends on and the model does not list."""
        leaves = [leaf for node in self._all if (leaf := _leaf(node)) is not None]
        known = self.inputs | self.others | self.names.keys()
        return [leaf for leaf in leaves if id(leaf) not in known]

    @cached_property
    def _weights(self) -> set[Node]:
        """Nodes that depend on parameters alone: transposes, masks, normed weights, leaves."""
        weights = {
            node
            for node in self._all
            if (leaf := _leaf(node)) is not None and id(leaf) not in self.inputs
        }
        for node in self.nodes:
            below = [child for child, _ in node.next_functions if child is not None]
            # A layer with an edge that leads nowhere multiplies data that needs no gradient.
            data = EMBEDDING.match(node.name()) or (
                is_layer(node) and len(below) < len(node.next_functions)
            )
            if below and not data and all(child in weights for child in below):
                weights.add(node)
        return weights

    def leaves(self, node: Node) -> list[Tensor]:
        """Return the tensors without a history that a node reads directly."""
        below = [child for child, _ in node.next_functions if child is not None]
        return [leaf for child in below if (leaf := _leaf(child)) is not None]

    def weighted(self, node: Node) -> tuple[str, ...]:
        """Return the names of the parameters a data operation multiplies, () if none."""
        if node in self._weights:
            return ()
        found: dict[str, None] = {}
        for child, _ in node.next_functions:
            if child is not None and child in self._weights:
                found.update(dict.fromkeys(self._names_below(child)))
        return tuple(found)

    def _names_below(self, node: Node) -> Iterable[str]:
        for leaf in self._leaves_below(node):
            yield self.names.get(id(leaf), "(unregistered)")

    def _leaves_below(self, node: Node) -> Iterable[Tensor]:
        leaf = _leaf(node)
        if leaf is not None:
            yield leaf
        for child, _ in node.next_functions:
            if child is not None:
                yield from self._leaves_below(child)

    def multiplies(self, node: Node) -> bool:
        """Say whether a node that takes data is a layer, or someone's own with a matrix in it."""
        if not is_custom(node):
            return is_layer(node)
        below = [child for child, _ in node.next_functions if child in self._weights]
        return any(leaf.dim() >= 2 for child in below for leaf in self._leaves_below(child))

    def data_below(self, node: Node) -> list[Node]:
        """Return the operations whose results a node reads, without its weights."""
        return [
            child
            for child, _ in node.next_functions
            if child is not None and child not in self._weights and _leaf(child) is None
        ]


def saved(node: Any, name: str) -> Any:
    """Return what a node kept for its derivative, or None if it kept no such thing."""
    try:
        return getattr(node, f"_saved_{name}", None)
    except RuntimeError:  # freed, or overwritten in place
        return None
