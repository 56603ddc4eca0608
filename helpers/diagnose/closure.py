"""The modules that a loss function runs besides the model, such as a critic."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from types import CodeType, FunctionType, MethodType
from typing import Any

from torch import nn

from .contents import MANY

__all__ = ["modules_behind"]


def modules_behind(function: Any) -> list[nn.Module]:
    """Return the modules that a function is, is bound to, has captured or calls by a global name.

    Functions that it calls are followed, except those of torch, and so are small containers.
    """
    found: list[nn.Module] = []
    seen: dict[int, Any] = {}
    waiting = [function]
    while waiting:
        value = waiting.pop()
        if id(value) in seen:
            continue
        seen[id(value)] = value
        if isinstance(value, nn.Module):
            found.append(value)
        else:
            waiting += _parts(value)
    return found


def _parts(value: Any) -> Iterator[Any]:
    if isinstance(value, partial):
        yield from (value.func, *value.args, *value.keywords.values())
    elif isinstance(value, MethodType):
        owner = value.__self__
        yield value.__func__
        module = isinstance(owner, nn.Module)
        yield from (owner,) if module else getattr(owner, "__dict__", {}).values()
    elif isinstance(value, FunctionType):
        yield from _used(value)
    elif isinstance(value, dict):
        yield from value.values() if len(value) <= MANY else ()
    elif isinstance(value, list | tuple):
        yield from value if len(value) <= MANY else ()
    elif callable(value) and not isinstance(value, type) and hasattr(value, "__dict__"):
        yield from (*vars(value).values(), type(value).__call__)


def _used(function: FunctionType) -> Iterator[Any]:
    """Yield what a function has captured, its defaults, and the globals that it names."""
    if (function.__module__ or "").split(".")[0] == "torch":
        return
    for cell in function.__closure__ or ():
        try:
            yield cell.cell_contents
        except ValueError:  # not filled yet
            continue
    yield from (*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values())
    known = function.__globals__
    yield from (known[name] for name in _names(function.__code__) if name in known)


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)
