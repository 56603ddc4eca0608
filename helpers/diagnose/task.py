"""The arguments of a diagnosis together, and one forward pass with them."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from .arguments import LossFunction, call_loss, call_model, copied, tensors
from .watch import Watch

__all__ = ["Task"]


@dataclass(frozen=True)
class Task:
    """The arguments of `diagnose`, checked."""

    model: nn.Module
    loss_fn: LossFunction
    inputs: Any
    targets: Any
    optimizer: torch.optim.Optimizer | None

    def others(self) -> set[int]:
        """Return the ids of trainable tensors that others than the model answer for."""
        loss = self.loss_fn.parameters() if isinstance(self.loss_fn, nn.Module) else ()
        groups = self.optimizer.param_groups if self.optimizer is not None else ()
        return {id(p) for p in (*loss, *(p for group in groups for p in group["params"]))}

    @property
    def differentiates(self) -> bool:
        """Say whether the inputs need a gradient of their own, as for a differential equation."""
        return any(tensor.requires_grad for tensor in tensors(self.inputs))

    def forward(
        self, watch: Watch | None = None, leaves: list[Tensor] | None = None
    ) -> tuple[Tensor, Any]:
        """Return the loss and the output of one forward pass on copies of the inputs."""
        if leaves is None and self.differentiates:
            leaves = []
        with watch or nullcontext():
            output = call_model(self.model, copied(self.inputs, leaves))
        return call_loss(self.loss_fn, output, copied(self.targets)), output
