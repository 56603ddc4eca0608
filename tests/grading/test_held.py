"""What a check in the student's process uses of libraries is what it was before the answer."""

import math
import os.path

import pytest

from grading.inside.checker import dotted
from grading.inside.student import Session, held


def test_the_names_that_a_check_uses_are_found():
    source = "gradient, = torch.autograd.grad(f(a).sum(), a)\nassert b.x.y[0].z"
    assert dotted(source) == {"torch.autograd.grad", "torch.autograd", "b.x.y", "b.x"}


def test_only_names_of_modules_are_held():
    names = {"os": os, "x": 3}
    found = held(names, ["os.path.join", "os.path.none.more", "x.real", "y.z"])
    assert found["os.path.join"] == (os.path, "join", os.path.join)
    assert set(found) == {"os.path", "os.path.join"}


def test_a_replaced_function_is_put_back_before_the_check_and_named(monkeypatch):
    session = Session(None, {"math": math, "__name__": "__main__"}, 1.0, ["math.sqrt", "math.exp"])
    right = math.sqrt
    monkeypatch.setattr(math, "sqrt", lambda x: 3.0)
    assert session._run("root = math.sqrt(4.0)", "check", []) == ["done", "math.sqrt"]
    assert session.names["root"] == 2.0
    assert math.sqrt is right
    assert session._run("pass", "check", []) == ["done", ""]


def test_a_replaced_function_is_put_back_for_a_check_that_fails(monkeypatch):
    session = Session(None, {"math": math, "__name__": "__main__"}, 1.0, ["math.sqrt"])
    monkeypatch.setattr(math, "sqrt", lambda x: 3.0)
    with pytest.raises(AssertionError):
        session._run("assert math.sqrt(4.0) == 3.0", "check", [])
