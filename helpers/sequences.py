"""Sequence tasks that need a memory, each from the paper that made it known, and their data.

A task's examples are generated, fresh at every training step: the loss on the next batch is a
loss on data nobody has trained on, and there is nothing to overfit.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from helpers.checks import positive, positive_int
from helpers.data import Digits, digits
from helpers.seeds import check_seeds, generator

__all__ = [
    "Task",
    "adding",
    "copy_memory",
    "delayed_recall",
    "latch",
    "pixel_digits",
    "temporal_order",
    "windows",
]

Batch = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class Task:
    """A task with its data and what it costs not to solve it.

    Attributes
    ----------
    name
        In words, for a title.
    time
        Steps of one example.
    n_in, n_out, readout
        Inputs and outputs at one step, and whether the answer is read at the "last" step or at
        "every" one.
    loss
        A name in `helpers.losses.LOSSES`.
    chance_loss
        Mean loss of the best answer that ignores the input.
    source
        The paper.
    sample
        (examples, generator) -> X (examples, time, n_in) and y: labels (examples,), or
        (examples, time) where every step is read; for regression (examples, n_out).
    """

    name: str
    time: int
    n_in: int
    n_out: int
    readout: str
    loss: str
    chance_loss: float
    source: str
    sample: Callable[[int, torch.Generator], Batch]

    @property
    def shape(self) -> dict[str, Any]:
        """The arguments that fit a network to the task: `LSTM(32, seeds(8), **task.shape)`."""
        return {"n_in": self.n_in, "n_out": self.n_out, "readout": self.readout}

    def batches(
        self, seeds: Sequence[int], batch_size: int, dtype: torch.dtype = torch.float32
    ) -> Iterator[Batch]:
        """Return fresh batches without end, each replica's from its own seed.

        Returns
        -------
        batches
            Each is X (replicas, batch_size, time, n_in), and y with the same two axes in front.

        Raises
        ------
        TypeError, ValueError
            If the seeds are not integers >= 0, or `batch_size` is not an integer >= 1.
        """
        size = positive_int("batch_size", batch_size)
        generators = [generator(seed, "data") for seed in check_seeds("seeds", seeds)]

        def endless() -> Iterator[Batch]:
            while True:
                X, y = map(torch.stack, zip(*(self.sample(size, g) for g in generators)))
                yield X.to(dtype), y.to(dtype) if y.is_floating_point() else y

        return endless()

    def draw(
        self, seeds: Sequence[int], examples: int, dtype: torch.dtype = torch.float32
    ) -> Batch:
        """Return one batch: X (replicas, examples, time, n_in) and y."""
        return next(self.batches(seeds, examples, dtype))


def _signs(shape: Sequence[int], g: torch.Generator) -> Tensor:
    """Labels 0 and 1, equally likely."""
    return torch.randint(2, tuple(shape), generator=g)


def latch(T: int, noise: float = 0.2, shown: int = 3) -> Task:
    """Remember one bit: a sign is shown at first, then comes noise; say the sign at the end.

    X (T, 1): the sign, +1 or -1, for `shown` steps, then N(0, noise^2). y: 1 for +1, else 0.

    Parameters
    ----------
    T
        Steps, > `shown`.
    noise
        Standard deviation, >= 0.
    shown
        Steps that show the sign, >= 1.

    References
    ----------
    After the latch of Bengio, Simard & Frasconi (1994).
    """
    first = positive_int("shown", shown)
    positive_int("T", T, minimum=first + 1)
    sd = positive("noise", noise, allow_zero=True)

    def sample(examples: int, g: torch.Generator) -> Batch:
        y = _signs([examples], g)
        X = sd * torch.randn(examples, T, 1, generator=g)
        X[:, :first, 0] = 2.0 * y[:, None] - 1
        return X, y

    return Task(
        "one-bit latch", T, 1, 2, "last", "cross_entropy", math.log(2), "Bengio 1994", sample
    )


def adding(T: int) -> Task:
    """Add the two marked numbers, one in each half of the sequence.

    X (T, 2): numbers uniform in (0, 1), and a marker that is 1 at two steps and 0 elsewhere.
    y (1,): the sum of the two. Whoever always says 1 has a mean squared error of 1/6.

    Parameters
    ----------
    T
        Steps, >= 2.

    References
    ----------
    Hochreiter & Schmidhuber (1997), experiment 4, in the form of Le, Jaitly & Hinton (2015).
    """
    half = positive_int("T", T, minimum=2) // 2

    def sample(examples: int, g: torch.Generator) -> Batch:
        X = torch.zeros(examples, T, 2)
        X[..., 0] = torch.rand(examples, T, generator=g)
        first = torch.randint(0, half, (examples, 1), generator=g)
        second = torch.randint(half, T, (examples, 1), generator=g)
        X[..., 1].scatter_(1, torch.cat([first, second], dim=1), 1.0)
        return X, (X[..., 0] * X[..., 1]).sum(dim=1, keepdim=True)

    source = "Hochreiter & Schmidhuber 1997"
    return Task("adding problem", T, 2, 1, "last", "mean_squared_error", 1 / 6, source, sample)


def copy_memory(delay: int, length: int = 10, symbols: int = 8) -> Task:
    """Repeat a string of symbols after a delay.

    One-hot X (delay + 2 length, symbols + 2): the string, then blanks (class `symbols`), with
    the last class, `symbols` + 1, one step before the answer is due. y at every step: blank, and
    in the last `length` steps the string. Whoever answers blank and then guesses has a mean
    cross-entropy of length ln(symbols) / (delay + 2 length).

    Parameters
    ----------
    delay
        Steps from the end of the string to the first answer, >= 1.
    length
        Symbols in the string, >= 1.
    symbols
        Kinds of symbols, >= 2.

    References
    ----------
    Hochreiter & Schmidhuber (1997), in the form of Arjovsky, Shah & Bengio (2016).
    """
    wait, n = positive_int("delay", delay), positive_int("length", length)
    kinds = positive_int("symbols", symbols, minimum=2)
    T = wait + 2 * n

    def sample(examples: int, g: torch.Generator) -> Batch:
        string = torch.randint(kinds, (examples, n), generator=g)
        tokens = torch.full((examples, T), kinds)
        tokens[:, :n] = string
        tokens[:, n + wait - 1] = kinds + 1
        y = torch.full((examples, T), kinds)
        y[:, -n:] = string
        return functional.one_hot(tokens, kinds + 2).float(), y

    chance, source = n * math.log(kinds) / T, "Arjovsky 2016"
    return Task(
        "copy memory", T, kinds + 2, kinds + 1, "every", "cross_entropy", chance, source, sample
    )


def temporal_order(T: int) -> Task:
    """Tell in which order two symbols came, X or Y each, among four kinds of distractors.

    One-hot X (T, 6): classes 0 and 1 are the symbols, 2 to 5 distractors. The first symbol comes
    in the second tenth of the sequence, the second in the sixth. y: 2 first + second, 0 to 3.

    Parameters
    ----------
    T
        Steps, >= 10.

    References
    ----------
    Hochreiter & Schmidhuber (1997), experiment 6a, with T for its 100 steps.
    """
    positive_int("T", T, minimum=10)

    def sample(examples: int, g: torch.Generator) -> Batch:
        tokens = torch.randint(2, 6, (examples, T), generator=g)
        symbols = _signs([examples, 2], g)
        for column, tenth in enumerate((1, 5)):
            start, end = T * tenth // 10, T * (tenth + 1) // 10
            place = torch.randint(start, end, (examples, 1), generator=g)
            tokens.scatter_(1, place, symbols[:, column : column + 1])
        return functional.one_hot(tokens, 6).float(), 2 * symbols[:, 0] + symbols[:, 1]

    source = "Hochreiter & Schmidhuber 1997"
    return Task("temporal order", T, 6, 4, "last", "cross_entropy", math.log(4), source, sample)


def delayed_recall(T: int, delay: int) -> Task:
    """Say at every step which bit came `delay` steps before.

    X (T, 1): signs, +1 or -1, equally likely. y (T,): 1 where x_{t - delay} is +1, else 0; the
    first `delay` answers are bits from before the sequence, which can only be guessed.

    Parameters
    ----------
    T
        Steps, >= 1.
    delay
        Steps, >= 0.

    References
    ----------
    Jaeger (2002), Short term memory in echo state networks, with bits for numbers.
    """
    positive_int("T", T)
    back = positive_int("delay", delay, minimum=0)

    def sample(examples: int, g: torch.Generator) -> Batch:
        bits = _signs([examples, T + back], g)
        return 2.0 * bits[:, back:, None] - 1, bits[:, :T]

    return Task(
        "delayed recall", T, 1, 2, "every", "cross_entropy", math.log(2), "Jaeger 2002", sample
    )


def windows(X: Tensor, y: Tensor, width: int) -> Iterator[Batch]:
    """Cut long sequences into successive windows, for truncated backpropagation.

    Parameters
    ----------
    X, y
        (replicas, batch, time, n_in) and (replicas, batch, time).
    width
        Steps of a window, from 1 to `time`; what is left at the end is dropped.
    """
    T = X.shape[2]
    if positive_int("width", width) > T:
        raise ValueError(f"width must be at most {T}, the time steps; got {width}")
    for start in range(0, T - width + 1, width):
        yield X[:, :, start : start + width], y[:, :, start : start + width]


def pixel_digits(n_test: int = 500, dtype: torch.dtype = torch.float32) -> Digits:
    """Return the digits of `helpers.data.digits` pixel by pixel: X (examples, 64, 1).

    Row after row from the top left, one pixel a step. The arguments are those of `digits`.
    Source: Le, Jaitly & Hinton (2015), with MNIST.
    """
    images = digits(n_test, dtype)
    return images._replace(X_train=images.X_train[..., None], X_test=images.X_test[..., None])
