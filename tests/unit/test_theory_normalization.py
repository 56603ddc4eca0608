import math

import numpy as np
import pytest
import torch

from helpers.activations import ACTIVATIONS
from helpers.gradients import layer_gradients
from helpers.networks import MLP
from helpers.theory import (
    activation_variance,
    batch_norm_factor,
    chi,
    finite_width_error,
    normalized_factor,
    normalized_gradient_profile,
)


def relu_in_closed_form(n):
    """The factor of ReLU for batches of n, from the arc-cosine and arcsine formulas."""
    c = -1 / (n - 1)
    both = (math.sqrt(1 - c * c) + c * (math.pi - math.acos(c))) / (2 * math.pi)  # E relu relu'
    pair = 1 / 4 + math.asin(c) / (2 * math.pi)  # P(both on)
    centred = (n - 2) / 2 + (1 / 2 + (n - 1) * pair) / n
    radial = 1 / 2 - (1 / 2 + (n - 1) * both) / n
    return n * (centred - radial) / ((n - 3) * (n - 1) * (1 / 2 - both))


@pytest.mark.parametrize("batch", [4, 5, 8, 33, 256, 4000])
def test_relu_at_any_batch_size_is_its_closed_form(batch):
    assert batch_norm_factor("relu", batch) == pytest.approx(relu_in_closed_form(batch), rel=1e-11)


@pytest.mark.parametrize("batch", [4, 8, 64])
def test_a_straight_line_pays_for_the_directions_that_the_norm_removes(batch):
    assert batch_norm_factor("linear", batch) == pytest.approx((batch - 2) / (batch - 3), rel=1e-12)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_large_batches_give_the_limit(activation):
    limit = normalized_factor(activation)
    errors = [batch_norm_factor(activation, n) / limit - 1 for n in (1000, 2000)]
    assert 0 < errors[0] < 0.01
    assert errors[0] / errors[1] == pytest.approx(2, rel=0.02)  # the correction is of order 1/n


def test_known_factors():
    assert normalized_factor("relu") == pytest.approx(math.pi / (math.pi - 1), rel=1e-12)
    assert normalized_factor("relu", "layer") == pytest.approx(1, rel=1e-12)
    assert activation_variance("relu", 2.0) == pytest.approx(1 - 1 / math.pi, rel=1e-12)
    for norm in ("batch", "layer"):
        after = normalized_factor("relu", norm, "after", sigma_w2=0.3)
        assert after == pytest.approx(math.pi / (math.pi - 1), rel=1e-12)  # at any scale
    sigmoid = normalized_factor("sigmoid", "rms", "after", sigma_w2=4.0)
    mean_square = chi("sigmoid", 4.0, 4.0) / sigmoid
    assert 0.25 < mean_square < 0.5
    assert normalized_factor("tanh") == pytest.approx(normalized_factor("tanh", "layer"))  # odd


@pytest.mark.parametrize("q", [0.1, 1.0, 10.0])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_no_factor_is_below_one_where_the_mean_is_removed(activation, q):
    factor = normalized_factor(activation, "batch", "after", sigma_w2=q)
    assert factor == pytest.approx(1, abs=1e-9) if activation == "linear" else factor > 1


def test_the_factor_is_the_mean_hermite_degree():
    x, w = np.polynomial.hermite_e.hermegauss(120)
    w = w / w.sum()
    shares = []
    for k in range(1, 60):
        he = np.polynomial.hermite_e.hermeval(x, [0] * k + [1]) / math.sqrt(math.factorial(k))
        shares.append(((w * np.tanh(x)) @ he) ** 2)
    degree = np.arange(1, 60) @ shares / np.sum(shares)
    assert normalized_factor("tanh") == pytest.approx(degree, rel=1e-3)


def test_the_profile_knows_the_lowest_layer():
    profile = normalized_gradient_profile("relu", depth=4, input_moment=0.5)
    factor = math.pi / (math.pi - 1)
    assert profile == pytest.approx([factor**2, factor**2, factor, 1], rel=1e-12)
    assert normalized_gradient_profile("relu", depth=1).tolist() == [1.0]
    after = normalized_gradient_profile("relu", "layer", "after", depth=3, input_moment=0.5)
    assert after == pytest.approx([factor**2, factor, 1], rel=1e-12)
    small = normalized_gradient_profile("relu", depth=3, batch=8)
    assert small[1] == pytest.approx(batch_norm_factor("relu", 8), rel=1e-12)


@pytest.mark.parametrize("batch", [6, 40])
def test_random_networks_agree(batch):
    net = MLP(24, 200, "relu", range(6), norm="batch", init="normal", dtype=torch.float64)
    g = torch.Generator().manual_seed(0)
    X = torch.randn(6, batch, 64, generator=g, dtype=torch.float64)
    delta = layer_gradients(net, X, torch.zeros(batch, dtype=torch.int64)).delta[:, 4:]
    measured = np.mean((delta[:, 0] / delta[:, -1]) ** (2 / 19))
    predicted = batch_norm_factor("relu", batch)
    assert measured == pytest.approx(predicted, rel=2 * float(finite_width_error("relu", 1, 200)))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: normalized_factor("relu", "group"), "norm must be one of batch, layer, rms"),
        (lambda: normalized_factor("relu", place="beside"), "place must be one of after, before"),
        (lambda: normalized_factor("relu", sigma_w2=0.0), "sigma_w2 must be > 0; got 0"),
        (lambda: normalized_gradient_profile("relu", depth=0), "depth must be an integer >= 1"),
        (
            lambda: normalized_gradient_profile("relu", depth=2, input_moment=0.0),
            "input_moment must be > 0; got 0",
        ),
        (lambda: batch_norm_factor("relu", 3), "batch must be an integer >= 4; got 3"),
    ],
)
def test_bad_arguments_are_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call()
