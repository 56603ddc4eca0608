"""What separates a student's code from the checks, and from the machine, in the real sandbox."""

import json
import shutil

import example_chapter
import pytest
from breaking import find
from small_chapter import LIMITS, RIGHT, grade, points, release, submission

from grading import Limits, NoSandboxError, grade_submission, make_release, sandbox


def says(code, **limits):
    """Return what power2 raises, as the check tells it."""
    body = "\n".join(f"    {line}" for line in code.split("\n"))
    return (
        grade({**RIGHT, "toy-2-solution": f"def power2(x, n):\n{body}"}, **limits).checks[0].message
    )


def test_there_is_a_sandbox_for_these_tests():
    assert sandbox.why_not() == ""


def test_of_the_disk_only_python_and_helpers_are_there():
    listing = says(
        "import os\nraise ValueError(str(sorted(os.listdir(" + repr(str(sandbox.ROOT)) + "))))"
    )
    assert set(json.loads(listing.replace("'", '"'))) <= {".venv", "grading", "helpers"}
    for path in (
        sandbox.ROOT / "chapters",
        sandbox.ROOT / ".git",
        "/etc/passwd",
        "/var",
    ):
        assert says(f"raise ValueError(open({str(path)!r}).read())").startswith("[Errno")


def test_nothing_is_written_outside_and_there_is_no_network():
    target = sandbox.ROOT / "helpers" / "written_by_a_student"
    assert "Read-only" in says(f"open({str(target)!r}, 'w')")
    assert not target.exists()
    assert "unreachable" in says("import socket\nsocket.create_connection(('1.1.1.1', 80), 2)")


def test_the_environment_is_not_the_instructors(monkeypatch):
    monkeypatch.setenv("SECRET_TOKEN", "xyzzy")
    assert "xyzzy" not in says("import os\nraise ValueError(str(dict(os.environ)))")


@pytest.mark.parametrize(
    "start",
    [
        "os.fork()",
        "os.posix_spawn('/usr/bin/true', ['true'], {})",
        "import subprocess\nsubprocess.run(['true'])",
        "import ctypes\nassert ctypes.CDLL(None).fork() != -1, 'not permitted'",
        "import ctypes\nassert ctypes.CDLL(None).syscall(435, None, 0) != -1, 'not permitted'",
    ],
)
def test_no_process_is_started(start):
    assert "not permitted" in says(f"import os\n{start}")


def test_disk_and_output_are_limited():
    assert "File too large" in says("open('/tmp/x', 'wb').write(b'x' * 10**7)", file_mb=1)
    result = grade({**RIGHT, "toy-2-solution": "print('x' * 10**6)"}, output_kb=100)
    assert "more than 100 kB" in result.checks[0].message


def test_hidden_tests_are_nowhere_in_the_students_process():
    code = (
        "import gc, sys\nfound = [o for o in gc.get_objects() if isinstance(o, (list, dict))]\n"
        "frames, frame = [], sys._getframe()\n"
        "while frame:\n    frames.append(str(frame.f_locals))\n    frame = frame.f_back\n"
        "secret = '2 fo srotcaf'[::-1]\n"
        "raise ValueError(secret in str(found) + str(frames))"
    )
    assert says(code) == "False"


EQUAL = (
    "class E(float):\n    def __eq__(self, o): return True\n    def __ne__(self, o): return False\n"
)


@pytest.mark.parametrize(
    "trick",
    [
        EQUAL + "def power2(x, n): return E(0)",
        "import builtins\nbuiltins.AssertionError = ValueError\ndef power2(x, n): return 0.0",
        "import sys\nsys.settrace(lambda *a: None)\ndef power2(x, n): return 0.0",
        "def power2(x, n):\n    import os\n    os._exit(0)",
        "import gc\nfor o in gc.get_objects():\n    if type(o).__name__ == 'Session':\n"
        "        type(o)._call = lambda *a: ['done']\ndef power2(x, n): return 0.0",
    ],
)
def test_a_trick_wins_nothing_and_is_flagged(trick):
    result = grade({**RIGHT, "toy-2-solution": trick})
    assert points(result) == {"toy-2": 0, "toy-3": 3, "toy-4": 3}
    assert result.flags


def inside(check="assert power2(3.0, 2) == 9.0, 'nine'", setup="import math"):
    """The small chapter, whose first check has to run in the student's process."""
    toy = example_chapter.chapter()
    find(toy, "imports").source = setup
    find(toy, "toy-2-check-value").source = f"import inspect\n{check}"
    return make_release(toy.notebook, "01_toy")


def in_process(answer):
    same = {"toy-2-check-value": "import inspect\nassert power2(3.0, 2) == 9.0, 'nine'"}
    data = submission({**RIGHT, **same, "toy-2-solution": answer})
    return grade_submission(inside().key, data, LIMITS)


def test_a_check_in_the_students_process_is_judged_as_ever():
    result = in_process(RIGHT["toy-2-solution"])
    assert (result.points, result.flags) == (9, ())
    assert [c.in_process for c in result.checks[:2]] == [True, False]
    wrong = in_process("def power2(x, n): return 1.0")
    assert (wrong.checks[0].points, wrong.checks[0].message) == (0, "nine")
    assert wrong.checks[1].points == 1


ERROR = "import builtins\nbuiltins.AssertionError = ValueError\ndef power2(x, n): return 0"
EXIT = "def power2(x, n): raise SystemExit"
FRAME = """
import inspect
def power2(x, n):
    inspect.currentframe().f_back.f_globals['power2'] = 0
    return 0
"""
RUNNER = """
import sys
def power2(x, n):
    sys.modules['grading.inside.student'].run = lambda *a: None
    return 9.0
"""


@pytest.mark.parametrize(
    ("trick", "kinds"),
    [(ERROR, {"suspicious"}), (EXIT, set()), (FRAME, {"suspicious"}),
     (RUNNER, {"suspicious", "tampering"})],
)  # fmt: skip
def test_tampering_beside_a_check_wins_nothing_unseen(trick, kinds):
    result = in_process(trick)
    assert result.checks[0].points == 0, result
    assert kinds <= result.kinds()


def test_a_pass_beside_an_answer_that_fails_everything_else_is_flagged():
    result = in_process("def power2(x, n): return 9.0")
    assert [c.points for c in result.checks[:2]] == [2, 0]
    assert [(f.kind, f.where) for f in result.flags] == [("suspicious", "toy-2-check-value")]


def test_a_frame_that_takes_all_the_memory_is_the_students_loss():
    """Fifteen million bytes of empty lists are more than a gigabyte for whoever reads them."""
    code = (
        "import sys, os\ndata = b'[\"return\",[' + b'[],' * 5_000_000 + b'[]],[]]'\n"
        "data = len(data).to_bytes(8, 'big') + data\n"
        "while data:\n    data = data[os.write(int(sys.argv[2]), data):]"
    )
    body = "\n".join(f"    {line}" for line in code.split("\n"))
    answer = f"def power2(x, n):\n{body}"
    result = grade({**RIGHT, "toy-2-solution": answer}, memory_mb=400, check_seconds=10)
    assert result.failure == ""
    assert points(result) == {"toy-2": 0, "toy-3": 3, "toy-4": 3}


def test_without_a_sandbox_grading_is_refused_and_says_what_that_means(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda tool: None)
    sandbox.why_not.cache_clear()
    with pytest.raises(NoSandboxError, match=r"bwrap is not installed.*--unsandboxed.*delete your"):
        grade_submission(release().key, submission(RIGHT), LIMITS)
    sandbox.why_not.cache_clear()


def test_unsandboxed_the_verdicts_are_the_same():
    for answers in (RIGHT, {**RIGHT, "toy-3-solution": "import os\nos._exit(1)"}):
        data = submission(answers)
        free = grade_submission(release().key, data, LIMITS, sandboxed=False)
        assert free == grade_submission(release().key, data, LIMITS)


def test_limits_must_be_positive():
    with pytest.raises(ValueError, match="memory_mb must be positive; got 0"):
        Limits(memory_mb=0)


@pytest.mark.parametrize("setup", ["import nothing_like_this", "import os\nos._exit(3)"])
def test_a_setup_that_fails_is_the_releases_fault_and_said(setup):
    data = submission(RIGHT)
    result = grade_submission(inside(setup=setup).key, data, LIMITS)
    assert "the setup of the checks failed" in result.failure
    assert result.points == 0


def test_cells_of_other_exercises_are_used_and_cannot_ruin_one():
    borrowed = {**RIGHT, "toy-3-solution": "def power3(x, n):\n    return power2(x, n)"}
    assert grade(borrowed).points == 9
    ruined = {**RIGHT, "toy-2-solution": "import os\nos._exit(1)"}
    assert points(grade(ruined)) == {"toy-2": 0, "toy-3": 3, "toy-4": 3}
    slow = {**RIGHT, "toy-2-solution": "while True: pass"}
    assert points(grade(slow, check_seconds=0.5)) == {"toy-2": 0, "toy-3": 3, "toy-4": 3}


def test_an_edited_imports_cell_and_added_cells_count():
    answers = {
        "imports": "import math, operator",
        "toy-2-solution": "def power2(x, n):\n    return operator.pow(x, n)",
    }
    assert points(grade({**RIGHT, **answers}))["toy-2"] == 3
    assert grade(RIGHT, {"toy-2-task": "print('my notes')"}).points == 9
    late = {**RIGHT, "toy-2-solution": "x = 1"}
    assert points(grade(late, {"toy-2-check-limit": RIGHT["toy-2-solution"]}))["toy-2"] == 3
    for magic, kinds in (("%matplotlib inline\n", set()), ("!ls\n", {"suspicious"})):
        result = grade({**RIGHT, "toy-2-solution": magic + RIGHT["toy-2-solution"]})
        assert (result.points, result.kinds()) == (9, kinds)


def test_the_result_is_a_pure_function_and_survives_json():
    first, again = grade(RIGHT), grade(RIGHT)
    assert first == again == type(first).from_json(first.to_json())
