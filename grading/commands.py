"""What each command does, on top of the modules that do it."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

from grading import sandbox
from grading.binder import binder_link
from grading.collect import collect
from grading.engines import engine
from grading.export import export
from grading.feedback import write_feedback
from grading.files import zipped
from grading.folder import Assignment, CourseError, make_private, released, write
from grading.grade import grade_class, review
from grading.gradebook import opened, url_of
from grading.manual import enter_manual, manual_table
from grading.release import Release, make_release
from grading.result import printable
from grading.roster import Student, read_roster
from grading.sandbox import ROOT, Limits
from grading.sound import check, settle
from grading.status import needs_human, status


def limits_of(given: Namespace) -> Limits:
    """Return the limits given on the command line."""
    return Limits(**{field.name: getattr(given, field.name) for field in fields(Limits)})


def source_of(chapter: str) -> Path:
    """Return the notebook of a chapter: a path, or the name of one of the book.

    Raises
    ------
    CourseError
        If there is none.
    """
    places = [Path(chapter), ROOT / "chapters" / f"{chapter}.ipynb"]
    for place in places:
        if place.suffix == ".ipynb" and place.is_file():
            return place
    known = ", ".join(path.stem for path in sorted(ROOT.glob("chapters/*.ipynb")))
    raise CourseError(f"CHAPTER must be a notebook or one of {known}; got {chapter!r}")


def assignment_of(given: Namespace) -> Assignment:
    """Return the folder of the chapter that was named."""
    chapter = given.chapter
    return Assignment(given.course, Path(chapter).stem if chapter.endswith(".ipynb") else chapter)


def roster_of(given: Namespace) -> list[Student]:
    """Return the roster in the working folder."""
    return read_roster(given.course / "roster.csv")


def run_list(given: Namespace) -> int:
    """List the chapters."""
    there = {assignment.name for assignment in released(given.course)}
    names = {path.stem: path for path in sorted(ROOT.glob("chapters/*.ipynb"))}
    for name in [*names, *sorted(there - set(names))]:
        if name in names:
            content = make_release(names[name]).content
        else:
            content = Assignment(given.course, name).release.content
        exercises = content["exercises"]
        points = sum(e["points"] for e in exercises)
        by_hand = sum(c["points"] for e in exercises for c in e["manual"])
        state = "released" if name in there else ""
        counts = f"{len(exercises)} exercises, {points:2} points, {by_hand} of them by hand"
        print(f"{name:28} {counts}  {state}".rstrip())
    return 0


def run_release(given: Namespace) -> int:
    """Make a release, and say which checks cannot be isolated."""
    source = source_of(given.chapter)
    release = make_release(source)
    assignment = Assignment(given.course, release.name)
    sandbox.require(not given.unsandboxed)
    release = settle(release, limits_of(given), not given.unsandboxed)
    there = assignment.key_file
    changed = there.exists() and there.read_bytes() != release.key
    if changed and assignment.collected["submissions"] and not given.force:
        raise CourseError(f"{release.name} has changed and has submissions: --force replaces it")
    make_private(given.course)
    write(assignment.notebook, release.student, public=True)
    write(assignment.key_file, release.key)
    archive = assignment.notebook.with_suffix(".zip")
    write(archive, zipped({f"{release.name}.ipynb": release.student}), public=True)
    print(f"for the students: {assignment.notebook}\n                  {archive}")
    print(f"keep private:     {assignment.key_file}")
    _say_in_process(release)
    if given.binder:
        path = f"assignments/{release.name}.ipynb"
        write(ROOT / path, release.student, public=True)
        print(f"commit and push {path}, then: {binder_link(given.binder, given.branch, path)}")
    return _checked(release, given)


def _say_in_process(release: Release) -> None:
    for exercise in release.content["exercises"]:
        for one in exercise["checks"]:
            if one["in_process"]:
                print(
                    f"cannot be isolated from the student's code: {one['id']} ({one['in_process']})"
                )


def run_check(given: Namespace) -> int:
    """Check a release, or a chapter that is not released."""
    assignment = assignment_of(given)
    if assignment.key_file.exists():
        return _checked(assignment.release, given)
    sandbox.require(not given.unsandboxed)
    return _checked(
        settle(make_release(source_of(given.chapter)), limits_of(given), not given.unsandboxed),
        given,
    )


def _checked(release: Release, given: Namespace) -> int:
    found = check(release, limits_of(given), not given.unsandboxed)
    for name, result in (("reference", found.reference), ("untouched", found.blank)):
        points = f"{result.points} of {result.max_points} points by checks"
        print(f"{name}: {points}, {result.seconds:.1f} s")
    for objection in found.objections:
        print(f"NOT SOUND: {objection}", file=sys.stderr)
    return 1 if found.objections else 0


def run_collect(given: Namespace) -> int:
    """Collect files, and list each that is not simply somebody's submission."""
    assignment = assignment_of(given)
    if given.roster:
        read_roster(given.roster)
        write(given.course / "roster.csv", given.roster.read_bytes())
    assigned = {}
    for pair in given.assign:
        file, found, student = pair.rpartition("=")
        if not found:
            raise CourseError(f"--assign must be FILE=ID; got {pair!r}")
        assigned[file] = student
    found_now = collect(assignment, given.source, roster_of(given), given.due, given.keep, assigned)
    chosen = [entry for entry in found_now.submissions if entry["chosen"]]
    late = [entry["student"] for entry in chosen if entry["late"]]
    counts = f"{len(chosen)} students, {len(found_now.submissions)} submissions"
    print(f"{counts}; late: {', '.join(late) or 'nobody'}")
    for entry in found_now.listed:
        print(printable(f"  {entry['file']}: {entry['why']}"))
    if roster := roster_of(given):
        missing = {s.id for s in roster} - {entry["student"] for entry in chosen}
        print(f"not handed in: {', '.join(sorted(missing)) or 'nobody'}")
    return 0


def run_grade(given: Namespace) -> int:
    """Grade, or enter what a human decided."""
    assignment, roster = assignment_of(given), roster_of(given)
    if given.workers < 1:
        raise CourseError(f"--workers must be at least 1; got {given.workers}")
    for student in given.reviewed:
        review(assignment, student, given.note)
    with opened(url_of(given.course, given.db)) as book:
        if given.manual:
            print(f"{enter_manual(assignment, book, given.manual)} scores entered")
        elif not given.reviewed:
            chosen = engine(given.workers, given.dask)
            with progress_bar() as show:
                grade_class(
                    assignment, roster, book, chosen, limits_of(given), not given.unsandboxed, show
                )
        print(f"written answers: {manual_table(assignment, book)}")
        rows, graded = book.rows(assignment.name), assignment.graded
        waiting = [s for s in graded if needs_human(assignment, s, rows.get(s))]
        failed = [s for s, entry in graded.items() if "failure" in entry]
    print(
        f"{len(graded)} graded; {len(waiting)} need a human, see: grading status {assignment.name}"
    )
    return 1 if failed else 0


class progress_bar:  # noqa: N801 (used like a function)
    """A bar on the terminal, moved by calling it with (done, total)."""

    def __enter__(self) -> Callable[[int, int], None]:
        """Return the function that moves the bar."""
        from tqdm import tqdm

        self.bar = tqdm(unit="submission", disable=None)
        return self._show

    def _show(self, done: int, total: int) -> None:
        self.bar.total = total
        self.bar.update(done - self.bar.n)

    def __exit__(self, *_: object) -> None:
        """Leave the bar as it stands."""
        self.bar.close()


def run_feedback(given: Namespace) -> int:
    """Write feedback."""
    assignment = assignment_of(given)
    names = {s.id: f"{s.name} ({s.id})" if s.name else s.id for s in roster_of(given)}
    with opened(url_of(given.course, given.db)) as book:
        written = write_feedback(assignment, book, names)
    print(f"{len(written)} pages in {assignment.folder / 'feedback'}")
    return 0


def run_export(given: Namespace) -> int:
    """Write the tables."""
    assignment = assignment_of(given)
    with opened(url_of(given.course, given.db)) as book:
        for path in export(assignment, book, roster_of(given)):
            print(path)
        rows = book.rows(assignment.name)
    humans = [s for s, row in sorted(rows.items()) if needs_human(assignment, s, row)]
    if humans:
        print(f"needs a human, see grading status: {', '.join(humans)}")
    if waiting := [s for s, row in rows.items() if not row.complete]:
        print(f"without a total, written answers have no points yet: {', '.join(sorted(waiting))}")
    return 0


def run_status(given: Namespace) -> int:
    """Report on one chapter or all."""
    found = [assignment_of(given)] if given.chapter else released(given.course)
    if not found:
        print(f"nothing is released in {given.course}")
    with opened(url_of(given.course, given.db)) as book:
        for assignment in found:
            assert assignment.release  # an error that names a chapter that is not released
            print("\n".join(status(assignment, book, roster_of(given))))
    return 0
