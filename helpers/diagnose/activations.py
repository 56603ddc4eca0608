"""Read from the autograd graph how many units an activation has silenced or flattened.

The graph keeps what each activation needs for its derivative. So `F.relu` and `torch.tanh` inside a
forward function are seen as well as `nn.ReLU` and `nn.Tanh`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

import torch
from torch import Tensor
from torch.autograd.graph import Node

__all__ = ["FLAT", "Reading", "flat_sigmoid", "flat_tanh", "kind_of", "read", "sampled", "signed"]

FLAT: Final = 0.05
"""A squashing unit counts as saturated where its slope is under this share of its steepest."""

TOP: Final = 0.99
"""A softmax counts as saturated where one entry holds more than this share."""

SAMPLE: Final = 2**20
"""Statistics use the first examples of a batch, up to this many numbers."""

MANY: Final = 0.25  # dead units from which those that are always on are counted too

_TANH: Final = math.sqrt(1 - FLAT)  # slope 1 - y^2, steepest 1
_SIGMOID: Final = math.sqrt(1 - FLAT)  # slope y (1 - y), steepest 1/4: the same for 2 y - 1

# Below these inputs the slope is under a thousandth: nothing comes through.
_CUTOFF: Final = {
    "Gelu": -4.0,
    "Silu": -9.0,
    "Mish": -9.0,
    "Elu": -7.0,
    "Softplus": -7.0,
    "Hardswish": -3.0,
}


@dataclass(frozen=True)
class Reading:
    """What one occurrence of an activation shows; a share is None where it has no meaning.

    Attributes
    ----------
    dead
        Share of units that stayed off for all examples of the batch.
    on
        Share of units that were on for all of them; looked at only where many are dead.
    units
        How many units these shares are taken over.
    saturated
        Share of values on a flat part of a squashing function, or of rows of a softmax. Of a
        rectifier with a ceiling: share of what is on.
    """

    dead: float | None = None
    on: float = 0.0
    units: int = 0
    saturated: float | None = None


def kind_of(node: Node) -> str | None:
    """Return the name of the activation behind a node of the graph, or None."""
    name = node.name().partition("Backward")[0]
    return _NAMES.get(name)


def read(node: Any, channel: int) -> Reading | None:
    """Return the reading of an activation's node; `channel` is the dimension of its units.

    None where the saved values are gone (overwritten in place), or named otherwise in this version
    of torch.
    """
    try:
        return _READERS[node.name().partition("Backward")[0]](node, channel)
    except (AttributeError, RuntimeError):
        return None


def flat_tanh(y: Tensor) -> float:
    """Return the share of outputs of tanh that lie where its slope is under FLAT."""
    return _share(y.abs() > _TANH)


def flat_sigmoid(y: Tensor) -> float:
    """Return the share of outputs of the logistic function where its slope is under FLAT of 1/4."""
    return _share((2 * y - 1).abs() > _SIGMOID)


def _share(mask: Tensor) -> float:
    return int(mask.count_nonzero()) / max(mask.numel(), 1)


def sampled(tensor: Tensor) -> Tensor:
    """Return the first examples of a batch, up to SAMPLE numbers, outside the graph."""
    tensor = tensor.detach()
    if tensor.numel() <= SAMPLE or not tensor.dim():
        return tensor
    return tensor[: max(1, SAMPLE * tensor.shape[0] // tensor.numel())]


def _off(values: Tensor, channel: int, cutoff: float) -> Reading:
    """Count the units whose largest value over the batch does not exceed `cutoff`."""
    values = sampled(values)
    if values.dim() == 0:
        return Reading()
    if values.dim() == 1:
        values = values.unsqueeze(0)
    channel %= values.dim()
    others = tuple(d for d in range(values.dim()) if d != channel)
    largest = values.amax(others) if others else values
    dead = _share(largest <= cutoff)
    on = _share(values.amin(others) > cutoff) if others and dead > MANY else 0.0
    return Reading(dead=dead, on=on, units=largest.numel())


def _input(node: Any) -> Tensor:
    """Return the saved input; where the activation ran in place, its saved result."""
    for name in ("_saved_self", "_saved_result"):
        if (value := getattr(node, name, None)) is not None:
            tensor: Tensor = value
            return tensor
    raise RuntimeError("nothing was saved")


def _smooth(kind: str) -> Callable[[Any, int], Reading]:
    return lambda node, channel: _off(_input(node), channel, _CUTOFF[kind])


def _elu(node: Any, channel: int) -> Reading:
    cutoff = _CUTOFF["Elu"]
    if not hasattr(node, "_saved_self"):  # in place: only the result is left
        scale = float(getattr(node, "_saved_scale", 1.0))
        cutoff = float(node._saved_alpha) * scale * math.expm1(cutoff)
    return _off(_input(node), channel, cutoff)


def _maximum(node: Any, channel: int) -> Reading:
    """Read torch.maximum(x, 0) as the rectifier it is."""
    other: Tensor = node._saved_other
    return Reading() if other.any() else _off(node._saved_self, channel, 0.0)


def _hardtanh(node: Any, channel: int) -> Reading:
    """Read ReLU6 and relatives as rectifiers; with both ends away from zero they squash."""
    low, high = float(node._saved_min_val), float(node._saved_max_val)
    return _between(_input(node), channel, low, high)


def _clamp(node: Any, channel: int) -> Reading:
    low = -math.inf if node._saved_min is None else float(node._saved_min)
    high = math.inf if getattr(node, "_saved_max", None) is None else float(node._saved_max)
    return _between(_input(node), channel, low, high)


def _between(z: Tensor, channel: int, low: float, high: float) -> Reading:
    """Read a clip; one end alone, away from zero, is there for safety and is no activation."""
    part = sampled(z)
    if low == 0.0:
        seen = _off(z, channel, low)
        on = 0 if math.isinf(high) else int((part > low).count_nonzero())
        return replace(seen, saturated=int((part >= high).count_nonzero()) / on if on else None)
    if math.isinf(low) or math.isinf(high):
        return Reading()
    return Reading(saturated=_share((part <= low) | (part >= high)))


def _softmax(node: Any, channel: int) -> Reading:
    result: Tensor = node._saved_result
    dim = signed(node._saved_dim)
    return _rows(sampled(result), dim, _single(node, result, dim))


def _single(node: Any, result: Tensor, dim: int) -> Tensor | None:
    """Say which rows a mask right before a softmax leaves a single key, as in a bag of one."""
    before = node.next_functions[0][0]
    mask = getattr(before, "_saved_mask", None)
    if mask is None or not before.name().startswith("MaskedFill"):
        return None
    single: Tensor = (~mask.expand_as(result)).sum(dim) == 1
    return single[: sampled(result).shape[0]] if single.dim() else single


def signed(dim: int) -> int:
    """Undo the unsigned form in which the graph shows a negative dimension."""
    return dim - 2**64 if dim >= 2**63 else dim


def _rows(weights: Tensor, dim: int, single: Tensor | None = None) -> Reading:
    if weights.dim() == 0 or weights.shape[dim] < 2:
        return Reading()
    sure, choice = weights.amax(dim) > TOP, ~_forced(weights, dim)
    if single is not None:
        choice = choice & ~single
        return Reading(saturated=_share(sure[choice]))
    return Reading(saturated=_share(sure[..., choice]))


def _forced(weights: Tensor, dim: int) -> Tensor:
    """Say at which places (the last axis of the rows) a mask leaves a single key: no choice at all.

    A mask of places, as a causal one, leaves every example and head the same key there. Where that
    were so at all places, it would not be a mask.
    """
    top, key = weights.max(dim)
    nowhere = torch.zeros(top.shape[-1:], dtype=torch.bool, device=top.device)
    if top.dim() < 2 or top[..., 0].numel() < 2:
        return nowhere
    alone = ((weights > 0).sum(dim) == 1).flatten(0, -2)
    key = key.flatten(0, -2)
    forced = alone.all(0) & (key == key[:1]).all(0)
    return nowhere if forced.all() else forced


def _attention(node: Any, channel: int) -> Reading:
    """Compute fused attention's weights again, for two examples."""
    q, k = (t.detach()[:2] for t in (node._saved_query, node._saved_key))
    scale = getattr(node, "_saved_scale", None) or q.shape[-1] ** -0.5
    if k.shape[-3] != q.shape[-3]:
        k = k.repeat_interleave(q.shape[-3] // k.shape[-3], -3)
    scores = (q @ k.transpose(-1, -2)) * scale
    if getattr(node, "_saved_is_causal", False):
        future = torch.ones(scores.shape[-2:], dtype=torch.bool, device=q.device).triu(1)
        scores = scores.masked_fill(future, -math.inf)
    mask = getattr(node, "_saved_attn_mask", None)
    if isinstance(mask, Tensor) and mask.dim() == 2:
        scores = scores.masked_fill(~mask, -math.inf) if mask.dtype == torch.bool else scores + mask
    return _rows(scores.softmax(-1), -1)


_READERS: Final[dict[str, Callable[[Any, int], Reading]]] = {
    "Relu": lambda node, channel: _off(node._saved_result, channel, 0.0),
    "Threshold": lambda node, channel: _off(_input(node), channel, float(node._saved_threshold)),
    "ClampMin": lambda node, channel: _between(
        _input(node), channel, float(node._saved_min), math.inf
    ),
    "Clamp": _clamp,
    "Hardtanh": _hardtanh,
    "Elu": _elu,
    "Celu": _elu,
    "Maximum": _maximum,
    **{kind: _smooth(kind) for kind in _CUTOFF if kind != "Elu"},
    "Tanh": lambda node, _: Reading(saturated=flat_tanh(sampled(node._saved_result))),
    "Sigmoid": lambda node, _: Reading(saturated=flat_sigmoid(sampled(node._saved_result))),
    "Hardsigmoid": lambda node, _: Reading(saturated=_share(sampled(_input(node)).abs() >= 3.0)),
    "Softmax": _softmax,
    "SafeSoftmax": _softmax,
    "ScaledDotProductFlashAttentionForCpu": _attention,
    "ScaledDotProductFlashAttention": _attention,
    "ScaledDotProductEfficientAttention": _attention,
}
_NAMES: Final = {
    name: "attention" if name.startswith("Scaled") else name.removeprefix("Safe").lower()
    for name in _READERS
}
