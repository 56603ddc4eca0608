"""The networks of the feed-forward chapters: many at once, one leading axis for the replicas."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from helpers import activations, initialization
from helpers.checks import positive_int

__all__ = ["MLP", "Trace", "check_inputs"]


class Trace(NamedTuple):
    """What one forward pass leaves behind, layer by layer."""

    z: list[Tensor]  # pre-activations of the hidden layers, each (replicas, batch, width)
    h: list[Tensor]  # their activations, same shapes
    logits: Tensor  # (replicas, batch, n_out)


class MLP(nn.Module):
    """A population of multilayer perceptrons of the same shape, one per replica.

    Layer l computes z_l = h_{l-1} W_l + b_l and h_l = phi(z_l) for l = 1..depth; layer depth + 1
    reads the logits out linearly. Weights are (replicas, n_in, n_out), biases (replicas, 1, n_out),
    so `h @ W + b` is the line that one network would need, and does all of them.

    Parameters
    ----------
    depth
        Hidden layers, >= 1.
    width
        Units in each of them, >= 1.
    activation
        A name in `helpers.activations.ACTIVATIONS`, or an `Activation`.
    seeds
        One integer per replica; see `helpers.seeds.seeds`.
    init
        A name in `helpers.initialization.SCHEMES`; used for every layer, the readout included.
    n_in, n_out
        Inputs and outputs; the defaults fit the digits.
    dtype
        Type of weights and biases.
    init_options
        For the scheme, such as `sigma_w2`: a number, or one per replica.

    Raises
    ------
    TypeError, ValueError
        For an argument outside what is said above.
    """

    def __init__(
        self,
        depth: int,
        width: int,
        activation: str | activations.Activation,
        seeds: Sequence[int],
        *,
        init: str = "xavier",
        n_in: int = 64,
        n_out: int = 10,
        dtype: torch.dtype = torch.float32,
        **init_options: Any,
    ) -> None:
        super().__init__()
        self.activation = activations.get(activation)
        self.seeds = list(seeds)
        hidden = [positive_int("width", width)] * positive_int("depth", depth)
        sizes = [positive_int("n_in", n_in), *hidden, positive_int("n_out", n_out)]
        weights, biases = initialization.draw(init, sizes, self.seeds, dtype, **init_options)
        self.weights = nn.ParameterList(weights)
        self.biases = nn.ParameterList(biases)

    @property
    def depth(self) -> int:
        """Number of hidden layers."""
        return len(self.weights) - 1

    @property
    def replicas(self) -> int:
        """Number of networks in the population."""
        return len(self.seeds)

    def forward(self, X: Tensor) -> Tensor:
        """Return the logits (replicas, batch, n_out) for X (batch, n_in) or (replicas, ...)."""
        check_inputs(self, X)
        h = X
        for W, b in zip(self.weights[:-1], self.biases[:-1]):
            h = self.activation(h @ W + b)
        logits: Tensor = h @ self.weights[-1] + self.biases[-1]
        return logits

    def trace(self, X: Tensor) -> Trace:
        """Run forward and keep every layer; X is (batch, n_in) or (replicas, batch, n_in).

        Raises
        ------
        TypeError, ValueError
            If X has another shape or type than the network takes, or holds a NaN.
        """
        check_inputs(self, X)
        z, h = [], [X]
        for W, b in zip(self.weights[:-1], self.biases[:-1]):
            z.append(h[-1] @ W + b)
            h.append(self.activation(z[-1]))
        return Trace(z, h[1:], h[-1] @ self.weights[-1] + self.biases[-1])


def check_inputs(network: MLP, X: Tensor) -> None:
    """Raise unless X is (batch, n_in) or (replicas, batch, n_in), of the network's type, finite."""
    W = network.weights[0]
    replicas, n_in, _ = W.shape
    if not isinstance(X, Tensor):
        raise TypeError(f"X must be a torch.Tensor; got {type(X).__name__}")
    shapes = f"(batch, {n_in}) or ({replicas}, batch, {n_in})"
    fits = X.ndim == 2 or (X.ndim == 3 and X.shape[0] == replicas)
    if not fits or X.shape[-1] != n_in or X.shape[-2] == 0:
        raise ValueError(f"X must have shape {shapes}; got {tuple(X.shape)}")
    if X.dtype != W.dtype:
        raise TypeError(f"X must be {W.dtype}, like the weights; got {X.dtype}")
    if bool(torch.isnan(X).any()):
        raise ValueError(f"X must not hold NaN; got {int(torch.isnan(X).sum())} of {X.numel()}")
