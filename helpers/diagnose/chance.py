"""Parts that a pass skips at random: stochastic depth, LayerDrop, sampled paths.

One pass cannot tell them from parts that are cut off, so more are run, with other random numbers.
Only where something got no gradient and the pass used random numbers at all.
"""

from __future__ import annotations

from typing import Final

from torch import Tensor

from .backward import gradients, norm
from .facts import Facts
from .state import Generators, untouched
from .task import Task
from .verdict import listed

__all__ = ["excuse_skipped"]

PATIENCE: Final = 5  # passes in a row that reach nothing new: 1 chance in 400 at a rate of 0.3


def excuse_skipped(
    task: Task, facts: Facts, trainable: dict[str, Tensor], before: Generators
) -> None:
    """Take out of `facts` what other random numbers reach, and say so in a note."""
    missed = [*facts.unreached, *facts.zero]
    if not missed or not before.moved:
        return
    with untouched(task.model):
        out = _out_of_reach(task, {name: trainable[name] for name in missed})
    skipped = [name for name in missed if name not in out]
    if skipped:
        facts.unreached = [name for name in facts.unreached if name in out]
        facts.zero = [name for name in facts.zero if name in out]
        facts.notes.append(
            "Skipped at random in this pass, and reached in others: "
            f"{len(skipped)} of the parameters, {listed(skipped)}."
        )


def _out_of_reach(task: Task, missed: dict[str, Tensor]) -> set[str]:
    """Return the names of those that no pass reaches, trying as long as one brings something."""
    tries, left = 0, dict(missed)
    while left and tries < PATIENCE:
        try:
            loss, _ = task.forward()
        except Exception:  # a model that cannot be run again, as on a stream
            break
        tries += 1
        if loss.grad_fn is None or not any(p.requires_grad for p in left.values()):
            continue  # a forward pass may have frozen them
        slopes = gradients(loss, list(left.values()), [])
        still = {
            name: parameter
            for (name, parameter), slope in zip(left.items(), slopes)
            if slope is None or norm(slope) == 0
        }
        if len(still) < len(left):
            tries, left = 0, still
    return set(left)
