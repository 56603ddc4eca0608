"""Batch normalization: what its batch statistics rest on, and whether the running ones follow."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.autograd.graph import Node

from .graph import saved

__all__ = ["BatchStatistics", "Running", "batch_statistics", "running_statistics", "staleness"]

BATCH_NORM: Final = re.compile(r"^\w*BatchNorm\w*Backward")
FAR: Final = 1.0  # batch standard deviations between running and batch mean
SCALE: Final = 4.0  # factor between running and batch variance


@dataclass(frozen=True)
class BatchStatistics:
    """One normalization in training mode.

    Attributes
    ----------
    order
        Number of the operation.
    values
        How many values each mean and variance is taken over.
    flat
        Share of channels whose batch variance is under the eps that is added to it.
    """

    name: str
    order: int
    values: int
    channels: int
    flat: float
    eps: float


@dataclass(frozen=True)
class Running:
    """Running statistics as they were before anything ran."""

    mean: Tensor
    variance: Tensor
    seen: int
    momentum: float | None

    @property
    def settling(self) -> bool:
        """Say whether they are still untouched or young, which is no fault."""
        untouched = self.seen == 0 and bool((self.mean == 0).all() & (self.variance == 1).all())
        if self.momentum is None:
            return untouched
        young = 0 < self.seen * self.momentum < 3 and self.momentum >= 0.01
        return young or (untouched and self.momentum > 0)


def _statistics(node: Any) -> tuple[Tensor, Tensor, float] | None:
    """Return batch mean, 1/sqrt(var + eps) and eps, from what the graph kept."""
    mean, invstd = saved(node, "result1"), saved(node, "result2")
    eps = saved(node, "eps") or saved(node, "epsilon")
    if not saved(node, "training") or mean is None or not mean.numel():
        return None
    return mean, invstd, float(eps or 1e-5)


def batch_statistics(nodes: list[Node], name: Callable[[Node], str]) -> list[BatchStatistics]:
    """Return the statistics of every batch normalization in a graph."""
    found = []
    for node in nodes:
        if not BATCH_NORM.match(node.name()) or (kept := _statistics(node)) is None:
            continue
        mean, invstd, eps = kept
        values = saved(node, "input").numel() // mean.numel()
        flat = int((invstd > (2 * eps) ** -0.5).count_nonzero()) / mean.numel()
        found.append(
            BatchStatistics(name(node), node._sequence_nr(), values, mean.numel(), flat, eps)
        )
    return found


def running_statistics(model: nn.Module) -> dict[int, Running]:
    """Copy the running statistics of a model, by id of the module."""
    return {
        id(m): Running(
            m.running_mean.clone(),
            m.running_var.clone(),
            int(m.num_batches_tracked) if m.num_batches_tracked is not None else 0,
            m.momentum,
        )
        for m in model.modules()
        if isinstance(m, nn.modules.batchnorm._NormBase)
        and m.running_mean is not None
        and m.running_var is not None
    }


def staleness(node: Node, running: Running) -> float | None:
    """Return the share of channels whose running statistics are far from this batch's.

    None where that is no fault: fresh or young statistics, or no batch statistics.
    """
    kept = _statistics(node) if BATCH_NORM.match(node.name()) else None
    if kept is None or running.settling:
        return None
    mean, invstd, eps = kept
    far = (running.mean - mean).abs() * invstd > FAR
    ratio = (running.variance + eps).clamp_min(torch.finfo(mean.dtype).tiny) * invstd.square()
    return float((far | (ratio > SCALE) | (ratio < 1 / SCALE)).float().mean())
