"""Breaking the example chapter, one rule at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import example_chapter as example
import lint_book
import pytest

PARAMETERS = ("rule", "change", "message")


class Cases(list):
    """Notebooks that break a rule: parameters of a test, collected by the decorator `breaks`."""

    def breaks(self, rule: Callable, message: str) -> Callable:
        """Register a function that breaks `rule`, and a part of what the rule then says.

        The function changes the example chapter; for a rule about the book, it changes the example
        book or returns another.
        """

        def register(change: Callable) -> Callable:
            self.append(pytest.param(rule, change, message, id=change.__name__))
            return change

        return register

    def rules(self) -> set[Callable]:
        return {case.values[0] for case in self}


def problems(rule: Callable, change: Callable, folder: Any) -> str:
    """Return what the rule says about the example once it is changed."""
    toy = example.chapter()
    if rule not in lint_book.RULES:
        change(toy)
        return "\n".join(rule(toy))
    book = example.book(toy, folder)
    return "\n".join(rule(change(book) or book))


def find(chapter: Any, cell_id: str) -> Any:
    return next(cell for cell in chapter.cells if cell.id == cell_id)


def edit(chapter: Any, cell_id: str, old: str, new: str) -> None:
    cell = find(chapter, cell_id)
    if old not in cell.source:
        raise ValueError(f"{old!r} is not in {cell_id}: {cell.source!r}")
    cell.source = cell.source.replace(old, new)


def drop(chapter: Any, cell_id: str) -> None:
    chapter.cells.remove(find(chapter, cell_id))
