"""Every activation the doctor can read: asleep, awake, pressed flat."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from helpers.diagnose.activations import Reading, flat_sigmoid, flat_tanh, kind_of, read

Function = Callable[[Tensor], Tensor]

RECTIFIERS: dict[str, Function] = {
    "relu": torch.relu,
    "relu in place": torch.relu_,
    "relu6": nn.ReLU6(),
    "threshold": nn.Threshold(0.0, 0.0),
    "clamp": lambda x: x.clamp(min=0),
    "clamp to a range": lambda x: x.clamp(0, 6),
    "clamp_min": lambda x: x.clamp_min(0),
    "maximum": lambda x: torch.maximum(x, torch.zeros(())),
    "gelu": nn.GELU(),
    "silu": nn.SiLU(),
    "mish": nn.Mish(),
    "elu": nn.ELU(),
    "elu in place": nn.ELU(inplace=True),
    "selu": nn.SELU(),
    "celu": nn.CELU(),
    "softplus": nn.Softplus(),
    "hardswish": nn.Hardswish(),
}
SQUASHERS: dict[str, Function] = {
    "tanh": torch.tanh,
    "tanh in place": torch.tanh_,
    "sigmoid": torch.sigmoid,
    "hardtanh": nn.Hardtanh(),
    "clamp": lambda x: x.clamp(-1, 1),
    "hardsigmoid": nn.Hardsigmoid(),
    "softmax": lambda x: torch.softmax(x, -1),
    "softmax over rows": lambda x: torch.softmax(x, 0),
}
OTHERS: dict[str, Function] = {
    "leaky relu": nn.LeakyReLU(),
    "floor for safety": lambda x: x.clamp(min=1e-6),
    "floor for safety, as a function": lambda x: x.clamp_min(0.5),
    "ceiling for safety": lambda x: x.clamp(max=-0.5),
    "maximum of two": lambda x: torch.maximum(x, torch.ones(())),
    "softmax over one": lambda x: torch.softmax(x[:, :1], -1),
}


def reading(function: Function, x: Tensor, channel: int = -1) -> Reading | None:
    node = function(x.clone().requires_grad_().clone()).grad_fn
    assert node is not None
    return read(node, channel) if kind_of(node) else None


@pytest.mark.parametrize("name", RECTIFIERS)
def test_silent_units_are_counted(name: str) -> None:
    x = torch.randn(64, 10)
    x[:, :3] = -20.0 - x[:, :3].abs()
    x[:, 3] = 1.0 + x[:, 3].abs()
    seen = reading(RECTIFIERS[name], x)
    assert seen is not None
    assert (seen.dead, seen.units, seen.saturated or 0.0) == (0.3, 10, 0.0)
    assert seen.on >= 0.1


@pytest.mark.parametrize("name", SQUASHERS)
def test_flat_values_are_counted(name: str) -> None:
    gentle, hard = (reading(SQUASHERS[name], torch.randn(64, 10) * sd) for sd in (0.3, 1e4))
    assert gentle is not None
    assert hard is not None
    assert gentle.saturated is not None
    assert gentle.saturated < 0.05
    assert hard.saturated is not None
    assert hard.saturated > 0.95


@pytest.mark.parametrize("name", OTHERS)
def test_what_cannot_die_is_not_judged(name: str) -> None:
    seen = reading(OTHERS[name], torch.randn(64, 10) * 100)
    assert seen is None or (seen.dead is None and seen.saturated is None)


@pytest.mark.parametrize(
    "function", [nn.Hardtanh(0, 1), nn.Hardtanh(0, 1, inplace=True), lambda x: x.clamp(0, 1)]
)
def test_a_rectifier_on_its_ceiling_is_flat(function: Function) -> None:
    seen = reading(function, torch.tensor([[-1.0, 0.5, 3.0], [-1.0, 2.0, -5.0]]))
    assert seen is not None
    assert (seen.dead, seen.saturated) == (1 / 3, 2 / 3)
    seen = reading(function, -torch.ones(2, 3))
    assert seen is not None
    assert (seen.dead, seen.saturated) == (1.0, None)


def test_channels_are_where_the_layout_says() -> None:
    x = torch.rand(4, 5, 6)
    x[:, 1] = -1.0
    first, last = reading(torch.relu, x, 1), reading(torch.relu, x, -1)
    assert first is not None
    assert last is not None
    assert (first.dead, first.units) == (0.2, 5)
    assert (last.dead, last.units) == (0.0, 6)


def test_without_a_batch_each_value_is_a_unit() -> None:
    seen = reading(torch.relu, torch.tensor([1.0, -1.0, -2.0, 3.0]))
    assert seen is not None
    assert (seen.dead, seen.units) == (0.5, 4)
    assert reading(torch.relu, torch.tensor(1.0)) == Reading()


def test_overwritten_values_are_no_reading() -> None:
    y = torch.relu(torch.randn(4, 4, requires_grad=True))
    node = y.grad_fn
    y.mul_(2.0)
    assert node is not None
    assert read(node, -1) is None


def test_flat_means_under_five_percent_of_the_steepest_slope() -> None:
    z = torch.linspace(-8, 8, 100_001, dtype=torch.float64)
    slope = 1 - torch.tanh(z) ** 2
    assert flat_tanh(torch.tanh(z)) == float((slope < 0.05).double().mean())
    steep = 4 * torch.sigmoid(z) * (1 - torch.sigmoid(z))
    assert flat_sigmoid(torch.sigmoid(z)) == float((steep < 0.05).double().mean())


@pytest.mark.parametrize(("causal", "masked"), [(False, False), (True, False), (False, True)])
def test_fused_attention_is_computed_again(causal: bool, masked: bool) -> None:
    for sd in (0.1, 300.0):
        node, weights = _attention(sd, causal, masked)
        seen = read(node, -1)
        assert seen is not None
        choice = [True] * 7
        if causal:
            choice[0] = False
        expected = float((weights[..., choice, :].amax(-1) > 0.99).double().mean())
        assert seen.saturated == pytest.approx(expected, abs=0.05)


@pytest.mark.parametrize("fused", [False, True])
def test_a_place_with_a_single_key_has_no_choice_and_is_not_counted(fused: bool) -> None:
    node, weights = _attention(0.1, True, False)
    assert weights[..., 0, 0].eq(1).all()
    if not fused:
        node = _softmax_node(weights.log())
    seen = read(node, -1)
    assert seen is not None
    assert seen.saturated == 0.0


def test_a_row_that_a_mask_leaves_a_single_key_is_not_counted() -> None:
    bags = torch.arange(6) >= torch.tensor([1, 1, 1, 2, 6])[:, None]  # of one, two and six items
    for sure, expected in ((0.0, 0.0), (1000.0, 1.0)):
        scores = torch.zeros(5, 6)
        scores[:, 1] = sure
        for dim, view in ((1, Tensor.clone), (0, Tensor.t)):
            masked = view(scores).requires_grad_().clone().masked_fill(view(bags), -1e9)
            seen = read(masked.softmax(dim).grad_fn, -1)
            assert seen is not None
            assert seen.saturated == expected


def test_certain_rows_that_no_mask_explains_are_counted() -> None:
    scores = torch.zeros(4, 6, 5)
    scores[..., 2] = 1000.0  # the same key at every place
    scores[0, 0] = torch.tensor([1000.0, 0, 0, 0, 0])
    seen = read(_softmax_node(scores), -1)
    assert seen is not None
    assert seen.saturated == 1.0
    scores = torch.arange(5.0).expand(4, 6, 5).clone()
    scores[:, 0, 2] = 1000.0
    scores[0, 0, 0] = 1000.0  # one example hesitates, so no mask forced the others
    seen = read(_softmax_node(scores), -1)
    assert seen is not None
    assert seen.saturated == pytest.approx(3 / 24)


def _softmax_node(scores: Tensor) -> torch.autograd.graph.Node:
    node = scores.requires_grad_().softmax(-1).grad_fn
    assert node is not None
    return node


def _attention(sd: float, causal: bool, masked: bool) -> tuple[torch.autograd.graph.Node, Tensor]:
    q, k, v = (torch.randn(2, 3, 7, 8, requires_grad=True) for _ in range(3))
    mask = torch.rand(7, 7) < 0.5 if masked else None
    if mask is not None:
        mask.fill_diagonal_(True)
        mask[range(7), [6, 0, 1, 2, 3, 4, 5]] = True
    out = nn.functional.scaled_dot_product_attention(q * sd, k, v, attn_mask=mask, is_causal=causal)
    allowed = torch.ones(7, 7, dtype=torch.bool).tril() if causal else mask
    scores = sd * q @ k.mT / 8**0.5
    if allowed is not None:
        scores = scores.masked_fill(~allowed, -torch.inf)
    assert out.grad_fn is not None
    return out.grad_fn, scores.softmax(-1).detach()
