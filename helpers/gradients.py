"""What reaches each layer: gradient norms per layer and per replica, and their rate per layer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from helpers import losses
from helpers.checks import finite
from helpers.networks import MLP

__all__ = ["LayerGradients", "layer_gradients", "per_layer_factor", "root_mean_square"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class LayerGradients:
    """Sizes of everything that a backward pass meets, layer by layer.

    Attributes
    ----------
    delta
        (replicas, depth): root mean square over the batch of |dLoss_i / dz_l|, i one example.
    weight_gradients
        (replicas, depth + 1): Frobenius norm of dLoss / dW_l, Loss the mean over the batch.
    weights
        (replicas, depth + 1): Frobenius norm of W_l.
    pre_activations
        (replicas, depth): mean square of z_l over batch and units.
    """

    delta: Array
    weight_gradients: Array
    weights: Array
    pre_activations: Array

    def update_to_weight(self, lr: ArrayLike) -> Array:
        """Size of a plain SGD step relative to the weights, (replicas, depth + 1).

        `lr` is one learning rate or one per replica, shape (replicas,).
        """
        rates = finite("lr", lr)
        return rates.reshape(-1, 1) * self.weight_gradients / self.weights

    def factor(self) -> Array:
        """Squared-gradient factor per layer of each replica, (replicas,)."""
        return per_layer_factor(self.delta)


def layer_gradients(
    network: MLP, X: Tensor, y: Tensor, loss: str | losses.Loss = "cross_entropy"
) -> LayerGradients:
    """Run one forward and backward pass and return the norms; the network is left as it was.

    Parameters
    ----------
    network
        A population of `replicas` networks.
    X, y
        (batch, n_in) and (batch,), or with a leading replica axis.
    loss
        A name in `helpers.losses.LOSSES`.

    Raises
    ------
    TypeError, ValueError
        If X, y or the loss do not fit the network.
    """
    trace = network.trace(X)
    per_example = losses.get(loss)(trace.logits, y)
    wanted = [*trace.z, *network.weights]
    # The mean over the batch, summed over replicas: no replica sees another's loss.
    gradients = torch.autograd.grad(per_example.mean(dim=-1).sum(), wanted)
    batch = X.shape[-2]
    depth = network.depth
    with torch.no_grad():
        return LayerGradients(
            # times `batch`: from the gradient of the mean to that of the example's own loss
            delta=_stack(root_mean_square(g) * batch for g in gradients[:depth]),
            weight_gradients=_stack(g.norm(dim=(-2, -1)) for g in gradients[depth:]),
            weights=_stack(W.norm(dim=(-2, -1)) for W in network.weights),
            pre_activations=_stack((z**2).mean(dim=(-2, -1)) for z in trace.z),
        )


def root_mean_square(gradient: Tensor) -> Tensor:
    """Root mean square over the batch of the norm over units, in float64 so as not to underflow."""
    return gradient.double().square().sum(dim=-1).mean(dim=-1).sqrt()


def _stack(columns: object) -> Array:
    """Put per-layer tensors (replicas,) side by side: (replicas, layers)."""
    stacked: Array = torch.stack(list(columns), dim=1).double().numpy()  # type: ignore[call-overload]
    return stacked


def per_layer_factor(delta: ArrayLike) -> Array:
    """Fit the factor by which the squared gradient changes from one layer to the one before.

    The least-squares slope of ln delta^2 against the layer, read toward the input: below 1 the
    gradient vanishes, above 1 it explodes. The same fit is applied to predicted profiles
    (`helpers.theory.gradient_factor`), so that both numbers mean the same.

    Parameters
    ----------
    delta
        (..., depth): gradient norms (not squared), layer 1 first; depth >= 2, all above 0.

    Returns
    -------
    factor
        (...,): factor of the squared norm per layer.

    Raises
    ------
    ValueError
        With fewer than two layers, or where a norm is 0, negative or not finite.
    """
    norms = finite("delta", delta)
    if norms.ndim == 0 or norms.shape[-1] < 2:
        raise ValueError(f"delta must have at least 2 layers; got shape {norms.shape}")
    if (norms <= 0).any():
        raise ValueError(
            f"delta must be above 0; got {int((norms <= 0).sum())} values at or below 0 "
            "(a gradient that underflows? measure in float64)"
        )
    steps_to_input = -np.arange(norms.shape[-1], dtype=np.float64)
    centred = steps_to_input - steps_to_input.mean()
    slope = (2 * np.log(norms)) @ centred / (centred @ centred)
    factor: Array = np.exp(slope)
    return factor
