"""What reaches each time step: gradients through time, per lag and per replica."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from helpers import losses
from helpers.checks import finite, positive_int
from helpers.gradients import per_layer_factor, root_mean_square
from helpers.recurrent import RNN, Recurrent

__all__ = ["TimeGradients", "per_step_slope", "step_jacobians", "time_gradients"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class TimeGradients:
    """Sizes of everything that a backward pass through time meets, t = 1..T.

    Attributes
    ----------
    hidden
        (replicas, time): root mean square over the batch of |dLoss_i / dh_t|, i one example.
    cell
        (replicas, time): the same for c_t, the cell of an LSTM; None for the others.
    recurrent_parts
        (replicas, time): Frobenius norm of step t's part of dLoss / dW_rec, Loss the mean over the
        batch. The parts add up to the gradient (their norms do not).
    """

    hidden: Array
    cell: Array | None
    recurrent_parts: Array

    def long_term_share(self, lag: int) -> Array:
        """Share of the parts' norms that lie `lag` or more steps before the last, (replicas,).

        Raises
        ------
        TypeError, ValueError
            If `lag` is not an integer >= 0.
        """
        positive_int("lag", lag, minimum=0)
        by_lag = self.recurrent_parts[:, ::-1]
        share: Array = by_lag[:, lag:].sum(axis=1) / by_lag.sum(axis=1)
        return share


def time_gradients(
    network: Recurrent,
    X: Tensor,
    y: Tensor | None = None,
    loss: str | losses.Loss = "cross_entropy",
) -> TimeGradients:
    """Run one forward and backward pass and return the norms; the network is left as it was.

    Parameters
    ----------
    network
        A population of `replicas` networks. In float64, so that nothing underflows.
    X
        (batch, time, n_in), or with a leading replica axis.
    y
        Targets that fit the loss. Without them, Loss is the sum of an example's outputs: a
        gradient that enters at the readout, in a direction that does not depend on the state.
    loss
        A name in `helpers.losses.LOSSES`, or a function.

    Raises
    ------
    TypeError, ValueError
        If X, y or the loss do not fit the network.
    """
    trace = network.trace(X)
    batch, T = X.shape[-3:-1]
    if y is None:
        total = trace.outputs.sum() / batch
    else:
        # The mean over the batch, summed over replicas: no replica sees another's loss.
        total = losses.get(loss)(trace.outputs, y).flatten(1).mean(dim=1).sum()
    wanted = [*trace.h, *trace.c, *trace.z]
    found = torch.autograd.grad(total, wanted, allow_unused=True)
    # None: no path, as to h_t where the gradient runs through the cell alone.
    gradients = [torch.zeros_like(w) if g is None else g for w, g in zip(wanted, found)]
    hidden, cell, deltas = gradients[:T], gradients[T:-T], gradients[-T:]
    before = [torch.zeros_like(trace.h[0]), *trace.h[:-1]]
    with torch.no_grad():
        return TimeGradients(
            # times `batch`: from the gradient of the mean to that of the example's own loss
            hidden=_over_time([root_mean_square(g) * batch for g in hidden]),
            cell=_over_time([root_mean_square(g) * batch for g in cell]) if cell else None,
            recurrent_parts=_over_time(
                [(h.mT @ d).norm(dim=(-2, -1)) for h, d in zip(before, deltas)]
            ),
        )


def _over_time(columns: Sequence[Tensor]) -> Array:
    """Put the tensors (replicas,) of all steps side by side: (replicas, time)."""
    stacked: Array = torch.stack(list(columns), dim=1).double().numpy()
    return stacked


def per_step_slope(norms: ArrayLike, lags: tuple[int, int] | None = None) -> Array:
    """Fit the slope of the logarithm of a gradient norm, per step back in time.

    The least-squares fit of `helpers.gradients.per_layer_factor`. Below 0 the gradient vanishes,
    above 0 it explodes; its exponential is the factor per step of the norm (not squared). The
    same number as a Lyapunov exponent, in nats per step.

    Parameters
    ----------
    norms
        (..., time): gradient norms, t = 1..T; all above 0.
    lags
        First and last lag of the fit, both included; lag 0 is the last step. All by default.

    Returns
    -------
    slope
        (...,).

    Raises
    ------
    TypeError, ValueError
        With fewer than two steps, with lags that are not 0 <= first < last < time, or where a
        norm is 0, negative or not finite.
    """
    values = finite("norms", norms)
    T = values.shape[-1] if values.ndim else 0
    first, last = (0, T - 1) if lags is None else lags
    if not 0 <= first < last < T:
        raise ValueError(f"lags must be 0 <= first < last < {T}, the time steps; got {lags}")
    if (values <= 0).any():
        raise ValueError(
            f"norms must be above 0; got {int((values <= 0).sum())} values at or below 0 "
            "(a gradient that underflows? measure in float64)"
        )
    slope: Array = 0.5 * np.log(per_layer_factor(values[..., T - 1 - last : T - first]))
    return slope


@torch.no_grad()
def step_jacobians(network: RNN, X: Tensor) -> Iterator[Array]:
    """Yield dh_t / dh_{t-1} for t = 1..T along one sequence, for `theory.lyapunov_exponents`.

    Row i is unit i at time t, column j unit j at time t - 1: phi'(z_t)_i (W_rec)_ji.

    Parameters
    ----------
    network
        A population of plain recurrent networks.
    X
        (1, time, n_in) or (replicas, 1, time, n_in).

    Yields
    ------
    jacobian
        (replicas, width, width), float64.

    Raises
    ------
    TypeError, ValueError
        If X does not fit the network or holds more than one sequence.
    """
    if X.ndim < 3 or X.shape[-3] != 1:
        raise ValueError(f"X must hold one sequence, (1, time, n_in); got shape {tuple(X.shape)}")
    for _, z in network.unroll(X):
        slopes = network.activation.torch_derivative(z)  # (replicas, 1, width)
        jacobian: Array = (network.W_rec * slopes).mT.double().numpy()
        yield jacobian
