"""Training a population: one loop over the steps, never over the seeds."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor
from tqdm import tqdm

from helpers import losses, optimizers
from helpers.checks import finite, per_replica, positive, positive_int
from helpers.networks import Population
from helpers.seeds import generator

__all__ = ["History", "accuracy", "minibatches", "train", "train_on"]

Array = NDArray[np.float64]

RECENT = 10  # steps whose mean loss decides whether a replica has solved its task


@dataclass(frozen=True)
class History:
    """The record of one call of `train` or `train_on`.

    Attributes
    ----------
    losses
        (replicas, steps run): mean loss of each step's batch, before the step. NaN once a replica
        has diverged, and after it has left.
    finite
        (replicas,): whether every loss was finite while the replica trained.
    solved_at
        (replicas,): steps taken when the mean loss of the last ten was first below `stop_below`;
        0 for a replica that never got there.
    stopped_early
        Whether the training ended before its last step because no replica was left.
    """

    losses: Array
    finite: NDArray[np.bool_]
    solved_at: NDArray[np.int64]
    stopped_early: bool

    @property
    def solved(self) -> NDArray[np.bool_]:
        """Whether each replica got below `stop_below`, (replicas,)."""
        return np.asarray(self.solved_at > 0)

    @property
    def final_loss(self) -> Array:
        """Mean of each replica's own last ten losses, (replicas,); infinite where it diverged."""
        ends = np.where(self.solved, self.solved_at, self.losses.shape[1])
        means = [own[max(0, end - RECENT) : end].mean() for own, end in zip(self.losses, ends)]
        return np.where(self.finite, means, np.inf)


def train(
    network: Population,
    X: Tensor,
    y: Tensor,
    *,
    steps: int,
    lr: ArrayLike,
    batch_size: int | None = 64,
    optimizer: str = "sgd",
    loss: str | losses.Loss = "cross_entropy",
    clip: ArrayLike | None = None,
    clip_value: ArrayLike | None = None,
    stop_below: float | None = None,
    label: str = "training",
) -> History:
    """Train every replica of `network`, in place, on its own minibatches of a data set.

    Parameters
    ----------
    network
        The population; its `seeds` also order the minibatches.
    X, y
        (examples, n_in) or, for sequences, (examples, time, n_in); and (examples, ...).
    batch_size
        Examples per step; None takes all of them.
    steps, lr, optimizer, loss, clip, clip_value, stop_below, label
        As in `train_on`.

    Raises
    ------
    TypeError, ValueError
        If an argument is outside what is said above, X holds a NaN, or every parameter is frozen.
    """
    if len(X) != len(y):
        raise ValueError(f"X and y must hold as many examples; got {len(X)} and {len(y)}")
    if bool(torch.isnan(X).any()):
        raise ValueError(f"X must not hold NaN; got {int(torch.isnan(X).sum())} of {X.numel()}")
    rows = minibatches(network.seeds, len(X), batch_size, positive_int("steps", steps))
    everyone = (network.replicas, -1)
    return train_on(
        network,
        ((X[chosen], y[chosen]) for chosen in (r.expand(everyone) for r in rows)),
        steps=steps,
        lr=lr,
        optimizer=optimizer,
        loss=loss,
        clip=clip,
        clip_value=clip_value,
        stop_below=stop_below,
        label=label,
    )


def train_on(
    network: Population,
    batches: Iterable[tuple[Tensor, Tensor]],
    *,
    steps: int,
    lr: ArrayLike,
    optimizer: str = "sgd",
    loss: str | losses.Loss = "cross_entropy",
    clip: ArrayLike | None = None,
    clip_value: ArrayLike | None = None,
    stop_below: float | None = None,
    label: str = "training",
) -> History:
    """Train every replica of `network`, in place, on batches as they come, at its own rate.

    Parameters with `requires_grad=False` stay as they are. A replica whose loss becomes NaN
    does not disturb the others.

    Parameters
    ----------
    network
        Any population.
    batches
        X (replicas, batch, ...) and y (replicas, batch, ...) for each step, such as
        `helpers.sequences.Task.batches`. Where they end, training ends.
    steps
        Updates at most, >= 1.
    lr
        Learning rate, > 0: one for all, or (replicas,).
    optimizer
        "sgd", "momentum" (SGD with momentum 0.9) or "adam".
    loss
        A name in `helpers.losses.LOSSES`, or a function (outputs, y) -> (replicas, batch, ...).
    clip
        Largest norm of a replica's whole gradient, > 0: one for all, or (replicas,).
    clip_value
        Largest size of an entry of the gradient, > 0: one for all, or (replicas,).
    stop_below
        A replica leaves, keeping its weights, as soon as its mean loss over ten steps is below
        this (it has solved the task) or its loss is not finite (it has failed). What is left
        behind costs no time; with the last replica the training ends.
    label
        Words in front of the progress bar.

    Raises
    ------
    TypeError, ValueError
        If an argument is outside what is said above, or every parameter is frozen.
    """
    total = positive_int("steps", steps)
    loss_of = losses.get(loss)
    parameters = [p for p in network.parameters() if p.requires_grad]
    if not parameters:
        raise ValueError("network must have a parameter to train; all have requires_grad=False")
    rates = _limit("lr", lr, network)
    update = optimizers.make(optimizer, parameters, rates)
    norm_limit = None if clip is None else _limit("clip", clip, network)
    value_limit = None if clip_value is None else _limit("clip_value", clip_value, network)
    log = _Log(network.replicas, stop_below)
    limited = islice(batches, total)
    for X, y in tqdm(limited, total=total, desc=label, leave=False, delay=1, disable=_quiet()):
        per_example = loss_of(network.only(log.present, X), y[log.present])
        batch_loss = per_example.flatten(1).mean(dim=1)
        gradients = torch.autograd.grad(batch_loss.sum(), parameters)
        if value_limit is not None:
            optimizers.clip_value_(gradients, value_limit)
        if norm_limit is not None:
            optimizers.clip_norm_(gradients, norm_limit)
        update.step(gradients)
        log.add(batch_loss)
        rates[~log.present] = 0.0  # momentum must not move those who have left
        if not log.present.any():
            break
    return log.history()


class _Log:
    """The losses so far, and which replicas are still present."""

    def __init__(self, replicas: int, stop_below: float | None) -> None:
        self.floor = None if stop_below is None else positive("stop_below", stop_below)
        self.present = torch.ones(replicas, dtype=torch.bool)
        self.solved_at = torch.zeros(replicas, dtype=torch.int64)
        self.failed = torch.zeros(replicas, dtype=torch.bool)
        self.rows: list[Tensor] = []

    def add(self, batch_loss: Tensor) -> None:
        """Note the loss (present,) of those present; let go who has solved the task or failed."""
        row = torch.full((len(self.present),), torch.nan, dtype=torch.float64)
        row[self.present] = batch_loss.detach().double()
        self.rows.append(row)
        self.failed |= self.present & ~torch.isfinite(row)
        if self.floor is None:
            return
        if len(self.rows) >= RECENT:
            below = torch.stack(self.rows[-RECENT:]).mean(dim=0) < self.floor
            self.solved_at[self.present & below] = len(self.rows)
        self.present = (self.solved_at == 0) & ~self.failed

    def history(self) -> History:
        """Return the record as arrays."""
        return History(
            losses=torch.stack(self.rows, dim=1).numpy(),
            finite=(~self.failed).numpy(),
            solved_at=self.solved_at.numpy(),
            stopped_early=not bool(self.present.any()),
        )


def _limit(name: str, value: ArrayLike, network: Population) -> Tensor:
    """One positive number per replica, (replicas, 1, 1), from a number or a (replicas,) array."""
    array = finite(name, per_replica(name, value, network.replicas))
    if (array <= 0).any():
        raise ValueError(f"{name} must be > 0; got {array.min()}")
    return torch.as_tensor(array).to(next(network.parameters()).dtype).reshape(-1, 1, 1)


def minibatches(
    seeds: Sequence[int], examples: int, batch_size: int | None, steps: int
) -> Iterator[Tensor]:
    """Yield `steps` index tensors (replicas, batch_size), each replica in its own order.

    Every epoch of a replica is a new permutation from its seed; a last incomplete batch is left
    out. With `batch_size` None each step yields all examples, once, for all: (examples,).

    Raises
    ------
    TypeError, ValueError
        If `batch_size` is not an integer from 1 to `examples`.
    """
    if batch_size is None:
        for _ in range(steps):
            yield torch.arange(examples)
        return
    if positive_int("batch_size", batch_size) > examples:
        raise ValueError(f"batch_size must be at most {examples}, the examples; got {batch_size}")
    generators = [generator(seed) for seed in seeds]
    per_epoch = examples // batch_size
    for step in range(steps):
        if step % per_epoch == 0:
            order = torch.stack([torch.randperm(examples, generator=g) for g in generators])
        start = step % per_epoch * batch_size
        yield order[:, start : start + batch_size]


def _quiet() -> bool:
    """No progress bar in the built book, in tests, or where nobody looks at standard error."""
    in_kernel = "ipykernel" in sys.modules
    if any(name in os.environ for name in ("BOOK_BUILD", "PYTEST_VERSION", "CI")):
        return True
    return not in_kernel and not sys.stderr.isatty()


@torch.no_grad()
def accuracy(network: Population, X: Tensor, y: Tensor) -> Array:
    """Share of answers whose largest logit is the right one, (replicas,), from 0 to 1.

    X is (batch, ...), y one label per answer: (batch,), or (batch, time) where a recurrent
    network answers at every step. A diverged replica (NaN logits) gets what its arbitrary
    answers earn, which is about chance. The network answers in evaluation mode (a batch norm by
    its running averages, not by its neighbours in X), and is left in the mode it was in.

    Raises
    ------
    TypeError, ValueError
        If X or y do not fit the network.
    """
    was_training = network.training
    try:
        logits = network.eval()(X)
    finally:
        network.train(was_training)
    losses.check_labels(logits, y)
    right = logits.argmax(dim=-1) == y
    share: Array = right.flatten(1).double().mean(dim=1).numpy()
    return share
