"""Grade one submission: a pure function of the release's key, the submission and the limits.

Two processes, each in a sandbox of its own. The checker runs the locked checks; the student's code
answers calls from the other one. The verdicts come over a descriptor that only the checker has.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator
from typing import Any

from grading import sandbox
from grading.checkers import CheckerError, checker, drop
from grading.flags import without_magics
from grading.rebuild import Rebuilt, manual_answers, rebuild
from grading.result import CheckResult, Flag, Result, clean
from grading.sandbox import Limits
from grading.watch import Session, Watch, end

Job = dict[str, Any]


def grade_submission(
    key: bytes, submission: bytes, limits: Limits | None = None, sandboxed: bool = True
) -> Result:
    """Return the result of one submission. A bad submission never raises.

    Raises
    ------
    NoSandboxError
        If there is no sandbox on this machine and `sandboxed` is true.
    """
    limits = limits or Limits()
    sandbox.require(sandboxed)
    start = time.monotonic()
    content = json.loads(key)
    rebuilt = rebuild(content, submission, limits.submission_mb * 1_000_000)
    manual = manual_answers(content, rebuilt)
    if rebuilt.kinds() & {"unreadable"}:
        checks = [c for e in content["exercises"] for c in _none(e, "the file cannot be read")]
        return Result(tuple(checks), manual, tuple(rebuilt.flags))
    checks, found, failure = _checked(content, rebuilt, limits, sandboxed)
    flags = tuple(dict.fromkeys([*rebuilt.flags, *found]))
    return Result(tuple(checks), manual, flags, failure, round(time.monotonic() - start, 2))


def _none(exercise: Job, why: str, error: str = "NotRun") -> list[CheckResult]:
    return [
        CheckResult(
            c["id"], exercise["id"], 0, c["points"], error, why, False, bool(c["in_process"])
        )
        for c in exercise["checks"]
    ]


def _checked(
    content: Job, rebuilt: Rebuilt, limits: Limits, sandboxed: bool
) -> tuple[list[CheckResult], list[Flag], str]:
    """Run sessions until every exercise has a verdict; each session settles at least one."""
    todo = [e for e in content["exercises"] if e["checks"]]
    checks: list[CheckResult] = []
    flags: list[Flag] = []
    alone: set[str] = set()  # exercises whose own cells alone are to be run
    while todo:
        jobs = [_job(content, e, rebuilt, e["id"] in alone) for e in todo]
        session = _session(content["setup"], jobs, limits, sandboxed)
        if session.errors:
            rest = [c for e in todo for c in _none(e, "the grading itself failed")]
            return checks + rest, flags, session.errors
        for exercise, found in zip(todo, session.exercises):
            if found.get("retry"):
                alone.update(e["id"] for e in todo)
                break
            results = _results(exercise, found["verdicts"])
            checks += results
            flags += [Flag(*_kind(note, exercise["id"])) for note in found["notes"]]
            flags += _doubts(exercise, results)
        settled = sum(not found.get("retry") for found in session.exercises)
        if session.stopped:
            flags.append(Flag("crashed", "submission", session.stopped))
        if not session.exercises:  # killed, or the checker was brought down, in the first
            checks += _none(todo[0], session.stopped or "the process ended", "Lost")
            if not session.stopped:
                flags.append(Flag("crashed", todo[0]["id"], "the checks' process ended"))
            settled = 1
        todo = todo[settled:]
        alone.update(e["id"] for e in todo)
    return checks, flags, ""


def _kind(note: str, where: str) -> tuple[str, str, str]:
    kind, _, what = note.partition(": ")
    return kind, where, clean(what)


def _results(exercise: Job, verdicts: list[Job]) -> list[CheckResult]:
    """Return the verdicts in the order of the page, with the points of the release."""
    by_id = {verdict["id"]: verdict for verdict in verdicts}
    return [
        CheckResult(
            id=check["id"],
            exercise=exercise["id"],
            points=check["points"] if by_id[check["id"]]["passed"] is True else 0,
            max_points=check["points"],
            error=_error(by_id[check["id"]]),
            message=clean(by_id[check["id"]]["message"]),
            hidden=by_id[check["id"]]["hidden"],
            in_process=by_id[check["id"]]["in_process"],
            changed=bool(by_id[check["id"]].get("changed")),
        )
        for check in exercise["checks"]
    ]


def _error(verdict: Job) -> str:
    """Return the name of the error, "" if there was none; a failure always has a name."""
    return "" if verdict["passed"] is True else clean(verdict["error"]).strip() or "Exception"


def _doubts(exercise: Job, results: list[CheckResult]) -> Iterator[Flag]:
    """Yield flags for points that may not be deserved, though no check objects."""
    expected = {check["id"] for check in exercise["checks"] if check.get("changes")}
    strange = [result for result in results if result.changed and result.id not in expected]
    spoiled = False  # by an answer that failed: what later checks compare with may be its work
    for result in results:
        if result in strange and result.points:
            yield Flag("suspicious", result.id, "passed with an argument changed by the answer")
        elif spoiled and result.points:
            what = "passed after the answer failed and left an argument changed"
            yield Flag("suspicious", result.id, what)
        spoiled |= result in strange and not result.points
    isolated = [result for result in results if not result.in_process]
    inside = [result for result in results if result.in_process and result.points]
    if isolated and not any(result.points for result in isolated):
        for result in inside:
            yield Flag(
                "suspicious",
                result.id,
                "passed, and no isolated check did: a wrong answer, or a trick",
            )


def _job(content: Job, exercise: Job, rebuilt: Rebuilt, alone: bool) -> Job:
    """Return an exercise with the student's cells up to its end, and those of its own."""
    order = {cell["id"]: number for number, cell in enumerate(content["cells"])}
    first = order[exercise["task"]]
    later = [order[e["task"]] for e in content["exercises"] if order[e["task"]] > first]
    end = min(later, default=len(order))
    placed = [(order.get(a, -1), label, without_magics(t)) for a, label, t in rebuilt.code]
    cells = [[label, text] for place, label, text in placed if place < end]
    own = [[label, text] for place, label, text in placed if first <= place < end]
    edited = [[label, text] for _, label, text in placed if label.endswith("-edited")]
    own = [cell for cell in edited if cell not in own] + own
    return {**exercise, "cells": own if alone else cells, "own": own}


def _session(setup: Any, jobs: list[Job], limits: Limits, sandboxed: bool) -> Session:
    """Run the student's process and a fork of the checker over some exercises."""
    job = {"setup": setup, "exercises": jobs, "check_seconds": limits.check_seconds}
    job["setup_seconds"] = limits.session_seconds
    to_student, from_student, out = os.pipe(), os.pipe(), os.pipe()
    theirs = [to_student[0], from_student[1]]
    ours = [from_student[0], to_student[1], out[1]]
    student = None
    try:
        student = _start(theirs, limits, sandboxed)
        checking = checker(setup, limits, sandboxed)  # the two set up at the same time
        checking.wait(limits.session_seconds)
        checking.start(job, ours)
        while theirs or ours:
            os.close((theirs or ours).pop())
        session = Watch(student, out[0], limits).run()
        if session.stopped:
            drop()
        return session
    except CheckerError as error:
        drop()
        return Session(errors=str(error))
    finally:
        if student:
            end(student)
        for descriptor in (*theirs, *ours, out[0]):
            os.close(descriptor)


def _start(descriptors: list[int], limits: Limits, sandboxed: bool) -> subprocess.Popen[bytes]:
    """Start a student's process. Unsandboxed, a limit would count all processes of the user."""
    arguments = [*descriptors, limits.processes if sandboxed else 0]
    command = sandbox.python("student", [str(each) for each in arguments], limits, sandboxed)
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        pass_fds=descriptors,
        env=sandbox.environment(),
        start_new_session=True,
        cwd="/",
    )
