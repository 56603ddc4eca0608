"""A chapter without torch, and what its students hand in, as bytes."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import example_chapter
from breaking import find

from grading import Limits, Release, Result, grade_submission, make_release

LIMITS = Limits(check_seconds=2, session_seconds=20, memory_mb=1000)
RIGHT = {f"toy-{k}-solution": f"def power{k}(x, n):\n    return x**n" for k in (2, 3, 4)}


@cache
def release() -> Release:
    """The example chapter, its imports cell `import math`: exercises 2, 3, 4 of 3 points each."""
    toy = example_chapter.chapter()
    find(toy, "imports").source = "import math"
    return make_release(toy.notebook, "01_toy")


def submission(answers: dict[str, str] | None = None, added: dict[str, str] | None = None) -> bytes:
    """Return the release with cells answered (id: text) and cells added (after id: text)."""
    notebook: dict[str, Any] = json.loads(release().student)
    cells = []
    for cell in notebook["cells"]:
        cell["source"] = (answers or {}).get(cell["id"], cell["source"])
        cells.append(cell)
        if text := (added or {}).get(cell["id"]):
            new = {"cell_type": "code", "id": f"new-{cell['id']}", "metadata": {}, "source": text}
            cells.append({**new, "outputs": [], "execution_count": None})
    return json.dumps({**notebook, "cells": cells}).encode()


def grade(
    answers: dict[str, str] | None = None, added: dict[str, str] | None = None, **limits: Any
) -> Result:
    """Grade a submission in the sandbox."""
    wanted = Limits(**{**vars(LIMITS), **limits})
    return grade_submission(release().key, submission(answers, added), wanted)


def points(result: Result) -> dict[str, int]:
    """Return the points that the checks of each exercise gave."""
    found: dict[str, int] = {}
    for check in result.checks:
        found[check.exercise] = found.get(check.exercise, 0) + check.points
    return found
