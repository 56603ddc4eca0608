"""Losses per example and per replica, with the gradient that each sends into the network."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from helpers.checks import one_of

__all__ = ["LOSSES", "check_labels", "cross_entropy", "get", "mean_squared_error", "squared_error"]

Loss = Callable[[Tensor, Tensor], Tensor]


def cross_entropy(logits: Tensor, y: Tensor) -> Tensor:
    """Return -log softmax(logits)[y] in nats, (replicas, batch), for logits (..., batch, classes).

    Its gradient at the logits is p - onehot(y): it stays large while the answer is wrong.
    """
    check_labels(logits, y)
    log_p = torch.log_softmax(logits, dim=-1)
    return -log_p.gather(-1, y.expand(logits.shape[:-1])[..., None])[..., 0]


def squared_error(logits: Tensor, y: Tensor) -> Tensor:
    """Return half the squared distance of softmax(logits) from onehot(y), (replicas, batch).

    Its gradient passes through the softmax once more, and a saturated softmax has no slope: a
    confidently wrong output gets almost none (Golik et al. 2013).
    """
    check_labels(logits, y)
    p = torch.softmax(logits, dim=-1)
    target = functional.one_hot(y, logits.shape[-1]).to(p.dtype)
    return 0.5 * ((p - target) ** 2).sum(dim=-1)


def mean_squared_error(outputs: Tensor, y: Tensor) -> Tensor:
    """Return the mean over the outputs of (outputs - y)^2, (replicas, batch): for regression.

    Raises
    ------
    ValueError
        If `y` has not the shape of `outputs` (replicas, batch, ..., n_out), which it may have
        without the replicas.
    """
    if y.shape not in (outputs.shape, outputs.shape[1:]):
        shapes = f"{tuple(outputs.shape[1:])} or {tuple(outputs.shape)}"
        raise ValueError(f"y must have shape {shapes}, like the outputs; got {tuple(y.shape)}")
    return ((outputs - y) ** 2).mean(dim=-1)


def check_labels(logits: Tensor, y: Tensor) -> None:
    """Raise unless y holds one class index for each of the logits (replicas, batch, ..., classes).

    All replicas may share the labels: (batch, ...). Each must be below the number of classes.
    """
    if not isinstance(y, Tensor) or y.dtype != torch.int64:
        raise TypeError(f"y must be a torch.int64 tensor of labels; got {getattr(y, 'dtype', y)}")
    n_out = logits.shape[-1]
    allowed = [tuple(logits.shape[1:-1]), tuple(logits.shape[:-1])]
    if tuple(y.shape) not in allowed:
        shapes = f"{allowed[0]} or {allowed[1]}"
        raise ValueError(f"y must have shape {shapes}, one label per example; got {tuple(y.shape)}")
    low, high = int(y.min()), int(y.max())
    if low < 0 or high >= n_out:
        raise ValueError(f"y must hold labels from 0 to {n_out - 1}; got {low} to {high}")


LOSSES: dict[str, Loss] = {
    "cross_entropy": cross_entropy,
    "mean_squared_error": mean_squared_error,
    "squared_error": squared_error,
}


def get(loss: str | Loss) -> Loss:
    """Return the loss of that name; a function (logits, y) -> (replicas, batch) passes through.

    Raises
    ------
    ValueError
        If the name is unknown.
    """
    return loss if callable(loss) else LOSSES[one_of("loss", loss, LOSSES)]
