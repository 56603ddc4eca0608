"""What looks like a fault and is meant, each beside the fault that it looks like."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import torch
from diagnose_networks import Case, Through, mlp, scaled, vectors, words
from torch import Tensor, nn
from torch.nn.functional import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    mse_loss,
    nll_loss,
    relu,
)


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


class Free(nn.Module):
    """A variational autoencoder whose divergence is free up to a floor (Kingma et al., 2016)."""

    def __init__(self) -> None:
        super().__init__()
        self.encode, self.decode = nn.Linear(20, 16), nn.Linear(8, 20)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        mean, log_variance = self.encode(x).chunk(2, 1)
        noise = torch.randn_like(mean) * (log_variance / 2).exp()
        divergence = -0.5 * (1 + log_variance - mean.square() - log_variance.exp())
        return self.decode(mean + noise), divergence.mean(0).clamp(min=2.0).sum()


def free() -> Case:
    def bound(output: tuple[Tensor, Tensor], targets: Tensor) -> Tensor:
        return mse_loss(output[0], targets, reduction="sum") / len(targets) + output[1]

    x = torch.randn(64, 20)
    return Case(Free(), x, x, bound)


def clipped(gain: float, low: float, high: float) -> Case:
    before = nn.Linear(20, 64)
    before.weight.data.mul_(gain)
    clip: Callable[[Tensor], Tensor] = lambda h: h.clamp(low, high)  # noqa: E731
    return vectors(Through(before, clip, nn.Linear(64, 5)))


def topped() -> Case:
    """All outputs at the upper end of their range."""
    model = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 1), nn.Hardtanh(0, 1))
    nn.init.constant_(model[2].bias, 3.0)
    return Case(model, torch.randn(64, 20), torch.rand(64, 1), mse_loss)


def whispered() -> Case:
    """Embeddings of a ten-thousandth, as in RWKV, under a norm with the eps of BERT."""
    embed, norm = nn.Embedding(30, 64), nn.LayerNorm(64, eps=1e-12)
    nn.init.uniform_(embed.weight, -1e-4, 1e-4)
    rest = (nn.Flatten(), nn.Linear(640, 64), nn.ReLU(), nn.Linear(64, 5))
    return words(nn.Sequential(embed, norm, *rest), steps=10)


def decayed() -> Case:
    """Weights that decay has brought to nothing, and biases that are all that is left."""
    case = vectors(mlp(5, nn.ReLU))
    for name, parameter in case.model.named_parameters():
        parameter.data.mul_(1e-6 if "weight" in name else 1.0)
    for k in (0, 2):
        nn.init.zeros_(case.model[k].bias)
    return case


class Dropped(nn.Module):
    """A residual branch that is left out at random, by not calling it or by a factor of zero."""

    def __init__(self, rate: float, called: bool) -> None:
        super().__init__()
        self.branch = nn.Sequential(nn.LayerNorm(32), nn.Linear(32, 32), nn.GELU())
        self.rate, self.called = rate, called

    def forward(self, x: Tensor) -> Tensor:
        kept = (torch.rand(()) >= self.rate) if self.training else torch.tensor(1.0)
        if not self.called and not kept:
            return x
        return x + self.branch(x) * kept


def stochastic(called: bool, rate: float = 0.3) -> Case:
    """Huang et al. (2016), and LayerDrop of Fan et al. (2020); the last branch at `rate`."""
    blocks = [Dropped(0.3, called) for _ in range(8)]
    return vectors(
        nn.Sequential(nn.Linear(20, 32), *blocks, Dropped(rate, called), nn.Linear(32, 5))
    )


class Scaled(nn.Module):
    """A branch behind a factor: a layer scale (Touvron et al., 2021), or one that never changes."""

    def __init__(self, trained: bool) -> None:
        super().__init__()
        self.branch = nn.Sequential(nn.Linear(32, 32), nn.GELU(), nn.Linear(32, 32))
        self.scale = nn.Parameter(torch.full((32,), 1e-7), requires_grad=trained)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.scale * self.branch(x)


def one_scaled(trained: bool) -> Case:
    before = [m for _ in range(3) for m in (nn.Linear(32, 32), nn.GELU())]
    return vectors(
        nn.Sequential(
            nn.Linear(20, 32), *before, Scaled(trained), nn.LayerNorm(32), nn.Linear(32, 5)
        )
    )


class Iterated(nn.Module):
    """Iterates towards a fixed point (Bai et al., 2019), or reads a sequence step by step."""

    def __init__(self, inside: bool, fed: bool = True) -> None:
        super().__init__()
        self.read, self.core = nn.Linear(20, 64), nn.Linear(64, 64, bias=inside)
        nn.init.orthogonal_(self.core.weight, 0.6)
        self.head, self.inside, self.fed = nn.Linear(64, 5), inside, fed

    def forward(self, x: Tensor) -> Tensor:
        u = self.read(x)
        z = torch.zeros_like(u)
        for step in u.expand(40, *u.shape).unbind(0):
            now = u if self.fed else step
            z = torch.tanh(self.core(z + now) if self.inside else self.core(z) + now)
        return self.head(z)


MEANT: Final[dict[str, tuple[str, Callable[[], Case]]]] = {
    "focal loss": ("healthy", lambda: rare(focal)),
    "focal loss by hand": ("healthy", lambda: rare(focal_by_hand)),
    "logistic loss of a sigmoid": ("healthy", lambda: rare(summed)),
    "cross-entropy by hand": ("healthy", certain),
    "squared error of a sigmoid": ("saturated", lambda: rare(squared)),
    "floor under the divergence": ("healthy", free),
    "root with a floor": (
        "healthy",
        lambda: vectors(
            Through(
                nn.Linear(20, 64), lambda h: relu(h).clamp(min=1e-6).sqrt(), nn.Linear(64, 5)
            )
        ),
    ),
    "tiny embedding before a norm": ("healthy", whispered),
    "weights that decayed": ("vanishing", decayed),
    "stochastic depth": ("healthy", lambda: stochastic(called=True)),
    "layers dropped": ("healthy", lambda: stochastic(called=False)),
    "a factor that is always zero": ("vanishing", lambda: stochastic(called=True, rate=1.0)),
    "a layer that is never called": (
        "unreached parameters",
        lambda: stochastic(called=False, rate=1.0),
    ),
    "one layer scale": ("healthy", lambda: one_scaled(trained=True)),
    "one factor near zero for ever": ("vanishing", lambda: one_scaled(trained=False)),
    "softmax and no logarithm": (
        "saturated",
        lambda: vectors(mlp(2, nn.ReLU), loss_fn=lambda o, y: nll_loss(o.softmax(-1), y)),
    ),
    "softmax and its logarithm": (
        "healthy",
        lambda: vectors(mlp(2, nn.ReLU), loss_fn=lambda o, y: nll_loss(o.log_softmax(-1), y)),
    ),
    "fixed point": ("healthy", lambda: vectors(Iterated(inside=False))),
    "fixed point, input inside": ("healthy", lambda: vectors(Iterated(inside=True))),
    "recurrence by hand": ("vanishing", lambda: vectors(Iterated(inside=False, fed=False))),
    "rectifier with a ceiling": ("healthy", lambda: clipped(1.0, 0.0, 1.0)),
    "rectifier on its ceiling": ("saturated", lambda: clipped(50.0, 0.0, 1.0)),
    "output on its ceiling": ("saturated", topped),
}  # fmt: skip
