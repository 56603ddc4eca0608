"""Find the operation that made the first NaN or infinity, by running once more under a microscope.

Only when something is not finite already: a healthy network never pays for this.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor
from torch.autograd.graph import Node
from torch.utils._python_dispatch import TorchDispatchMode

from .arguments import tensors
from .watch import Watch

__all__ = ["Fault", "FirstFault", "broken", "first_broken_gradient"]

# Operations that write infinities on purpose, as attention masks do, or hold nothing yet.
MEANT: Final = ("fill", "where", "full", "empty", "new_")


@dataclass(frozen=True)
class Fault:
    """Where the first non-finite value appeared.

    Attributes
    ----------
    what
        'parameter', 'inputs', 'targets', 'forward', 'loss' or 'backward'.
    where
        Name of the parameter or module; '' outside of any.
    operation
        Name of the operation, '' for a stored value.
    detail
        What the value is: how many NaN and infinite of how many, and the operation's largest input.
    """

    what: str
    where: str
    operation: str = ""
    detail: str = ""


def broken(tensor: Tensor) -> bool:
    """Say whether a floating tensor holds a NaN or an infinity."""
    return tensor.is_floating_point() and not bool(torch.isfinite(tensor).all())


def counted(tensor: Tensor) -> str:
    """Return how many values are NaN and how many infinite."""
    nan, inf = int(tensor.isnan().sum()), int(tensor.isinf().sum())
    return f"{nan} NaN and {inf} infinite of {tensor.numel()} values ({tensor.dtype})"


class FirstFault(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Records the first operation that makes a NaN from no NaN, or an infinity from none."""

    def __init__(self, watch: Watch) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.watch = watch
        self.fault: Fault | None = None

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        given = list(tensors((args, kwargs))) if self.fault is None else []
        had_nan, had_inf = any(map(_nan, given)), any(map(_inf, given))
        largest = max((_largest(t) for t in given), default=0.0) if given else 0.0
        result = func(*args, **kwargs)
        name = func.__name__.partition(".")[0]
        if self.fault is None and not any(word in name for word in MEANT):
            self._look(name, result, had_nan, had_inf, largest)
        return result

    def _look(self, name: str, result: Any, had_nan: bool, had_inf: bool, largest: float) -> None:
        for tensor in tensors(result):
            if (_nan(tensor) and not had_nan) or (_inf(tensor) and not had_inf):
                where = self.watch.stack[-1].name if self.watch.stack else ""
                detail = f"{counted(tensor)}; its largest input was {largest:.3g}"
                self.fault = Fault("forward", where, name, detail)
                return


def _nan(tensor: Tensor) -> bool:
    return tensor.is_floating_point() and bool(tensor.isnan().any())


def _inf(tensor: Tensor) -> bool:
    return tensor.is_floating_point() and bool(tensor.isinf().any())


def _largest(tensor: Tensor) -> float:
    if not tensor.is_floating_point() or not tensor.numel():
        return 0.0
    return float(tensor.detach().abs().nan_to_num(0.0).amax())


def first_broken_gradient(
    nodes: Iterable[Node], loss: Tensor, wanted: list[Tensor], name: Any
) -> Fault | None:
    """Return the first operation of the backward pass that turns finite gradients into others."""
    faults: list[Fault] = []

    def look(node: Node) -> Any:
        def hook(grad_inputs: Any, grad_outputs: Any) -> None:
            if not faults and not any(map(broken, tensors(grad_outputs))):
                bad = [g for g in tensors(grad_inputs) if broken(g)]
                if bad:
                    operation = node.name().partition("Backward")[0].lower()
                    faults.append(Fault("backward", name(node), operation, counted(bad[0])))

        return hook

    handles = [node.register_hook(look(node)) for node in nodes]
    try:
        torch.autograd.grad(loss, wanted, allow_unused=True)
    finally:
        for handle in handles:
            handle.remove()
    return faults[0] if faults else None
