"""Every check of every exercise: who passes, who does not, and what it says. No kernel."""

from functools import cache

import example_chapter as example
import matplotlib as mpl
import pytest
import torch
from breaking import edit, find
from chapter import CHAPTERS, read
from exercise import Namespace, exercises, release, role, validate
from idle import earnings, hollow
from wrong import WrongAnswer, disagreements, gaps, strangers, wrong_answers

mpl.use("agg")

chapter_of = cache(read)
names_of = cache(lambda path: Namespace(chapter_of(path)))
every_chapter = pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)


def coded(path):
    return [exercise for exercise in exercises(chapter_of(path)) if exercise.coded]


EXERCISES = [pytest.param(p, e, id=f"{p.stem}-{e.number}") for p in CHAPTERS for e in coded(p)]
every_exercise = pytest.mark.parametrize(("path", "exercise"), EXERCISES)


@pytest.fixture(autouse=True)
def _tidy():
    with mpl.rc_context():
        yield


@every_exercise
def test_the_reference_earns_full_marks(path, exercise):
    source = (exercise.solution.id, exercise.solution.source)
    outcomes = names_of(path).score(source, checks=exercise.checks)
    assert all(outcome.points for outcome in outcomes.values()), outcomes
    assert sum(outcome.points for outcome in outcomes.values()) == exercise.points


@every_exercise
def test_the_untouched_release_runs_and_earns_nothing(path, exercise):
    given = {cell.id: cell for cell in release(chapter_of(path)).cells}
    stub = given[exercise.solution.id].source
    visible = [given[cell.id] for cell in exercise.checks]
    outcomes = names_of(path).score((exercise.solution.id, stub), checks=visible)
    assert {outcome.error for outcome in outcomes.values()} == {"NotImplementedError"}


@every_chapter
def test_nbgrader_accepts_the_chapter_and_its_release(path):
    validate(chapter_of(path))
    validate(release(chapter_of(path)))


@every_chapter
def test_a_release_holds_no_solution(path):
    given = release(chapter_of(path))
    for cell in given.cells:
        assert "BEGIN SOLUTION" not in cell.source
        assert "BEGIN HIDDEN TESTS" not in cell.source
        if role(cell) == "manual":
            assert cell.source == "YOUR ANSWER HERE"


WRONG = [
    pytest.param(param.values[0], exercise, wrong, id=f"{param.id}: {wrong.mistake}")
    for param in EXERCISES
    for exercise in [param.values[1]]
    for wrong in wrong_answers(param.values[0].stem)
    if wrong.exercise == exercise.id
]


@pytest.mark.parametrize(("path", "exercise", "wrong"), WRONG)
def test_a_wrong_answer_loses_the_checks_named_for_it(path, exercise, wrong):
    assert disagreements(exercise, names_of(path), wrong) == []


@every_exercise
def test_every_check_is_needed(path, exercise):
    mine = [wrong for wrong in wrong_answers(path.stem) if wrong.exercise == exercise.id]
    assert gaps(exercise, names_of(path), mine) == []


@every_exercise
def test_an_answer_that_does_nothing_earns_nothing(path, exercise):
    """Without exception: a check that one of these passes must ask for more."""
    assert earnings(exercise, names_of(path)) == []


@every_chapter
def test_every_wrong_answer_belongs_to_an_exercise(path):
    assert strangers(chapter_of(path), wrong_answers(path.stem)) == []


# The same functions on the example, where they must find something.

POWER = "def power2(x, n):\n    return "
SUM = WrongAnswer("toy-2", "adds", POWER + "x * n", {"toy-2-check-value": "3 times 2"})
LIMIT = WrongAnswer("toy-2", "0", POWER + "x**n if n else 0.0", {"toy-2-check-limit": "leaves 1"})
TABLE = "{(3.0, 2): 9.0, (5.0, 0): 1.0}.get((x, n), 0.0)"
KNOWS = WrongAnswer("toy-2", "knows", POWER + TABLE, {"toy-2-check-value": "make 8"})
ONE = WrongAnswer("toy-2", "one", POWER + "1.0", {"toy-2-check-value": "is 1.0; two factors"})


@pytest.fixture
def toy():
    """The example without its drawings, whose imports need nothing."""
    chapter = example.chapter()
    find(chapter, "imports").source = "import math"
    return chapter


def second(chapter):
    return exercises(chapter)[1], Namespace(chapter)


def test_wrong_answers_that_are_caught_as_they_say(toy):
    ADDS = WrongAnswer("toy-2", "adds", SUM.answer, SUM.loses | {"toy-2-check-limit": "is 0.0"})
    for wrong in (LIMIT, KNOWS, ONE, ADDS):
        assert disagreements(*second(toy), wrong) == []


@pytest.mark.parametrize(
    ("answer", "loses", "said"),
    [
        ("x * n", SUM.loses, "toy-2-check-limit fails too: power2(5.0, 0) is 0.0"),
        ("x**n", SUM.loses, "toy-2-check-value does not notice"),
        ("1.0", SUM.loses, "not '3 times 2'"),
        ("1.0", {"toy-2-check-value": ""}, "not ''"),
        ("x[0]", SUM.loses, "toy-2-check-value says TypeError"),
        ("x**n", {"toy-2-check-size": "x"}, "there is no check toy-2-check-size"),
    ],
)
def test_a_wrong_answer_that_is_caught_otherwise_is_reported(toy, answer, loses, said):
    wrong = WrongAnswer("toy-2", "m", POWER + answer, loses)
    assert said in "\n".join(disagreements(*second(toy), wrong))


def test_an_answer_cell_that_does_not_win_is_reported(toy):
    edit(
        toy,
        "toy-2-check-value",
        "assert power2(3.0, 2) !=",
        "from math import pow as power2\nassert power2(3.0, 2) !=",
    )
    assert "toy-2-check-value does not notice" in disagreements(*second(toy), ONE)


def test_checks_that_nothing_shows_to_be_needed_are_reported(toy):
    assert gaps(*second(toy), [LIMIT, KNOWS, ONE, SUM]) == []
    assert gaps(*second(toy), [LIMIT, KNOWS, ONE]) == [
        "3 wrong answers; an exercise has at least 4",
        "toy-2-check-value, line 1: no wrong answer fails this assert first",
    ]
    assert gaps(*second(toy), [ONE, KNOWS, SUM, SUM]) == [
        "toy-2-check-limit alone catches no wrong answer"
    ]


def test_a_check_that_an_idle_answer_passes_is_reported_until_it_asks_for_more(toy):
    assert earnings(*second(toy)) == [
        "toy-2-check-limit: an answer that returns one earns 1",
        "toy-2-check-limit: an answer that returns ones of the shape of the solution's earns 1",
    ]
    find(toy, "toy-2-check-limit").source += "\nassert power2(5.0, 2) == 25.0, 'two factors of 5'"
    assert earnings(*second(toy)) == []


def test_a_check_that_only_watches_for_damage_is_passed_by_doing_nothing(toy):
    find(toy, "toy-2-check-limit").source = "x = [1.0]\npower2(x, 0)\nassert x == [1.0], 'kept'"
    said = "\n".join(earnings(*second(toy)))
    for what in ("nothing", "the argument x", "zero", "an empty tensor", "the first two arguments"):
        assert f"toy-2-check-limit: an answer that returns {what} earns 1" in said


def test_a_hollow_function_has_the_shape_of_another_and_nothing_in_it():
    def whole(x, double):
        if x is None:
            raise ValueError("x is missing")
        x += 1
        return [x, (x.numpy(), 7)], lambda u: u + 1 if double else None

    x = torch.zeros(2, 3)
    (tensor, (array, number)), inner = hollow(whole, 5.0)(x, True)
    assert tensor.tolist() == array.tolist() == [[5.0] * 3] * 2
    assert number == inner(3) == 5.0
    assert not x.any(), "the solution has worked on a copy"
    assert hollow(whole, 5.0)(None, True) is None


def test_a_release_of_the_example_is_what_a_student_needs(toy):
    given = release(toy)
    assert find(given, "toy-2-solution").source.splitlines()[-2:] == [
        "    # YOUR CODE HERE",
        "    raise NotImplementedError()",
    ]
    assert "make 8" not in find(given, "toy-2-check-value").source
    assert not [cell for cell in given.cells if {"tags", "jupyter"} & set(cell.metadata)]
    assert not [cell for cell in given.cells if cell.id in ("toy-2-answer", "toy-4-read")]
    assert find(toy, "toy-2-answer")


def test_an_exercise_may_use_imports_and_what_is_tagged_for_it(toy):
    edit(toy, "toy-2-check-limit", "power2(5.0, 0)", "power2(math.pi, ZERO)")
    exercise, names = second(toy)
    source = (exercise.solution.id, exercise.solution.source)
    assert names.score(source, checks=exercise.checks)["toy-2-check-limit"].error == "NameError"
    toy.cells.insert(2, example.code("zero", "ZERO = 0", tags=["for-exercises"]))
    assert Namespace(toy).score(source, checks=exercise.checks)["toy-2-check-limit"].points == 1


def test_an_answer_to_no_exercise_is_a_stranger(toy):
    answers = [SUM, WrongAnswer("toy-7", "", "", {}), WrongAnswer("toy-1", "", "", {})]
    assert strangers(toy, answers) == ["toy-1", "toy-7"]
