"""Run the passes and gather the facts."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.autograd.graph import Node

from .activations import signed
from .arguments import tensors
from .backward import gradients, norm
from .bounded import bounded_loss
from .chance import excuse_skipped
from .facts import Facts, Moments
from .faults import find_faults
from .gates import excuse_gated
from .graph import Graph, saved
from .layers import find_sites
from .normalisation import Running, batch_statistics, running_statistics, staleness
from .optimizer import unlisted
from .series import TimeLine, along_calls, along_depth, along_time
from .state import Generators
from .task import Task
from .watch import Watch
from .weights import fill_steps, fill_weights

__all__ = ["measure"]

STAIRS: Final = re.compile(r"^(Round|Sign|Sgn|Floor|Ceil|Trunc)Backward")
SINGLE: Final = "more than 1 value per channel"


def measure(task: Task) -> Facts:
    """Run one forward and backward pass and one forward pass in eval mode."""
    facts = Facts()
    named: dict[str, Tensor] = dict(task.model.named_parameters())
    trainable = {name: p for name, p in named.items() if p.requires_grad}
    facts.trainable = len(trainable)
    if len(named) > len(trainable):
        facts.notes.append(f"Frozen parameters: {len(named) - len(trainable)} of {len(named)}.")
    running = running_statistics(task.model)
    before = Generators()
    try:
        _training_pass(task, facts, trainable, running, before)
    except ValueError as error:
        if SINGLE not in str(error):
            raise
        facts.single = str(error)
    before.restore()
    _eval_pass(task, facts)
    if task.optimizer is not None:
        facts.unlisted = unlisted(task.optimizer, named)
    return facts


def _training_pass(
    task: Task,
    facts: Facts,
    trainable: dict[str, Tensor],
    running: dict[int, Running],
    before: Generators,
) -> None:
    watch = Watch(task.model)
    # Only raw parameters need the inputs in the graph, to tell what depends on data.
    raw = task.differentiates or _has_raw_parameters(task.model, watch)
    leaves: list[Tensor] | None = [] if raw else None
    loss, output = task.forward(watch, leaves)
    facts.loss = float(loss.detach())
    if loss.grad_fn is None:
        raise ValueError(_detached(output))
    graph = Graph(
        loss.grad_fn,
        {id(p): name for name, p in trainable.items()},
        {id(leaf) for leaf in (*(leaves or ()), *watch.leaves) if leaf.is_leaf},
        task.others(),
    )
    if any(node.name().startswith("CheckpointFunction") for node in graph.nodes):
        raise ValueError(
            "model uses reentrant checkpointing, which hides its layers from the graph; "
            "pass use_reentrant=False to torch.utils.checkpoint.checkpoint"
        )
    facts.sites = find_sites(watch, graph)
    facts.strangers = _strangers(task.model, graph, watch)
    _read_graph(facts, graph, watch, running)
    grads = _backward(facts, watch, graph, loss, trainable)
    slopes = {name: norm(g) for name, g in grads.items() if g is not None}
    fill_weights(facts, trainable, slopes)
    excuse_gated(facts)
    if task.optimizer is not None:
        fill_steps(facts, task.optimizer, trainable, grads)
    broken = [name for name, slope in slopes.items() if not math.isfinite(slope)]
    if broken or not math.isfinite(facts.loss):
        before.restore()
        facts.faults = find_faults(task, trainable, broken, facts.loss)
    else:
        excuse_skipped(task, facts, trainable, before)


def _strangers(model: nn.Module, graph: Graph, watch: Watch) -> list[tuple[int, ...]]:
    """Return the shapes of trainable tensors that should have been parameters of the model.

    What only the loss uses belongs to another network, as a critic's weights do. A leaf that is no
    nn.Parameter and is kept by no module is a point at which someone differentiates.
    """
    if not (found := graph.strangers):
        return []
    used = {id(leaf) for n in graph.nodes if watch.owner(n) is not None for leaf in graph.leaves(n)}
    kept = {id(t) for m in model.modules() for t in _attributes(m)}
    return [
        tuple(t.shape)
        for t in found
        if id(t) in used and (isinstance(t, nn.Parameter) or id(t) in kept)
    ]


def _attributes(module: nn.Module) -> Iterator[Tensor]:
    """Yield the tensors that a module keeps, directly or in a list or dict."""
    for value in vars(module).values():
        items = value.values() if isinstance(value, dict) else value
        yield from (
            item
            for item in (items if isinstance(value, dict | list | tuple) else (value,))
            if isinstance(item, Tensor)
        )


def _has_raw_parameters(model: nn.Module, watch: Watch) -> bool:
    inside = {id(p) for own in watch.atoms.values() for p in own}
    return any(id(p) not in inside for p in model.parameters())


def _detached(output: Any) -> str:
    graph = any(t.requires_grad for t in tensors(output))
    who = "loss_fn" if graph else "model"
    return (
        f"the loss must depend on the parameters; {who} cuts the graph: look for detach(), .data, "
        ".item(), .numpy(), argmax, comparisons or torch.no_grad()"
    )


def _read_graph(facts: Facts, graph: Graph, watch: Watch, running: dict[int, Running]) -> None:
    """Read what the forward pass left in the graph, before the backward pass frees it."""

    def name(node: Node) -> str:
        owner = watch.owner(node)
        return owner.name if owner is not None else ""

    facts.statistics = batch_statistics(graph.nodes, name)
    facts.bounded = bounded_loss(graph)
    facts.staircases = sorted(
        {node.name().partition("B")[0].lower() for node in graph.nodes if STAIRS.match(node.name())}
    )
    for node in graph.nodes:
        owner = watch.owner(node)
        known = running.get(id(owner.module)) if owner is not None else None
        share = staleness(node, known) if known is not None else None
        if owner is not None and known is not None and share is not None:
            facts.stale.append(Moments(owner.name, share, known.seen, known.momentum))
    facts.pools = _averages(graph)


def _averages(graph: Graph) -> list[tuple[int, float]]:
    """Return the number and the power of ten by which each averaging shrinks a gradient's norm."""
    found = []
    for node in graph.nodes:
        sizes, dims = saved(node, "self_sym_sizes"), saved(node, "dim")
        if node.name().startswith("MeanBackward1") and sizes and dims:
            count = math.prod(sizes[signed(d)] for d in dims)
        elif node.name().startswith("AvgPool"):
            kernel = saved(node, "kernel_size")
            count = math.prod(kernel) if kernel else 1
        else:
            continue
        found.append((node._sequence_nr(), math.log10(max(count, 1)) / 2))
    return found


def _backward(
    facts: Facts, watch: Watch, graph: Graph, loss: Tensor, trainable: dict[str, Tensor]
) -> dict[str, Tensor | None]:
    """Run the backward pass; fill the gradients of the rows, along depth and along time."""
    meters = [meter for site in facts.sites for meter in site.meters]
    lines = [TimeLine(call) for call in watch.calls if TimeLine.fits(call)]
    steps = [line.call.steps for line in lines if line.call.steps is not None]
    values = gradients(loss, [*trainable.values(), *steps], [*meters, *lines])
    for site in facts.sites:
        read = [meter.value for meter in site.meters if meter.value is not None]
        site.layer.gradient = math.hypot(*read) if read else None
    along_depth(facts)
    for line, gradient in zip(lines, values[len(trainable) :]):
        along_time(facts, line, gradient)
    along_calls(facts, graph)
    return dict(zip(trainable, values))


def _eval_pass(task: Task, facts: Facts) -> None:
    task.model.eval()
    try:
        loss = _without_graph(task)
    except Exception as error:  # a finding, not a reason to withhold the others
        facts.notes.append(f"The pass in eval mode failed: {type(error).__name__}: {error}")
        return
    facts.eval_loss = loss
    if not facts.single and abs(loss - facts.loss) > abs(facts.loss):
        facts.notes.append(
            f"The loss is {loss:.3g} in eval mode and {facts.loss:.3g} in training mode: the same "
            "batch, another network. Look at what the mode changes (running statistics, dropout)."
        )


def _without_graph(task: Task) -> float:
    """Return the loss, with a graph only if model or loss differentiate on their own."""
    try:
        with torch.no_grad():
            return float(task.forward()[0])
    except RuntimeError as error:
        if "does not require grad" not in str(error):
            raise
    return float(task.forward()[0].detach())
