"""The checker's process, kept from one submission to the next: it forks for each.

It never sees code of a student, so nothing can be left over in it; and importing torch, most of the
work for a submission, is done once for it instead of each time. One for each thread that grades.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import tempfile
import threading
from typing import Any

from grading import sandbox
from grading.sandbox import Limits
from grading.watch import end

_local = threading.local()


class CheckerError(RuntimeError):
    """The checker could not be started, or ended: an error of the release or of grading."""


class Checker:
    """One process with the setup done."""

    def __init__(self, setup: Any, limits: Limits, sandboxed: bool) -> None:
        self.facts = (json.dumps(setup), limits, sandboxed)
        self.socket, theirs = socket.socketpair()
        self.errors = tempfile.TemporaryFile()  # noqa: SIM115 (it lives as long as the process)
        command = sandbox.python("checker", [str(theirs.fileno())], limits, sandboxed, lasting=True)
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self.errors,
            pass_fds=(theirs.fileno(),),
            env=sandbox.environment(),
            start_new_session=True,
            cwd="/",
        )
        theirs.close()
        self._send(self.facts[0].encode(), [])
        self.ready = False

    def wait(self, seconds: float) -> None:
        """Wait until the setup is done; raise CheckerError if it fails."""
        if self.ready:
            return
        self.socket.settimeout(seconds)
        try:
            self.ready = self.socket.recv(1) == b"+"
        except OSError as error:
            raise CheckerError(f"the setup of the checks: {error}") from None
        if not self.ready:
            raise CheckerError(f"the setup of the checks failed: {self.said()}")

    def start(self, job: Any, descriptors: list[int]) -> None:
        """Start a session in a fork: the pipe to the student's process, and where verdicts go."""
        self._send(json.dumps(job).encode(), descriptors)

    def _send(self, data: bytes, descriptors: list[int]) -> None:
        try:
            socket.send_fds(self.socket, [len(data).to_bytes(8, "big")], descriptors)
            self.socket.sendall(data)
        except OSError as error:
            raise CheckerError(f"the checker is gone: {error}; {self.said()}") from None

    def said(self) -> str:
        """Return the end of what the process wrote to its standard error."""
        self.errors.seek(0, os.SEEK_END)
        self.errors.seek(max(0, self.errors.tell() - 1500))
        return self.errors.read().decode(errors="replace").strip()

    def end(self) -> None:
        """Kill it, with whatever session it is in."""
        self.socket.close()
        end(self.process)
        self.errors.close()


def checker(setup: Any, limits: Limits, sandboxed: bool) -> Checker:
    """Return this thread's checker for a release, started now if there is none."""
    have: Checker | None = getattr(_local, "checker", None)
    facts = (json.dumps(setup), limits, sandboxed)
    if have and have.facts == facts and have.process.poll() is None:
        return have
    drop()
    _local.checker = Checker(setup, limits, sandboxed)
    found: Checker = _local.checker
    return found


def drop() -> None:
    """End this thread's checker, if there is one."""
    have: Checker | None = getattr(_local, "checker", None)
    _local.checker = None
    if have:
        have.end()
