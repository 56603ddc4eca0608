"""Training a population: one loop over the steps, never over the seeds."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor
from tqdm import tqdm

from helpers import losses
from helpers.checks import finite, one_of, positive, positive_int
from helpers.gradients import check_labels
from helpers.networks import MLP, check_inputs
from helpers.seeds import generator

__all__ = ["SGD", "Adam", "History", "accuracy", "clip_", "minibatches", "train"]

Array = NDArray[np.float64]


class SGD:
    """Stochastic gradient descent, with momentum if asked, as in `torch.optim.SGD`.

    Parameters
    ----------
    parameters
        Tensors whose first axis is the replica.
    lr
        (replicas, 1, 1), one learning rate per replica.
    momentum
        0 <= momentum < 1.
    """

    def __init__(self, parameters: Sequence[Tensor], lr: Tensor, momentum: float = 0.0) -> None:
        self.parameters, self.lr, self.momentum = list(parameters), lr, momentum
        self.velocities = [torch.zeros_like(p) for p in self.parameters] if momentum else []

    @torch.no_grad()
    def step(self, gradients: Sequence[Tensor]) -> None:
        """Move the parameters, in place, against their gradients."""
        for v, g in zip(self.velocities, gradients):
            v.mul_(self.momentum).add_(g)
        for p, g in zip(self.parameters, self.velocities or gradients):
            p -= self.lr * g


class Adam:
    """Adam, as in `torch.optim.Adam` (Kingma & Ba 2015); `lr` is (replicas, 1, 1)."""

    def __init__(
        self,
        parameters: Sequence[Tensor],
        lr: Tensor,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
    ) -> None:
        self.parameters, self.lr, self.betas, self.eps = list(parameters), lr, betas, eps
        self.means = [torch.zeros_like(p) for p in self.parameters]
        self.squares = [torch.zeros_like(p) for p in self.parameters]
        self.steps = 0

    @torch.no_grad()
    def step(self, gradients: Sequence[Tensor]) -> None:
        """Move the parameters, in place, by about `lr` each, whatever the gradients' size."""
        self.steps += 1
        beta1, beta2 = self.betas
        correction1, correction2 = 1 - beta1**self.steps, 1 - beta2**self.steps
        for p, m, v, g in zip(self.parameters, self.means, self.squares, gradients):
            m.lerp_(g, 1 - beta1)
            v.mul_(beta2).addcmul_(g, g, value=1 - beta2)
            denominator = v.sqrt() / correction2**0.5 + self.eps
            p -= self.lr / correction1 * (m / denominator)


OPTIMIZERS = ("sgd", "momentum", "adam")


@dataclass(frozen=True)
class History:
    """The record of one call of `train`.

    Attributes
    ----------
    losses
        (replicas, steps run): mean loss of each step's batch, before the step.
    finite
        (replicas,): whether every recorded loss of the replica was finite.
    stopped_early
        Whether `stop_below` ended the training before its last step.
    """

    losses: Array
    finite: NDArray[np.bool_]
    stopped_early: bool

    @property
    def final_loss(self) -> Array:
        """Mean loss of the last ten steps, (replicas,); infinite where training diverged."""
        return np.where(self.finite, self.losses[:, -10:].mean(axis=1), np.inf)


def train(
    network: MLP,
    X: Tensor,
    y: Tensor,
    *,
    steps: int,
    lr: ArrayLike,
    optimizer: str = "sgd",
    batch_size: int | None = 64,
    loss: str | losses.Loss = "cross_entropy",
    clip: ArrayLike | None = None,
    stop_below: float | None = None,
    label: str = "training",
) -> History:
    """Train every replica of `network`, in place, on its own minibatches and at its own rate.

    Parameters with `requires_grad=False` stay as they are. A replica whose loss becomes NaN
    does not disturb the others.

    Parameters
    ----------
    network
        The population; its `seeds` also order the minibatches.
    X, y
        (examples, n_in) and (examples,).
    steps
        Updates, >= 1.
    lr
        Learning rate, > 0: one for all, or (replicas,).
    optimizer
        "sgd", "momentum" (SGD with momentum 0.9) or "adam".
    batch_size
        Examples per step; None takes all of them.
    loss
        A name in `helpers.losses.LOSSES`.
    clip
        Largest norm of a replica's whole gradient, > 0: one for all, or (replicas,).
    stop_below
        Stop once the mean loss over the last ten steps is below this in every finite replica.
    label
        Words in front of the progress bar.

    Raises
    ------
    TypeError, ValueError
        If an argument is outside what is said above, or every parameter is frozen.
    """
    check_inputs(network, X)
    check_labels(network, X, y)
    total = positive_int("steps", steps)
    loss_of = losses.get(loss)
    parameters = [p for p in network.parameters() if p.requires_grad]
    if not parameters:
        raise ValueError("network must have a parameter to train; all have requires_grad=False")
    update = _make_optimizer(optimizer, parameters, _per_replica("lr", lr, network))
    limit = None if clip is None else _per_replica("clip", clip, network)
    floor = None if stop_below is None else positive("stop_below", stop_below)
    record = torch.empty(total, network.replicas, dtype=X.dtype)
    done = 0
    batches = minibatches(network.seeds, len(X), batch_size, total)
    for rows in tqdm(batches, total=total, desc=label, leave=False, delay=1, disable=_quiet()):
        per_example = loss_of(network(X[rows]), y[rows])
        batch_loss = per_example.mean(dim=-1).expand(network.replicas)
        gradients = torch.autograd.grad(batch_loss.sum(), parameters)
        if limit is not None:
            clip_(gradients, limit)
        update.step(gradients)
        record[done] = batch_loss.detach()
        done += 1
        if floor is not None and _all_below(record[max(0, done - 10) : done], floor):
            break
    kept: Array = record[:done].T.double().numpy()
    all_finite: NDArray[np.bool_] = np.asarray(np.isfinite(kept).all(axis=1))
    return History(kept, all_finite, done < total)


def _make_optimizer(name: str, parameters: Sequence[Tensor], lr: Tensor) -> SGD | Adam:
    kind = one_of("optimizer", name, OPTIMIZERS)
    if kind == "adam":
        return Adam(parameters, lr)
    return SGD(parameters, lr, momentum=0.9 if kind == "momentum" else 0.0)


def _per_replica(name: str, value: ArrayLike, network: MLP) -> Tensor:
    """One positive number per replica, (replicas, 1, 1), from a number or a (replicas,) array."""
    array = finite(name, value)
    if array.ndim > 1 or (array.ndim == 1 and len(array) != network.replicas):
        raise ValueError(
            f"{name} must be one number or one per replica, shape ({network.replicas},); "
            f"got shape {array.shape}"
        )
    if (array <= 0).any():
        raise ValueError(f"{name} must be > 0; got {array.min()}")
    per_replica = torch.as_tensor(np.broadcast_to(array, (network.replicas,)).copy())
    return per_replica.to(network.weights[0].dtype).reshape(-1, 1, 1)


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


@torch.no_grad()
def clip_(gradients: Sequence[Tensor], limit: Tensor) -> Tensor:
    """Scale each replica's gradients, in place, to a joint norm of at most `limit`.

    The rule of `torch.nn.utils.clip_grad_norm_`, applied to every replica by itself: one norm for
    all would tie the seeds together.

    Parameters
    ----------
    gradients
        Tensors (replicas, ., .).
    limit
        (replicas, 1, 1).

    Returns
    -------
    norms
        (replicas,): the norms before clipping.

    References
    ----------
    Pascanu, Mikolov & Bengio (2013).
    """
    squares = [g.square().sum(dim=(-2, -1)) for g in gradients]
    norms = torch.stack(squares).sum(dim=0).sqrt()
    scale = (limit / (norms.reshape(-1, 1, 1) + 1e-6)).clamp(max=1.0)
    for g in gradients:
        g *= scale
    return norms


def _all_below(recent: Tensor, floor: float) -> bool:
    """Whether the mean over at least ten steps lies below `floor` in every finite replica."""
    if len(recent) < 10:
        return False
    mean = recent.mean(dim=0)
    return bool(((mean < floor) | ~torch.isfinite(mean)).all())


def _quiet() -> bool:
    """No progress bar in the built book, in tests, or where nobody looks at standard error."""
    in_kernel = "ipykernel" in sys.modules
    if any(name in os.environ for name in ("BOOK_BUILD", "PYTEST_VERSION", "CI")):
        return True
    return not in_kernel and not sys.stderr.isatty()


@torch.no_grad()
def accuracy(network: MLP, X: Tensor, y: Tensor) -> Array:
    """Share of examples whose largest logit is the right one, (replicas,), from 0 to 1.

    X is (batch, n_in), y (batch,). A diverged replica (NaN logits) gets what its arbitrary
    answers earn, which is about chance.

    Raises
    ------
    TypeError, ValueError
        If X or y do not fit the network.
    """
    check_inputs(network, X)
    check_labels(network, X, y)
    right = network(X).argmax(dim=-1) == y
    share: Array = right.double().mean(dim=-1).numpy()
    return share
