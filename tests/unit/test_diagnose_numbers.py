"""The numbers in the report against autograd, theory and the optimizer itself."""

from __future__ import annotations

import math

import pytest
import torch
from diagnose_networks import CE, Last, Raw, he, images, mlp, sequences, vectors
from torch import Tensor, nn

from helpers.diagnose import Layer, Report, diagnose
from helpers.diagnose.backward import norm
from helpers.diagnose.trend import trend


def rows(report: Report) -> dict[str, Layer]:
    return {layer.name: layer for layer in report.layers}


def test_gradients_and_values_agree_with_autograd() -> None:
    case = vectors(mlp(3, nn.Tanh))
    layers = rows(diagnose(case.model, CE, case.inputs, case.targets))
    outputs, x = [], case.inputs
    for module in case.model:
        x = module(x)
        x.retain_grad()
        outputs.append(x)
    CE(x, case.targets).backward()
    for name, output in enumerate(outputs):
        value = output.detach()
        layer = layers[str(name)]
        assert layer.gradient == pytest.approx(float(output.grad.norm()), rel=1e-5)
        assert layer.mean == pytest.approx(float(value.mean()), abs=1e-6)
        assert layer.std == pytest.approx(float(value.std(correction=0)), rel=1e-3)
        assert layer.shape == tuple(output.shape)
    weight = case.model[2].weight
    both = math.hypot(float(weight.grad.norm()), float(case.model[2].bias.grad.norm()))
    assert layers["2"].weight_gradient == pytest.approx(both, rel=1e-5)


def test_functional_layers_are_seen_as_modules_are() -> None:
    raw = Raw(4, torch.tanh, 1.0)
    module = nn.Sequential()
    for weight in raw.weights:
        linear = nn.Linear(*weight.shape, bias=False)
        linear.weight.data = weight.detach().t().clone()
        module.extend([linear, nn.Tanh()])
    case = vectors(raw)
    functional = diagnose(raw, CE, case.inputs, case.targets)
    modular = diagnose(module[:-1], CE, case.inputs, case.targets)
    assert functional.depth is not None
    assert modular.depth is not None
    assert functional.depth.values == pytest.approx(modular.depth.values, rel=1e-4)
    assert functional.depth.names[0] == "weights.0"
    assert "tanh after weights.2" in rows(functional)


def test_orthogonal_linear_chain_has_the_factor_of_its_gain() -> None:
    layers = [nn.Linear(32, 32, bias=False) for _ in range(12)]
    for layer in layers:
        nn.init.orthogonal_(layer.weight, 0.7)
    x, y = torch.randn(16, 32), torch.randint(0, 32, (16,))
    depth = diagnose(nn.Sequential(*layers), CE, x, y).depth
    assert depth is not None
    assert depth.factor == pytest.approx(0.7, rel=1e-4)
    assert depth.low == pytest.approx(depth.high, rel=1e-4)
    assert depth.decades == pytest.approx(11 * math.log10(0.7), rel=1e-3)


@pytest.mark.parametrize(
    ("activation", "gain", "chi"), [(nn.ReLU, 1.0, 0.5), (nn.Tanh, 1.0, 0.865)]
)
def test_factor_per_layer_follows_mean_field_theory(
    activation: type[nn.Module], gain: float, chi: float
) -> None:
    factors = []
    for seed in range(8):
        torch.manual_seed(seed)
        case = vectors(he(mlp(20, activation, 128), gain))
        depth = diagnose(case.model, CE, case.inputs, case.targets).depth
        assert depth is not None
        factors.append(depth.factor)
    assert sum(factors) / 8 == pytest.approx(math.sqrt(chi), rel=0.03)


def test_slope_along_time_is_the_recurrent_gain() -> None:
    model = Last(nn.RNN, nonlinearity="relu")
    nn.init.orthogonal_(model.core.weight_hh_l0, 0.8)
    for parameter in (model.core.bias_ih_l0, model.core.bias_hh_l0):
        nn.init.zeros_(parameter)
    # Identity times 0.8 keeps every unit on while the input pushes it up: a linear recurrence.
    model.core.weight_hh_l0.data = 0.8 * torch.eye(24)
    model.core.weight_ih_l0.data.abs_()
    case = sequences(model, 30)
    (line,) = diagnose(model, CE, case.inputs.abs(), case.targets).time
    assert line.factor == pytest.approx(0.8, rel=1e-3)
    assert line.decades == pytest.approx(29 * math.log10(0.8), rel=1e-2)


def test_time_is_read_the_same_packed_and_time_first() -> None:
    torch.manual_seed(0)
    first, second = nn.GRU(6, 12), nn.GRU(6, 12, batch_first=True)
    second.load_state_dict(first.state_dict())
    x, y = torch.randn(20, 4, 6), torch.randint(0, 12, (4,))

    def last(output: tuple[Tensor, Tensor], targets: Tensor) -> Tensor:
        return CE(output[1][0], targets)

    packed = nn.utils.rnn.pack_padded_sequence(x, [20] * 4)
    lines = [
        diagnose(first, last, x, y).time[0],
        diagnose(second, last, x.transpose(0, 1), y).time[0],
        diagnose(first, last, packed, y).time[0],
    ]
    for line in lines[1:]:
        assert line.values == pytest.approx(lines[0].values, rel=1e-4)


def test_a_loss_at_every_step_hides_the_decay_and_that_is_said() -> None:
    report = diagnose(
        nn.GRU(6, 5), lambda output, y: CE(output[0].flatten(0, 1), y), torch.randn(30, 4, 6),
        torch.randint(0, 5, (120,)),
    )  # fmt: skip
    assert report.time == ()
    assert "30 of 30 steps" in report.notes[0]


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "NAdam"])
def test_predicted_step_is_the_step_taken(name: str) -> None:
    case = vectors(mlp(2, nn.ReLU))
    optimizer = getattr(torch.optim, name)(case.model.parameters(), lr=0.02)
    for _ in range(3):
        before = case.model[0].weight.detach().clone()
        layers = rows(diagnose(case.model, CE, case.inputs, case.targets, optimizer=optimizer))
        optimizer.zero_grad()
        CE(case.model(case.inputs), case.targets).backward()
        optimizer.step()
        moved = (case.model[0].weight.detach() - before).norm() / before.norm()
        assert layers["0"].update == pytest.approx(float(moved), rel=1e-4)


def test_dead_channels_are_counted_in_either_layout() -> None:
    conv = nn.Conv1d(6, 10, 1)
    conv.bias.data[:4] = -100.0
    linear = nn.Linear(6, 10)
    linear.weight.data, linear.bias.data = conv.weight.data[..., 0].clone(), conv.bias.data.clone()
    x, y = torch.randn(8, 6, 12), torch.randint(0, 10, (8,))
    first = diagnose(nn.Sequential(conv, nn.ReLU()), lambda o, y: CE(o.mean(2), y), x, y)
    second = diagnose(nn.Sequential(linear, nn.ReLU()), lambda o, y: CE(o.mean(1), y), x.mT, y)
    assert rows(first)["1"].dead == rows(second)["1"].dead == 0.4


def test_averaging_is_excused_but_a_fall_is_not() -> None:
    pooled = nn.Sequential(
        nn.Conv2d(1, 8, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5)
    )
    case = images(pooled, size=64)
    depth = diagnose(pooled, CE, case.inputs, case.targets).depth
    assert depth is not None
    steep = math.log10(depth.values[0] / depth.values[1])
    assert steep < -1.5
    assert depth.drop - steep == pytest.approx(math.log10(64), abs=0.05)


@pytest.mark.parametrize("scale", [1e-40, 1e-30, 1.0, 1e30])
def test_norms_neither_overflow_nor_underflow(scale: float) -> None:
    assert norm(torch.tensor([3.0, 4.0]) * scale) == pytest.approx(5 * scale, rel=1e-4)


def test_trend_ignores_odd_ones_out_and_zeros() -> None:
    values = [10.0 ** (k / 2 - 5) for k in range(12)]
    values[4], values[7] = 1e3, 0.0
    line = trend("depth", "", [str(k) for k in range(12)], values)
    assert line is not None
    assert line.factor == pytest.approx(10**-0.5)
    assert line.decades == pytest.approx(-5.5)
    assert trend("depth", "", ["a", "b"], [0.0, 1.0]) is None
