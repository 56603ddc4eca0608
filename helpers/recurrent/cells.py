"""The cells: plain RNN, GRU and LSTM, each a `step` in its textbook form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from helpers import activations
from helpers.checks import per_replica
from helpers.recurrent.unrolled import Recurrent, State
from helpers.recurrent.weights import chrono_biases

__all__ = ["GRU", "LSTM", "RNN"]


class RNN(Recurrent):
    """The plain recurrent network: h_t = phi(x_t W_in + h_{t-1} W_rec + b).

    Parameters
    ----------
    width
        Hidden units, >= 1.
    activation
        A name in `helpers.activations.ACTIVATIONS`: "tanh"; "linear"; "relu", which with
        init="identity" and input_sd=0.001 is the IRNN of Le, Jaitly & Hinton (2015).
    seeds, **common
        As in `Recurrent`.
    """

    def __init__(
        self,
        width: int,
        activation: str | activations.Activation,
        seeds: Sequence[int],
        **common: Any,
    ) -> None:
        super().__init__(width, seeds, **common)
        self.activation = activations.get(activation)

    def step(self, drive: Tensor, state: State) -> tuple[State, Tensor]:
        """Go from time t - 1 to t; see `Recurrent.step`. Here z is the pre-activation."""
        (h,) = state
        z = torch.baddbmm(drive, h, self.W_rec)  # drive + h @ W_rec
        return (self.activation(z),), z


class GRU(Recurrent):
    """Gated recurrent units in PyTorch's form: gates r (reset) and z (update), candidate n.

    h_t = (1 - z) n + z h_{t-1}. The reset gate acts after the product with W_rec, so the
    candidate has a second bias, `b_candidate` (replicas, 1, width), that r scales. Columns are in
    PyTorch's order r, z, n. Parameters: those of `Recurrent`. Source: Cho et al. (2014).
    """

    gates = 3
    torch_class = nn.GRU
    b_candidate: nn.Parameter

    def merge_biases(self, b_in: Tensor, b_rec: Tensor) -> dict[str, Tensor]:
        """Return b, the sum for both gates, and the candidate's second bias by itself."""
        gates, candidate = b_rec.tensor_split([2 * self.width], dim=-1)
        both = torch.cat([gates, torch.zeros_like(candidate)], dim=-1)
        return {"b": b_in + both, "b_candidate": candidate.clone()}

    def step(self, drive: Tensor, state: State) -> tuple[State, Tensor]:
        """Go from time t - 1 to t; see `Recurrent.step`."""
        (h,) = state
        rec = h @ self.W_rec
        drive_r, drive_z, drive_n = drive.chunk(3, dim=-1)
        rec_r, rec_z, rec_n = rec.chunk(3, dim=-1)
        r = torch.sigmoid(drive_r + rec_r)
        z = torch.sigmoid(drive_z + rec_z)
        n = torch.tanh(drive_n + r * (rec_n + self.b_candidate))
        return ((1 - z) * n + z * h,), rec


class LSTM(Recurrent):
    """Long short-term memory: c_t = f c_{t-1} + i g, h_t = o tanh(c_t).

    Gates i (input), f (forget), o (output) and candidate g, in PyTorch's order i, f, g, o. One
    bias each: `nn.LSTM` has two, so setting both of its forget slices to 1 gives b_f = 2 here.

    Parameters
    ----------
    width, seeds, **common
        As in `Recurrent`.
    forget_bias
        If given, the bias of every forget gate: one number, or one per replica. `math.inf` keeps
        the gate open for good: the network of 1997, which had none.
    chrono
        If given, the longest time scale T_max: biases log u and -log u for the forget and the
        input gate, u ~ U(1, T_max - 1) for each unit (Tallec & Ollivier 2018).
    cell_path_only
        Let h enter the gates without its gradient, so that it flows back through the cell alone,
        the constant error carousel; the truncation of 1997. It can be changed later.

    Raises
    ------
    TypeError, ValueError
        As `Recurrent`; and with both `forget_bias` and `chrono`.

    References
    ----------
    Hochreiter & Schmidhuber (1997); Gers, Schmidhuber & Cummins (2000) for the forget gate.
    """

    gates = 4
    torch_class = nn.LSTM

    def __init__(
        self,
        width: int,
        seeds: Sequence[int],
        *,
        forget_bias: ArrayLike | None = None,
        chrono: ArrayLike | None = None,
        cell_path_only: bool = False,
        **common: Any,
    ) -> None:
        super().__init__(width, seeds, **common)
        self.cell_path_only = cell_path_only
        if forget_bias is not None and chrono is not None:
            raise ValueError("forget_bias and chrono exclude each other; got both")
        b_i, b_f, _, _ = self.b.data.chunk(4, dim=-1)
        if forget_bias is not None:
            values = per_replica("forget_bias", forget_bias, self.replicas)
            if np.isnan(values).any():
                raise ValueError(f"forget_bias must not be NaN; got {forget_bias}")
            b_f.copy_(torch.as_tensor(values).reshape(-1, 1, 1))
        if chrono is not None:
            b_f.copy_(chrono_biases(chrono, width, self.seeds, self.b.dtype))
            b_i.copy_(-b_f)

    def start(self, batch: int) -> State:
        """Return h and c before the first step: zeros, (replicas, batch, width) each."""
        (h,) = super().start(batch)
        return h, h

    def step(self, drive: Tensor, state: State) -> tuple[State, Tensor]:
        """Go from time t - 1 to t; see `Recurrent.step`. Here z is the gates' pre-activation."""
        h, c = state
        if self.cell_path_only:
            h = h.detach()
        z = torch.baddbmm(drive, h, self.W_rec)  # drive + h @ W_rec
        i, f, g, o = z.chunk(4, dim=-1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        return (torch.sigmoid(o) * torch.tanh(c), c), z
