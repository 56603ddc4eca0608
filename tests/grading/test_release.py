"""What is handed out, what stays, and what is refused."""

import io
import json
import zipfile

import example_chapter
import nbformat
import pytest
from breaking import edit, find
from chapter import Chapter
from course.links import Place, launch
from exercise import validate
from small_chapter import LIMITS, release

from grading import ReleaseError, grade_submission, make_release
from grading.binder import binder_link
from grading.files import zipped
from grading.folder import CourseError
from grading.sound import check, reference_submission, settle


@pytest.fixture
def toy():
    chapter = example_chapter.chapter()
    find(chapter, "imports").source = "import math"
    return chapter


def released(chapter):
    return make_release(chapter.notebook, "01_toy")


def student(of):
    return nbformat.reads(of.student.decode(), as_version=4)


def test_a_student_gets_no_solution_no_hidden_test_no_tag_no_output():
    text = release().student.decode()
    assert "x**n" not in text
    assert "three factors" not in text
    for cell in student(release()).cells:
        assert not {"tags", "jupyter"} & set(cell.metadata)
        assert not cell.get("outputs")
        assert not cell.id.endswith(("-2-answer", "-3-answer", "-4-answer", "-read"))


def test_nbgrader_accepts_it_and_its_checks_are_locked():
    notebook = student(release())
    validate(Chapter("01_toy", notebook))
    checks = [c for c in notebook.cells if "-check-" in c.id]
    assert len(checks) == 6
    assert all(c.metadata.editable is c.metadata.deletable is False for c in checks)


def test_the_zip_for_a_learning_management_system_holds_the_notebook():
    data = zipped({"01_toy.ipynb": release().student})
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.read("01_toy.ipynb") == release().student
    assert data == zipped({"01_toy.ipynb": release().student})


def test_the_key_has_the_full_checks_and_the_setup():
    content = release().content
    assert content["setup"] == [["imports", "import math"]]
    assert "three factors" in content["exercises"][1]["checks"][0]["source"]
    assert content["exercises"][1]["checks"][0]["hidden"] == [[3, 5]]
    assert [e["points"] for e in content["exercises"]] == [2, 3, 3, 3, 2]


def test_the_install_cell_and_tagged_cells_are_understood(toy):
    toy.cells.insert(1, example_chapter.code("install", "%pip install x", tags=["install"]))
    toy.cells.insert(4, example_chapter.code("two", "TWO = 2", tags=["for-exercises"]))
    assert released(toy).content["setup"] == [["imports", "import math"], ["two", "TWO = 2"]]


@pytest.mark.parametrize("url", ["https://github.com/me/fork", "https://gitlab.com/a/b/c",
                                 "https://codeberg.org/me/fork"])  # fmt: skip
def test_the_binder_link_is_the_one_that_the_website_makes(url):
    path = "assignments/01_toy.ipynb"
    expected = next(launch(Place(url, "main", path), {}, False)).address
    assert binder_link(url + ".git", "main", path) == expected


@pytest.mark.parametrize("url", ["me/fork", "git@github.com:me/fork", "https://github.com/me"])
def test_a_fork_that_is_no_address_is_refused(url):
    with pytest.raises(CourseError, match=r"must be like https://.*; got"):
        binder_link(url, "main", "x")


def test_chapters_that_cannot_be_graded_are_refused(toy):
    with pytest.raises(ReleaseError, match="no exercise with points"):
        make_release(nbformat.v4.new_notebook(), "01_toy")
    with pytest.raises(ReleaseError, match="name must be letters"):
        make_release(toy.notebook, "../x")
    edit(toy, "toy-1-task", "### Exercise 1", "### Question 1")
    with pytest.raises(ReleaseError, match="toy-1-answer stands below no"):
        released(toy)


def test_a_grade_id_that_occurs_twice_is_refused(toy):
    find(toy, "toy-2-check-limit").metadata.nbgrader["grade_id"] = "toy-2-check-value"
    with pytest.raises(ReleaseError, match="toy-2-check-value"):
        released(toy)


def test_a_sound_release_has_no_objections():
    found = check(release(), LIMITS)
    assert found.objections == ()
    assert (found.reference.points, found.blank.points) == (9, 0)


def test_a_reference_that_fails_and_a_check_that_passes_for_all_are_found(toy):
    edit(toy, "toy-2-check-limit", "== 1.0", "== 2.0")
    edit(toy, "toy-3-check-limit", "power3(5.0, 0) == 1.0", "True")
    objections = check(released(toy), LIMITS).objections
    assert any(
        o.startswith("the reference fails toy-2-check-limit: AssertionError") for o in objections
    )
    assert "the untouched release passes toy-3-check-limit" in objections


def test_an_untouched_release_that_does_not_run_to_its_end_is_found(toy):
    edit(toy, "toy-2-solution", "    ### BEGIN", "    import os\n    os._exit(0)\n    ### BEGIN")
    objections = check(released(toy), LIMITS).objections
    assert any("does not run to its end: toy-2-check-value" in o for o in objections)


CLASS = '''
class Box:
    """A box."""

    def __init__(self, x):
        """Put x in."""
        self.x = x
'''


def test_a_check_that_works_only_beside_the_students_code_is_run_there(toy):
    """An object of a class of the student's cannot be sent; settle finds that out."""
    edit(toy, "toy-2-solution", "    return x**n", "    return Box(x**n)")
    find(toy, "toy-2-solution").source += CLASS
    find(toy, "toy-2-check-value").source = "assert power2(3.0, 2).x == 9.0, 'a box of 9'"
    find(toy, "toy-2-check-limit").source = "assert power2(3.0, 0).x == 1.0, 'a box of 1'"
    isolated = released(toy)
    assert check(isolated, LIMITS).objections
    settled = settle(isolated, LIMITS)
    assert check(settled, LIMITS).objections == ()
    checks = settled.content["exercises"][1]["checks"]
    assert all("isolated, the reference fails: " in c["in_process"] for c in checks)


def test_checks_in_which_the_reference_changes_an_argument_are_known(toy):
    """Another answer that does so where the reference does not is flagged."""
    source = "xs = [2.0]\nresult = power2(xs, 2)\nassert result == xs, 'square what is in the list'"
    find(toy, "toy-2-check-value").source = source
    find(toy, "toy-2-check-limit").source = "assert power2([], 2) == [], 'nothing stays nothing'"
    edit(toy, "toy-2-solution", "return x**n", "x[:] = [v**n for v in x]\n    return list(x)")
    release = settle(released(toy), LIMITS)
    assert [c["changes"] for c in release.content["exercises"][1]["checks"]] == [True, False]
    assert check(release, LIMITS).objections == ()
    same = grade_submission(release.key, reference_submission(release), LIMITS)
    assert same.flags == ()
    sly = reference_submission(release).replace(b"x[:] = [v**n for v in x]", b"x.append(1.0)")
    assert grade_submission(release.key, sly, LIMITS).flags == ()  # where it is expected
    unsettled = grade_submission(released(toy).key, sly, LIMITS)
    assert [f.where for f in unsettled.flags] == ["toy-2-check-value"]
    assert "changed by the answer" in unsettled.flags[0].what


def test_a_check_that_looks_inside_is_run_there():
    source = json.dumps(
        "from torch.overrides import TorchFunctionMode\nassert power2(3.0, 2) == 9.0"
    )
    text = release().key.decode()
    assert '"in_process": "it uses' not in text
    toy = example_chapter.chapter()
    find(toy, "toy-2-check-value").source = json.loads(source)
    checks = released(toy).content["exercises"][1]["checks"]
    assert [c["in_process"] for c in checks] == ["it uses TorchFunctionMode", ""]
