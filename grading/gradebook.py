"""nbgrader's gradebook: points by cell, and what waits for a human. Only this process opens it."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from grading.folder import CourseError, make_private
from grading.result import Result
from grading.roster import Student


@dataclass(frozen=True)
class Score:
    """One graded cell of one student; points None: a human has not given them yet."""

    cell: str
    points: float | None
    max_points: float
    by_hand: bool = False
    comment: str = ""


@dataclass
class Row:
    """One student in the gradebook."""

    student: str
    scores: dict[str, Score] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Whether every cell has its points."""
        return all(score.points is not None for score in self.scores.values())

    @property
    def points(self) -> float:
        """The points so far."""
        return sum(score.points or 0.0 for score in self.scores.values())


def url_of(course: Path, given: str = "") -> str:
    """Return the database's URL for SQLAlchemy: the one given, or a file in the folder."""
    if given.startswith(("postgres://", "postgresql://")):
        given = "postgresql+psycopg://" + given.partition("://")[2]
    if given and "://" not in given:
        raise CourseError(f"--db must be a URL such as postgresql://user@host/name; got {given!r}")
    return given or f"sqlite:///{(course / 'gradebook.db').resolve()}"


@cache
def schema_version() -> str:
    """Return the version of nbgrader's tables.

    nbgrader starts the program `alembic` to ask, which has to be on the PATH and takes seconds.
    """
    from alembic.script import ScriptDirectory
    from nbgrader.dbutil import ALEMBIC_DIR

    return ScriptDirectory(ALEMBIC_DIR).get_current_head() or ""


@contextmanager
def opened(url: str) -> Iterator[Book]:
    """Open the gradebook, and close it again."""
    import nbgrader.api
    import sqlalchemy.exc

    nbgrader.api.get_alembic_version = schema_version

    if url.startswith("sqlite:///"):
        make_private(Path(url.removeprefix("sqlite:///")).parent)
    try:
        gradebook = nbgrader.api.Gradebook(url)
    except (sqlalchemy.exc.SQLAlchemyError, ImportError) as error:
        where = url.partition("://")[0]
        raise CourseError(f"the {where} database cannot be opened: {error}"[:500]) from None
    try:
        yield Book(gradebook)
    finally:
        gradebook.close()


class Book:
    """What grading writes to and reads from nbgrader's gradebook."""

    def __init__(self, gradebook: Any) -> None:
        from sqlalchemy.exc import SAWarning

        self.gradebook = gradebook
        # nbgrader builds a submission in the session in an order that SQLAlchemy 2.1 remarks on.
        warnings.filterwarnings("ignore", "Object of type", category=SAWarning, module="nbgrader")

    def add_chapter(self, key: dict[str, Any]) -> None:
        """Add a chapter with its cells, or bring it up to date."""
        from nbgrader.api import MissingEntry

        book, name = self.gradebook, key["name"]
        book.update_or_create_assignment(name)
        book.update_or_create_notebook(name, name)
        types = {cell["id"]: cell["type"] for cell in key["cells"]}
        for exercise in key["exercises"]:
            for cell in [*exercise["checks"], *exercise["manual"]]:
                facts = {"max_score": cell["points"], "cell_type": types[cell["id"]]}
                book.update_or_create_grade_cell(cell["id"], name, name, **facts)
            for cell in exercise["manual"]:
                book.update_or_create_solution_cell(cell["id"], name, name)
        wanted = {c["id"] for e in key["exercises"] for c in [*e["checks"], *e["manual"]]}
        for cell in list(book.find_notebook(name, name).grade_cells):
            if cell.name not in wanted:  # of an earlier release
                book.db.delete(cell)
        book.db.commit()
        try:
            book.find_assignment(name)
        except MissingEntry as error:  # pragma: no cover (nbgrader has just made it)
            raise CourseError(str(error)) from None

    def add_students(self, students: list[Student]) -> None:
        """Add students, or bring them up to date."""
        for student in students:
            first, _, last = student.name.rpartition(" ")
            facts = {"first_name": first, "last_name": last, "email": student.email or None}
            self.gradebook.update_or_create_student(student.id, **facts)

    def record(self, chapter: str, student: str, result: Result, fresh: bool) -> None:
        """Write a result; `fresh` says that it is another submission: points by hand are void."""
        submission = self.gradebook.update_or_create_submission(chapter, student)
        notebook = submission.notebooks[0]
        self._complete(notebook)
        grades = {grade.name: grade for grade in notebook.grades}
        for check in result.checks:
            grade = grades[check.id]
            grade.auto_score = check.points
            grade.needs_manual_grade = False
            grade.manual_score = None if fresh else grade.manual_score
        for answer in result.manual:
            grade = grades[answer.id]
            grade.manual_score = None if fresh else grade.manual_score
            grade.auto_score = 0.0 if answer.blank else None
            grade.needs_manual_grade = not answer.blank and grade.manual_score is None
        if fresh:
            for comment in notebook.comments:
                comment.manual_comment = None
        self.gradebook.db.commit()

    def _complete(self, notebook: Any) -> None:
        """Give a submission the cells that a later release added."""
        from nbgrader.api import Comment, Grade

        have = {grade.cell_id for grade in notebook.grades}
        for cell in notebook.notebook.grade_cells:
            if cell.id not in have:
                self.gradebook.db.add(Grade(cell_id=cell.id, notebook=notebook))
        have = {comment.cell_id for comment in notebook.comments}
        for cell in notebook.notebook.solution_cells:
            if cell.id not in have:
                self.gradebook.db.add(Comment(cell_id=cell.id, notebook=notebook))
        self.gradebook.db.commit()

    def enter(self, chapter: str, student: str, cell: str, points: float, comment: str) -> None:
        """Enter points by hand; they win over those of the checks."""
        from nbgrader.api import MissingEntry

        try:
            grade = self.gradebook.find_grade(cell, chapter, chapter, student)
        except MissingEntry:
            raise CourseError(f"{student} has no graded cell {cell} in {chapter}") from None
        most = grade.cell.max_score
        if not 0 <= points <= most:
            raise CourseError(f"{student}, {cell}: points must be 0 to {most:g}; got {points:g}")
        grade.manual_score, grade.needs_manual_grade = points, False
        if comment:
            self._comment(chapter, student, cell, comment)
        self.gradebook.db.commit()

    def _comment(self, chapter: str, student: str, cell: str, text: str) -> None:
        from nbgrader.api import MissingEntry

        try:
            found = self.gradebook.find_comment(cell, chapter, chapter, student)
        except MissingEntry:
            raise CourseError(
                f"{student}, {cell}: only a written answer can have a comment"
            ) from None
        found.manual_comment = text

    def rows(self, chapter: str) -> dict[str, Row]:
        """Return what the gradebook says of every student who handed in."""
        from nbgrader.api import MissingEntry

        try:
            submissions = self.gradebook.assignment_submissions(chapter)
        except MissingEntry:
            return {}
        return {s.student_id: self._row(s.student_id, s.notebooks[0]) for s in submissions}

    def _row(self, student: str, notebook: Any) -> Row:
        comments = {comment.name: comment.comment or "" for comment in notebook.comments}
        row = Row(student)
        for grade in notebook.grades:
            scored = not grade.needs_manual_grade and (
                grade.manual_score is not None or grade.auto_score is not None
            )
            row.scores[grade.name] = Score(
                grade.name,
                float(grade.score) if scored else None,
                float(grade.cell.max_score),
                grade.manual_score is not None,
                comments.get(grade.name, ""),
            )
        return row
