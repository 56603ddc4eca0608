"""Backward through normalized layers: the factor per layer of the squared gradient.

A normalization sets the scale, so the weights' scale cancels; what it subtracts decides the rest.
Writing phi as a sum of Hermite polynomials, E phi'^2 / Var phi is their mean degree, weighted by
their share of the variance: never below 1, and 1 only for a straight line. That is the Gaussian
Poincare inequality (Chernoff 1981): where the mean of phi is removed, gradients cannot vanish.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from helpers import activations
from helpers.activations import Activation
from helpers.checks import one_of, positive_int
from helpers.theory.quadrature import REACH, gaussian_mean, variance_number
from helpers.theory.variance import derivative_second_moment, second_moment

__all__ = [
    "activation_variance",
    "batch_norm_factor",
    "normalized_factor",
    "normalized_gradient_profile",
]

Array = NDArray[np.float64]

NODES = 64  # per panel, for both variables

# Does this norm, in this place, take away the mean of phi(z)? A layer norm before the activation
# takes the mean of z over the units, which is 0 already in a wide layer.
REMOVES_MEAN = {
    ("batch", "before"): True,
    ("batch", "after"): True,
    ("layer", "before"): False,
    ("layer", "after"): True,
    ("rms", "before"): False,
    ("rms", "after"): False,
}


def activation_variance(activation: str | Activation, q: ArrayLike) -> Array:
    """Var phi(sqrt(q) u) for u ~ N(0, 1), elementwise in q."""
    phi = activations.get(activation).function
    mean = gaussian_mean(phi, q)
    variance: Array = second_moment(activation, q) - mean**2
    return variance


def normalized_factor(
    activation: str | Activation,
    norm: str = "batch",
    place: str = "before",
    sigma_w2: float = 1.0,
) -> float:
    """Return the factor of E|delta|^2 for one layer backward, wide layers and large batches.

    E phi'^2 / Var phi where the norm removes the mean of phi(z) (batch norm; layer norm after the
    activation), else E phi'^2 / E phi^2 (layer norm before it; RMS norm). Before the activation
    the pre-activations that phi sees have variance 1 and the weights' scale cancels. After it
    they have variance `sigma_w2`, by which the factor is multiplied as well.

    Parameters
    ----------
    activation
        Name or `Activation`.
    norm
        "batch", "layer" or "rms".
    place
        "before" or "after" the activation.
    sigma_w2
        Variance of the weights times fan-in, > 0; biases are 0.

    Raises
    ------
    TypeError, ValueError
        For an argument outside what is said above.

    References
    ----------
    Yang et al. (2019), for batch norm; the others are the same computation.
    """
    one_of("norm", norm, {name for name, _ in REMOVES_MEAN})
    one_of("place", place, {"before", "after"})
    weight = variance_number("sigma_w2", sigma_w2)
    if weight == 0:
        raise ValueError("sigma_w2 must be > 0; got 0")
    q = 1.0 if place == "before" else weight
    removes = REMOVES_MEAN[norm, place]
    scale = activation_variance(activation, q) if removes else second_moment(activation, q)
    return float(q * derivative_second_moment(activation, q) / scale)


def normalized_gradient_profile(
    activation: str | Activation,
    norm: str = "batch",
    place: str = "before",
    *,
    depth: int,
    batch: int | None = None,
    input_moment: float = 1.0,
) -> Array:
    """Return E|delta_l|^2 / E|delta_L|^2, (depth,), layer 1 first, at sigma_w2 = 1.

    The delta is that at z_l = h_{l-1} W_l + b_l. All layers share one factor but the lowest of a
    norm before the activation: its z is made of data, whose scale stands where phi's would.

    Parameters
    ----------
    activation, norm, place
        As in `normalized_factor`.
    depth
        Hidden layers, >= 1.
    batch
        Examples, >= 4; without it the batch is large. Only a batch norm before the activation
        makes use of it (`batch_norm_factor`).
    input_moment
        Of the input, > 0: the variance over the batch for a batch norm, else the mean square.

    Raises
    ------
    TypeError, ValueError
        For an argument outside what is said above.
    """
    factor = normalized_factor(activation, norm, place)
    if batch is not None and (norm, place) == ("batch", "before"):
        factor = batch_norm_factor(activation, batch)
    moment = variance_number("input_moment", input_moment)
    if moment == 0:
        raise ValueError("input_moment must be > 0; got 0")
    profile: Array = factor ** np.arange(positive_int("depth", depth) - 1.0, -1.0, -1.0)
    if depth > 1 and place == "before":
        slope = float(derivative_second_moment(activation, 1.0))
        scale = slope / normalized_factor(activation, norm, place)  # Var phi, or E phi^2
        profile[0] *= scale / moment
    return profile


def batch_norm_factor(activation: str | Activation, batch: int) -> float:
    """Return the factor for batch norm before the activation, wide layers, a batch of any size.

    In a deep network the batch has forgotten its input: every unit sees a random direction of the
    batch's space, with mean 0 and length sqrt(batch). The factor is then an average over a sphere
    of batch - 1 dimensions, of the backward pass through the norm and the activation. It grows
    without bound as the batch shrinks to 3, where 1 / (length before the norm)^2 has no mean;
    a batch of 2 is normalized to +1 and -1 whatever comes in, and lets no gradient through.

    Parameters
    ----------
    activation
        Name or `Activation`, not constant.
    batch
        Examples, >= 4.

    Returns
    -------
    factor
        By which one layer multiplies E|delta|^2, delta in front of the norm.

    References
    ----------
    Yang et al. (2019), in another form; `normalized_factor` is the limit of large batches.
    """
    n = positive_int("batch", batch, minimum=4)
    phi = activations.get(activation)
    a, b, weights = _two_of(n)
    h, slope = phi.function(a), phi.derivative(a)
    other, slope_other = phi.function(b), phi.derivative(b)

    def mean(values: Array) -> float:
        return float(values @ weights)

    variance = mean(h * h) - mean(h * other)  # unbiased, over the batch
    # E tr(P D G D): D the slopes, G removes the mean over the batch, P also the direction itself
    centred = mean(slope**2) * (n - 2 + 1 / n) + mean(slope * slope_other) * (1 - 1 / n)
    radial = (mean((a * slope) ** 2) - mean(a * slope * b * slope_other)) * (1 - 1 / n)
    return n * (centred - radial) / ((n - 3) * (n - 1) * variance)


def _two_of(n: int) -> tuple[Array, Array, Array]:
    """Nodes for two entries of a random vector in R^n of mean 0 and length sqrt(n); weights.

    On the unit sphere of n - 1 dimensions two orthogonal coordinates are r cos t, r sin t, with
    t uniform and, for r = sin(s), s of density sin(s) cos(s)^(n - 4) up to a factor. The circle
    is cut where an entry changes sign, since activations have their kinks there.
    """
    x, panel = np.polynomial.legendre.leggauss(NODES)
    s = (x + 1) / 2 * min(math.pi / 2, REACH / math.sqrt(n - 3))
    r, radial = np.sin(s), panel * np.sin(s) * np.cos(s) ** (n - 4)
    c = -1 / (n - 1)
    tilt = math.atan2(c, math.sqrt(1 - c * c))  # second entry: sin(t + tilt)
    turn = 2 * math.pi
    cuts = np.sort(np.mod([math.pi / 2, 3 * math.pi / 2, -tilt, math.pi - tilt], turn))
    starts, lengths = cuts, np.diff(np.append(cuts, cuts[0] + turn))
    t = (starts[:, None] + lengths[:, None] * (x + 1) / 2).ravel()
    around = (lengths[:, None] * panel / (2 * turn)).ravel()
    size = math.sqrt(n - 1) * r[:, None]
    a, b = size * np.cos(t), size * np.sin(t + tilt)
    weights = (radial / radial.sum())[:, None] * around
    return a.ravel(), b.ravel(), weights.ravel()
