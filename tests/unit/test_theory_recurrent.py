import math

import numpy as np
import pytest
from scipy import integrate, optimize, special

from helpers import theory


def random_matrices(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape) / math.sqrt(shape[-1])


def test_radius_and_norm_are_those_of_the_definitions():
    W = random_matrices(3, 12, 12)
    for k in range(3):
        coefficients = np.poly(W[k])
        assert theory.spectral_radius(W)[k] == pytest.approx(np.abs(np.roots(coefficients)).max())
        assert theory.spectral_norm(W)[k] == pytest.approx(np.linalg.norm(W[k], 2), rel=1e-13)
    orthogonal = np.linalg.qr(W)[0] * 0.7
    np.testing.assert_allclose(theory.spectral_radius(orthogonal), 0.7, rtol=1e-12)
    np.testing.assert_allclose(theory.spectral_norm(orthogonal), 0.7, rtol=1e-12)


def test_pascanus_condition_is_about_the_norm_and_not_the_eigenvalue():
    W = [[8.0, 8.0], [-8.0, -8.0]]
    assert theory.spectral_radius(W) == pytest.approx(0, abs=1e-7)
    assert theory.spectral_norm(W) == pytest.approx(16)


def test_a_matrix_that_is_not_normal_grows_before_it_vanishes():
    W = np.array([[0.9, 1.0], [0.0, 0.9]])
    norms = theory.power_norms(W, 60)
    assert norms.shape == (61,)
    expected = [np.linalg.norm(np.linalg.matrix_power(W, k), 2) for k in range(61)]
    np.testing.assert_allclose(norms, expected, rtol=1e-12)
    peak, step = theory.transient_growth(W, 60)
    assert peak == pytest.approx(3.9126, abs=1e-4)
    assert step == 9
    peaks, _ = theory.transient_growth(0.95 * np.linalg.qr(random_matrices(2, 6, 6))[0], 20)
    np.testing.assert_allclose(peaks, 1.0)  # normal: never above the start


def test_lyapunov_exponents_of_a_fixed_matrix_are_its_eigenvalues():
    W = random_matrices(2, 8, 8)
    W = (W + W.swapaxes(-1, -2)) / 2
    exponents = theory.lyapunov_exponents((W for _ in range(4000)), count=8, skip=2000)
    sizes = np.sort(np.abs(np.linalg.eigvalsh(W)), axis=-1)[:, ::-1]
    np.testing.assert_allclose(exponents, np.log(sizes), atol=1e-3)


def test_lyapunov_exponents_add_up_to_the_volume():
    J = random_matrices(50, 5, 5)
    exponents = theory.lyapunov_exponents(J, count=5)
    volume = np.mean(np.linalg.slogdet(J)[1])
    assert exponents.sum() == pytest.approx(volume, rel=1e-10)
    assert theory.lyapunov_exponents(J)[0] == pytest.approx(exponents[0], rel=1e-10)


def test_the_largest_exponent_is_the_growth_of_the_product():
    J = random_matrices(400, 6, 6)
    product, log_norm = np.eye(6), 0.0
    for matrix in J:
        product = matrix @ product
        size = np.linalg.norm(product, 2)
        product, log_norm = product / size, log_norm + math.log(size)
    assert theory.lyapunov_exponents(J)[0] == pytest.approx(log_norm / 400, abs=5 / 400)


def test_a_direction_that_is_lost_has_exponent_minus_infinity():
    with np.errstate(all="raise"):
        exponents = theory.lyapunov_exponents([np.diag([2.0, 0.0])] * 3, count=2, skip=1)
    assert exponents[0] == pytest.approx(math.log(2))
    assert exponents[1] == -np.inf or exponents[1] < -30


@pytest.mark.parametrize(("gain", "input_sd"), [(0.5, 0.0), (1.5, 0.5), (2.0, 1.0), (3.0, 0.0)])
def test_the_mean_field_exponent_solves_its_own_equations(gain, input_sd):
    def mean(f, q):
        def weighted(u):
            return f(math.sqrt(q) * u) * math.exp(-u * u / 2) / math.sqrt(2 * math.pi)

        return integrate.quad(weighted, -12, 12, epsabs=1e-13)[0]

    q = 1.0
    for _ in range(300):
        q = gain**2 * mean(lambda z: math.tanh(z) ** 2, q) + input_sd**2
        if gain < 1:
            q = 0.0
    slope = mean(lambda z: (1 - math.tanh(z) ** 2) ** 2, q)
    expected = 0.5 * math.log(gain**2 * slope)
    assert theory.mean_field_exponent("tanh", gain, input_sd) == pytest.approx(expected, abs=1e-9)


def test_the_mean_field_exponent_is_that_of_a_wide_network():
    g, s, n, T = 1.5, 0.5, 400, 220
    rng = np.random.default_rng(3)
    W, z = g * random_matrices(n, n, seed=4), np.zeros(n)
    jacobians = []
    for _ in range(T):
        z = W @ np.tanh(z) + s * rng.standard_normal(n)
        jacobians.append((1 - np.tanh(z) ** 2)[:, None] * W)
    measured = theory.lyapunov_exponents(jacobians, skip=40)[0]
    assert measured == pytest.approx(theory.mean_field_exponent("tanh", g, s), abs=0.02)


def test_input_moves_the_critical_gain():
    assert theory.critical_gain("tanh", 0.0) == pytest.approx(1.0, abs=1e-4)
    assert theory.critical_gain("tanh", 0.5) == pytest.approx(1.5497, abs=1e-4)
    assert theory.critical_gain("tanh", 1.0) == pytest.approx(1.8556, abs=1e-4)
    assert theory.critical_gain("relu", 1.0) == pytest.approx(math.sqrt(2), rel=1e-9)
    assert theory.critical_gain("linear", 1.0) == pytest.approx(1.0, rel=1e-9)
    at_it = theory.mean_field_exponent("tanh", theory.critical_gain("tanh", 0.7), 0.7)
    assert at_it == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("w", [1.001, 1.2, 1.5, 2.0, 5.0])
def test_the_latch_rests_where_iteration_ends(w):
    h = 1.0
    for _ in range(100_000):
        h = math.tanh(w * h)
    assert theory.latch_attractor(w) == pytest.approx(h, rel=1e-9)
    eps = 1e-6
    slope = (math.tanh(w * (h + eps)) - math.tanh(w * (h - eps))) / (2 * eps)
    assert theory.latch_factor(w) == pytest.approx(slope, rel=1e-6)


def test_what_stores_a_bit_kills_the_gradient():
    w = np.linspace(0.01, 6, 600)
    assert (theory.latch_factor(w) <= 1).all()
    assert theory.latch_factor(1.0) == 1.0
    best = optimize.minimize_scalar(lambda w: -float(theory.latch_factor(w)), bounds=(0.5, 2))
    assert best.x == pytest.approx(1.0, abs=1e-3)
    np.testing.assert_allclose(
        theory.latch_factor([1.2, 1.5, 2.0]), [0.67954, 0.39431, 0.16637], atol=1e-5
    )
    assert theory.latch_factor(30.0) == pytest.approx(4 * 30 * math.exp(-60), rel=1e-12)


def test_the_half_life_halves():
    b = np.array([-1.0, 0.0, 1.0, 3.0, 30.0])
    factor = special.expit(b)
    np.testing.assert_array_equal(theory.forget_factor(b), factor)
    np.testing.assert_allclose(factor[:4] ** theory.forget_half_life(b[:4]), 0.5, rtol=1e-12)
    assert theory.forget_half_life(30.0) == pytest.approx(math.log(2) * math.exp(30), rel=1e-12)


@pytest.mark.parametrize("t_max", [2.5, 20, 200, 1e5])
@pytest.mark.parametrize("lag", [0, 1, 100, 3000])
def test_chrono_survival_is_the_integral(t_max, lag):
    def gate(s):  # in the logarithm of u, where the integrand is smooth
        u = math.exp(s)
        return math.exp(-lag * math.log1p(1 / u)) * u

    top = math.log(t_max - 1)
    expected = integrate.quad(gate, 0, top, epsabs=0, epsrel=1e-12, limit=500)[0] / (t_max - 2)
    assert theory.chrono_survival(lag, t_max) == pytest.approx(expected, rel=1e-9)


def test_chrono_survival_is_what_random_gates_do():
    u = np.random.default_rng(0).uniform(1, 199, 400_000)
    lags = np.array([[1, 10], [100, 300]])
    gates = special.expit(np.log(u))
    measured = (gates[:, None, None] ** lags).mean(axis=0)
    np.testing.assert_allclose(theory.chrono_survival(lags, 200), measured, atol=3e-3)


def test_the_exponential_integral_is_its_limit():
    lags = np.array([0, 200, 1000, 10_000])
    for t_max, error in [(200, 0.05), (20_000, 5e-4)]:
        exact = theory.chrono_survival(lags, t_max)
        near = theory.chrono_survival_approximation(lags, t_max)
        np.testing.assert_allclose(near, exact, atol=error)
    x = 0.7
    expected = integrate.quad(lambda t: math.exp(-x * t) / t**2, 1, np.inf)[0]
    assert theory.chrono_survival_approximation(70, 100) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: theory.spectral_radius(np.zeros((2, 3))), "W must be square matrices"),
        (lambda: theory.power_norms(np.eye(2), 0), "steps must be an integer >= 1; got 0"),
        (lambda: theory.lyapunov_exponents([np.eye(2)], count=3), "count must be at most 2"),
        (lambda: theory.lyapunov_exponents([np.eye(2)], skip=1), "jacobians must be more than"),
        (lambda: theory.lyapunov_exponents([]), "jacobians must be more than skip = 0; got 0"),
        (lambda: theory.mean_field_exponent("tanh", 0.0), "gain must be a finite number > 0"),
        (lambda: theory.mean_field_exponent("tanh", 1.0, -1), "input_sd must be a finite number"),
        (lambda: theory.critical_gain("tanh", 1e6), "activation must have a critical gain between"),
        (lambda: theory.latch_factor([1.0, np.nan]), "weight must be finite"),
        (lambda: theory.chrono_survival(1, 2), "t_max must be > 2 steps; got 2"),
        (lambda: theory.chrono_survival(-1, 20), "lags must be >= 0; got -1"),
    ],
)
def test_bad_arguments_say_what_is_allowed(call, message):
    with pytest.raises(ValueError, match=message):
        call()
