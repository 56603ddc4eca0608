"""A chapter as it is handed out, and the key to it that stays with the instructor.

nbgrader's own preprocessors take solutions and hidden tests away and lock the checks. The key holds
what grading needs and a student must not see: the full checks, the reference, the points.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

FORMAT = 1
TASK = re.compile(r"^### Exercise (?P<number>\d+): (?P<title>.+)$", re.MULTILINE)
HEADING = re.compile(r"^#{1,3} ", re.MULTILINE)
HIDDEN = re.compile(r"^[ \t]*### (BEGIN|END) HIDDEN TESTS[ \t]*$")
STUDENT_ONLY_DROPS = {"your-answer", "after-solution"}
# What a check can only see from inside the process of the student's code.
LOOKS_INSIDE = re.compile(
    r"TorchFunctionMode|TorchDispatchMode|__torch_function__|\binspect\b|\bsettrace\b|\btracemalloc\b"
    r"|data_ptr|shares?_memory|__code__|__wrapped__|\bmock\b|\bmonkeypatch\b"
    r"|torch\.manual_seed|np\.random\.seed|random\.seed|\.backward\(|autograd\.grad|gradcheck|jacobian"
)


class ReleaseError(ValueError):
    """A chapter that cannot be handed out or graded, and why."""


@dataclass(frozen=True)
class Release:
    """The notebook for students and the private key, as the bytes of two files."""

    name: str
    student: bytes
    key: bytes

    @property
    def content(self) -> dict[str, Any]:
        """The key, parsed."""
        data: dict[str, Any] = json.loads(self.key)
        return data

    def with_facts(self, name: str, facts: dict[str, Any]) -> Release:
        """Return the release with a fact about some of its checks (id: fact) changed."""
        content = self.content
        for exercise in content["exercises"]:
            for check in exercise["checks"]:
                check[name] = facts.get(check["id"], check[name])
        return replace(self, key=dump(content))


def dump(content: Any) -> bytes:
    """Return JSON bytes that depend on the content alone."""
    return json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False).encode() + b"\n"


def make_release(notebook: Path | Any, name: str = "") -> Release:
    """Return the release of a chapter: a path, or a notebook and its name.

    Raises
    ------
    ReleaseError
        If the notebook has no graded cell, or one that cannot be graded.
    """
    import nbformat

    if isinstance(notebook, (str, Path)):
        name = name or Path(notebook).stem
        notebook = nbformat.read(notebook, as_version=4)
    if not re.fullmatch(r"[A-Za-z0-9][\w.-]{0,80}", name):
        raise ReleaseError(f"name must be letters, digits, _ . -; got {name!r}")
    validate(notebook, name)
    exercises = list(_exercises(notebook, name))
    if not exercises:
        raise ReleaseError(f"{name} has no exercise with points")
    given = student_version(notebook)
    _fill_in_stubs(exercises, given)
    content = {
        "format": FORMAT,
        "name": name,
        "title": _title(notebook, name),
        "cells": [_known(cell) for cell in given.cells],
        "setup": [[cell.id, cell.source] for cell in _setup(notebook)],
        "exercises": exercises,
    }
    student = nbformat.writes(given, version=nbformat.NO_CONVERT).encode() + b"\n"
    return Release(name, student, dump(content))


def validate(notebook: Any, name: str) -> None:
    """Raise ReleaseError unless nbgrader accepts the metadata of every cell."""
    from nbgrader.nbgraderformat import MetadataValidator

    try:
        MetadataValidator().validate_nb(deepcopy(notebook))
    except Exception as error:
        raise ReleaseError(f"{name}: {error}") from None
    ids = [_meta(cell)["grade_id"] for cell in notebook.cells if _meta(cell)]
    if repeated := sorted({i for i in ids if ids.count(i) > 1}):
        raise ReleaseError(f"{name}: the grade_id {repeated[0]} occurs twice")


def student_version(notebook: Any) -> Any:
    """Return the notebook without solutions, hidden tests, outputs and tags, its checks locked."""
    from nbgrader.preprocessors import ClearHiddenTests, ClearOutput, ClearSolutions, LockCells

    given = deepcopy(notebook)
    given.cells = [cell for cell in given.cells if not STUDENT_ONLY_DROPS & set(_tags(cell))]
    install = {cell.id for cell in given.cells if "install" in _tags(cell)}
    for cell in given.cells:
        for key in ("jupyter", "collapsed", "scrolled", "execution", "tags"):
            cell.metadata.pop(key, None)
        if cell.id in install:
            cell.metadata["tags"] = ["install"]
    for step in (ClearSolutions(), ClearHiddenTests(), LockCells(), ClearOutput()):
        given, _ = step.preprocess(given, {})
    return given


def _tags(cell: Any) -> list[str]:
    return list(cell.metadata.get("tags", []))


def _meta(cell: Any) -> dict[str, Any]:
    return dict(cell.metadata.get("nbgrader") or {})


def _role(cell: Any) -> str:
    meta = _meta(cell)
    roles = {(True, True): "manual", (True, False): "check", (False, True): "solution"}
    return roles.get((bool(meta.get("grade")), bool(meta.get("solution"))), "")


def _title(notebook: Any, name: str) -> str:
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and (head := re.search(r"^# (.+)$", cell.source, re.M)):
            return str(head[1]).strip()
    return name


def _known(cell: Any) -> dict[str, Any]:
    role = _role(cell)
    return {
        "id": cell.id,
        "grade_id": _meta(cell).get("grade_id", ""),
        "type": cell.cell_type,
        "role": role,
        "source": cell.source,
    }


def _setup(notebook: Any) -> list[Any]:
    """Return the cells that exercises may use: the imports cell and those tagged for them."""
    code = [c for c in notebook.cells if c.cell_type == "code" and "install" not in _tags(c)]
    first = [cell for cell in code[:1] if not _role(cell)]
    return first + [c for c in code if "for-exercises" in _tags(c) and c not in first]


def _exercises(notebook: Any, name: str) -> Iterator[dict[str, Any]]:
    current: dict[str, Any] | None = None
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and not _role(cell):
            if head := TASK.search(cell.source):
                if current and (current["checks"] or current["manual"]):
                    yield _finished(current, name)
                current = _new(cell, head)
            elif HEADING.search(cell.source) and current:
                yield _finished(current, name)
                current = None
        elif _role(cell) and current is None:
            raise ReleaseError(f"{name}: {cell.id} stands below no '### Exercise N: ...' heading")
        elif current is not None:
            _add(current, cell)
    if current and (current["checks"] or current["manual"]):
        yield _finished(current, name)


def _new(cell: Any, head: re.Match[str]) -> dict[str, Any]:
    title = f"Exercise {head['number']}: {head['title'].strip()}"
    lists: dict[str, Any] = {key: [] for key in ("solutions", "checks", "manual")}
    return {"id": cell.id.removesuffix("-task"), "task": cell.id, "title": title, **lists}


def _add(exercise: dict[str, Any], cell: Any) -> None:
    role, meta = _role(cell), _meta(cell)
    if role == "solution":
        exercise["solutions"].append({"id": cell.id, "reference": cell.source})
    elif role == "check":
        exercise["checks"].append(_check(cell, meta))
    elif role == "manual":
        exercise["manual"].append({"id": cell.id, "points": meta["points"]})


def _check(cell: Any, meta: dict[str, Any]) -> dict[str, Any]:
    found = LOOKS_INSIDE.search(cell.source)
    return {
        "id": cell.id,
        "source": cell.source,
        "hidden": _hidden_lines(cell.source),
        "points": meta["points"],
        "in_process": f"it uses {found[0].strip()}" if found else "",
        "changes": False,  # the reference changes an argument here: grading.sound.settle finds out
    }


def _hidden_lines(source: str) -> list[list[int]]:
    ranges, begin = [], 0
    for number, line in enumerate(source.splitlines(), 1):
        if marker := HIDDEN.match(line):
            if marker[1] == "BEGIN":
                begin = number
            else:
                ranges.append([begin, number])
    return ranges


def _finished(exercise: dict[str, Any], name: str) -> dict[str, Any]:
    """Add what the reference defines, and the points."""
    defines, imports = [], []
    for solution in exercise["solutions"]:
        try:
            body = ast.parse(solution["reference"]).body
        except SyntaxError as error:
            raise ReleaseError(f"{name}: {solution['id']} is no Python: {error}") from None
        defines += [n.name for n in body if isinstance(n, (ast.FunctionDef, ast.ClassDef))]
        imports += [ast.unparse(n) for n in body if isinstance(n, (ast.Import, ast.ImportFrom))]
    if exercise["checks"] and not exercise["solutions"]:
        raise ReleaseError(f"{name}: {exercise['id']} has checks but no solution cell")
    points = sum(cell["points"] for cell in [*exercise["checks"], *exercise["manual"]])
    return {**exercise, "defines": defines, "imports": "\n".join(imports), "points": points}


def _fill_in_stubs(exercises: list[dict[str, Any]], given: Any) -> None:
    sources = {cell.id: cell.source for cell in given.cells}
    for exercise in exercises:
        for cell in [*exercise["solutions"], *exercise["manual"]]:
            cell["stub"] = sources[cell["id"]]
