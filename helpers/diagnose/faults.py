"""Find where the first NaN or infinity came from, once there is one."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from .arguments import tensors
from .graph import Graph
from .nonfinite import Fault, FirstFault, broken, counted, first_broken_gradient
from .task import Task
from .watch import Watch

__all__ = ["find_faults"]


def find_faults(
    task: Task, trainable: dict[str, Tensor], bad: Sequence[str], loss: float
) -> list[Fault]:
    """Return the faults in the order of suspicion, running once more to locate them.

    `bad` names the parameters whose gradient is not finite.
    """
    faults = _stored(task)
    watch = Watch(task.model, values=False)
    if not math.isfinite(loss):
        with FirstFault(watch) as probe, torch.set_grad_enabled(task.differentiates):
            task.forward(watch)
        return [*faults, probe.found or Fault("loss", "")]
    again, _ = task.forward(watch)
    assert again.grad_fn is not None
    nodes = Graph(again.grad_fn, {}).nodes
    owners = {node: watch.owner(node) for node in nodes}
    found = first_broken_gradient(
        nodes, again, list(trainable.values()), lambda node: getattr(owners[node], "name", "loss")
    )
    return [*faults, found or Fault("backward", bad[-1])]


def _stored(task: Task) -> list[Fault]:
    """Return the NaN and infinities that were there before anything ran."""
    named = task.model.named_parameters()
    stored: list[tuple[str, str, Tensor]] = [("parameter", name, p) for name, p in named]
    # An infinity in a buffer may be an attention mask.
    stored += [("buffer", n, b) for n, b in task.model.named_buffers() if bool(b.isnan().any())]
    for what, value in (("inputs", task.inputs), ("targets", task.targets)):
        stored += [(what, "", tensor) for tensor in tensors(value)]
    return [
        Fault(what, where, detail=counted(tensor))
        for what, where, tensor in stored
        if broken(tensor)
    ]
