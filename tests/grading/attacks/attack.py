"""What an attack is: data. A submission, and what must come out of grading it."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from attacks.toy import RIGHT, handed_in

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Attack:
    """One bad submission, and what must come out.

    `at_most` are the points of the exercises that it may earn at most; all others are answered
    rightly and must earn everything, unless `costs_all` says that the student loses them too.
    `unflagged` are the points of those exercises that it may earn if no flag is raised.
    `flag`: a flag of one of these kinds must be raised; empty: no flag is asked for.
    """

    name: str
    reason: str
    content: bytes
    at_most: dict[str, int] = field(default_factory=dict)
    flag: tuple[str, ...] = ()
    costs_all: bool = False
    unflagged: int = 9


def read(theme: str) -> dict[str, dict[str, Any]]:
    """Return the entries of a theme: what attacks/THEME.toml says, by name."""
    return tomllib.loads((HERE / f"{theme}.toml").read_text(encoding="utf-8"))


def names(theme: str) -> list[str]:
    """Return the names of the attacks of a theme."""
    return list(read(theme))


@cache
def _of_cells(theme: str, places: tuple[tuple[str, str], ...]) -> dict[str, Attack]:
    return {name: _attack(name, entry, dict(places)) for name, entry in read(theme).items()}


def of_cells(theme: str, places: dict[str, str]) -> dict[str, Attack]:
    """Return attacks whose whole wickedness is the text of a cell; @NAME@ stands for a place."""
    return _of_cells(theme, tuple(places.items()))


def _attack(name: str, entry: dict[str, Any], places: dict[str, str]) -> Attack:
    source, exercise = entry["source"], entry.get("exercise", "cube")
    for place, value in places.items():
        source = source.replace(f"@{place}@", value)
    added = {f"toy-{exercise}-solution": entry["added"]} if "added" in entry else {}
    return Attack(
        name,
        entry.get("reason", ""),
        handed_in({**RIGHT, f"toy-{exercise}-solution": source}, added),
        {exercise: entry.get("at_most", 0)},
        tuple(entry.get("flag", [])),
        entry.get("costs_all", False),
        entry.get("unflagged", 9),
    )
