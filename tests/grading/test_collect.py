"""Whose is which file: as Canvas, Moodle and plain folders name them, and all that can be odd."""

import io
import os
import zipfile

import pytest
from small_chapter import RIGHT, release, submission

from grading.collect import collect
from grading.files import files_of
from grading.folder import Assignment, CourseError, write
from grading.names import parse
from grading.roster import Student, read_roster

ROSTER = [
    Student("ada", "Ada Lovelace", "ada@example.org", "12", "501"),
    Student("grace", "Grace Hopper", "grace@example.org", "13", "502"),
    Student("emmy", "Noether, Emmy", "", "14", "503"),
    Student("rene", "René Descartes Duperron"),
]
JUNK = "written by a system, not by a student"
RIGHT_ONE, BLANK = submission(RIGHT), submission()


@pytest.fixture
def toy(tmp_path):
    assignment = Assignment(tmp_path / "course", "01_toy")
    write(assignment.notebook, release().student)
    write(assignment.key_file, release().key)
    return assignment


def zip_of(files, path):
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name, (2026, 11, 30, 12, 0, 0)), data)
    return path


@pytest.fixture
def hand_in(toy, tmp_path):
    """Collect a zip of some files."""

    def run(files, roster=ROSTER, **options):
        return collect(toy, zip_of(files, tmp_path / "in.zip"), roster, **options)

    return run


def chosen(found):
    return {entry["student"]: entry["file"] for entry in found.submissions if entry["chosen"]}


def why(found):
    return {entry["file"]: entry["why"] for entry in found.listed}


@pytest.mark.parametrize(
    ("path", "student"),
    [
        ("lovelaceada_12_9001_01_toy.ipynb", "ada"),
        ("hoppergrace_LATE_13_9002_01_toy.ipynb", "grace"),
        ("somebodyelse_14_9003_my homework.ipynb", "emmy"),
        ("noetheremmy_77_9003_01_toy-2.ipynb", "emmy"),
        ("Ada Lovelace_501_assignsubmission_file_/01_toy.ipynb", "ada"),
        ("Ada Lovelace_501_assignsubmission_file/01_toy.ipynb", "ada"),
        ("Grace Hopper_502_assignsubmission_file_01_toy.ipynb", "grace"),
        ("Section 1/Emmy Noether_9_assignsubmission_file_/x.ipynb", "emmy"),
        ("ada/01_toy.ipynb", "ada"),
        ("class/grace/01_toy.ipynb", "grace"),
        ("01_toy_ada.ipynb", "ada"),
        ("ada-01_toy.ipynb", "ada"),
        ("ada.ipynb", "ada"),
        ("ada@example.org.ipynb", "ada"),
        ("Rene Descartes-Duperron.ipynb", "rene"),
        ("ADA/01_toy.ipynb", "ada"),
    ],
)
def test_a_file_is_given_to_whom_its_name_says(hand_in, path, student):
    found = hand_in({path: RIGHT_ONE})
    assert chosen(found) == {student: path}
    assert found.listed == []


@pytest.mark.parametrize(
    "outer",
    ["ada.ipynb", "ada_01_toy.ipynb", "lovelaceada_12_9001_01_toy.ipynb", "ada/01_toy.ipynb",
     "ada_01_toy.zip", "Ada Lovelace_501_assignsubmission_file_/homework.zip"],
)  # fmt: skip
def test_whose_a_zip_is_its_own_name_says_and_no_name_in_it(toy, tmp_path, outer):
    inner = zip_of(
        {"grace_01_toy.ipynb": RIGHT_ONE, "hoppergrace_13_9002_01_toy-9.ipynb": BLANK,
         "Grace Hopper_502_assignsubmission_file_/01_toy.ipynb": RIGHT_ONE + b" "},
        tmp_path / "inner.zip",
    )  # fmt: skip
    write(tmp_path / "in" / outer, inner.read_bytes())
    found = collect(toy, tmp_path / "in", ROSTER)
    assert {(e["student"], e["attempt"]) for e in found.submissions} == {("ada", 0)}
    assert len(found.submissions) == 3


@pytest.mark.parametrize(
    "path",
    ["grace/ada_01_toy.ipynb", "grace/more/ada_01_toy.ipynb", "grace/ada.ipynb",
     "grace/lovelaceada_12_9001_01_toy.ipynb",
     "grace/Ada Lovelace_501_assignsubmission_file_/01_toy.ipynb"],
)  # fmt: skip
def test_a_folder_and_a_file_that_name_two_students_are_listed(hand_in, path):
    found = hand_in({path: RIGHT_ONE})
    assert chosen(found) == {}
    assert "its name and its folders fit ada, grace; kept in" in why(found)[path]


@pytest.mark.parametrize("roster", [ROSTER, []])
def test_a_name_of_canvas_that_holds_one_of_moodle_is_listed(hand_in, roster):
    path = "hoppergrace_13_9002_x_501_assignsubmission_file_01_toy.ipynb"
    found = hand_in({path: RIGHT_ONE}, roster)
    assert chosen(found) == {}
    assert "looks like a name of Canvas and like one of Moodle; kept" in why(found)[path]


def test_the_time_of_a_file_in_a_zip_is_the_time_of_the_zip(toy, tmp_path):
    inner = zip_of({"01_toy.ipynb": RIGHT_ONE}, tmp_path / "inner.zip")  # says 30 November 2026
    write(tmp_path / "in" / "ada_01_toy.zip", inner.read_bytes())
    os.utime(tmp_path / "in" / "ada_01_toy.zip", (1_900_000_000,) * 2)
    (entry,) = collect(toy, tmp_path / "in", ROSTER, due="2026-12-24T00:00").submissions
    assert entry["when"].startswith("2030")
    assert entry["late"]


def test_a_long_name_stops_nothing(toy, tmp_path):
    long = "\U0001d49c" * 60
    files = {long: b"notes", "01_toy.ipynb": RIGHT_ONE}
    write(tmp_path / "in" / "ada.zip", zip_of(files, tmp_path / "x.zip").read_bytes())
    (tmp_path / "in" / f"{long}.txt"[:55]).write_bytes(b"notes")
    found = collect(toy, tmp_path / "in", ROSTER)
    assert chosen(found) == {"ada": "ada.zip/01_toy.ipynb"}
    assert len(list((toy.folder / "collected" / "not-notebooks").iterdir())) == 2
    assert (
        len(collect(toy, zip_of({f"{long}.ipynb": RIGHT_ONE}, tmp_path / "y.zip"), []).listed) == 2
    )


def test_a_file_that_cannot_be_written_is_listed_and_the_rest_collected(hand_in, monkeypatch):
    def fails(path, data):
        if path.parent.name == "grace":
            raise OSError(28, "No space left on device")
        write(path, data)

    monkeypatch.setattr("grading.collect.write", fails)
    files = {"ada.ipynb": RIGHT_ONE, "grace.ipynb": RIGHT_ONE, "rene.ipynb": RIGHT_ONE}
    found = hand_in(files)
    assert set(chosen(found)) == {"ada", "rene"}
    assert "NOT COLLECTED, it cannot be written: No space left" in why(found)["grace.ipynb"]
    monkeypatch.undo()
    assert set(chosen(hand_in(files))) == {"ada", "grace", "rene"}


def test_of_a_students_zip_of_many_files_few_are_read_notebooks_first(hand_in, tmp_path):
    files = {f"{k}": b"%d" % k for k in range(3000)} | {"z.ipynb": RIGHT_ONE}
    found = hand_in({"ada_01_toy.zip": zip_of(files, tmp_path / "x.zip").read_bytes()})
    assert chosen(found) == {"ada": "ada_01_toy.zip/z.ipynb"}
    assert why(found)["ada_01_toy.zip"] == "3,001 files in it; 50 are read, notebooks first"
    assert len(found.listed) == 50


def test_names_say_late_and_which_attempt():
    late = parse("hoppergrace_LATE_13_9002_01_toy-3.ipynb", "01_toy")
    assert (late.source, late.late, late.attempt) == ("canvas", True, 3)
    assert parse("hoppergrace_13_9002_01_toy.ipynb", "01_toy").attempt == 0
    assert parse("ada_01_toy.ipynb", "01_toy").label == "ada"
    for name, attempt in {"01_toy (2)": 2, "01_toy-3": 3, "01_toy": 0, "ada_01_toy (2)": 2}.items():
        assert parse(f"ada/{name}.ipynb", "01_toy").attempt == attempt
    assert parse("ada/exam_01.ipynb", "exam_01").attempt == 0


def test_nobody_is_guessed(hand_in, toy):
    twins = [*ROSTER, Student("ada2", "Ada Lovelace")]
    found = hand_in({"x.ipynb": RIGHT_ONE, "Ada Lovelace.ipynb": BLANK}, twins)
    assert chosen(found) == {}
    assert "nobody in the roster is 'x'; kept in collected/unknown" in why(found)["x.ipynb"]
    assert "'Ada Lovelace' fits ada, ada2" in why(found)["Ada Lovelace.ipynb"]
    kept = {p.read_bytes() for p in (toy.folder / "collected" / "unknown").iterdir()}
    assert kept == {RIGHT_ONE, BLANK}


def test_an_instructor_can_say_whose_a_file_is(hand_in):
    hand_in({"x.ipynb": RIGHT_ONE})
    found = hand_in({"x.ipynb": RIGHT_ONE}, assigned={"x.ipynb": "ada"})
    assert chosen(found) == {"ada": "x.ipynb"}
    assert found.listed == []
    with pytest.raises(CourseError, match=r"no file 'y\.ipynb'"):
        hand_in({"x.ipynb": RIGHT_ONE}, assigned={"y.ipynb": "ada"})
    with pytest.raises(CourseError, match="'bob' is not in the roster"):
        hand_in({"x.ipynb": RIGHT_ONE}, assigned={"x.ipynb": "bob"})


def test_of_several_attempts_the_latest_counts_and_the_others_are_listed(hand_in, toy):
    first, second = "a_12_1_01_toy.ipynb", "a_12_2_01_toy-1.ipynb"
    found = hand_in({first: BLANK, second: RIGHT_ONE})
    assert chosen(found) == {"ada": second}
    assert why(found) == {first: f"repeated: {second} counts for ada"}
    assert len(list((toy.folder / "collected" / "ada").iterdir())) == 2
    found = hand_in({first: BLANK, second: RIGHT_ONE}, keep="first")
    assert chosen(found) == {"ada": first}
    assert why(found) == {second: f"repeated: {first} counts for ada"}


def test_two_files_of_the_same_moment_are_pointed_out(hand_in):
    found = hand_in({"ada/01_toy.ipynb": BLANK, "ada.ipynb": RIGHT_ONE})
    assert len(found.submissions) == 2
    assert "written at the same time: please look" in str(found.listed)


def test_a_later_collection_adds_to_the_first(hand_in, tmp_path, toy):
    hand_in({"ada.ipynb": BLANK, "readme.txt": b"hello"})
    os.remove(tmp_path / "in.zip")
    again = hand_in({"grace.ipynb": RIGHT_ONE, "ada.ipynb": BLANK})
    assert chosen(again) == {"ada": "ada.ipynb", "grace": "grace.ipynb"}
    assert len(again.submissions) == 2
    assert list(why(again)) == ["readme.txt"]
    assert toy.collected["submissions"] == again.submissions


def test_late_is_what_was_written_after_the_due_time(hand_in):
    assert hand_in({"ada.ipynb": BLANK}, due="2026-11-30T11:59").submissions[0]["late"]
    assert not hand_in({"ada.ipynb": BLANK}, due="2026-11-30T23:59").submissions[0]["late"]


def test_files_that_are_no_notebooks_are_kept_and_listed(hand_in, toy):
    files = {"ada/essay.pdf": b"%PDF", "ada/01_toy.ipynb": RIGHT_ONE}
    files |= dict.fromkeys(("__MACOSX/._01_toy.ipynb", "ada/.ipynb_checkpoints/01_toy.ipynb"), b"x")
    files |= {"grace/01_toy.ipynb": b"<html>"}
    found = hand_in(files)
    assert chosen(found) == {"ada": "ada/01_toy.ipynb", "grace": "grace/01_toy.ipynb"}
    assert why(found) == {
        "ada/essay.pdf": "not a notebook; kept in collected/not-notebooks",
        "__MACOSX/._01_toy.ipynb": "ignored: " + JUNK,
        "ada/.ipynb_checkpoints/01_toy.ipynb": "ignored: " + JUNK,
        "grace/01_toy.ipynb": "no cell of this chapter in it; graded all the same",
    }
    assert [p.read_bytes() for p in (toy.folder / "collected/not-notebooks").iterdir()] == [b"%PDF"]


def test_a_notebook_under_another_ending_is_taken(hand_in):
    assert chosen(hand_in({"ada/01_toy.ipynb.txt": RIGHT_ONE})) == {"ada": "ada/01_toy.ipynb.txt"}


def test_the_notebook_of_the_chapter_counts_and_not_another(hand_in):
    files = {"ada/01_toy.ipynb": RIGHT_ONE, "ada/scratch.ipynb": b'{"cells": []}'}
    assert chosen(hand_in(files)) == {"ada": "ada/01_toy.ipynb"}


def test_a_zip_inside_is_opened_once(hand_in):
    inner, outer = io.BytesIO(), io.BytesIO()
    for buffer, name, data in ((inner, "01_toy.ipynb", RIGHT_ONE), (outer, "deep.zip", b"PK\3\4")):
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr(name, data)
    found = hand_in({"ada/hw.zip": inner.getvalue(), "grace/hw.zip": outer.getvalue(),
                     "emmy/hw.zip": b"PK\3\4broken"})  # fmt: skip
    assert chosen(found) == {"ada": "ada/hw.zip/01_toy.ipynb"}
    assert "not a notebook" in why(found)["grace/hw.zip/deep.zip"]
    assert "a zip that cannot be read" in why(found)["emmy/hw.zip"]


def test_paths_that_climb_and_ids_that_climb_write_nothing_outside(hand_in, toy, tmp_path):
    before = {p for p in tmp_path.rglob("*") if toy.folder not in p.parents}
    hand_in({"../../evil.ipynb": RIGHT_ONE, "/etc/x.ipynb": BLANK, "../x/01_toy.ipynb": BLANK}, [])
    after = {p for p in tmp_path.rglob("*") if toy.folder not in p.parents}
    assert after - before <= {tmp_path / "in.zip"}


def test_without_a_roster_names_are_ids(hand_in):
    found = hand_in({"lovelaceada_12_9_01_toy.ipynb": RIGHT_ONE, "Emmy N/01_toy.ipynb": BLANK}, [])
    assert set(chosen(found)) == {"lovelaceada", "Emmy-N"}


def test_a_folder_is_read_links_are_not_followed(toy, tmp_path):
    folder = tmp_path / "in"
    write(folder / "ada" / "01_toy.ipynb", RIGHT_ONE)
    (folder / "grace.ipynb").symlink_to("/etc/passwd")
    os.mkfifo(folder / "emmy.ipynb")
    found = collect(toy, folder, ROSTER)
    assert chosen(found) == {"ada": "ada/01_toy.ipynb"}
    assert why(found) == {
        "grace.ipynb": "a link, not followed",
        "emmy.ipynb": "not an ordinary file",
    }


def test_a_single_notebook_can_be_collected_and_other_sources_are_refused(toy, tmp_path):
    write(tmp_path / "ada.ipynb", RIGHT_ONE)
    assert chosen(collect(toy, tmp_path / "ada.ipynb", ROSTER)) == {"ada": "ada.ipynb"}
    write(tmp_path / "x.txt", b"")
    for path, said in (("x.txt", "neither a folder, a zip nor"), ("none", "there is no")):
        with pytest.raises(ValueError, match=said):
            list(files_of(tmp_path / path))


def test_a_roster_is_read_and_faults_are_named(tmp_path):
    path = tmp_path / "roster.csv"
    write(path, "\ufeffid,name,canvas_id\nada,Ada Lovelace,12\ngrace,Grace,\n")
    assert read_roster(path)[0] == Student("ada", "Ada Lovelace", "", "12")
    assert read_roster(tmp_path / "none.csv") == []
    for text, said in (
        ("name\nAda\n", "the columns must be id and any of"),
        ("id,age\nada,3\n", "the columns must be id and any of"),
        ("id\n../x\n", "line 2: an id is letters"),
        ("id\nada\nADA\n", "line 3: the id 'ADA' occurs twice"),
    ):
        write(path, text)
        with pytest.raises(CourseError, match=said):
            read_roster(path)
