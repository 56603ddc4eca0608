"""Rules on what the forward pass shows: values, statistics, activations."""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite, sqrt

from torch import nn

from .facts import Facts
from .layers import Site
from .nonfinite import Fault
from .thresholds import THRESHOLDS
from .verdict import Verdict, listed, verdict

__all__ = ["batch", "dead", "nonfinite", "saturated"]


FEW = 8  # units that are all off by chance in more than one of 2^8 layers


def nonfinite(facts: Facts) -> Iterator[Verdict]:
    """Name the first NaN or infinity."""
    for fault in facts.faults[:1]:
        yield verdict(
            "non-finite",
            fault.where or fault.what,
            _found(fault),
            ("finite", "any value that is not finite"),
            _cure(fault),
            "03_exploding_gradients" if fault.what == "forward" else "10_diagnosis",
        )
    evaluated = facts.eval_loss
    if not facts.faults and evaluated is not None and not isfinite(evaluated):
        yield verdict(
            "non-finite",
            "eval mode",
            f"the loss is {facts.loss:.3g} in training mode and {evaluated} in eval mode",
            ("finite", "any value that is not finite"),
            "look at what differs in eval mode: running statistics first",
            "06_batchnorm",
        )


def _found(fault: Fault) -> str:
    place = f" in {'the ' * (fault.where == 'loss')}{fault.where}" if fault.where else ""
    if fault.what in ("parameter", "buffer", "inputs", "targets"):
        return f"stored in the {fault.what}{place} before anything ran: {fault.detail}"
    if fault.what == "forward":
        return f"first made by {fault.operation}{place} in the forward pass: {fault.detail}"
    if fault.what == "backward":
        made = f"first made by the derivative of {fault.operation}" if fault.operation else "found"
        return f"{made}{place} in the backward pass; the forward pass is finite. {fault.detail}"
    return "the loss is not finite although no single operation made it so"


def _cure(fault: Fault) -> str:
    if fault.what in ("inputs", "targets"):
        return f"clean the {fault.what}: torch.isfinite(...).all()"
    if fault.what in ("parameter", "buffer"):
        return "start again from a checkpoint before it broke, with a smaller rate or clipping"
    if fault.what == "backward":
        return (
            "keep it away from where its derivative is infinite: sqrt(x + eps), not sqrt(x); mask "
            "what goes into it: torch.where on the result comes too late"
        )
    return (
        "keep its input in range: log(x + eps), exp(x - max), a denominator with eps; if values "
        "grew on the way, normalize them or start from smaller weights"
    )


def batch(facts: Facts) -> Iterator[Verdict]:
    """Name batch statistics that describe no batch, and running ones that describe another."""
    fewest = THRESHOLDS["batch"].value
    name = "degenerate batch statistics"
    more = "use larger batches, or LayerNorm or GroupNorm, which need no batch"
    if facts.single:
        limit = ("batch", f"fewer than {fewest:g} values per channel")
        yield verdict(
            name, "batch", f"torch refuses: {facts.single}", limit, more, "06_batchnorm", -1
        )
    small = [s for s in facts.statistics if s.values < fewest]
    if small:
        evidence = f"{listed([s.name for s in small])}: {small[0].values} values per channel"
        limit = ("batch", f"fewer than {fewest:g} values per channel")
        yield verdict(name, small[0].name, evidence, limit, more, "06_batchnorm", -1)
    flat = [s for s in facts.statistics if s.values > 1 and s.flat > THRESHOLDS["flat"].value]
    if flat:
        worst = max(flat, key=lambda s: s.flat)
        yield verdict(
            name,
            flat[0].name,
            f"{worst.flat:.0%} of the {worst.channels} channels of {worst.name} have a batch "
            f"variance under eps = {worst.eps:g}" + f"; {len(flat)} such layers" * (len(flat) > 1),
            ("flat", f"more than {THRESHOLDS['flat'].value:.0%} of the channels"),
            "look for constant inputs, identical examples or dead layers before it",
            "06_batchnorm",
            flat[0].order,
        )
    yield from _stale(facts)


def _stale(facts: Facts) -> Iterator[Verdict]:
    stale = [m for m in facts.stale if m.share > THRESHOLDS["stale"].value]
    if stale:
        worst = max(stale, key=lambda m: m.share)
        after = (
            ""
            if facts.eval_loss is None
            else f"; loss {facts.loss:.3g} in training, {facts.eval_loss:.3g} in eval mode"
        )
        yield verdict(
            "degenerate batch statistics",
            stale[0].name,
            f"running statistics of {listed([m.name for m in stale])} are far from this batch's in "
            f"{worst.share:.0%} of the channels, after {worst.seen} batches at momentum "
            f"{worst.momentum}{after}",
            ("stale", f"more than {THRESHOLDS['stale'].value:.0%} of the channels"),
            "raise the momentum (0.1 is the default), train on batches like the ones you evaluate, "
            "or average anew: reset_running_stats(), momentum = None, some batches in train mode",
            "06_batchnorm",
        )


def dead(facts: Facts) -> Iterator[Verdict]:
    """Name layers whose units are silenced for every example."""
    bad = [site for site in facts.sites if _is_dead(site) and not _is_bypassed(site, facts)]
    if bad:
        worst = max(bad, key=lambda site: site.layer.dead or 0.0)
        yield verdict(
            "dead units",
            bad[0].layer.name,
            f"{worst.layer.dead:.0%} of the {worst.units} units of {worst.layer.name} are off for "
            f"every example ({worst.on:.0%} are always on)"
            + (f"; also {listed([s.layer.name for s in bad if s is not worst])}" * (len(bad) > 1)),
            ("dead", "more than half of a layer, or all of it, and not by chance"),
            "lower the rate, start with zero biases and He weights, or use a leaky ReLU or GELU",
            "04_relu",
            bad[0].order,
        )


def _is_dead(site: Site) -> bool:
    share = site.layer.dead
    if share is None or share <= 0.5:
        return False
    constant = (share + site.on) * site.units
    sigmas = (share - site.on) * site.units / sqrt(constant)
    return share == 1.0 or sigmas >= THRESHOLDS["dead"].value


def _is_bypassed(site: Site, facts: Facts) -> bool:
    """Say whether a layer so small that it may be off by chance has others that go round it."""
    before = [s.layer.gradient or 0.0 for s in facts.sites if s.weight and s.order < site.order]
    return site.units < FEW and any(before)


def saturated(facts: Facts) -> Iterator[Verdict]:
    """Name activations on their flat parts, and losses that are fed with probabilities."""
    if facts.bounded is not None:
        bound = facts.bounded
        wants = "log-probabilities" if bound.logarithms else "logits"
        yield verdict(
            "saturated",
            "loss",
            f"the loss expects {wants} and reads a {bound.operation}: with {bound.classes} classes "
            f"it cannot fall below {bound.floor:.3g} (now {facts.loss:.3g})",
            ("bounded", f"a {bound.operation} between the last layer and the loss"),
            "replace the softmax by log_softmax, or use cross_entropy on the logits"
            if bound.logarithms
            else f"leave out the {bound.operation}: the loss applies its own",
            "10_diagnosis",
        )
    limit = THRESHOLDS["saturated"].value
    last = max((site.order for site in facts.sites if site.weight), default=0)
    bad = [
        site
        for site in facts.sites
        if (site.layer.saturated or 0.0) > limit
        # An output, and a state that stores something, are judged by whether answers are wrong.
        and (facts.loss > THRESHOLDS["fitted"].value or not _may_be_flat(site, last))
        and not (facts.bounded is not None and site.order >= last)  # named already
    ]
    if bad:
        worst = max(bad, key=lambda site: site.layer.saturated or 0.0)
        yield verdict(
            "saturated",
            bad[0].layer.name,
            f"{worst.layer.saturated:.0%} of the values of {worst.layer.name} lie where its slope "
            "is under 5 % of the steepest (a softmax: one entry above 99 %; a rectifier: a value "
            "on its ceiling)"
            + (f"; also {listed([s.layer.name for s in bad if s is not worst])}" * (len(bad) > 1)),
            ("saturated", f"more than {limit:.0%} of the values"),
            "scale the inputs to mean 0 and variance 1, start from smaller weights, divide "
            "attention scores by sqrt(d), or normalize before the activation",
            "05_lstm" if bad[0].layer.kind in ("LSTM", "GRU") else "01_causes",
            bad[0].order,
        )


def _may_be_flat(site: Site, last: int) -> bool:
    """Say whether a layer may saturate in a network that works: the output, or a memory."""
    return site.order >= last or isinstance(site.module, nn.RNNBase)
