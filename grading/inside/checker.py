"""The checker's process: runs the setup and the locked checks, and no code of a student.

Its argument is the descriptor of a socket, over which come the setup and, for each session, a job
with three descriptors: the pipe to the student's process, and where verdicts go. One line of JSON
is written per exercise; when the student's process is lost the session stops after that line, and
whoever runs it starts another for what is left.
"""

from __future__ import annotations

import ast
import contextlib
import json
import os
import secrets
import socket
import sys
import traceback
from typing import Any

from grading.inside import wire
from grading.inside.link import Link, Lost, Remote

CANARIES = (
    "1 == 2",
    "[1.0, 2.0] == [1.0, 3.0]",
    "abs(-2.0) < 1.0",
    "isinstance('1', int)",
    "all([True, False])",
    "not any([False, True])",
    "round(2.0, 3) == 3.0",
    "float('1') == 2.0",
    "len([1]) == 2",
)
TORCH_CANARIES = (
    "bool(torch.tensor(1.0) == torch.tensor(2.0))",
    "torch.equal(torch.zeros(2), torch.ones(2))",
    "torch.allclose(torch.zeros(2), torch.ones(2))",
    "torch.isfinite(torch.tensor(float('nan'))).all()",
    "bool(torch.tensor(2.0).abs().max() < 1.0)",
    "torch.tensor([1.0]).tolist() == [2.0]",
    "(lambda x: torch.autograd.grad(x * x, x)[0] == 3)(torch.ones((), requires_grad=True)).item()",
)
NUMPY_CANARIES = ("np.allclose(0.0, 1.0)", "bool(np.isfinite(np.nan))", "(np.zeros(2) == 1).all()")


class Retry(Exception):  # noqa: N818
    """Cells of other exercises brought the process down: start again without them."""


class Exercise:
    """One exercise of the job: its names here, its session there."""

    def __init__(self, link: Link, job: dict[str, Any], names: dict[str, Any]) -> None:
        self.link, self.job, self.names = link, job, dict(names)
        self.notes: list[str] = []
        self.started = False
        self.cells = job["cells"]
        inside = [check["source"] for check in job["checks"] if check["in_process"]]
        self.uses = sorted({name for source in inside for name in dotted(source)})
        for name in job["defines"]:
            self.names[name] = Remote(link, name, name)

    def run(self) -> dict[str, Any]:
        """Return the verdict on each check, and what is to be noted."""
        exec(compile(self.job["imports"], "<imports>", "exec", dont_inherit=True), self.names)
        last = [check for check in self.job["checks"] if check["in_process"]]
        verdicts = [self._isolated(check) for check in self.job["checks"] if check not in last]
        if last:
            verdicts += self._in_process(last)
        self._end()
        if self.link.gone:
            self.notes.append(f"crashed: {self.link.gone}")
        return {"exercise": self.job["id"], "verdicts": verdicts, "notes": self.notes}

    def _start(self) -> None:
        """Start a fork, unless one is there; if cells of other exercises end it, without them."""
        if self.link.gone:
            raise Lost(f"the process of your code is gone: {self.link.gone}")
        if self.started and not self.link.died:
            return
        try:
            self._fork()
        except Lost:
            if self.cells == self.job["own"]:
                raise
            if self.link.gone:
                raise Retry from None
            self.cells = self.job["own"]
            self._fork()

    def _fork(self) -> None:
        self.link.died, self.started = "", True
        own = [label for label, _ in self.job["own"]]
        cells = [c for c in self.cells if c[0] in own or c[0] not in self.link.slow]
        message = ["start", cells, self.link.seconds, self.uses]
        reply = self.link.ask(message, ("ready",), len(cells) + 1)
        broken = reply[1] if isinstance(reply[1], dict) else {}
        self.link.slow |= {k for k, why in broken.items() if str(why).startswith("TimeLimit")}

    def _isolated(self, check: dict[str, Any]) -> dict[str, Any]:
        self.link.changed = False
        try:
            self._start()
            code = compile(check["source"], f"<{check['id']}>", "exec", dont_inherit=True)
            exec(code, self.names)
            if self.link.gone or self.link.died:  # a check that catches every exception
                raise Lost("the process of your code is gone")
        except Retry:
            raise
        except Exception as error:
            frames = traceback.extract_tb(error.__traceback__)
            line = next((f.lineno for f in frames if f.filename == f"<{check['id']}>"), 0)
            self._note_crash(check["id"])
            found = failed(check, type(error).__name__, str(error), line or 0)
            return {**found, "changed": self.link.changed}
        return {**passed(check), "changed": self.link.changed}

    def _note_crash(self, where: str) -> None:
        if self.link.died:
            self.notes.append(f"crashed: in {where} {self.link.died}")

    def _in_process(self, checks: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Run checks in the student's process, each followed by false asserts that must fail."""
        wanted = {check["id"] for check in checks}
        found = []
        try:
            self._start()
            for check in self.job["checks"]:
                reply = self._there(check["source"], check["id"])
                if check["id"] not in wanted:
                    continue  # only for the names that it defines
                if replaced := str(reply[-1])[:200] if reply[0] == "done" and reply[1:] else "":
                    what = f"{replaced} had another meaning before {check['id']}; restored"
                    self.notes.append(f"suspicious: {what}")
                if reply[0] != "done":
                    found.append(failed(check, *reply[1:4]))
                elif fooled := self._fooled():
                    self.notes.append(
                        f"tampering: in {check['id']} a false assert passed: {fooled}"
                    )
                    found.append(failed(check, "Tampering", "a false assert passed here"))
                else:
                    found.append(passed(check))
        except Lost as error:
            self._note_crash("a check in its process")
            done = {each["id"] for each in found}
            left = [check for check in checks if check["id"] not in done]
            found += [failed(check, "Lost", str(error)) for check in left]
        return found

    def _there(self, source: str, label: str) -> list[Any]:
        return self.link.ask(["run", source, label, self.job["defines"]], ("done", "raise"))

    def _fooled(self) -> str:
        """Return a false assert that passed in the student's process, "" if none did."""
        canaries = list(CANARIES)
        canaries += TORCH_CANARIES if "torch" in self.names else ()
        canaries += NUMPY_CANARIES if "np" in self.names else ()
        for canary in canaries:
            nonce = secrets.token_hex(8)
            reply = self._there(f"assert {canary}, '{nonce}'", "canary")
            if reply[:3] != ["raise", "AssertionError", nonce]:
                return canary
        return ""

    def _end(self) -> None:
        if self.started and not self.link.gone and not self.link.died:
            with contextlib.suppress(Lost):
                self.link.ask(["end"], ("ended",))
        self.link.died = ""


def dotted(source: str) -> set[str]:
    """Return the dotted names in the source of a check, torch.autograd.grad for example."""
    nodes = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Attribute)]
    names = {ast.unparse(node) for node in nodes}
    return {name for name in names if all(part.isidentifier() for part in name.split("."))}


def passed(check: dict[str, Any]) -> dict[str, Any]:
    """Return the verdict on a check that came to its end."""
    facts = {"passed": True, "error": "", "message": "", "hidden": False}
    return {"id": check["id"], "in_process": bool(check["in_process"]), **facts}


def failed(
    check: dict[str, Any], error: Any = "", message: Any = "", line: Any = 0
) -> dict[str, Any]:
    """Return the verdict on one that did not, whatever the other side says about the error.

    `hidden` says that the failing line belongs to a hidden test.
    """
    number = line if isinstance(line, int) else 0
    hidden = any(first <= number <= last for first, last in check["hidden"])
    said = {"error": str(error)[:100], "message": str(message)[:2000], "hidden": hidden}
    return {**passed(check), "passed": False, **said}


def session(job: dict[str, Any], names: dict[str, Any], descriptors: list[int]) -> None:
    """Check one exercise after the other, with a student's process that has just been started."""
    link = Link(wire.Pipe(*descriptors[:2]), job["check_seconds"])
    link.pipe.send(["setup", job["setup"]])
    reply = link.pipe.receive(job["setup_seconds"])
    if reply[0] != "set up":
        raise RuntimeError(f"the setup failed in the student's process: {reply[1:3]}")
    for exercise in job["exercises"]:
        try:
            found = Exercise(link, exercise, names).run()
        except Retry:
            found = {"exercise": exercise["id"], "retry": True}
        except MemoryError:
            why = "an answer took all the memory there is"
            link.gone = why
            lost = [failed(check, "Lost", why) for check in exercise["checks"]]
            found = {"exercise": exercise["id"], "verdicts": lost, "notes": [f"crashed: {why}"]}
        tell(descriptors[2], found)
        if link.gone:
            return


def tell(out: int, found: dict[str, Any]) -> None:
    """Write one line of JSON."""
    data = memoryview(json.dumps(found).encode() + b"\n")
    while data:
        data = data[os.write(out, data) :]


def received(control: socket.socket) -> tuple[Any, list[int]]:
    """Return a message of the instructor's side and the descriptors that came with it."""
    head, descriptors, _, _ = socket.recv_fds(control, 8, 3)
    size, data = int.from_bytes(head, "big"), bytearray()
    while head and len(data) < size:
        data += control.recv(min(size - len(data), 1_000_000))
    return (json.loads(data) if head else None), list(descriptors)


def main() -> None:
    """Do the setup once, then fork for each session, until the other end is closed."""
    control = socket.socket(fileno=int(sys.argv[1]))
    setup, _ = received(control)
    names: dict[str, Any] = {"__name__": "__main__"}
    for label, source in setup:
        exec(compile(source, f"<{label}>", "exec", dont_inherit=True), names)
    control.sendall(b"+")
    while (job := received(control))[0]:
        if os.fork() == 0:
            control.close()
            code = 1
            try:
                session(job[0], names, job[1])
                code = 0
            except BaseException:
                tell(job[1][2], {"failure": traceback.format_exc()[-1500:]})
            finally:
                os._exit(code)
        for descriptor in job[1]:
            os.close(descriptor)
        os.wait()
