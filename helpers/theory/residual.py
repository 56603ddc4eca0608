"""Residual networks: the stream's variance, its gradient, and the gradients of two inputs.

The network is z_1 = x W_1 + b_1 and z_{l+1} = s z_l + a (phi(z_l) W_{l+1} + b_{l+1}), with a skip
scale s and a branch scale a. A plain network is s = 0, a = 1. Fresh weights have mean zero, so the
skip and the branch are uncorrelated, forward and backward, and their squares add.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from helpers.activations import Activation
from helpers.checks import finite, one_of, positive_int
from helpers.theory.gradient import chi, finite_width_error
from helpers.theory.quadrature import non_negative, variance_number
from helpers.theory.variance import variance_map

__all__ = [
    "relu_gradient_kernel",
    "residual_decades",
    "residual_factors",
    "residual_variance",
    "residual_width_error",
]

Array = NDArray[np.float64]

NORMS = ("none", "pre", "post")


def residual_variance(
    activation: str | Activation,
    sigma_w2: float,
    sigma_b2: float,
    depth: int,
    branch_scale: float = 1.0,
    skip_scale: float = 1.0,
    *,
    norm_place: str = "none",
    input_second_moment: float = 1.0,
) -> Array:
    """Return q_1..q_L, the mean square of the stream: q' = s^2 q + a^2 (variance map of q).

    Parameters
    ----------
    activation
        Name or `Activation`.
    sigma_w2, sigma_b2
        Variance of the weights times fan-in, and of the biases; >= 0.
    depth
        Hidden layers L, >= 1: one stem and L - 1 residual blocks.
    branch_scale, skip_scale
        The numbers a and s; any sign, their squares count.
    norm_place
        "none"; "pre": the branch sees the stream normalized to mean square 1; "post": the sum of
        skip and branch is normalized, so that q is 1 throughout.
    input_second_moment
        Mean square of the input's entries, >= 0.

    Raises
    ------
    TypeError, ValueError
        For an argument outside what is said above.
    OverflowError
        If the variance leaves the range of float64.

    References
    ----------
    Yang & Schoenholz (2017), whose branch has one matrix more.
    """
    layers = positive_int("depth", depth)
    a2, s2 = _square("branch_scale", branch_scale), _square("skip_scale", skip_scale)
    place = one_of("norm_place", norm_place, NORMS)
    moment = variance_number("input_second_moment", input_second_moment)
    first = variance_number("sigma_w2", sigma_w2) * moment + variance_number("sigma_b2", sigma_b2)
    if place == "post":
        return np.ones(layers)
    q = [first]
    while len(q) < layers:
        seen = 1.0 if place == "pre" else q[-1]
        with np.errstate(over="ignore"):
            q.append(s2 * q[-1] + a2 * float(variance_map(activation, seen, sigma_w2, sigma_b2)))
        if not np.isfinite(q[-1]):
            raise OverflowError(f"the variance exceeds float64 at layer {len(q)} of depth {layers}")
    return np.array(q)


def residual_factors(
    activation: str | Activation,
    sigma_w2: float,
    sigma_b2: float,
    depth: int,
    branch_scale: float = 1.0,
    skip_scale: float = 1.0,
    *,
    norm_place: str = "none",
    input_second_moment: float = 1.0,
) -> Array:
    """Return the L - 1 factors by which the blocks multiply E|delta|^2, the first block first.

    s^2 + a^2 chi(q_l). With "pre", s^2 + a^2 chi(1) / q_l, because the norm divides by the root of
    q_l on the way back too; with "post", (s^2 + a^2 chi(1)) / (s^2 + a^2 V(1)), V the variance map.
    Parameters and errors are those of `residual_variance`.
    """
    q = residual_variance(
        activation,
        sigma_w2,
        sigma_b2,
        depth,
        branch_scale,
        skip_scale,
        norm_place=norm_place,
        input_second_moment=input_second_moment,
    )[:-1]
    a2, s2 = float(branch_scale) ** 2, float(skip_scale) ** 2
    if norm_place == "none":
        factors: Array = s2 + a2 * chi(activation, q, sigma_w2)
        return factors
    branch = a2 * float(chi(activation, 1.0, sigma_w2))
    if norm_place == "pre":
        if (q == 0).any():
            raise ValueError("sigma_w2 and sigma_b2 must give the stream a variance; got 0")
        return s2 + branch / q
    total = s2 + a2 * float(variance_map(activation, 1.0, sigma_w2, sigma_b2))
    if total == 0:
        raise ValueError("skip_scale and branch_scale must give the stream a variance; got 0")
    return np.full(depth - 1, (s2 + branch) / total)


def residual_decades(factors: ArrayLike) -> Array:
    """Return log10(E|delta_l|^2 / E|delta_L|^2) for l = 1..L from the L - 1 factors, (L,).

    Raises
    ------
    TypeError, ValueError
        If a factor is not finite, negative or zero.
    """
    values = non_negative("factors", factors)
    if values.ndim != 1 or (values == 0).any():
        raise ValueError(f"factors must be a list of numbers > 0; got {values}")
    toward_input = np.cumsum(np.log10(values)[::-1])[::-1]
    return np.append(toward_input, 0.0)


def residual_width_error(
    activation: str | Activation,
    sigma_w2: float,
    q: ArrayLike,
    width: int,
    branch_scale: float = 1.0,
    skip_scale: float = 1.0,
) -> Array:
    """Return the relative error of s^2 + a^2 chi at finite width, leading order, elementwise in q.

    A block multiplies |delta|^2 by |s e + a b|^2, e a unit vector and b the branch's answer, of
    mean square chi. The cross term has variance 4 s^2 a^2 chi / n and the branch a^4 chi^2
    (3 kappa - 1) / n, as in `finite_width_error`, which is the case s = 0. Half the relative
    variance is the distance between the mean of the logarithm and the logarithm of the mean.
    """
    a2, s2 = _square("branch_scale", branch_scale), _square("skip_scale", skip_scale)
    n = positive_int("width", width)
    branch = a2 * chi(activation, q, sigma_w2)
    own = 2 * finite_width_error(activation, q, n) * branch**2  # relative variance times square
    error: Array = (4 * s2 * branch / n + own) / (2 * (s2 + branch) ** 2)
    return error


def relu_gradient_kernel(
    X: ArrayLike,
    sigma_w2: float,
    biases: ArrayLike,
    branch_scale: float = 1.0,
    skip_scale: float = 1.0,
) -> tuple[Array, Array]:
    """Return the covariance of the stream and of the gradients over inputs, for wide ReLU networks.

    Two inputs with stream correlation c = cos t are both on with probability (pi - t) / (2 pi);
    the covariance of their gradients is multiplied, per block, by s^2 + a^2 sigma_w2 times that.
    For He's weights and a plain network the factor is 1 - t / pi, relative to equal inputs.

    Parameters
    ----------
    X
        Inputs (examples, n_in).
    sigma_w2
        Variance of the weights times fan-in, >= 0.
    biases
        Variance of the biases of each hidden layer, (depth,).
    branch_scale, skip_scale
        The numbers a and s.

    Returns
    -------
    stream, gradient
        (examples, examples) each: E z_L z_L', and E of the inner product of the gradients of one
        random linear readout of ReLU(z_L) with respect to the stem's output z_1, relative to the
        readout's own variance sigma_w2.

    References
    ----------
    Cho & Saul (2009) for the two integrals; Balduzzi et al. (2017) for the question.
    """
    inputs = finite("X", X)
    if inputs.ndim != 2:
        raise ValueError(f"X must have shape (examples, n_in); got {inputs.shape}")
    variances = non_negative("biases", biases)
    if variances.ndim != 1:
        raise ValueError(f"biases must have shape (depth,); got {variances.shape}")
    weight = variance_number("sigma_w2", sigma_w2)
    a2, s2 = _square("branch_scale", branch_scale), _square("skip_scale", skip_scale)
    stream = weight * inputs @ inputs.T / inputs.shape[1] + variances[0]
    gradient = np.ones_like(stream)
    for variance in variances[1:]:
        second, both_on = _arc_cosine(stream)
        stream = s2 * stream + a2 * (weight * second + variance)
        gradient = gradient * (s2 + a2 * weight * both_on)
    return stream, gradient * _arc_cosine(stream)[1]


def _arc_cosine(covariance: Array) -> tuple[Array, Array]:
    """E ReLU(u) ReLU(v) and P(u > 0, v > 0) for every pair of a Gaussian vector."""
    sd = np.sqrt(np.diag(covariance))
    if (sd == 0).any():
        raise ValueError("X and biases must give every input a variance above 0; got 0")
    scale = np.outer(sd, sd)
    angle = np.arccos(np.clip(covariance / scale, -1, 1))
    np.fill_diagonal(angle, 0.0)
    both_on = (np.pi - angle) / (2 * np.pi)
    return scale * (np.sin(angle) / (2 * np.pi) + np.cos(angle) * both_on), both_on


def _square(name: str, value: float) -> float:
    number = finite(name, value)
    if number.ndim:
        raise ValueError(f"{name} must be one number; got an array of shape {number.shape}")
    return float(number) ** 2
