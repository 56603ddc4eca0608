"""One table of activation functions and their derivatives, in NumPy and in PyTorch."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import special
from torch import Tensor
from torch.nn import functional

from helpers.checks import one_of

__all__ = ["ACTIVATIONS", "Activation", "get"]

Array = NDArray[np.float64]

LEAK = 0.01
SELU_ALPHA = 1.6732632423543772848170429916717
SELU_SCALE = 1.0507009873554804934193349852946


@dataclass(frozen=True)
class Activation:
    """An activation function phi with its derivative, elementwise, in both libraries.

    Attributes
    ----------
    name
        The key in `ACTIVATIONS`.
    function, derivative
        NumPy forms, for the theory: float64 array in, array of the same shape out.
    torch_function, torch_derivative
        PyTorch forms, for the networks. Calling the activation calls `torch_function`.
    """

    name: str
    function: Callable[[Array], Array]
    derivative: Callable[[Array], Array]
    torch_function: Callable[[Tensor], Tensor]
    torch_derivative: Callable[[Tensor], Tensor]

    def __call__(self, z: Tensor) -> Tensor:
        """Apply phi to a tensor."""
        return self.torch_function(z)


def _normal_density(z: Array) -> Array:
    density: Array = np.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)
    return density


def _torch_normal_density(z: Tensor) -> Tensor:
    return torch.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)


def _numpy_elu(z: Array) -> Array:
    return np.where(z > 0, z, np.expm1(np.minimum(z, 0)))


def _numpy_elu_derivative(z: Array) -> Array:
    return np.where(z > 0, 1.0, np.exp(np.minimum(z, 0)))


def _torch_elu_derivative(z: Tensor) -> Tensor:
    return torch.where(z > 0, torch.ones_like(z), torch.exp(z.clamp(max=0)))


def _numpy_selu_derivative(z: Array) -> Array:
    return SELU_SCALE * np.where(z > 0, 1.0, SELU_ALPHA * np.exp(np.minimum(z, 0)))


def _torch_selu_derivative(z: Tensor) -> Tensor:
    below = SELU_ALPHA * torch.exp(z.clamp(max=0))
    return SELU_SCALE * torch.where(z > 0, torch.ones_like(z), below)


def _numpy_silu_derivative(z: Array) -> Array:
    s: Array = special.expit(z)
    slope: Array = s + z * s * special.expit(-z)
    return slope


def _torch_silu_derivative(z: Tensor) -> Tensor:
    s = torch.sigmoid(z)
    return s + z * s * torch.sigmoid(-z)


_TABLE = [
    Activation(
        "sigmoid",
        lambda z: special.expit(z),
        lambda z: special.expit(z) * special.expit(-z),
        torch.sigmoid,
        lambda z: torch.sigmoid(z) * torch.sigmoid(-z),
    ),
    Activation(
        "tanh",
        np.tanh,
        # 4 s(2z) s(-2z) = 1 - tanh^2, without the cancellation at large |z|
        lambda z: 4 * special.expit(2 * z) * special.expit(-2 * z),
        torch.tanh,
        lambda z: 4 * torch.sigmoid(2 * z) * torch.sigmoid(-2 * z),
    ),
    Activation(
        "relu",
        lambda z: np.maximum(z, 0.0),
        lambda z: np.where(z > 0, 1.0, 0.0),
        torch.relu,
        lambda z: (z > 0).to(z.dtype),
    ),
    Activation(
        "leaky_relu",
        lambda z: np.where(z > 0, z, LEAK * z),
        lambda z: np.where(z > 0, 1.0, LEAK),
        lambda z: functional.leaky_relu(z, LEAK),
        lambda z: torch.where(z > 0, torch.ones_like(z), torch.full_like(z, LEAK)),
    ),
    Activation("elu", _numpy_elu, _numpy_elu_derivative, functional.elu, _torch_elu_derivative),
    Activation(
        "selu",
        lambda z: SELU_SCALE * np.where(z > 0, z, SELU_ALPHA * np.expm1(np.minimum(z, 0))),
        _numpy_selu_derivative,
        torch.selu,
        _torch_selu_derivative,
    ),
    Activation(
        "gelu",
        lambda z: z * special.ndtr(z),
        lambda z: special.ndtr(z) + z * _normal_density(z),
        functional.gelu,
        lambda z: torch.special.ndtr(z) + z * _torch_normal_density(z),
    ),
    Activation(
        "silu",
        lambda z: z * special.expit(z),
        _numpy_silu_derivative,
        functional.silu,
        _torch_silu_derivative,
    ),
    Activation("linear", lambda z: +z, np.ones_like, lambda z: z, torch.ones_like),
]

ACTIVATIONS: dict[str, Activation] = {activation.name: activation for activation in _TABLE}


def get(activation: str | Activation) -> Activation:
    """Return the activation of that name; an `Activation` of your own passes through.

    Raises
    ------
    ValueError
        If the name is unknown; the message lists the names.
    """
    if isinstance(activation, Activation):
        return activation
    return ACTIVATIONS[one_of("activation", activation, ACTIVATIONS)]
