"""Values that differ from a plain one by their type alone: named tuples, views, counters."""

from __future__ import annotations

import collections
from collections.abc import Callable
from typing import Any

VIEWS: dict[type, Callable[[Any], Any]] = {
    type({}.keys()): set,
    type({}.items()): list,
    type({}.values()): list,
    collections.OrderedDict: dict,
    collections.defaultdict: dict,
    collections.Counter: dict,
    collections.deque: list,
    zip: list,
    map: list,
}


def ordinary(kind: type) -> Callable[[Any], Any] | None:
    """Return what makes a plain value of one that differs from it by its type alone.

    A named tuple is read as the tuple that it is, whatever its class says.
    """
    if kind in VIEWS:
        return VIEWS[kind]
    named = isinstance(vars(kind).get("_fields"), tuple) or "n_fields" in vars(kind)
    if kind.__bases__ == (tuple,) and named:
        return lambda v: tuple(tuple.__iter__(v))
    return None
