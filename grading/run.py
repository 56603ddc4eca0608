"""Grade one submission: a pure function of the release's key, the submission and the limits.

Two processes, each in a sandbox of its own. The checker runs the locked checks; the student's code
answers calls from the other one. The verdicts come over a descriptor that only the checker has.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import time
from dataclasses import dataclass, field
from typing import Any

from grading import sandbox
from grading.flags import without_magics
from grading.rebuild import Rebuilt, manual_answers, rebuild
from grading.result import CheckResult, Flag, Result
from grading.sandbox import Limits

Job = dict[str, Any]


@dataclass
class Session:
    """What one pair of processes gave: verdicts by exercise, and why it stopped."""

    exercises: list[dict[str, Any]] = field(default_factory=list)
    stopped: str = ""  # killed at a limit of the student's
    output: int = 0
    errors: str = ""  # what the checker wrote before it failed


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
    checks, flags, failure = _checked(content, rebuilt, limits, sandboxed)
    flags = tuple(dict.fromkeys([*rebuilt.flags, *flags]))
    return Result(tuple(checks), manual, flags, failure, round(time.monotonic() - start, 2))


def _none(exercise: Job, why: str, error: str = "NotRun") -> list[CheckResult]:
    return [
        CheckResult(c["id"], exercise["id"], 0, c["points"], error, why, False, bool(c["in_process"]))
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
            checks += _results(exercise, found["verdicts"])
            flags += [Flag(*_kind(note, exercise["id"])) for note in found["notes"]]
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
    return kind, where, what


def _results(exercise: Job, verdicts: list[Job]) -> list[CheckResult]:
    """Return the verdicts in the order of the page, with the points of the release."""
    by_id = {verdict["id"]: verdict for verdict in verdicts}
    return [
        CheckResult(
            id=check["id"],
            exercise=exercise["id"],
            points=0 if by_id[check["id"]]["error"] else check["points"],
            max_points=check["points"],
            error=by_id[check["id"]]["error"],
            message=by_id[check["id"]]["message"],
            hidden=by_id[check["id"]]["hidden"],
            in_process=by_id[check["id"]]["in_process"],
        )
        for check in exercise["checks"]
    ]


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
    """Run the student's process and the checker over some exercises."""
    to_student, from_student, out = os.pipe(), os.pipe(), os.pipe()
    job = {"setup": setup, "exercises": jobs, "check_seconds": limits.check_seconds}
    job["setup_seconds"] = limits.session_seconds
    student_fds = (to_student[0], from_student[1])
    checker_fds = (from_student[0], to_student[1], out[1])
    processes = []
    try:
        processes.append(_start("student", student_fds, limits, sandboxed, subprocess.STDOUT))
        processes.append(_start("checker", checker_fds, limits, sandboxed, subprocess.PIPE))
        for descriptor in (*student_fds, *checker_fds):
            os.close(descriptor)
        return _Watch(*processes, out[0], limits).run(json.dumps(job).encode())
    finally:
        for process in processes:
            _end(process)
        with contextlib.suppress(OSError):
            os.close(out[0])


def _start(
    module: str, fds: tuple[int, ...], limits: Limits, sandboxed: bool, errors: int
) -> subprocess.Popen[bytes]:
    command = sandbox.python(module, [str(fd) for fd in fds], limits, sandboxed)
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE if module == "checker" else subprocess.DEVNULL,
        stdout=subprocess.PIPE if module == "student" else subprocess.DEVNULL,
        stderr=errors,
        pass_fds=fds,
        env=sandbox.environment(),
        start_new_session=True,
        cwd="/",
    )


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and all that it started."""
    with contextlib.suppress(OSError):
        os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream:
            with contextlib.suppress(OSError):
                stream.close()


class _Watch:
    """Reads what the two processes write until the checker is done or a limit is reached."""

    def __init__(
        self,
        student: subprocess.Popen[bytes],
        checker: subprocess.Popen[bytes],
        verdicts: int,
        limits: Limits,
    ) -> None:
        self.student, self.checker, self.verdicts, self.limits = student, checker, verdicts, limits
        self.text = {"verdicts": bytearray(), "errors": bytearray()}
        self.output = 0

    def run(self, job: bytes) -> Session:
        """Send the job and return the session."""
        assert self.checker.stdin and self.checker.stderr and self.student.stdout
        with contextlib.suppress(BrokenPipeError):
            self.checker.stdin.write(job)
            self.checker.stdin.close()
        with selectors.DefaultSelector() as streams:
            streams.register(self.verdicts, selectors.EVENT_READ, "verdicts")
            streams.register(self.checker.stderr, selectors.EVENT_READ, "errors")
            streams.register(self.student.stdout, selectors.EVENT_READ, "output")
            stopped = self._read(streams)
        lines = bytes(self.text["verdicts"]).splitlines()
        done = [json.loads(line) for line in lines]
        errors = self.text["errors"].decode(errors="replace").strip()[-2000:]
        return Session(done, stopped, self.output, errors if self._failed(stopped, done) else "")

    def _failed(self, stopped: str, done: list[Any]) -> bool:
        """Say whether the checker failed by itself: an error of the release or of grading."""
        return not stopped and not done and self.checker.wait() == 1

    def _read(self, streams: selectors.BaseSelector) -> str:
        """Return why the session was stopped, "" if the checker came to its end."""
        end = time.monotonic() + self.limits.session_seconds
        while True:
            left = end - time.monotonic()
            if left <= 0:
                return f"it took longer than {self.limits.session_seconds:g} seconds altogether"
            for event, _ in streams.select(left):
                data = os.read(event.fd, 65536)
                if event.data == "output":
                    self.output += len(data)
                    if self.output > self.limits.output_kb * 1000:
                        return f"it printed more than {self.limits.output_kb:,} kB"
                else:
                    self.text[event.data] += data[: 20_000_000 - len(self.text[event.data])]
                if not data:
                    streams.unregister(event.fileobj)
                    if event.data == "verdicts":
                        return ""
