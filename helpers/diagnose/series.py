"""The gradient along depth and along time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from torch import Tensor, nn

from .backward import Meter
from .facts import Facts
from .graph import Edge, Graph, operation
from .recurrent import per_step
from .thresholds import THRESHOLDS
from .trend import trend
from .watch import Call

__all__ = ["TimeLine", "along_calls", "along_depth", "along_time"]

REUSED: Final = 4  # calls of one module from which they count as steps
DIRECT: Final = 0.01  # a step that gets this share of the largest direct gradient is read itself


class TimeLine(Meter):
    """Reads, step by step, what the loss sends straight to the output of a recurrent layer."""

    def __init__(self, call: Call) -> None:
        super().__init__(call.outputs[:1])
        self.call = call
        self.direct: list[float] = []

    @staticmethod
    def fits(call: Call) -> bool:
        """Say whether a call is of a recurrent layer with a graph behind and before it."""
        ready = call.steps is not None and call.steps.requires_grad and bool(call.outputs)
        return ready and isinstance(call.module, nn.RNNBase)

    def per_step(self, gradient: Tensor) -> list[float]:
        """Return the norm at every step of a tensor laid out like the layer's input."""
        assert isinstance(self.call.module, nn.RNNBase)
        return per_step(self.call.module, gradient, self.call.lengths)

    def read(self, gradient: Tensor, order: int) -> None:
        """Note the direct gradient of every step."""
        self.direct = self.per_step(gradient)


def along_depth(facts: Facts) -> None:
    """Fit gradient and signal over the layers that multiply, in the order of execution."""
    layers = [site for site in facts.sites if site.weight]
    names = [site.layer.name for site in layers]
    norms = [site.layer.gradient or 0.0 for site in layers]
    excuses = _excuses([site.order for site in layers], norms, facts.pools)
    facts.depth = trend("depth", "", names, norms, excuses)
    seen = [site for site in layers if site.values]
    signal = [site.values[-1].rms for site in seen]
    facts.signal = trend("depth", "", [site.layer.name for site in seen], signal)


def _excuses(
    orders: Sequence[int], norms: Sequence[float], pools: Sequence[tuple[int, float]]
) -> list[float]:
    """Return the powers of ten to add to each layer for the averages between it and the loss.

    Averaging N values divides the norm of the gradient by sqrt(N), while the weights below sum
    over those N places again. Only a fall is excused, and never more of it than there was.
    """
    excuses = [0.0] * len(orders)
    for k in range(len(orders) - 2, -1, -1):
        excuses[k] = excuses[k + 1]
        if norms[k] > 0 and norms[k + 1] > 0:
            fall = math.log10(norms[k + 1] / norms[k])
            between = sum(p for number, p in pools if orders[k] < number < orders[k + 1])
            excuses[k] += max(0.0, min(fall, between))
    return excuses


def along_time(facts: Facts, line: TimeLine, gradient: Tensor | None) -> None:
    """Fit the gradient at the input of a recurrent layer over its steps.

    Nothing is fitted where the loss reads most steps directly: each of them then has a gradient
    of its own, and what came through time is hidden beneath it.
    """
    if gradient is None:
        return
    name, values = line.call.name, line.per_step(gradient)
    largest = max(line.direct, default=0.0)
    read = sum(value > DIRECT * largest for value in line.direct) if largest else 0
    if 2 * read > len(values):
        facts.notes.append(
            f"The loss reads {read} of {len(values)} steps of {name} directly, so the decay along "
            "time cannot be seen; diagnose it with a loss on the last step."
        )
        return
    steps = [str(step) for step in range(len(values))]
    if getattr(line.call.module, "bidirectional", False):
        name, (steps, values) = f"{name} (from the nearer end)", _folded(values)
    found = trend("time", name, steps, values)
    if found is not None:
        facts.times.append(found)


def _folded(values: list[float]) -> tuple[list[str], list[float]]:
    """Return the larger of the two steps at each distance from an end, the farthest first.

    A state that runs in both directions reads every step from either end, so what lies in the
    middle is what can be out of reach.
    """
    far = (len(values) + 1) // 2
    pairs = [(f"{d} from an end", max(values[d], values[-1 - d])) for d in reversed(range(far))]
    return [name for name, _ in pairs], [value for _, value in pairs]


def along_calls(facts: Facts, graph: Graph) -> None:
    """Fit the gradient of every layer that ran several times, over its calls."""
    for site in facts.sites:
        if site.parameters and len(site.meters) >= REUSED:
            values = [meter.value or 0.0 for meter in site.meters]
            names = [f"call {k + 1}" for k in range(len(values))]
            found = trend("time", site.layer.name, names, values)
            if found is not None:
                facts.times.append(found)
                fades = found.decades < -THRESHOLDS["time"].value
                if fades and _is_fed(site.meters, graph):
                    facts.fed.append(site.layer.name)


def _is_fed(meters: Sequence[Meter], graph: Graph) -> bool:
    """Say whether one and the same result is added at every call, as in a fixed-point iteration."""
    shared: set[Edge] | None = None
    for meter in meters:
        added: set[Edge] = set()
        for edge in meter.outputs:
            beside = [
                reader for reader in graph.readers.get(edge, ()) if operation(reader) == "Add"
            ]
            before = [child for child in graph.data_below(edge[0]) if operation(child) == "Add"]
            for node in (*beside, *before):
                data = graph.data_below(node)
                added.update(e for e in node.next_functions if e[0] in data and e != edge)
        shared = added if shared is None else shared & added
    return bool(shared)
