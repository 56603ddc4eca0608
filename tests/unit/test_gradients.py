import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from helpers.gradients import layer_gradients, per_layer_factor
from helpers.networks import MLP

F64 = torch.float64


@pytest.fixture
def problem():
    g = torch.Generator().manual_seed(5)
    X = torch.randn(13, 64, dtype=F64, generator=g)
    return X, torch.randint(10, (13,), generator=g)


def reference(net, k, X, y):
    """Norms of replica k, one example at a time, from plain nn.Linear layers."""
    h, zs, linears = X, [], []
    for W, b in zip(net.weights, net.biases):
        linear = nn.Linear(W.shape[1], W.shape[2], dtype=F64)
        linear.weight.data, linear.bias.data = W[k].T.clone(), b[k, 0].clone()
        linears.append(linear)
        zs.append(linear(h))
        h = torch.tanh(zs[-1])
    loss = functional.cross_entropy(zs[-1], y, reduction="none")
    squares = torch.zeros(net.depth, dtype=F64)
    for i in range(len(X)):
        deltas = torch.autograd.grad(loss[i], zs[:-1], retain_graph=True)
        squares += torch.stack([(d[i] ** 2).sum() for d in deltas]) / len(X)
    weights = torch.autograd.grad(loss.mean(), [linear.weight for linear in linears])
    return squares.sqrt().numpy(), torch.stack([g.norm() for g in weights]).numpy()


def test_norms_are_those_of_plain_networks(problem):
    X, y = problem
    net = MLP(4, 12, "tanh", [0, 1, 2], dtype=F64, init="normal", sigma_w2=1.5, sigma_b2=0.2)
    ours = layer_gradients(net, X, y)
    for k in range(3):
        delta, weight_gradients = reference(net, k, X, y)
        np.testing.assert_allclose(ours.delta[k], delta, rtol=1e-12)
        np.testing.assert_allclose(ours.weight_gradients[k], weight_gradients, rtol=1e-12)
    expected = [float((z[1].detach() ** 2).mean()) for z in net.trace(X).z]
    np.testing.assert_allclose(ours.pre_activations[1], expected, rtol=1e-13)


def test_measuring_leaves_no_trace(problem):
    net = MLP(2, 5, "relu", [0], dtype=F64)
    before = [p.detach().clone() for p in net.parameters()]
    layer_gradients(net, *problem)
    assert all(p.grad is None for p in net.parameters())
    assert all(torch.equal(p, q) for p, q in zip(net.parameters(), before))


def test_update_to_weight_is_the_size_of_an_sgd_step(problem):
    X, y = problem
    net = MLP(3, 6, "sigmoid", [0, 1], dtype=F64)
    ratios = layer_gradients(net, X, y).update_to_weight([0.1, 0.4])
    before = [W.detach().clone() for W in net.weights]
    loss = functional.cross_entropy(net(X).reshape(-1, 10), y.repeat(2), reduction="none")
    loss.reshape(2, -1).mean(1).sum().backward()
    for layer, W in enumerate(net.weights):
        for k, lr in enumerate([0.1, 0.4]):
            step = lr * W.grad[k].norm() / before[layer][k].norm()
            assert ratios[k, layer] == pytest.approx(float(step), rel=1e-12)


def test_the_factor_is_exact_on_a_geometric_profile():
    layers = np.arange(1, 21)
    delta = np.sqrt(0.3 ** (20 - layers)) * np.array([[1.0], [1e-5]])
    np.testing.assert_allclose(per_layer_factor(delta), [0.3, 0.3], rtol=1e-12)
    assert per_layer_factor([1.0, 2.0]) == pytest.approx(0.25)


def test_an_orthogonal_linear_network_has_factor_one(problem):
    net = MLP(10, 20, "linear", [0, 1], init="orthogonal", dtype=F64)
    np.testing.assert_allclose(layer_gradients(net, *problem).factor(), [1, 1], rtol=1e-12)


@pytest.mark.parametrize(
    ("delta", "message"),
    [
        ([1.0], "delta must have at least 2 layers; got shape"),
        ([1.0, 0.0], "delta must be above 0; got 1 values"),
        ([1.0, np.nan], "delta must be finite; got 1 NaN"),
    ],
)
def test_a_profile_without_a_slope_is_an_error(delta, message):
    with pytest.raises(ValueError, match=message):
        per_layer_factor(delta)


@pytest.mark.parametrize(
    ("y", "error", "message"),
    [
        (torch.zeros(13), TypeError, "y must be a torch.int64 tensor of labels; got torch.float32"),
        (torch.zeros(12, dtype=torch.int64), ValueError, r"y must have shape \(13,\)"),
        (torch.full((13,), 10), ValueError, "y must hold labels from 0 to 9; got 10 to 10"),
    ],
)
def test_labels_must_fit(problem, y, error, message):
    with pytest.raises(error, match=message):
        layer_gradients(MLP(2, 4, "tanh", [0], dtype=F64), problem[0], y)
