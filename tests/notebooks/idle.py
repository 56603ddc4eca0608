"""Answers that do none of what an exercise asks. Each must earn nothing, in every check.

A check that only watches for damage (the given list has changed, something overflows) is passed by
a function that does nothing at all; such a check must also ask for what the call was to do.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from exercise import Exercise, Namespace

# What a function gives back that has not looked at its task; `given` holds its arguments.
RETURNED = {
    "nothing": "None",
    "all arguments": "given",
    "the first two arguments": "given[:2]",
    "a copy of the first argument": "copy.deepcopy(given[0])",
    "zero": "0",
    "one": "1.0",
    "NaN": "math.nan",
    "infinity": "math.inf",
    "an empty list": "[]",
    "two empty lists": "([], [])",
    "an empty tensor": "torch.empty(0)",
    "two empty tensors": "(torch.empty(0), torch.empty(0))",
    "the identity": "lambda u: u",
}
FILLED = {"zeros": 0.0, "ones": 1.0, "NaNs": float("nan")}


def idle_answers(exercise: Exercise) -> dict[str, str]:
    """Return what each answer does, and its source."""
    function = _function(exercise)
    expressions = {f"returns {what}": text for what, text in RETURNED.items()}
    for position, argument in enumerate(function.args.args):
        expressions[f"returns the argument {argument.arg}"] = f"given[{position}]"
    head = f"import copy\nimport math\nimport torch\ndef {function.name}(*given):\n    "
    answers = {what: f"{head}return {text}" for what, text in expressions.items()}
    answers["refuses everything"] = f"{head}raise ValueError('no')"
    for what, number in FILLED.items():
        wrapped = f"{function.name} = hollow({function.name}, float('{number}'))"
        answers[f"returns {what} of the shape of the solution's"] = "\n".join(
            [exercise.solution.source, "from idle import hollow", wrapped]
        )
    return answers


def earnings(exercise: Exercise, names: Namespace) -> list[str]:
    """Return the checks that an idle answer passes, and how, one line each."""
    found = []
    for what, source in idle_answers(exercise).items():
        for cell_id, outcome in names.score(("idle", source), checks=exercise.checks).items():
            if outcome.points:
                found.append(f"{cell_id}: an answer that {what} earns {outcome.points}")
    return found


def _function(exercise: Exercise) -> ast.FunctionDef:
    body = ast.parse(exercise.solution.source).body
    return next(node for node in body if isinstance(node, ast.FunctionDef))


def hollow(function: Callable[..., Any], number: float) -> Callable[..., Any]:
    """Return a function whose results look like those of `function` and hold one number only."""

    def hollowed(*given: Any) -> Any:
        try:
            return filled(function(*copy.deepcopy(given)), number)
        except ValueError:  # the solution refuses, and this answer knows no reason to
            return None

    return hollowed


def filled(value: Any, number: float) -> Any:
    """Return a value of the same kind and shape, with `number` in every place."""
    if isinstance(value, torch.Tensor):
        return torch.full_like(value, number)
    if isinstance(value, np.ndarray):
        return np.full_like(value, number)
    if isinstance(value, Sequence):
        return type(value)(filled(part, number) for part in value)
    if callable(value):
        return hollow(value, number)
    return None if value is None else number
