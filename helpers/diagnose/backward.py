"""One backward pass with a meter at every layer; nothing is accumulated into `.grad`."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd.graph import Node

__all__ = ["Meter", "gradients", "norm"]


def norm(tensor: Tensor) -> float:
    """Return the Euclidean norm; exact where squares would overflow or underflow in float32."""
    tensor = tensor.detach()
    if tensor.is_sparse:
        tensor = tensor.coalesce().values()
    wide = tensor.float() if tensor.dtype in (torch.float16, torch.bfloat16) else tensor
    value = float(torch.linalg.vector_norm(wide))
    if 1e-15 < value < math.inf or not tensor.numel():
        return value
    largest = float(wide.abs().amax())
    if not 0 < largest < math.inf:
        return largest
    return largest * float(torch.linalg.vector_norm(wide / largest))


class Meter:
    """Reads the norm of the gradient at one or more outputs of one call.

    Attributes
    ----------
    value
        The norm; None if no gradient came by.
    order
        Place in the backward pass, from the loss on; None as above.
    """

    def __init__(self, outputs: Sequence[tuple[Node, int]]) -> None:
        self.outputs = tuple(outputs)
        self.value: float | None = None
        self.order: int | None = None

    def read(self, gradient: Tensor, order: int) -> None:
        """Add the gradient of one more output."""
        self.value = math.hypot(self.value or 0.0, norm(gradient))
        self.order = order if self.order is None else self.order


def gradients(
    loss: Tensor, wanted: Sequence[Tensor], meters: Sequence[Meter]
) -> tuple[Tensor | None, ...]:
    """Return the gradient of `loss` by each tensor of `wanted` and fill the meters on the way.

    torch.autograd.grad, unlike loss.backward(), touches no `.grad` and runs no hook that waits
    for accumulation.
    """
    by_node: dict[Node, list[tuple[int, Meter]]] = defaultdict(list)
    for meter in meters:
        for node, place in meter.outputs:
            by_node[node].append((place, meter))
    count = iter(range(len(by_node)))
    handles = [node.register_prehook(_reader(pairs, count)) for node, pairs in by_node.items()]
    try:
        asked = [tensor for tensor in wanted if tensor.requires_grad]
        found = iter(torch.autograd.grad(loss, asked, allow_unused=True))
        return tuple(next(found) if tensor.requires_grad else None for tensor in wanted)
    finally:
        for handle in handles:
            handle.remove()


def _reader(pairs: list[tuple[int, Meter]], count: Any) -> Callable[[Any], None]:
    def read(grad_outputs: Sequence[Tensor | None]) -> None:
        order = next(count)
        for place, meter in pairs:
            gradient = grad_outputs[place]
            if gradient is not None:
                meter.read(gradient, order)

    return read
