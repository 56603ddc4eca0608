"""Values as plain data, between the process that checks and the process of the student.

A frame is eight bytes of length and JSON. Every value is a list that begins with its kind; floats
are written in hexadecimal, arrays and tensors as bytes, so that nothing is rounded. Whoever reads
a frame builds ordinary objects of exactly these types and runs nothing that the other side sent.

This folder is bound into the sandbox and imports nothing of the course.
"""

from __future__ import annotations

import base64
import json
import os
import select
import sys
import time
from collections.abc import Callable
from typing import Any

from grading.inside.forms import ordinary

MOST_BYTES = 16_000_000  # of one frame
PATIENCE = 4.0  # seconds by the clock for each CPU second allowed
NUMPY_KINDS = "?biufc"


class Gone(Exception):  # noqa: N818 (it is said to people)
    """The other side has ended, hung, or no longer speaks the language."""


class NotPlain(TypeError):  # noqa: N818
    """A value that is not plain data."""


class Pipe:
    """Frames over two file descriptors."""

    def __init__(self, source: int, sink: int) -> None:
        self.source, self.sink = source, sink

    def send(self, message: list[Any]) -> None:
        """Send one message; raise Gone if nobody reads."""
        data = json.dumps(message, separators=(",", ":")).encode()
        if len(data) > MOST_BYTES:
            raise NotPlain(f"a value of {len(data):,} bytes is too large; at most {MOST_BYTES:,}")
        view = memoryview(len(data).to_bytes(8, "big") + data)
        try:
            while view:
                view = view[os.write(self.sink, view[:1_000_000]) :]
        except OSError as error:
            raise Gone(str(error)) from None

    def receive(self, seconds: float | None = None) -> list[Any]:
        """Return the next message; raise Gone if none comes in time or it is malformed."""
        end = None if seconds is None else time.monotonic() + seconds
        size = int.from_bytes(self._read(8, end), "big")
        if size > MOST_BYTES:
            raise Gone(f"a message of {size:,} bytes")
        try:
            message = json.loads(self._read(size, end))
        except (ValueError, RecursionError, MemoryError) as error:
            raise Gone(f"not a message: {type(error).__name__}") from None
        if not (isinstance(message, list) and message and isinstance(message[0], str)):
            raise Gone("not a message")
        return message

    def _read(self, size: int, end: float | None) -> bytes:
        data = bytearray()
        while len(data) < size:
            left = None if end is None else max(0.0, end - time.monotonic())
            if not select.select([self.source], [], [], left)[0]:
                raise Gone("no answer in time")
            part = os.read(self.source, min(size - len(data), 1_000_000))
            if not part:
                raise Gone("the process has ended")
            data += part
        return bytes(data)


class Encoder:
    """Values to JSON. `known` maps ids of objects that the other side holds to their numbers."""

    def __init__(
        self,
        known: dict[int, int],
        callback: Callable[[Any], int],
        number: Callable[[Any], int] | None = None,
        other: Callable[[Any], list[Any] | None] | None = None,
    ) -> None:
        self.known, self.callback, self.number, self.other = known, callback, number, other

    def encode(self, value: Any, depth: int = 0) -> list[Any]:
        """Return the value as JSON data; raise NotPlain if it is something else."""
        if depth > 50:
            raise NotPlain("a value nested more than 50 deep")
        if id(value) in self.known:
            return ["ref", self.known[id(value)]]
        return self.content(value, depth)

    def content(self, value: Any, depth: int = 0) -> list[Any]:
        """Return the value's content, also where the other side knows the object."""
        kind = type(value)
        if simple := SIMPLE.get(kind):
            return simple(value)
        if plain := ordinary(kind):
            return self.content(plain(value), depth)
        if kind in (list, tuple, set, frozenset):
            number = self._number(value) if kind in (list, set) else 0
            return [kind.__name__, number, [self.encode(v, depth + 1) for v in value]]
        if kind is dict:
            number = self._number(value)
            pairs = [
                [self.encode(k, depth + 1), self.encode(v, depth + 1)] for k, v in value.items()
            ]
            return ["dict", number, pairs]
        return self._array(value) or self._rest(value)

    def _number(self, value: Any) -> int:
        return self.number(value) if self.number else 0

    def _array(self, value: Any) -> list[Any] | None:
        np, torch = sys.modules.get("numpy"), sys.modules.get("torch")
        if np and isinstance(value, np.ndarray) and value.dtype.kind in NUMPY_KINDS:
            return ["array", self._number(value), *_bytes_of(value)]
        if np and isinstance(value, np.generic) and value.dtype.kind in NUMPY_KINDS:
            return ["scalar", *_bytes_of(value)]
        if torch and isinstance(value, torch.Tensor):
            return self._tensor(value, torch)
        if torch and isinstance(value, torch.Size):
            return ["size", [int(n) for n in value]]
        if torch and isinstance(value, torch.dtype):
            return ["dtype", str(value)]
        if torch and isinstance(value, torch.Generator):
            return ["generator", self._number(value), _b64(value.get_state().numpy().tobytes())]
        return None

    def _tensor(self, value: Any, torch: Any) -> list[Any]:
        if value.layout is not torch.strided or value.device.type != "cpu" or value.is_quantized:
            raise NotPlain("a tensor that is sparse, quantized or not on the CPU")
        flat = value.detach().resolve_conj().resolve_neg().contiguous().reshape(-1)
        data = flat.view(torch.uint8).numpy().tobytes() if flat.numel() else b""
        facts = [str(value.dtype), list(value.shape), bool(value.requires_grad)]
        return ["tensor", self._number(value), *facts, _b64(data)]

    def _rest(self, value: Any) -> list[Any]:
        if self.other and (encoded := self.other(value)):
            return encoded
        if callable(value):
            return ["call", self.callback(value)]
        raise NotPlain(f"a value of type {type(value).__name__}")


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _bytes_of(value: Any) -> list[Any]:
    return [
        value.dtype.newbyteorder("<").str,
        list(value.shape),
        _b64(value.astype(value.dtype.newbyteorder("<")).tobytes()),
    ]


SIMPLE: dict[type, Callable[[Any], list[Any]]] = {
    type(None): lambda v: ["none"],
    bool: lambda v: ["bool", v],
    int: lambda v: ["int", hex(v)],
    float: lambda v: ["float", v.hex()],
    complex: lambda v: ["complex", v.real.hex(), v.imag.hex()],
    str: lambda v: ["str", v],
    bytes: lambda v: ["bytes", _b64(v)],
    range: lambda v: ["range", hex(v.start), hex(v.stop), hex(v.step)],
    type(Ellipsis): lambda v: ["ellipsis"],
    slice: lambda v: ["slice", *[None if n is None else int(n) for n in (v.start, v.stop, v.step)]],
}


class Decoder:
    """JSON to values. `remember(number, object)` is told of objects that may come back."""

    def __init__(
        self,
        held: Callable[[int], Any],
        remote: Callable[[int], Any],
        remember: Callable[[int, Any], None],
        other: Callable[[list[Any]], Any] | None = None,
    ) -> None:
        self.held, self.remote, self.remember, self.other = held, remote, remember, other

    def decode(self, data: list[Any]) -> Any:
        """Return the value; raise Gone if the data is not of this language."""
        try:
            return self._decode(data)
        except (Gone, NotPlain):
            raise
        except Exception as error:
            raise Gone(f"not a value: {type(error).__name__}: {error}"[:200]) from None

    def _decode(self, data: list[Any]) -> Any:
        kind, rest = data[0], data[1:]
        if kind in PLAIN:
            return PLAIN[kind](*rest)
        if kind in ("tuple", "frozenset"):
            items = [self._decode(item) for item in rest[1]]
            return tuple(items) if kind == "tuple" else frozenset(items)
        if kind in ("list", "set", "dict"):
            return self._container(kind, *rest)
        if kind == "array":
            return self._kept(rest[0], array(*rest[1:]))
        if kind == "tensor":
            return self._kept(rest[0], tensor(*rest[1:]))
        if kind == "generator":
            return self._kept(rest[0], generator(*rest[1:]))
        if kind == "ref":
            return self.held(int(rest[0]))
        if kind == "call":
            return self.remote(int(rest[0]))
        if self.other:
            return self.other(data)
        raise Gone(f"an unknown kind of value, {str(kind)[:40]}")

    def _container(self, kind: str, number: int, items: list[Any]) -> Any:
        if kind == "dict":
            return self._kept(number, {self._decode(k): self._decode(v) for k, v in items})
        found = [self._decode(item) for item in items]
        return self._kept(number, set(found) if kind == "set" else found)

    def _kept(self, number: int, value: Any) -> Any:
        if number:
            self.remember(int(number), value)
        return value


def _unpacked(data: str) -> bytearray:
    return bytearray(base64.b64decode(data, validate=True))


def array(dtype: str, shape: list[int], data: str) -> Any:
    """Return a NumPy array from its bytes."""
    import numpy as np

    if np.dtype(dtype).kind not in NUMPY_KINDS:
        raise Gone("an array that does not hold numbers")
    return np.frombuffer(_unpacked(data), dtype=dtype).reshape(shape)


def tensor(dtype: str, shape: list[int], requires_grad: bool, data: str) -> Any:
    """Return a tensor from its bytes."""
    import torch

    kind = _dtype(dtype)
    raw = _unpacked(data)
    flat = torch.frombuffer(raw, dtype=kind) if raw else torch.empty(0, dtype=kind)
    return flat.reshape([int(n) for n in shape]).requires_grad_(bool(requires_grad))


def _dtype(name: str) -> Any:
    import torch

    kind = getattr(torch, name.removeprefix("torch."))
    if not isinstance(kind, torch.dtype):
        raise Gone("not a dtype")
    return kind


def generator(state: str) -> Any:
    """Return a torch.Generator in a state."""
    import torch

    made = torch.Generator()
    made.set_state(torch.frombuffer(_unpacked(state), dtype=torch.uint8))
    return made


def _size(shape: list[int]) -> Any:
    import torch

    return torch.Size([int(n) for n in shape])


PLAIN: dict[str, Callable[..., Any]] = {
    "none": lambda: None,
    "bool": bool,
    "int": lambda v: int(v, 16),
    "float": float.fromhex,
    "complex": lambda a, b: complex(float.fromhex(a), float.fromhex(b)),
    "str": str,
    "bytes": lambda v: bytes(_unpacked(v)),
    "range": lambda *v: range(*[int(n, 16) for n in v]),
    "ellipsis": lambda: Ellipsis,
    "slice": slice,
    "scalar": lambda *v: array(*v)[()],
    "size": _size,
    "dtype": _dtype,
}
