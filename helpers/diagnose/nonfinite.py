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
from torch.utils.weak import WeakTensorKeyDictionary

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
        'parameter', 'buffer', 'inputs', 'targets', 'forward', 'loss' or 'backward'.
    where
        Name of the parameter or module, 'loss' for an operation outside the model.
    operation
        Name of the operation, '' for a stored value.
    detail
        What the value is: how many NaN and infinite of how many, and the operation's smallest or
        largest input.
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
    """Records the operation at fault: where the first NaN came from, or the last infinity.

    An infinity may be meant, as in the logarithm of a mask of zeros and ones. So it is followed
    from result to result, and the operation that made it is at fault if it becomes a NaN.
    """

    def __init__(self, watch: Watch) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.watch = watch
        self.fault: Fault | None = None
        self._made: Any = WeakTensorKeyDictionary()  # the fault behind each tensor with infinities
        self._last: Fault | None = None

    @property
    def found(self) -> Fault | None:
        """The operation that made the first NaN; without any, the latest infinity."""
        return self.fault or self._last

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if self.fault is not None:
            return func(*args, **kwargs)
        given = list(tensors((args, kwargs)))
        infinite = [tensor for tensor in given if _inf(tensor)]
        had_nan, name = any(map(_nan, given)), func.__name__.partition(".")[0]
        reach = _reach(name, args, given)
        result = func(*args, **kwargs)
        made = next((self._made[t] for t in infinite if t in self._made), None)
        if not any(word in name for word in MEANT):
            self._look(name, result, had_nan, bool(infinite), made, reach)
        elif made is not None:
            self._follow(result, made)
        return result

    def _look(
        self, name: str, result: Any, had_nan: bool, had_inf: bool, made: Fault | None, reach: str
    ) -> None:
        for tensor in tensors(result):
            nan = _nan(tensor) and not had_nan
            if not nan and (had_inf or not _inf(tensor)):
                continue
            where = self.watch.stack[-1].name if self.watch.stack else "loss"
            new = Fault("forward", where, name, f"{counted(tensor)}; {reach}")
            if nan:
                self.fault = made or new
                return
            made = made or new
        if made is not None:
            self._follow(result, made)

    def _follow(self, result: Any, made: Fault) -> None:
        for tensor in filter(_inf, tensors(result)):
            self._made[tensor] = self._last = made


def _nan(tensor: Tensor) -> bool:
    return tensor.is_floating_point() and bool(tensor.isnan().any())


def _inf(tensor: Tensor) -> bool:
    return tensor.is_floating_point() and bool(tensor.isinf().any())


def _reach(name: str, args: Any, given: list[Tensor]) -> str:
    """Say how far the inputs of an operation go, towards the end where it breaks."""
    name = name.rstrip("_")
    if name in ("div", "reciprocal") and args:
        divisor = torch.as_tensor(args[-1] if name == "reciprocal" else args[1]).detach()
        if divisor.numel():
            return f"its smallest divisor was {float(divisor.abs().amin()):.3g}"
    floats = [t.detach() for t in given if t.is_floating_point() and t.numel()]
    if not floats:
        return "it has no inputs"
    if name in ("log", "log2", "log10", "log1p", "sqrt", "rsqrt"):
        return f"its smallest input was {float(floats[-1].amin()):.3g}"
    largest = max(float(t.abs().nan_to_num(0.0, 0.0).amax()) for t in floats)
    return f"its largest input was {largest:.3g}"


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
