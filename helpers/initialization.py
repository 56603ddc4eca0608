"""Ways to draw the initial weights of a layer, and of a whole population of networks.

Each scheme draws one layer of one network from that network's own generator. A replica therefore
starts from the same weights whichever other replicas it shares the population with.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from helpers.checks import one_of, per_replica, positive, positive_int
from helpers.seeds import check_seeds, generator

__all__ = [
    "SCHEMES",
    "draw",
    "he",
    "lsuv_",
    "normal",
    "orthogonal",
    "pytorch_default",
    "uniform",
    "xavier",
]

Layer = tuple[Tensor, Tensor]


def normal(
    n_in: int,
    n_out: int,
    g: torch.Generator,
    dtype: torch.dtype,
    *,
    sigma_w2: float = 1.0,
    sigma_b2: float = 0.0,
) -> Layer:
    """W ~ N(0, sigma_w2 / n_in), b ~ N(0, sigma_b2): W (n_in, n_out), b (1, n_out)."""
    weight_sd = math.sqrt(positive("sigma_w2", sigma_w2, allow_zero=True) / n_in)
    bias_sd = math.sqrt(positive("sigma_b2", sigma_b2, allow_zero=True))
    W = torch.randn(n_in, n_out, generator=g, dtype=dtype) * weight_sd
    b = torch.randn(1, n_out, generator=g, dtype=dtype) * bias_sd
    return W, b


def uniform(
    n_in: int,
    n_out: int,
    g: torch.Generator,
    dtype: torch.dtype,
    *,
    sigma_w2: float = 1.0,
    sigma_b2: float = 0.0,
) -> Layer:
    """Uniform, with the variances of `normal`: W (n_in, n_out), b (1, n_out)."""
    weight_limit = math.sqrt(3 * positive("sigma_w2", sigma_w2, allow_zero=True) / n_in)
    bias_limit = math.sqrt(3 * positive("sigma_b2", sigma_b2, allow_zero=True))
    W = torch.empty(n_in, n_out, dtype=dtype).uniform_(-weight_limit, weight_limit, generator=g)
    b = torch.empty(1, n_out, dtype=dtype).uniform_(-bias_limit, bias_limit, generator=g)
    return W, b


def xavier(
    n_in: int, n_out: int, g: torch.Generator, dtype: torch.dtype, *, gain: float = 1.0
) -> Layer:
    """W uniform with variance 2 gain^2 / (n_in + n_out), b = 0 (Glorot & Bengio 2010)."""
    W = torch.empty(n_out, n_in, dtype=dtype)
    nn.init.xavier_uniform_(W, gain=positive("gain", gain), generator=g)
    return W.T.contiguous(), torch.zeros(1, n_out, dtype=dtype)


def he(n_in: int, n_out: int, g: torch.Generator, dtype: torch.dtype) -> Layer:
    """W ~ N(0, 2 / n_in), b = 0 (He et al. 2015)."""
    return normal(n_in, n_out, g, dtype, sigma_w2=2.0)


def orthogonal(
    n_in: int, n_out: int, g: torch.Generator, dtype: torch.dtype, *, gain: float = 1.0
) -> Layer:
    """W has orthonormal rows or columns, times `gain`; b = 0 (Saxe et al. 2014)."""
    W = torch.empty(n_in, n_out, dtype=dtype)
    nn.init.orthogonal_(W, gain=positive("gain", gain), generator=g)
    return W, torch.zeros(1, n_out, dtype=dtype)


def pytorch_default(n_in: int, n_out: int, g: torch.Generator, dtype: torch.dtype) -> Layer:
    """Draw as `torch.nn.Linear` does, bit for bit: W and b uniform within 1 / sqrt(n_in) of 0.

    The call inside PyTorch is named after He (kaiming_uniform_ with a = sqrt(5)), yet the variance
    is 1 / (3 n_in): a sixth of He's.
    """
    W = torch.empty(n_out, n_in, dtype=dtype)
    nn.init.kaiming_uniform_(W, a=math.sqrt(5), generator=g)
    limit = 1 / math.sqrt(n_in)
    b = torch.empty(n_out, dtype=dtype).uniform_(-limit, limit, generator=g)
    return W.T.contiguous(), b[None]


SCHEMES: dict[str, Callable[..., Layer]] = {
    "normal": normal,
    "uniform": uniform,
    "xavier": xavier,
    "he": he,
    "orthogonal": orthogonal,
    "pytorch_default": pytorch_default,
}


def draw(
    scheme: str,
    sizes: Sequence[int],
    seeds: Sequence[int],
    dtype: torch.dtype = torch.float32,
    **options: Any,
) -> tuple[list[Tensor], list[Tensor]]:
    """Draw the weights and biases of a population, layer by layer, each replica from its seed.

    Parameters
    ----------
    scheme
        A name in `SCHEMES`.
    sizes
        Units per layer, from the input to the output: layers + 1 integers.
    seeds
        One integer per replica. A seed may occur twice: those replicas start equal.
    options
        Passed to the scheme (`sigma_w2`, `sigma_b2`, `gain`): one number for all replicas, or one
        for each, shape (replicas,).

    Returns
    -------
    weights, biases
        Lists over layers of (replicas, n_in, n_out) and (replicas, 1, n_out).

    Raises
    ------
    TypeError, ValueError
        For an unknown scheme or option, a size below 1, a bad seed, an option of the wrong
        length, or a negative variance.
    """
    rule = SCHEMES[one_of("init", scheme, SCHEMES)]
    seeds = check_seeds("seeds", seeds)
    if len(sizes) < 2:
        raise ValueError(f"sizes must hold at least an input and an output size; got {sizes!r}")
    sizes = [positive_int("each of sizes", size) for size in sizes]
    known = set(rule.__kwdefaults__ or {})
    for name in options:
        one_of(f"option of init {scheme!r}", name, known or {"(none)"})
    spread = {name: per_replica(name, value, len(seeds)) for name, value in options.items()}
    networks = []
    for k, seed in enumerate(seeds):
        g = generator(seed)
        own = {name: float(values[k]) for name, values in spread.items()}
        networks.append([rule(i, o, g, dtype, **own) for i, o in pairwise(sizes)])
    layers = list(zip(*networks))
    weights = [torch.stack([W for W, _ in layer]) for layer in layers]
    return weights, [torch.stack([b for _, b in layer]) for layer in layers]


class HasLayers(Protocol):
    """What `lsuv_` needs of a network."""

    weights: Any
    biases: Any
    activation: Callable[[Tensor], Tensor]


@torch.no_grad()
def lsuv_(
    network: HasLayers, X: Tensor, *, tolerance: float = 1e-6, max_iterations: int = 10
) -> None:
    """Scale each layer, in place, until its output on `X` has variance 1 in every replica.

    Layer-sequential unit variance: start from orthogonal weights, walk from the input to the
    output, divide each W by the standard deviation that its pre-activations show on real data.

    Parameters
    ----------
    network
        Has `weights`, `biases` (lists over layers, replica axis first) and `activation`; draw it
        with the scheme "orthogonal".
    X
        (batch, n_in) or (replicas, batch, n_in).
    tolerance
        Stop at |variance - 1| below this.
    max_iterations
        Rescalings of one layer at most; without biases one is enough.

    Raises
    ------
    ValueError
        If `X` has no variance to scale, or holds a NaN.

    References
    ----------
    Mishkin & Matas (2016), All you need is a good init.
    """
    h = X
    for layer, (W, b) in enumerate(zip(network.weights, network.biases), start=1):
        for _ in range(max_iterations):
            sd = (h @ W + b).std(dim=(-2, -1), correction=0, keepdim=True)
            if not bool((torch.isfinite(sd) & (sd > 0)).all()):
                raise ValueError(
                    f"X must give every layer a finite variance above 0; at layer {layer} the "
                    f"standard deviations are {sd.flatten().tolist()}"
                )
            if bool(((sd**2 - 1).abs() < tolerance).all()):
                break
            W /= sd
        h = network.activation(h @ W + b)
