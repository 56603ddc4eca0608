"""What torch's fused recurrent layers hide: the gradient at each time step, and the gates."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pad_packed_sequence

from .activations import flat_sigmoid, flat_tanh

__all__ = ["as_leaf", "flat_share", "per_step"]

EXAMPLES = 4  # of a batch, from which the gates are computed again


def as_leaf(args: tuple[Any, ...]) -> tuple[tuple[Any, ...], Tensor | None]:
    """Return a layer's arguments with an input whose gradient can be asked for, and that input."""
    first, *rest = args
    packed = isinstance(first, PackedSequence)
    x = first.data if packed else first
    if not isinstance(x, Tensor) or not x.is_floating_point():
        return args, None
    if not x.requires_grad:
        x = x.detach().requires_grad_()
    return (first._replace(data=x) if packed else x, *rest), x


def per_step(
    module: nn.RNNBase, gradient: Tensor, batch_sizes: Tensor | None = None
) -> list[float]:
    """Return the norm of a gradient at every time step, in float64.

    `gradient` has the shape of the layer's input: (time, batch, features), (batch, time, features)
    with `batch_first`, (time, features) without a batch, (sum of lengths, features) if packed.
    """
    wide = gradient.detach().double()
    if batch_sizes is not None:
        return [float(step.norm()) for step in torch.split(wide, batch_sizes.tolist())]
    if wide.dim() == 3 and module.batch_first:
        wide = wide.transpose(0, 1)
    norms: list[float] = wide.flatten(1).norm(dim=1).tolist()
    return norms


@torch.no_grad()
def flat_share(module: nn.RNNBase, args: tuple[Any, ...], output: Any) -> float | None:
    """Return the share of saturated states (RNN) or candidates and output gates (GRU, LSTM).

    Forget, input and update gates are left out: one that is pinned open or shut keeps a memory.
    Only the first layer, forward in time, on a few examples; None where it cannot be computed.
    """
    if module.mode == "RNN_RELU" or not args or not isinstance(output, tuple):
        return None
    x, states = _padded(module, args[0]), _padded(module, output[0])
    if not isinstance(x, Tensor) or not isinstance(states, Tensor) or x.dim() != 3:
        return None
    axis = 0 if module.batch_first else 1
    count = min(EXAMPLES, x.shape[axis])
    x, states = x.detach().narrow(axis, 0, count), states.detach().narrow(axis, 0, count)
    states = _first_layer(module, x, states)
    if module.mode == "RNN_TANH":
        return flat_tanh(states)
    return _flat_gates(module, x, states, axis)


def _padded(module: nn.RNNBase, value: Any) -> Any:
    """Unpack a packed sequence, the longest examples first."""
    if not isinstance(value, PackedSequence):
        return value
    in_order = value._replace(sorted_indices=None, unsorted_indices=None)
    return pad_packed_sequence(in_order, batch_first=module.batch_first)[0]


def _first_layer(module: nn.RNNBase, x: Tensor, states: Tensor) -> Tensor:
    """Return the states of the first layer, running it alone where others lie above it."""
    if module.num_layers == 1:
        return states[..., : module.proj_size or module.hidden_size]
    kind: Any = {"LSTM": nn.LSTM, "GRU": nn.GRU, "RNN_TANH": nn.RNN}[module.mode]
    extra = {"proj_size": module.proj_size} if module.mode == "LSTM" else {}
    with torch.device("meta"):
        alone = kind(
            x.shape[-1],
            module.hidden_size,
            bias=module.bias,
            batch_first=module.batch_first,
            **extra,
        )
    weights = {name: getattr(module, name).detach() for name, _ in alone.named_parameters()}
    first: Tensor = torch.func.functional_call(alone, weights, (x,))[0]
    return first


def _flat_gates(module: nn.RNNBase, x: Tensor, states: Tensor, axis: int) -> float:
    time = 1 - axis
    before = torch.zeros_like(states)  # an initial state that was passed in is not looked at
    steps = states.shape[time]
    before.narrow(time, 1, steps - 1).copy_(states.narrow(time, 0, steps - 1))
    from_input = _linear(module, "ih", x)
    from_state = _linear(module, "hh", before)
    if module.mode == "LSTM":
        _, _, candidate, gate = (from_input + from_state).chunk(4, dim=-1)
        return max(flat_tanh(candidate.tanh()), flat_sigmoid(gate.sigmoid()))
    reset = (from_input.chunk(3, -1)[0] + from_state.chunk(3, -1)[0]).sigmoid()
    return flat_tanh((from_input.chunk(3, -1)[2] + reset * from_state.chunk(3, -1)[2]).tanh())


def _linear(module: nn.RNNBase, which: str, x: Tensor) -> Tensor:
    weight = module.get_parameter(f"weight_{which}_l0")
    bias = module.get_parameter(f"bias_{which}_l0") if module.bias else None
    return nn.functional.linear(x, weight, bias)
