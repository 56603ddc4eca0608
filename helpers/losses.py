"""Losses per example and per replica, with the gradient that each sends into the network."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from helpers.checks import one_of

__all__ = ["LOSSES", "cross_entropy", "get", "squared_error"]

Loss = Callable[[Tensor, Tensor], Tensor]


def cross_entropy(logits: Tensor, y: Tensor) -> Tensor:
    """Return -log softmax(logits)[y] in nats, (replicas, batch), for logits (..., batch, classes).

    Its gradient at the logits is p - onehot(y): it stays large while the answer is wrong.
    """
    log_p = torch.log_softmax(logits, dim=-1)
    return -log_p.gather(-1, y.expand(logits.shape[:-1])[..., None])[..., 0]


def squared_error(logits: Tensor, y: Tensor) -> Tensor:
    """Return half the squared distance of softmax(logits) from onehot(y), (replicas, batch).

    Its gradient passes through the softmax once more, and a saturated softmax has no slope: a
    confidently wrong output gets almost none (Golik et al. 2013).
    """
    p = torch.softmax(logits, dim=-1)
    target = functional.one_hot(y, logits.shape[-1]).to(p.dtype)
    return 0.5 * ((p - target) ** 2).sum(dim=-1)


LOSSES: dict[str, Loss] = {"cross_entropy": cross_entropy, "squared_error": squared_error}


def get(loss: str | Loss) -> Loss:
    """Return the loss of that name; a function (logits, y) -> (replicas, batch) passes through.

    Raises
    ------
    ValueError
        If the name is unknown.
    """
    return loss if callable(loss) else LOSSES[one_of("loss", loss, LOSSES)]
