"""Grade a class: what is already graded is not graded again, and one failure stops nobody."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from grading.engines import Engine
from grading.folder import Assignment, CourseError, write
from grading.gradebook import Book
from grading.result import Result
from grading.roster import Student
from grading.sandbox import Limits

PARTS = (
    "checkers.py", "flags.py", "memorised.py", "rebuild.py", "result.py", "run.py", "sandbox.py",
    "watch.py", "words.py",
)  # fmt: skip


@cache
def version() -> str:
    """Return a hash of the code that results depend on."""
    here = Path(__file__).parent
    files = [here / name for name in PARTS] + sorted((here / "inside").glob("*.py"))
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()


def name_of(key: bytes, submission: bytes, limits: Limits, sandboxed: bool) -> str:
    """Return the name of a result: a hash of all that it depends on."""
    facts = json.dumps([vars(limits), sandboxed, version()], sort_keys=True).encode()
    digests = (hashlib.sha256(part).digest() for part in (key, submission, facts))
    return hashlib.sha256(b"".join(digests)).hexdigest()[:32]


def grade_class(
    assignment: Assignment,
    roster: list[Student],
    book: Book,
    engine: Engine,
    limits: Limits,
    sandboxed: bool = True,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> dict[str, Result]:
    """Grade every chosen submission that has no result yet; return all results by student."""
    key = assignment.release.key
    chosen = [e for e in assignment.collected["submissions"] if e["chosen"]]
    if not chosen:
        raise CourseError(f"nothing is collected for {assignment.name}: grading collect")
    names = {e["student"]: name_of(key, read(assignment, e), limits, sandboxed) for e in chosen}
    entries = {e["student"]: e for e in chosen}
    todo = {name: entries[s] for s, name in names.items() if not _kept(assignment, name)}
    results: dict[str, Result] = {}
    tasks = ((name, read(assignment, entry)) for name, entry in todo.items())
    progress(len(chosen) - len(todo), len(chosen))
    for name, result in engine(key, tasks, limits, sandboxed):
        results[name] = result
        if not result.failure:
            write(assignment.results / f"{name}.json", result.to_json())
        progress(len(chosen) - len(todo) + len(results), len(chosen))
    by_student = {s: results.get(n) or load(assignment, n) for s, n in names.items()}
    _record(assignment, roster, book, by_student, names, entries)
    return by_student


def read(assignment: Assignment, entry: dict[str, Any]) -> bytes:
    """Return the bytes of a collected submission."""
    return submission_file(assignment, entry).read_bytes()


def submission_file(assignment: Assignment, entry: dict[str, Any]) -> Path:
    """Return where a collected submission lies."""
    folder: Path = assignment.folder / "collected" / str(entry["student"])
    return folder / f"{entry['sha'][:16]}.ipynb"


def _kept(assignment: Assignment, name: str) -> bool:
    try:
        load(assignment, name)
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return True


def load(assignment: Assignment, name: str) -> Result:
    """Return a result that was written."""
    return Result.from_json((assignment.results / f"{name}.json").read_text(encoding="utf-8"))


def _record(
    assignment: Assignment,
    roster: list[Student],
    book: Book,
    results: dict[str, Result],
    names: dict[str, str],
    entries: dict[str, dict[str, Any]],
) -> None:
    """Write the gradebook and what counts for whom."""
    key, graded = assignment.release.content, assignment.graded
    known = {student.id: student for student in roster}
    book.add_chapter(key)
    book.add_students([known.get(student, Student(student)) for student in results])
    rows = book.rows(assignment.name)
    for student, result in results.items():
        sha, before = entries[student]["sha"], graded.get(student, {})
        if result.failure:
            graded[student] = {"sha": sha, "failure": result.failure, "reviewed": ""}
            continue
        if before.get("result") != names[student] or student not in rows:
            book.record(assignment.name, student, result, fresh=before.get("sha") != sha)
        reviewed = before.get("reviewed", "") if before.get("sha") == sha else ""
        graded[student] = {"sha": sha, "result": names[student], "reviewed": reviewed}
    assignment.save("graded", graded)


def results_of(assignment: Assignment) -> dict[str, Result]:
    """Return the results that count, by student; failures included."""
    found = {}
    for student, entry in assignment.graded.items():
        if "result" in entry:
            found[student] = load(assignment, entry["result"])
        else:
            found[student] = Result((), (), (), entry["failure"])
    return found


def review(assignment: Assignment, student: str, note: str) -> None:
    """Note that a human has looked at the flags of a submission.

    Raises
    ------
    CourseError
        If the student has no graded submission.
    """
    graded = assignment.graded
    if student not in graded:
        raise CourseError(f"{student} has no graded submission of {assignment.name}")
    graded[student]["reviewed"] = note or "looked at"
    assignment.save("graded", graded)
