"""Watch a forward pass: which module runs when, and what comes out of it.

Hooks are global and removed afterwards, so the model's own hook tables are never touched. Every
operation that autograd records carries a running number; noting that number whenever a module
starts or ends tells which operation belongs to which module.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.graph import Node
from torch.nn.modules import module as global_hooks

from .activations import sampled
from .arguments import tensors
from .backward import norm
from .recurrent import as_leaf, flat_share

__all__ = ["Call", "Value", "Watch", "value_of"]


@dataclass(frozen=True)
class Value:
    """Shape, mean, standard deviation and root mean square of what a module returned."""

    shape: tuple[int, ...]
    mean: float
    std: float
    rms: float


@dataclass
class Call:
    """One call of one module. An atom is seen from outside only: torch.nn's own layers."""

    module: nn.Module
    name: str
    atom: bool
    start: int
    outputs: list[tuple[Node, int]] = field(default_factory=list)
    value: Value | None = None
    steps: Tensor | None = None  # input of a recurrent layer
    lengths: Tensor | None = None  # batch sizes per step, if that input is packed
    flat: float | None = None  # share of saturated states or gates of a recurrent layer


class Watch:
    """Context manager that records the calls of a model's modules, in order.

    With `values=False` it only knows which module is running.
    """

    def __init__(self, model: nn.Module, *, values: bool = True) -> None:
        self.values = values
        self.names = {id(m): name or type(m).__name__ for name, m in model.named_modules()}
        # torch.nn's own layers, with the parameters in them.
        self.atoms = {id(m): _parameters(m) for m in model.modules() if _is_atom(m)}
        self.calls: list[Call] = []
        self.stack: list[Call] = []
        self._numbers: list[int] = []
        self._owners: list[Call | None] = []
        self._handles: list[Any] = []

    def __enter__(self) -> Watch:
        self._handles = [
            global_hooks.register_module_forward_pre_hook(self._enter),  # type: ignore[arg-type]
            global_hooks.register_module_forward_hook(self._leave),
        ]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        for handle in self._handles:
            handle.remove()
        if error is not None and self.stack:
            call = self.stack[-1]
            error.add_note(f"raised in module {call.name!r} ({type(call.module).__name__})")

    @property
    def leaves(self) -> list[Tensor]:
        """Inputs of recurrent layers that were given a place in the graph."""
        return [call.steps for call in self.calls if call.steps is not None]

    def owner(self, node: Node) -> Call | None:
        """Return the innermost call during which `node` was recorded."""
        place = bisect_right(self._numbers, node._sequence_nr()) - 1
        return self._owners[place] if place >= 0 else None

    def _mark(self) -> None:
        self._numbers.append(_next_number())
        self._owners.append(self.stack[-1] if self.stack else None)

    def _enter(self, module: nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...] | None:
        inside = bool(self.stack) and self.stack[-1].atom
        if inside or id(module) not in self.names:
            return None
        number = _next_number()
        call = Call(module, self.names[id(module)], id(module) in self.atoms, number)
        self.stack.append(call)
        self.calls.append(call)
        changed = None
        if self.values and args and isinstance(module, nn.RNNBase):
            changed, call.steps = as_leaf(args)
            call.lengths = getattr(args[0], "batch_sizes", None)
        self._mark()
        return changed

    def _leave(self, module: nn.Module, args: tuple[Any, ...], output: Any) -> None:
        if all(call.module is not module for call in self.stack):
            return
        while (call := self.stack.pop()).module is not module:
            pass
        self._mark()
        if call.atom and self.values:
            self._record(call, args, output)

    def _record(self, call: Call, args: tuple[Any, ...], output: Any) -> None:
        floats = [t for t in tensors(output) if t.is_floating_point()]
        call.outputs = [(t.grad_fn, t.output_nr) for t in floats if t.grad_fn is not None]
        if floats:
            call.value = value_of(floats[0])
        if isinstance(call.module, nn.RNNBase) and floats:
            call.flat = flat_share(call.module, args, output)


def _next_number() -> int:
    """Return the number autograd will give to the next operation it records."""
    number: int = torch._C._autograd._get_sequence_nr()
    return number


def _is_atom(module: nn.Module) -> bool:
    """Say whether a module is one of torch.nn's own layers rather than something built of them."""
    if not type(module).__module__.startswith("torch.nn"):
        return False
    if isinstance(module, nn.ParameterList | nn.ParameterDict):
        return False  # never called: what is in them is used by their owner
    opaque = isinstance(module, nn.MultiheadAttention) or hasattr(module, "parametrizations")
    return opaque or not module._modules


def _parameters(module: nn.Module) -> tuple[Tensor, ...]:
    if module._modules:
        return tuple(module.parameters())
    return tuple(p for p in module._parameters.values() if p is not None)


def value_of(tensor: Tensor) -> Value:
    """Return the statistics of a tensor from two cheap reductions."""
    part = sampled(tensor)
    if part.dtype in (torch.float16, torch.bfloat16):
        part = part.float()
    count = max(part.numel(), 1)
    mean = float(part.sum()) / count
    if not math.isfinite(mean):  # a sum can overflow where no value does
        mean = float((part / count).sum())
    rms = norm(part) / math.sqrt(count)
    # Beneath the rounding error of the two sums there is no spread, and no mean, to speak of.
    variance = rms * rms - mean * mean
    std = math.sqrt(variance) if not variance <= 1e-6 * rms * rms else 0.0
    mean = mean if not abs(mean) <= 1e-6 * rms else 0.0
    return Value(tuple(tensor.shape), mean, std, rms)
