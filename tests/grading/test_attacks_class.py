"""A class with hostile uploads, through the commands: everybody else is graded and gets a page."""

import csv
import resource

import pytest
from attacks import uploads
from attacks.places import TOKEN
from attacks.toy import EXPECTED, release

from grading import cli
from grading.folder import Assignment, write

QUICK = ["--check-seconds", "3", "--session-seconds", "60", "--memory-mb", "1000"]


@pytest.fixture(scope="module")
def course(around, tmp_path_factory):
    """Everything done, by the commands, with a folder of hostile uploads; returns the chapter."""
    folder = tmp_path_factory.mktemp("class")
    uploads.make(folder / "uploads", around.secret)
    course = folder / "course"
    chapter = Assignment(course, "01_toy")
    write(chapter.notebook, release().student)
    write(chapter.key_file, release().key)
    for command, *more in (
        ("collect", str(folder / "uploads")),
        ("grade", *QUICK),
        ("status",),
        ("feedback",),
        ("export",),
    ):
        assert cli.main([command, "01_toy", *more, "--course", str(course)]) == 0, command
    return chapter


def grades(course):
    with (course.folder / "export" / "grades.csv").open(encoding="utf-8-sig", newline="") as file:
        return {row["id"]: row for row in csv.DictReader(file)}


def test_the_honest_get_their_points(course):
    found = grades(course)
    points = {
        name: [found[name][f"toy-{exercise}"] for exercise in ("cube", "middle", "repeated")]
        for name in uploads.HONEST
    }
    assert points == {"ada": ["3", "3", "3"], "bo": ["0", "3", "3"], "zoe": ["3", "3", "3"]}


def test_everyone_who_was_graded_gets_a_page(course):
    pages = list((course.folder / "feedback").glob("*.html"))
    assert len(pages) == len([row for row in grades(course).values() if row["state"] == "graded"])
    assert len(pages) >= len(uploads.HONEST) + len(uploads.NAMES) - 2


def test_no_page_runs_what_a_student_wrote_or_tells_a_hidden_test(course):
    for page in (course.folder / "feedback").glob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert "<script" not in text
        assert "default-src 'none'" in text
        assert [number for number in (*EXPECTED, "3.5") if number in text] == [], page.name


def test_no_table_runs_what_a_student_wrote(course):
    tables = [*course.folder.glob("export/*.csv"), course.folder / "manual.csv"]
    for path in tables:
        with path.open(encoding="utf-8-sig", newline="") as file:
            cells = [cell for row in csv.reader(file) for cell in row]
        assert [cell for cell in cells if cell.lstrip()[:1] in ("=", "+", "@", "\t")] == [], (
            path.name
        )


def test_no_report_obeys_a_name(course, capsys):
    assert cli.main(["status", "01_toy", "--course", str(course.course)]) == 0
    said = capsys.readouterr().out
    assert "escape?[4F?[J?8m?_01_toy.ipynb" in str(course.collected["submissions"])
    assert [line for line in said.splitlines() if not line.isprintable()] == []


def test_nothing_outside_was_read_or_written(course, around):
    told = [
        path
        for path in course.course.rglob("*")
        if path.is_file() and TOKEN.encode() in path.read_bytes()
    ]
    assert told == []
    assert around.harm() == []
    assert not [
        path for path in course.course.parent.rglob("*climbed*") if "collected" not in path.parts
    ]
    assert [path for path in course.course.rglob("*") if path.is_symlink()] == []


def test_links_pipes_and_bombs_are_listed_and_cost_little(course):
    listed = {entry["file"]: entry["why"] for entry in course.collected["listed"]}
    for name in ("copycat", "thief", "loop", "pipe", "sparse"):
        assert f"{name}_01_toy.ipynb" in listed
    assert "elsewhere" in listed
    assert any("bomb" in name for name in listed)
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    assert most < 2000, f"collecting took {most:.0f} MB"
