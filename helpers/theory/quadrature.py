"""Means over Gaussian variables, accurate for kinked functions and for any scale.

Gauss-Hermite quadrature converges fast for smooth functions of moderate scale, and badly for the
rest: ReLU has a kink, and at a large variance sigma'(sqrt(q) u) is a peak narrower than the nodes'
spacing. The rule here is composite Gauss-Legendre: panels that halve toward 0, where every
activation has its kink and its structure. It reaches the last digits for all of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from helpers.checks import finite

__all__ = ["correlated_gaussian_mean", "gaussian_mean", "non_negative", "unit_interval"]

Array = NDArray[np.float64]
Function = Callable[[Array], Array]

REACH = 9.5  # beyond it a standard normal has mass 2e-21
HALVINGS = 64  # at most: enough for variances up to 1e34
BLOCK = 2048  # variances at a time: 13 MB of nodes


@cache
def unit_interval(nodes_per_panel: int, halvings: int) -> tuple[Array, Array]:
    """Nodes and weights for the integral of f over (0, 1), panels halving toward 0."""
    x, w = np.polynomial.legendre.leggauss(nodes_per_panel)
    edges = np.concatenate([[0.0], 2.0 ** np.arange(-halvings, 1)])
    widths = np.diff(edges)[:, None]
    nodes = edges[:-1, None] + widths * (x + 1) / 2
    return nodes.ravel(), (widths * w / 2).ravel()


@cache
def _normal_rule(halvings: int) -> tuple[Array, Array]:
    """Nodes u and weights (normal density included) for E f(u), u ~ N(0, 1)."""
    nodes, weights = unit_interval(16, halvings)
    u = np.concatenate([-REACH * nodes[::-1], REACH * nodes])
    w = REACH * np.concatenate([weights[::-1], weights])
    density = np.exp(-0.5 * u * u) / math.sqrt(2 * math.pi)
    return u, w * density


def _halvings(scale: float) -> int:
    """Enough for the smallest panel, in u, to be a quarter of 1 / scale or less."""
    return min(HALVINGS, math.ceil(math.log2(REACH * max(1.0, scale))) + 2)


def gaussian_mean(f: Function, q: ArrayLike) -> Array:
    """Return E f(sqrt(q) u) for u ~ N(0, 1), elementwise in q; relative error about 1e-13.

    Beyond q = 1e34, only what f does far from 0 is seen.

    Parameters
    ----------
    f
        Elementwise on arrays. Smooth but for a kink or jump at 0.
    q
        Variances >= 0, any shape.

    Raises
    ------
    TypeError, ValueError
        If `q` is negative, NaN or infinite.
    """
    variance = non_negative("q", q)
    sd = np.sqrt(variance).ravel()
    means = []
    for block in np.array_split(sd, math.ceil(sd.size / BLOCK)):
        u, w = _normal_rule(_halvings(float(block.max())))
        means.append(f(block[:, None] * u) @ w)
    mean: Array = np.concatenate(means).reshape(variance.shape)[()]
    return mean


def correlated_gaussian_mean(f: Function, g: Function, q: float, c: float) -> float:
    """Return E f(u) g(v) for u, v ~ N(0, q) with correlation c; error about 1e-11 E|f g|.

    With u = sqrt(q) a and v = sqrt(q) (c a + s b), s = sqrt(1 - c^2), the inner integral over b is
    split where v = 0, so that a kink of g costs nothing either.

    Raises
    ------
    TypeError, ValueError
        If `q` is negative or `c` outside [-1, 1].
    """
    sd = math.sqrt(variance_number("q", q))
    c = check_correlation(c)
    s = math.sqrt((1 - c) * (1 + c))
    # The inner mean, as a function of a, turns over a distance s where g has a kink.
    a, weights = _normal_rule(_halvings(max(sd, 1 / s if s else 0.0)))
    if s == 0:
        return float((f(sd * a) * g(sd * c * a)) @ weights)
    # 32, because the largest panel may hold the whole normal density.
    nodes, panel = unit_interval(32, _halvings(sd * s))
    kink = np.clip(-c * a / s, -REACH, REACH)[:, None]
    inner = np.zeros_like(a)
    for end in (-REACH, REACH):
        length = end - kink
        b = kink + length * nodes
        density = np.exp(-0.5 * b * b) / math.sqrt(2 * math.pi)
        inner += np.abs(length[:, 0]) * ((g(sd * (c * a[:, None] + s * b)) * density) @ panel)
    return float((f(sd * a) * inner) @ weights)


def non_negative(name: str, value: ArrayLike) -> Array:
    """Return `value` as a finite float64 array, all >= 0, or raise naming it."""
    array = finite(name, value)
    if (array < 0).any():
        raise ValueError(f"{name} must be >= 0; got {array.min()}")
    return array


def variance_number(name: str, value: ArrayLike) -> float:
    """Return `value` as one finite float >= 0, or raise naming it."""
    array = non_negative(name, value)
    if array.ndim:
        raise ValueError(f"{name} must be one number; got an array of shape {array.shape}")
    return float(array)


def check_correlation(c: ArrayLike) -> float:
    """Return `c` as one float in [-1, 1], or raise naming it."""
    array = finite("c", c)
    if array.ndim or abs(array) > 1:
        raise ValueError(f"c must be one correlation in [-1, 1]; got {c!r}")
    return float(array)
