"""A chapter without torch to attack, what an honest student hands in, and what must stay secret."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from typing import Any

import nbformat
from example_chapter import MODEL_ANSWER, code, markdown, nbgrader
from lint_form import METADATA

from grading import Release, make_release

# Each hidden test expects a number that stands nowhere else: a student must never see one.
EXPECTED = ("42.875", "7.375", "781.25")
CELLS = {
    "cube": {
        "reference": "def cube(x):\n    return x**3",
        "stub": "def cube(x):",
        "check-value": (
            2,
            "assert cube(2.0) == 8.0, f'cube(2.0) is {cube(2.0)}; three factors of 2 make 8'",
            "assert cube(3.5) == 42.875, f'cube(3.5) is {cube(3.5)}, not 42.875'",
        ),
        "check-sign": (1, "assert cube(-1.0) == -1.0, 'three minus signs leave one'", ""),
    },
    "middle": {
        "reference": "def middle(values):\n    return sorted(values)[len(values) // 2]",
        "stub": "def middle(values):",
        "check-value": (
            2,
            "assert middle([3.25, 1.5, 2.75]) == 2.75, 'the middle of 1.5, 2.75, 3.25 is 2.75'",
            "assert middle([9.5, 7.375, 0.5, 8.0, 1.0]) == 7.375, 'the middle is 7.375'",
        ),
        # Written carelessly on purpose: what is expected is computed after the call.
        "check-late": (
            1,
            "given = [4.0, 8.0, 6.0]\nassert middle(given) == sorted(given)[1], 'not the middle'",
            "",
        ),
    },
    "repeated": {
        "reference": (
            "def repeated(function, n):\n    def chain(x):\n        for _ in range(n):\n"
            "            x = function(x)\n        return x\n    return chain"
        ),
        "stub": "def repeated(function, n):",
        "check-value": (
            1,
            "assert repeated(lambda x: 2 * x, 3)(1.0) == 8.0, 'three doublings of 1 make 8'",
            "assert repeated(lambda x: 5 * x, 4)(1.25) == 781.25, 'four times five of 1.25'",
        ),
        # It looks inside, so it runs in the student's process.
        "check-inside": (
            2,
            "import inspect\nseen = []\nrepeated(lambda x: seen.append(x) or x + 1, 5)(0)\n"
            "assert seen == [0, 1, 2, 3, 4], f'the function was called with {seen}'\n"
            "assert list(inspect.signature(repeated).parameters) == ['function', 'n'], 'arguments'",
            "",
        ),
    },
}
NAMES = tuple(CELLS)
RIGHT = {f"toy-{name}-solution": str(CELLS[name]["reference"]) for name in NAMES}
MOST = {"cube": 3, "middle": 3, "repeated": 3}


def _hidden(test: str) -> str:
    return f"\n### BEGIN HIDDEN TESTS\n{test}\n### END HIDDEN TESTS" if test else ""


def _exercise(number: int, name: str) -> list[Any]:
    parts: dict[str, Any] = CELLS[name]
    stub, reference = parts["stub"], parts["reference"]
    body = reference.removeprefix(stub).lstrip("\n")
    solution = f"{stub}\n    ### BEGIN SOLUTION\n{body}\n    ### END SOLUTION"
    task = f"### Exercise {number}: {name}\n*Core · 5 minutes · 3 points*\n\nWrite `{name}`."
    cells = [
        markdown(f"toy-{name}-task", task),
        code(
            f"toy-{name}-solution",
            solution,
            nbgrader=nbgrader(f"toy-{name}-solution", grade=False, solution=True),
        ),
    ]
    for check in [key for key in parts if key.startswith("check-")]:
        points, visible, hidden = parts[check]
        meta = nbgrader(f"toy-{name}-{check}", grade=True, solution=False, points=points)
        cells.append(code(f"toy-{name}-{check}", visible + _hidden(hidden), nbgrader=meta))
    return cells


@cache
def release() -> Release:
    """One written exercise and three coded ones of 3 points each."""
    meta = nbgrader("toy-written-answer", grade=True, solution=True, points=2)
    model = MODEL_ANSWER.format(title="Model answer", text="The private model answer.")
    cells = [
        markdown("title", "# Toy"),
        code("imports", "import math"),
        markdown("exercises", "## Exercises"),
        markdown(
            "toy-written-task", "### Exercise 1: why\n*Written · 5 minutes · 2 points*\n\nWhy?"
        ),
        markdown("toy-written-answer", model, nbgrader=meta),
        *[cell for number, name in enumerate(NAMES, 2) for cell in _exercise(number, name)],
    ]
    notebook = nbformat.v4.new_notebook(cells=cells, metadata=METADATA)
    notebook.nbformat_minor = 5
    return make_release(notebook, "01_toy")


def handed_in(
    answers: dict[str, str] | None = None,
    added: dict[str, str] | None = None,
    change: Callable[[dict[str, Any]], Any] = lambda notebook: None,
) -> bytes:
    """Return the released notebook with cells answered, added (below an id), and changed."""
    notebook: dict[str, Any] = json.loads(release().student)
    cells = []
    for cell in notebook["cells"]:
        cell["source"] = (answers or {}).get(cell["id"], cell["source"])
        cells.append(cell)
        if text := (added or {}).get(cell["id"]):
            new = {"cell_type": "code", "id": f"new-{cell['id']}", "metadata": {}, "source": text}
            cells.append({**new, "outputs": [], "execution_count": None})
    notebook["cells"] = cells
    change(notebook)
    return json.dumps(notebook).encode()
