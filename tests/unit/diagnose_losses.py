"""Losses that do more than compare: margins that are met, penalties, critics, equations."""

from __future__ import annotations

import torch
from diagnose_networks import Case, he, mlp, scaled, vectors
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, mse_loss, triplet_margin_loss


def hinge(output: Tensor, targets: Tensor) -> Tensor:
    return (1 - output[:, 0] * (2.0 * (targets > 2) - 1)).clamp(min=0).mean()


def satisfied() -> Case:
    """A hinge loss that most examples have already met."""
    case = vectors(he(mlp(2, nn.ReLU)), loss_fn=hinge)
    with torch.no_grad():
        case.targets = torch.where(case.model(case.inputs)[:, 0] > 0, 4, 0)
    scaled(case.model, 3.0, "4.")
    return case


class Three(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.encode = nn.Sequential(nn.Linear(20, 32), nn.ReLU(), nn.Linear(32, 16))

    def forward(self, *x: Tensor) -> tuple[Tensor, ...]:
        return tuple(map(self.encode, x))


def triplets() -> Case:
    a = torch.randn(64, 20)
    inputs = (a, a + 0.01 * torch.randn(64, 20), torch.randn(64, 20) * 3)
    return Case(Three(), inputs, None, lambda output, _: triplet_margin_loss(*output))


class Equation(nn.Module):
    """The residual of u' = -u: the model differentiates by its own input."""

    def __init__(self) -> None:
        super().__init__()
        self.u = nn.Sequential(nn.Linear(1, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh())
        self.head = nn.Linear(32, 1)

    def forward(self, t: Tensor) -> Tensor:
        u = self.head(self.u(t))
        (slope,) = torch.autograd.grad(u.sum(), t, create_graph=True)
        return slope + u


def equation() -> Case:
    times = torch.rand(64, 1, requires_grad=True)
    return Case(Equation(), times, torch.zeros(64, 1), mse_loss)


def penalized() -> Case:
    """A critic with a penalty on its slope (Gulrajani et al., 2017)."""
    critic = nn.Sequential(nn.Linear(20, 64), nn.LeakyReLU(0.2), nn.Linear(64, 1))

    def loss(output: Tensor, points: Tensor) -> Tensor:
        x = points.clone().requires_grad_()
        (slope,) = torch.autograd.grad(critic(x).sum(), x, create_graph=True)
        return output.mean() + 10 * (slope.norm(dim=1) - 1).square().mean()

    return Case(critic, torch.randn(32, 20), torch.randn(32, 20), loss)


def generator() -> Case:
    """The loss of a generator passes through a critic that is trained elsewhere."""
    critic = nn.Sequential(nn.Linear(20, 32), nn.LeakyReLU(0.2), nn.Linear(32, 1))
    model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 20), nn.Tanh())

    def loss(output: Tensor, _: None) -> Tensor:
        return binary_cross_entropy_with_logits(critic(output), torch.ones(32, 1))

    return Case(model, torch.randn(32, 8), None, loss)
