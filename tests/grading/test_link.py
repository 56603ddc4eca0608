"""The checker's end of the pipe, with a student's process that answers as this test wants."""

import os
import threading

import numpy as np
import pytest
import torch
from torch import nn

from grading.inside import wire
from grading.inside.link import Link, Lost, Remote, StudentError, library_name, rebuilt


@pytest.fixture
def link():
    """A link, and what to answer: a list of messages, or of bytes that are none."""
    down, up = os.pipe(), os.pipe()
    made = Link(wire.Pipe(up[0], down[1]), 0.2)
    theirs = wire.Pipe(down[0], up[1])
    made.heard = []

    def answer(*replies):
        def run():
            for reply in replies:
                made.heard.append(theirs.receive(5))
                if isinstance(reply, bytes):
                    os.write(up[1], reply)
                else:
                    theirs.send(reply(made.heard[-1]) if callable(reply) else reply)

        threading.Thread(target=run, daemon=True).start()
        return Remote(made, "f", "f")

    yield made, answer
    for descriptor in (*down, *up):
        os.close(descriptor)


def returned(value, *changes):
    return ["return", wire.Encoder({}, lambda f: 0).encode(value), list(changes)]


def test_a_call_returns_what_the_other_side_says(link):
    f = link[1](returned([1.5]))
    assert f(2, k="x") == [1.5]
    assert link[0].heard == [["call", "f", ["tuple", 0, [["int", "0x2"]]],
                              ["dict", 1, [[["str", "k"], ["str", "x"]]]]]]  # fmt: skip


def encoded(value):
    return wire.Encoder({}, lambda f: 0).content(value)


@pytest.mark.parametrize(
    ("given", "left"),
    [([1, 2], [3]), ({"a": 1}, {"b": 2}), ({1}, {2}), (np.zeros(2), np.ones(2)),
     (torch.zeros(2), torch.ones(2))],
)  # fmt: skip
def test_what_the_function_did_to_an_argument_is_carried_back(link, given, left):
    f = link[1](lambda message: returned(None, [message[2][2][0][1], encoded(left)]))
    same = given
    f(given)
    assert same is given
    assert repr(given) == repr(left)


def test_a_generator_and_a_module_are_carried_back(link):
    g, other = torch.Generator().manual_seed(1), torch.Generator().manual_seed(2)
    link[1](lambda message: returned(None, [message[2][2][0][1], encoded(other)]))(g)
    assert torch.equal(g.get_state(), other.get_state())
    layer = nn.Linear(1, 1)
    state = {"weight": torch.full((1, 1), 5.0), "bias": torch.zeros(1)}
    link[1](lambda message: returned(None, [message[2][2][0][1], ["state", encoded(state)]]))(layer)
    assert layer.weight.item() == 5.0


def test_an_argument_that_comes_back_is_the_same_object(link):
    x = [1]
    f = link[1](lambda message: ["return", ["ref", message[2][2][0][1]], []])
    assert f(x) is x


def test_a_function_given_as_an_argument_is_called_here(link):
    def calls(message):
        args = wire.Encoder({}, lambda f: 0).encode((3,))
        return ["callback", message[2][2][0][1], args, ["dict", 0, []]]

    f = link[1](calls, lambda message: ["return", message[1], []])
    assert f(lambda x: x + 0.5) == 3.5
    f = link[1](calls, lambda message: ["return", ["str", f"{message[1]}: {message[2]}"], []])
    assert f(lambda x: 1 / 0) == "ZeroDivisionError: division by zero"


def test_a_function_that_is_returned_can_be_called(link):
    inner = link[1](["return", ["call", 4], []], returned(9))()
    assert inner(1) == 9
    assert link[0].heard[1][1] == 4


@pytest.mark.parametrize(
    "reply",
    [["return"], ["return", ["os", "system"], []], ["return", ["none"], [[99, ["none"]]]],
     ["verdict", "passed"], b"x" * 40, ["callback", 99, ["none"], ["none"]], ["callback"],
     ["return", ["none"], 5], ["callback", "x", 1, 2], ["ended", ""], ["return", ["ref", 77], []]],
)  # fmt: skip
def test_an_answer_of_another_language_is_the_end(link, reply):
    f = link[1](reply)
    with pytest.raises(Lost):
        f(1)
    with pytest.raises(Lost):  # and stays it
        f(1)


def test_no_answer_is_the_end(link, monkeypatch):
    monkeypatch.setattr(wire, "PATIENCE", -10.0)
    with pytest.raises(Lost, match="no answer in time"):
        Remote(link[0], "f", "f")(1)


def test_an_argument_that_is_no_plain_data_is_an_error_of_the_check(link):
    with pytest.raises(wire.NotPlain, match="generator"):
        Remote(link[0], "f", "f")(x for x in ())


@pytest.mark.parametrize(
    ("name", "kind"),
    [("ValueError", ValueError), ("AssertionError", AssertionError), ("MyError", StudentError),
     ("SystemExit", StudentError), ("print", StudentError), ("TimeLimit", StudentError),
     ("UnicodeDecodeError", StudentError), (5, StudentError)],
)  # fmt: skip
def test_exceptions_keep_their_type_if_it_is_built_in(link, name, kind):
    f = link[1](["raise", name, "no", 0])
    with pytest.raises(kind, match="no"):
        f()


def test_running_out_of_memory_is_said_in_words():
    assert str(rebuilt("MemoryError", "")) == "it ran out of memory"


def test_functions_of_libraries_go_by_name_and_others_do_not():
    assert library_name(torch.ones_like) == ("torch", "ones_like")
    assert library_name(np.tanh) == ("numpy", "tanh")
    assert library_name(torch.nn.functional.relu) == ("torch.nn.functional", "relu")
    assert library_name(lambda x: x) is None
    assert library_name(os.system) is None
    assert library_name(3) is None
