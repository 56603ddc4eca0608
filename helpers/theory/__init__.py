"""What can be predicted without training: NumPy and float64, no torch, no data, no fit.

Most of it is the mean-field theory of wide random networks, over layers or over time steps; the
rest is exact: powers of a matrix, gates, rounding and overflow.

Two assumptions run through the mean field. Layers are wide, so pre-activations are Gaussian; and
the weights met on the way back are independent of those of the way forward (Yang 2019 proves that
harmless at infinite width). `finite_width_error` says what the first costs at a width you can
afford.
"""

from helpers.theory.correlation import (
    correlation_depth_scale,
    correlation_fixed_point,
    correlation_map,
    correlation_slope,
    correlation_trajectory,
    relu_correlation_map,
)
from helpers.theory.gates import (
    chrono_survival,
    chrono_survival_approximation,
    forget_factor,
    forget_half_life,
)
from helpers.theory.gradient import (
    chi,
    depth_scale,
    finite_width_error,
    gradient_factor,
    gradient_profile,
    log10_gradient_profile,
)
from helpers.theory.normalization import (
    activation_variance,
    batch_norm_factor,
    normalized_factor,
    normalized_gradient_profile,
)
from helpers.theory.overflow import (
    clip_value_cosine,
    largest_number,
    overflow_step,
    rounded_to,
    smallest_number,
    subnormal_step,
    underflow_stall,
)
from helpers.theory.precision import lost_share, rounding_band, unchanged_share
from helpers.theory.quadrature import correlated_gaussian_mean, gaussian_mean
from helpers.theory.recurrent import (
    critical_gain,
    latch_attractor,
    latch_factor,
    lyapunov_exponents,
    mean_field_exponent,
    power_norms,
    spectral_norm,
    spectral_radius,
    transient_growth,
)
from helpers.theory.residual import (
    relu_gradient_kernel,
    residual_decades,
    residual_factors,
    residual_variance,
    residual_width_error,
)
from helpers.theory.singular_values import (
    largest_singular_value,
    largest_singular_value_error,
    singular_value_density,
)
from helpers.theory.variance import (
    derivative_second_moment,
    second_moment,
    variance_fixed_point,
    variance_map,
    variance_trajectory,
)

__all__ = [
    "activation_variance",
    "batch_norm_factor",
    "chi",
    "chrono_survival",
    "chrono_survival_approximation",
    "clip_value_cosine",
    "correlated_gaussian_mean",
    "correlation_depth_scale",
    "correlation_fixed_point",
    "correlation_map",
    "correlation_slope",
    "correlation_trajectory",
    "critical_gain",
    "depth_scale",
    "derivative_second_moment",
    "finite_width_error",
    "forget_factor",
    "forget_half_life",
    "gaussian_mean",
    "gradient_factor",
    "gradient_profile",
    "largest_number",
    "largest_singular_value",
    "largest_singular_value_error",
    "latch_attractor",
    "latch_factor",
    "log10_gradient_profile",
    "lost_share",
    "lyapunov_exponents",
    "mean_field_exponent",
    "normalized_factor",
    "normalized_gradient_profile",
    "overflow_step",
    "power_norms",
    "relu_correlation_map",
    "relu_gradient_kernel",
    "residual_decades",
    "residual_factors",
    "residual_variance",
    "residual_width_error",
    "rounded_to",
    "rounding_band",
    "second_moment",
    "singular_value_density",
    "smallest_number",
    "spectral_norm",
    "spectral_radius",
    "subnormal_step",
    "transient_growth",
    "unchanged_share",
    "underflow_stall",
    "variance_fixed_point",
    "variance_map",
    "variance_trajectory",
]
