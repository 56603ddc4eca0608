"""The checker's end of the pipe: the student's functions as proxies, values back and forth."""

from __future__ import annotations

import base64
import builtins
import importlib
import pickle
from typing import Any

from grading.inside import wire

LIBRARIES = {"torch", "numpy", "math", "scipy", "helpers", "operator", "builtins", "cmath"}


class Lost(Exception):  # noqa: N818
    """The student's process ended, or its code did, in the middle of a check."""


class StudentError(Exception):
    """An exception of a type that is not built in."""


class Link:
    """The pipe, the objects sent over it, and whether the other side is still there."""

    def __init__(self, pipe: Any, seconds: float) -> None:
        self.pipe, self.seconds = pipe, seconds
        self.gone = ""  # the whole process: nothing more can be asked
        self.died = ""  # the fork: another can be started
        self.sent: dict[int, Any] = {}
        self.changed = False  # the student's code has changed an argument
        self.mine: list[Any] = []
        self.slow: set[str] = set()  # cells that took too long once are not run again

    def ask(self, message: list[Any], expected: tuple[str, ...], times: int = 1) -> list[Any]:
        """Send, and return the answer; callbacks are served on the way."""
        try:
            self.pipe.send(message)
            while True:
                reply: list[Any] = self.pipe.receive(wire.PATIENCE * self.seconds * times + 3.0)
                if reply[0] == "callback":
                    self.pipe.send(self._callback(*reply[1:]))
                elif reply[0] == "ended" and "ended" not in expected:
                    self.died = str(reply[1])[:200] or "it ended"
                    raise Lost(f"the process of your code is gone: {self.died}")
                elif reply[0] in expected:
                    return reply
                else:
                    raise wire.Gone(f"an unexpected answer, {reply[0][:40]}")
        except (wire.Gone, ValueError, TypeError, KeyError, IndexError) as error:
            if isinstance(error, wire.NotPlain):
                raise
            self.gone = str(error)[:200] or type(error).__name__
            raise Lost(f"the process of your code is gone: {self.gone}") from None

    def _callback(self, number: int, args: list[Any], kwargs: list[Any]) -> list[Any]:
        function = self.mine[number]
        try:
            result = function(*self.decode(args), **self.decode(kwargs))
            return ["result", self.encode(result)]
        except (wire.Gone, Lost):
            raise
        except Exception as error:
            return ["raise", type(error).__name__, str(error)[:2000]]

    def call(self, target: str | int, args: Any, kwargs: Any) -> Any:
        """Call a function of the student's; changes to mutable arguments are carried back."""
        if self.gone or self.died:
            raise Lost(f"the process of your code is gone: {self.gone or self.died}")
        message = ["call", target, self.encode(args), self.encode(kwargs)]
        reply = self.ask(message, ("return", "raise"))
        if reply[0] == "raise":
            raise rebuilt(reply[1], reply[2])
        try:
            for number, content in reply[2]:
                self._change(self.sent[number], content)
                self.changed |= content[0] != "generator"
            return self.decode(reply[1])
        except Exception as error:
            self.gone = f"a malformed answer: {error}"[:200]
            raise Lost(self.gone) from None

    def encode(self, value: Any) -> list[Any]:
        """Return a value of a check as data."""
        encoder = wire.Encoder({}, self._offer, self._number, self._other)
        return encoder.encode(value)

    def _offer(self, function: Any) -> int:
        self.mine.append(function)
        return len(self.mine) - 1

    def _number(self, value: Any) -> int:
        number = len(self.sent) + 1
        self.sent[number] = value
        return number

    def _other(self, value: Any) -> list[Any] | None:
        if isinstance(value, Remote) and isinstance(value.target, str):
            return None
        if name := library_name(value):
            return ["global", *name]
        if callable(value) and not hasattr(value, "state_dict"):
            return None
        try:
            return ["object", self._number(value), base64.b64encode(pickle.dumps(value)).decode()]
        except Exception:
            raise wire.NotPlain(f"a value of type {type(value).__name__}") from None

    def decode(self, data: list[Any]) -> Any:
        """Return a value of the student's."""
        made = wire.Decoder(self.sent.__getitem__, self._remote, lambda number, value: None)
        return made.decode(data)

    def _remote(self, number: int) -> Any:
        return Remote(self, number, "function")

    def _change(self, old: Any, content: list[Any]) -> None:
        """Give an argument the content that the student's code left in it."""
        if content[0] == "state":
            old.load_state_dict(self.decode(content[1]), strict=False)
            return
        new = self.decode(content)
        if isinstance(old, list):
            old[:] = new
        elif isinstance(old, (dict, set)):
            old.clear()
            old.update(new)
        elif content[0] == "generator":
            old.set_state(new.get_state())
        elif content[0] == "tensor":
            old.data = new.detach()
        elif content[0] == "array" and old.shape == new.shape:
            old[...] = new
        else:
            raise wire.Gone("an argument that changed its shape")


class Remote:
    """A function of the student's. It has a name, and can be called; nothing else."""

    def __init__(self, link: Link, target: str | int, name: str) -> None:
        self.link, self.target, self.__name__ = link, target, name

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function where it is."""
        return self.link.call(self.target, args, kwargs)


def library_name(value: Any) -> tuple[str, str] | None:
    """Return (module, name) of a function that a library holds under that name."""
    module, full = getattr(value, "__module__", None), getattr(value, "__qualname__", None)
    short = getattr(value, "__name__", None)
    for home, name in ((module, full), ("torch", short), ("numpy", short), ("math", short)):
        if not name or not home or str(home).partition(".")[0] not in LIBRARIES:
            continue
        try:
            found: Any = importlib.import_module(home)
            for part in name.split("."):
                found = getattr(found, part)
        except (ImportError, AttributeError):
            continue
        if found is value:
            return home, name
    return None


def rebuilt(name: Any, message: Any) -> Exception:
    """Return an exception of the student's: its own type if that is built in."""
    kind = getattr(builtins, str(name), None)
    if str(name) in ("TimeLimit", "MemoryError"):
        return StudentError(str(message) or "it ran out of memory")
    if isinstance(kind, type) and issubclass(kind, Exception):
        try:
            return kind(str(message))
        except TypeError:  # UnicodeDecodeError wants five arguments
            pass
    return StudentError(f"{str(name)[:100]}: {message}")
