"""The one function: diagnose."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from .arguments import LossFunction, check, eager, unwrap
from .closure import modules_behind
from .facts import Facts
from .judge import judge
from .layers import Layer, Site
from .measure import measure
from .report import Report
from .state import untouched
from .task import Task

__all__ = ["diagnose"]


def diagnose(
    model: nn.Module,
    loss_fn: LossFunction,
    inputs: Any,
    targets: Any,
    *,
    optimizer: Optimizer | None = None,
) -> Report:
    """Find out why a network does not learn, from one batch.

    One forward and backward pass and one forward pass in eval mode. The model, and the modules that
    `loss_fn` uses, are left exactly as they were found: parameters, `.grad`, buffers, training
    flags, hooks and random generators, even if it raises midway. Give it a batch like those it
    trains on, not a single example.

    The price is about one and a half forward and backward passes, plus a tenth of a millisecond for
    looking at every call of a module, so that a GRUCell in a loop over 200 steps costs 200 of them:
    twice a pass or less where a pass takes 10 ms or more, five to eight times where it takes less
    than one (benchmarks/diagnose.py). With an optimizer, all parameters and its state are copied
    for the step that is tried. A network that is not finite is run once more, to find where it
    broke, and one that skips parts at random a few times.

    Parameters
    ----------
    model
        Any module. Compiled and data-parallel wrappers are taken off. A model in eval mode as a
        whole is looked at in training mode; submodules kept in eval mode on purpose stay so.
    loss_fn
        Called as loss_fn(output, targets); returns one number with a graph behind it.
    inputs
        A tensor or packed sequence for model(x), a tuple or list for model(*inputs), a dict for
        model(**inputs).
    targets
        The second argument of `loss_fn`.
    optimizer
        If given, its next step is tried on copies and compared with the weights.

    Returns
    -------
    Report
        With `.verdicts`, `.layers`, `.depth`, `.time`; print it or call `.plot()`.

    Raises
    ------
    TypeError, ValueError
        If an argument cannot be used: the message names it, what came and what is allowed. What
        the model itself raises comes through, with a note that names the module.
    """
    model, notes = unwrap(model)
    check(model, loss_fn, inputs, targets, optimizer)
    with (
        untouched(model, *modules_behind(loss_fn)),
        eager(model),
        torch.inference_mode(False),
        torch.enable_grad(),
    ):
        for module in model.modules():
            module._compiled_call_impl = None  # of nn.Module.compile(): hooks need eager calls
        if not model.training:
            notes.append("The model was in eval mode; it was looked at in training mode.")
            model.train()
        facts = measure(Task(model, loss_fn, inputs, targets, optimizer))
    facts.notes[:0] = notes
    return _report(model, facts)


def _report(model: nn.Module, facts: Facts) -> Report:
    for site in facts.sites:
        _finish(site)
    if facts.zero and facts.gates:
        facts.notes.append(
            f"{len(facts.zero)} parameters have a gradient of exactly zero because "
            f"{', '.join(facts.gates[:3])} starts at zero. The first step opens it: look then."
        )
    facts.notes += [
        f"The gradient falls by 10^{t.decades:.1f} over the {len(t.values)} calls of {t.where}, "
        "but each of them adds the same input again: a fixed-point iteration does that."
        for t in facts.times
        if t.where in facts.fed
    ]
    if facts.loss == 0:
        facts.notes.append("The loss is exactly 0: this batch has nothing left to teach.")
    return Report(
        model=type(model).__name__,
        verdicts=judge(facts),
        layers=tuple(site.layer for site in facts.sites),
        depth=facts.depth,
        time=tuple(facts.times),
        loss=facts.loss,
        eval_loss=facts.eval_loss,
        notes=tuple(facts.notes),
    )


def _finish(site: Site) -> Layer:
    layer = site.layer
    if site.values:
        last = site.values[-1]
        layer.shape, layer.mean, layer.std = last.shape, last.mean, last.std
    if layer.gradient is None:
        layer.note = "no gradient: frozen, detached or unused"
    elif layer.gradient == 0:
        layer.note = "gradient is exactly zero"
    return layer
