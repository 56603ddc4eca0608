"""What looks like a fault and is meant, each beside the fault that it looks like."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import torch
from diagnose_networks import Case, scaled
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy, binary_cross_entropy_with_logits, mse_loss


def focal(output: Tensor, targets: Tensor) -> Tensor:
    """Lin et al. (2017), as torchvision writes it."""
    p = output.sigmoid()
    loss = binary_cross_entropy_with_logits(output, targets, reduction="none")
    weight = (1 - (p * targets + (1 - p) * (1 - targets))) ** 2
    return (weight * loss).sum() / targets.sum()


def focal_by_hand(output: Tensor, targets: Tensor) -> Tensor:
    p = output.sigmoid().clamp(1e-6, 1 - 1e-6)
    chosen = p * targets + (1 - p) * (1 - targets)
    return -((1 - chosen) ** 2 * chosen.log()).sum() / targets.sum()


def summed(output: Tensor, targets: Tensor) -> Tensor:
    return binary_cross_entropy(output.sigmoid(), targets, reduction="sum") / len(targets)


def picked(output: Tensor, targets: Tensor) -> Tensor:
    """Cross-entropy by hand, of the most frequent class."""
    p = output.softmax(-1)[range(len(output)), targets.argmax(-1)]
    return -p.clamp(min=1e-30).log().mean()


def squared(output: Tensor, targets: Tensor) -> Tensor:
    return mse_loss(output.sigmoid(), targets, reduction="sum") / len(targets)


def rare(loss_fn: Callable[[Tensor, Tensor], Tensor]) -> Case:
    """Twenty labels that are hardly ever true, and a bias that says so."""
    model = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 20))
    nn.init.constant_(model[2].bias, -4.6)
    targets = (torch.rand(128, 20) < 0.05).float()
    targets[0, 0] = 1.0
    return Case(model, torch.randn(128, 20), targets, loss_fn)


def certain() -> Case:
    """A network that is sure of the wrong class, under a loss that can still tell it so."""
    case = rare(picked)
    scaled(case.model, 80.0, "2.")
    return case


MEANT: Final[dict[str, tuple[str, Callable[[], Case]]]] = {
    "focal loss": ("healthy", lambda: rare(focal)),
    "focal loss by hand": ("healthy", lambda: rare(focal_by_hand)),
    "logistic loss of a sigmoid": ("healthy", lambda: rare(summed)),
    "cross-entropy by hand": ("healthy", certain),
    "squared error of a sigmoid": ("saturated", lambda: rare(squared)),
}  # fmt: skip
