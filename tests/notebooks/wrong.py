"""Wrong answers: what people plausibly hand in, and the checks that must catch it.

wrong_answers/NAME.toml belongs to the chapter of that name. It holds tables such as

    [[causes-2]]
    mistake = "forgets that the derivative is squared"
    answer = '''
    def layer_factor(...):
        ...
    '''
    loses.causes-2-check-value = "a part of the message that the check then gives"

`loses` names every check cell of the exercise that fails, and no other.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from exercise import Exercise, Namespace, Outcome, assert_lines, exercises

FOLDER = Path(__file__).with_name("wrong_answers")
FEWEST = 4


@dataclass(frozen=True)
class WrongAnswer:
    """One plausible mistake."""

    exercise: str
    mistake: str
    answer: str
    loses: dict[str, str]


def wrong_answers(name: str) -> list[WrongAnswer]:
    """Return the wrong answers for a chapter, such as 01_causes; none if nobody wrote any."""
    path = FOLDER / f"{name}.toml"
    tables = tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return [WrongAnswer(key, **entry) for key, entries in tables.items() for entry in entries]


def disagreements(exercise: Exercise, names: Namespace, wrong: WrongAnswer) -> list[str]:
    """Return where the checks do not say what the wrong answer says they say.

    It is tried both ways: in the place of the solution, as a student hands it in, and after the
    solution, as a reader writes it in the answer cell.
    """
    found: list[str] = []
    solution = (exercise.solution.id, exercise.solution.source)
    answer = (exercise.answer.id, wrong.answer)
    for sources in ([answer], [solution, answer]):
        for cell_id, outcome in names.score(*sources, checks=exercise.checks).items():
            found += _disagreement(cell_id, outcome, wrong.loses.get(cell_id))
    found += [f"there is no check {key}" for key in wrong.loses if key not in _ids(exercise)]
    return list(dict.fromkeys(found))


def _disagreement(cell_id: str, outcome: Outcome, expected: str | None) -> list[str]:
    if expected is None:
        return [] if outcome.points else [f"{cell_id} fails too: {outcome.message}"]
    if outcome.points:
        return [f"{cell_id} does not notice"]
    if outcome.error != "AssertionError" or not expected or expected not in outcome.message:
        return [f"{cell_id} says {outcome.error}: {outcome.message!r}, not {expected!r}"]
    return []


def gaps(exercise: Exercise, names: Namespace, answers: list[WrongAnswer]) -> list[str]:
    """Return what no wrong answer shows to be needed: check cells, and asserts within them.

    A check cell is needed if it alone catches some wrong answer. An assert is needed if it is the
    first of its cell to catch one; so every message is seen.
    """
    found = []
    if len(answers) < FEWEST:
        found.append(f"{len(answers)} wrong answers; an exercise has at least {FEWEST}")
    scores = [names.score(("answer", w.answer), checks=exercise.checks) for w in answers]
    for cell in exercise.checks:
        if not any(_losers(score) == {cell.id} for score in scores):
            found.append(f"{cell.id} alone catches no wrong answer")
        stops = {score[cell.id].line for score in scores if not score[cell.id].points}
        for lines in assert_lines(cell.source):
            if not stops & set(lines):
                found.append(f"{cell.id}, line {lines[0]}: no wrong answer fails this assert first")
    return found


def _losers(score: dict[str, Outcome]) -> set[str]:
    return {cell_id for cell_id, outcome in score.items() if not outcome.points}


def _ids(exercise: Exercise) -> set[str]:
    return {cell.id for cell in exercise.checks}


def strangers(chapter, answers: list[WrongAnswer]) -> list[str]:
    """Return the wrong answers to exercises that the chapter does not have."""
    coded = {exercise.id for exercise in exercises(chapter) if exercise.coded}
    return sorted({wrong.exercise for wrong in answers} - coded)
