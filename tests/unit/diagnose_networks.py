"""Building blocks for the tests of the doctor: small networks of many architectures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, relu

CE = cross_entropy


@dataclass
class Case:
    """A network with its data, and the verdict that comes first."""

    model: nn.Module
    inputs: Any
    targets: Any
    loss_fn: Callable[[Any, Any], Any] = CE
    options: dict[str, Any] = field(default_factory=dict)


def vectors(model: nn.Module, n: int = 64, **more: Any) -> Case:
    return Case(model, torch.randn(n, 20), torch.randint(0, 5, (n,)), **more)


def images(model: nn.Module, n: int = 8, size: int = 16, **more: Any) -> Case:
    return Case(model, torch.randn(n, 1, size, size), torch.randint(0, 5, (n,)), **more)


def sequences(model: nn.Module, steps: int, n: int = 16, **more: Any) -> Case:
    return Case(model, torch.randn(n, steps, 6), torch.randint(0, 5, (n,)), **more)


def words(model: nn.Module, n: int = 8, steps: int = 12, **more: Any) -> Case:
    return Case(model, torch.randint(0, 30, (n, steps)), torch.randint(0, 5, (n,)), **more)


def mlp(depth: int, activation: Callable[[], nn.Module], width: int = 64) -> nn.Sequential:
    sizes = [20] + [width] * depth
    pairs = [(nn.Linear(a, b), activation()) for a, b in pairwise(sizes)]
    return nn.Sequential(*[m for pair in pairs for m in pair], nn.Linear(width, 5))


def he(model: nn.Module, gain: float = 2**0.5) -> nn.Module:
    """Weights of variance gain^2 / fan_in, zero biases."""
    for module in model.modules():
        if isinstance(module, nn.Linear | nn.Conv2d):
            fan_in = module.weight[0].numel()
            nn.init.normal_(module.weight, std=gain * fan_in**-0.5)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    return model


def scaled(model: nn.Module, factor: float, only: str = "") -> nn.Module:
    for name, parameter in model.named_parameters():
        if parameter.dim() >= 2 and only in name:
            parameter.data.mul_(factor)
    return model


def cnn(
    depth: int,
    activation: Callable[[], nn.Module] = nn.ReLU,
    norm: Callable[[int], nn.Module] | None = None,
    width: int = 8,
) -> nn.Sequential:
    layers: list[nn.Module] = []
    for k in range(depth):
        layers.append(nn.Conv2d(1 if k == 0 else width, width, 3, padding=1, bias=norm is None))
        layers += [norm(width)] if norm else []
        layers.append(activation())
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, 5))


def batch_norm(width: int) -> nn.Module:
    return nn.BatchNorm2d(width)


class Last(nn.Module):
    """A recurrent layer read at its last step."""

    def __init__(self, kind: type[nn.RNNBase], units: int = 24, **options: Any) -> None:
        super().__init__()
        self.core = kind(6, units, batch_first=True, **options)
        self.head = nn.Linear(units, 5)

    def forward(self, x: Tensor) -> Tensor:
        states, _ = self.core(x)
        return self.head(states[:, -1])


def recurrent(model: Last, gain: float) -> Last:
    """Orthogonal recurrent weights."""
    nn.init.orthogonal_(model.core.weight_hh_l0, gain)
    return model


def forget(model: Last, bias: float) -> Last:
    units = model.core.hidden_size
    for name in ("bias_ih_l0", "bias_hh_l0"):
        getattr(model.core, name).data[units : 2 * units] = bias / 2
    return model


class Cells(nn.Module):
    """A cell in a Python loop."""

    def __init__(self, cell: nn.Module, units: int = 24) -> None:
        super().__init__()
        self.cell, self.head = cell, nn.Linear(units, 5)

    def forward(self, x: Tensor) -> Tensor:
        state = None
        for step in x.unbind(1):
            state = self.cell(step, state)
        return self.head(state[0] if isinstance(state, tuple) else state)


class Encoder(nn.Module):
    """Embedding, torch's transformer encoder, mean over the positions."""

    def __init__(self, depth: int = 4, norm_first: bool = False, dropout: float = 0.1) -> None:
        super().__init__()
        self.embed = nn.Embedding(30, 32)
        layer = nn.TransformerEncoderLayer(
            32, 4, 64, dropout, batch_first=True, norm_first=norm_first
        )
        self.encoder = nn.TransformerEncoder(layer, depth, enable_nested_tensor=False)
        self.head = nn.Linear(32, 5)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.encoder(self.embed(x)).mean(1))


class Block(nn.Module):
    def __init__(self, width: int, scale: float, norm: bool) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width) if norm else nn.Identity()
        self.linear, self.scale = nn.Linear(width, width), scale

    def forward(self, x: Tensor) -> Tensor:
        return x + self.scale * relu(self.linear(self.norm(x)))


def residual(depth: int, scale: float = 1.0, norm: bool = False, width: int = 64) -> nn.Sequential:
    blocks = [Block(width, scale, norm) for _ in range(depth)]
    return nn.Sequential(nn.Linear(20, width), *blocks, nn.Linear(width, 5))


class BasicBlock(nn.Module):
    """The convolutional residual block of He et al. (2016)."""

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(before, after, 3, stride, 1, bias=False)
        self.bn1, self.bn2 = nn.BatchNorm2d(after), nn.BatchNorm2d(after)
        self.conv2 = nn.Conv2d(after, after, 3, 1, 1, bias=False)
        self.relu = nn.ReLU(inplace=True)
        self.skip = nn.Identity()
        if stride != 1 or before != after:
            self.skip = nn.Sequential(
                nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after)
            )

    def forward(self, x: Tensor) -> Tensor:
        y = self.relu(self.bn1(self.conv1(x)))
        return self.relu(self.bn2(self.conv2(y)) + self.skip(x))


def resnet(blocks: int = 2) -> nn.Sequential:
    layers: list[nn.Module] = [nn.Conv2d(1, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8)]
    layers.append(nn.ReLU(inplace=True))
    width = 8
    for stage, after in enumerate((8, 16, 32)):
        for k in range(blocks):
            layers.append(BasicBlock(width, after, 2 if k == 0 and stage else 1))
            width = after
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, 5))


class Raw(nn.Module):
    """Matrices in a ParameterList, everything functional: no module hook sees a layer."""

    def __init__(self, depth: int, activation: Callable[[Tensor], Tensor], gain: float) -> None:
        super().__init__()
        sizes = [20] + [64] * depth + [5]
        self.weights = nn.ParameterList(
            [torch.randn(a, b) * gain * a**-0.5 for a, b in pairwise(sizes)]
        )
        self.activation = activation

    def forward(self, x: Tensor) -> Tensor:
        *hidden, last = self.weights
        for weight in hidden:
            x = self.activation(x @ weight)
        return x @ last


class Heads(nn.Module):
    """A trunk with two heads, of which the loss may read one."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(20, 32), nn.ReLU())
        self.first, self.second = nn.Linear(32, 5), nn.Linear(32, 3)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        h = self.trunk(x)
        return {"first": self.first(h), "second": self.second(h)}


class Through(nn.Module):
    """Two parts and any function between them: detach, round, log, ..."""

    def __init__(self, before: nn.Module, between: Callable[[Any], Any], after: nn.Module) -> None:
        super().__init__()
        self.before, self.between, self.after = before, between, after

    def forward(self, *inputs: Any) -> Any:
        return self.after(self.between(self.before(*inputs)))


class Forgotten(nn.Module):
    """Layers in a plain list, which model.parameters() does not list."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = [nn.Linear(20, 20) for _ in range(3)]
        self.head = nn.Linear(20, 5)

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = relu(layer(x))
        return self.head(x)


class Masked(nn.Module):
    """Attention that is told which positions to leave out."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(16, 2, batch_first=True)
        self.head = nn.Linear(16, 5)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        y, _ = self.attention(x, x, x, key_padding_mask=mask)
        return self.head(y.mean(1))


def all_masked() -> Case:
    """One example whose every position is left out."""
    mask = torch.zeros(8, 6, dtype=torch.bool)
    mask[3] = True
    return Case(Masked(), (torch.randn(8, 6, 16), mask), torch.randint(0, 5, (8,)))
