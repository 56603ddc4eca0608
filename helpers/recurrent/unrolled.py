"""What all recurrent networks share: weights, the loop over time, and the readout."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from helpers.checks import one_of, positive_int
from helpers.networks import Population
from helpers.recurrent.weights import draw

__all__ = ["Recurrent", "State", "Trace"]


# What a network hands from one time step to the next: h, or h and c for an LSTM; each is
# (replicas, batch, width).
State = tuple[Tensor, ...]


class Trace(NamedTuple):
    """What one forward pass leaves behind, time step by time step, t = 1..T."""

    z: list[Tensor]  # where h_{t-1} W_rec enters, (replicas, batch, gates * width)
    h: list[Tensor]  # (replicas, batch, width)
    c: list[Tensor]  # the cells of an LSTM, same shapes; empty for the others
    outputs: Tensor


class Recurrent(Population):
    """What RNN, GRU and LSTM have in common; a subclass adds its `gates` and its `step`.

    Parameters
    ----------
    width
        Hidden units, >= 1.
    seeds
        One integer per replica; see `helpers.seeds.seeds`.
    n_in, n_out
        Inputs and outputs at one time step.
    readout
        "last": one output, read from h_T; "every": an output at each time step.
    init
        "pytorch_default", or how W_rec is drawn, each gate's by itself: a name in
        `helpers.recurrent.weights.SCHEMES`. Those come without biases; W_in stays PyTorch's.
    gain
        Multiplies W_rec, >= 0: one number, or one per replica. The standard deviation times
        sqrt(width) for "normal", the spectral radius itself for "spectral_radius".
    input_sd
        If given, W_in ~ N(0, input_sd^2) instead: one number, or one per replica.
    dtype
        Type of weights and biases.

    Raises
    ------
    TypeError, ValueError
        For an argument outside what is said above.
    """

    gates = 1
    torch_class: type[nn.RNNBase] = nn.RNN
    b: nn.Parameter

    def __init__(
        self,
        width: int,
        seeds: Sequence[int],
        *,
        n_in: int = 1,
        n_out: int = 2,
        readout: str = "last",
        init: str = "pytorch_default",
        gain: ArrayLike = 1.0,
        input_sd: ArrayLike | None = None,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__(seeds)
        self.width = positive_int("width", width)
        self.readout = one_of("readout", readout, ("last", "every"))
        weights = draw(
            init,
            self.width,
            self.gates,
            self.seeds,
            n_in=positive_int("n_in", n_in),
            n_out=positive_int("n_out", n_out),
            gain=gain,
            input_sd=input_sd,
            dtype=dtype,
        )
        self.W_in = nn.Parameter(weights.W_in)
        self.W_rec = nn.Parameter(weights.W_rec)
        for name, value in self.merge_biases(weights.b_in, weights.b_rec).items():
            self.register_parameter(name, nn.Parameter(value))
        self.W_out = nn.Parameter(weights.W_out)
        self.b_out = nn.Parameter(weights.b_out)

    def merge_biases(self, b_in: Tensor, b_rec: Tensor) -> dict[str, Tensor]:
        """Return the bias parameters for PyTorch's two vectors: only their sum ever matters."""
        return {"b": b_in + b_rec}

    def step(self, drive: Tensor, state: State) -> tuple[State, Tensor]:
        """Go from time t - 1 to t.

        Parameters
        ----------
        drive
            x_t W_in + b, (replicas, batch, gates * width).
        state
            At time t - 1.

        Returns
        -------
        state, z
            At time t; and the tensor in which h_{t-1} W_rec enters.
        """
        raise NotImplementedError

    def start(self, batch: int) -> State:
        """Return the state before the first step: zeros (replicas, batch, width)."""
        return (self.W_rec.new_zeros(self.W_rec.shape[0], batch, self.width),)

    def unroll(self, X: Tensor, state: State | None = None) -> Iterator[tuple[State, Tensor]]:
        """Yield state and z of t = 1..T; X is (batch, time, n_in) or (replicas, ...)."""
        self.check_inputs(X)
        *_, batch, time, n_in = X.shape
        # All steps' input at once: one product instead of one per step.
        drive = X.reshape(*X.shape[:-3], batch * time, n_in) @ self.W_in + self.b
        state = self.start(batch) if state is None else state
        for at_t in drive.reshape(-1, batch, time, drive.shape[-1]).unbind(dim=2):
            state, z = self.step(at_t, state)
            yield state, z

    def read(self, states: Sequence[State]) -> Tensor:
        """Return the outputs: (replicas, batch, n_out), or (replicas, batch, time, n_out)."""
        if self.readout == "last":
            outputs: Tensor = states[-1][0] @ self.W_out + self.b_out
            return outputs
        h = torch.stack([state[0] for state in states], dim=2)  # (replicas, batch, time, width)
        outputs = h.flatten(1, 2) @ self.W_out + self.b_out
        return outputs.reshape(*h.shape[:3], -1)

    def forward(self, X: Tensor) -> Tensor:
        """Return the outputs for X (batch, time, n_in) or (replicas, batch, time, n_in)."""
        return self.read([state for state, _ in self.unroll(X)])

    def trace(self, X: Tensor, state: State | None = None) -> Trace:
        """Run forward from `state` (zeros by default) and keep every time step."""
        states, z = zip(*self.unroll(X, state))
        h, *cells = zip(*states)
        return Trace(list(z), list(h), [c for cell in cells for c in cell], self.read(states))

    def check_inputs(self, X: Tensor) -> None:
        """Raise unless X fits: (batch, time, n_in) or (replicas, ...), same type, no NaN."""
        replicas, n_in, _ = self.W_in.shape
        if not isinstance(X, Tensor):
            raise TypeError(f"X must be a torch.Tensor; got {type(X).__name__}")
        fits = X.ndim == 3 or (X.ndim == 4 and X.shape[0] == replicas)
        if not fits or X.shape[-1] != n_in or 0 in X.shape:
            shapes = f"(batch, time, {n_in}) or ({replicas}, batch, time, {n_in})"
            raise ValueError(f"X must have shape {shapes}; got {tuple(X.shape)}")
        if X.dtype != self.W_in.dtype:
            raise TypeError(f"X must be {self.W_in.dtype}, like the weights; got {X.dtype}")
        if bool(torch.isnan(X).any()):
            raise ValueError(f"X must not hold NaN; got {int(torch.isnan(X).sum())} of {X.numel()}")

    @torch.no_grad()
    def load_torch(self, k: int, module: nn.RNNBase, linear: nn.Linear | None = None) -> None:
        """Copy an `nn.RNN`, `nn.GRU` or `nn.LSTM` into replica k, and `linear` as its readout.

        The module has one layer, one direction and biases; an activation stays as it is here.

        Raises
        ------
        TypeError, ValueError
            If the module is of another kind or size, or `linear` of another size.
        """
        if not isinstance(module, self.torch_class):
            wanted, came = self.torch_class.__name__, type(module).__name__
            raise TypeError(f"module must be a torch.nn.{wanted}; got {came}")
        own = [p[k] for p in (self.W_in.mT, self.W_rec.mT)]
        shapes = [(*W.shape,) for W in own] + [(W.shape[0],) for W in own]
        found = [(*p.shape,) for p in module.parameters()]
        if found != shapes:
            raise ValueError(f"module must have parameters of shapes {shapes}; got {found}")
        W_in, W_rec, b_in, b_rec = (p.detach() for p in module.parameters())
        self.W_in[k] = W_in.T
        self.W_rec[k] = W_rec.T
        for name, value in self.merge_biases(b_in, b_rec).items():
            self.get_parameter(name)[k] = value
        if linear is not None:
            self.W_out[k] = linear.weight.T
            self.b_out[k] = linear.bias
