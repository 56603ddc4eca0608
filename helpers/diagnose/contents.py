"""What the attributes of a module hold: containers, tensors in them, random generators."""

from __future__ import annotations

import random
import sys
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable
from types import NoneType, SimpleNamespace
from typing import Any, Final

import torch
from torch import Tensor, nn

__all__ = ["MANY", "Contents"]

MANY: Final = 1000  # entries from which a container is copied and not looked into
PLAIN: Final = frozenset({bool, int, float, str, NoneType})
CONTAINERS: Final = frozenset({dict, OrderedDict, defaultdict, Counter, list, set, deque})


class Contents:
    """Copies of containers, of those within them and of the state of generators.

    Attributes
    ----------
    tensors
        Every tensor that was found on the way, by id.
    """

    def __init__(self) -> None:
        self.tensors: dict[int, Tensor] = {}
        self._empty: list[Any] = []
        self._filled: dict[int, tuple[Any, Any]] = {}
        self._undo: list[Callable[[], Any]] = []

    def look(self, values: Iterable[Any]) -> None:
        """Keep what some values hold."""
        for value in values:
            kind = type(value)
            if kind in PLAIN or isinstance(value, nn.Module):
                continue
            if isinstance(value, Tensor):
                if not nn.parameter.is_lazy(value):
                    self.tensors[id(value)] = value
            elif kind in CONTAINERS:
                self._container(value)
            elif kind is SimpleNamespace:
                self._container(vars(value))
            elif isinstance(value, tuple):
                self.look(value if len(value) <= MANY else ())
            elif (undo := _rewinding(value)) is not None:
                self._undo.append(undo)

    def _container(self, value: Any) -> None:
        if not value:
            self._empty.append(value)
        elif id(value) not in self._filled:
            self._filled[id(value)] = value, value.copy()
            if len(value) <= MANY:
                self.look(value.values() if isinstance(value, dict) else value)

    def restore(self) -> None:
        """Write the contents back; the tensors are left to the caller."""
        for value in self._empty:
            if value:
                value.clear()
        for value, before in self._filled.values():
            value.clear()
            (value.update if isinstance(value, dict | set) else value.extend)(before)
        for undo in self._undo:
            undo()


def _rewinding(value: Any) -> Callable[[], Any] | None:
    """Return what sets a random generator, or a NumPy array, back to what it is now."""
    if isinstance(value, torch.Generator):
        state = value.get_state()
        return lambda: value.set_state(state)
    if isinstance(value, random.Random):
        order = value.getstate()
        return lambda: value.setstate(order)
    numpy: Any = sys.modules.get("numpy")
    if numpy is None:
        return None
    if isinstance(value, numpy.random.Generator):
        bits, inner = value.bit_generator, value.bit_generator.state
        return lambda: setattr(bits, "state", inner)
    if isinstance(value, numpy.random.RandomState):
        legacy = value.get_state()
        return lambda: value.set_state(legacy)
    if type(value) is numpy.ndarray and value.flags.writeable and not _maps_a_file(value):
        before = value.copy()
        return lambda: numpy.copyto(value, before)
    return None


def _maps_a_file(array: Any) -> bool:
    """Say whether an array, or what it is a view of, is a map of a file."""
    while array is not None and not hasattr(array, "filename"):
        array = getattr(array, "base", None)
    return array is not None
