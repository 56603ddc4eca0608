"""The model comes back as it was, bit for bit, whatever happens."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from diagnose_healthy import HEALTHY
from diagnose_networks import CE, batch_norm, cnn, images, vectors
from diagnose_strangers import STRANGERS
from torch import Tensor, nn

from helpers.diagnose import diagnose
from helpers.diagnose.contents import _rewinding


class Restless(nn.Module):
    """Changes everything a module can change while it runs, and may raise at the end of it."""

    def __init__(self, fails: bool = False) -> None:
        super().__init__()
        self.linear, self.norm = nn.Linear(20, 5), nn.BatchNorm1d(5)
        self.frozen = nn.Linear(5, 5).requires_grad_(False)
        self.norm.eval()
        self.drop = nn.Dropout(0.5)
        self.register_buffer("seen", torch.zeros(1))
        self.calls, self.log, self.last = 0, [1], None
        self.plain = torch.zeros(2)
        self.fails = fails

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        self.log.append(self.calls)
        self.plain += 1
        self.seen.add_(1)
        self.register_buffer("new", torch.ones(1))
        x = self.drop(self.norm(self.linear(x)) + random.random() + np.random.rand())  # noqa: NPY002
        self.last = x
        self.linear.weight.data.mul_(1.5)
        self.linear.bias.requires_grad_(False)
        self.frozen.register_forward_hook(lambda *_: None)
        self.train(not self.training)
        if self.fails:
            raise RuntimeError("broken on purpose")
        return x


def photograph(model: nn.Module) -> list[Any]:
    """Everything there is to know about a model, copied."""
    seen: list[Any] = []
    for name, module in model.named_modules():
        hooks = {k: dict(v) for k, v in vars(module).items() if k.endswith("hooks") and v}
        plain = {k: v for k, v in vars(module).items() if not k.startswith("_")}
        seen.append((name, type(module), module.training, hooks, list(vars(module))))
        seen.append(copy.deepcopy({k: v for k, v in plain.items() if not isinstance(v, Tensor)}))
        seen += [v.clone() for v in plain.values() if isinstance(v, Tensor)]
    for name, parameter in model.named_parameters():
        grad = None if parameter.grad is None else parameter.grad.clone()
        seen += [name, id(parameter), parameter.requires_grad, parameter.detach().clone(), grad]
        seen += [id(parameter.grad), parameter._version]
    for name, buffer in model.named_buffers():
        seen += [name, id(buffer), buffer.clone()]
    numbers: Any = np.random.get_state()  # noqa: NPY002
    return [*seen, torch.get_rng_state(), random.getstate(), numbers[1].tolist()]


def same(before: Any, after: Any) -> bool:
    if isinstance(before, Tensor):
        return before.dtype == after.dtype and torch.equal(before, after)
    if isinstance(before, list | tuple):
        return len(before) == len(after) and all(map(same, before, after))
    return bool(before == after)


@pytest.mark.parametrize("name", HEALTHY)
def test_bit_identical_afterwards(name: str) -> None:
    case = HEALTHY[name]()
    case.model.register_forward_hook(lambda *_: None)
    before = photograph(case.model)
    diagnose(case.model, case.loss_fn, case.inputs, case.targets, **case.options)
    assert same(before, photograph(case.model))


@pytest.mark.parametrize("fails", [False, True])
def test_a_model_that_changes_itself_is_restored(fails: bool) -> None:
    model, x, y = Restless(fails), torch.randn(16, 20), torch.randint(0, 5, (16,))
    model.linear.weight.grad = torch.ones(5, 20)
    before = photograph(model)
    if fails:
        with pytest.raises(RuntimeError, match="on purpose"):
            diagnose(model, CE, x, y)
    else:
        diagnose(model, CE, x, y)
    assert same(before, photograph(model))


@pytest.mark.parametrize("bad", ["loss", "backward", "module"])
def test_restored_when_it_raises_anywhere(bad: str) -> None:
    def fail(*_: Any) -> Any:
        raise KeyboardInterrupt

    case = images(cnn(3, norm=batch_norm))
    loss: Callable[..., Any] = fail if bad == "loss" else CE
    if bad == "backward":
        loss = lambda output, y: _explode(CE(output, y))  # noqa: E731
    if bad == "module":
        case.model[4].register_forward_hook(fail)
    before = photograph(case.model)
    with pytest.raises(KeyboardInterrupt):
        diagnose(case.model, loss, case.inputs, case.targets)
    assert same(before, photograph(case.model))


def _explode(loss: Tensor) -> Tensor:
    def fail(_: Tensor) -> None:
        raise KeyboardInterrupt

    loss.register_hook(fail)
    return loss


def test_an_error_names_the_module() -> None:
    case = vectors(nn.Sequential(nn.Linear(20, 8), nn.ReLU(), nn.Linear(9, 5)))
    with pytest.raises(RuntimeError) as caught:
        diagnose(case.model, CE, case.inputs, case.targets)
    assert caught.value.__notes__ == ["raised in module '2' (Linear)"]


def test_inputs_and_global_hooks_are_left_alone() -> None:
    case = vectors(nn.Sequential(nn.ReLU(inplace=True), nn.Linear(20, 5)))
    x, hooks = case.inputs.clone(), nn.modules.module._global_forward_hooks
    diagnose(case.model, CE, case.inputs, case.targets)
    assert torch.equal(x, case.inputs)
    assert not case.inputs.requires_grad
    assert not hooks
    assert not nn.modules.module._global_forward_pre_hooks


def test_a_graph_of_the_caller_survives() -> None:
    case = images(cnn(2))
    loss = CE(case.model(case.inputs), case.targets)
    diagnose(case.model, CE, case.inputs, case.targets)
    loss.backward()
    assert all(p.grad is not None for p in case.model.parameters())


def test_the_optimizer_takes_no_step() -> None:
    case = vectors(nn.Linear(20, 5))
    optimizer = torch.optim.Adam(case.model.parameters(), 0.1)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 1)
    calls: list[int] = []
    optimizer.register_step_post_hook(lambda *_: calls.append(1))
    CE(case.model(case.inputs), case.targets).backward()
    optimizer.step()
    scheduler.step()
    before, state = photograph(case.model), copy.deepcopy(optimizer.state_dict())
    report = diagnose(case.model, CE, case.inputs, case.targets, optimizer=optimizer)
    assert same(before, photograph(case.model))
    assert str(state) == str(optimizer.state_dict())
    assert calls == [1]
    assert report.layers[0].update is not None


@pytest.mark.parametrize("layout", [torch.sparse_coo, torch.sparse_csr])
def test_sparse_attributes_and_gradients_come_back(layout: torch.layout) -> None:
    class Rewired(nn.Module):
        """Changes its links whenever it runs."""

        def __init__(self) -> None:
            super().__init__()
            self.links = torch.eye(16).to_sparse(layout=layout)
            self.embed = nn.Embedding(30, 5, sparse=True)

        def forward(self, x: Tensor) -> Tensor:
            self.links.values().mul_(2) if layout != torch.sparse_coo else self.links.mul_(2)
            return self.links @ self.embed(x)

    model, x, y = Rewired(), torch.randint(0, 30, (16,)), torch.randint(0, 5, (16,))
    CE(model.embed(x), y).backward()
    grad = model.embed.weight.grad.to_dense()
    links = model.links
    diagnose(model, CE, x, y)
    assert model.links is links
    assert torch.equal(links.to_dense(), torch.eye(16))
    assert torch.equal(model.embed.weight.grad.to_dense(), grad)


def test_inputs_that_require_a_gradient_get_none() -> None:
    case = STRANGERS["differential equation"][1]()
    diagnose(case.model, case.loss_fn, case.inputs, case.targets)
    assert case.inputs.grad is None
    assert case.inputs.requires_grad
    assert case.inputs.is_leaf


class Hoarder(nn.Module):
    """Keeps what it changes at the bottom of containers, and generators of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(20, 5)
        self.bank, self.pair = [torch.zeros(2)], ({"a": torch.zeros(2)}, [0])
        self.log, self.space = {"n": [0]}, SimpleNamespace(h=torch.zeros(2), n=0)
        self.array, self.torch = np.zeros(2), torch.Generator()
        self.numpy, self.python = np.random.default_rng(0), random.Random(0)

    def forward(self, x: Tensor) -> Tensor:
        for kept in (self.bank[0], self.pair[0]["a"], self.space.h, self.array):
            kept += 1
        for listed in (self.pair[1], self.log["n"]):
            listed[0] += 1
            listed.append(1)
        self.bank.append(x)
        self.space.n += 1
        self.space.new = x
        noise = torch.rand(20, generator=self.torch) + self.numpy.random() + self.python.random()
        return self.linear(x + noise)

    def photograph(self) -> list[Any]:
        held = (self.bank, self.pair, self.log, vars(self.space), self.array)
        states = (self.torch.get_state(), self.numpy.bit_generator.state, self.python.getstate())
        return [str(held), *map(str, states), id(self.bank[0]), id(self.space.h)]


def test_what_lies_deep_in_attributes_is_restored() -> None:
    model = Hoarder()
    before = model.photograph()
    diagnose(model, CE, torch.randn(16, 20), torch.randint(0, 5, (16,)))
    assert model.photograph() == before


def test_a_map_of_a_file_is_not_read_whole_to_be_restored(tmp_path: Path) -> None:
    mapped = np.memmap(tmp_path / "large", dtype=np.float64, mode="w+", shape=(4,))
    assert _rewinding(mapped) is _rewinding(np.asarray(mapped)[1:]) is None
    assert _rewinding(np.zeros(4)) is not None


CRITIC = nn.Sequential(nn.Linear(5, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 1))


def adversarial(output: Tensor, _: Any, critics: Any = (CRITIC,)) -> Tensor:
    return torch.nn.functional.softplus(-critics[0](output)).mean()


def by_global_name(output: Tensor, _: Any) -> Tensor:
    return CRITIC(output).mean()


class Judge:
    def __init__(self) -> None:
        self.critics = {"first": CRITIC}

    def __call__(self, output: Tensor, _: Any) -> Tensor:
        return self.critics["first"](output).mean()

    def judge(self, output: Tensor, targets: Any) -> Tensor:
        return self(output, targets)


def captured() -> Callable[..., Tensor]:
    critic = CRITIC
    return lambda output, _: next(critic(part) for part in (output,)).mean()


@pytest.mark.parametrize(
    "loss_fn",
    [
        adversarial,
        by_global_name,
        captured(),
        lambda output, y: by_global_name(output, y),
        partial(adversarial, critics=[CRITIC]),
        Judge(),
        Judge().judge,
    ],
)
def test_a_critic_in_the_loss_is_restored(loss_fn: Callable[..., Tensor]) -> None:
    model, x = nn.Linear(20, 5), torch.randn(16, 20)
    before = photograph(CRITIC)
    diagnose(model, loss_fn, x, None)
    assert same(before, photograph(CRITIC))
