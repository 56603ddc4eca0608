"""Each normalization layer is the one of torch.nn, replica by replica, forward and backward."""

from functools import partial

import pytest
import torch
from torch import nn

from helpers.gradients import layer_gradients
from helpers.networks import MLP
from helpers.normalization import BatchNorm, GroupNorm, LayerNorm, RMSNorm, make
from helpers.training import accuracy, train

F64 = torch.float64
WIDTH = 12


LAYERS = {
    "batch": ("batch", lambda: nn.BatchNorm1d(WIDTH, dtype=F64)),
    "layer": ("layer", lambda: nn.LayerNorm(WIDTH, dtype=F64)),
    "rms": ("rms", lambda: nn.RMSNorm(WIDTH, eps=1e-5, dtype=F64)),
    "4 groups": ("group", lambda: nn.GroupNorm(4, WIDTH, dtype=F64)),
    "3 groups": (partial(GroupNorm, groups=3), lambda: nn.GroupNorm(3, WIDTH, dtype=F64)),
}


def random(*shape, seed=0):
    return torch.randn(*shape, dtype=F64, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("name", LAYERS)
def test_each_replica_is_the_layer_of_torch(name, training):
    norm, reference = LAYERS[name]
    ours = make(norm, 3, WIDTH, F64)
    ours.gamma.data += random(3, 1, WIDTH, seed=1)
    if ours.beta is not None:
        ours.beta.data += random(3, 1, WIDTH, seed=2)
    theirs = [reference() for _ in range(3)]
    for k, module in enumerate(theirs):
        module.weight.data = ours.gamma.data[k, 0].clone()
        if ours.beta is not None:
            module.bias.data = ours.beta.data[k, 0].clone()
    x, direction = random(3, 7, WIDTH, seed=3) * 2 + 1, random(3, 7, WIDTH, seed=4)
    for step in range(3):  # moves the running averages
        ours(x + step)
        for k, module in enumerate(theirs):
            module(x[k] + step)
    ours.train(training)
    x.requires_grad_()
    got = torch.autograd.grad((ours(x) * direction).sum(), [x, *ours.parameters()])
    for k, module in enumerate(theirs):
        module.train(training)
        y = (module(x[k]) * direction[k]).sum()
        wanted = torch.autograd.grad(y, [x, *module.parameters()])
        pairs = [(got[0][k], wanted[0][k]), *((g[k, 0], w) for g, w in zip(got[1:], wanted[1:]))]
        for mine, expected in pairs:
            assert torch.allclose(mine, expected, rtol=0, atol=1e-12)
        assert torch.allclose(ours(x)[k], module(x[k]), rtol=0, atol=1e-12)


def test_running_averages_are_those_of_torch():
    ours, theirs = BatchNorm(1, WIDTH, F64), nn.BatchNorm1d(WIDTH, dtype=F64)
    for step in range(5):
        x = random(1, 4, WIDTH, seed=step) * (step + 1)
        ours(x)
        theirs(x[0])
    assert torch.allclose(ours.running_mean[0, 0], theirs.running_mean, rtol=0, atol=1e-12)
    assert torch.allclose(ours.running_var[0, 0], theirs.running_var, rtol=0, atol=1e-12)


def test_looking_does_not_move_the_running_averages():
    net = MLP(2, WIDTH, "relu", [0, 1], norm="batch")
    X, y = torch.randn(20, 64, generator=torch.Generator().manual_seed(0)), torch.arange(20) % 10
    before = [b.clone() for b in net.buffers()]
    layer_gradients(net, X, y)
    accuracy(net, X, y)
    assert net.training
    assert all(torch.equal(a, b) for a, b in zip(before, net.buffers()))
    net(X)
    assert not any(torch.equal(a, b) for a, b in zip(before, net.buffers()))


@pytest.mark.parametrize("place", ["before", "after"])
@pytest.mark.parametrize("norm", ["batch", "layer", "rms", "group"])
def test_the_norm_stands_where_it_should(norm, place):
    net = MLP(2, WIDTH, "tanh", [0, 1], norm=norm, norm_place=place, dtype=F64)
    X = random(9, 64)
    trace = net.trace(X)
    assert torch.equal(trace.logits, net(X))
    h = X
    for k, (z, out) in enumerate(zip(trace.z, trace.h)):
        assert torch.equal(z, h @ net.weights[k] + net.biases[k])
        own = make(norm, 2, WIDTH, F64)
        h = torch.tanh(own(z)) if place == "before" else own(torch.tanh(z))
        assert torch.equal(h, out)


def test_accuracy_uses_the_running_averages():
    net = MLP(1, WIDTH, "relu", [0], norm="batch", n_in=2, n_out=2)
    net.norms[0].running_mean += 3.0
    X, y = torch.randn(200, 2, generator=torch.Generator().manual_seed(1)), torch.zeros(200).long()
    share = float((net.eval()(X).argmax(dim=-1) == 0).double().mean())
    net.train()
    by_batch = float((net(X).argmax(dim=-1) == 0).double().mean())
    assert accuracy(net, X, y)[0] == share != by_batch


def test_who_has_left_keeps_its_running_averages():
    X = torch.randn(64, 64, generator=torch.Generator().manual_seed(0))
    y = (X[:, 0] > 0).long()
    options = {"norm": "batch", "n_out": 2}
    both, alone = MLP(1, 8, "relu", [0, 1], **options), MLP(1, 8, "relu", [1], **options)
    both.weights[-1].data[0] *= 0  # its loss starts at ln 2, below the floor
    limits = {"steps": 30, "batch_size": 16, "stop_below": 0.695}
    history = train(both, X, y, lr=[1e-9, 0.01], **limits)
    train(alone, X, y, lr=0.01, steps=history.solved_at[1] or 30, batch_size=16)
    assert 0 < history.solved_at[0] < 30
    left = both.norms[0].running_var[0]
    ten = MLP(1, 8, "relu", [0], **options)
    train(ten, X, y, lr=1e-9, steps=int(history.solved_at[0]), batch_size=16)
    assert torch.allclose(left, ten.norms[0].running_var[0], atol=1e-6)
    assert torch.allclose(both.norms[0].running_var[1], alone.norms[0].running_var[0], atol=1e-5)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: make("bath", 1, 4), ValueError, "norm must be one of batch, group, layer, rms"),
        (lambda: make(lambda r, w, d: nn.ReLU(), 1, 4), TypeError, "must make a Normalization"),
        (lambda: LayerNorm(1, 4, eps=-1.0), ValueError, "eps must be a finite number >= 0"),
        (lambda: RMSNorm(0, 4), ValueError, "replicas must be an integer >= 1; got 0"),
        (lambda: BatchNorm(1, 4, momentum=1.5), ValueError, "momentum must be > 0 and at most 1"),
        (lambda: GroupNorm(1, 5), ValueError, "groups must divide the width, 5; got 4"),
        (lambda: BatchNorm(1, 4)(torch.ones(1, 1, 4)), ValueError, "at least 2 examples in train"),
        (
            lambda: MLP(1, 4, "relu", [0], norm="batch", norm_place="beside"),
            ValueError,
            "norm_place must be one of after, before; got 'beside'",
        ),
    ],
)
def test_bad_arguments_are_errors(call, error, message):
    with pytest.raises(error, match=message):
        call()
