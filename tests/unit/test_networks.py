import pytest
import torch
from torch import nn

from helpers.networks import MLP

F64 = torch.float64
MODULES = {"sigmoid": nn.Sigmoid, "tanh": nn.Tanh, "relu": nn.ReLU, "gelu": nn.GELU}


def plain(net: MLP, k: int, activation: type[nn.Module]) -> nn.Sequential:
    """Replica k of `net` as an ordinary nn.Sequential of nn.Linear: an independent reference."""
    layers: list[nn.Module] = []
    for W, b in zip(net.weights, net.biases):
        linear = nn.Linear(W.shape[1], W.shape[2], dtype=W.dtype)
        linear.weight.data, linear.bias.data = W[k].T.clone(), b[k, 0].clone()
        layers += [linear, activation()]
    return nn.Sequential(*layers[:-1])


@pytest.mark.parametrize("activation", MODULES)
def test_each_replica_is_an_ordinary_network(activation):
    net = MLP(5, 17, activation, [2, 3, 4], dtype=F64, init="normal", sigma_w2=2.0, sigma_b2=0.1)
    X = torch.randn(11, 64, dtype=F64, generator=torch.Generator().manual_seed(1))
    logits = net(X)
    assert logits.shape == (3, 11, 10)
    for k in range(3):
        expected = plain(net, k, MODULES[activation])(X)
        assert torch.allclose(logits[k], expected, rtol=0, atol=1e-13)


def test_the_trace_has_every_layer():
    net = MLP(4, 6, "tanh", [0, 1], n_in=3, n_out=2)
    X = torch.ones(2, 5, 3)
    trace = net.trace(X)
    assert [z.shape for z in trace.z] == [(2, 5, 6)] * 4
    assert all(torch.equal(h, torch.tanh(z)) for z, h in zip(trace.z, trace.h))
    assert torch.equal(trace.logits, net(X))
    assert (net.depth, net.replicas) == (4, 2)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"depth": 0}, ValueError, "depth must be an integer >= 1; got 0"),
        ({"depth": 2.0}, TypeError, "depth must be an integer >= 1; got 2.0"),
        ({"width": -3}, ValueError, "width must be an integer >= 1; got -3"),
        ({"activation": "selu2"}, ValueError, "activation must be one of .*; got 'selu2'"),
        ({"seeds": [True]}, TypeError, "each of seeds must be an integer"),
        ({"n_in": 0}, ValueError, "n_in must be an integer >= 1; got 0"),
    ],
)
def test_bad_shapes_are_errors(changes, error, message):
    with pytest.raises(error, match=message):
        MLP(**({"depth": 2, "width": 4, "activation": "tanh", "seeds": [0]} | changes))


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        (torch.zeros(5, 63), ValueError, r"X must have shape \(batch, 64\) or \(2, batch, 64\)"),
        (torch.zeros(3, 5, 64), ValueError, r"X must have shape .*; got \(3, 5, 64\)"),
        (torch.zeros(64), ValueError, r"X must have shape .*; got \(64,\)"),
        (torch.zeros(0, 64), ValueError, r"X must have shape .*; got \(0, 64\)"),
        (torch.zeros(5, 64, dtype=F64), TypeError, "X must be torch.float32, like the weights"),
        (torch.full((5, 64), float("nan")), ValueError, "X must not hold NaN; got 320 of 320"),
        ([[0.0] * 64], TypeError, "X must be a torch.Tensor; got list"),
    ],
)
def test_bad_inputs_are_errors(X, error, message):
    with pytest.raises(error, match=message):
        MLP(2, 4, "tanh", [0, 1])(X)
