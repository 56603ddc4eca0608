"""Errors that name the cause, and wrappers that are taken off."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch
from diagnose_networks import CE, mlp
from diagnose_tricky import Checkpointed
from torch import Tensor, nn

from helpers.diagnose import diagnose

X, Y = torch.randn(16, 20), torch.randint(0, 5, (16,))


def net() -> nn.Module:
    return mlp(2, nn.ReLU)


class NoGrad(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = net()

    @torch.no_grad()
    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x)


class Named(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = net()

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        return {"logits": self.inner(x)}


def scripted() -> nn.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # it is no longer developed
        return torch.jit.trace(net(), X)


BAD: dict[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "loss not a scalar": (
        lambda: diagnose(net(), lambda o, y: CE(o, y, reduction="none"), X, Y),
        ValueError, r"one real number; got a tensor of shape \(16,\)",
    ),
    "loss a float": (
        lambda: diagnose(net(), lambda o, y: CE(o, y).item(), X, Y), TypeError, "leave out .item()",
    ),
    "loss None": (lambda: diagnose(net(), lambda o, y: None, X, Y), TypeError, "got NoneType None"),
    "loss detached": (
        lambda: diagnose(net(), lambda o, y: CE(o.detach(), y), X, Y),
        ValueError, "loss_fn cuts the graph",
    ),
    "model detached": (lambda: diagnose(NoGrad(), CE, X, Y), ValueError, "model cuts the graph"),
    "loss not callable": (lambda: diagnose(net(), "CE", X, Y), TypeError, "callable.*got str"),
    "loss a class": (
        lambda: diagnose(net(), nn.CrossEntropyLoss, X, Y), TypeError, r"CrossEntropyLoss\(\)",
    ),
    "frozen": (
        lambda: diagnose(net().requires_grad_(False), CE, X, Y), ValueError, "model is frozen",
    ),
    "no parameters": (lambda: diagnose(nn.ReLU(), CE, X, Y), ValueError, "plain list or dict"),
    "lazy": (lambda: diagnose(nn.LazyLinear(5), CE, X, Y), ValueError, "run it once"),
    "inputs None": (lambda: diagnose(net(), CE, None, Y), TypeError, "got None"),
    "inputs without tensors": (lambda: diagnose(net(), CE, [], Y), TypeError, "without any tensor"),
    "inputs empty": (
        lambda: diagnose(net(), CE, X[:0], Y[:0]), ValueError, r"one example; got shape \(0, 20\)",
    ),
    "inputs elsewhere": (
        lambda: diagnose(net(), CE, X.to("meta"), Y), ValueError, r"inputs\.to\('cpu'\)",
    ),
    "targets elsewhere": (
        lambda: diagnose(net(), CE, X, Y.to("meta")), ValueError, r"targets\.to\('cpu'\)",
    ),
    "mixed precision": (
        lambda: diagnose(net().half(), CE, X, Y), TypeError, "float16; got torch.float32.*autocast",
    ),
    "tuple": (lambda: diagnose(nn.LSTM(20, 5), CE, X, Y), TypeError, r"tuple of 2.*output\[0\]"),
    "dict": (
        lambda: diagnose(Named(), CE, X, Y), TypeError, r"the keys 'logits'.*output\['logits'\]",
    ),
    "not a module": (
        lambda: diagnose(torch.relu, CE, X, Y), TypeError, "must be a torch.nn.Module; got builtin",
    ),
    "script": (lambda: diagnose(scripted(), CE, X, Y), TypeError, "eager"),
    "optimizer": (
        lambda: diagnose(net(), CE, X, Y, optimizer=0.1), TypeError, "torch.optim.Optimizer",
    ),
    "reentrant checkpoint": (
        lambda: diagnose(Checkpointed(reentrant=True), CE, X, Y), ValueError, "use_reentrant=False",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_error_names_the_cause(name: str) -> None:
    call, kind, message = BAD[name]
    with pytest.raises(kind, match=message):
        call()


def test_an_output_the_loss_can_take_needs_no_wrapping() -> None:
    assert diagnose(Named(), lambda o, y: CE(o["logits"], y), X, Y).healthy


def test_wrappers_are_taken_off_and_it_says_so() -> None:
    model = net()
    report = diagnose(nn.DataParallel(model), CE, X, Y)
    assert "DataParallel was unwrapped" in report.notes[0]
    assert report.model == "Sequential"


@pytest.mark.filterwarnings("ignore:Using `torch.compile")
def test_compiled_models_run_as_they_were_written() -> None:
    model = net()
    whole = diagnose(torch.compile(model), CE, X, Y)
    assert "OptimizedModule was unwrapped" in whole.notes[0]
    part = diagnose(nn.Sequential(torch.compile(model), nn.Identity()), CE, X, Y)
    assert part.loss == pytest.approx(whole.loss)
    model.compile()
    assert diagnose(model, CE, X, Y).layers[0].kind == "Linear"
    assert model._compiled_call_impl is not None


@pytest.mark.parametrize("context", [torch.no_grad, torch.inference_mode])
def test_works_where_gradients_are_switched_off(context: Callable[[], Any]) -> None:
    model = net()
    with context():
        assert diagnose(model, CE, X.clone(), Y.clone()).healthy


def test_mixed_precision_under_autocast() -> None:
    with torch.autocast("cpu", torch.bfloat16):
        assert diagnose(net(), CE, X, Y).healthy


def test_a_model_in_eval_mode_is_examined_in_training_mode() -> None:
    model = net().eval()
    assert "eval mode" in diagnose(model, CE, X, Y).notes[0]
    assert not model.training


def test_a_failing_eval_pass_is_a_note() -> None:
    class Fragile(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = net()

        def forward(self, x: Tensor) -> Tensor:
            if not self.training:
                raise NotImplementedError("only for training")
            return self.inner(x)

    report = diagnose(Fragile(), CE, X, Y)
    assert report.eval_loss is None
    assert "NotImplementedError: only for training" in report.notes[0]


def test_an_optimizer_that_needs_a_closure_is_a_note() -> None:
    model = net()
    report = diagnose(model, CE, X, Y, optimizer=torch.optim.LBFGS(model.parameters()))
    assert "LBFGS could not be simulated" in report.notes[0]


def test_parameters_of_the_loss_are_not_the_models() -> None:
    class Temperature(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.ones(1))

        def forward(self, output: Tensor, targets: Tensor) -> Tensor:
            return CE(output * self.scale, targets)

    assert diagnose(net(), Temperature(), X, Y).healthy
