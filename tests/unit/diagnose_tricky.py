"""Networks that are hard to see into: functional, shared, packed, checkpointed, tied."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import torch
from diagnose_networks import CE, Case, sequences, vectors
from torch import Tensor, nn
from torch.nn.functional import cosine_similarity, linear, mse_loss, scaled_dot_product_attention
from torch.nn.utils.parametrizations import spectral_norm, weight_norm
from torch.nn.utils.rnn import pack_padded_sequence, pack_sequence
from torch.utils.checkpoint import checkpoint


class InPlace(nn.Module):
    """A ModuleDict, and activations as methods that overwrite."""

    def __init__(self, bias: float) -> None:
        super().__init__()
        sizes = {"a": 20, "b": 32, "c": 32}
        self.layers = nn.ModuleDict({name: nn.Linear(n, 32) for name, n in sizes.items()})
        self.layers["b"].bias.data.fill_(bias)
        self.head = nn.Linear(32, 5)

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers.values():
            x = layer(x).relu_()
        return self.head(x)


class Own(nn.Module):
    """A reader's own linear layer."""

    def __init__(self, before: int, after: int, gain: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(after, before) * gain * before**-0.5)
        self.bias = nn.Parameter(torch.zeros(after))

    def forward(self, x: Tensor) -> Tensor:
        return torch.einsum("...i,oi->...o", x, self.weight) + self.bias


def own(depth: int, gain: float) -> nn.Module:
    layers: list[nn.Module] = []
    for k in range(depth):
        layers += [Own(20 if k == 0 else 48, 48, gain), nn.ReLU()]
    return nn.Sequential(*layers, Own(48, 5, gain))


class Attention(nn.Module):
    """Attention by hand over raw inputs; `scale` replaces 1/sqrt(d)."""

    def __init__(self, scale: float | None) -> None:
        super().__init__()
        self.qkv, self.head, self.scale = nn.Linear(6, 48), nn.Linear(16, 5), scale

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.qkv(x).chunk(3, -1)
        y = scaled_dot_product_attention(q, k, v, is_causal=True, scale=self.scale)
        return self.head(y.mean(1))


class Scan(nn.Module):
    """A diagonal recurrence: no matrix in the loop, and no module either."""

    def __init__(self, low: float, high: float) -> None:
        super().__init__()
        self.decay = nn.Parameter(torch.logit(torch.linspace(low, high, 32)))
        self.read, self.head = nn.Linear(6, 32), nn.Linear(32, 5)

    def forward(self, x: Tensor) -> Tensor:
        u, a = self.read(x), torch.sigmoid(self.decay)
        state = torch.zeros_like(u[:, 0])
        for step in u.unbind(1):
            state = a * state + (1 - a) * step
        return self.head(state)


class Packed(nn.Module):
    """A recurrent layer over sequences of different lengths."""

    def __init__(self, kind: type[nn.RNNBase], **options: bool) -> None:
        super().__init__()
        self.core = kind(6, 24, **options)
        self.head = nn.Linear(24 * (1 + self.core.bidirectional), 5)

    def forward(self, x: Tensor) -> Tensor:
        state = self.core(x)[1]
        state = state[0] if isinstance(state, tuple) else state
        return self.head(state.transpose(0, 1).flatten(1))


class Embedded(Packed):
    """The same over words, packed inside the model."""

    def __init__(self, gain: float) -> None:
        super().__init__(nn.LSTM, bidirectional=True)
        self.embed = nn.Embedding(30, 6, padding_idx=0)
        for parameter in self.core.parameters():
            parameter.data.mul_(gain)

    def forward(self, words: Tensor, lengths: Tensor) -> Tensor:
        packed = pack_padded_sequence(
            self.embed(words), lengths, batch_first=True, enforce_sorted=False
        )
        return super().forward(packed)


def embedded(gain: float) -> Case:
    lengths = torch.tensor([12, 10, 8, 5, 5, 3])
    return Case(Embedded(gain), (torch.randint(1, 30, (6, 12)), lengths), torch.arange(6) % 5)


def packed(kind: type[nn.RNNBase], longest: int) -> Case:
    inputs = pack_sequence([torch.randn(longest - 2 * k, 6) for k in range(4)])
    return Case(Packed(kind), inputs, torch.arange(4))


class Siamese(nn.Module):
    """One encoder used twice, on two arguments."""

    def __init__(self) -> None:
        super().__init__()
        self.encode = nn.Sequential(nn.Linear(20, 32), nn.ReLU(), nn.Linear(32, 16))

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return cosine_similarity(self.encode(a), self.encode(b))


def pairs(by_name: bool) -> Case:
    a, b = torch.randn(16, 20), torch.randn(16, 20)
    inputs = {"b": b, "a": a} if by_name else (a, b)
    return Case(Siamese(), inputs, torch.rand(16), mse_loss)


class Tied(nn.Module):
    """An autoencoder whose decoder is its encoder, transposed."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(32, 20) * 20**-0.5)

    def forward(self, x: Tensor) -> Tensor:
        return linear(torch.tanh(linear(x, self.weight)), self.weight.t())


def autoencoder() -> Case:
    x = torch.randn(16, 20)
    return Case(Tied(), x, x, mse_loss)


class Shared(nn.Module):
    """One layer applied twelve times."""

    def __init__(self) -> None:
        super().__init__()
        self.read, self.core, self.norm = nn.Linear(20, 32), nn.Linear(32, 32), nn.LayerNorm(32)
        self.head = nn.Linear(32, 5)

    def forward(self, x: Tensor) -> Tensor:
        u = z = self.read(x)
        for _ in range(12):
            z = self.norm(z + torch.tanh(self.core(z) + u))
        return self.head(z)


class Experts(nn.Module):
    """A softmax that mixes four networks."""

    def __init__(self, gain: float) -> None:
        super().__init__()
        self.gate = nn.Linear(20, 4)
        self.gate.weight.data.mul_(gain)
        self.experts = nn.ModuleList(nn.Linear(20, 5) for _ in range(4))

    def forward(self, x: Tensor) -> Tensor:
        outputs = torch.stack([expert(x) for expert in self.experts], 1)
        return (self.gate(x).softmax(-1).unsqueeze(-1) * outputs).sum(1)


class ReZero(nn.Module):
    """Residual branches behind scalars that start at zero (Bachlechner et al., 2021)."""

    def __init__(self) -> None:
        super().__init__()
        self.read, self.head = nn.Linear(20, 32), nn.Linear(32, 5)
        self.layers = nn.ModuleList(nn.Linear(32, 32) for _ in range(12))
        self.alpha = nn.Parameter(torch.zeros(12))

    def forward(self, x: Tensor) -> Tensor:
        x = self.read(x)
        for alpha, layer in zip(self.alpha, self.layers):
            x = x + alpha * torch.relu(layer(x))
        return self.head(x)


class LowRank(nn.Module):
    """A frozen network and a low-rank correction that starts at zero (Hu et al., 2022)."""

    def __init__(self) -> None:
        super().__init__()
        self.base = nn.Sequential(nn.Linear(20, 32), nn.ReLU(), nn.Linear(32, 5))
        self.base.requires_grad_(False)
        self.down = nn.Parameter(torch.randn(20, 4) * 0.2)
        self.up = nn.Parameter(torch.zeros(4, 5))

    def forward(self, x: Tensor) -> Tensor:
        return self.base(x) + x @ self.down @ self.up


class Checkpointed(nn.Module):
    """Activations computed again in the backward pass."""

    def __init__(self, reentrant: bool) -> None:
        super().__init__()
        self.read, self.head = nn.Linear(20, 32), nn.Linear(32, 5)
        self.branch = nn.Sequential(nn.Linear(32, 32), nn.ReLU())
        self.reentrant = reentrant

    def forward(self, x: Tensor) -> Tensor:
        x = self.read(x)
        x = x + checkpoint(self.branch, x, use_reentrant=self.reentrant)
        return self.head(x)


class Straight(torch.autograd.Function):
    """A sign with the derivative of the identity."""

    @staticmethod
    def forward(ctx: object, x: Tensor) -> Tensor:
        return x.sign()

    @staticmethod
    def backward(ctx: object, gradient: Tensor) -> Tensor:
        return gradient


class Binary(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.read, self.head = nn.Linear(20, 32), nn.Linear(32, 5)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(Straight.apply(self.read(x)))


class Several(nn.Module):
    """Two outputs and a loss on each."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk, self.a, self.b = nn.Linear(20, 32), nn.Linear(32, 5), nn.Linear(32, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        h = torch.relu(self.trunk(x))
        return self.a(h), self.b(h)


def both(output: tuple[Tensor, Tensor], targets: Tensor) -> Tensor:
    return CE(output[0], targets) + output[1].square().mean()


def normed() -> nn.Module:
    first, second = weight_norm(nn.Linear(20, 32)), spectral_norm(nn.Linear(32, 32))
    return nn.Sequential(first, nn.LeakyReLU(0.1), second, nn.SiLU(), nn.Linear(32, 5))


TRICKY: Final[dict[str, tuple[str, Callable[[], Case]]]] = {
    "in place, dead": ("dead units", lambda: vectors(InPlace(-40.0))),
    "in place": ("healthy", lambda: vectors(InPlace(0.0))),
    "own layer, far too small": ("vanishing", lambda: vectors(own(8, 0.5))),
    "own layer, far too large": ("exploding", lambda: vectors(own(8, 6.0))),
    "own layer": ("healthy", lambda: vectors(own(8, 2**0.5))),
    "attention, logits too large": ("saturated", lambda: sequences(Attention(300.0), 12)),
    "attention": ("healthy", lambda: sequences(Attention(None), 12)),
    "scan, short memory": ("vanishing", lambda: sequences(Scan(0.3, 0.5), 60)),
    "scan, long memory": ("healthy", lambda: sequences(Scan(0.9, 0.999), 60)),
    "packed lstm, long": ("vanishing", lambda: packed(nn.LSTM, 80)),
    "packed gru, short": ("healthy", lambda: packed(nn.GRU, 14)),
    "packed words, saturated": ("saturated", lambda: embedded(50.0)),
    "packed words": ("healthy", lambda: embedded(1.0)),
    "experts, gate saturated": ("saturated", lambda: vectors(Experts(300.0))),
    "experts": ("healthy", lambda: vectors(Experts(1.0))),
    "siamese": ("healthy", lambda: pairs(by_name=False)),
    "siamese, arguments by name": ("healthy", lambda: pairs(by_name=True)),
    "tied autoencoder": ("healthy", autoencoder),
    "shared layer": ("healthy", lambda: vectors(Shared())),
    "rezero": ("healthy", lambda: vectors(ReZero())),
    "low rank": ("healthy", lambda: vectors(LowRank())),
    "checkpointed": ("healthy", lambda: vectors(Checkpointed(reentrant=False))),
    "straight-through": ("healthy", lambda: vectors(Binary())),
    "several losses": ("healthy", lambda: vectors(Several(), loss_fn=both)),
    "weight and spectral norm": ("healthy", lambda: vectors(normed())),
}  # fmt: skip
