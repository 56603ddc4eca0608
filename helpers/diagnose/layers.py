"""The rows of the table: every layer and activation that ran, by module or by function."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from torch import Tensor, nn
from torch.autograd.graph import Node

from .activations import Reading, kind_of, read
from .backward import Meter
from .graph import Graph, is_custom, is_layer, is_scale
from .likelihood import undone
from .watch import Call, Value, Watch

__all__ = ["Layer", "Site", "find_sites"]

CHANNELS_FIRST: Final = ("Conv", "BatchNorm", "GroupNorm", "InstanceNorm")
SEARCH: Final = 64  # operations looked at to find what an activation belongs to


@dataclass
class Layer:
    """One row of `Report.layers`; None where a number has no meaning or was not asked for.

    Attributes
    ----------
    name, kind, calls
        Module, or parameters and operation; its class; how many times it ran.
    shape, mean, std
        Of the output, at its last call.
    dead
        Share of units (features, channels) that stayed off for the whole batch.
    saturated
        Share of values where the slope is under 5 % of the steepest; of a rectifier with a ceiling,
        of those that are on.
    gradient
        Norm of dLoss/d(output) over batch and units, all calls together.
    weights, weight_gradient
        Norms of the parameters and of dLoss/d(parameters).
    update
        Length of the optimizer's next step over the norm of the weights (matrices only).
    note
        Why a gradient is missing or zero.
    """

    name: str
    kind: str
    calls: int = 0
    shape: tuple[int, ...] = ()
    mean: float | None = None
    std: float | None = None
    dead: float | None = None
    saturated: float | None = None
    gradient: float | None = None
    weights: float | None = None
    weight_gradient: float | None = None
    update: float | None = None
    note: str = ""


@dataclass
class Site:
    """A row, with what is needed to measure and judge it.

    Attributes
    ----------
    order
        Number of its first operation.
    weight
        Whether it counts as a layer on the depth axis.
    parameters
        Full names.
    units, on
        How many units `layer.dead` is a share of, and the share that was never off.
    """

    layer: Layer
    order: int
    weight: bool = False
    parameters: tuple[str, ...] = ()
    meters: list[Meter] = field(default_factory=list)
    values: list[Value] = field(default_factory=list)
    units: int = 0
    on: float = 0.0
    module: nn.Module | None = None

    def see(self, reading: Reading) -> None:
        """Merge one occurrence: a unit is dead if every call leaves it off."""
        layer = self.layer
        if reading.dead is not None and (layer.dead is None or reading.dead < layer.dead):
            layer.dead, self.on, self.units = reading.dead, reading.on, reading.units
        if reading.saturated is not None:
            layer.saturated = max(layer.saturated or 0.0, reading.saturated)


def find_sites(watch: Watch, graph: Graph) -> list[Site]:
    """Return the sites in the order of execution."""
    finder = _Finder(watch, graph)
    for call in watch.calls:
        finder.call(call)
    for node in graph.nodes:
        finder.node(node)
    return sorted(finder.table.values(), key=lambda site: site.order)


class _Finder:
    def __init__(self, watch: Watch, graph: Graph) -> None:
        self.watch, self.graph = watch, graph
        self.table: dict[Any, Site] = {}
        self.sources: dict[int, str] = {}

    def site(self, key: Any, name: str, kind: str, order: int) -> Site:
        if key not in self.table:
            self.table[key] = Site(Layer(name, kind), order)
        return self.table[key]

    def call(self, call: Call) -> None:
        own = self.watch.atoms.get(id(call.module), ())
        if not own:
            return
        site = self._module(call, "")
        site.weight = _is_weight(call.module, own)
        site.parameters = tuple(self._full_names(own))
        if call.flat is not None:
            site.see(Reading(saturated=call.flat))

    def _module(self, call: Call, source: str) -> Site:
        """Return the site of a module with one more call counted.

        An nn.ReLU that is used after several layers has a row for each of them.
        """
        elsewhere = self.sources.setdefault(id(call.module), source) != source
        name = f"{call.name} after {source}" if elsewhere and source else call.name
        site = self.site((id(call.module), source), name, type(call.module).__name__, call.start)
        site.module = call.module
        site.layer.calls += 1
        if call.value is not None:
            site.values.append(call.value)
        site.meters.append(Meter(call.outputs))
        return site

    def _full_names(self, parameters: tuple[Tensor, ...]) -> Iterator[str]:
        return (self.graph.names[id(p)] for p in parameters if id(p) in self.graph.names)

    def node(self, node: Node) -> None:
        owner = self.watch.owner(node)
        atom = owner is not None and owner.atom
        if owner is None:  # the loss's own: of its activations only a flat one is a finding
            self._outside(node)
        elif kind_of(node) and not isinstance(owner.module, nn.RNNBase):
            self._activation(node, owner if atom else None)
        elif not atom and (is_layer(node) or is_scale(node) or is_custom(node)):
            self._functional(node, self.graph.weighted(node))

    def _functional(self, node: Node, names: tuple[str, ...]) -> None:
        """Add an operation on raw parameters; without any it is no layer."""
        if names:
            kind = node.name().partition("Backward")[0].lower()
            site = self.site((kind, *names), ", ".join(names), kind, node._sequence_nr())
            site.weight, site.parameters = self.graph.multiplies(node), names
            self._operation(site, node)

    def _outside(self, node: Node) -> None:
        reading = self._reading(node, -1) if kind_of(node) else None
        if reading is not None and reading.saturated is not None:
            self._activation(node, None)
        elif is_layer(node) or is_scale(node):
            self._functional(node, self.graph.weighted(node))

    def _operation(self, site: Site, node: Node) -> None:
        site.layer.calls += 1
        site.meters.append(Meter([(node, 0)]))

    def _activation(self, node: Node, owner: Call | None) -> None:
        source, channels_first = self._source(node)
        reading = self._reading(node, 1 if channels_first else -1)
        if owner is not None:
            site = self.table.get((id(owner.module), "")) or self._module(owner, source)
        else:
            kind = kind_of(node) or ""
            name = f"{kind} after {source}" if source else kind
            site = self.site((kind, source), name, kind, node._sequence_nr())
            self._operation(site, node)
        if reading is not None:
            site.see(reading)

    def _reading(self, node: Node, channel: int) -> Reading | None:
        reading = read(node, channel)
        return None if reading is not None and undone(self.graph, node) else reading

    def _source(self, node: Node) -> tuple[str, bool]:
        """Return the layer an activation follows, and whether its units are dimension 1."""
        waiting, seen = self.graph.data_below(node), 0
        while waiting and seen < SEARCH:
            below, seen = waiting.pop(0), seen + 1
            owner = self.watch.owner(below)
            if owner is not None and owner.atom:
                if self.watch.atoms[id(owner.module)]:
                    kind = type(owner.module).__name__
                    return owner.name, any(word in kind for word in CHANNELS_FIRST)
            elif is_layer(below) and (names := self.graph.weighted(below)):
                return ", ".join(names), "Conv" in below.name()
            waiting += self.graph.data_below(below)
        return "", False


def _is_weight(module: nn.Module, own: tuple[Tensor, ...]) -> bool:
    """Say whether a layer multiplies by a matrix: norms and PReLU only scale."""
    if "Norm" in type(module).__name__:
        return False
    return any(p.dim() >= 2 for p in own)
