"""Leave a module exactly as it was found, whatever happens in between."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from .contents import Contents

__all__ = ["Generators", "untouched"]


@contextmanager
def untouched(*tops: nn.Module) -> Iterator[None]:
    """Restore everything a forward and backward pass can change, even when one raises.

    Kept: parameters, `.grad`, buffers, `requires_grad`, training flags, hooks, plain attributes
    and the random generators of PyTorch (CPU and, once in use, CUDA), Python and NumPy.

    Attributes that are lists, dicts, sets, deques, tuples and namespaces are followed inwards, to
    tensors, arrays and generators; one of more than a thousand entries is only copied, since it may
    be a replay memory. What other objects hold is left as the passes leave it.
    """
    generators = Generators()
    modules = {id(module): module for top in tops for module in top.modules()}.values()
    attributes = [(module.__dict__, dict(module.__dict__)) for module in modules]
    contents = Contents()
    for _, before in attributes:
        contents.look(before.values())
    tensors = _Tensors(contents.tensors)
    try:
        yield
    finally:
        for now, before in attributes:
            now.clear()
            now.update(before)
        contents.restore()
        tensors.restore()
        generators.restore()


class _Tensors:
    """Copies of tensors and of their gradients."""

    def __init__(self, own: dict[int, Tensor]) -> None:
        self.kept = [(t, t.detach().clone(), t.requires_grad) for t in own.values()]
        leaves = [t for t in own.values() if t.is_leaf]
        self.grads = [(t, t.grad, None if t.grad is None else t.grad.clone()) for t in leaves]

    def restore(self) -> None:
        for tensor, before, requires_grad in self.kept:
            _write_back(tensor, before)
            if tensor.is_leaf and tensor.requires_grad != requires_grad:
                tensor.requires_grad_(requires_grad)
        for tensor, grad, copied in self.grads:
            if tensor.grad is not grad:
                tensor.grad = grad
            if grad is not None and copied is not None:
                _write_back(grad, copied)


def _write_back(tensor: Tensor, before: Tensor) -> None:
    """Undo a change. An unchanged tensor is not written: a graph of the caller may hold it."""
    # .data leaves the version counter alone, which a write would move.
    parts = list(zip(_dense(tensor.data), _dense(before)))
    if tensor.shape != before.shape or any(a.shape != b.shape for a, b in parts):
        tensor.data = before
        return
    for now, then in parts:
        if not torch.equal(now, then):
            now.copy_(then)


def _dense(tensor: Tensor) -> tuple[Tensor, ...]:
    """Return a tensor, or the indices and values of a sparse one, for which equal is missing."""
    if tensor.layout == torch.strided:
        return (tensor,)
    if tensor.layout == torch.sparse_coo:
        return tensor._indices(), tensor._values()
    if tensor.layout in (torch.sparse_csr, torch.sparse_bsr):
        return tensor.crow_indices(), tensor.col_indices(), tensor.values()
    if tensor.layout in (torch.sparse_csc, torch.sparse_bsc):
        return tensor.ccol_indices(), tensor.row_indices(), tensor.values()
    return ()  # nested, or of a library of its own: restored as an object only


class Generators:
    """The states of the global random generators."""

    def __init__(self) -> None:
        self.cpu = torch.get_rng_state()
        self.cuda: list[Tensor] = []
        if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
            self.cuda = torch.cuda.get_rng_state_all()
        self.python = random.getstate()
        self.numpy: Any = sys.modules.get("numpy")
        self.legacy = self.numpy.random.get_state() if self.numpy is not None else None

    @property
    def moved(self) -> bool:
        """Say whether any of them has been used since."""
        now = Generators()
        same = self.python == now.python and torch.equal(self.cpu, now.cpu)
        same = same and all(map(torch.equal, self.cuda, now.cuda))
        if same and self.legacy is not None and now.legacy is not None:
            same = all(map(_equal, self.legacy, now.legacy))
        return not same

    def restore(self) -> None:
        """Set all of them back."""
        torch.set_rng_state(self.cpu)
        if self.cuda:
            torch.cuda.set_rng_state_all(self.cuda)
        random.setstate(self.python)
        if self.legacy is not None:
            self.numpy.random.set_state(self.legacy)


def _equal(a: Any, b: Any) -> bool:
    return bool((a == b).all()) if hasattr(a, "all") else bool(a == b)
