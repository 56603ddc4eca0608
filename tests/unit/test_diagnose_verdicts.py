"""The doctor against networks with a known fault, and without any."""

from __future__ import annotations

from collections import Counter, defaultdict

import pytest
import torch
from diagnose_broken import BROKEN
from diagnose_healthy import HEALTHY
from diagnose_networks import Case
from diagnose_tricky import TRICKY

from helpers.diagnose import VERDICTS, Report, diagnose

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


@pytest.mark.parametrize("name", TRICKY)
def test_what_is_hard_to_see_into(name: str) -> None:
    fault, build = TRICKY[name]
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
