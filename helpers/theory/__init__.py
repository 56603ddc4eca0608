"""Mean-field theory of wide random networks, in NumPy and float64: no torch, no data, no fit.

Two assumptions run through it. Layers are wide, so pre-activations are Gaussian; and the weights
met on the way back are independent of those of the way forward (Yang 2019 proves that harmless at
infinite width). `finite_width_error` says what the first costs at a width you can afford.
"""

from helpers.theory.correlation import (
    correlation_depth_scale,
    correlation_fixed_point,
    correlation_map,
    correlation_slope,
    correlation_trajectory,
    relu_correlation_map,
)
from helpers.theory.gradient import (
    chi,
    depth_scale,
    finite_width_error,
    gradient_factor,
    gradient_profile,
    log10_gradient_profile,
)
from helpers.theory.precision import lost_share, rounding_band, unchanged_share
from helpers.theory.quadrature import correlated_gaussian_mean, gaussian_mean
from helpers.theory.variance import (
    derivative_second_moment,
    second_moment,
    variance_fixed_point,
    variance_map,
    variance_trajectory,
)

__all__ = [
    "chi",
    "correlated_gaussian_mean",
    "correlation_depth_scale",
    "correlation_fixed_point",
    "correlation_map",
    "correlation_slope",
    "correlation_trajectory",
    "depth_scale",
    "derivative_second_moment",
    "finite_width_error",
    "gaussian_mean",
    "gradient_factor",
    "gradient_profile",
    "log10_gradient_profile",
    "lost_share",
    "relu_correlation_map",
    "rounding_band",
    "second_moment",
    "unchanged_share",
    "variance_fixed_point",
    "variance_map",
    "variance_trajectory",
]
