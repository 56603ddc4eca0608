"""Truncated backpropagation through time: the state goes on, the gradient does not."""

from __future__ import annotations

from torch import Tensor

from helpers.networks import Population
from helpers.recurrent.unrolled import Recurrent, State

__all__ = ["Truncated"]


class Truncated(Population):
    """A recurrent network that starts each call in the state where the last one ended.

    That state is detached, so a gradient reaches back to the start of the call and no further.
    Train it with `train_on` over successive windows of one long sequence, such as
    `helpers.sequences.windows` yields, and without `stop_below`: replicas that leave have no
    state to go on from. Source: Williams & Peng (1990).

    Parameters
    ----------
    network
        Shares its weights: training one trains the other.
    """

    def __init__(self, network: Recurrent) -> None:
        super().__init__(network.seeds)
        self.network = network
        self.state: State | None = None

    def forward(self, X: Tensor) -> Tensor:
        """Return the outputs for the next window X, shapes as for the network itself."""
        trace = self.network.trace(X, self.state)
        last = [steps[-1].detach() for steps in (trace.h, trace.c) if steps]
        self.state = tuple(last)
        return trace.outputs

    def reset(self) -> None:
        """Forget the state: the next call starts from zeros."""
        self.state = None
