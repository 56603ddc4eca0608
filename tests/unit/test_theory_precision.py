"""Lost steps: the prediction against what floating-point arithmetic really does."""

import itertools
import math

import numpy as np
import pytest
import torch
from scipy import integrate

from helpers.theory import lost_share, rounding_band, unchanged_share

DTYPES = {
    "float16": torch.float16,
    "bfloat16": torch.bfloat16,
    "float32": torch.float32,
    "float64": torch.float64,
}


def stays(weight, step, dtype):
    w = torch.tensor(weight, dtype=torch.float64).to(dtype)
    return w + torch.tensor(step, dtype=torch.float64).to(dtype) == w


@pytest.mark.parametrize("name", DTYPES)
def test_the_band_is_where_arithmetic_draws_it(name):
    dtype = DTYPES[name]
    lower, upper = rounding_band(name)
    assert upper == torch.finfo(dtype).eps / 2
    assert lower == upper / 2
    g = torch.Generator().manual_seed(0)
    w = (1 + torch.rand(4000, generator=g, dtype=torch.float64)).to(dtype)
    w = torch.cat([w, torch.ones(1, dtype=dtype), torch.nextafter(w[:1] * 0 + 2, w[:1])])
    for sign in (-1, 1):
        below = (sign * 0.99 * lower * w.double()).to(dtype)
        above = (sign * 1.01 * upper * w.double()).to(dtype)
        assert bool((w + below == w).all())
        assert bool((w + above != w).all())
    middle = (math.sqrt(lower * upper) * w.double()).to(dtype)
    unchanged = (w + middle == w).double().mean()
    assert 0.3 < float(unchanged) < 0.7


@pytest.mark.parametrize("name", ["float16", "float32", "float64"])
def test_the_share_lost_is_that_of_weights_spread_evenly_over_the_logarithm(name):
    lower, _ = rounding_band(name)
    dtype, n = DTYPES[name], 20000
    w = (2.0 ** torch.linspace(-3, 0, n + 1, dtype=torch.float64)[:n]).to(dtype)
    for step in lower * 2 ** np.array([-0.5, 0.1, 0.5, 0.9, 1.2]):
        lost = float((w + (step * w.double()).to(dtype) == w).double().mean())
        # float16 has only 1024 weights per octave to be spread over
        assert lost == pytest.approx(lost_share(step, name), abs=0.01)


def test_the_share_lost_is_elementwise():
    lower, upper = rounding_band()
    assert (lower, upper) == (2.0**-25, 2.0**-24)
    shares = lost_share([[0.0, lower / 9, lower], [math.sqrt(lower * upper), upper, 1.0]])
    np.testing.assert_allclose(shares, [[1, 1, 1], [0.5, 0, 0]], atol=1e-12)


@pytest.mark.parametrize(
    ("sd", "steps", "limit"), [(2e-9, 1, 0.11), (2e-8, 1, 0.25), (2e-9, 30, 0.25), (2e-8, 30, 0.11)]
)
def test_the_share_of_weights_that_stay_is_that_of_a_simulation(sd, steps, limit):
    rng, n = np.random.default_rng(0), 40000
    w = rng.uniform(-limit, limit, n).astype(np.float32)
    scale, stay = rng.normal(0, sd, n), np.ones(n, bool)
    for _ in range(steps):
        stay &= w + (scale * rng.normal(size=n)).astype(np.float32) == w
    predicted = float(unchanged_share(sd, limit, steps))
    assert stay.mean() == pytest.approx(predicted, abs=5 * 0.5 / math.sqrt(n))
    assert 0.03 < predicted < 0.97


@pytest.mark.parametrize(("sd", "steps"), [(1e-7, 1), (1e-6, 300), (1e-3, 300)])
def test_few_weights_stay_where_steps_are_far_above_the_gap(sd, steps):
    def survives(log_scale, half_gap):
        scale = math.exp(log_scale)
        density = 2 / math.sqrt(2 * math.pi) * math.exp(-scale * scale / 2) * scale
        return density * math.erf(half_gap / (math.sqrt(2) * sd * scale)) ** steps

    expected = 0.0
    for k in range(40):  # weights from 2^-k-1 to 2^-k, in [-1, 1]
        ends = (-60, -30, -15, -8, -4, -2, 0, 2.2)
        pieces = [
            integrate.quad(survives, *pair, args=(2.0 ** (-k - 25),), epsabs=0, epsrel=1e-9)[0]
            for pair in itertools.pairwise(ends)
        ]
        expected += 2.0 ** (-k - 1) * sum(pieces)
    assert unchanged_share(sd, 1.0, steps) == pytest.approx(expected, rel=1e-4, abs=0)


def test_the_share_of_weights_unchanged_has_its_limits():
    sd = np.array([[0.0, 1e-30], [1e-8, 1e3]])
    share = unchanged_share(sd, 0.1, 10)
    assert share.shape == (2, 2)
    np.testing.assert_allclose(share[0], 1, rtol=1e-12)
    assert 0 < share[1, 0] < 1
    assert share[1, 1] == pytest.approx(0, abs=1e-9)
    more = [float(unchanged_share(1e-8, 0.1, steps)) for steps in (1, 10, 100)]
    assert more == sorted(more, reverse=True)
    finer = [float(unchanged_share(1e-8, 0.1, 5, dtype)) for dtype in ("bfloat16", "float64")]
    assert finer[0] > 0.99
    assert finer[1] < 1e-6


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: rounding_band("float8"), ValueError, "dtype must be one of bfloat16, float16"),
        (lambda: lost_share(-1e-9), ValueError, "relative_step must be >= 0"),
        (lambda: lost_share(math.nan), ValueError, "relative_step must be finite"),
        (lambda: unchanged_share(-1, 0.1, 1), ValueError, "step_sd must be >= 0; got -1"),
        (lambda: unchanged_share(1, 0, 1), ValueError, "weight_limit must be a finite number > 0"),
        (lambda: unchanged_share(1, 0.1, 0), ValueError, "steps must be an integer >= 1; got 0"),
        (lambda: unchanged_share(1, 0.1, 1, "int8"), ValueError, "dtype must be one of"),
    ],
)
def test_bad_input_is_named(call, error, message):
    with pytest.raises(error, match=message):
        call()
