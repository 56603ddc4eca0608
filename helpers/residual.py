"""Residual networks as populations: an MLP whose layers add to a stream instead of replacing it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from numpy.typing import ArrayLike
from torch import Tensor

from helpers import activations, normalization
from helpers.checks import finite, one_of, per_replica
from helpers.networks import MLP, Trace, check_inputs

__all__ = ["ResidualMLP"]


class ResidualMLP(MLP):
    """A population of residual networks of the same shape, one per replica.

    The stem computes z_1 = x W_1 + b_1; each of the depth - 1 blocks adds to the stream,
    z_{l+1} = s z_l + a (phi(z_l) W_{l+1} + b_{l+1}); the logits are phi(z_L) W_{L+1} + b_{L+1}.
    With s = 0 and a = 1 it is `MLP`. A "pre" norm stands in the branch, phi(norm(z_l)), and before
    the readout; a "post" norm on the stream, z_{l+1} = norm(s z_l + a ...), the stem included.

    Parameters
    ----------
    depth, width, activation, seeds, norm
        As in `MLP`.
    branch_scale, skip_scale
        The numbers a and s: one for all replicas, or one for each, shape (replicas,).
    norm_place
        "pre" or "post"; says nothing without a norm.
    zero_branch
        Start with W_2..W_L and their biases at zero, so that every block is the skip alone.
    init, n_in, n_out, dtype, init_options
        As in `MLP`.

    Raises
    ------
    TypeError, ValueError
        For an argument outside what is said above.

    References
    ----------
    He et al. (2016b), whose branch has two matrices.
    """

    branch_scale: Tensor
    skip_scale: Tensor

    def __init__(
        self,
        depth: int,
        width: int,
        activation: str | activations.Activation,
        seeds: Sequence[int],
        *,
        branch_scale: ArrayLike = 1.0,
        skip_scale: ArrayLike = 1.0,
        norm: str | normalization.Maker | None = None,
        norm_place: str = "pre",
        zero_branch: bool = False,
        init: str = "xavier",
        n_in: int = 64,
        n_out: int = 10,
        dtype: torch.dtype = torch.float32,
        **init_options: Any,
    ) -> None:
        super().__init__(
            depth,
            width,
            activation,
            seeds,
            norm=norm,
            init=init,
            n_in=n_in,
            n_out=n_out,
            dtype=dtype,
            **init_options,
        )
        self.norm_place = one_of("norm_place", norm_place, ["pre", "post"])
        for name, value in (("branch_scale", branch_scale), ("skip_scale", skip_scale)):
            scale = finite(name, per_replica(name, value, self.replicas))
            # A buffer (replicas, 1, 1): `only` then takes the rows of the replicas it needs.
            self.register_buffer(name, torch.as_tensor(scale).to(dtype).reshape(-1, 1, 1))
        if zero_branch:
            with torch.no_grad():
                for parameter in [*self.weights[1:-1], *self.biases[1:-1]]:
                    parameter.zero_()

    def forward(self, X: Tensor) -> Tensor:
        """Return the logits (replicas, batch, n_out) for X (batch, n_in) or (replicas, ...)."""
        return self._run(X, remember=True).logits

    def trace(self, X: Tensor) -> Trace:
        """Run forward and keep the stream z_1..z_L and what the branches read from it.

        X is (batch, n_in) or (replicas, batch, n_in). Only looks: see `MLP.trace`.
        """
        return self._run(X, remember=False)

    def _run(self, X: Tensor, remember: bool) -> Trace:
        check_inputs(self, X)
        stream: list[Tensor] = []
        read: list[Tensor] = []
        for k in range(self.depth):
            if k == 0:
                z = X @ self.weights[0] + self.biases[0]
            else:
                branch = read[-1] @ self.weights[k] + self.biases[k]
                z = self.skip_scale * stream[-1] + self.branch_scale * branch
            if self.norms and self.norm_place == "post":
                z = self.norms[k](z, remember)
            seen = z
            if self.norms and self.norm_place == "pre":
                seen = self.norms[k](z, remember)
            stream.append(z)
            read.append(self.activation(seen))
        return Trace(stream, read, read[-1] @ self.weights[-1] + self.biases[-1])
