"""Everything that was measured, before anything is judged."""

from __future__ import annotations

from dataclasses import dataclass, field

from .layers import Site
from .nonfinite import Fault
from .normalisation import BatchStatistics
from .trend import Trend

__all__ = ["Bounded", "Facts", "Moments"]


@dataclass(frozen=True)
class Bounded:
    """A loss that is fed with probabilities and can therefore not fall below `floor`.

    `logarithms` says whether it wants log-probabilities; otherwise it wants logits.
    """

    operation: str
    classes: int
    floor: float
    logarithms: bool = False


@dataclass(frozen=True)
class Moments:
    """Running statistics that do not describe this batch: share of channels, and momentum."""

    name: str
    share: float
    seen: int
    momentum: float | None


@dataclass
class Facts:
    """Measurements of one diagnosis.

    Attributes
    ----------
    depth, signal
        Gradient and root mean square of the outputs of the layers along depth.
    times
        Gradient along the steps of each recurrent or reused module.
    fed
        Names of those that fade while they add one and the same result at every call.
    unreached, zero, gates
        Names of trainable parameters without a gradient, with one that is zero everywhere, and of
        those that are zero themselves while they have one: gates that the first step opens.
    held
        Names of slow layers behind a scale that is close to zero and that the first steps open.
    strangers
        Shapes of trainable tensors that the loss uses and the model does not list.
    unlisted
        Names of trainable parameters the optimizer does not hold.
    pools
        Number of each averaging operation and the power of ten it takes from a gradient's norm.
    sizes, ratios, updates
        Norm of every trainable parameter; for every trainable matrix that is not zero, the norm of
        its gradient and the length of the optimizer's next step, both over the norm of the weights.
    rounding
        Relative step below which no weight can change.
    staircases
        Names of operations whose derivative is zero everywhere: round, sign, floor, ...
    """

    sites: list[Site] = field(default_factory=list)
    depth: Trend | None = None
    signal: Trend | None = None
    times: list[Trend] = field(default_factory=list)
    fed: list[str] = field(default_factory=list)
    loss: float = float("nan")
    eval_loss: float | None = None
    trainable: int = 0
    unreached: list[str] = field(default_factory=list)
    zero: list[str] = field(default_factory=list)
    gates: list[str] = field(default_factory=list)
    held: list[str] = field(default_factory=list)
    strangers: list[tuple[int, ...]] = field(default_factory=list)
    unlisted: list[str] = field(default_factory=list)
    staircases: list[str] = field(default_factory=list)
    pools: list[tuple[int, float]] = field(default_factory=list)
    statistics: list[BatchStatistics] = field(default_factory=list)
    stale: list[Moments] = field(default_factory=list)
    single: str = ""
    bounded: Bounded | None = None
    faults: list[Fault] = field(default_factory=list)
    sizes: dict[str, float] = field(default_factory=dict)
    ratios: dict[str, float] = field(default_factory=dict)
    updates: dict[str, float] = field(default_factory=dict)
    rounding: float = 0.0
    notes: list[str] = field(default_factory=list)
