"""Populations: many networks at once, one leading axis for the replicas. And the MLP."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.func import functional_call

from helpers import activations, initialization, normalization
from helpers.checks import one_of, positive_int
from helpers.seeds import check_seeds

__all__ = ["MLP", "Population", "Trace", "check_inputs"]


class Trace(NamedTuple):
    """What one forward pass leaves behind, layer by layer."""

    z: list[Tensor]  # pre-activations of the hidden layers, each (replicas, batch, width)
    h: list[Tensor]  # their activations, same shapes
    logits: Tensor  # (replicas, batch, n_out)


class Population(nn.Module):
    """Networks of one shape, computed together: the first axis of everything is the replica.

    Every parameter is (replicas, ., .); called on a batch, a population returns outputs that start
    with (replicas, batch). That is all that `helpers.training` needs to know of it.

    Parameters
    ----------
    seeds
        One integer per replica; see `helpers.seeds.seeds`.

    Raises
    ------
    TypeError, ValueError
        If `seeds` is not a list of integers >= 0, or is empty.
    """

    def __init__(self, seeds: Sequence[int]) -> None:
        super().__init__()
        self.seeds = check_seeds("seeds", seeds)

    @property
    def replicas(self) -> int:
        """Number of networks in the population."""
        return len(self.seeds)

    def only(self, chosen: Tensor, X: Tensor) -> Tensor:
        """Return the outputs of the chosen replicas alone, (chosen, batch, ...).

        `chosen` is a mask (replicas,), X is (replicas, batch, ...). The parameters' gradients
        keep their shape, with zeros for the others, whose running averages stay too.
        """
        if bool(chosen.all()):
            outputs: Tensor = self(X)
        else:
            rows = {name: p[chosen] for name, p in self.named_parameters()}
            averages = {name: b[chosen] for name, b in self.named_buffers()}
            outputs = functional_call(self, rows | averages, X[chosen])
            for name, buffer in self.named_buffers():
                buffer[chosen] = averages[name]
        return outputs


class MLP(Population):
    """A population of multilayer perceptrons of the same shape, one per replica.

    Layer l computes z_l = h_{l-1} W_l + b_l and h_l = phi(z_l) for l = 1..depth; layer depth + 1
    reads the logits out linearly. Weights are (replicas, n_in, n_out), biases (replicas, 1, n_out),
    so `h @ W + b` is the line that one network would need, and does all of them. With a norm,
    h_l = phi(norm(z_l)) or h_l = norm(phi(z_l)); the readout has none.

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
    norm
        A name in `helpers.normalization.NORMS`, a maker as in `helpers.normalization.make`, or
        None. Every hidden layer gets one of its own.
    norm_place
        "before" or "after" the activation.
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
        norm: str | normalization.Maker | None = None,
        norm_place: str = "before",
        init: str = "xavier",
        n_in: int = 64,
        n_out: int = 10,
        dtype: torch.dtype = torch.float32,
        **init_options: Any,
    ) -> None:
        super().__init__(seeds)
        self.activation = activations.get(activation)
        hidden = [positive_int("width", width)] * positive_int("depth", depth)
        sizes = [positive_int("n_in", n_in), *hidden, positive_int("n_out", n_out)]
        weights, biases = initialization.draw(init, sizes, self.seeds, dtype, **init_options)
        self.weights = nn.ParameterList(weights)
        self.biases = nn.ParameterList(biases)
        self.norm_place = one_of("norm_place", norm_place, ["before", "after"])
        self.norms = nn.ModuleList()
        if norm is not None:
            self.norms.extend(normalization.make(norm, self.replicas, n, dtype) for n in hidden)

    @property
    def depth(self) -> int:
        """Number of hidden layers."""
        return len(self.weights) - 1

    def forward(self, X: Tensor) -> Tensor:
        """Return the logits (replicas, batch, n_out) for X (batch, n_in) or (replicas, ...)."""
        check_inputs(self, X)
        h = X
        for k in range(self.depth):
            _, h = self.layer(k, h)
        logits: Tensor = h @ self.weights[-1] + self.biases[-1]
        return logits

    def layer(self, k: int, h: Tensor, remember: bool = True) -> tuple[Tensor, Tensor]:
        """Return z and h of hidden layer k + 1 for its input h, both (replicas, batch, width).

        `remember` says whether a batch norm in training mode updates its running averages.
        """
        z = h @ self.weights[k] + self.biases[k]
        if not self.norms:
            return z, self.activation(z)
        norm = self.norms[k]
        if self.norm_place == "before":
            return z, self.activation(norm(z, remember))
        return z, norm(self.activation(z), remember)

    def trace(self, X: Tensor) -> Trace:
        """Run forward and keep every layer; X is (batch, n_in) or (replicas, batch, n_in).

        It only looks: a batch norm in training mode uses the batch and keeps its running averages.

        Raises
        ------
        TypeError, ValueError
            If X has another shape or type than the network takes, or holds a NaN.
        """
        check_inputs(self, X)
        z, h = [], [X]
        for k in range(self.depth):
            before, after = self.layer(k, h[-1], remember=False)
            z.append(before)
            h.append(after)
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
