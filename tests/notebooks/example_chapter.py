"""A chapter that keeps every rule, in memory: the tests break it one rule at a time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
from chapter import Chapter
from lint_book import Book
from lint_form import METADATA
from nbformat.v4 import new_code_cell, new_markdown_cell

ALT = "Gradient norm against layer on a log axis: a straight line that falls by four per layer."
SOLUTION = '''\
# Exercise {k}, solution
def power(x: float, n: int) -> float:
    """Return x to the power of n, for n >= 0."""
    ### BEGIN SOLUTION
    return x**n
    ### END SOLUTION'''
CHECK_VALUE = """\
assert power(3.0, 2) != 6.0, "power(3.0, 2) is 6.0, which is 3 times 2; multiply 3 by itself"
assert power(3.0, 2) == 9.0, f"power(3.0, 2) is {power(3.0, 2)}; two factors of 3 make 9"
### BEGIN HIDDEN TESTS
assert power(2.0, 3) == 8.0, f"power(2.0, 3) is {power(2.0, 3)}; three factors of 2 make 8"
### END HIDDEN TESTS"""
CHECK_LIMIT = 'assert power(5.0, 0) == 1.0, f"power(5.0, 0) is {power(5.0, 0)}; no factor leaves 1"'
AFTERWARDS = "<details><summary>Afterwards</summary>\n\nIt grew.\n\n</details>"
MODEL_ANSWER = """\
<!-- BEGIN SOLUTION -->
<details><summary>{title}</summary>

{text}

</details>
<!-- END SOLUTION -->"""


def markdown(cell_id: str, text: str, **metadata: Any) -> Any:
    return new_markdown_cell(id=cell_id, source=text, metadata=metadata)


def code(cell_id: str, text: str, **metadata: Any) -> Any:
    return new_code_cell(id=cell_id, source=text, metadata=metadata)


def nbgrader(grade_id: str, grade: bool, solution: bool, points: int | None = None) -> Any:
    meta = {"schema_version": 3, "grade_id": grade_id, "grade": grade, "solution": solution}
    meta |= {"locked": grade and not solution, "task": False}
    return meta if points is None else {**meta, "points": points}


def written(k: int, kind: str, title: str, text: str) -> list[Any]:
    task = f"(toy-{k})=\n### Exercise {k}: why\n*{kind} · 5 minutes · 2 points*\n\nSay why."
    meta = nbgrader(f"toy-{k}-answer", grade=True, solution=True, points=2)
    answer = MODEL_ANSWER.format(title=title, text=text)
    return [
        markdown(f"toy-{k}-task", task),
        markdown(f"toy-{k}-answer", answer, nbgrader=meta),
    ]


def coded(k: int, kind: str) -> list[Any]:
    name = f"toy-{k}"
    task = (
        f"### Exercise {k}: powers\n*{kind} · 5 minutes · 3 points*\n\nWrite `power(x, n)`.\n\n"
        "<details><summary>Hint</summary>\n\n$x^0 = 1$.\n\n</details>"
    )
    return [
        markdown(f"{name}-task", task),
        code(
            f"{name}-solution",
            SOLUTION.format(k=k).replace("power(", f"power{k}("),
            jupyter={"source_hidden": True},
            nbgrader=nbgrader(f"{name}-solution", grade=False, solution=True),
        ),
        code(f"{name}-answer", f"# Your answer: define power{k} here.", tags=["your-answer"]),
        code(
            f"{name}-check-value",
            CHECK_VALUE.replace("power(", f"power{k}("),
            nbgrader=nbgrader(f"{name}-check-value", grade=True, solution=False, points=2),
        ),
        code(
            f"{name}-check-limit",
            CHECK_LIMIT.replace("power(", f"power{k}("),
            nbgrader=nbgrader(f"{name}-check-limit", grade=True, solution=False, points=1),
        ),
    ]


def chapter() -> Chapter:
    """Return a new example chapter."""
    checked = code("identity", "print(1 + 1)", tags=["nbval-check-output"])
    checked.execution_count = 1
    checked.outputs = [nbformat.v4.new_output("stream", name="stdout", text="2\n")]
    cells = [
        markdown("title", "(chapter-toy)=\n# Toy\n\n**Why?** See {cite:t}`somebody1991thesis`."),
        code(
            "imports",
            "import matplotlib.pyplot as plt\nimport helpers\nfrom helpers.claims import claim\n"
            "from helpers.explore import explore\n\nhelpers.start()",
        ),
        markdown("theory", "By [the bound](#eq-bound):\n\n$$\n|\\phi'| \\le 1/4\n$$ (eq-bound)"),
        code(
            "cliff-figure",
            "def draw(depth=3):\n    fig, ax = plt.subplots()\n    ax.plot([depth])\n\ndraw(4)",
            mystnb={
                "figure": {"caption": "The cliff.", "name": "fig-cliff"},
                "image": {"alt": ALT},
            },
        ),
        code("explorer", 'explore(draw, alt=describe, title="The cliff", depth=[1, 2])'),
        checked,
        markdown("folklore", "## Folklore check: sigmoids are bad"),
        *[code(f"claim-{k}", f'claim("σ = {k}", measured={k}, exactly={k})') for k in range(8)],
        markdown("exercises", "## Exercises"),
        *written(1, "Written", "Model answer", "Because of [the bound](#eq-bound)."),
        *coded(2, "Warm-up"),
        *coded(3, "Core"),
        *coded(4, "Stretch"),
        markdown("toy-4-read", AFTERWARDS, tags=["after-solution"]),
        *written(5, "Open", "Rubric", "- 1 point: a plan\n- 1 point: a figure"),
        markdown("further", "## Further reading\n\n- [A thesis](https://example.org/a-b)"),
    ]
    notebook = nbformat.v4.new_notebook(cells=cells, metadata=METADATA)
    notebook.nbformat_minor = 5
    return Chapter("01_toy", notebook)


def book(toy: Chapter, files: Path) -> Book:
    """Return a book of one chapter, which lies in the folder `files`."""
    pages = {
        "index.md": "# Book\n\n[Toy](#chapter-toy)",
        "reference/bibliography.md": "# Bibliography\n\n```{bibliography}\n```",
    }
    contents = "chapters:\n  - file: chapters/01_toy\n"
    return Book([toy], pages, contents, "@phdthesis{somebody1991thesis,\n  year = 1991\n}\n", files)
