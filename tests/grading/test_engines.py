"""Every way to grade gives the same table; nothing that happens to one stops the others."""

import os
import signal
import subprocess
import sys
import time

from small_chapter import submission
from small_class import small_class

from grading.cli import main
from grading.engines import engine, failed
from grading.grade import grade_class
from grading.gradebook import opened, url_of
from grading.sandbox import Limits


def table_of(folder, chosen):
    """Grade a class with an engine and return its results and its gradebook."""
    assignment = small_class(folder, ["right", "partial", "blank", "broken", "exits", "equals"])
    limits = Limits(check_seconds=1, session_seconds=60, memory_mb=1000)
    with opened(url_of(folder)) as book:
        results = grade_class(assignment, [], book, chosen, limits)
        scores = book.rows("01_toy")
    return results, {
        s: {c: score.points for c, score in row.scores.items()} for s, row in scores.items()
    }


def test_one_by_one_on_cores_and_on_a_cluster_give_the_same_table(tmp_path):
    from distributed import LocalCluster

    expected = table_of(tmp_path / "sequential", engine())
    assert expected[0]["right"].points == 9
    assert table_of(tmp_path / "local", engine(2)) == expected
    options = {"n_workers": 2, "threads_per_worker": 1, "processes": True}
    with LocalCluster(**options, dashboard_address=None) as cluster:
        assert table_of(tmp_path / "dask", engine(address=cluster.scheduler_address)) == expected


def test_a_failure_of_grading_is_one_students_and_is_tried_again(tmp_path):
    def broken(key, tasks, limits, sandboxed):
        for number, (name, data) in enumerate(tasks):
            if number == 0:
                yield name, failed(RuntimeError("the machine is on fire"))
            else:
                yield from engine()(key, [(name, data)], limits, sandboxed)

    assignment = small_class(tmp_path, ["blank", "right"])
    with opened(url_of(tmp_path)) as book:
        first = grade_class(assignment, [], book, broken, Limits())
        assert [r.failure for r in first.values()] == ["RuntimeError: the machine is on fire", ""]
        assert set(book.rows("01_toy")) == {"right"}
        again = grade_class(assignment, [], book, engine(), Limits())
        assert [r.failure for r in again.values()] == ["", ""]
        assert set(book.rows("01_toy")) == {"right", "blank"}


def test_an_interruption_loses_nothing_that_was_graded(tmp_path):
    assignment = small_class(tmp_path, ["right", "partial", "blank", "loops", "wrong"])
    command = [sys.executable, "-m", "grading", "grade", "01_toy", "--course", str(tmp_path)]
    process = subprocess.Popen(
        [*command, "--check-seconds", "1"],
        stderr=subprocess.PIPE,
        # A shell has its background jobs ignore the signal, and so all that they start.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    deadline = time.monotonic() + 60
    while not list(assignment.results.glob("*.json")) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    assert b"interrupted; what is graded stays" in process.communicate(timeout=60)[1]
    kept = {path: path.stat().st_mtime_ns for path in assignment.results.glob("*.json")}
    assert 1 <= len(kept) < 5
    subprocess.run([*command, "--check-seconds", "1"], check=True, capture_output=True)
    assert len(list(assignment.results.glob("*.json"))) == 5
    assert {path: path.stat().st_mtime_ns for path in kept} == kept


def test_names_and_messages_that_are_no_text_stop_nobody(tmp_path):
    ruin = "def power2(x, n): raise ValueError(chr(0xD800) + chr(0) + '\\x1b[31m')"
    small_class(tmp_path, ["right"])
    odd = os.fsencode(tmp_path / "in") + b"/bytes-\xff.ipynb"
    with open(odd, "wb") as file:
        file.write(submission({"toy-2-solution": ruin, "toy-1-answer": "\0 why"}))
    for command in (["collect", "01_toy", str(tmp_path / "in")], ["grade", "01_toy"]):
        assert main([*command, "--course", str(tmp_path)]) == 0
    for command in ("feedback", "export", "status"):
        assert main([command, "01_toy", "--course", str(tmp_path)]) == 0
    assert len(list((tmp_path / "01_toy/feedback").glob("*.html"))) == 2


def test_a_half_written_result_is_graded_again(tmp_path):
    assignment = small_class(tmp_path, ["right"])
    with opened(url_of(tmp_path)) as book:
        grade_class(assignment, [], book, engine(), Limits())
        result = next(assignment.results.glob("*.json"))
        result.write_text(result.read_text()[:50])
        assert grade_class(assignment, [], book, engine(), Limits())["right"].points == 9
