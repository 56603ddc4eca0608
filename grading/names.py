"""What the name of a handed-in file says: whose it is, which attempt, and whether it was late."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import PurePosixPath

CANVAS = re.compile(
    r"(?P<who>[^_/]+)(?P<late>_LATE)?_(?P<user>\d+)_(?P<submission>\d+)_(?P<file>[^/]+)", re.I
)
MOODLE = re.compile(
    r"(?P<who>[^/]+?)_(?P<id>\d+)_assignsubmission_file(?:_(?P<file>[^/]*))?(?:/(?P<inside>.+))?"
)
ATTEMPT = re.compile(r"-(?P<number>\d{1,2})$")
JUNK = re.compile(
    r"(^|/)(__MACOSX|\.ipynb_checkpoints|\.git|__pycache__)/|(^|/)(\._[^/]*|\.DS_Store|Thumbs\.db)$"
)


@dataclass(frozen=True)
class Named:
    """What a path says. `hints` are tried in order against the roster; `label` is for people.

    `folders` are the names of folders above that may be a student's, too.
    """

    source: str  # canvas, moodle, plain; "" if the name is doubtful
    label: str
    hints: dict[str, str] = field(default_factory=dict)
    late: bool = False
    attempt: int = 0
    folders: tuple[str, ...] = ()


def is_junk(path: str) -> bool:
    """Say whether a file is the operating system's or Jupyter's own."""
    return bool(JUNK.search(path))


def parse(path: str, chapter: str) -> Named:
    """Return what the path of a file that was handed in says."""
    parts = PurePosixPath(path).parts
    for number, part in enumerate(parts):
        if match := MOODLE.fullmatch(part):
            if CANVAS.fullmatch(part):
                return Named("", part)
            return _moodle(match, parts[:number])
    name = PurePosixPath(path).name
    if match := CANVAS.fullmatch(name):
        return _canvas(match, parts[:-1])
    return _plain(parts, chapter)


def _canvas(match: re.Match[str], folders: tuple[str, ...]) -> Named:
    attempt = ATTEMPT.search(PurePosixPath(match["file"]).stem)
    return Named(
        "canvas",
        match["who"],
        {"canvas_id": match["user"], "name": match["who"]},
        bool(match["late"]),
        int(attempt["number"]) if attempt else 0,
        folders,
    )


def _moodle(match: re.Match[str], folders: tuple[str, ...]) -> Named:
    hints = {"moodle_id": match["id"], "name": match["who"]}
    return Named("moodle", match["who"], hints, folders=folders)


def plain_hints(who: str) -> dict[str, str]:
    """Return what a name without a form may be."""
    return {"id": who, "email": who, "name": who}


def _plain(parts: tuple[str, ...], chapter: str) -> Named:
    """Return what a plain path says: folder/file.ipynb, student_chapter.ipynb, student.ipynb."""
    stem = re.sub(r"\.zip$", "", parts[-1], flags=re.I).split(".ipynb")[0]
    own = re.sub(rf"^{re.escape(chapter)}[-_ ]+|[-_ ]+{re.escape(chapter)}$", "", stem)
    attempt = re.search(r"(?: \((\d+)\)|[-_]v?(\d{1,2}))$", stem.removeprefix(chapter))
    unnamed = own == stem or stem.startswith(chapter)
    who = parts[-2] if unnamed and len(parts) > 1 else own
    number = int(attempt[1] or attempt[2]) if attempt and who != own else 0
    names = tuple(dict.fromkeys([*parts[:-1], own]))
    return Named("plain", who, plain_hints(who), False, number, names)
