"""A class of sixty from release to export, by the commands an instructor types."""

import csv
import json
import re

import example_chapter
import nbformat
import pytest
from breaking import find
from small_chapter import RIGHT, release, submission
from small_class import HANDED_IN, KINDS, STUDENTS

from grading.cli import main
from grading.folder import Assignment, read_json, write
from grading.grade import results_of

LIMITS = [
    "--check-seconds",
    "1",
    "--session-seconds",
    "60",
    "--memory-mb",
    "1000",
    "--output-kb",
    "200",
]


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """The sixty have handed in; two more are in the roster, one file is nobody's."""
    folder = tmp_path_factory.mktemp("class")
    toy = example_chapter.chapter()
    find(toy, "imports").source = "import math"
    write(folder / "01_toy.ipynb", nbformat.writes(toy.notebook))
    lines = [f"{s},Student {s},{s}@example.org,{1000 + k},{k}" for k, s in enumerate(STUDENTS)]
    extra = ["absent,No Show,,9001,", "twin,A Twin,,9002,"]
    write(folder / "class.csv", "\n".join(["id,name,email,canvas_id,moodle_id", *lines, *extra]))
    for k, (student, kind) in enumerate(STUDENTS.items()):
        late = "_LATE" if k == 3 else ""
        name = f"student{student}{late}_{1000 + k}_{k}_01_toy.ipynb"
        write(folder / "in" / name, HANDED_IN[kind][0])
    write(folder / "in" / "stranger.ipynb", submission(RIGHT))
    write(folder / "in" / "notes.txt", b"hello")
    return folder


def run(course, *arguments):
    return main([*map(str, arguments), "--course", str(course / "data")])


def rows(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def graded(course):
    """The class, graded on two workers."""
    assert run(course, "release", course / "01_toy.ipynb") == 0
    assert run(course, "check", "01_toy") == 0
    inbox, roster = course / "in", course / "class.csv"
    assert run(course, "collect", "01_toy", inbox, "--roster", roster) == 0
    assert run(course, "grade", "01_toy", "--workers", 2, *LIMITS) == 0
    return course


def test_sixty_submissions_become_the_right_table(graded):
    assert len(STUDENTS) == 60
    assert run(graded, "export", "01_toy") == 0
    table = {row["id"]: row for row in rows(graded / "data/01_toy/export/grades.csv")}
    assert len(table) == 62
    for student, kind in STUDENTS.items():
        row = table[student]
        got = tuple(int(row[f"toy-{k}"]) for k in (2, 3, 4))
        assert (kind, got) == (kind, HANDED_IN[kind][1])
        assert row["total"] == str(sum(got))  # nobody has written anything
        assert (row["toy-1"], row["toy-5"], row["max"], row["state"]) == ("0", "0", "13", "graded")
    assert table["absent"]["state"] == "not handed in"
    assert table["absent"]["total"] == ""
    assert [s for s, row in table.items() if row["late"]] == ["s03"]


def test_what_is_flagged_is_what_should_be(graded):
    results = results_of(Assignment(graded / "data", "01_toy"))
    for student, kind in STUDENTS.items():
        assert (kind, results[student].kinds()) == (kind, HANDED_IN[kind][2])
        assert results[student].failure == ""


def test_canvas_and_moodle_get_their_columns(graded):
    run(graded, "export", "01_toy")
    canvas = rows(graded / "data/01_toy/export/canvas.csv")
    assert list(canvas[0]) == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "01_toy"]
    assert (canvas[0]["Student"], canvas[0]["01_toy"]) == ("    Points Possible", "13")
    assert (canvas[1]["ID"], canvas[1]["01_toy"]) == ("1000", "9")
    moodle = rows(graded / "data/01_toy/export/moodle.csv")
    first = (moodle[1]["Identifier"], moodle[1]["Grade"], moodle[1]["Maximum grade"])
    assert first == ("Participant 1", "9", "13")
    assert moodle[-1]["Grade"] == ""


def test_status_says_who_is_missing_and_what_needs_a_human(graded, capsys):
    assert run(graded, "status", "01_toy") == 0
    said = capsys.readouterr().out
    assert "01_toy: 60 handed in, 60 graded" in said
    assert "not handed in (2): absent, twin" in said
    assert "late (1): s03" in said
    assert "stranger.ipynb: nobody in the roster is 'stranger'" in said
    assert "notes.txt: not a notebook" in said
    flagged = sum(bool(HANDED_IN[kind][2]) for kind in KINDS)
    assert f"needs a human ({flagged}):" in said
    assert "suspicious: toy-2-solution, line 1: import os" in said


def test_a_flag_that_was_looked_at_is_not_asked_about_again(graded, capsys):
    student = next(s for s, kind in STUDENTS.items() if kind == "equals")
    assert run(graded, "grade", "01_toy", "--reviewed", student, "--note", "no points") == 0
    capsys.readouterr()
    run(graded, "status", "01_toy")
    assert f"{student}: look" not in capsys.readouterr().out
    assert run(graded, "grade", "01_toy", "--reviewed", "nobody") == 2


def test_feedback_is_self_contained_and_tells_no_hidden_test(graded):
    assert run(graded, "feedback", "01_toy") == 0
    pages = sorted((graded / "data/01_toy/feedback").glob("*.html"))
    assert len(pages) == 60
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert not re.search(r"https?://|src=|href=|<script|url\(", text)
        assert "power2(2.0, 3)" not in text
        assert "three factors" not in text
    text = (graded / "data/01_toy/feedback/s33.html").read_text(encoding="utf-8")
    assert "3 times 2; multiply 3 by itself" in text
    assert "Student s33 (s33)" in text
    assert "6 of 13 points" in text


def test_a_hidden_test_that_fails_is_not_quoted():
    from grading.feedback import HIDDEN, message
    from grading.run import grade_submission

    knows = "def power2(x, n):\n    return {(3.0, 2): 9.0, (5.0, 0): 1.0}.get((x, n), 0.0)"
    result = grade_submission(release().key, submission({**RIGHT, "toy-2-solution": knows}))
    assert result.checks[0].hidden
    assert message(result.checks[0]) == HIDDEN


def test_what_is_graded_is_not_graded_again(graded, capsys, monkeypatch):
    def never(*_):
        raise AssertionError("graded again")

    monkeypatch.setattr("grading.engines.grade_submission", never)
    assert run(graded, "grade", "01_toy", *LIMITS) == 0
    assert "60 graded" in capsys.readouterr().out
    results = len(list((graded / "data/01_toy/results").glob("*.json")))
    assert results == len({HANDED_IN[kind][0] for kind in KINDS})  # the same file, the same result


def test_mistakes_in_a_command_are_said_in_one_line(course, capsys):
    for arguments, said in (
        (["collect", "02_no", course], "02_no is not released"),
        (["grade", "01_toy", "--workers", "0"], "--workers must be at least 1; got 0"),
        (["release", "99_none"], "CHAPTER must be a notebook or one of 01_causes"),
        (["status", "01_toy", "--db", "x"], "--db must be a URL"),
        (["grade", "01_toy", "--check-seconds", "-1"], "check_seconds must be positive; got -1"),
    ):
        assert run(course, *arguments) == 2
        assert said in capsys.readouterr().err


def test_every_command_explains_itself_with_examples(capsys):
    for command in ("list", "release", "check", "collect", "grade", "feedback", "export", "status"):
        with pytest.raises(SystemExit) as end:
            main([command, "--help"])
        assert end.value.code == 0
        assert f"examples:\n  grading {command}" in capsys.readouterr().out


def test_the_working_folder_is_for_its_owner_alone(graded):
    assert (graded / "data").stat().st_mode & 0o777 == 0o700
    folder = graded / "data/01_toy"
    assert {p.stat().st_mode & 0o777 for p in folder.rglob("*.json")} == {0o600}
    assert {p.stat().st_mode & 0o777 for p in (folder / "release").iterdir()} == {0o644}


def test_a_released_chapter_with_submissions_is_not_replaced_by_accident(graded, capsys):
    notebook = json.loads((graded / "01_toy.ipynb").read_text())
    changed = graded / "changed" / "01_toy.ipynb"
    write(changed, json.dumps(notebook).replace("multiply 3 by itself", "square 3"))
    key = read_json(graded / "data/01_toy/key.json", None)
    assert run(graded, "release", changed) == 2
    assert "--force replaces it" in capsys.readouterr().err
    assert read_json(graded / "data/01_toy/key.json", None) == key


def test_list_names_every_chapter(graded, capsys):
    assert run(graded, "list") == 0
    said = capsys.readouterr().out
    assert "01_causes                    5 exercises, 16 points, 8 of them by hand\n" in said
    assert (
        "01_toy                       5 exercises, 13 points, 4 of them by hand  released" in said
    )
