import pytest
import torch
from torch import nn

from helpers.data import digits
from helpers.gradients import layer_gradients
from helpers.networks import MLP
from helpers.residual import ResidualMLP
from helpers.training import train

F64 = torch.float64
INPUTS = torch.randn(11, 64, dtype=F64, generator=torch.Generator().manual_seed(1))


class Plain(nn.Module):
    """One residual network of nn.Linear and nn.LayerNorm: an independent reference."""

    def __init__(self, net: ResidualMLP, k: int, place: str | None) -> None:
        super().__init__()
        self.linears = nn.ModuleList()
        for W, b in zip(net.weights, net.biases):
            linear = nn.Linear(W.shape[1], W.shape[2], dtype=F64)
            linear.weight.data, linear.bias.data = W[k].T.clone(), b[k, 0].clone()
            self.linears.append(linear)
        self.norm = nn.LayerNorm(net.weights[0].shape[2], dtype=F64)
        self.scale, self.skip = float(net.branch_scale[k]), float(net.skip_scale[k])
        self.place = place

    def forward(self, x: torch.Tensor) -> tuple[list[torch.Tensor], torch.Tensor]:
        stem, *blocks, readout = self.linears
        stream = [self.on_stream(stem(x))]
        for block in blocks:
            branch = block(torch.tanh(self.in_branch(stream[-1])))
            stream.append(self.on_stream(self.skip * stream[-1] + self.scale * branch))
        return stream, readout(torch.tanh(self.in_branch(stream[-1])))

    def on_stream(self, z: torch.Tensor) -> torch.Tensor:
        return self.norm(z) if self.place == "post" else z

    def in_branch(self, z: torch.Tensor) -> torch.Tensor:
        return self.norm(z) if self.place == "pre" else z


def network(place: str | None, **options) -> ResidualMLP:
    chosen = {"branch_scale": [0.5, 2.0], "skip_scale": [1.0, 0.9]} | options
    if place:
        chosen |= {"norm": "layer", "norm_place": place}
    chosen |= {"init": "normal", "sigma_w2": 2.0, "sigma_b2": 0.1, "dtype": F64}
    return ResidualMLP(5, 17, "tanh", [2, 3], **chosen)


@pytest.mark.parametrize("place", [None, "pre", "post"])
def test_each_replica_is_an_ordinary_residual_network(place):
    net = network(place)
    for k in range(2):
        stream, logits = Plain(net, k, place)(INPUTS)
        assert torch.allclose(net(INPUTS)[k], logits, rtol=0, atol=1e-12)
        for z, expected in zip(net.trace(INPUTS).z, stream, strict=True):
            assert torch.allclose(z[k], expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("place", [None, "pre", "post"])
def test_its_gradients_are_those_of_the_ordinary_network(place):
    net = network(place)
    y = torch.arange(11) % 10
    measured = layer_gradients(net, INPUTS, y).delta
    for k in range(2):
        stream, logits = Plain(net, k, place)(INPUTS)
        loss = nn.functional.cross_entropy(logits, y, reduction="sum")
        deltas = torch.autograd.grad(loss, stream)
        expected = torch.stack([d.square().sum(dim=1).mean().sqrt() for d in deltas])
        assert torch.allclose(torch.as_tensor(measured[k]), expected, rtol=1e-12, atol=0)


def test_without_a_skip_it_is_the_mlp():
    net = network(None, branch_scale=1.0, skip_scale=0.0)
    plain = MLP(5, 17, "tanh", [2, 3], init="normal", sigma_w2=2.0, sigma_b2=0.1, dtype=F64)
    assert torch.allclose(net(INPUTS), plain(INPUTS), rtol=0, atol=1e-13)


def test_a_zero_branch_is_the_skip_alone_and_learns():
    data = digits()
    net = ResidualMLP(4, 16, "relu", [0, 1], zero_branch=True, init="he")
    stream = net.trace(data.X_train).z
    assert all(torch.equal(z, stream[0]) for z in stream)
    train(net, data.X_train, data.y_train, steps=5, lr=0.1)
    assert all(bool((W != 0).any(dim=(1, 2)).all()) for W in net.weights[1:-1])


def test_replicas_that_leave_take_their_scales_with_them():
    net = network(None)
    rows = INPUTS.expand(2, -1, -1)
    for k in range(2):
        alone = net.only(torch.arange(2) == k, rows)
        assert torch.allclose(alone[0], net(INPUTS)[k], rtol=0, atol=1e-13)
    assert net.branch_scale.flatten().tolist() == [0.5, 2.0]


def test_looking_does_not_move_the_running_averages():
    net = network(None, norm="batch")
    net.trace(INPUTS)
    assert float(net.norms[0].running_mean.abs().sum()) == 0
    net(INPUTS)
    assert float(net.norms[0].running_mean.abs().sum()) > 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"norm_place": "before"}, "norm_place must be one of post, pre; got 'before'"),
        ({"branch_scale": [1.0, 2.0, 3.0]}, r"branch_scale must be one number or one per replica"),
        ({"skip_scale": float("nan")}, "skip_scale must be finite"),
        ({"depth": 0}, "depth must be an integer >= 1; got 0"),
    ],
)
def test_bad_arguments_are_errors(changes, message):
    with pytest.raises(ValueError, match=message):
        ResidualMLP(**({"depth": 2, "width": 4, "activation": "tanh", "seeds": [0, 1]} | changes))
