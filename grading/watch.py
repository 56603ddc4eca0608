"""Watching a session from outside: time, output, processes and memory, whatever the code does."""

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

from grading.sandbox import Limits

LOOK = 0.2  # seconds between two looks at the processes
PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


@dataclass
class Session:
    """What one pair of processes gave: verdicts by exercise, and why it stopped."""

    exercises: list[dict[str, Any]] = field(default_factory=list)
    stopped: str = ""  # killed at a limit
    errors: str = ""  # why the checker failed: the release's fault, or grading's


def tree(pid: int) -> list[int]:
    """Return a process and all its descendants (Linux; elsewhere none)."""
    found = [pid]
    for parent in found:
        with contextlib.suppress(OSError, ValueError):
            for thread in os.listdir(f"/proc/{parent}/task"):
                with open(f"/proc/{parent}/task/{thread}/children", encoding="ascii") as children:
                    found += [int(child) for child in children.read().split()]
        if len(found) > 100_000:
            break
    return found


def resident(pids: list[int]) -> int:
    """Return the bytes of memory that the processes hold, shared pages counted once."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError, ValueError, IndexError):
            with open(f"/proc/{pid}/statm", encoding="ascii") as statm:
                pages = [int(n) for n in statm.read().split()[:3]]
            total += (pages[1] - pages[2]) * PAGE
    return total


def end(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and all that it started."""
    with contextlib.suppress(OSError):
        os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream:
            with contextlib.suppress(OSError):
                stream.close()


class Watch:
    """Reads what the two processes write until the checker is done or a limit is reached."""

    def __init__(self, student: subprocess.Popen[bytes], verdicts: int, limits: Limits) -> None:
        self.student, self.verdicts, self.limits = student, verdicts, limits
        self.lines = bytearray()
        self.output = 0

    def run(self) -> Session:
        """Return the session when it is over."""
        with selectors.DefaultSelector() as streams:
            streams.register(self.verdicts, selectors.EVENT_READ, "verdicts")
            if self.student.stdout:
                streams.register(self.student.stdout, selectors.EVENT_READ, "output")
            stopped = self._read(streams)
        whole = bytes(self.lines).rpartition(b"\n")[0]
        found = [json.loads(line) for line in whole.splitlines()]
        done = [one for one in found if "failure" not in one]
        return Session(done, stopped, next((f["failure"] for f in found if "failure" in f), ""))

    def _read(self, streams: selectors.BaseSelector) -> str:
        """Return why the session was stopped, "" if the checker came to its end."""
        deadline = time.monotonic() + self.limits.session_seconds
        look = 0.0
        while True:
            now = time.monotonic()
            if now > deadline:
                return f"it took longer than {self.limits.session_seconds:g} seconds altogether"
            if now > look:
                look = now + LOOK
                if why := self._too_much():
                    return why
            for event, _ in streams.select(LOOK):
                data = os.read(event.fd, 65536)
                if not data:
                    streams.unregister(event.fileobj)
                    if event.data == "verdicts":
                        return ""
                if event.data == "verdicts":
                    self.lines += data
                elif why := self._printed(len(data)):
                    return why

    def _printed(self, size: int) -> str:
        self.output += size
        too_much = self.output > self.limits.output_kb * 1000
        return f"it printed more than {self.limits.output_kb:,} kB" if too_much else ""

    def _too_much(self) -> str:
        """Return what the student's processes have too much of, "" if nothing."""
        pids = tree(self.student.pid)
        if len(pids) > self.limits.processes + 3:  # bubblewrap's and the one that forks
            return f"it started more than {self.limits.processes} processes"
        if resident(pids) > self.limits.memory_mb * 1_000_000:
            return f"its processes took more than {self.limits.memory_mb:,} MB of memory"
        return ""
