"""Claims: a sentence about behaviour, a prediction, a measurement on many seeds, a verdict.

A claim holds by a rule that leaves nothing to adjust. The tolerance belongs to the mean and is the
error the theory states about itself plus 5 standard errors of the mean (SEM). For normal data and
many seeds that is a false alarm in 1.7 million; for 16 seeds, one in 6,300; for 8, one in 640
(Student's t).

Moving the prediction by more than twice its tolerance makes a claim fail, which means:

- equality: from any place where it holds, in either direction;
- proportion: the same, with half the width of the exact interval as the tolerance (a value outside
  [0, 1] is refused);
- identity: the same, where the tolerance is rounding;
- bound, ordering: a loose bound is true and stays true when moved a little. One that just holds
  fails when moved the sharp way (a larger margin, a smaller upper bound), and so does any bound
  moved past the mean by the theory's error;
- expected miss: a miss that just holds fails when the prediction is moved towards the mean, where
  it comes true; a wide miss fails once the prediction is moved to within the tolerance.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from helpers.claims import relations
from helpers.claims.result import MIME, Claim, ClaimError

__all__ = ["MIME", "Claim", "ClaimError", "check", "claim"]

RELATIONS: Final[dict[str, Callable[..., relations.Numbers]]] = {
    "predicted": relations.equality,
    "at_most": relations.bound,
    "at_least": relations.bound,
    "above": relations.ordering,
    "below": relations.ordering,
    "proportion": relations.proportion,
    "proportion_at_least": relations.proportion,
    "proportion_at_most": relations.proportion,
    "exactly": relations.identity,
}
REFINEMENTS: Final = {
    "theory_error": ("predicted", "at_most", "at_least"),
    "misses_because": ("predicted",),
    "by": ("above", "below"),
}


def claim(
    statement: str, *, measured: Any, source: str = "", unit: str = "", **relation: Any
) -> None:
    """Show a claim with its verdict, then raise if it does not hold. Arguments as in `check`.

    It returns nothing, so that a notebook does not show it a second time.

    Raises
    ------
    ClaimError
        If the claim does not hold; its `claim` attribute is the `Claim`.
    TypeError, ValueError
        As `check` does.
    """
    result = check(statement, measured=measured, source=source, unit=unit, **relation)
    _show(result)
    if not result.holds:
        raise ClaimError(result)


def check(
    statement: str, *, measured: Any, source: str = "", unit: str = "", **relation: Any
) -> Claim:
    """Decide a claim and return it, whether it holds or not.

    Parameters
    ----------
    statement
        A sentence in plain text; symbols as Unicode (σ_w², δ, ≤): `$maths$` is not rendered.
    measured
        One value per seed, shape (replicas,), at least 8: an array, a list or a PyTorch tensor.
        Booleans for a proportion; any shape for `exactly`.
    source
        Where the prediction comes from, such as "He et al. 2015, eq. 10".
    unit
        Written after the numbers.
    **relation
        Exactly one of these, with its refinements:

        - `predicted=x` (`theory_error=0.0`): |mean - x| <= theory_error + 5 SEM. The theory error
          is absolute and computed by the theory, never chosen by hand.
        - `at_most=b` or `at_least=b` (`theory_error=0.0`): the mean respects the bound by 5 SEM:
          mean + 5 SEM <= b + theory_error. Established, not merely unrefuted.
        - `above=other` or `below=other` (`by=0.0`): `other` has shape (replicas,), on the same
          seeds; the mean difference exceeds `by` by more than 5 SEM of the differences.
        - `proportion=p`, `proportion_at_least=p`, `proportion_at_most=p`: by the exact interval of
          Clopper and Pearson (1934), at the two-sided level of 5 standard errors (5.7e-7): p lies
          in it, or the whole interval lies beyond p. It is wide: 8 of 8 establish a share above
          0.15, 22 of 22 one above 0.5, 64 of 64 one above 0.79.
        - `predicted=x, misses_because="reason"`: an expected miss, the prediction of a simple
          theory that is known to fail here: |mean - x| > theory_error + 5 SEM.
        - `exactly=x`: a scalar or an array; every element within 2**10 rounding errors of
          `measured`'s type (float32 or finer), relative to the larger of the two; integers and
          booleans are equal. A sum that cancels to 0 has nothing to be relative to: compare its
          positive part with its negative one.

    Raises
    ------
    TypeError
        If an argument is of the wrong type or unknown.
    ValueError
        If there is not exactly one relation, a value is NaN or infinite, there are fewer than 8
        seeds, or `measured` is not one value per seed.
    """
    given_words = {"statement": statement, "source": source, "unit": unit}
    words: dict[str, Any] = {name: _words(name, text) for name, text in given_words.items()}
    if not words["statement"]:
        raise ValueError("statement must be a sentence; got an empty string")
    name = _one_relation(relation)
    given = {key: value for key, value in relation.items() if key != name and value is not None}
    numbers = RELATIONS[name](measured, name, relation[name], **given)
    return Claim(**words, **numbers)


def _words(name: str, text: Any) -> str:
    if not isinstance(text, str):
        raise TypeError(f"{name} must be a string; got {text!r}")
    return " ".join(text.split())


def _one_relation(relation: dict[str, Any]) -> str:
    allowed = ", ".join(RELATIONS)
    unknown = [name for name in relation if name not in RELATIONS and name not in REFINEMENTS]
    if unknown:
        raise TypeError(f"a relation must be one of {allowed}; got {', '.join(unknown)}")
    named = [name for name in relation if name in RELATIONS and relation[name] is not None]
    if len(named) != 1:
        raise ValueError(
            f"a claim needs exactly one of {allowed}; got {' and '.join(named) or 'none'}"
        )
    for extra, places in REFINEMENTS.items():
        if relation.get(extra) is not None and named[0] not in places:
            raise ValueError(f"{extra} belongs to {' or '.join(places)}; got it with {named[0]}")
    return named[0]


def _show(result: Claim) -> None:
    try:
        from IPython.core.getipython import get_ipython
        from IPython.display import display
    except ImportError:
        print(result)
        return
    if get_ipython() is None:
        print(result)
    else:
        display(result)  # type: ignore[no-untyped-call]
