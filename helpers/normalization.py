"""Normalization layers for populations: batch, layer, RMS and group, replica by replica."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from helpers.checks import one_of, positive, positive_int

__all__ = [
    "NORMS",
    "BatchNorm",
    "GroupNorm",
    "LayerNorm",
    "Maker",
    "Normalization",
    "RMSNorm",
    "make",
]


class Normalization(nn.Module):
    """y = gamma (x - mean) / sqrt(var + eps) + beta; the subclass says whose mean and variance.

    Parameters
    ----------
    replicas, width
        Shape of what comes in: (replicas, batch, width).
    dtype
        Type of gamma (replicas, 1, width), which starts at 1, and beta, which starts at 0.
    eps
        Added to the variance, >= 0. At 0 the layer is exactly invariant to the scale of x.

    Raises
    ------
    TypeError, ValueError
        For an argument outside what is said above.
    """

    def __init__(
        self, replicas: int, width: int, dtype: torch.dtype = torch.float32, *, eps: float = 1e-5
    ) -> None:
        super().__init__()
        shape = (positive_int("replicas", replicas), 1, positive_int("width", width))
        self.eps = positive("eps", eps, allow_zero=True)
        self.gamma = nn.Parameter(torch.ones(shape, dtype=dtype))
        self.beta: nn.Parameter | None = nn.Parameter(torch.zeros(shape, dtype=dtype))

    def statistics(self, x: Tensor, remember: bool) -> tuple[Tensor, Tensor]:
        """Return mean and variance to normalize x with, in shapes that broadcast over x."""
        raise NotImplementedError

    def forward(self, x: Tensor, remember: bool = True) -> Tensor:
        """Normalize x (replicas, batch, width); `remember=False` leaves running averages alone."""
        mean, variance = self.statistics(x, remember)
        y: Tensor = (x - mean) * torch.rsqrt(variance + self.eps) * self.gamma
        return y if self.beta is None else y + self.beta


class BatchNorm(Normalization):
    """Mean and variance of each unit over the batch (Ioffe & Szegedy 2015).

    In training mode those of the batch itself; they also move the running averages, by the share
    `momentum` of the way. In evaluation mode (`network.eval()`) the running averages. All as in
    `torch.nn.BatchNorm1d`, the running variance from the unbiased estimate included.

    Parameters
    ----------
    momentum
        Above 0, at most 1. The other parameters are those of `Normalization`.

    Raises
    ------
    ValueError
        For a momentum outside (0, 1]; when called, for a batch of one in training mode.
    """

    running_mean: Tensor
    running_var: Tensor

    def __init__(
        self,
        replicas: int,
        width: int,
        dtype: torch.dtype = torch.float32,
        *,
        eps: float = 1e-5,
        momentum: float = 0.1,
    ) -> None:
        super().__init__(replicas, width, dtype, eps=eps)
        self.momentum = positive("momentum", momentum)
        if momentum > 1:
            raise ValueError(f"momentum must be > 0 and at most 1; got {momentum}")
        self.register_buffer("running_mean", torch.zeros_like(self.gamma.data))
        self.register_buffer("running_var", torch.ones_like(self.gamma.data))

    def statistics(self, x: Tensor, remember: bool) -> tuple[Tensor, Tensor]:
        """Return the batch's mean and variance, or the running ones, (replicas, 1, width)."""
        if not self.training:
            return self.running_mean, self.running_var
        n = x.shape[-2]
        if n < 2:
            raise ValueError(f"a batch must hold at least 2 examples in training mode; got {n}")
        variance, mean = torch.var_mean(x, dim=-2, correction=0, keepdim=True)
        if remember:
            with torch.no_grad():
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(variance * (n / (n - 1)), self.momentum)
        return mean, variance


class LayerNorm(Normalization):
    """Mean and variance of each example over the units of the layer (Ba et al. 2016)."""

    def statistics(self, x: Tensor, remember: bool) -> tuple[Tensor, Tensor]:
        """Return each example's mean and variance, (replicas, batch, 1)."""
        variance, mean = torch.var_mean(x, dim=-1, correction=0, keepdim=True)
        return mean, variance


class RMSNorm(Normalization):
    """Each example divided by its root mean square over the units; no mean, no beta.

    Source: Zhang & Sennrich (2019).
    """

    def __init__(
        self, replicas: int, width: int, dtype: torch.dtype = torch.float32, *, eps: float = 1e-5
    ) -> None:
        super().__init__(replicas, width, dtype, eps=eps)
        self.beta = None

    def statistics(self, x: Tensor, remember: bool) -> tuple[Tensor, Tensor]:
        """Return 0 and each example's mean square, (replicas, batch, 1)."""
        square = x.square().mean(dim=-1, keepdim=True)
        return torch.zeros_like(square), square


class GroupNorm(Normalization):
    """Mean and variance of each example over each of `groups` groups of units (Wu & He 2018).

    Parameters
    ----------
    groups
        Neighbouring units share a group; a divisor of the width. One group is `LayerNorm`.
        The other parameters are those of `Normalization`.

    Raises
    ------
    ValueError
        If `groups` does not divide the width.
    """

    def __init__(
        self,
        replicas: int,
        width: int,
        dtype: torch.dtype = torch.float32,
        *,
        eps: float = 1e-5,
        groups: int = 4,
    ) -> None:
        super().__init__(replicas, width, dtype, eps=eps)
        self.groups = positive_int("groups", groups)
        if width % groups:
            raise ValueError(f"groups must divide the width, {width}; got {groups}")

    def statistics(self, x: Tensor, remember: bool) -> tuple[Tensor, Tensor]:
        """Return each example's mean and variance by group, (replicas, batch, width)."""
        size = x.shape[-1] // self.groups
        grouped = x.reshape(*x.shape[:-1], self.groups, size)
        variance, mean = torch.var_mean(grouped, dim=-1, correction=0)
        return mean.repeat_interleave(size, dim=-1), variance.repeat_interleave(size, dim=-1)


NORMS: dict[str, type[Normalization]] = {
    "batch": BatchNorm,
    "group": GroupNorm,
    "layer": LayerNorm,
    "rms": RMSNorm,
}

Maker = Callable[[int, int, torch.dtype], Normalization]


def make(
    norm: str | Maker, replicas: int, width: int, dtype: torch.dtype = torch.float32
) -> Normalization:
    """Return a new normalization layer, by its name in `NORMS` or from a maker of your own.

    A maker takes (replicas, width, dtype), such as `functools.partial(BatchNorm, eps=0.0)`.

    Raises
    ------
    TypeError, ValueError
        If the name is unknown, or the maker does not return a `Normalization`.
    """
    maker: Maker = norm if callable(norm) else NORMS[one_of("norm", norm, NORMS)]
    layer = maker(replicas, width, dtype)
    if not isinstance(layer, Normalization):
        raise TypeError(f"norm must make a Normalization; got {type(layer).__name__}")
    return layer
