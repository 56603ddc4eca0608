import math

import numpy as np
import pytest
import torch

from helpers import theory

DTYPES = {
    "float16": torch.float16,
    "bfloat16": torch.bfloat16,
    "float32": torch.float32,
    "float64": torch.float64,
}


def powers(factor, dtype, steps):
    """factor^1, factor^2, ... in real arithmetic of that type."""
    a = torch.tensor(factor, dtype=dtype)
    values = [a]
    for _ in range(steps - 1):
        values.append(values[-1] * a)
    return torch.stack(values)


@pytest.mark.parametrize("name", DTYPES)
def test_the_range_is_that_of_the_type(name):
    info = torch.finfo(DTYPES[name])
    assert theory.largest_number(name) == info.max
    assert theory.smallest_number(name, normal=True) == info.tiny
    assert theory.smallest_number(name) == info.smallest_normal * info.eps


@pytest.mark.parametrize("name", DTYPES)
def test_values_are_stored_as_the_type_stores_them(name):
    for value in [1.1, 0.9, 1 / 3, 2.0, math.pi * 1e3, 1.0 + 2**-9]:
        expected = torch.tensor(value, dtype=torch.float64).to(DTYPES[name]).double()
        assert theory.rounded_to(value, name) == float(expected)


@pytest.mark.parametrize("name", DTYPES)
@pytest.mark.parametrize(("factor", "slack"), [(2.0, 0), (4.0, 0), (1.5, 1), (1.1, 2)])
def test_powers_overflow_at_the_predicted_step(name, factor, slack):
    predicted = theory.overflow_step(factor, name)
    infinite = torch.isinf(powers(factor, DTYPES[name], predicted + 5))
    measured = int(infinite.int().argmax()) + 1
    assert infinite.any()
    if (name, factor) == ("bfloat16", 1.1):
        slack = 40  # 8 bits: the rounding of each product adds up
    assert abs(measured - predicted) <= slack


def test_doubling_overflows_after_as_many_steps_as_the_exponent_has():
    steps = [theory.overflow_step(2.0, name) for name in DTYPES]
    assert steps == [16, 128, 128, 1024]


@pytest.mark.parametrize("name", DTYPES)
@pytest.mark.parametrize("factor", [0.5, 0.25, 0.75])
def test_powers_lose_precision_at_the_predicted_step(name, factor):
    predicted = theory.subnormal_step(factor, name)
    values = powers(factor, DTYPES[name], predicted + 3).double()
    below = values < theory.smallest_number(name, normal=True)
    assert abs(int(below.int().argmax()) + 1 - predicted) <= (factor == 0.75)


@pytest.mark.parametrize("name", DTYPES)
@pytest.mark.parametrize("factor", [0.3, 0.5, 0.51, 0.6, 0.75, 0.9, 0.95, 0.99])
def test_repeated_multiplication_ends_where_predicted(name, factor):
    with np.errstate(under="ignore"):
        steps = int(800 / -math.log(factor)) + 200
        a = torch.tensor(factor, dtype=DTYPES[name])
        x = torch.ones((), dtype=DTYPES[name])
        for _ in range(steps):
            x = x * a
    assert x == x * a
    assert float(x.double()) == theory.underflow_stall(factor, name)


@pytest.mark.parametrize("threshold", [0.01, 0.3, 1.0, 3.0])
def test_the_cosine_of_value_clipping(threshold):
    g = np.random.default_rng(0).standard_normal(2_000_000)
    clipped = g.clip(-threshold, threshold)
    measured = g @ clipped / (np.linalg.norm(g) * np.linalg.norm(clipped))
    assert theory.clip_value_cosine(threshold) == pytest.approx(measured, abs=1e-3)


def test_the_cosine_runs_from_the_sign_to_one():
    cosine = theory.clip_value_cosine(np.logspace(-6, 1.5, 100))
    assert (np.diff(cosine) >= 0).all()
    assert cosine[0] == pytest.approx(math.sqrt(2 / math.pi), rel=1e-6)
    assert cosine[-1] == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: theory.overflow_step(0.9, "float32"), "factor must be > 1 in float32; got 0.9"),
        (lambda: theory.overflow_step(1.001, "bfloat16"), "stored as 1.0"),
        (lambda: theory.underflow_stall(1.0, "float16"), "factor must be < 1 in float16"),
        (lambda: theory.subnormal_step(0.0, "float16"), "value must be a finite number > 0"),
        (lambda: theory.largest_number("float8"), "dtype must be one of"),
        (lambda: theory.clip_value_cosine([1.0, 0.0]), "threshold must be > 0; got 0"),
    ],
)
def test_bad_arguments_say_what_is_allowed(call, message):
    with pytest.raises(ValueError, match=message):
        call()
