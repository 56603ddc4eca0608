"""The grades as tables: one with everything, one as Canvas imports it, one as Moodle does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from grading.folder import Assignment, write
from grading.grade import results_of
from grading.gradebook import Book, Row
from grading.result import Result
from grading.roster import Student
from grading.status import needs_human
from grading.tables import table


def export(assignment: Assignment, book: Book, roster: list[Student]) -> list[Path]:
    """Write grades.csv, canvas.csv and moodle.csv; return their paths.

    A total without all its parts is no grade: the columns for import are left empty there, and
    grades.csv says what is missing.
    """
    key, rows = assignment.release.content, book.rows(assignment.name)
    results = results_of(assignment)
    known = {student.id: student for student in roster}
    everyone = [*roster, *(Student(s) for s in sorted(results) if s not in known)]
    folder = assignment.folder / "export"
    columns = [*FIRST, *(e["id"] for e in key["exercises"]), *LAST]
    late = {e["student"] for e in assignment.collected["submissions"] if e["chosen"] and e["late"]}
    lines = [
        _line(key, student, results.get(student.id), rows.get(student.id), student.id in late)
        | {"needs_human": "; ".join(needs_human(assignment, student.id, rows.get(student.id)))}
        for student in everyone
    ]
    most = sum(e["points"] for e in key["exercises"])
    texts = {
        "grades.csv": table(columns, lines),
        "canvas.csv": _canvas(assignment.name, most, everyone, rows),
        "moodle.csv": _moodle(most, everyone, rows),
    }
    for name, text in texts.items():
        write(folder / name, text)
    return [folder / name for name in texts]


FIRST = ("id", "name", "email", "state", "late")
LAST = ("total", "max", "needs_human")


def _line(
    key: dict[str, Any], student: Student, result: Result | None, row: Row | None, late: bool
) -> dict[str, Any]:
    state = "not handed in" if result is None else "failed" if result.failure else "graded"
    line: dict[str, Any] = {"id": student.id, "name": student.name, "email": student.email}
    line |= {"state": state, "late": "late" if late else ""}
    line["max"] = f"{sum(e['points'] for e in key['exercises']):g}"
    if row is None or state != "graded":
        return line
    for exercise in key["exercises"]:
        cells = [c["id"] for c in [*exercise["checks"], *exercise["manual"]]]
        line[exercise["id"]] = _sum([row.scores[c].points for c in cells])
    line["total"] = _total(row)
    return line


def _sum(points: list[float | None]) -> str:
    return "" if None in points else f"{sum(p or 0.0 for p in points):g}"


def _total(row: Row | None) -> str:
    return f"{row.points:g}" if row is not None and row.complete else ""


def _canvas(chapter: str, most: float, students: list[Student], rows: dict[str, Row]) -> str:
    """Return Canvas's gradebook columns; the row Points Possible comes first."""
    columns = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section", chapter)
    lines: list[dict[str, Any]] = [{"Student": "    Points Possible", chapter: f"{most:g}"}]
    for s in students:
        line = {"Student": s.name or s.id, "ID": s.canvas_id, "SIS User ID": s.id}
        lines.append({**line, "SIS Login ID": s.email or s.id, chapter: _total(rows.get(s.id))})
    return table(columns, lines)


def _moodle(most: float, students: list[Student], rows: dict[str, Row]) -> str:
    """Return the columns of Moodle's grading worksheet."""
    columns = ("Identifier", "Full name", "Email address", "Status", "Grade", "Maximum grade")
    lines = []
    for s in students:
        row = rows.get(s.id)
        status = "Submitted for grading" if row else "No submission"
        line = {"Identifier": f"Participant {s.moodle_id}" if s.moodle_id else s.id}
        line |= {"Full name": s.name or s.id, "Email address": s.email, "Status": status}
        lines.append({**line, "Grade": _total(row), "Maximum grade": f"{most:g}"})
    return table(columns, lines)
