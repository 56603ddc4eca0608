"""A verdict: one of a fixed vocabulary, with everything needed to doubt it."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import Final

from .thresholds import THRESHOLDS

__all__ = ["VERDICTS", "Verdict", "listed", "verdict"]

VERDICTS: Final = (
    "healthy",
    "vanishing",
    "exploding",
    "dead units",
    "saturated",
    "non-finite",
    "unreached parameters",
    "degenerate batch statistics",
)


@dataclass(frozen=True)
class Verdict:
    """What is wrong, where, how it is known and what to do.

    Attributes
    ----------
    name
        One of VERDICTS.
    where
        Module, parameter, 'depth' or 'time'.
    evidence
        What was measured.
    threshold, why
        The limit that was crossed, in words, and why it is there.
    remedy
        What to change first.
    chapter
        Of the course, where it is explained.
    order
        Number of the operation where it starts, among verdicts on the forward pass.
    """

    name: str
    where: str
    evidence: str
    threshold: str
    why: str
    remedy: str
    chapter: str
    order: float = inf

    @property
    def parts(self) -> list[tuple[str, str]]:
        """What a reader is shown, each part with its label."""
        if self.name == "healthy":
            return [("evidence", self.evidence), ("remedy", self.remedy)]
        return [
            ("evidence", self.evidence),
            ("limit", f"{self.threshold}. {self.why}"),
            ("remedy", self.remedy),
            ("chapter", self.chapter),
        ]


def verdict(
    name: str,
    where: str,
    evidence: str,
    limit: tuple[str, str],
    remedy: str,
    chapter: str,
    order: float = inf,
) -> Verdict:
    """Return a verdict; `limit` is a name in THRESHOLDS and the words for its value."""
    key, words = limit
    return Verdict(name, where, evidence, words, THRESHOLDS[key].why, remedy, chapter, order)


def listed(names: list[str], most: int = 4) -> str:
    """Return names with commas, the rest as a count."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
