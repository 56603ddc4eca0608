"""Whether an attack came to nothing: the one judgement that all attack tests share."""

from __future__ import annotations

from attacks.attack import Attack
from attacks.places import TOKEN, Places
from attacks.toy import EXPECTED, release

from grading import Limits, Result, grade_submission

LIMITS = Limits(check_seconds=1, session_seconds=60, memory_mb=1000, processes=32)


def graded(content: bytes) -> Result:
    """Grade a submission of the toy chapter in the sandbox."""
    return grade_submission(release().key, content, LIMITS)


def points(result: Result, most: dict[str, int]) -> dict[str, int]:
    """Return the points that the checks of each exercise gave; `most` names the exercises."""
    found = dict.fromkeys(most, 0)
    for check in result.checks:
        found[check.exercise.removeprefix("toy-")] += check.points
    return found


def withstood(attack: Attack, result: Result, full: dict[str, int], places: Places) -> list[str]:
    """Return what went wrong: undeserved or lost points, no flag, a secret told, harm done."""
    wrong = [f"the grading failed: {result.failure}"] if result.failure else []
    for exercise, earned in points(result, full).items():
        if exercise in attack.at_most:
            most = attack.at_most[exercise]
            most = most if result.flags else min(most, attack.unflagged)
            if earned > most:
                wrong.append(f"{exercise}: {earned} points, at most {most}; {result.kinds()}")
        elif earned < full[exercise] and not attack.costs_all:
            wrong.append(f"{exercise}: {earned} points of {full[exercise]}, all of them deserved")
    if attack.flag and not result.kinds() & set(attack.flag):
        wrong.append(f"a flag of {attack.flag} is missing; there are {result.kinds()}")
    return wrong + [f"the result tells {word}" for word in told(result)] + places.harm()


def told(result: Result) -> list[str]:
    """Return the secrets that a student would read in the feedback.

    The message of a failed hidden test may name its number: a student is not shown it.
    """
    shown = [check.message for check in result.checks if not check.hidden]
    said = "".join([*shown, *(f"{flag.where} {flag.what}" for flag in result.flags)])
    everything = result.to_json()
    return [w for w in EXPECTED if w in said] + [TOKEN] * (TOKEN in everything)
