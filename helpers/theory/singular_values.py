"""How a deep random network stretches each direction: the singular values of its Jacobian.

The Jacobian from the input to the last activations is a product of L weight matrices W and L
diagonal matrices D of slopes phi'(z). In wide layers these are free of each other, and the
S-transforms of D^2 and of W W^T multiply (Pennington, Schoenholz & Ganguli 2017, 2018). What
comes out is one equation for the whole spectrum. With z = E[t phi'^2 / (1 - t phi'^2)], a squared
singular value x belongs to t when

    x = (1 + z) / z * (sigma_w2 z / ((1 + z) t))^L * (1 for orthogonal, (1 + z)^L for Gaussian W).

Real t, from 0 to 1 / max phi'^2, give the x above the spectrum; the least of them is its upper
edge. Inside the spectrum t and z are complex, and ln s has the density 2 |Im z| / pi.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq, minimize_scalar

from helpers import activations
from helpers.activations import Activation
from helpers.checks import finite, positive, positive_int
from helpers.theory.quadrature import unit_interval

__all__ = [
    "largest_singular_value",
    "largest_singular_value_error",
    "singular_value_density",
]

Array = NDArray[np.float64]

REACH = 8.0  # standard deviations of z that are summed over
TRACY_WIDOM_MEAN = -1.2065335745820  # of the largest eigenvalue of real matrices (Johnstone 2001)
OFF_AXIS = 1e-4  # distance in ln x at which the density is read off, to pass its edges


def largest_singular_value(
    activation: str | Activation,
    q: float,
    sigma_w2: float,
    depth: int,
    *,
    orthogonal: bool = False,
) -> float:
    """Return the largest singular value of the Jacobian d h_L / d h_0 of wide square layers.

    In closed form its square is sigma_w2^L (L + 1)^(L + 1) / L^L for linear layers with Gaussian
    weights, and (sigma_w2 / 2)^L L^L / (L - 1)^(L - 1) for L >= 2 ReLU layers with orthogonal
    ones.

    Parameters
    ----------
    activation
        Name or `Activation`.
    q
        Variance of the pre-activations, > 0, the same in every layer.
    sigma_w2
        Variance of the weights times fan-in, > 0; for orthogonal weights their gain squared.
    depth
        Layers L, >= 1.
    orthogonal
        Whether the weights are orthogonal matrices times a gain, rather than Gaussian.

    Raises
    ------
    TypeError, ValueError
        If an argument is outside what is said above.
    """
    return math.exp(_Spectrum(activation, q, sigma_w2, depth, orthogonal).log_edge / 2)


def largest_singular_value_error(
    activation: str | Activation,
    q: float,
    sigma_w2: float,
    depth: int,
    width: int,
    *,
    orthogonal: bool = False,
) -> float:
    """Return by how much `largest_singular_value` is too large, on average, at a finite width.

    Where the density ends like a square root, the largest of n squared singular values lies below
    the edge by 1.2065 x (f'' / 2 n^2)^(1/3), with f = ln x as a function of z: the mean of the
    Tracy-Widom law, leading order for depth << width. Half of that, relatively, for s.

    Parameters are those of `largest_singular_value`, and `width`, >= 1.
    """
    spectrum = _Spectrum(activation, q, sigma_w2, depth, orthogonal)
    n = positive_int("width", width)
    relative = -TRACY_WIDOM_MEAN * (spectrum.curvature() / (2 * n**2)) ** (1 / 3)
    return float(math.exp(spectrum.log_edge / 2) * relative / 2)


def singular_value_density(
    activation: str | Activation,
    q: float,
    sigma_w2: float,
    depth: int,
    s: ArrayLike,
    *,
    orthogonal: bool = False,
) -> Array:
    """Return the density of ln s over all n singular values, at each of `s`.

    It integrates to the share of directions that survive: 1, or 1/2 for ReLU, whose other half of
    the singular values is exactly 0. Smoothed by 1e-4 in ln s^2.

    Parameters
    ----------
    s
        Singular values > 0, any shape.

    The others are those of `largest_singular_value`.

    Raises
    ------
    TypeError, ValueError
        If an argument is outside what is said above; or for orthogonal weights where there is no
        density: a single layer has the singular values of its slopes, and constant slopes have
        one value.
    """
    places = finite("s", s)
    if (places <= 0).any():
        raise ValueError(f"s must be > 0; got {places.min()}")
    spectrum = _Spectrum(activation, q, sigma_w2, depth, orthogonal)
    if orthogonal and (spectrum.depth < 2 or np.ptp(spectrum.squares) == 0):
        raise ValueError(
            "depth must be >= 2, and activation not linear, if the weights are orthogonal; "
            f"got depth = {depth}, slopes from {spectrum.squares.min():.3g}^(1/2)"
        )
    log_x, density = spectrum.density(2 * float(np.log(places.min())))
    interpolated: Array = np.interp(2 * np.log(places), log_x[::-1], density[::-1], right=0.0)
    return interpolated


class _Spectrum:
    """The equation of the module's docstring and its solutions."""

    def __init__(
        self,
        activation: str | Activation,
        q: float,
        sigma_w2: float,
        depth: int,
        orthogonal: bool,
    ) -> None:
        self.squares, self.shares = _squared_slopes(activation, positive("q", q))
        self.top = float(self.squares.max())
        self.log_weight = math.log(positive("sigma_w2", sigma_w2))
        self.depth = positive_int("depth", depth)
        self.gaussian = 0 if orthogonal else depth
        low, high = -25.0, 14.0
        found = minimize_scalar(lambda y: self(self._t(y))[0], bounds=(low, high), method="bounded")
        self.y_edge, self.log_edge = float(found.x), float(found.fun)

    def _t(self, y: float) -> float:
        """Map the real line to 0 < t < 1 / max phi'^2, falling."""
        return 1 / (self.top * (1 + math.exp(y)))

    def __call__(self, t: Any) -> tuple[Any, Any, Any]:
        """Return ln x, its derivative with respect to z, and z, for a real or complex t."""
        rest = 1 - t * self.squares
        z = (t * self.squares / rest) @ self.shares
        dz_dt = (self.squares / rest**2) @ self.shares
        log_x = (
            (1 - self.depth) * np.log((1 + z) / z)
            + self.depth * (self.log_weight - np.log(t))
            + self.gaussian * np.log(1 + z)
        )
        slope = (
            (self.depth - 1) / (z * (1 + z)) - self.depth / (t * dz_dt) + self.gaussian / (1 + z)
        )
        return log_x, slope, z

    def curvature(self) -> float:
        """Second derivative of ln x with respect to z at the upper edge."""
        (_, left, z_left), (_, right, z_right) = (
            self(self._t(self.y_edge + step)) for step in (1e-3, -1e-3)
        )
        return max(0.0, float((right - left) / (z_right - z_left)))

    def density(self, lowest: float) -> tuple[Array, Array]:
        """Return falling ln x, from above the edge down to `lowest`, and the density of ln s."""
        near = np.geomspace(0.5, 1e-4, 40)
        far = np.geomspace(1e-4, max(self.log_edge - lowest, 1.0), 360)
        log_x = np.concatenate([self.log_edge + near, self.log_edge - far])
        start = brentq(lambda y: self(self._t(y))[0] - log_x[0], self.y_edge, 60.0)
        t, density = complex(self._t(start)), []
        for target in log_x:
            t, z = self._solve(complex(target, OFF_AXIS), t)
            density.append(2 * abs(z.imag) / math.pi)
            if target < self.log_edge - 0.01 and density[-1] < OFF_AXIS:
                break  # below the lower edge, where there is nothing
        density += [0.0] * (len(log_x) - len(density))
        return log_x, np.array(density)

    def _solve(self, target: complex, t: complex) -> tuple[complex, complex]:
        """Newton's method for ln x = target, from the solution t next to it."""
        for _ in range(60):
            log_x, slope, z = self(t)
            off = log_x - target
            off = complex(off.real, math.remainder(off.imag, 2 * math.pi))
            if abs(off) < OFF_AXIS / 100:
                break
            dz_dt = (self.squares / (1 - t * self.squares) ** 2) @ self.shares
            step = off / (slope * dz_dt)
            t -= step * min(1.0, 0.3 * abs(t) / abs(step))
        else:
            raise ArithmeticError(f"no density found at ln s = {target.real / 2:.3g}")
        return t, z


def _squared_slopes(activation: str | Activation, q: float) -> tuple[Array, Array]:
    """Return phi'(sqrt(q) u)^2 on a fine grid of u, and the share of each point, u ~ N(0, 1)."""
    nodes, widths = unit_interval(48, 6)
    u = np.concatenate([-REACH * nodes[::-1], REACH * nodes])
    shares = np.exp(-0.5 * u * u) * np.concatenate([widths[::-1], widths])
    squares: Array = activations.get(activation).derivative(math.sqrt(q) * u) ** 2
    return squares, shares / shares.sum()
