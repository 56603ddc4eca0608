"""What concerns the parameters: norms, gradients over weights, steps, and those without any."""

from __future__ import annotations

import torch
from torch import Tensor

from .backward import norm
from .facts import Facts
from .optimizer import next_step
from .verdict import listed

__all__ = ["fill_steps", "fill_weights"]


def fill_weights(facts: Facts, trainable: dict[str, Tensor], slopes: dict[str, float]) -> None:
    """Fill norms and ratios, of the parameters and of the rows; `slopes` are gradient norms."""
    facts.sizes = {name: norm(parameter) for name, parameter in trainable.items()}
    facts.unreached = [name for name in trainable if name not in slopes]
    facts.zero = [name for name, slope in slopes.items() if slope == 0]
    facts.gates = [
        name
        for name, slope in slopes.items()
        if slope > 0 and facts.sizes[name] == 0 and "bias" not in name.rpartition(".")[2]
    ]
    facts.ratios = {
        name: slopes[name] / facts.sizes[name]
        for name in _matrices(facts, trainable)
        if name in slopes
    }
    for site in facts.sites:
        site.layer.weights = _joint(site.parameters, facts.sizes)
        site.layer.weight_gradient = _joint(site.parameters, slopes)


def fill_steps(
    facts: Facts,
    optimizer: torch.optim.Optimizer,
    trainable: dict[str, Tensor],
    grads: dict[str, Tensor | None],
) -> None:
    """Fill the length of the optimizer's next step over the norm of the weights."""
    steps, note = next_step(optimizer, {id(p): grads[name] for name, p in trainable.items()})
    facts.notes += [note] if note else []
    # Half a unit in the last place of a weight: a smaller step is surely rounded away.
    facts.rounding = max(torch.finfo(p.dtype).eps / 4 for p in trainable.values())
    facts.updates = {
        name: steps[id(trainable[name])] / facts.sizes[name]
        for name in _matrices(facts, trainable)
        if id(trainable[name]) in steps
    }
    idle = {*facts.unreached, *facts.zero}
    still = [n for n, p in trainable.items() if n not in idle and steps.get(id(p)) == 0]
    if still and any(steps.values()):
        facts.notes.append(
            f"The optimizer's next step leaves {len(still)} of {len(trainable)} parameters where "
            f"they are although they have a gradient: {listed(still)}. Look at the learning rate "
            "of their group: is it 0, or will a schedule raise it?"
        )
    for site in facts.sites:
        moved = [facts.updates[name] for name in site.parameters if name in facts.updates]
        site.layer.update = max(moved, default=None)


def _matrices(facts: Facts, trainable: dict[str, Tensor]) -> list[str]:
    """Return the names of the matrices and kernels that are not zero."""
    return [name for name, p in trainable.items() if p.dim() >= 2 and facts.sizes[name] > 0]


def _joint(names: tuple[str, ...], norms: dict[str, float]) -> float | None:
    values: list[float] = [norms[name] for name in names if name in norms]
    return sum(value * value for value in values) ** 0.5 if values else None
