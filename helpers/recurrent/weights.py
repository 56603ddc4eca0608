"""Initial weights of a recurrent network, drawn for each replica from its own generator."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from helpers import initialization
from helpers.checks import one_of, per_replica, positive
from helpers.seeds import generator

__all__ = ["SCHEMES", "Weights", "chrono_biases", "draw"]


class Weights(NamedTuple):
    """The parameters of one population, or of one network without the first axis."""

    W_in: Tensor  # (replicas, n_in, gates * width)
    W_rec: Tensor  # (replicas, width, gates * width)
    b_in: Tensor  # (replicas, 1, gates * width): PyTorch's bias_ih
    b_rec: Tensor  # (replicas, 1, gates * width): PyTorch's bias_hh
    W_out: Tensor  # (replicas, width, n_out)
    b_out: Tensor  # (replicas, 1, n_out)


def normal(n: int, g: torch.Generator, dtype: torch.dtype) -> Tensor:
    """W ~ N(0, 1 / n): the spectral radius approaches 1 as n grows (Ginibre 1965)."""
    return torch.randn(n, n, generator=g, dtype=dtype) / math.sqrt(n)


def orthogonal(n: int, g: torch.Generator, dtype: torch.dtype) -> Tensor:
    """W with orthonormal rows: it keeps the length of every vector (Saxe et al. 2014)."""
    W = torch.empty(n, n, dtype=dtype)
    nn.init.orthogonal_(W, generator=g)
    return W


def identity(n: int, g: torch.Generator, dtype: torch.dtype) -> Tensor:
    """W = I: with ReLU and small input weights it is the IRNN (Le, Jaitly & Hinton 2015)."""
    return torch.eye(n, dtype=dtype)


def spectral_radius(n: int, g: torch.Generator, dtype: torch.dtype) -> Tensor:
    """W ~ N(0, 1 / n), then divided by its largest eigenvalue's size, so that this is exactly 1."""
    W = normal(n, g, dtype)
    largest = float(torch.linalg.eigvals(W.double()).abs().max())
    return W / largest


SCHEMES: dict[str, Callable[[int, torch.Generator, torch.dtype], Tensor]] = {
    "normal": normal,
    "orthogonal": orthogonal,
    "identity": identity,
    "spectral_radius": spectral_radius,
}


def draw(
    scheme: str,
    width: int,
    gates: int,
    seeds: Sequence[int],
    *,
    n_in: int,
    n_out: int,
    gain: ArrayLike = 1.0,
    input_sd: ArrayLike | None = None,
    dtype: torch.dtype = torch.float32,
) -> Weights:
    """Draw the parameters of a population; the arguments are those of `helpers.recurrent`.

    "pytorch_default" draws in PyTorch's order, so that with gain 1 a replica equals
    `nn.RNN(n_in, width)` and `nn.Linear(width, n_out)` after `torch.manual_seed(seed)`, bit for
    bit. The other schemes draw W_rec anew, each gate's by itself, and set the biases to zero; the
    input weights and the readout stay PyTorch's, so schemes can be compared pair by pair.

    Raises
    ------
    TypeError, ValueError
        If the scheme is unknown, or a gain or an `input_sd` is negative or not finite.
    """
    one_of("init", scheme, [*SCHEMES, "pytorch_default"])
    gains = [positive("gain", g, allow_zero=True) for g in per_replica("gain", gain, len(seeds))]
    networks = []
    for seed in seeds:
        g = generator(seed)
        own = _pytorch_default(width, gates, n_in, n_out, g, dtype)
        if scheme != "pytorch_default":
            W_rec = torch.cat([SCHEMES[scheme](width, g, dtype) for _ in range(gates)], dim=1)
            no_bias = torch.zeros_like(own.b_in)
            own = own._replace(W_rec=W_rec, b_in=no_bias, b_rec=no_bias)
        networks.append(own)
    weights = Weights(*(torch.stack(tensors) for tensors in zip(*networks)))
    weights.W_rec.mul_(torch.tensor(gains, dtype=dtype).reshape(-1, 1, 1))
    if input_sd is not None:
        weights = weights._replace(W_in=_gaussian_inputs(input_sd, weights.W_in, seeds))
    return weights


def _gaussian_inputs(input_sd: ArrayLike, like: Tensor, seeds: Sequence[int]) -> Tensor:
    """Draw W_in ~ N(0, input_sd^2), (replicas, n_in, gates * width), from a stream of its own."""
    sds = per_replica("input_sd", input_sd, len(seeds))
    return torch.stack(
        [
            positive("input_sd", sd, allow_zero=True)
            * torch.randn(like.shape[1:], generator=generator(seed, "inputs"), dtype=like.dtype)
            for sd, seed in zip(sds, seeds)
        ]
    )


def _pytorch_default(
    width: int, gates: int, n_in: int, n_out: int, g: torch.Generator, dtype: torch.dtype
) -> Weights:
    """One network as `nn.RNN`, `nn.GRU` or `nn.LSTM` and then `nn.Linear` draw it.

    Everything is uniform within 1 / sqrt(width) of 0.
    """
    limit = 1 / math.sqrt(width)
    shapes = [(gates * width, n_in), (gates * width, width), (gates * width,), (gates * width,)]
    drawn = [torch.empty(s, dtype=dtype).uniform_(-limit, limit, generator=g) for s in shapes]
    W_in, W_rec, b_in, b_rec = drawn
    readout = initialization.pytorch_default(width, n_out, g, dtype)
    return Weights(W_in.T.contiguous(), W_rec.T.contiguous(), b_in[None], b_rec[None], *readout)


def chrono_biases(
    t_max: ArrayLike, width: int, seeds: Sequence[int], dtype: torch.dtype = torch.float32
) -> Tensor:
    """Return forget biases log u, u ~ U(1, t_max - 1), (replicas, 1, width).

    A unit with forget gate u / (1 + u) forgets over about u steps, so the units cover all time
    scales up to `t_max` (Tallec & Ollivier 2018). The input gate's bias is minus this.

    Raises
    ------
    ValueError
        If a `t_max` is not above 2.
    """
    longest = per_replica("chrono", t_max, len(seeds))
    if not (longest > 2).all():
        raise ValueError(f"chrono must be > 2 time steps; got {longest.min()}")
    u = [
        # A stream of its own: the other weights stay what they are without chrono.
        torch.rand(1, width, dtype=dtype, generator=generator(seed, "chrono")) * (end - 2) + 1
        for end, seed in zip(longest, seeds)
    ]
    return torch.stack(u).log()
