"""A task in space whose best accuracy is known for every reach: the nearest marker on a ring."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from helpers.checks import positive, positive_int
from helpers.sequences import Batch, Task

__all__ = ["marker_distance", "nearest_marker", "reach_ceiling"]


def nearest_marker(cells: int = 64, density: float = 0.1) -> Task:
    """Say at every cell of a ring the sign of the nearest marker at it or to its left.

    X (cells, 1): +1 or -1 at a marker, else 0; `time` is the number of cells. y (cells,): 1 where
    the nearest marker is +1, else 0. A ring without a marker gets one, at a random cell.

    Parameters
    ----------
    cells
        Cells of the ring, >= 2.
    density
        Probability that a cell holds a marker, > 0 and < 1.

    Raises
    ------
    TypeError, ValueError
        If an argument is outside what is said above.
    """
    size = positive_int("cells", cells, minimum=2)
    if (share := positive("density", density)) >= 1:
        raise ValueError(f"density must be > 0 and < 1; got {density}")

    def sample(examples: int, g: torch.Generator) -> Batch:
        marked = torch.rand(examples, size, generator=g) < share
        spare = torch.randint(size, (examples, 1), generator=g)
        needed = ~marked.any(dim=1, keepdim=True)
        marked.scatter_(1, spare, marked.gather(1, spare) | needed)
        signs = 2.0 * torch.randint(2, (examples, size), generator=g) - 1
        X = (signs * marked)[..., None]
        return X, _labels(X)

    return Task(
        "nearest marker", size, 1, 2, "every", "cross_entropy", math.log(2), "this course", sample
    )


def marker_distance(X: Tensor) -> Tensor:
    """Return how many cells each cell's nearest marker lies to its left, 0 at a marker itself.

    Parameters
    ----------
    X
        Rings (..., cells, 1), each with a marker.

    Returns
    -------
    distance
        (..., cells), torch.int64.

    Raises
    ------
    ValueError
        If a ring holds no marker.
    """
    marked = X[..., 0] != 0
    if not bool(marked.any(dim=-1).all()):
        raise ValueError("X must hold a marker in every ring; got a ring without one")
    cells = marked.shape[-1]
    place = torch.arange(2 * cells)
    twice = torch.cat([marked, marked], dim=-1)  # the first turn round the ring, for its start
    last = torch.where(twice, place, -1).cummax(dim=-1).values
    return (place - last)[..., cells:]


def _labels(X: Tensor) -> Tensor:
    """Class 1 where the nearest marker is +1, else 0: (..., cells)."""
    source = (torch.arange(X.shape[-2]) - marker_distance(X)) % X.shape[-2]
    return (X[..., 0].gather(-1, source) > 0).long()


def reach_ceiling(X: Tensor, reach: int) -> float:
    """Return the best accuracy on X and -X together for an answer that sees `reach` cells back.

    Where the nearest marker lies within reach it can be right. Elsewhere it sees empty cells, in a
    ring and in its mirror image alike; it answers the same in both, and is right in one. So the
    ceiling is exact for these very rings, and no luck can exceed it.

    Parameters
    ----------
    X
        Rings (..., cells, 1), each with a marker.
    reach
        Cells to the left that the answer may depend on besides its own, 0 to `cells` - 1.

    Raises
    ------
    TypeError, ValueError
        If `reach` is outside what is said above, or a ring holds no marker.
    """
    cells = X.shape[-2]
    if positive_int("reach", reach, minimum=0) >= cells:
        raise ValueError(f"reach must be at most {cells - 1}, once round the ring; got {reach}")
    seen = (marker_distance(X) <= reach).double().mean()
    return float((1 + seen) / 2)
