"""What comes in: unwrap the model, check the arguments, call model and loss with useful errors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

__all__ = [
    "LossFunction",
    "call_loss",
    "call_model",
    "check",
    "copied",
    "eager",
    "tensors",
    "unwrap",
]

LossFunction = Callable[[Any, Any], Any]


def unwrap(model: Any) -> tuple[nn.Module, list[str]]:
    """Return the module inside compiled and data-parallel wrappers, and notes that say so."""
    notes: list[str] = []
    while isinstance(model, nn.Module):
        name = type(model).__name__
        if "FullyShardedDataParallel" in name or isinstance(model, torch.jit.ScriptModule):
            raise TypeError(
                f"model must be an eager torch.nn.Module; got {name}, whose layers cannot be seen. "
                "Pass the module it was made from"
            )
        inner = getattr(model, "_orig_mod", None) if name == "OptimizedModule" else None
        if isinstance(model, nn.DataParallel | nn.parallel.DistributedDataParallel):
            inner = model.module
        if not isinstance(inner, nn.Module):
            return model, notes
        notes.append(f"{name} was unwrapped: its inner module was run, eagerly, on one device.")
        model = inner
    raise TypeError(
        f"model must be a torch.nn.Module; got {type(model).__name__}. Wrap a function of tensors "
        "in a module that owns its parameters"
    )


def eager(model: nn.Module) -> AbstractContextManager[Any]:
    """Return a context in which compiled submodules run as they were written."""
    compiled = any(type(m).__name__ == "OptimizedModule" for m in model.modules())
    return torch.compiler.set_stance("force_eager") if compiled else nullcontext()


def check(model: nn.Module, loss_fn: Any, inputs: Any, targets: Any, optimizer: Any) -> None:
    """Raise at once, naming the argument, for whatever could only fail obscurely later."""
    if not callable(loss_fn):
        raise TypeError(
            f"loss_fn must be callable as loss_fn(output, targets); got {type(loss_fn).__name__}"
        )
    if isinstance(loss_fn, type):
        raise TypeError(f"loss_fn must be an instance; got the class: write {loss_fn.__name__}()")
    if inputs is None or not any(True for _ in tensors(inputs)):
        came = "None" if inputs is None else f"{type(inputs).__name__} without any tensor"
        raise TypeError(
            "inputs must be a tensor, a tuple of positional arguments or a dict of keyword "
            f"arguments for the model; got {came}"
        )
    if not any(tensor.numel() for tensor in tensors(inputs)):
        shape = tuple(next(tensors(inputs)).shape)
        raise ValueError(f"inputs must hold at least one example; got shape {shape}")
    if optimizer is not None and not isinstance(optimizer, torch.optim.Optimizer):
        raise TypeError(f"optimizer must be a torch.optim.Optimizer; got {type(optimizer)}")
    _check_parameters(model)
    _check_devices(model, inputs, targets)
    _check_dtypes(model, inputs)


def _check_parameters(model: nn.Module) -> None:
    parameters = list(model.parameters())
    if any(nn.parameter.is_lazy(p) for p in parameters):
        raise ValueError(
            "model has lazy parameters without a shape; run it once on a batch, then diagnose it"
        )
    if not parameters:
        raise ValueError(
            "model has no parameters: layers in a plain list or dict are not registered; "
            "use nn.ModuleList, nn.ModuleDict or nn.Parameter"
        )
    if not any(p.requires_grad for p in parameters):
        raise ValueError(
            f"model is frozen: none of its {len(parameters)} parameters requires grad; "
            "call requires_grad_() on those you train"
        )


def _check_devices(model: nn.Module, inputs: Any, targets: Any) -> None:
    home = {p.device for p in model.parameters()}
    for name, value in (("inputs", inputs), ("targets", targets)):
        away = {t.device for t in tensors(value) if t.dim() and t.device not in home}
        if away and (name == "inputs" or len(home) == 1):
            raise ValueError(
                f"{name} must be on the model's device {_listed(home)}; got {_listed(away)}. "
                f"Move them: {name}.to({str(min(home, key=str))!r})"
            )


def _check_dtypes(model: nn.Module, inputs: Any) -> None:
    first = next(tensors(inputs))
    weights = {p.dtype for p in model.parameters() if p.is_floating_point()}
    mixed = torch.is_autocast_enabled(first.device.type) or len(weights) != 1
    came = {t.dtype for t in tensors(inputs) if t.is_floating_point()} - weights
    if came and not mixed:
        raise TypeError(
            f"inputs must have the model's dtype {_listed(weights)}; got {_listed(came)}. Convert "
            "them, or call diagnose under torch.autocast if you train in mixed precision"
        )


def _listed(values: Any) -> str:
    return ", ".join(sorted(map(str, values)))


def tensors(value: Any) -> Iterator[Tensor]:
    """Yield the tensors in nested tuples, lists and mappings."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from tensors(item)
    elif isinstance(value, tuple | list):
        for item in value:
            yield from tensors(item)


def copied(value: Any, leaves: list[Tensor] | None = None) -> Any:
    """Return `value` with its tensors cloned, so that nothing can change the caller's.

    With `leaves`, floating tensors are made part of the graph and their leaves are appended.
    """
    if isinstance(value, Tensor):
        plain = value.detach()
        if leaves is None or not (plain.is_floating_point() or plain.is_complex()):
            return plain.clone()
        leaves.append(plain.clone().requires_grad_())
        return leaves[-1].clone()
    if isinstance(value, PackedSequence):
        return value._replace(data=copied(value.data, leaves))
    if isinstance(value, Mapping):
        return {key: copied(item, leaves) for key, item in value.items()}
    if isinstance(value, tuple | list):
        items = [copied(item, leaves) for item in value]
        named = isinstance(value, tuple) and hasattr(value, "_fields")
        return type(value)(*items) if named else type(value)(items)
    return value


def call_model(model: nn.Module, inputs: Any) -> Any:
    """Call model(x), model(*tuple) or model(**mapping); a packed sequence is one argument."""
    if isinstance(inputs, Mapping):
        return model(**inputs)
    if isinstance(inputs, tuple | list) and not isinstance(inputs, PackedSequence):
        return model(*inputs)
    return model(inputs)


def call_loss(loss_fn: LossFunction, output: Any, targets: Any) -> Tensor:
    """Return the scalar loss, or raise with the reason why it is not one.

    Raises
    ------
    TypeError
        If the output is a tuple or a dict that `loss_fn` cannot take, or the loss is no tensor.
    ValueError
        If the loss is not a scalar, is complex, or has no graph behind it.
    """
    try:
        loss = loss_fn(output, targets)
    except Exception as error:
        if isinstance(output, Tensor):
            raise
        part = "output['logits']" if isinstance(output, dict) else "output[0]"
        raise TypeError(
            f"loss_fn cannot take what the model returns, {describe(output)}. Pick the part it "
            f"needs: loss_fn=lambda output, targets: your_loss({part}, targets)"
        ) from error
    if not isinstance(loss, Tensor):
        raise TypeError(
            f"loss_fn must return a scalar tensor; got {describe(loss)}"
            + (": leave out .item() and float()" if isinstance(loss, int | float) else "")
        )
    if loss.numel() != 1 or loss.is_complex():
        raise ValueError(
            f"loss_fn must return one real number; got {describe(loss)}: take its mean, "
            "for example with reduction='mean'"
        )
    return loss.reshape(())


def describe(value: Any) -> str:
    """Return one short phrase for a value: type and shapes."""
    if isinstance(value, Tensor):
        return f"a tensor of shape {tuple(value.shape)} and dtype {value.dtype}"
    if isinstance(value, dict):
        return f"a dict with the keys {', '.join(map(repr, value))}"
    if isinstance(value, tuple | list):
        return f"a {type(value).__name__} of {len(value)}: {', '.join(map(describe, value))}"
    return f"{type(value).__name__} {value!r}" if value is None else f"a {type(value).__name__}"
