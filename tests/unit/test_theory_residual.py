import numpy as np
import pytest

from helpers import theory
from helpers.theory.variance import variance_map

GRID = [("relu", 2.0, 0.0), ("tanh", 1.0, 0.1), ("sigmoid", 4.0, 0.5)]


@pytest.mark.parametrize(("activation", "w", "b"), GRID)
def test_without_a_skip_it_is_the_plain_theory(activation, w, b):
    options = {"depth": 12, "branch_scale": 1.0, "skip_scale": 0.0}
    q = theory.residual_variance(activation, w, b, **options)
    assert q == pytest.approx(theory.variance_trajectory(activation, w, b, 12), rel=1e-13)
    decades = theory.residual_decades(theory.residual_factors(activation, w, b, **options))
    assert decades == pytest.approx(theory.log10_gradient_profile(activation, w, b, 12), abs=1e-12)
    error = theory.residual_width_error(activation, w, q, 64, 1.0, 0.0)
    assert error == pytest.approx(theory.finite_width_error(activation, q, 64), rel=1e-12)


def test_relu_closed_forms():
    factors = theory.residual_factors("relu", 2.0, 0.0, 50)
    assert factors == pytest.approx(np.full(49, 2.0), rel=1e-12)
    assert theory.residual_variance("relu", 2.0, 0.0, 5) == pytest.approx(2.0 ** np.arange(1, 6))
    pre = theory.residual_factors("relu", 2.0, 0.0, 50, norm_place="pre")
    assert theory.residual_decades(pre)[0] == pytest.approx(np.log10(51 / 2), rel=1e-12)
    post = theory.residual_factors("relu", 2.0, 0.0, 50, norm_place="post")
    assert post == pytest.approx(np.ones(49), rel=1e-12)


@pytest.mark.parametrize(("activation", "w", "b"), GRID)
def test_norms_against_the_recursion_by_hand(activation, w, b):
    options = {"branch_scale": 0.7, "skip_scale": 0.9}
    q = theory.residual_variance(activation, w, b, 4, **options, norm_place="pre")
    branch = 0.49 * float(variance_map(activation, 1.0, w, b))
    expected = [w + b]
    for _ in range(3):
        expected.append(0.81 * expected[-1] + branch)
    assert q == pytest.approx(np.array(expected), rel=1e-13)
    factors = theory.residual_factors(activation, w, b, 4, **options, norm_place="post")
    slope = 0.49 * float(theory.chi(activation, 1.0, w))
    assert factors == pytest.approx(np.full(3, (0.81 + slope) / (0.81 + branch)), rel=1e-13)


def test_decades_add_up_from_the_last_layer():
    assert theory.residual_decades([10.0, 100.0]) == pytest.approx(np.array([3.0, 2.0, 0.0]))


@pytest.mark.parametrize(("a", "s"), [(1.0, 0.0), (1.0, 1.0), (0.5, 0.9)])
def test_the_kernel_against_quadrature(a, s):
    X = np.array([[1.0, 0.5], [-0.3, 1.2], [0.4, -1.0]])
    X *= np.sqrt(2) / np.linalg.norm(X, axis=1, keepdims=True)  # mean square 1
    stream, gradient = theory.relu_gradient_kernel(X, 1.5, [0.1, 0.3, 0.2], a, s)
    on = theory.correlated_gaussian_mean

    def relu(z):
        return np.maximum(z, 0.0)

    def step(z):
        return (z > 0).astype(float)

    for i in range(3):
        for j in range(3):
            q, cov, product = 1.5 + 0.1, 1.5 * X[i] @ X[j] / 2 + 0.1, 1.0
            for bias in (0.3, 0.2):
                c = min(cov / q, 1.0)
                product *= s**2 + a**2 * 1.5 * on(step, step, q, c)
                cov = s**2 * cov + a**2 * (1.5 * on(relu, relu, q, c) + bias)
                q = s**2 * q + a**2 * (1.5 * q / 2 + bias)
            product *= on(step, step, q, min(cov / q, 1.0))
            assert stream[i, j] == pytest.approx(cov, rel=1e-9)
            # the angle between equal inputs is known to 1e-8 only
            assert gradient[i, j] == pytest.approx(product, rel=1e-8)


def test_equal_inputs_have_the_squared_gradient():
    _, gradient = theory.relu_gradient_kernel(np.ones((2, 3)), 2.0, np.zeros(6), 0.5)
    factors = theory.residual_factors("relu", 2.0, 0.0, 6, 0.5)
    assert gradient == pytest.approx(np.full((2, 2), factors.prod() / 2), rel=1e-7)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: theory.residual_variance("relu", 2.0, 0.0, 0), "depth must be an integer >= 1"),
        (lambda: theory.residual_variance("relu", -1.0, 0.0, 3), "sigma_w2 must be >= 0; got -1"),
        (
            lambda: theory.residual_factors("relu", 2.0, 0.0, 3, norm_place="after"),
            "norm_place must be one of none, post, pre; got 'after'",
        ),
        (
            lambda: theory.residual_factors("tanh", 0.0, 0.0, 3, norm_place="pre"),
            "sigma_w2 and sigma_b2 must give the stream a variance; got 0",
        ),
        (
            lambda: theory.residual_factors("relu", 2.0, 0.0, 3, 0.0, 0.0, norm_place="post"),
            "skip_scale and branch_scale must give the stream a variance; got 0",
        ),
        (lambda: theory.residual_decades([1.0, 0.0]), "factors must be a list of numbers > 0"),
        (
            lambda: theory.residual_width_error("relu", 2.0, 1.0, 8, [1.0, 2.0]),
            r"branch_scale must be one number; got an array of shape \(2,\)",
        ),
        (
            lambda: theory.relu_gradient_kernel(np.ones(3), 2.0, [0.0]),
            r"X must have shape \(examples, n_in\); got \(3,\)",
        ),
        (
            lambda: theory.relu_gradient_kernel(np.ones((2, 3)), 2.0, 0.0),
            r"biases must have shape \(depth,\); got \(\)",
        ),
        (
            lambda: theory.relu_gradient_kernel(np.zeros((2, 3)), 2.0, [0.0]),
            "X and biases must give every input a variance above 0; got 0",
        ),
    ],
)
def test_bad_arguments_are_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_stream_that_overflows_is_an_error():
    with pytest.raises(OverflowError, match=r"exceeds float64 at layer 10\d\d of depth 1200"):
        theory.residual_variance("relu", 2.0, 0.0, 1200)
