"""A submission, rebuilt on the released notebook.

Of what a student hands in only this is taken: the text of answer cells, the text of code cells that
the student added, and an edited imports cell. Everything else, checks and metadata included, is the
release's. Nothing here runs code or raises for a bad file.
"""

from __future__ import annotations

import ast
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from grading.flags import scan
from grading.memorised import memorised, parsed
from grading.result import Flag, ManualAnswer, clean

MOST_CELLS = 5_000
MOST_TEXT = 200_000  # characters of one cell
MOST_CODE = 400_000  # characters of all code, of which a syntax tree takes a hundred times as much
MOST_EDITED = 20_000  # characters of a cell of the text
MOST_PARTS = 1_000_000  # lists and objects in the JSON
MOST_FLAGS = 50  # of one kind

Cell = dict[str, Any]


@dataclass
class Rebuilt:
    """The student's part: code by the released cell that it follows, written answers, flags."""

    code: list[tuple[str, str, str]] = field(default_factory=list)  # (released cell, label, text)
    answers: dict[str, str] = field(default_factory=dict)
    flags: list[Flag] = field(default_factory=list)
    solutions: set[str] = field(default_factory=set)  # the labels of answer cells

    def kinds(self) -> set[str]:
        """Return the kinds of flags raised."""
        return {flag.kind for flag in self.flags}

    def flag(self, kind: str, where: str, what: str) -> None:
        """Add a flag."""
        self.flags.append(Flag(kind, where, what))


def rebuild(key: dict[str, Any], submission: bytes, most_bytes: int) -> Rebuilt:
    """Return the student's part of a submission; an unreadable file gives an empty one, flagged."""
    rebuilt = Rebuilt()
    try:
        cells = _cells(submission, most_bytes, rebuilt)
    except Exception as error:  # whatever a hostile file makes json or this module raise
        rebuilt.flag("unreadable", "file", f"{type(error).__name__}: {error}"[:200])
        return rebuilt
    _take(key, cells, rebuilt)
    _limit(rebuilt)
    for _, label, text in rebuilt.code:
        rebuilt.flags += scan(text, label)
    trees = {label: parsed(text) for _, label, text in rebuilt.code}
    for exercise in key["exercises"]:
        _memorised(exercise, trees, rebuilt)
    rebuilt.flags = list(_few(rebuilt.flags))
    return rebuilt


def _limit(rebuilt: Rebuilt) -> None:
    """Drop code beyond what is read: added cells before answers, the last ones first."""
    left, dropped = MOST_CODE, 0
    kept = set()
    for cell in sorted(rebuilt.code, key=lambda cell: cell[1] not in rebuilt.solutions):
        if len(cell[2]) <= left:
            left -= len(cell[2])
            kept.add(cell[1])
        else:
            dropped += 1
    if dropped:
        rebuilt.code = [cell for cell in rebuilt.code if cell[1] in kept]
        what = f"more than {MOST_CODE:,} characters of code: {dropped} cells are left out"
        rebuilt.flag("rebuilt", "file", what)


def _few(flags: list[Flag]) -> Iterator[Flag]:
    """Yield the flags, of each kind no more than a person would read."""
    counts: Counter[str] = Counter()
    for flag in flags:
        counts[flag.kind] += 1
        if counts[flag.kind] <= MOST_FLAGS:
            yield flag
    for kind, number in counts.items():
        if number > MOST_FLAGS:
            yield Flag(kind, "file", f"{number - MOST_FLAGS:,} more of this kind")


def _memorised(exercise: dict[str, Any], trees: dict[str, ast.Module], rebuilt: Rebuilt) -> None:
    """Flag answers that hold the numbers of their checks; added cells may hold them as well."""
    checks = "\n".join(check["source"] for check in exercise["checks"])
    mine = {solution["id"] for solution in exercise["solutions"]}
    others = rebuilt.solutions - mine
    cells = [tree for label, tree in trees.items() if label not in others]
    reference = "\n".join(solution["reference"] for solution in exercise["solutions"])
    if mine and (numbers := memorised(cells, checks, reference)):
        rebuilt.flag("suspicious", min(mine), f"numbers of the checks: {numbers}")


def _cells(submission: bytes, most_bytes: int, rebuilt: Rebuilt) -> list[Cell]:
    if len(submission) > most_bytes:
        raise ValueError(f"{len(submission):,} bytes; at most {most_bytes:,} are read")
    if submission.count(b"[") + submission.count(b"{") > MOST_PARTS:
        raise ValueError(f"more than {MOST_PARTS:,} lists and objects")
    data = json.loads(submission.decode("utf-8-sig", errors="replace"))
    if not isinstance(data, dict):
        raise ValueError("this JSON is no notebook")
    cells = data.get("cells")
    if not isinstance(cells, list):  # nbformat 3
        sheets = data.get("worksheets")
        if not isinstance(sheets, list):
            raise ValueError("this JSON is no notebook: it has no cells")
        rebuilt.flag("rebuilt", "file", "an old notebook format, nbformat 3")
        cells = [c for s in sheets if isinstance(s, dict) for c in s.get("cells") or []]
    if len(cells) > MOST_CELLS:
        raise ValueError(f"{len(cells):,} cells; at most {MOST_CELLS:,} are read")
    return [cell for cell in cells if isinstance(cell, dict)]


def _text(cell: Cell) -> str:
    source = cell.get("source", cell.get("input", ""))
    if isinstance(source, list):
        source = "".join(line for line in source if isinstance(line, str))
    text = source if isinstance(source, str) else ""
    return text.encode("utf-8", "replace").decode()


def _grade_id(cell: Cell) -> str:
    metadata = cell.get("metadata")
    meta = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    found = meta.get("grade_id") if isinstance(meta, dict) else None
    return found if isinstance(found, str) else ""


class _Matcher:
    """Finds the released cell that a cell of the submission is: by grade_id, id, or text."""

    def __init__(self, cells: list[Cell]) -> None:
        self.by_grade_id = {c["grade_id"]: c for c in cells if c["grade_id"]}
        self.by_id = {c["id"]: c for c in cells}
        texts = Counter(c["source"] for c in cells)
        self.by_text = {c["source"]: c for c in cells if texts[c["source"]] == 1}

    def __call__(self, cell: Cell) -> Cell | None:
        for table, name in (
            (self.by_grade_id, _grade_id(cell)),
            (self.by_id, cell.get("id")),
            (self.by_text, _text(cell)),
        ):
            if isinstance(name, str) and name in table:
                return table[name]
        return None


def _take(key: dict[str, Any], cells: list[Cell], rebuilt: Rebuilt) -> None:
    """Go through the submission and take what is the student's."""
    released, match = key["cells"], _Matcher(key["cells"])
    setup = {cell_id for cell_id, _ in key["setup"]}
    seen: set[str] = set()
    after = ""
    for number, cell in enumerate(cells, 1):
        text, known = _text(cell), match(cell)
        if len(text) > MOST_TEXT:
            rebuilt.flag("rebuilt", f"cell {number}", f"{len(text):,} characters: cut")
            text = text[:MOST_TEXT]
        is_code = cell.get("cell_type") == "code"
        if known is None:
            if is_code and text.strip():
                rebuilt.code.append((after, f"added-{number}", text))
            continue
        again = known["id"] in seen
        seen.add(known["id"])
        after = after if again else known["id"]
        _known_cell(known, text, again, f"added-{number}", setup, after, rebuilt)
    missing = [c["id"] for c in released if c["role"] in ("solution", "manual", "check")]
    for cell_id in [c for c in missing if c not in seen]:
        rebuilt.flag("rebuilt", cell_id, "missing; taken from the release, unanswered")


def _known_cell(
    known: Cell, text: str, again: bool, label: str, setup: set[str], after: str, rebuilt: Rebuilt
) -> None:
    role, name, changed = known["role"], known["id"], text.strip() != known["source"].strip()
    if again:
        if role and changed:
            rebuilt.flag("rebuilt", name, "a second copy of this cell")
            if role == "solution":
                rebuilt.code.append((after, label, text))
            elif role == "manual":
                rebuilt.answers[name] = f"{rebuilt.answers.get(name, '')}\n\n{text}"
    elif role == "solution":
        rebuilt.code.append((name, name, text))
        rebuilt.solutions.add(name)
    elif role == "manual":
        rebuilt.answers[name] = text
    elif role == "check" and changed:
        rebuilt.flag("rebuilt", name, "an edited check, restored")
    elif changed and known["type"] == "code" and not role:
        taken = text if name in setup else _made(text, known["source"])
        if taken:
            rebuilt.code.append((name, f"{name}-edited", taken))


def _made(text: str, released: str) -> str:
    """Return what a student put into a cell of the text: imports, definitions, constants.

    The rest of such a cell draws or trains, and is not run.
    """
    if len(text) > MOST_EDITED:
        return ""
    before = {ast.unparse(node) for node in parsed(released).body}
    kinds = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef, ast.Assign, ast.AnnAssign)
    found = []
    for node in parsed(text).body:
        quick = not isinstance(node, (ast.Assign, ast.AnnAssign)) or not any(
            isinstance(part, ast.Call) for part in ast.walk(node)
        )
        if isinstance(node, kinds) and quick and (said := _said(node)) not in before:
            found.append(said)
    return "\n\n".join(found)


def _said(node: ast.stmt) -> str:
    try:
        return ast.unparse(node)
    except RecursionError:
        return "pass"


def manual_answers(key: dict[str, Any], rebuilt: Rebuilt) -> tuple[ManualAnswer, ...]:
    """Return the written answers; blank if missing, empty or the released placeholder."""
    found = []
    for exercise in key["exercises"]:
        for cell in exercise["manual"]:
            text = clean(rebuilt.answers.get(cell["id"], ""))
            blank = text.strip() in ("", cell["stub"].strip())
            found.append(
                ManualAnswer(
                    cell["id"], exercise["id"], cell["points"], text if not blank else "", blank
                )
            )
    return tuple(found)


def is_notebook(data: bytes, most_bytes: int) -> bool:
    """Say whether a file is a notebook, whatever its name."""
    try:
        _cells(data, most_bytes, Rebuilt())
    except Exception:  # as in rebuild
        return False
    return True


def known_cells(key: dict[str, Any], submission: bytes, most_bytes: int) -> int:
    """Return how many cells of a file are answers or checks of this release; 0 for no notebook."""
    try:
        cells = _cells(submission, most_bytes, Rebuilt())
    except Exception:  # as in rebuild
        return 0
    graded = {cell["id"] for cell in key["cells"] if cell["role"]}
    match = _Matcher(key["cells"])
    return len({found["id"] for cell in cells if (found := match(cell))} & graded)
