"""What a claim is once it is decided: numbers, their words, and data."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Final

from helpers.claims import card
from helpers.claims.numbers import last_place, number, with_spread

__all__ = ["MIME", "Claim", "ClaimError"]

MIME: Final = "application/vnd.vanishing-gradients.claim+json"


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A decided claim.

    Attributes
    ----------
    statement, source, unit, reason
        Words of the author; the reason is that of an expected miss.
    kind
        equality, bound, ordering, proportion, expected miss or identity.
    relation
        The sign between measurement and prediction: =, ≤, ≥, >, < or ≠.
    holds
        Whether the claim is true of the measurement.
    predicted
        The number predicted; of an ordering, the least difference; None if it is an array.
    mean, sd, n
        Of the measured values, or of the paired differences of an ordering; n is the number of
        seeds, or of the elements of an identity.
    interval
        mean ± 5 standard errors; of a proportion, the exact binomial interval.
    tolerance, theory_error
        What the prediction may be off by, and the part of it that the theory states.
    deviation
        |mean - predicted|; of arrays, at the element that differs most for its size.
    margin
        By how much the rule is met (positive) or missed (negative).
    values
        The measured values or paired differences, shape (replicas,).
    """

    statement: str
    kind: str
    relation: str
    holds: bool
    margin: float
    tolerance: float
    deviation: float
    n: int
    predicted: float | None = None
    theory_error: float = 0.0
    mean: float | None = None
    sd: float | None = None
    interval: tuple[float, float] | None = None
    values: tuple[float, ...] = ()
    reason: str = ""
    source: str = ""
    unit: str = ""

    @property
    def verdict(self) -> str:
        """The verdict in words."""
        if self.kind == "expected miss":
            return "misses, as expected" if self.holds else "hits, unexpectedly"
        return "holds" if self.holds else "does not hold"

    @property
    def sem(self) -> float | None:
        """The standard error of the mean, where there is a spread."""
        return None if self.sd is None else self.sd / math.sqrt(self.n)

    @property
    def predicted_text(self) -> str:
        """The prediction in words, such as "0.8653" or "difference > 0"."""
        if self.predicted is None:
            return "equal, element by element"
        uncertain = bool(self.sd) or self.kind == "proportion"
        place = last_place(self.sd or self.tolerance) - 1 if uncertain else None
        text = number(self.predicted, 4 if uncertain else 6, place)
        if self.relation in "≤≥<>":
            text = f"{self.relation} {text}"
        if self.kind == "ordering":
            text = f"difference {text}"
        text = text if self.kind == "proportion" else self._with_unit(text)
        return text if self.mean is not None else f"{text} in every element"

    @property
    def measured_text(self) -> str:
        """The measurement in words, such as "0.867 ± 0.011" or "0.93 (186 of 200)"."""
        if self.mean is None:
            same = self.deviation == 0
            return "equal" if same else f"off by {number(self.deviation, 2)} at worst"
        if self.kind == "proportion":
            hits = self._with_unit(f"{round(self.mean * self.n)} of {self.n}")
            return f"{number(self.mean, 3)} ({hits})"
        if self.sd is None:
            return self._with_unit(number(self.mean, 6))
        return self._with_unit(with_spread(self.mean, self.sd))

    @property
    def tolerance_text(self) -> str:
        """The tolerance in words, such as "0.014"; of a proportion, the interval."""
        if self.kind == "proportion" and self.interval is not None:
            return " to ".join(number(end, 3) for end in self.interval)
        text = self._with_unit(number(self.tolerance, 2))
        share = f" (theory {number(self.theory_error, 2)})" if self.theory_error else ""
        return text + share

    @property
    def comparison(self) -> tuple[tuple[str, str], ...]:
        """The numbers behind the verdict: (label, words) pairs in reading order."""
        counted = "elements" if self.kind == "identity" else "seeds"
        single = self.kind == "proportion" or self.n == 1
        return (
            ("predicted", self.predicted_text),
            ("measured" if single else f"measured ({self.n} {counted})", self.measured_text),
            ("interval" if self.kind == "proportion" else "tolerance", self.tolerance_text),
        )

    @property
    def notes(self) -> tuple[tuple[str, str], ...]:
        """Why a miss is expected and where the prediction comes from: (label, words) pairs."""
        pairs = (("because", self.reason), ("source", self.source))
        return tuple((label, text) for label, text in pairs if text)

    def as_dict(self) -> dict[str, Any]:
        """Return everything as JSON data; the seeds' values to 6 significant digits."""
        data = asdict(self)
        data["interval"] = None if self.interval is None else list(self.interval)
        data["values"] = [float(f"{value:.6g}") for value in self.values]
        words = ("verdict", "predicted_text", "measured_text", "tolerance_text")
        return data | {name: getattr(self, name) for name in words}

    def __str__(self) -> str:
        mark = "✓" if self.holds else "✗"
        numbers = "   ".join(f"{label}: {text}" for label, text in self.comparison)
        notes = [f"  {label}: {text}" for label, text in self.notes]
        return "\n".join([f"{mark} {self.verdict}: {self.statement}", f"  {numbers}", *notes])

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        return {"text/plain": str(self), "text/html": card.card(self), MIME: self.as_dict()}

    def _with_unit(self, text: str) -> str:
        return f"{text} {self.unit}".rstrip()


class ClaimError(AssertionError):
    """A claim that does not hold; `claim` is the claim."""

    def __init__(self, claim: Claim) -> None:
        self.claim = claim
        pairs = [*claim.comparison, ("off by", number(claim.deviation, 3)), *claim.notes]
        if claim.kind == "expected miss":
            last = "the prediction is right within its tolerance: claim an equality, or explain"
        else:
            last = f"short of holding by {number(-claim.margin, 2)}"
        lines = [f"  {label}: {text}" for label, text in pairs] + [f"  {last}"]
        super().__init__("\n".join([f"{claim.verdict}: {claim.statement}", *lines]))
