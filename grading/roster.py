"""Who is in the class: a CSV file with a column `id`, and more if known."""

from __future__ import annotations

import csv
import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from grading.folder import CourseError, safe_name

COLUMNS = ("id", "name", "email", "canvas_id", "moodle_id")


@dataclass(frozen=True)
class Student:
    """One student; only the id is certain."""

    id: str
    name: str = ""
    email: str = ""
    canvas_id: str = ""
    moodle_id: str = ""


def read_roster(path: Path) -> list[Student]:
    """Return the students of a roster, none if there is no file.

    Raises
    ------
    CourseError
        If a column is unknown, an id is missing, unfit for a file name or occurs twice.
    """
    if not path.exists():
        return []
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.DictReader(file)
        columns = [(name or "").strip() for name in rows.fieldnames or []]
        unknown = [name for name in columns if name not in COLUMNS]
        if "id" not in columns or unknown:
            raise CourseError(
                f"{path}: the columns must be id and any of {', '.join(COLUMNS[1:])}; got {columns}"
            )
        students = [
            Student(**{k.strip(): (v or "").strip() for k, v in row.items() if k}) for row in rows
        ]
    _validate(students, path)
    return students


def _validate(students: list[Student], path: Path) -> None:
    seen: set[str] = set()
    for line, student in enumerate(students, 2):
        if not student.id or safe_name(student.id) != student.id:
            raise CourseError(
                f"{path}, line {line}: an id is letters, digits, - _ . @; got {student.id!r}"
            )
        if student.id.casefold() in seen:
            raise CourseError(f"{path}, line {line}: the id {student.id!r} occurs twice")
        seen.add(student.id.casefold())


def plain(text: str) -> str:
    """Return a name without case, accents and all but letters and digits."""
    flat = unicodedata.normalize("NFKD", text.casefold())
    return re.sub(r"[\W_]+", "", "".join(c for c in flat if not unicodedata.combining(c)))


class Finder:
    """Finds students by what file names say about them."""

    def __init__(self, students: list[Student]) -> None:
        self.students = students
        self.by: dict[str, dict[str, set[str]]] = {}
        for student in students:
            self._add("id", student.id.casefold(), student)
            self._add("canvas_id", student.canvas_id, student)
            self._add("moodle_id", student.moodle_id, student)
            self._add("email", student.email.casefold(), student)
            for name in self._names(student.name):
                self._add("name", name, student)

    def _add(self, column: str, value: str, student: Student) -> None:
        if value:
            self.by.setdefault(column, {}).setdefault(value, set()).add(student.id)

    def _names(self, name: str) -> set[str]:
        """Return a name as it may stand in a file name: in order, and with the last part first."""
        if "," in name:
            last, _, first = name.partition(",")
            return {plain(first + last), plain(last + first)}
        parts = name.split()
        turned = {plain("".join(parts[k:] + parts[:k])) for k in range(len(parts))}
        return turned - {""}

    def find(self, **hints: str) -> set[str]:
        """Return the ids of the students that the first hint that fits anyone fits."""
        for column, value in hints.items():
            key = plain(value) if column == "name" else value.casefold()
            if found := self.by.get(column, {}).get(key):
                return found
        return set()
