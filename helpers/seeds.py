"""The one place random seeds come from, so that the whole book can be run again on others."""

from __future__ import annotations

import os
from collections.abc import Iterable
from numbers import Integral

import numpy as np
import torch

from helpers.checks import positive_int

__all__ = ["check_seeds", "generator", "seeds"]

OFFSET_VARIABLE = "BOOK_SEED_OFFSET"


def seeds(n: int, start: int = 0) -> list[int]:
    """Return `n` consecutive seeds from `start`, shifted by the variable BOOK_SEED_OFFSET.

    One seed means one replica: its initial weights and its order of minibatches. With
    BOOK_SEED_OFFSET=1000 every experiment of the book runs on seeds nobody has looked at.

    Raises
    ------
    TypeError, ValueError
        If `n` is not an integer >= 1, `start` not an integer >= 0, or BOOK_SEED_OFFSET is set to
        something that is not an integer >= 0.
    """
    count = positive_int("n", n)
    first = positive_int("start", start, minimum=0) + _offset()
    return list(range(first, first + count))


def _offset() -> int:
    text = os.environ.get(OFFSET_VARIABLE, "").strip() or "0"
    if not text.isdecimal():
        raise ValueError(f"{OFFSET_VARIABLE} must be an integer >= 0; got {text!r}")
    return int(text)


def check_seeds(name: str, values: Iterable[int]) -> list[int]:
    """Return `values` as a non-empty list of integers >= 0.

    Raises
    ------
    TypeError, ValueError
        If it is not a sequence of integers, holds a negative one, or is empty.
    """
    if isinstance(values, (Integral, str)):
        raise TypeError(f"{name} must be a list of integers, such as seeds(8); got {values!r}")
    checked = [positive_int(f"each of {name}", value, minimum=0) for value in values]
    if not checked:
        raise ValueError(f"{name} must hold at least one seed; got an empty list")
    return checked


def generator(seed: int, stream: str = "") -> torch.Generator:
    """Return a new PyTorch generator that starts at `seed` (an integer >= 0).

    With the name of a stream it draws other numbers, as if from another seed: the noise in the
    data must not repeat the numbers that the same seed has put into the weights.
    """
    start = positive_int("seed", seed, minimum=0)
    if stream:
        # PyTorch's generator looks at 32 bits of its seed, so adding a large offset is no remedy.
        start = int(np.random.SeedSequence([start, *stream.encode()]).generate_state(1)[0])
    return torch.Generator().manual_seed(start)
