"""Standard networks without a fault: the doctor must leave them alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import torch
from diagnose_networks import (
    CE,
    Case,
    Encoder,
    Heads,
    Last,
    Raw,
    batch_norm,
    cnn,
    forget,
    he,
    images,
    mlp,
    recurrent,
    residual,
    resnet,
    sequences,
    vectors,
    words,
)
from torch import Tensor, nn
from torch.nn.functional import mse_loss


def _zero_gamma(model: nn.Module) -> nn.Module:
    """Start every residual branch at zero, as Goyal et al. (2017) do."""
    for name, parameter in model.named_parameters():
        if name.endswith("bn2.weight"):
            nn.init.zeros_(parameter)
    return model


def _orthogonal(model: nn.Module, gain: float = 1.0) -> nn.Module:
    for parameter in model.parameters():
        if parameter.dim() == 2:
            nn.init.orthogonal_(parameter, gain)
    return model


def _zero_head(model: nn.Module, name: str) -> nn.Module:
    nn.init.zeros_(model.get_parameter(name))
    return model


def _frozen_trunk() -> Case:
    model = Heads()
    model.trunk.requires_grad_(False)
    model.second.requires_grad_(False)
    return vectors(model, loss_fn=lambda o, y: CE(o["first"], y))


def _chrono(model: Last, longest: int) -> Last:
    """Tallec and Ollivier (2018)."""
    units = model.core.hidden_size
    spread = torch.log(torch.rand(units) * (longest - 2) + 1)
    nn.init.zeros_(model.core.bias_hh_l0)
    model.core.bias_ih_l0.data[:units] = -spread
    model.core.bias_ih_l0.data[units : 2 * units] = spread
    return model


def _with_adam(case: Case, lr: float) -> Case:
    case.options["optimizer"] = torch.optim.Adam(case.model.parameters(), lr)
    return case


def _regression(model: nn.Module) -> Case:
    def squared(output: Tensor, targets: Tensor) -> Tensor:
        return mse_loss(output[:, 0], targets)

    return Case(model, torch.randn(64, 20), torch.randn(64), squared)


HEALTHY: Final[dict[str, Callable[[], Case]]] = {
    "mlp, ReLU at the default, 3 layers": lambda: vectors(mlp(3, nn.ReLU)),
    "mlp, tanh at the default, 4 layers": lambda: vectors(mlp(4, nn.Tanh)),
    "mlp, He, 10 layers": lambda: vectors(he(mlp(10, nn.ReLU))),
    "mlp, He, 20 layers, wide": lambda: vectors(he(mlp(20, nn.ReLU, 128))),
    "mlp, orthogonal tanh, 20 layers": lambda: vectors(_orthogonal(mlp(20, nn.Tanh))),
    "mlp, Adam at 1e-3": lambda: _with_adam(vectors(he(mlp(4, nn.ReLU))), 1e-3),
    "mlp, zero last layer": lambda: vectors(_zero_head(he(mlp(5, nn.ReLU)), "10.weight")),
    "mlp, dropout": lambda: vectors(
        nn.Sequential(mlp(2, nn.ReLU), nn.Dropout(0.5), nn.Linear(5, 5))
    ),
    "mlp, regression": lambda: _regression(he(mlp(3, nn.ReLU))),
    "cnn, default, 4 layers": lambda: images(cnn(4)),
    "cnn, He, 8 layers": lambda: images(he(cnn(8, width=16))),
    "cnn, batch norm, 12 layers": lambda: images(cnn(12, norm=batch_norm, width=16)),
    "resnet, 20 layers": lambda: images(resnet(3)),
    "resnet, zero last gamma": lambda: images(_zero_gamma(resnet(3))),
    "residual, branches over sqrt(depth)": lambda: vectors(he(residual(30, 30**-0.5))),
    "residual, pre-norm": lambda: vectors(residual(20, norm=True)),
    "encoder, post-norm": lambda: words(Encoder(6)),
    "encoder, pre-norm": lambda: words(Encoder(12, norm_first=True)),
    "rnn, orthogonal, 50 steps": lambda: sequences(recurrent(Last(nn.RNN), 1.0), 50),
    "rnn at the default, 8 steps": lambda: sequences(Last(nn.RNN), 8),
    "lstm at the default, 12 steps": lambda: sequences(Last(nn.LSTM), 12),
    "gru at the default, 12 steps": lambda: sequences(Last(nn.GRU), 12),
    "lstm, forget bias 3, 50 steps": lambda: sequences(forget(Last(nn.LSTM), 3.0), 50),
    "lstm, chrono, 100 steps": lambda: sequences(_chrono(Last(nn.LSTM), 100), 100, n=8),
    "raw parameters, He": lambda: vectors(Raw(8, torch.relu, 2**0.5)),
    "frozen trunk, trained head": _frozen_trunk,
}
