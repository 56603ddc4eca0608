"""Collect: every file ends up as somebody's submission, or in a list that says why not."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from grading.files import File, files_of
from grading.folder import Assignment, CourseError, safe_name, write
from grading.names import Named, is_junk, parse, plain_hints
from grading.rebuild import is_notebook, known_cells
from grading.roster import Finder, Student
from grading.sandbox import Limits

MOST_BYTES = Limits().submission_mb * 1_000_000  # of a notebook whose cells are looked at
LOST = "NOT COLLECTED"
KEEP = ("latest", "first")
DECIDED = ("repeated: ", "no cell of this chapter")  # said anew each time


@dataclass
class Collection:
    """The submissions (all attempts), and the files that are none."""

    submissions: list[dict[str, Any]] = field(default_factory=list)
    listed: list[dict[str, str]] = field(default_factory=list)

    def list(self, file: str, why: str) -> None:
        """Note a file for the instructor."""
        entry = {"file": file, "why": why}
        if entry not in self.listed:
            self.listed.append(entry)


def collect(
    assignment: Assignment,
    source: Path,
    roster: list[Student],
    due: str = "",
    keep: str = "latest",
    assigned: dict[str, str] | None = None,
) -> Collection:
    """Collect a folder or zip into the assignment's folder and return all that is there.

    `assigned` says whose a file is where its name does not: {path in the source: student id}.

    Raises
    ------
    CourseError
        If `assigned` names a file that is not there or a student who is not in the roster.
    """
    if keep not in KEEP:
        raise CourseError(f"keep must be one of {', '.join(KEEP)}; got {keep!r}")
    before = assignment.collected
    listed = [entry for entry in before["listed"] if not entry["why"].startswith(LOST)]
    found = Collection(before["submissions"], listed)
    key = assignment.release.content
    left = dict(assigned or {})
    _check_assigned(left, roster)
    finder = Finder(roster)
    for file in files_of(source):  # one at a time: a class can be larger than the memory
        try:
            _take(found, assignment, key, file, finder, left.pop(file.path, None), due)
        except OSError as error:
            found.list(file.path, f"{LOST}, it cannot be written: {error.strerror}")
    if left:
        raise CourseError(f"--assign: there is no file {next(iter(left))!r}")
    choose(found, keep)
    assignment.save("collected", vars(found))
    return found


def _check_assigned(assigned: dict[str, str], roster: list[Student]) -> None:
    ids = {student.id for student in roster}
    for student in assigned.values():
        if safe_name(student) != student or (ids and student not in ids):
            raise CourseError(f"--assign: {student!r} is not in the roster")


def _take(
    found: Collection,
    assignment: Assignment,
    key: dict[str, Any],
    file: File,
    finder: Finder,
    whose: str | None,
    due: str,
) -> None:
    if is_junk(file.path):
        found.list(file.path, "ignored: written by a system, not by a student")
        return
    if file.unread:
        found.list(file.path, file.unread)
        return
    sha = hashlib.sha256(file.data).hexdigest()
    if not file.path.endswith(".ipynb") and not _is_notebook(file.data):
        _keep_file(assignment, "not-notebooks", file, sha)
        found.list(file.path, "not a notebook; kept in collected/not-notebooks")
        return
    named = parse(file.upload, assignment.name)
    student, why = (whose, "assigned") if whose else _student(named, finder)
    if not student:
        _keep_file(assignment, "unknown", file, sha)
        found.list(file.path, f"{why}; kept in collected/unknown, say whose it is: --assign")
        return
    found.listed[:] = [e for e in found.listed if e["file"] != file.path or not whose]
    stored = assignment.folder / "collected" / student / f"{sha[:16]}.ipynb"
    write(stored, file.data)
    entry = {
        "student": student,
        "file": file.path,
        "sha": sha,
        "when": file.when,
        "late": named.late or bool(due and file.when > due),
        "attempt": named.attempt,
        "by": why,
        "cells": known_cells(key, file.data, MOST_BYTES),
        "chosen": False,
    }
    found.submissions[:] = [
        e
        for e in found.submissions
        if (e["student"], e["file"], e["sha"]) != (student, file.path, sha)
    ]
    found.submissions.append(entry)


def _is_notebook(data: bytes) -> bool:
    return (b'"cells"' in data or b'"worksheets"' in data) and is_notebook(data, MOST_BYTES)


def _keep_file(assignment: Assignment, where: str, file: File, sha: str) -> None:
    name = f"{sha[:16]}-{safe_name(file.path)[-60:]}"
    write(assignment.folder / "collected" / where / name, file.data)


def _student(named: Named, finder: Finder) -> tuple[str, str]:
    """Return a student's id and how it was found, or "" and why not."""
    if not named.source:
        return "", f"{named.label!r} looks like a name of Canvas and like one of Moodle"
    if not finder.students:  # nobody to confuse with
        return safe_name(named.label), f"{named.source} name, no roster"
    fits = [finder.find(**named.hints), *(finder.find(**plain_hints(f)) for f in named.folders)]
    found = sorted(set().union(*fits))
    if len(found) == 1:
        return found[0], f"{named.source} name"
    if any(len(names) > 1 for names in fits):
        return "", f"{named.label!r} fits {', '.join(found)}"
    if found:
        return "", f"its name and its folders fit {', '.join(found)}"
    return "", f"nobody in the roster is {named.label!r}"


def choose(found: Collection, keep: str) -> None:
    """Mark for each student the submission that counts, and list what was decided."""
    found.listed[:] = [e for e in found.listed if not e["why"].startswith(DECIDED)]
    for student in sorted({entry["student"] for entry in found.submissions}):
        mine = [entry for entry in found.submissions if entry["student"] == student]
        of_chapter = [entry for entry in mine if entry["cells"]] or mine
        of_chapter.sort(key=lambda e: (e["attempt"], e["when"], e["sha"]))
        chosen = of_chapter[-1 if keep == "latest" else 0]
        for entry in mine:
            entry["chosen"] = entry is chosen
        _explain(found, chosen, mine)


def _explain(found: Collection, chosen: dict[str, Any], mine: Iterable[dict[str, Any]]) -> None:
    if not chosen["cells"]:
        found.list(chosen["file"], "no cell of this chapter in it; graded all the same")
    for entry in mine:
        if entry is chosen or entry["sha"] == chosen["sha"]:
            continue
        same = (entry["attempt"], entry["when"]) == (chosen["attempt"], chosen["when"])
        doubt = ", written at the same time: please look" if same else ""
        found.list(
            entry["file"], f"repeated: {chosen['file']} counts for {entry['student']}{doubt}"
        )
