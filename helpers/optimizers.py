"""The optimizers, and the two ways to clip: one update for all replicas, each at its own rate."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from helpers.checks import one_of

__all__ = ["OPTIMIZERS", "SGD", "Adam", "clip_norm_", "clip_value_", "make"]

OPTIMIZERS = ("sgd", "momentum", "adam")


class SGD:
    """Stochastic gradient descent, with momentum if asked, as in `torch.optim.SGD`.

    Parameters
    ----------
    parameters
        Tensors (replicas, ., .).
    lr
        (replicas, 1, 1), one learning rate per replica.
    momentum
        0 <= momentum < 1.
    """

    def __init__(self, parameters: Sequence[Tensor], lr: Tensor, momentum: float = 0.0) -> None:
        self.parameters, self.lr, self.momentum = list(parameters), lr, momentum
        self.velocities = [torch.zeros_like(p) for p in self.parameters] if momentum else []

    @torch.no_grad()
    def step(self, gradients: Sequence[Tensor]) -> None:
        """Move the parameters, in place, against their gradients."""
        for v, g in zip(self.velocities, gradients):
            v.mul_(self.momentum).add_(g)
        for p, g in zip(self.parameters, self.velocities or gradients):
            p -= self.lr * g


class Adam:
    """Adam, as in `torch.optim.Adam` (Kingma & Ba 2015); `lr` is (replicas, 1, 1)."""

    def __init__(
        self,
        parameters: Sequence[Tensor],
        lr: Tensor,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
    ) -> None:
        self.parameters, self.lr, self.betas, self.eps = list(parameters), lr, betas, eps
        self.means = [torch.zeros_like(p) for p in self.parameters]
        self.squares = [torch.zeros_like(p) for p in self.parameters]
        self.steps = 0

    @torch.no_grad()
    def step(self, gradients: Sequence[Tensor]) -> None:
        """Move the parameters, in place, by about `lr` each, whatever the gradients' size."""
        self.steps += 1
        beta1, beta2 = self.betas
        correction1, correction2 = 1 - beta1**self.steps, 1 - beta2**self.steps
        for p, m, v, g in zip(self.parameters, self.means, self.squares, gradients):
            m.lerp_(g, 1 - beta1)
            v.mul_(beta2).addcmul_(g, g, value=1 - beta2)
            denominator = v.sqrt() / correction2**0.5 + self.eps
            p -= self.lr / correction1 * (m / denominator)


def make(name: str, parameters: Sequence[Tensor], lr: Tensor) -> SGD | Adam:
    """Return the optimizer of that name in `OPTIMIZERS`; "momentum" is SGD with momentum 0.9.

    Raises
    ------
    ValueError
        If the name is unknown.
    """
    kind = one_of("optimizer", name, OPTIMIZERS)
    if kind == "adam":
        return Adam(parameters, lr)
    return SGD(parameters, lr, momentum=0.9 if kind == "momentum" else 0.0)


@torch.no_grad()
def clip_norm_(gradients: Sequence[Tensor], limit: Tensor) -> Tensor:
    """Scale each replica's gradients, in place, to a joint norm of at most `limit`.

    The rule of `torch.nn.utils.clip_grad_norm_`, applied to every replica by itself: one norm for
    all would tie the seeds together.

    Parameters
    ----------
    gradients
        Tensors (replicas, ., .).
    limit
        (replicas, 1, 1).

    Returns
    -------
    norms
        (replicas,): the norms before clipping.

    References
    ----------
    Pascanu, Mikolov & Bengio (2013).
    """
    squares = [g.square().sum(dim=(-2, -1)) for g in gradients]
    norms = torch.stack(squares).sum(dim=0).sqrt()
    scale = (limit / (norms.reshape(-1, 1, 1) + 1e-6)).clamp(max=1.0)
    for g in gradients:
        g *= scale
    return norms


@torch.no_grad()
def clip_value_(gradients: Sequence[Tensor], limit: Tensor) -> None:
    """Cut each entry of the gradients, in place, to [-limit, limit] of its replica.

    The rule of `torch.nn.utils.clip_grad_value_`; it bends the direction. Shapes as in
    `clip_norm_`. Source: Mikolov (2012).
    """
    for g in gradients:
        g.clamp_(min=-limit, max=limit)
