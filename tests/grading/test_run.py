"""One submission, in the real sandbox."""

import pytest
from small_chapter import RIGHT, grade, points, release

from grading import CheckResult
from grading.run import _doubts, _results


def test_right_answers_earn_everything():
    result = grade(RIGHT)
    assert (result.points, result.max_points) == (9, 9), result
    assert result.flags == ()
    assert result.failure == ""


def test_the_untouched_release_earns_nothing_and_runs_to_its_end():
    result = grade()
    assert {check.error for check in result.checks} == {"NotImplementedError"}
    assert result.points == 0
    assert result.flags == ()


def test_a_wrong_answer_costs_its_own_checks_alone():
    result = grade({**RIGHT, "toy-3-solution": "def power3(x, n):\n    return x * n"})
    assert points(result) == {"toy-2": 3, "toy-3": 0, "toy-4": 3}
    assert "3 times 2" in result.checks[2].message


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("def power2(x, n) return", "SyntaxError"),
        ("import os\nos._exit(0)", "gone"),
        ("def power2(x, n):\n    import os\n    os._exit(3)", "exit code 3"),
        ("def power2(x, n):\n    import ctypes\n    ctypes.string_at(0)", "SIGSEGV"),
        ("def power2(x, n):\n    while True: pass", "longer than 2 seconds"),
        ("while True: pass", "longer than 2 seconds"),
        ("def power2(x, n):\n    return 'a' * 10**10", "memory"),
        ("def power2(x, n):\n    return object()", "type object"),
        ("def power2(x, n):\n    return power2(x, n)", "recursion"),
    ],
)
def test_code_that_breaks_costs_its_own_exercise_alone(answer, said):
    result = grade({**RIGHT, "toy-2-solution": answer})
    assert points(result) == {"toy-2": 0, "toy-3": 3, "toy-4": 3}, result
    assert said in result.checks[0].message
    assert result.failure == ""


@pytest.mark.parametrize("name", ["", " ", "\x01\x02"])
def test_an_error_without_a_name_gets_one_and_no_points(name):
    exercise = next(e for e in release().content["exercises"] if e["checks"])
    facts = {"message": "", "hidden": False, "in_process": True}
    said = [{"id": c["id"], "passed": False, "error": name, **facts} for c in exercise["checks"]]
    found = {(result.points, result.error) for result in _results(exercise, said)}
    assert found == {(0, "Exception")}


def test_points_after_a_failed_check_that_changed_an_argument_are_flagged():
    exercise = {"checks": [{"id": "a", "changes": False}, {"id": "b"}, {"id": "c"}]}
    results = [
        CheckResult("a", "e", 0, 1, "AssertionError", changed=True),
        CheckResult("b", "e", 1, 1),
        CheckResult("c", "e", 0, 1, "AssertionError"),
    ]
    assert [flag.where for flag in _doubts(exercise, results)] == ["b"]
    exercise["checks"][0]["changes"] = True  # the reference changes it as well
    assert list(_doubts(exercise, results)) == []
    assert list(_doubts(exercise, results[1:])) == []
