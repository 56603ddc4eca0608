"""Where a chapter stands: who handed in, who failed and why, what needs a human."""

from __future__ import annotations

from collections.abc import Iterator

from grading.folder import Assignment
from grading.grade import load
from grading.gradebook import Book, Row
from grading.result import printable
from grading.roster import Student

LOOK = ("suspicious", "tampering", "crashed", "unreadable", "rebuilt")


def needs_human(assignment: Assignment, student: str, row: Row | None) -> list[str]:
    """Return what a human has to do about a student: flags, written answers, failures."""
    entry = assignment.graded.get(student)
    if entry is None:
        return []
    if "failure" in entry:
        return [f"grading failed: {entry['failure']}"]
    found = []
    flags = load(assignment, entry["result"]).flags
    if flags and not entry["reviewed"]:
        counts = {kind: sum(f.kind == kind for f in flags) for kind in LOOK}
        found.append("look: " + ", ".join(f"{n} {kind}" for kind, n in counts.items() if n))
    if row and (waiting := [s.cell for s in row.scores.values() if s.points is None]):
        found.append(f"read: {', '.join(waiting)}")
    return found


def status(assignment: Assignment, book: Book, roster: list[Student]) -> Iterator[str]:
    """Yield the report, line by line."""
    collected, graded = assignment.collected, assignment.graded
    chosen = {e["student"]: e for e in collected["submissions"] if e["chosen"]}
    rows = book.rows(assignment.name)
    yield f"{assignment.name}: {len(chosen)} handed in, {len(graded)} graded"
    if roster:
        missing = [s.id for s in roster if s.id not in chosen]
        yield f"  not handed in ({len(missing)}): {', '.join(missing) or 'nobody'}"
    late = [s for s, entry in chosen.items() if entry["late"]]
    yield f"  late ({len(late)}): {', '.join(late) or 'nobody'}"
    stale = [s for s, e in chosen.items() if graded.get(s, {}).get("sha") != e["sha"]]
    yield f"  to be graded ({len(stale)}): {', '.join(stale) or 'nobody'}"
    yield from _humans(assignment, graded, rows)
    if collected["listed"]:
        yield f"  files ({len(collected['listed'])}):"
        yield from (
            printable(f"    {entry['file']}: {entry['why']}") for entry in collected["listed"]
        )


def _humans(
    assignment: Assignment, graded: dict[str, dict[str, str]], rows: dict[str, Row]
) -> Iterator[str]:
    waiting = {s: needs_human(assignment, s, rows.get(s)) for s in sorted(graded)}
    waiting = {s: reasons for s, reasons in waiting.items() if reasons}
    yield f"  needs a human ({len(waiting)}):{'' if waiting else ' nobody'}"
    for student, reasons in waiting.items():
        yield printable(f"    {student}: {'; '.join(reasons)}")
        entry = graded[student]
        if "result" in entry and not entry["reviewed"]:
            for flag in load(assignment, entry["result"]).flags:
                yield printable(f"      {flag.kind}: {flag.where}: {flag.what}")
