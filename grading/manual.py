"""Written and open answers: a human gives the points, in a table."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from grading.folder import Assignment, CourseError, write
from grading.grade import results_of
from grading.gradebook import Book, Row
from grading.tables import table, unguarded

MANUAL = ("student", "cell", "points", "max_points", "comment", "answer")


def manual_table(assignment: Assignment, book: Book) -> Path:
    """Write the table in which a human enters points for written answers; return its path.

    What somebody has typed into it and not entered yet stays.
    """
    rows = book.rows(assignment.name)
    path = assignment.folder / "manual.csv"
    typed = _typed(path) if path.exists() else {}
    lines = [dict(zip(MANUAL, line)) for line in _manual_lines(assignment, rows)]
    for line in lines:
        key = (line["student"], line["cell"], _same(line["answer"]))
        if not line["points"] and key in typed:
            line["points"], line["comment"] = typed[key]
    write(path, table(MANUAL, lines))
    return path


def _typed(path: Path) -> dict[tuple[str, str, str], tuple[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = [
            {k: unguarded(v or "") for k, v in row.items() if k} for row in csv.DictReader(file)
        ]
    get = [tuple(row.get(name, "") for name in MANUAL) for row in rows]
    return {
        (s, cell, _same(answer)): (points, comment) for s, cell, points, _, comment, answer in get
    }


def _same(answer: str) -> str:
    """Return an answer without what a spreadsheet may change in it: ends of lines, quotes."""
    return " ".join(answer.lstrip("'").split())


def _manual_lines(assignment: Assignment, rows: dict[str, Row]) -> Iterator[tuple[Any, ...]]:
    for student, result in sorted(results_of(assignment).items()):
        for answer in result.manual:
            score = rows[student].scores[answer.id] if student in rows else None
            points = "" if score is None or score.points is None else f"{score.points:g}"
            comment = score.comment if score else ""
            yield student, answer.id, points, answer.max_points, comment, answer.text


def enter_manual(assignment: Assignment, book: Book, path: Path) -> int:
    """Enter the points of a table (student, cell, points, comment); return how many.

    Raises
    ------
    CourseError
        If a column is missing, points are no number or outside their range, or a cell is unknown.
    """
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.DictReader(file)
        if missing := {"student", "cell", "points"} - set(rows.fieldnames or []):
            raise CourseError(f"{path}: the column {sorted(missing)[0]} is missing")
        lines = [(rows.line_num, row) for row in rows if (row["points"] or "").strip()]
    entries = []
    for line, row in lines:
        try:
            points = float(row["points"].replace(",", "."))
        except ValueError:
            where = f"{path}, line {line}"
            raise CourseError(f"{where}: points must be a number; got {row['points']!r}") from None
        student, cell, comment = (
            unguarded(row.get(n) or "") for n in ("student", "cell", "comment")
        )
        entries.append((student, cell, points, comment))
    for student, cell, points, comment in entries:
        book.enter(assignment.name, student, cell, points, comment)
    return len(entries)
