"""Text, page and figure of a report, and the folder on its own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
import torch
from diagnose_broken import BROKEN
from diagnose_networks import CE, Last, Through, mlp, sequences, vectors
from torch import nn

import helpers.diagnose
from helpers.diagnose import THRESHOLDS, Report, diagnose

ALONE = """
import sys
import torch
from torch import nn
from doctor import diagnose
model = nn.Sequential(*[m for _ in range(20) for m in (nn.Linear(16, 16), nn.ReLU())])
x, y = torch.randn(32, 16), torch.randint(0, 16, (32,))
report = diagnose(model, nn.functional.cross_entropy, x, y)
assert "vanishing" in report.names, report
report._repr_html_()
assert not any(name.split(".")[0] in ("helpers", "matplotlib") for name in sys.modules)
print(report.title)
"""


@pytest.fixture(scope="module")
def sick() -> Report:
    torch.manual_seed(0)
    case = vectors(mlp(20, nn.ReLU))
    case.model[0].weight.requires_grad_(False)
    return diagnose(case.model, CE, case.inputs, case.targets)


class Page(HTMLParser):
    """Checks that tags are closed in order, and keeps what a reader would see."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.append(tag)
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.words.append(data)


def test_text_names_evidence_limit_remedy_and_chapter(sick: Report) -> None:
    text = str(sick)
    assert text.splitlines()[0].startswith("Sequential: vanishing")
    for word in ("evidence", "limit", "remedy", "chapter   07_initialization", "gradient/weights"):
        assert word in text
    assert "Frozen parameters: 1 of 42." in text
    assert max(map(len, text.splitlines())) <= 100


def test_page_is_well_formed_and_says_what_the_text_says(sick: Report) -> None:
    page = Page()
    page.feed(sick._repr_html_())
    assert page.open == []
    words = "".join(page.words)
    assert "<sup>−" in sick._repr_html_()
    for verdict in sick.verdicts:
        for part in (verdict.evidence, verdict.why, verdict.remedy, verdict.chapter):
            assert re.sub(r"\^\+?", "", part).replace("-", "−") in words.replace("-", "−")
    heads = [attributes.get("scope") for tag, attributes in page.tags if tag == "th"]
    assert heads.count("row") == len(sick.layers)
    assert None not in heads


def test_page_escapes_names() -> None:
    class Odd(nn.Sequential):
        pass

    Odd.__name__ = "<Odd>"
    report = diagnose(Odd(nn.Linear(20, 5)), CE, torch.randn(8, 20), torch.randint(0, 5, (8,)))
    assert "<Odd>" not in report._repr_html_()
    assert "&lt;Odd&gt;" in report._repr_html_()


def test_figure_draws_depth_time_and_weights() -> None:
    case = sequences(Through(nn.Linear(6, 6), nn.Tanh(), Last(nn.RNN)), 20)
    optimizer = torch.optim.Adam(case.model.parameters())
    report = diagnose(case.model, CE, case.inputs, case.targets, optimizer=optimizer)
    axes = report.plot().axes
    assert len(axes) == 3
    titles = [ax.get_title(loc="left") or ax.get_title() for ax in axes]
    assert "per layer" in titles[0]
    assert "per step of after.core" in titles[1]
    assert "Next step" in titles[2]
    points = axes[1].lines[0].get_ydata()
    assert list(points) == [value for value in report.time[0].values if value > 0]


@pytest.mark.parametrize("name", BROKEN)
def test_every_report_can_be_shown(name: str) -> None:
    case = BROKEN[name][1]()
    report = diagnose(case.model, case.loss_fn, case.inputs, case.targets, **case.options)
    assert str(report)
    Page().feed(report._repr_html_())
    assert report.plot().axes


def test_thresholds_explain_themselves() -> None:
    assert all(len(limit.why) > 30 for limit in THRESHOLDS.values())


def test_the_folder_works_alone(tmp_path: Path) -> None:
    folder = Path(helpers.diagnose.__file__).parent
    shutil.copytree(folder, tmp_path / "doctor", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "helpers.py").write_text("raise ImportError('not here')")
    run = subprocess.run(
        [sys.executable, "-c", ALONE], cwd=tmp_path, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(tmp_path)}, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert "vanishing" in run.stdout
