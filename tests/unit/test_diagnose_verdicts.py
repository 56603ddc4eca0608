"""The doctor against networks with a known fault, and without any."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any

import pytest
import torch
from diagnose_broken import BROKEN
from diagnose_healthy import HEALTHY
from diagnose_meant import MEANT, one_scaled, stochastic
from diagnose_networks import Case, Heads, Through, mlp, vectors
from diagnose_strangers import STRANGERS, both_ways
from diagnose_tricky import TRICKY
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, dropout, relu

from helpers.diagnose import VERDICTS, Report, diagnose
from helpers.diagnose.facts import Facts
from helpers.diagnose.rules_gradient import exploding
from helpers.diagnose.trend import trend

SEEDS = 8


def examine(case: Case) -> Report:
    return diagnose(case.model, case.loss_fn, case.inputs, case.targets, **case.options)


@pytest.mark.parametrize("name", BROKEN)
def test_fault_is_named_first(name: str) -> None:
    fault, build = BROKEN[name]
    torch.manual_seed(0)
    report = examine(build())
    assert report.names[0] == fault, str(report)
    assert not report.healthy


HARD = TRICKY | STRANGERS | MEANT


@pytest.mark.parametrize("name", HARD)
def test_what_is_hard_to_see_into(name: str) -> None:
    fault, build = HARD[name]
    for seed in range(SEEDS):
        torch.manual_seed(seed)
        report = examine(build())
        assert report.names[0] == fault, f"seed {seed}\n{report}"


@pytest.mark.parametrize("name", HEALTHY)
def test_standard_networks_are_healthy(name: str) -> None:
    for seed in range(SEEDS):
        torch.manual_seed(seed)
        report = examine(HEALTHY[name]())
        assert report.healthy, f"seed {seed}\n{report}"


def test_every_fault_is_tried_in_several_architectures() -> None:
    where = defaultdict(set)
    for name, (fault, _) in BROKEN.items():
        where[fault].add(name.partition(",")[0].split()[0])
    assert set(where) == set(VERDICTS) - {"healthy"}
    assert all(len(architectures) >= 3 for architectures in where.values()), where
    assert len(set().union(*where.values())) >= 6
    assert min(Counter(fault for fault, _ in BROKEN.values()).values()) >= 4


def test_a_verdict_says_how_it_is_known_and_what_to_do() -> None:
    for fault, build in BROKEN.values():
        if fault in ("vanishing", "unreached parameters"):
            for verdict in examine(build()).verdicts:
                assert verdict.name in VERDICTS
                parts = (verdict.evidence, verdict.threshold, verdict.why, verdict.remedy)
                assert all(len(part) > 10 for part in parts), verdict
                assert verdict.chapter[:2].isdigit()


def test_growth_is_named_before_the_overflow_it_causes() -> None:
    _, build = BROKEN["mlp that overflows"]
    torch.manual_seed(0)
    assert examine(build()).names == ("exploding", "non-finite")


def test_dead_layer_is_named_before_the_normalization_it_starves() -> None:
    _, build = BROKEN["resnet, batch norm shifted to -10"]
    torch.manual_seed(0)
    report = examine(build())
    assert report.names == ("dead units", "degenerate batch statistics")
    assert report.verdicts[0].where == "4.relu"


def test_a_sequence_read_from_both_ends_is_measured_from_the_nearer_one() -> None:
    torch.manual_seed(0)
    (line,) = examine(both_ways(nn.RNN, 60)).time
    assert len(line.values) == 30
    assert line.names[0] == "29 from an end"
    assert line.values[-1] > 1e3 * line.values[0]


def test_another_network_in_eval_mode_is_noted() -> None:
    class Louder(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = mlp(2, nn.ReLU)

        def forward(self, x: Tensor) -> Tensor:
            return self.inner(x) * (1 if self.training else 1e4)

    report = examine(vectors(Louder()))
    assert "in eval mode and" in report.notes[0]
    assert examine(vectors(mlp(2, nn.ReLU))).notes == ()


def test_a_loss_of_zero_is_no_vanishing_gradient() -> None:
    report = examine(vectors(mlp(2, nn.ReLU), loss_fn=lambda o, _: relu(-o.square()).mean()))
    assert report.loss == 0
    assert report.healthy
    assert "exactly 0" in report.notes[-1]


def test_a_softmax_too_many_is_named_once() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(mlp(2, nn.ReLU), nn.Softmax(-1))
    model[0][4].weight.data.mul_(100.0)
    assert examine(vectors(model)).names == ("saturated",)


def test_remedy_and_chapter_fit_the_network() -> None:
    chapters = {}
    for name in ("rnn at the default, 50 steps", "lstm at the default, 60 steps"):
        torch.manual_seed(0)
        chapters[name.split()[0]] = examine(BROKEN[name][1]()).verdicts[0].chapter
    assert chapters == {"rnn": "02_rnn_unrolling", "lstm": "05_lstm"}


def test_growth_in_one_place_is_shown_as_such() -> None:
    names = list("abcdefghi")
    facts = Facts(depth=trend("depth", "", names, [1e6] * 2 + [10] * 7))
    (steep,) = exploding(facts)
    assert "; the first third has up to 10^5.0 times what the last third has" in steep.evidence
    facts = Facts(signal=trend("depth", "", names, [1] * 7 + [3e4] * 2))
    (grown,) = exploding(facts)
    assert grown.evidence.startswith("the signal reaches 3e+04: the last third")
    assert grown.evidence.endswith("up to 10^4.5 times what the first third has")


def test_a_signal_that_stays_small_does_not_explode() -> None:
    names, values = list("abcdef"), [1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1]
    assert not [*exploding(Facts(signal=trend("depth", "", names, values)))]
    louder = [1e3 * value for value in values]
    (grown,) = exploding(Facts(signal=trend("depth", "", names, louder)))
    assert "by a factor 10 per layer, 10^5.0 over 6 layers" in grown.evidence


def test_what_is_skipped_at_random_is_a_note() -> None:
    torch.manual_seed(0)
    case = stochastic(called=False, rate=1.0)
    case.model.append(nn.Dropout(0.1))
    report = examine(case)
    (verdict,) = report.verdicts
    assert verdict.where == "9.branch.0.weight"
    assert "4 of 40 trainable parameters" in verdict.evidence
    assert re.search(
        r"^Skipped at random in this pass, and reached in others: \d+ of", report.notes[0]
    )


def test_nothing_is_run_again_without_chance() -> None:
    calls: list[int] = []

    def loss(output: dict[str, Tensor], targets: Tensor) -> Tensor:
        calls.append(1)
        return cross_entropy(output["first"], targets)

    report = examine(vectors(Heads(), loss_fn=loss))
    assert report.names == ("unreached parameters",)
    assert len(calls) == 2


def blamed(between: Callable[[Any], Any], loss_fn: Callable[..., Tensor] = cross_entropy) -> str:
    torch.manual_seed(0)
    model = Through(nn.Linear(20, 5), between, nn.Identity())
    (verdict,) = examine(vectors(model, loss_fn=loss_fn)).verdicts
    assert verdict.name == "non-finite"
    return f"{verdict.where}: {verdict.evidence}"


HALF = torch.tensor([1.0, 1.0, 1.0, 0.0, 0.0])


def test_the_logarithm_of_a_mask_is_blamed_only_if_it_becomes_a_nan() -> None:
    def masked(h: Tensor) -> Tensor:
        return (h + HALF.log()).softmax(-1)

    def divided(h: Tensor) -> Tensor:
        off = relu(h - 50)
        return masked(h) + off / off.sum(1, keepdim=True)

    def overflowed(h: Tensor) -> Tensor:
        big = (h.abs() * 1e5).exp()
        return masked(h) * (big - big)

    first = "Through: first made by"
    divisor = "its smallest divisor was 0"
    assert blamed(divided).startswith(f"{first} div")
    assert blamed(divided).endswith(divisor)
    none = torch.zeros(1, dtype=torch.long)
    assert blamed(lambda h: (h - h) / none).endswith(divisor)  # of a count, not of what is counted
    assert blamed(overflowed).startswith(f"{first} exp")
    assert blamed(lambda h: masked(h) * (h.abs() * 1e5).exp()).startswith(f"{first} exp")
    assert blamed(lambda h: h * (HALF.log() * 0)).startswith(f"{first} log")


def test_a_fault_in_the_loss_is_found_there() -> None:
    text = blamed(lambda h: h, lambda o, _: (o - 5).log().mean())
    assert text.startswith("loss: first made by log in the loss in the forward pass")
    assert "its smallest input was -" in text
    text = blamed(lambda h: h, lambda o, _: (o - o).sqrt().mean())
    assert text.startswith("loss: first made by the derivative of sqrt in the loss in the backward")


def test_parameters_that_the_optimizer_leaves_alone_are_noted() -> None:
    case = vectors(mlp(2, nn.ReLU))
    groups = [{"params": case.model[:2].parameters(), "lr": 0.0}]
    groups += [{"params": case.model[2:].parameters()}]
    case.options["optimizer"] = torch.optim.SGD(groups, 0.1)
    (note,) = examine(case).notes
    assert "leaves 2 of 6 parameters where they are" in note
    assert "0.weight, 0.bias." in note


@pytest.mark.parametrize(
    ("model", "remedy"),
    [
        (lambda: mlp(12, nn.Sigmoid), "replace the sigmoids"),
        (lambda: nn.Sequential(mlp(20, nn.ReLU), nn.Sigmoid()), "initialize for the activation"),
        (lambda: nn.Sequential(nn.LayerNorm(20), mlp(20, nn.ReLU)), "initialize for"),
        (
            lambda: nn.Sequential(nn.LayerNorm(20), nn.LayerNorm(20), mlp(20, nn.ReLU)),
            "normalize inside the branches",
        ),
    ],
)
def test_the_remedy_for_fading_depth_fits(model: Callable[[], nn.Module], remedy: str) -> None:
    torch.manual_seed(0)
    report = examine(vectors(model(), loss_fn=lambda o, _: o[:, :5].square().mean()))
    assert report.names[0] == "vanishing"
    assert report.verdicts[0].remedy.startswith(remedy)


def test_layers_behind_a_scale_near_zero_are_noted() -> None:
    (note,) = examine(one_scaled(trained=True)).notes
    assert note.startswith("The gradient of 7.branch.0, 7.branch.2 is under")
    assert "because 7.scale starts near zero" in note


def test_a_fixed_point_is_noted() -> None:
    report = examine(MEANT["fixed point"][1]())
    (note,) = report.notes
    assert re.match(r"The gradient falls by 10\^-\d+\.\d over the 40 calls of core, but", note)


def test_a_model_that_runs_only_once_keeps_its_verdict() -> None:
    class Once(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner, self.spare = mlp(2, nn.ReLU), nn.Linear(5, 5)
            self.stream = iter([torch.ones(1)])

        def forward(self, x: Tensor) -> Tensor:
            return dropout(self.inner(x) * next(self.stream))

    report = examine(vectors(Once()))
    assert report.names == ("unreached parameters",)
    assert "eval mode failed: StopIteration" in report.notes[0]
