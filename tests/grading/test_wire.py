"""Values over a pipe: the same on the other side, and nothing but values."""

import collections
import json
import math
import os

import numpy as np
import pytest
import torch

from grading.inside import wire


def decoder():
    return wire.Decoder({}.__getitem__, lambda number: f"function {number}", lambda *_: None)


def there(value):
    encoded = wire.Encoder({}, lambda function: 7).encode(value)
    return decoder().decode(json.loads(json.dumps(encoded)))


@pytest.mark.parametrize(
    "value",
    [None, True, 3, -(2**200), 0.1, -0.0, math.inf, 5e-324, 1 + 2j, "π\ud800", b"\x00\xff",
     range(1, 9, 3),
     ..., slice(1, None, 2), [1, [2.0]], (1, "a"), {"a": [1], 2: None}, {1, 2}, frozenset({3})],
)  # fmt: skip
def test_plain_values_arrive_as_they_are(value):
    found = there(value)
    assert type(found) is type(value)
    assert repr(found) == repr(value)


Pair = collections.namedtuple("Pair", "a b")


@pytest.mark.parametrize(
    ("value", "plain"),
    [(Pair(1, [2.0]), (1, [2.0])), ({1: 2}.keys(), {1}), ({1: 2}.items(), [(1, 2)]),
     ({1: [2]}.values(), [[2]]), (collections.OrderedDict(a=1), {"a": 1}),
     (collections.defaultdict(list, a=1), {"a": 1}), (collections.Counter("aab"), {"a": 2, "b": 1}),
     (collections.deque([1, 2]), [1, 2]), (zip([1], [2]), [(1, 2)]), (map(abs, [-1]), [1]),
     ([Pair(1, 2)], [(1, 2)])],
)  # fmt: skip
def test_another_form_of_a_plain_value_arrives_as_the_plain_one(value, plain):
    found = there(value)
    assert type(found) is type(plain)
    assert found == plain


def test_what_pytorch_returns_in_pairs_arrives():
    values, places = there(torch.tensor([[1.0, 3.0]]).max(dim=1))
    assert (values.item(), places.item()) == (3.0, 1)


def test_a_named_tuple_says_what_is_in_it_and_not_what_its_class_pretends():
    class Sly(tuple):
        _fields = ("a",)

        def __iter__(self):
            return iter((8.0, 8.0))

    assert there(Sly((1, 2))) == (1, 2)


def test_not_a_number_arrives():
    assert math.isnan(there(math.nan))


@pytest.mark.parametrize(
    "value",
    [np.arange(6.0).reshape(2, 3), np.zeros((0, 3)), np.array(5), np.array([True]),
     np.arange(3)[::-1], np.float32(0.1), np.int64(3), np.array([1j]), np.arange(4, dtype=">i4")],
)  # fmt: skip
def test_arrays_arrive(value):
    found = there(value)
    assert type(found) is type(value)
    assert found.shape == value.shape
    assert (found == value).all()
    assert found.dtype == value.dtype.newbyteorder("<")


@pytest.mark.parametrize(
    "dtype", [torch.float64, torch.float32, torch.bfloat16, torch.int64, torch.bool]
)
def test_tensors_arrive(dtype):
    value = torch.tensor([[1.0, 0.0], [3.0, 4.0]]).to(dtype)
    found = there(value.mT)
    assert found.dtype is dtype
    assert torch.equal(found, value.mT)


def test_scalars_parameters_and_facts_of_tensors_arrive():
    assert there(torch.tensor(2.5)).item() == 2.5
    assert there(torch.empty(0, 3)).shape == (0, 3)
    assert there(torch.ones(2, requires_grad=True)).requires_grad
    assert type(there(torch.nn.Parameter(torch.ones(2)))) is torch.Tensor
    assert there(torch.ones(2, 3).shape) == torch.Size([2, 3])
    assert there(torch.float64) is torch.float64


def test_a_generator_arrives_in_its_state():
    g = torch.Generator().manual_seed(3)
    assert torch.equal(torch.rand(3, generator=there(g)), torch.rand(3, generator=g))


def test_a_function_arrives_as_something_to_call():
    assert there(lambda x: x) == "function 7"


class Float(float):
    def __eq__(self, other):
        return True

    __hash__ = float.__hash__


@pytest.mark.parametrize(
    "value", [Float(1.0), object(), np.array([object()]), iter([]), torch.eye(2).to_sparse()]
)
def test_anything_else_is_refused(value):
    with pytest.raises(wire.NotPlain):
        there(value)


def test_a_value_that_contains_itself_is_refused():
    value = []
    value.append(value)
    with pytest.raises(wire.NotPlain, match="50 deep"):
        there(value)


@pytest.mark.parametrize(
    "data",
    [["object", 1, "x"], ["global", "os", "system"], [], ["int", "x"], ["float", None],
     ["list", 0, [[]]],
     ["tensor", 0, "torch.load", [1], False, ""], ["tensor", 0, "torch.float64", [9], False,
     "AAAA"],
     ["array", 0, "O", [1], "AAAAAAAAAAA="], ["ref", 3],
     ["dict", 0, [[["list", 0, []], ["none"]]]], {"a": 1}, "x", 5, None],
)  # fmt: skip
def test_data_of_another_language_is_refused(data):
    with pytest.raises(wire.Gone):
        decoder().decode(data)


@pytest.fixture
def ends():
    """A pipe: what to write into, and a Pipe that reads it."""
    source, sink = os.pipe()
    yield sink, wire.Pipe(source, sink)
    os.close(source)
    os.close(sink)


def test_a_message_arrives_whole(ends):
    ends[1].send(["call", "x" * 10_000])
    assert ends[1].receive(1) == ["call", "x" * 10_000]


def framed(data):
    return len(data).to_bytes(8, "big") + data


@pytest.mark.parametrize(
    ("data", "why"),
    [(b"x" * 8, "a message of"), (framed(b"{"), "not a message"), (framed(b"3"), "not a message"),
     (framed(b"[]"), "not a message"), (framed(b"[" * 9000), "not a message"),
     (framed(b"[5]"), "not a message"),
     (b"\0" * 7 + b"\5abc", "no answer in time")],
)  # fmt: skip
def test_a_frame_that_is_none_is_the_end(ends, data, why):
    os.write(ends[0], data)
    with pytest.raises(wire.Gone, match=why):
        ends[1].receive(0.1)
