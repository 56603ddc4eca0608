"""Every chapter as it is graded: the reference, the untouched release, and every wrong answer.

One session for each chapter, since importing torch takes most of the time.
"""

import json

import pytest
from chapter import CHAPTERS
from wrong import wrong_answers

from grading import Limits, make_release
from grading.run import _session

LIMITS = Limits(check_seconds=30, session_seconds=300)


def graded(content, answers):
    """Return, for each (exercise id, solution source), {check id: verdict}."""
    exercises = {exercise["id"]: exercise for exercise in content["exercises"]}
    jobs = []
    for name, source in answers:
        cells = [[exercises[name]["solutions"][0]["id"], source]]
        jobs.append({**exercises[name], "cells": cells, "own": cells})
    session = _session(content["setup"], jobs, LIMITS, sandboxed=True)
    assert not session.errors, session.errors
    assert not session.stopped
    assert len(session.exercises) == len(jobs)
    return [{v["id"]: v for v in found["verdicts"]} for found in session.exercises]


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_a_chapter_is_graded_as_its_author_meant(path):
    content = make_release(path).content
    coded = [e for e in content["exercises"] if e["checks"]]
    wrong = wrong_answers(path.stem)
    answers = [
        (e["id"], e["solutions"][0][which]) for e in coded for which in ("reference", "stub")
    ]
    verdicts = graded(content, answers + [(w.exercise, w.answer) for w in wrong])
    for reference, stub in zip(verdicts[: 2 * len(coded) : 2], verdicts[1::2]):
        assert [v["error"] for v in reference.values()] == [""] * len(reference), reference
        assert {v["error"] for v in stub.values()} == {"NotImplementedError"}
    for answer, found in zip(wrong, verdicts[2 * len(coded) :]):
        lost = {name: v["message"] for name, v in found.items() if v["error"]}
        assert set(lost) == set(answer.loses), f"{answer.mistake}: {json.dumps(found, indent=1)}"
        for name, said in answer.loses.items():
            assert said in lost[name], answer.mistake
