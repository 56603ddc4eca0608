"""The student's process: runs the setup, and in a fork of it the student's cells and calls.

Its arguments are the two descriptors of the pipe to the checker, and how many processes there may
be. What this process answers is believed to be an answer of the student and nothing more: no
verdict is made here, except for the checks that must look inside.
"""

from __future__ import annotations

import base64
import builtins
import contextlib
import importlib
import os
import pickle
import resource
import signal
import sys
import traceback
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from grading.inside import processes, wire

PRISTINE = dict(vars(builtins))
Names = dict[str, Any]
ALARMS = (
    (signal.SIGPROF, signal.ITIMER_PROF, 1.0),
    (signal.SIGALRM, signal.ITIMER_REAL, wire.PATIENCE),
)
BLOCKED = {signal.SIGPROF, signal.SIGALRM}


class TimeLimit(BaseException):
    """Code that took too long. No Exception, so that `except Exception` does not swallow it."""


@contextlib.contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Raise TimeLimit in the block after so many CPU seconds, or PATIENCE times that by the clock.

    A crowded machine must not cost points, and a code that sleeps must not go on for ever.
    """

    def stop(*_: Any) -> None:
        raise TimeLimit(f"this took longer than {seconds:g} seconds")

    for alarm, timer, most in ALARMS:
        signal.signal(alarm, stop)
        signal.setitimer(timer, most * seconds)
    try:
        yield
    finally:
        for _, timer, _ in ALARMS:
            signal.setitimer(timer, 0)


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """Let no alarm cut a message in two."""
    signal.pthread_sigmask(signal.SIG_BLOCK, BLOCKED)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, BLOCKED)


def run(source: str, label: str, names: Names) -> None:
    """Run a cell as plain Python: no magics, no transformers."""
    exec(compile(source, f"<{label}>", "exec", dont_inherit=True), names)


def held(names: Names, uses: list[str]) -> dict[str, tuple[ModuleType, str, Any]]:
    """Return what the checks use of libraries: the module, the name in it, and what it means."""
    found = {}
    for full in uses:
        root, *path = full.split(".")
        value = names.get(root)
        for number, name in enumerate(path, 1):
            if not (isinstance(value, ModuleType) and name in vars(value)):
                break
            home, value = value, vars(value)[name]
            found[".".join([root, *path[:number]])] = (home, name, value)
    return found


def told(error: BaseException, label: str = "") -> list[Any]:
    """Return an exception as it is told to the checker: type, message, line in the cell."""
    try:
        message = str(error)[:2000]
    except Exception:
        message = "(its message cannot be shown)"
    frames = traceback.extract_tb(error.__traceback__) if label else []
    line = next((f.lineno for f in frames if f.filename == f"<{label}>"), 0) or 0
    return ["raise", type(error).__name__, message, line]


class Session:
    """One fork: the student's names, and the values that are known to both sides."""

    def __init__(self, pipe: Any, names: Names, seconds: float, uses: list[str]) -> None:
        self.pipe, self.names, self.seconds = pipe, names, seconds
        self.setup = dict(names)
        self.held = held(names, uses)
        self.mine: list[Any] = []  # functions that the checker may call
        self.theirs: dict[int, Any] = {}  # objects that the checker holds
        self.arrived: set[int] = set()  # those of the current call
        self.opaque: set[int] = set()  # objects whose changes are not carried back
        self.depth = 0
        self.broken: dict[str, str] = {}  # cells that raised, and what

    def cells(self, cells: list[list[str]]) -> None:
        """Run the student's cells; an error in one does not stop the next, as in a notebook."""
        for label, source in cells:
            try:
                with at_most(self.seconds):
                    run(source, label, self.names)
            except BaseException as error:
                _, kind, message, line = told(error, label)
                self.broken[label] = f"{kind}: {message} (cell {label}, line {line})"
        self.pipe.send(["ready", self.broken])

    def serve(self) -> list[Any]:
        """Do what the checker asks until it ends the session or answers a callback."""
        while True:
            message = self._receive()
            if message[0] == "call":
                self._answer(self._call, *message[1:])
            elif message[0] == "run":
                self._answer(self._run, *message[1:])
            else:
                return message

    def _receive(self) -> list[Any]:
        with uninterrupted():
            message: list[Any] = self.pipe.receive()
        return message

    def _answer(self, work: Any, *args: Any) -> None:
        try:
            with at_most(self.seconds):
                reply = work(*args)
            self._send(reply)
        except wire.Gone:
            raise
        except BaseException as error:
            self._send(told(error, args[1] if work == self._run else ""))

    def _send(self, reply: list[Any]) -> None:
        with uninterrupted():
            self.pipe.send(reply)

    def _call(self, target: Any, args: list[Any], kwargs: list[Any]) -> list[Any]:
        function = self.mine[target] if isinstance(target, int) else self._named(target)
        if not self.depth:
            self.theirs.clear()
        self.arrived = set()
        positional, named = self.decode(args), self.decode(kwargs)
        before = {n: self._content(n) for n in self.arrived}
        self.depth += 1
        try:
            result = self.encode(function(*positional, **named))
        finally:
            self.depth -= 1
        after = {n: self._content(n) for n in before}
        return ["return", result, [[n, new] for n, new in after.items() if new != before[n]]]

    def _named(self, name: str) -> Any:
        if name in self.names:
            return self.names[name]
        why = "; ".join(self.broken.values())
        raise NameError(f"{name} is not defined" + (f", since a cell failed: {why}" if why else ""))

    def _run(self, source: str, label: str, keep: list[str]) -> list[Any]:
        """Run a locked check here, with the names restored that are not the student's."""
        vars(builtins).update(PRISTINE)
        for name in set(vars(builtins)) - set(PRISTINE):
            delattr(builtins, name)
        self.names["__builtins__"] = vars(builtins)
        self.names.update({k: v for k, v in self.setup.items() if k not in keep})
        replaced = [k for k, (home, at, v) in self.held.items() if vars(home).get(at) is not v]
        for home, at, value in self.held.values():
            vars(home)[at] = value
        run(source, label, self.names)
        return ["done", ", ".join(replaced)]

    def encode(self, value: Any) -> list[Any]:
        """Return a value of the student's as plain data."""
        encoded: list[Any] = self._encoder().encode(value)
        return encoded

    def _encoder(self) -> wire.Encoder:
        known = {id(value): number for number, value in self.theirs.items()}
        return wire.Encoder(known, self._offer)

    def _offer(self, function: Any) -> int:
        self.mine.append(function)
        return len(self.mine) - 1

    def _content(self, number: int) -> list[Any]:
        value = self.theirs[number]
        if hasattr(value, "state_dict"):
            return ["state", self._encoder().encode(dict(value.state_dict()))]
        return self._encoder().content(value) if number not in self.opaque else ["none"]

    def decode(self, data: list[Any]) -> Any:
        """Return a value that the checker sent."""
        decoder = wire.Decoder(self.theirs.__getitem__, self._remote, self._remember, self._other)
        return decoder.decode(data)

    def _remember(self, number: int, value: Any) -> None:
        self.theirs[number] = value
        self.arrived.add(number)

    def _other(self, data: list[Any]) -> Any:
        """Return what only the checker may send: a library's function by name, or an object."""
        if data[0] == "global":
            found = importlib.import_module(data[1])
            for part in data[2].split("."):
                found = getattr(found, part)
            return found
        value = pickle.loads(base64.b64decode(data[2]))
        if not hasattr(value, "state_dict"):
            self.opaque.add(data[1])
        self._remember(data[1], value)
        return value

    def _remote(self, number: int) -> Any:
        def function(*args: Any, **kwargs: Any) -> Any:
            self._send(["callback", number, self.encode(args), self.encode(kwargs)])
            reply = self.serve()
            if reply[0] == "result":
                return self.decode(reply[1])
            kind = PRISTINE.get(reply[1])
            ordinary = isinstance(kind, type) and issubclass(kind, Exception)
            raise (kind if ordinary else RuntimeError)(reply[2])  # type: ignore[misc]

        return function


def fork(pipe: Any, names: Names, message: list[Any]) -> str:
    """Serve one session in a child; return how the child ended, "" if it was told to."""
    child = os.fork()
    if child == 0:
        os.setsid()
        code = 1
        try:
            processes.forbid()
            session = Session(pipe, dict(names), *message[2:])
            session.cells(message[1])
            session.serve()
            code = 0
        except wire.Gone:
            pass
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    with contextlib.suppress(OSError):
        os.killpg(child, signal.SIGKILL)
    if os.WIFSIGNALED(status):
        return f"it was ended by {signal.Signals(os.WTERMSIG(status)).name}"
    code = os.waitstatus_to_exitcode(status)
    return f"it ended itself with exit code {code}" if code else ""


def main() -> None:
    """Set up, then fork for each exercise until the checker is gone."""
    pipe, most = wire.Pipe(int(sys.argv[1]), int(sys.argv[2])), int(sys.argv[3])
    if most:  # threads count as well; Linux counts nothing for root
        resource.setrlimit(resource.RLIMIT_NPROC, (most, most))
    _, cells = pipe.receive()
    names: Names = {"__name__": "__main__"}
    try:
        for label, source in cells:
            run(source, label, names)
    except BaseException as error:
        pipe.send(told(error))
        return
    pipe.send(["set up"])
    with contextlib.suppress(wire.Gone):
        while (message := pipe.receive())[0] == "start":
            pipe.send(["ended", fork(pipe, names, message)])
