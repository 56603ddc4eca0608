import math

import numpy as np
import pytest
import torch
from torch import nn

from helpers import initialization
from helpers.networks import MLP

F64 = torch.float64


@pytest.mark.parametrize(
    ("scheme", "options", "weight_variance", "bias_variance"),
    [
        ("normal", {"sigma_w2": 1.7, "sigma_b2": 0.3}, 1.7 / 300, 0.3),
        ("uniform", {"sigma_w2": 1.7, "sigma_b2": 0.3}, 1.7 / 300, 0.3),
        ("xavier", {"gain": 1.5}, 1.5**2 * 2 / 500, 0.0),
        ("he", {}, 2 / 300, 0.0),
        ("pytorch_default", {}, 1 / 900, 1 / 900),
    ],
)
def test_schemes_have_the_variance_they_promise(scheme, options, weight_variance, bias_variance):
    (W,), (b,) = initialization.draw(scheme, [300, 200], range(20), F64, **options)
    assert W.shape == (20, 300, 200)
    assert b.shape == (20, 1, 200)
    assert float(W.var()) == pytest.approx(weight_variance, rel=0.01)
    assert float((b**2).mean()) == pytest.approx(bias_variance, rel=0.15)
    assert abs(float(W.mean())) < 5 * math.sqrt(weight_variance / W.numel())


def test_uniform_is_bounded_and_normal_is_not():
    (W,), _ = initialization.draw("uniform", [100, 100], [0], F64, sigma_w2=1.0)
    assert float(W.abs().max()) <= math.sqrt(3 / 100)
    (W,), _ = initialization.draw("normal", [100, 100], [0], F64, sigma_w2=1.0)
    assert float(W.abs().max()) > math.sqrt(3 / 100)


@pytest.mark.parametrize(("n_in", "n_out"), [(30, 30), (30, 10), (10, 30)])
def test_orthogonal_weights_have_equal_singular_values(n_in, n_out):
    (W,), (b,) = initialization.draw("orthogonal", [n_in, n_out], [0, 1], F64, gain=1.3)
    values = torch.linalg.svdvals(W)
    assert torch.allclose(values, torch.full_like(values, 1.3), atol=1e-12)
    assert not b.any()


@pytest.mark.parametrize("seed", [0, 7])
@pytest.mark.parametrize("dtype", [torch.float32, F64])
def test_pytorch_default_is_nn_linear_bit_for_bit(seed, dtype):
    torch.manual_seed(seed)
    layers = [nn.Linear(64, 32, dtype=dtype), nn.Linear(32, 10, dtype=dtype)]
    weights, biases = initialization.draw("pytorch_default", [64, 32, 10], [seed], dtype)
    for layer, W, b in zip(layers, weights, biases):
        assert torch.equal(layer.weight, W[0].T)
        assert torch.equal(layer.bias, b[0, 0])


def test_a_replica_does_not_depend_on_its_neighbours():
    together, _ = initialization.draw("normal", [8, 8, 8], [3, 4, 5])
    alone, _ = initialization.draw("normal", [8, 8, 8], [4])
    for many, one in zip(together, alone):
        assert torch.equal(many[1], one[0])


def test_an_option_may_differ_between_replicas():
    (W,), _ = initialization.draw("normal", [50, 50], [1, 1], F64, sigma_w2=[1.0, 4.0])
    assert torch.allclose(W[1], 2 * W[0])
    (W,), _ = initialization.draw("normal", [9, 9], [1, 1], sigma_w2=np.array([1.0, 0.0]))
    assert not W[1].any()


def test_lsuv_gives_every_layer_unit_variance():
    X = torch.randn(200, 64, generator=torch.Generator().manual_seed(0), dtype=F64) * 3
    net = MLP(12, 40, "tanh", [0, 1, 2], init="orthogonal", dtype=F64)
    initialization.lsuv_(net, X)
    trace = net.trace(X)
    for z in [*trace.z, trace.logits]:
        variances = z.var(dim=(-2, -1), correction=0)
        assert torch.allclose(variances, torch.ones(3, dtype=F64), atol=1e-5)


def test_lsuv_needs_variance():
    net = MLP(2, 8, "relu", [0], init="orthogonal")
    with pytest.raises(ValueError, match="X must give every layer a finite variance above 0"):
        initialization.lsuv_(net, torch.zeros(5, 64))


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"scheme": "glorot"}, ValueError, "init must be one of he, normal, .*got 'glorot'"),
        ({"sizes": [64]}, ValueError, "sizes must hold at least an input and an output"),
        ({"sizes": [64, 0]}, ValueError, "each of sizes must be an integer >= 1; got 0"),
        ({"seeds": []}, ValueError, "seeds must hold at least one seed"),
        ({"seeds": [0.5]}, TypeError, "each of seeds must be an integer >= 0; got 0.5"),
        ({"sigma_w2": -1}, ValueError, "sigma_w2 must be a finite number >= 0; got -1"),
        ({"sigma_w2": float("nan")}, ValueError, "sigma_w2 must be a finite number"),
        ({"sigma_w2": [1.0, 2.0]}, ValueError, r"sigma_w2 must be one number or one per replica"),
        ({"gain": 2}, ValueError, "option of init 'normal' must be one of sigma_b2, sigma_w2"),
        ({"scheme": "he", "gain": 2}, ValueError, r"option of init 'he' must be one of \(none\)"),
    ],
)
def test_bad_arguments_say_what_is_allowed(changes, error, message):
    arguments = {"scheme": "normal", "sizes": [4, 4], "seeds": [0]} | changes
    with pytest.raises(error, match=message):
        initialization.draw(**arguments)
