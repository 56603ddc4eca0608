"""nbgrader's gradebook: points by hand, another submission, another database."""

import csv
import os
import re
import shutil
import socket
import subprocess
import time
from pathlib import Path

import pytest
from small_chapter import RIGHT, release, submission

from grading.cli import main
from grading.engines import engine
from grading.feedback import page
from grading.folder import Assignment, CourseError, read_json, write, write_json
from grading.grade import grade_class, results_of
from grading.gradebook import opened, schema_version, url_of
from grading.manual import enter_manual, manual_table
from grading.sandbox import Limits
from grading.status import needs_human

WRITTEN = {**RIGHT, "toy-1-answer": "=HYPERLINK(1)", "toy-5-answer": "A plan <and> a figure"}


@pytest.fixture
def toy(tmp_path):
    assignment = Assignment(tmp_path, "01_toy")
    write(assignment.notebook, release().student)
    write(assignment.key_file, release().key)
    return assignment


def hand_in(toy, name, data):
    write(toy.course / "in" / f"{name}.ipynb", data)
    os.utime(toy.course / "in" / f"{name}.ipynb", (time.time() + 5, time.time() + 5))
    assert main(["collect", "01_toy", str(toy.course / "in"), "--course", str(toy.course)]) == 0


def graded(toy, url=""):
    with opened(url_of(toy.course, url)) as book:
        grade_class(toy, [], book, engine(), Limits())
        return book.rows("01_toy")


def filled_in(toy, book, points):
    """Do what a human does with manual.csv in a spreadsheet, and return the file."""
    path = manual_table(toy, book)
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        row["points"], row["comment"] = points.get(row["cell"], ""), "well put"
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def test_written_answers_wait_for_a_human_and_blank_ones_do_not(toy):
    hand_in(toy, "ada", submission({**WRITTEN, "toy-5-answer": ""}))
    row = graded(toy)["ada"]
    assert (row.complete, row.points) == (False, 9)
    assert row.scores["toy-1-answer"].points is None
    assert row.scores["toy-5-answer"].points == 0
    assert needs_human(toy, "ada", row) == ["read: toy-1-answer"]


def test_points_entered_by_hand_complete_the_total(toy):
    hand_in(toy, "ada", submission(WRITTEN))
    graded(toy)
    with opened(url_of(toy.course)) as book:
        path = filled_in(toy, book, {"toy-1-answer": "2", "toy-5-answer": "1,5"})
        assert "'=HYPERLINK(1)" in path.read_text(encoding="utf-8-sig")
        assert enter_manual(toy, book, path) == 2
        row = book.rows("01_toy")["ada"]
        assert (row.complete, row.points) == (True, 12.5)
        assert needs_human(toy, "ada", row) == []
        text = page(toy.release.content, "Ada", results_of(toy)["ada"], row)
    assert "12.5 of 13 points<" in text
    assert "A plan &lt;and&gt; a figure" in text
    assert "Comment: well put" in text
    assert graded(toy)["ada"].points == 12.5  # grading again keeps them


def test_a_human_can_overrule_a_check(toy):
    hand_in(toy, "ada", submission({"toy-2-solution": "def power2(x, n): return 1.0"}))
    graded(toy)
    write(
        toy.course / "m.csv",
        "student,cell,points\nada,toy-2-check-value,1\nada,toy-2-check-limit,0\n",
    )
    command = [
        "grade",
        "01_toy",
        "--course",
        str(toy.course),
        "--manual",
        str(toy.course / "m.csv"),
    ]
    assert main(command) == 0
    assert graded(toy)["ada"].points == 1


def test_another_submission_voids_what_was_entered_and_reviewed(toy):
    hand_in(toy, "ada", submission(WRITTEN))
    graded(toy)
    with opened(url_of(toy.course)) as book:
        enter_manual(toy, book, filled_in(toy, book, {"toy-1-answer": "2", "toy-5-answer": "2"}))
    hand_in(toy, "ada", submission({**WRITTEN, "toy-1-answer": "Something else"}))
    row = graded(toy)["ada"]
    assert row.scores["toy-1-answer"].points is None
    assert row.scores["toy-1-answer"].comment == ""


def test_a_table_half_filled_in_is_not_overwritten(toy):
    hand_in(toy, "ada", submission(WRITTEN))
    graded(toy)
    with opened(url_of(toy.course)) as book:
        filled_in(toy, book, {"toy-1-answer": "2"})
        text = manual_table(toy, book).read_text(encoding="utf-8")
    assert "ada,toy-1-answer,2,2,well put" in text


@pytest.mark.parametrize(
    ("line", "said"),
    [("ada,toy-1-answer,3", "points must be 0 to 2; got 3"),
     ("ada,toy-1-answer,-1", "points must be 0 to 2; got -1"),
     ("ada,toy-1-answer,many", "line 2: points must be a number; got 'many'"),
     ("bob,toy-1-answer,1", "bob has no graded cell toy-1-answer"),
     ("ada,x,1", "ada has no graded cell x")],
)  # fmt: skip
def test_points_that_cannot_be_are_refused(toy, line, said):
    hand_in(toy, "ada", submission(WRITTEN))
    graded(toy)
    write(toy.course / "m.csv", f"student,cell,points\n{line}\n")
    with opened(url_of(toy.course)) as book, pytest.raises(CourseError, match=said):
        enter_manual(toy, book, toy.course / "m.csv")
    write(toy.course / "m.csv", "student,points\nada,1\n")
    with (
        opened(url_of(toy.course)) as book,
        pytest.raises(CourseError, match="column cell is missing"),
    ):
        enter_manual(toy, book, toy.course / "m.csv")


def test_a_release_with_other_points_is_followed(toy):
    hand_in(toy, "ada", submission(RIGHT))
    assert graded(toy)["ada"].points == 9
    key = read_json(toy.key_file, None)
    key["exercises"][1]["checks"][0]["points"] = 5
    write_json(toy.key_file, key)
    fresh = Assignment(toy.course, "01_toy")
    row = graded(fresh)["ada"]
    assert (row.points, row.scores["toy-2-check-value"].max_points) == (12, 5)


def test_nbgrader_itself_reads_the_gradebook(toy):
    from nbgrader.api import Gradebook

    hand_in(toy, "ada", submission(RIGHT))
    graded(toy)
    with Gradebook(url_of(toy.course)) as book:
        found = book.find_submission("01_toy", "ada")
        assert (found.score, found.max_score, found.needs_manual_grade) == (9, 13, False)


def test_the_version_of_the_tables_is_nbgraders_newest_migration():
    from nbgrader.dbutil import ALEMBIC_DIR

    files = [path.read_text() for path in Path(ALEMBIC_DIR, "versions").glob("*.py")]
    find = [re.search(r"^down_revision\b.*?=\s*(\S+)", text, re.MULTILINE)[1] for text in files]
    all_of_them = {re.search(r"^revision\b.*?=\s*(\S+)", text, re.MULTILINE)[1] for text in files}
    assert all_of_them - set(find) == {repr(schema_version())}


def test_a_database_that_cannot_be_opened_is_named_without_its_password(tmp_path):
    url = "postgresql://me:secret@localhost:1/none"
    with pytest.raises(CourseError, match=r"the postgresql.psycopg database cannot") as error:
        opened(url_of(tmp_path, url)).__enter__()
    assert "secret" not in str(error.value)


POSTGRES = sorted(Path("/usr/lib/postgresql").glob("*/bin"))


@pytest.fixture
def postgres(tmp_path):
    """A real PostgreSQL server, for this test alone."""
    if not POSTGRES:
        pytest.skip("no PostgreSQL server on this machine")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    home = Path(subprocess.check_output(["mktemp", "-d"], text=True).strip())
    user = []
    if os.getuid() == 0:  # the server refuses to run as root
        shutil.chown(home, "postgres", "postgres")
        user = ["runuser", "-u", "postgres", "--"]
    data, tools = home / "data", POSTGRES[-1]
    start = [
        *user,
        str(tools / "initdb"),
        "-D",
        str(data),
        "-A",
        "trust",
        "-U",
        "course",
        "--no-sync",
    ]
    subprocess.run(start, check=True, capture_output=True, cwd=home)
    options = f"-p {port} -k {home} -c listen_addresses=127.0.0.1 -c fsync=off"
    control = [*user, str(tools / "pg_ctl"), "-D", str(data), "-w", "-l", str(home / "log")]
    subprocess.run(
        [*control, "-o", options, "start"], check=True, stdout=subprocess.DEVNULL, cwd=home
    )
    yield f"postgresql://course@127.0.0.1:{port}/postgres"
    subprocess.run(
        [*control, "-m", "immediate", "stop"], check=True, stdout=subprocess.DEVNULL, cwd=home
    )
    shutil.rmtree(home)


def test_the_gradebook_can_be_a_postgresql_database(toy, postgres):
    hand_in(toy, "ada", submission(WRITTEN))
    assert graded(toy, postgres)["ada"].points == 9
    with opened(url_of(toy.course, postgres)) as book:
        enter_manual(toy, book, filled_in(toy, book, {"toy-1-answer": "2", "toy-5-answer": "2"}))
        assert book.rows("01_toy")["ada"].points == 13
    assert not (toy.course / "gradebook.db").exists()
    for command in ("export", "feedback", "status"):
        assert main([command, "01_toy", "--course", str(toy.course), "--db", postgres]) == 0
