"""Exercises on the page: markers gone, solution and checks folded, the empty answer cell left out.

The code is executed as ever. With BOOK_SOLUTIONS=hide the page shows what a student gets, and
nothing of a solution or a hidden test reaches a file of the site: stubs and visible checks stand
there as text, and what an earlier build with solutions left in the folder is removed.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.environment import CONFIG_OK, BuildEnvironment
from sphinx.errors import ExtensionError

Cell = dict[str, Any]

SOLUTION, HIDDEN_TESTS = "SOLUTION", "HIDDEN TESTS"
MARKER = re.compile(
    r"^[ \t]*(?:### |<!-- )(?:BEGIN|END) (?:SOLUTION|HIDDEN TESTS)(?: -->)?\n?", re.M
)
BLOCK = r"^([ \t]*)(?:### |<!-- )BEGIN {0}.*?^[ \t]*(?:### |<!-- )END {0}(?: -->)?(?:\n|\Z)"


def without_markers(source: str) -> str:
    """Return a cell's source without nbgrader's marker lines."""
    return MARKER.sub("", source).rstrip("\n")


def without(kind: str, source: str, stub: str = "") -> str:
    """Return a cell's source with the regions of a kind replaced by a line, indented alike."""
    pattern = re.compile(BLOCK.format(kind), re.MULTILINE | re.DOTALL)
    return pattern.sub(lambda block: f"{block[1]}{stub}\n" * bool(stub), source).rstrip("\n")


def on_the_page(notebook: str, show_solutions: bool = True) -> str:
    """Return the notebook (JSON) as the website shows it."""
    content = json.loads(notebook)
    arrange = _with_solution if show_solutions else _without_solution
    for cell in content["cells"]:
        cell["source"] = "".join(cell["source"])
    content["cells"] = [shown for cell in content["cells"] for shown in arrange(cell)]
    return json.dumps(content)


def role(cell: Cell) -> str:
    """Return what a cell is in an exercise: answer, comment, solution, check, manual; else ""."""
    for tag, name in (("your-answer", "answer"), ("after-solution", "comment")):
        if tag in cell["metadata"].get("tags", []):
            return name
    meta = cell["metadata"].get("nbgrader", {})
    roles = {(True, True): "manual", (True, False): "check", (False, True): "solution"}
    return roles.get((bool(meta.get("grade")), bool(meta.get("solution"))), "")


def _with_solution(cell: Cell) -> Iterator[Cell]:
    kind = role(cell)
    if kind == "answer":
        return
    if kind:
        cell["source"] = without_markers(cell["source"])
    if kind in ("solution", "check"):
        _fold(cell, "the solution" if kind == "solution" else _name(cell))
    yield cell


def _without_solution(cell: Cell) -> Iterator[Cell]:
    kind = role(cell)
    if kind == "solution":
        yield _text(cell, _fenced(without(SOLUTION, cell["source"], "# your code here")))
    elif kind == "check":
        code = _fenced(without(HIDDEN_TESTS, cell["source"]))
        summary = f"<summary>Show {_name(cell)}</summary>"
        yield _text(cell, f"<details>{summary}\n\n{code}\n\n</details>")
    elif kind == "manual":
        if left := without(SOLUTION, cell["source"]).strip():
            yield {**cell, "source": left}
    elif kind not in ("answer", "comment"):
        yield cell


def _fold(cell: Cell, what: str) -> None:
    metadata = cell["metadata"]
    metadata["tags"] = [*metadata.get("tags", []), "hide-input"]
    prompts = {"code_prompt_show": f"Show {what}", "code_prompt_hide": f"Hide {what}"}
    metadata["mystnb"] = {**metadata.get("mystnb", {}), **prompts}


def _name(cell: Cell) -> str:
    """Return what a check is called on the page: causes-2-check-value is the check of the value."""
    meta = cell["metadata"]["nbgrader"]
    word = meta["grade_id"].rpartition("-check-")[2].replace("-", " ")
    points = meta["points"]
    return f"the check: {word} ({points} point{'s' * (points != 1)})"


def _text(cell: Cell, source: str) -> Cell:
    return {"cell_type": "markdown", "id": cell["id"], "metadata": {}, "source": source}


def _fenced(code: str) -> str:
    return f"```python\n{code}\n```"


def choose(app: Sphinx, config: Config) -> None:
    """Read BOOK_SOLUTIONS: show (the default) or hide."""
    choice = os.environ.get("BOOK_SOLUTIONS") or "show"
    if choice not in ("show", "hide"):
        raise ExtensionError(f"BOOK_SOLUTIONS must be show or hide; got {choice!r}")
    config.course_solutions = choice


def hidden(config: Config) -> bool:
    """Say whether this build leaves the solutions out."""
    return bool(getattr(config, "course_solutions", "show") == "hide")


def remove_older(app: Sphinx, env: BuildEnvironment, docnames: list[str]) -> None:
    """Empty the site's folder before solutions are hidden, unless they were in the last build."""
    if not hidden(app.config) or env.config_status == CONFIG_OK:
        return
    for path in Path(app.outdir).iterdir():
        if path.is_dir() and path != Path(app.doctreedir):
            shutil.rmtree(path)
        elif path.is_file():
            path.unlink()


def arrange(app: Sphinx, docname: str, source: list[str]) -> None:
    """Arrange a notebook between reading and parsing."""
    if str(app.env.doc2path(docname)).endswith(".ipynb"):
        source[0] = on_the_page(source[0], not hidden(app.config))


def setup(app: Sphinx) -> None:
    """Register with Sphinx."""
    app.add_config_value("course_solutions", "show", "env", [str])
    app.connect("config-inited", choose, priority=100)
    app.connect("env-before-read-docs", remove_older)
    app.connect("source-read", arrange)
