"""The step an optimizer would take next, on copies: nothing of it or of the model is changed."""

from __future__ import annotations

import copy
from collections import defaultdict
from typing import Any

from torch import Tensor
from torch.optim import Optimizer

from .backward import norm

__all__ = ["next_step", "unlisted"]


def next_step(
    optimizer: Optimizer, gradients: dict[int, Tensor | None]
) -> tuple[dict[int, float], str]:
    """Return how far each parameter (by id) would move in one step, or a note why that is unknown.

    The copy has the optimizer's own state (momentum, moments, step count) and none of its hooks.
    """
    twin = copy.copy(optimizer)  # goes through __getstate__: no hooks, no scheduler's wrapper
    twin.__dict__.pop("step", None)
    copies: dict[int, Tensor] = {}
    twin.param_groups = [_copied(group, gradients, copies) for group in optimizer.param_groups]
    twin.state = defaultdict(dict)
    for parameter, state in optimizer.state.items():
        if id(parameter) in copies:
            twin.state[copies[id(parameter)]] = {k: _clone(v) for k, v in state.items()}
    before = {key: value.detach().clone() for key, value in copies.items()}
    try:
        type(twin).step(twin)
    except Exception as error:  # an optimizer that wants a closure, or sparse gradients, or more
        return {}, f"The step of {type(optimizer).__name__} could not be simulated: {error}"
    return {key: norm(value.detach() - before[key]) for key, value in copies.items()}, ""


def _copied(
    group: dict[str, Any], gradients: dict[int, Tensor | None], copies: dict[int, Tensor]
) -> dict[str, Any]:
    fresh = []
    for parameter in group["params"]:
        twin = parameter.detach().clone().requires_grad_(parameter.requires_grad)
        gradient = gradients.get(id(parameter))
        twin.grad = None if gradient is None else gradient.detach().clone()
        copies[id(parameter)] = twin
        fresh.append(twin)
    return {**{k: _clone(v) for k, v in group.items() if k != "params"}, "params": fresh}


def _clone(value: Any) -> Any:
    return value.detach().clone() if isinstance(value, Tensor) else copy.copy(value)


def unlisted(optimizer: Optimizer, parameters: dict[str, Tensor]) -> list[str]:
    """Return the names of trainable parameters that the optimizer does not hold."""
    held = {id(p) for group in optimizer.param_groups for p in group["params"]}
    return [n for n, p in parameters.items() if p.requires_grad and id(p) not in held]
