"""The exercises of a chapter: where they lie, their release, and what an answer earns."""

from __future__ import annotations

import contextlib
import io
import re
import traceback
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from chapter import Chapter, headings, tags

KINDS = ("Written", "Warm-up", "Core", "Stretch", "Open")
CODED = ("Warm-up", "Core", "Stretch")
TASK = re.compile(r"(?:\([\w-]+\)=\n)?### Exercise (?P<number>\d+): \S.*\n(?P<facts>.*)")
FACTS = re.compile(r"\*([\w-]+) · (\d+) minutes? · (\d+) points?\*")


@dataclass(frozen=True)
class Exercise:
    """One exercise: the task cell and everything up to the next task or larger heading."""

    chapter: Chapter
    number: int
    kind: str
    minutes: int
    points: int
    cells: tuple[Any, ...]

    @property
    def id(self) -> str:
        return f"{self.chapter.slug}-{self.number}"

    @property
    def coded(self) -> bool:
        return self.kind in CODED

    @property
    def solution(self) -> Any:
        return next(cell for cell in self.cells if role(cell) == "solution")

    @property
    def answer(self) -> Any:
        return next(cell for cell in self.cells if "your-answer" in tags(cell))

    @property
    def checks(self) -> list[Any]:
        return [cell for cell in self.cells if role(cell) == "check"]


@dataclass(frozen=True)
class Outcome:
    """What one check cell said: the points earned and, of the failure, message, type and line."""

    points: int
    message: str = ""
    error: str = ""
    line: int = 0


def role(cell: Any) -> str:
    """Return what nbgrader takes a cell for: solution, check, manual, or "" for none."""
    meta = cell.metadata.get("nbgrader")
    if not meta:
        return ""
    graded, solved = meta.get("grade"), meta.get("solution")
    return {(1, 1): "manual", (1, 0): "check", (0, 1): "solution"}.get((graded, solved), "")


def exercises(chapter: Chapter) -> list[Exercise]:
    """Return the exercises in the order of the page."""
    found: list[tuple[Any, list[Any]]] = []
    inside = False
    for cell in chapter.cells:
        if cell.cell_type == "markdown" and TASK.match(cell.source):
            found.append((cell, [cell]))
            inside = True
        elif cell.cell_type == "markdown" and any(level <= 3 for level, _ in headings(cell)):
            inside = False
        elif inside:
            found[-1][1].append(cell)
    return [_exercise(chapter, task, cells) for task, cells in found]


def _exercise(chapter: Chapter, task: Any, cells: list[Any]) -> Exercise:
    head = TASK.match(task.source)
    facts = FACTS.fullmatch(head["facts"])
    kind, minutes, points = facts.groups() if facts else ("", 0, 0)
    return Exercise(chapter, int(head["number"]), kind, int(minutes), int(points), tuple(cells))


def release(chapter: Chapter) -> Chapter:
    """Return the chapter as a student gets it: stubs, no hidden tests, no comment."""
    from nbgrader.preprocessors import ClearHiddenTests, ClearSolutions

    notebook = deepcopy(chapter.notebook)
    left_out = {"your-answer", "after-solution"}
    notebook.cells = [cell for cell in notebook.cells if not left_out & set(tags(cell))]
    for cell in notebook.cells:
        cell.metadata.pop("tags", None)
        cell.metadata.pop("jupyter", None)
    for step in (ClearSolutions(), ClearHiddenTests()):
        notebook, _ = step.preprocess(notebook, {})
    return Chapter(chapter.name, notebook)


def validate(chapter: Chapter) -> None:
    """Raise unless nbgrader accepts the metadata of every cell."""
    from nbgrader.nbgraderformat import MetadataValidator

    MetadataValidator().validate_nb(chapter.notebook)


class Namespace:
    """What exercise cells may use: the imports cell and the cells tagged `for-exercises`."""

    def __init__(self, chapter: Chapter) -> None:
        self._names: dict[str, Any] = {"__name__": "__main__"}
        imports = [cell for cell in chapter.code if "install" not in tags(cell)][:1]
        for cell in imports + [cell for cell in chapter.code if "for-exercises" in tags(cell)]:
            run(cell.source, cell.id, self._names)

    def score(self, *sources: tuple[str, str], checks: list[Any]) -> dict[str, Outcome]:
        """Run (id, source) pairs in a fresh copy, then each check; return what the checks said."""
        names = dict(self._names)
        for label, source in sources:
            run(source, label, names)
        return {cell.id: _check(cell, names) for cell in checks}


def run(source: str, label: str, names: dict[str, Any]) -> None:
    """Run a cell's code in a namespace, without its printed output."""
    with contextlib.redirect_stdout(io.StringIO()):
        exec(compile(source, f"<{label}>", "exec"), names)


def _check(cell: Any, names: dict[str, Any]) -> Outcome:
    try:
        run(cell.source, cell.id, names)
    except Exception as error:
        frames = traceback.extract_tb(error.__traceback__)
        line = next((f.lineno for f in frames if f.filename == f"<{cell.id}>"), 0)
        return Outcome(0, str(error), type(error).__name__, line or 0)
    return Outcome(cell.metadata.nbgrader.points)


def assert_lines(source: str) -> Iterator[range]:
    """Yield the lines of each assert statement of a check cell."""
    import ast

    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Assert):
            yield range(node.lineno, (node.end_lineno or node.lineno) + 1)
