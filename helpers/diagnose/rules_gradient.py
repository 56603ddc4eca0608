"""Rules on what the backward pass shows: gradients along depth and time, and loose ends."""

from __future__ import annotations

import math
from collections.abc import Iterator
from statistics import median

from .facts import Facts
from .gates import relative
from .layers import Site
from .thresholds import THRESHOLDS
from .trend import Trend
from .verdict import Verdict, listed, verdict

__all__ = ["exploding", "overflows", "unreached", "vanishing"]

FEWEST = 4  # layers or steps from which a trend is one


def _limit(name: str) -> float:
    return THRESHOLDS[name].value


def _described(trend: Trend) -> str:
    unit = "layer" if trend.axis == "depth" else "step"
    place = "" if trend.axis == "depth" else f" of {trend.where}"
    return (
        f"the gradient changes by a factor {trend.factor:.3g} per {unit}{place} going back "
        f"(quartiles {trend.low:.3g} to {trend.high:.3g}), 10^{trend.decades:+.1f} over "
        f"{len(trend.values)} {unit}s"
    )


def vanishing(facts: Facts) -> Iterator[Verdict]:
    """Name gradients that fade along depth or time, are zero, or move nothing."""
    depth, limit, cliff = facts.depth, _limit("depth"), _limit("cliff")
    if depth is not None and len(depth.values) >= FEWEST and depth.decades < -limit:
        words = ("depth", f"a steady fall by more than 10^{limit:g}")
        yield _faded(facts, _described(depth) + _adam(facts), words)
    elif depth is not None and depth.drop < -cliff:
        words = ("cliff", f"a fall by more than 10^{cliff:g} in one place")
        yield _faded(
            facts,
            f"{_described(depth)}; the first third has at most "
            f"10^{depth.drop:.1f} of what the last third has",
            words,
        )
    else:
        yield from _behind(facts)
    for trend in facts.times:
        fell = len(trend.values) >= FEWEST and trend.decades < -_limit("time")
        if fell and trend.where not in facts.fed:  # nothing lies behind the early steps of those
            yield _forgotten(trend, facts)
    yield from _zero(facts)
    yield from _rounded(facts)


def _adam(facts: Facts) -> str:
    if not facts.updates or not facts.ratios:
        return ""
    return (
        f"; the optimizer's relative steps span {min(facts.updates.values()):.1g} to "
        f"{max(facts.updates.values()):.1g}: steps made equal train some such networks, and in "
        "others hide that the information is lost"
    )


def _faded(facts: Facts, evidence: str, words: tuple[str, str]) -> Verdict:
    kinds = [site.layer.kind.lower() for site in facts.sites]
    active = [s.layer.kind.lower() for s in facts.sites if _is_activation(s)]
    rest = "; beyond about ten layers add residual connections and normalization"
    if active and 2 * active.count("sigmoid") >= len(active):
        remedy, chapter = "replace the sigmoids by ReLU, GELU or tanh" + rest, "01_causes"
    elif kinds.count("layernorm") + kinds.count("rmsnorm") > 1:
        remedy = (
            "normalize inside the branches instead of on the stream (pre-norm: norm_first=True)"
        )
        chapter = "08_residual_connections"
    else:
        remedy, chapter = "initialize for the activation (He for ReLU)" + rest, "07_initialization"
    return verdict("vanishing", "depth", evidence, words, remedy, chapter)


def _is_activation(site: Site) -> bool:
    return not site.parameters and not (site.layer.dead is None and site.layer.saturated is None)


def _behind(facts: Facts) -> Iterator[Verdict]:
    """Name layers that fall far behind the others: a branch may fade where the trunk does not."""
    ratios = {s.layer.name: ratio for s in facts.sites if s.weight and (ratio := relative(s))}
    middle, limit = median(ratios.values()) if len(ratios) >= FEWEST else 0.0, _limit("cliff")
    slow = [n for n, r in ratios.items() if r < middle * 10**-limit and n not in facts.held]
    if slow:
        least = min(ratios[name] for name in slow) / middle
        yield verdict(
            "vanishing",
            slow[0],
            f"the gradient of {listed(slow)}, relative to the weights, is down to "
            f"10^{math.log10(least):.1f} of the median layer's",
            ("cliff", f"less than 10^-{limit:g} of the median layer's"),
            "look at what lies between these layers and the loss: a deep or saturated branch, a "
            "gate that is nearly shut, a tiny factor; then normalize it or give it a skip",
            "08_residual_connections",
        )


def _forgotten(trend: Trend, facts: Facts) -> Verdict:
    limit, names = _limit("time"), {trend.where, trend.where.partition(" (")[0]}
    kinds = [site.layer.kind.upper() for site in facts.sites if site.layer.name in names]
    plain = any(kind.startswith("RNN") for kind in kinds)
    return verdict(
        "vanishing",
        trend.where,
        _described(trend),
        ("time", f"a fall by more than 10^{limit:g} from the last step to the first"),
        "raise an LSTM's forget bias towards the logarithm of the steps to remember (1 halves the "
        "memory every 2 steps, 3 every 14), initialize other recurrent weights orthogonally, "
        "shorten the path, or use attention",
        "02_rnn_unrolling" if plain else "05_lstm",
    )


def _zero(facts: Facts) -> Iterator[Verdict]:
    """Name weights with a gradient of exactly zero that no gate or dead layer explains."""
    layers = {n for site in facts.sites if site.weight for n in site.parameters}
    zero = [n for n in facts.zero if n in layers and "bias" not in n.rpartition(".")[2]]
    explained = facts.gates or facts.staircases or any(s.layer.dead == 1.0 for s in facts.sites)
    if zero and not explained and facts.loss != 0:
        yield verdict(
            "vanishing",
            zero[0],
            f"the gradient of {len(zero)} weights is exactly zero: {listed(zero)}",
            ("reached", "a gradient of exactly zero"),
            "start from random weights; look for underflow, a factor of zero, or a loss that does "
            "not depend on its input (a softmax over one class)",
            "07_initialization",
        )


def _rounded(facts: Facts) -> Iterator[Verdict]:
    if facts.updates and not any(facts.updates.values()) and any(facts.ratios.values()):
        yield verdict(
            "vanishing",
            "optimizer",
            "the optimizer's next step is exactly zero although there is a gradient",
            ("rounding", "a step of zero"),
            "look at the learning rate: is it 0, or will a schedule raise it?",
            "01_causes",
        )
    moving = [value for value in facts.updates.values() if value > 0]
    if moving and median(moving) < facts.rounding:
        yield verdict(
            "vanishing",
            "optimizer",
            f"the optimizer's median step is {median(moving):.1g} of the weights",
            ("rounding", f"less than {facts.rounding:.1g}"),
            "raise the learning rate",
            "01_causes",
        )


def overflows(facts: Facts) -> bool:
    """Say whether values grew steadily until they were no longer finite."""
    return bool(facts.faults) and any(True for _ in _grown(facts))


def exploding(facts: Facts) -> Iterator[Verdict]:
    """Name gradients or signals that grow along depth or time, and steps that are too long."""
    found = [*_steep(facts), *_runaway(facts)] or [*_grown(facts)]
    yield from found
    # A gradient that is large everywhere says something new only if it is not larger somewhere.
    if facts.updates or not found:
        yield from _oversized(facts)


def _steep(facts: Facts) -> Iterator[Verdict]:
    depth, limit, cliff = facts.depth, _limit("depth"), _limit("cliff")
    if depth is None:
        return
    steady = len(depth.values) >= FEWEST and depth.decades > limit
    if steady or depth.drop > cliff:
        ends = f"; the first third has up to 10^{depth.drop:.1f} times what the last third has"
        yield verdict(
            "exploding",
            "depth",
            _described(depth) + ("" if steady else ends),
            ("depth", f"a rise by more than 10^{limit:g}, or 10^{cliff:g} in one place"),
            "start from smaller weights, scale residual branches by 1/sqrt(depth), or normalize "
            "inside them; clipping alone shortens the steps and leaves the cause",
            "03_exploding_gradients",
        )


def _runaway(facts: Facts) -> Iterator[Verdict]:
    for trend in facts.times:
        if len(trend.values) >= FEWEST and trend.decades > _limit("exploding time"):
            yield verdict(
                "exploding",
                trend.where,
                _described(trend),
                ("exploding time", f"a rise by more than 10^{_limit('exploding time'):g}"),
                "clip the gradient's norm, start the recurrent weights orthogonal with gain 1",
                "03_exploding_gradients",
            )


def _grown(facts: Facts) -> Iterator[Verdict]:
    signal, limit = facts.signal, _limit("signal")
    if signal is None or max(signal.values) <= _limit("large"):
        return
    steady = -signal.decades > limit
    if steady or -signal.drop > limit:
        yield verdict(
            "exploding",
            "depth",
            f"the signal grows by a factor {1 / signal.factor:.3g} per layer, "
            f"10^{-signal.decades:.1f} over {len(signal.values)} layers"
            if steady
            else f"the signal reaches {max(signal.values):.3g}: the last third of the layers has "
            f"up to 10^{-signal.drop:.1f} times what the first third has",
            ("signal", f"growth by more than 10^{limit:g}"),
            "start from smaller weights (He for ReLU), or normalize between layers",
            "07_initialization",
        )


def _oversized(facts: Facts) -> Iterator[Verdict]:
    if facts.updates:
        value, limit, key = median(facts.updates.values()), _limit("update"), "update"
        what, remedy = "the optimizer's next step is", "lower the learning rate"
    elif facts.ratios:
        value, limit, key = median(facts.ratios.values()), _limit("ratio"), "ratio"
        what, remedy = "the gradient is", "scale the targets or the loss, or clip the gradient"
    else:
        return
    if value > limit:
        yield verdict(
            "exploding",
            "optimizer" if facts.updates else "loss",
            f"{what} {value:.2g} times the weights (median over the matrices)",
            (key, f"more than {limit:g}"),
            remedy,
            "03_exploding_gradients",
        )


def unreached(facts: Facts) -> Iterator[Verdict]:
    """Name parameters that nothing trains."""
    name, none = "unreached parameters", ("reached", "any trainable parameter without a gradient")
    if facts.unreached:
        yield verdict(
            name,
            facts.unreached[0],
            f"{len(facts.unreached)} of {facts.trainable} trainable parameters get no gradient: "
            f"{listed(facts.unreached)}",
            none,
            "look for detach(), .data, torch.no_grad() or argmax on the way to the loss, or a part "
            "that is never called; freeze it on purpose with requires_grad_(False)",
            "10_diagnosis",
        )
    if facts.strangers:
        yield verdict(
            name,
            "outside the model",
            f"the loss depends on {len(facts.strangers)} trainable tensors that model.parameters() "
            f"does not list, of shapes {listed(list(map(str, facts.strangers)))}",
            none,
            "register them: nn.Parameter, nn.ModuleList or nn.ModuleDict in place of a plain "
            "tensor, list or dict",
            "10_diagnosis",
        )
    if facts.unlisted:
        yield verdict(
            name,
            facts.unlisted[0],
            f"{len(facts.unlisted)} trainable parameters are not in the optimizer: "
            f"{listed(facts.unlisted)}",
            ("reached", "any trainable parameter the optimizer does not hold"),
            "create the optimizer after the model is complete, from model.parameters()",
            "10_diagnosis",
        )
    if facts.staircases and facts.zero:
        yield verdict(
            name,
            facts.zero[0],
            f"{len(facts.zero)} parameters get a gradient of exactly zero: the derivative of "
            f"{listed(facts.staircases)} is zero everywhere",
            ("reached", "a gradient of exactly zero behind a staircase function"),
            "use a smooth stand-in, or a straight-through estimator",
            "10_diagnosis",
        )
