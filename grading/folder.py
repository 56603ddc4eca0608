"""The working folder of a course: where files lie, and writing that cannot be cut in half.

roster.csv                who is in the class (optional)
gradebook.db              nbgrader's gradebook, unless a database is named
CHAPTER/release/          for the students: the notebook, and a zip of it
CHAPTER/key.json          private: full checks, reference solutions
CHAPTER/collected/        every file that was handed in, by student; see collected.json
CHAPTER/results/          one result for each (release, submission, limits, version of grading)
CHAPTER/feedback/         one page for each student
CHAPTER/export/           tables
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from grading.release import Release

MOST_NAME = 160  # bytes; a file system takes 255, and write() and collect() add some


class CourseError(ValueError):
    """Something in the working folder, or asked of it, that is not right."""


def write(path: Path, content: bytes | str, public: bool = False) -> None:
    """Write a file as a whole or not at all; others may read it only if it is public."""
    data = content.encode() if isinstance(content, str) else content
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644 if public else 0o600)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def make_private(course: Path) -> None:
    """Make the working folder, for its owner alone: names, answers and keys lie in it."""
    if not course.exists():
        course.mkdir(parents=True, mode=0o700)


def read_json(path: Path, otherwise: Any) -> Any:
    """Return the content of a JSON file, or something else if there is none."""
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else otherwise


def write_json(path: Path, content: Any) -> None:
    """Write a JSON file as a whole or not at all."""
    write(path, json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def safe_name(text: str) -> str:
    """Return a text as a file name: letters, digits, - _ . @; never empty, hidden or too long."""
    name = re.sub(r"[^\w.@-]+", "-", text.strip()).strip("-.")[:80]
    return name.encode()[:MOST_NAME].decode(errors="ignore") or "unnamed"


@dataclass(frozen=True)
class Assignment:
    """The folder of one chapter."""

    course: Path
    name: str

    @property
    def folder(self) -> Path:
        """The chapter's folder."""
        return self.course / self.name

    @property
    def notebook(self) -> Path:
        """The notebook that students get."""
        return self.folder / "release" / f"{self.name}.ipynb"

    @property
    def key_file(self) -> Path:
        """The private key."""
        return self.folder / "key.json"

    @property
    def results(self) -> Path:
        """The folder of results."""
        return self.folder / "results"

    @cached_property
    def release(self) -> Release:
        """The release, as it was written.

        Raises
        ------
        CourseError
            If the chapter has not been released.
        """
        if not (self.key_file.exists() and self.notebook.exists()):
            raise CourseError(
                f"{self.name} is not released in {self.course}: grading release {self.name}"
            )
        return Release(self.name, self.notebook.read_bytes(), self.key_file.read_bytes())

    @property
    def collected(self) -> dict[str, Any]:
        """What was collected: submissions, and files that are nobody's or no notebook."""
        found: dict[str, Any] = read_json(
            self.folder / "collected.json", {"submissions": [], "listed": []}
        )
        return found

    @property
    def graded(self) -> dict[str, Any]:
        """For each student the submission and the name of the result that counts."""
        found: dict[str, Any] = read_json(self.folder / "graded.json", {})
        return found

    def save(self, name: str, content: Any) -> None:
        """Write collected.json or graded.json."""
        write_json(self.folder / f"{name}.json", content)


def released(course: Path) -> list[Assignment]:
    """Return the chapters that are released in a course."""
    return [Assignment(course, path.parent.name) for path in sorted(course.glob("*/key.json"))]
