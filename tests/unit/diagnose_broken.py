"""Networks with a known fault, by architecture; the name says what was done to them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import torch
from diagnose_networks import (
    CE,
    Case,
    Cells,
    Encoder,
    Forgotten,
    Heads,
    Last,
    Raw,
    Through,
    all_masked,
    batch_norm,
    cnn,
    forget,
    he,
    images,
    mlp,
    recurrent,
    residual,
    resnet,
    scaled,
    sequences,
    vectors,
    words,
)
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, mse_loss, relu


def _bias(model: nn.Module, name: str, value: float) -> nn.Module:
    model.get_parameter(name).data.fill_(value)
    return model


def _with_adam(case: Case, lr: float) -> Case:
    case.options["optimizer"] = torch.optim.Adam(case.model.parameters(), lr)
    return case


def _with_sgd(case: Case, lr: float) -> Case:
    case.options["optimizer"] = torch.optim.SGD(case.model.parameters(), lr)
    return case


def _squared(output: Tensor, targets: Tensor) -> Tensor:
    return mse_loss(output[:, 0], targets)


def _regression(model: nn.Module, scale: float) -> Case:
    return Case(model, torch.randn(64, 20), torch.randn(64) * scale, _squared)


def _stale(momentum: float, steps: int) -> Case:
    """Train a little, so that the running statistics would have settled at the default."""
    case = images(cnn(3, norm=lambda width: nn.BatchNorm2d(width, momentum=momentum)), n=16)
    case.inputs = case.inputs * 4 + 6
    for _ in range(steps):
        case.model(case.inputs)
    return case


def _attention(gain: float, dropout: float) -> nn.Module:
    return scaled(Encoder(3, dropout=dropout), gain, "in_proj_weight")


def _poisoned(model: nn.Module, name: str) -> nn.Module:
    model.get_parameter(name).data.view(-1)[0] = float("nan")
    return model


def _ones(case: Case) -> Case:
    case.inputs = torch.ones_like(case.inputs)
    return case


def _raw_pixels(case: Case) -> Case:
    case.inputs = case.inputs.abs() * 255
    return case


def _quiet(case: Case) -> Case:
    case.inputs = case.inputs * 0.05
    return case


def _nan_input(case: Case) -> Case:
    case.inputs.view(-1)[3] = float("nan")
    return case


def _elsewhere(model: nn.Module) -> nn.Module:
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.fill_(7.0)
    return model


def _half_listed(case: Case) -> Case:
    some = [p for n, p in case.model.named_parameters() if "layers.1" not in n]
    case.options["optimizer"] = torch.optim.SGD(some, 0.01)
    return case


def _two(between: Callable[[Tensor], Tensor], bias: float = 0.0) -> nn.Module:
    """Two linear layers and a function between them."""
    return Through(_bias(nn.Linear(20, 32), "bias", bias), between, nn.Linear(32, 5))


def _distance_to_itself() -> nn.Module:
    def distance(e: Tensor) -> Tensor:
        return e + (e - e).pow(2).sum(2, keepdim=True).sqrt()

    return Through(nn.Embedding(30, 16), distance, nn.Sequential(nn.Flatten(), nn.Linear(192, 5)))


def _huge_exponent() -> nn.Module:
    return Through(Last(nn.LSTM), lambda o: torch.exp(o.abs() * 1e5), nn.Identity())


def _normed() -> nn.Module:
    return nn.Sequential(nn.Linear(20, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 5))


def _logistic() -> Case:
    """A sigmoid before the loss that applies one."""
    model = nn.Sequential(mlp(2, nn.ReLU), nn.Sigmoid())
    answers = torch.rand(32, 5).round()
    return Case(model, torch.randn(32, 20), answers, binary_cross_entropy_with_logits)


BROKEN: Final[dict[str, tuple[str, Callable[[], Case]]]] = {
    # vanishing
    "mlp, sigmoid at the default": ("vanishing", lambda: vectors(mlp(10, nn.Sigmoid))),
    "mlp, ReLU at the default": ("vanishing", lambda: vectors(mlp(20, nn.ReLU))),
    "mlp, tanh at the default": ("vanishing", lambda: vectors(mlp(24, nn.Tanh))),
    "mlp, GELU at the default": ("vanishing", lambda: vectors(mlp(12, nn.GELU))),
    "mlp, weights of sd 0.01": ("vanishing", lambda: vectors(he(mlp(6, nn.ReLU), 0.08))),
    "mlp, one layer scaled by 1e-6": (
        "vanishing",
        lambda: vectors(scaled(he(mlp(5, nn.ReLU)), 1e-6, "6.")),
    ),
    "mlp, all weights zero": ("vanishing", lambda: vectors(_zeroed(mlp(4, nn.Tanh)))),
    "mlp, SGD rate far too small": (
        "vanishing",
        lambda: _with_sgd(vectors(he(mlp(3, nn.ReLU))), 1e-9),
    ),
    "cnn, sigmoid": ("vanishing", lambda: images(cnn(9, nn.Sigmoid))),
    "cnn, ReLU at the default, deep": ("vanishing", lambda: images(cnn(16))),
    "raw parameters, tanh, gain 0.4": ("vanishing", lambda: vectors(Raw(10, torch.tanh, 0.4))),
    "rnn at the default, 50 steps": ("vanishing", lambda: sequences(Last(nn.RNN), 50)),
    "lstm at the default, 60 steps": ("vanishing", lambda: sequences(Last(nn.LSTM), 60)),
    "lstm, forget gates shut": (
        "vanishing",
        lambda: sequences(forget(Last(nn.LSTM), -4.0), 40),
    ),
    "gru, 3 layers, 60 steps": ("vanishing", lambda: sequences(Last(nn.GRU, num_layers=3), 60)),
    "rnn cell in a loop, 50 steps": ("vanishing", lambda: sequences(Cells(nn.RNNCell(6, 24)), 50)),
    "lstm cell in a loop, 60 steps": (
        "vanishing",
        lambda: sequences(Cells(nn.LSTMCell(6, 24)), 60),
    ),
    # exploding
    "mlp, ReLU, weights of sd 1": ("exploding", lambda: vectors(he(mlp(8, nn.ReLU), 8.0))),
    "mlp, leaky ReLU, three times He": (
        "exploding",
        lambda: vectors(he(mlp(12, nn.LeakyReLU), 4.2)),
    ),
    "cnn, ReLU, four times He": ("exploding", lambda: images(he(cnn(8), 5.6))),
    "raw parameters, ReLU, gain 4": ("exploding", lambda: vectors(Raw(9, torch.relu, 4.0))),
    "residual, unscaled, deep": ("exploding", lambda: vectors(he(residual(50)))),
    "rnn, ReLU, gain 2.5": (
        "exploding",
        lambda: sequences(recurrent(Last(nn.RNN, nonlinearity="relu"), 2.5), 50),
    ),
    "rnn, tanh, chaotic": (
        "exploding",
        lambda: _quiet(sequences(recurrent(Last(nn.RNN, units=96), 2.5), 100)),
    ),
    "mlp, targets in the millions": ("exploding", lambda: _regression(mlp(2, nn.ReLU), 1e6)),
    "mlp, Adam rate 1": ("exploding", lambda: _with_adam(vectors(mlp(3, nn.ReLU)), 1.0)),
    "cnn, SGD rate 1e4": ("exploding", lambda: _with_sgd(images(cnn(3, norm=batch_norm)), 1e4)),
    "encoder, SGD rate 1e3": ("exploding", lambda: _with_sgd(words(Encoder(2)), 1e3)),
    "plain ReLU with batch norm, very deep": (
        "exploding",
        lambda: images(cnn(70, norm=batch_norm, width=16), size=4),
    ),
    "mlp that overflows": ("exploding", lambda: vectors(he(mlp(60, nn.ReLU), 12.0))),
    # dead units
    "mlp, biases of -10": ("dead units", lambda: vectors(_bias(mlp(4, nn.ReLU), "2.bias", -10.0))),
    "mlp, functional ReLU, biases of -10": (
        "dead units",
        lambda: vectors(_two(relu, bias=-30.0)),
    ),
    "cnn, biases of -50": ("dead units", lambda: images(_bias(cnn(4), "2.bias", -50.0))),
    "resnet, batch norm shifted to -10": (
        "dead units",
        lambda: images(_bias(resnet(), "4.bn1.bias", -10.0)),
    ),
    "encoder, feed-forward dead": (
        "dead units",
        lambda: words(_bias(Encoder(3), "encoder.layers.1.linear1.bias", -40.0)),
    ),
    "residual, one dead branch": (
        "dead units",
        lambda: vectors(_bias(residual(6, 0.4), "3.linear.bias", -100.0)),
    ),
    "mlp, GELU far below zero": (
        "dead units",
        lambda: vectors(_bias(mlp(3, nn.GELU), "2.bias", -20.0)),
    ),
    # saturated
    "mlp, tanh, weights of sd 1.5": ("saturated", lambda: vectors(he(mlp(4, nn.Tanh), 12.0))),
    "mlp, sigmoid, weights of sd 5": ("saturated", lambda: vectors(he(mlp(3, nn.Sigmoid), 40.0))),
    "cnn, tanh on raw pixels": ("saturated", lambda: _raw_pixels(images(cnn(3, nn.Tanh)))),
    "raw parameters, tanh, gain 15": ("saturated", lambda: vectors(Raw(4, torch.tanh, 15.0))),
    "lstm, weights times 40": ("saturated", lambda: sequences(scaled(Last(nn.LSTM), 40.0), 15)),
    "gru, weights times 40": ("saturated", lambda: sequences(scaled(Last(nn.GRU), 40.0), 15)),
    "rnn, tanh, weights times 40": ("saturated", lambda: sequences(scaled(Last(nn.RNN), 40.0), 15)),
    "encoder, attention logits too large": ("saturated", lambda: words(_attention(12.0, 0.1))),
    "encoder, fused attention, too large": ("saturated", lambda: words(_attention(12.0, 0.0))),
    "cnn, softmax before cross-entropy": (
        "saturated",
        lambda: images(nn.Sequential(cnn(2, norm=batch_norm), nn.Softmax(1))),
    ),
    "mlp, sigmoid before the logistic loss": (
        "saturated",
        _logistic,
    ),
    # non-finite
    "mlp, a NaN in a weight": (
        "non-finite",
        lambda: vectors(_poisoned(mlp(3, nn.ReLU), "2.weight")),
    ),
    "cnn, a NaN in the inputs": ("non-finite", lambda: _nan_input(images(cnn(3)))),
    "mlp, log of zero": (
        "non-finite",
        lambda: vectors(_two(lambda h: torch.log(relu(h)))),
    ),
    "encoder, root of zero": (
        "non-finite",
        lambda: words(_distance_to_itself()),
    ),
    "lstm, exponential of a large state": (
        "non-finite",
        lambda: sequences(_huge_exponent(), 5),
    ),
    "attention with every key masked": ("non-finite", all_masked),
    # unreached parameters
    "mlp, a head the loss ignores": (
        "unreached parameters",
        lambda: vectors(Heads(), loss_fn=lambda o, y: CE(o["first"], y)),
    ),
    "lstm, detached from its head": (
        "unreached parameters",
        lambda: sequences(Through(Last(nn.LSTM), lambda o: o.detach(), nn.Linear(5, 5)), 10),
    ),
    "cnn, rounded in the middle": (
        "unreached parameters",
        lambda: images(Through(cnn(2, norm=batch_norm), torch.round, nn.Linear(5, 5))),
    ),
    "mlp, layers in a plain list": ("unreached parameters", lambda: vectors(Forgotten())),
    "encoder, half of it not in the optimizer": (
        "unreached parameters",
        lambda: _half_listed(words(Encoder(2))),
    ),
    # degenerate batch statistics
    "cnn, batch norm over 2 values": (
        "degenerate batch statistics",
        lambda: images(cnn(2, norm=batch_norm), n=2, size=1),
    ),
    "mlp, batch norm on a batch of 1": (
        "degenerate batch statistics",
        lambda: vectors(_normed(), n=1),
    ),
    "mlp, batch norm on identical examples": (
        "degenerate batch statistics",
        lambda: _ones(vectors(_normed())),
    ),
    "cnn, running statistics that hardly move": (
        "degenerate batch statistics",
        lambda: _stale(1e-4, 40),
    ),
    "resnet, running statistics from elsewhere": (
        "degenerate batch statistics",
        lambda: images(_elsewhere(resnet())),
    ),
}


def _zeroed(model: nn.Module) -> nn.Module:
    return model.apply(lambda m: [nn.init.zeros_(p) for p in m.parameters()])
