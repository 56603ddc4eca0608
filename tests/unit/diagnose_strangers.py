"""Networks as strangers bring them: masks, sparse parts, penalties, branches, own operations."""

from __future__ import annotations

from collections import UserDict
from collections.abc import Callable
from typing import Any, Final

import torch
from diagnose_losses import equation, generator, penalized, satisfied, triplets
from diagnose_networks import CE, Case, Last, cnn, he, images, mlp, scaled, vectors, words
from diagnose_tricky import Packed
from torch import Tensor, nn
from torch.nn.functional import interpolate, linear, max_pool2d


def bags() -> Case:
    """Sparse gradients, those of an earlier step still there."""
    model = nn.Sequential(nn.EmbeddingBag(100, 16, sparse=True), nn.Linear(16, 5))
    case = Case(model, torch.randint(0, 100, (8, 6)), torch.randint(0, 5, (8,)))
    CE(model(case.inputs), case.targets).backward()
    return case


class Padded(nn.Module):
    """An encoder that is told where the padding is, and may leave it out in eval mode."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(30, 32, padding_idx=0)
        layer = nn.TransformerEncoderLayer(32, 4, 64, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 3)
        self.head = nn.Linear(32, 5)

    def forward(self, x: Tensor) -> Tensor:
        y = self.encoder(self.embed(x), src_key_padding_mask=x == 0)
        return self.head(y[:, 0])


def padded() -> Case:
    case = words(Padded())
    case.inputs = case.inputs.clamp_min(1)
    for k, row in enumerate(case.inputs):
        row[3 + k :] = 0
    return case


def both_ways(kind: type[nn.RNNBase], steps: int) -> Case:
    model = Packed(kind, bidirectional=True, batch_first=True)
    return Case(model, torch.randn(8, steps, 6), torch.randint(0, 5, (8,)))


class Product(torch.autograd.Function):
    """A matrix product with a derivative of one's own."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, w: Tensor) -> Tensor:
        ctx.save_for_backward(x, w)
        return x @ w

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor]:
        x, w = ctx.saved_tensors
        return gradient @ w.T, x.T @ gradient


class Own(nn.Module):
    def __init__(self, gain: float) -> None:
        super().__init__()
        sizes = [20] + [64] * 8
        self.weights = nn.ParameterList(
            [torch.randn(n, 64) * gain * n**-0.5 for n in sizes],
        )
        self.head = nn.Linear(64, 5)

    def forward(self, x: Tensor) -> Tensor:
        for weight in self.weights:
            x = torch.relu(Product.apply(x, weight))
        return self.head(x)


class Rounded(torch.autograd.Function):
    """Eight bits of a weight, with the derivative of the identity."""

    @staticmethod
    def forward(ctx: Any, w: Tensor, bits: int) -> Tensor:
        return torch.round(w * 2**bits) / 2**bits

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return gradient, None


class Quantized(nn.Linear):
    def forward(self, x: Tensor) -> Tensor:
        return linear(x, Rounded.apply(self.weight, 8), self.bias)


def quantized(factor: float) -> Case:
    layers = [m for k in range(8) for m in (Quantized(64 if k else 20, 64), nn.ReLU())]
    return vectors(scaled(he(nn.Sequential(*layers, nn.Linear(64, 5))), factor))


class Branches(nn.Module):
    """A deep branch beside a shallow one, and more layers above both."""

    def __init__(self, deep: nn.Module, deep_first: bool) -> None:
        super().__init__()
        self.read, self.deep, self.deep_first = nn.Linear(20, 64), deep, deep_first
        self.shallow = nn.Sequential(nn.Linear(64, 64), nn.ReLU())
        self.rest = he(_stack(16, nn.ReLU))
        self.head = nn.Linear(64, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.read(x)
        order = (self.deep, self.shallow) if self.deep_first else (self.shallow, self.deep)
        return self.head(self.rest(order[0](x) + order[1](x)))


def _stack(depth: int, activation: Callable[[], nn.Module]) -> nn.Module:
    return nn.Sequential(*[m for _ in range(depth) for m in (nn.Linear(64, 64), activation())])


class Unregistered(nn.Module):
    """A trainable tensor that is no nn.Parameter."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = (torch.randn(20, 20) * 0.2).requires_grad_()
        self.head = nn.Linear(20, 5)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(torch.relu(x @ self.weight))


class Graph(nn.Module):
    """A sparse adjacency, kept as a plain attribute."""

    def __init__(self) -> None:
        super().__init__()
        self.links = ((torch.rand(64, 64) < 0.1).float() + torch.eye(64)).to_sparse()
        self.first, self.second = nn.Linear(20, 32), nn.Linear(32, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(torch.sparse.mm(self.links, self.first(x)))
        return torch.sparse.mm(self.links, self.second(x))


class Named(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = mlp(2, nn.ReLU)

    def forward(self, x: Tensor, mask: None = None) -> Tensor:
        return self.inner(x)


def by_name() -> Case:
    """A mapping that is no dict, as tokenizers return it."""
    case = vectors(Named())
    case.inputs = UserDict(x=case.inputs)
    return case


def remembering() -> Case:
    """An LSTM that has learned to keep the sign of its first input, by saturating."""
    case = Case(Last(nn.LSTM), torch.randn(64, 12, 6), torch.zeros(64, dtype=torch.long))
    case.targets = (case.inputs[:, 0, 0] > 0).long()
    optimizer = torch.optim.Adam(case.model.parameters(), 0.02)
    for _ in range(120):
        optimizer.zero_grad()
        CE(case.model(case.inputs), case.targets).backward()
        optimizer.step()
    return case


class Small(nn.Module):
    """A branch behind a scale of a millionth (Touvron et al., 2021)."""

    def __init__(self) -> None:
        super().__init__()
        self.norm, self.scale = nn.LayerNorm(32), nn.Parameter(torch.full((32,), 1e-6))
        self.branch = nn.Sequential(nn.Linear(32, 64), nn.GELU(), nn.Linear(64, 32))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.scale * self.branch(self.norm(x))


class UNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.down, self.middle = self.block(1, 8), self.block(8, 16)
        self.up, self.head = self.block(24, 8), nn.Conv2d(8, 2, 1)

    @staticmethod
    def block(before: int, after: int) -> nn.Module:
        conv = nn.Conv2d(before, after, 3, padding=1)
        return nn.Sequential(conv, nn.BatchNorm2d(after), nn.ReLU(inplace=True))

    def forward(self, x: Tensor) -> Tensor:
        a = self.down(x)
        b = interpolate(self.middle(max_pool2d(a, 2)), scale_factor=2)
        return self.head(self.up(torch.cat([a, b], 1)))


def in_type(dtype: torch.dtype) -> Case:
    case = vectors(he(mlp(6, nn.ReLU)).to(dtype))
    case.inputs = case.inputs.to(dtype)
    case.options["optimizer"] = torch.optim.AdamW(case.model.parameters(), 1e-3)
    return case


def without_rate() -> Case:
    case = vectors(he(mlp(3, nn.ReLU)))
    case.options["optimizer"] = torch.optim.Adam(case.model.parameters(), 0.0)
    return case


STRANGERS: Final[dict[str, tuple[str, Callable[[], Case]]]] = {
    "sparse gradients": ("healthy", bags),
    "padding mask": ("healthy", padded),
    "lstm in both directions": ("healthy", lambda: both_ways(nn.LSTM, 15)),
    "rnn in both directions, long": ("vanishing", lambda: both_ways(nn.RNN, 100)),
    "own product, far too small": ("vanishing", lambda: vectors(Own(0.3))),
    "own product": ("healthy", lambda: vectors(Own(2**0.5))),
    "quantized, far too small": ("vanishing", lambda: quantized(0.3)),
    "quantized": ("healthy", lambda: quantized(1.0)),
    "one branch fades, first": (
        "vanishing", lambda: vectors(Branches(_stack(8, nn.Sigmoid), deep_first=True)),
    ),
    "one branch fades, second": (
        "vanishing", lambda: vectors(Branches(_stack(8, nn.Sigmoid), deep_first=False)),
    ),
    "one branch explodes": (
        "exploding", lambda: vectors(Branches(he(_stack(8, nn.ReLU), 5.6), deep_first=False)),
    ),
    "two branches": ("healthy", lambda: vectors(Branches(_stack(2, nn.Tanh), deep_first=True))),
    "hinge loss, mostly met": ("healthy", satisfied),
    "triplets that are far apart": ("healthy", triplets),
    "differential equation": ("healthy", equation),
    "gradient penalty": ("healthy", penalized),
    "generator with a critic": ("healthy", generator),
    "tensor that is no parameter": ("unreached parameters", lambda: vectors(Unregistered())),
    "graph with sparse links": ("healthy", lambda: vectors(Graph())),
    "arguments in a mapping": ("healthy", by_name),
    "lstm that stores a bit": ("healthy", remembering),
    "layer scale": (
        "healthy",
        lambda: vectors(nn.Sequential(nn.Linear(20, 32), Small(), Small(), nn.Linear(32, 5))),
    ),
    "u-net": (
        "healthy",
        lambda: Case(UNet(), torch.randn(4, 1, 16, 16), torch.randint(0, 2, (4, 16, 16))),
    ),
    "group norm": ("healthy", lambda: images(cnn(6, norm=lambda n: nn.GroupNorm(4, n), width=16))),
    "batch norm, one image": ("healthy", lambda: images(cnn(3, norm=nn.BatchNorm2d), n=1)),
    "bfloat16 throughout": ("healthy", lambda: in_type(torch.bfloat16)),
    "float64 throughout": ("healthy", lambda: in_type(torch.float64)),
    "learning rate zero": ("vanishing", without_rate),
}  # fmt: skip
