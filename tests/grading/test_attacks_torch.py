"""Attacks on the book's own chapters, where PyTorch itself can be turned against the checks."""

import json
import re
from functools import cache
from pathlib import Path

import pytest
from attacks.attack import Attack, read
from attacks.judge import points, withstood

from grading import Limits, grade_submission, make_release

HERE = Path(__file__).parent
ENTRIES = read("torch")
MARKER = re.compile(r"^[ \t]*### (?:BEGIN|END) SOLUTION\n?", re.MULTILINE)
LIMITS = Limits(check_seconds=20, session_seconds=120)
HONEST = """
import math
import numpy as np
from typing import Callable

def _product(delta: torch.Tensor, W: torch.Tensor) -> torch.Tensor:
    '''Sum over the units above, with einsum.'''
    return torch.einsum("rbj,rij->rbi", delta, W)

def delta_below(delta, W, z, slope: Callable):
    slopes = slope(z)
    print("slopes between", slopes.min().item(), "and", slopes.max().item())
    result = _product(delta, W)
    result *= slopes
    return result
"""


@cache
def release(chapter):
    return make_release(HERE.parents[1] / "chapters" / f"{chapter}.ipynb")


def handed_in(chapter, **answers):
    """The chapter with its own reference solutions, but for some cells."""
    content = release(chapter).content
    right = {
        cell["id"]: MARKER.sub("", cell["reference"])
        for exercise in content["exercises"]
        for cell in exercise["solutions"]
    }
    notebook = json.loads(release(chapter).student)
    for cell in notebook["cells"]:
        cell["source"] = {**right, **answers}.get(cell["id"], cell["source"])
    return json.dumps(notebook).encode()


def most(chapter):
    """The points of each exercise that checks give."""
    exercises = release(chapter).content["exercises"]
    found = {e["id"]: sum(check["points"] for check in e["checks"]) for e in exercises}
    return {name: points for name, points in found.items() if points}


@pytest.mark.parametrize("name", ENTRIES)
def test_an_attack_through_torch_gains_nothing(name, around):
    entry = ENTRIES[name]
    chapter, cell = entry["chapter"], entry["cell"]
    attack = Attack(
        name,
        entry["reason"],
        handed_in(chapter, **{cell: entry["source"]}),
        {cell.removesuffix("-solution"): entry.get("at_most", 0)},
        tuple(entry.get("flag", [])),
        unflagged=entry.get("unflagged", 9),
    )
    result = grade_submission(release(chapter).key, attack.content, LIMITS)
    assert withstood(attack, result, most(chapter), around) == [], attack.reason


def test_an_honest_answer_in_another_style_earns_everything():
    content = handed_in("01_causes", **{"causes-2-solution": HONEST})
    result = grade_submission(release("01_causes").key, content, LIMITS)
    assert points(result, most("01_causes")) == most("01_causes"), result
    assert result.flags == ()
