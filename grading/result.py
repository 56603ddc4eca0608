"""What grading one submission gives: plain data, the same on every machine, JSON in and out."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any


def clean(text: str) -> str:
    """Return a text that every file and database takes: no surrogates, no control characters."""
    whole = text.encode("utf-8", "replace").decode()
    return "".join(c for c in whole if c in "\n\t" or not (ord(c) < 32 or 127 <= ord(c) < 160))


def printable(text: str) -> str:
    """Return a text as one line that no terminal obeys: "?" for all that is not to be seen."""
    whole = text.encode("utf-8", "replace").decode()
    return "".join(c if c.isprintable() else "?" for c in whole)


@dataclass(frozen=True)
class Flag:
    """Something a human should look at.

    `kind` is one of
    suspicious  the text holds a construct that no exercise needs
    tampering   a false assert passed: the points of that check are withheld
    crashed     the student's code ended its own process, or it was killed at a limit
    rebuilt     the file had to be repaired: renamed, edited, repeated or lost cells
    unreadable  the file is no notebook; nothing could be graded
    """

    kind: str
    where: str
    what: str


@dataclass(frozen=True)
class CheckResult:
    """One check cell. `points` is `max_points` or 0; `error` names the exception, "" if passed."""

    id: str
    exercise: str
    points: int
    max_points: int
    error: str = ""
    message: str = ""
    hidden: bool = False  # the failing line belongs to a hidden test
    in_process: bool = False  # had to run inside the student's process
    changed: bool = False  # the code had changed an argument


@dataclass(frozen=True)
class ManualAnswer:
    """A written or open answer: a human gives the points."""

    id: str
    exercise: str
    max_points: int
    text: str
    blank: bool


@dataclass(frozen=True)
class Result:
    """The whole outcome of one submission.

    `failure` is "" when every check was run or counted; otherwise it says why the grading itself
    (not the student's code) failed, and the result is not kept for resuming.
    """

    checks: tuple[CheckResult, ...]
    manual: tuple[ManualAnswer, ...]
    flags: tuple[Flag, ...] = ()
    failure: str = ""
    seconds: float = field(default=0.0, compare=False)

    @property
    def points(self) -> int:
        """The points that the checks gave."""
        return sum(check.points for check in self.checks)

    @property
    def max_points(self) -> int:
        """The points that the checks can give."""
        return sum(check.max_points for check in self.checks)

    def kinds(self) -> set[str]:
        """Return the kinds of flags raised."""
        return {flag.kind for flag in self.flags}

    def to_json(self) -> str:
        """Return the result as JSON."""
        return json.dumps(asdict(self), indent=1)

    @classmethod
    def from_json(cls, text: str) -> Result:
        """Return the result that `to_json` wrote."""
        data: dict[str, Any] = json.loads(text)
        return cls(
            tuple(CheckResult(**check) for check in data["checks"]),
            tuple(ManualAnswer(**answer) for answer in data["manual"]),
            tuple(Flag(**flag) for flag in data["flags"]),
            data["failure"],
            data["seconds"],
        )
