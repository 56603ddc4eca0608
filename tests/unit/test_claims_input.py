"""What may be measured, and what is refused with which words."""

import json
import math

import numpy as np
import pytest
import torch

from helpers.claims import Claim, ClaimError, check, claim


def decide(measured, **relation):
    return check("it is so", measured=measured, **relation)


@pytest.mark.parametrize("scale", [1e-220, 1e-20, 1e220])
def test_gradients_of_any_size_have_a_spread(scale):
    x = np.array([1.0, 2, 3, 4, 5, 6, 7, 8]) * scale
    result = decide(x, predicted=4.5 * scale)
    assert result.holds
    assert result.sd == pytest.approx(math.sqrt(6) * scale, rel=1e-12, abs=0)
    assert result.tolerance == pytest.approx(5 * math.sqrt(6 / 8) * scale, rel=1e-12, abs=0)
    assert not decide(x, predicted=9.5 * scale).holds


def test_equal_values_have_no_spread_and_no_tolerance():
    result = decide([0.1] * 10, predicted=0.1)  # their sum / 10 is not 0.1
    assert (result.holds, result.sd, result.tolerance, result.mean) == (True, 0.0, 0.0, 0.1)
    assert not decide([0.1] * 10, predicted=0.1 + 1e-16).holds
    assert not decide([0.1] * 10, predicted=0.1, misses_because="of width").holds


def test_tensors_lists_and_integers_are_measurements():
    values = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.5]
    leaf = torch.tensor(values, requires_grad=True)
    for measured in (values, np.array(values), leaf, leaf.detach().double()):
        assert decide(measured, predicted=torch.tensor(4.5)).mean == pytest.approx(4.5625)
    assert decide(range(8), predicted=3.5).mean == 3.5
    flags = torch.tensor([True] * 30)
    assert decide(flags, proportion_at_least=0.6).holds


@pytest.mark.parametrize("measured", [np.random.default_rng(0).normal(size=12), np.ones(9, bool)])
def test_a_claim_is_json_data_and_comes_back_as_it_was(measured):
    relation = {"proportion": 0.9} if measured.dtype == bool else {"predicted": 0.25}
    result = decide(measured, **relation)
    data = result.as_dict()
    assert json.loads(json.dumps(data, allow_nan=False)) == data
    assert data["holds"] is True
    assert data["verdict"] == "holds"
    assert data["n"] == len(measured)
    assert data["interval"] == list(result.interval)
    assert len(data["values"]) == (0 if measured.dtype == bool else 12)
    words = {name: data[name] for name in data if name.endswith("_text")}
    assert words == {name: getattr(result, name) for name in words}
    assert len(words) == 3


EIGHT = list(range(8))
REFUSED = [
    ({}, ValueError, r"a claim needs exactly one of predicted, at_most, .*exactly; got none"),
    ({"predicted": 1, "exactly": 1}, ValueError, "exactly one of .*; got predicted and exactly"),
    ({"equals": 1}, TypeError, "a relation must be one of predicted, .*exactly; got equals"),
    (
        {"predicted": 1, "by": 1.0},
        ValueError,
        "by belongs to above or below; got it with predicted",
    ),
    (
        {"exactly": 1, "theory_error": 0.1},
        ValueError,
        "theory_error belongs to predicted or at_most or at_least; got it with exactly",
    ),
    (
        {"at_most": 1, "misses_because": "x"},
        ValueError,
        "misses_because belongs to predicted; got it with at_most",
    ),
    ({"statement": "  "}, ValueError, "statement must be a sentence; got an empty string"),
    ({"statement": 3}, TypeError, "statement must be a string; got 3"),
    ({"source": None}, TypeError, "source must be a string; got None"),
    ({"predicted": [1, 2]}, TypeError, r"predicted must be one number; got \[1, 2\]"),
    ({"predicted": "1"}, TypeError, "predicted must hold real numbers or booleans; got '1'"),
    ({"predicted": True}, TypeError, "predicted must be one number; got True"),
    ({"predicted": math.nan}, ValueError, "predicted must be finite; got 1 NaN or infinite of 1"),
    (
        {"predicted": 1, "theory_error": -1},
        ValueError,
        "theory_error must be a finite number >= 0; got -1",
    ),
    ({"above": EIGHT, "by": -1}, ValueError, "by must be a finite number >= 0; got -1"),
    ({"above": [1.0] * 9}, ValueError, "above must hold the same seeds as measured, 8; got 9"),
    ({"below": 3.0}, ValueError, r"below must have shape \(replicas,\), one value per seed"),
    ({"predicted": 1, "misses_because": " "}, ValueError, "misses_because must be a reason in"),
    ({"proportion": 0.5}, TypeError, "measured must hold booleans; got int64"),
    ({"measured": [True] * 8, "proportion": 1.1}, ValueError, "between 0 and 1; got 1.1"),
    (
        {"measured": [True] * 8, "predicted": 1.0},
        TypeError,
        r"measured must hold numbers \(booleans are for a proportion\); got bool",
    ),
    (
        {"measured": EIGHT[:7], "predicted": 1},
        ValueError,
        "measured must hold at least 8 seeds; got 7",
    ),
    (
        {"measured": np.ones((8, 2)), "predicted": 1},
        ValueError,
        r"measured must have shape \(replicas,\), one value per seed; got shape \(8, 2\)",
    ),
    ({"measured": 1.0, "predicted": 1}, ValueError, r"one value per seed; got shape \(\)"),
    (
        {"measured": [*EIGHT, math.nan], "predicted": 1},
        ValueError,
        "measured must be finite; got 1 NaN or infinite of 9 values",
    ),
    ({"measured": [[1], [2, 3]], "exactly": 1}, TypeError, "measured must hold real numbers"),
    ({"measured": [1j] * 8, "predicted": 1}, TypeError, "measured must hold real numbers"),
    ({"measured": [], "predicted": 1}, ValueError, "measured must hold at least one number"),
    ({"exactly": [1, 2]}, ValueError, r"exactly must be a number or have measured's shape \(8,\)"),
    (
        {"measured": np.ones(3, np.float16), "exactly": 1},
        TypeError,
        "measured must be of a type precise enough for an identity, float32 at least; got float16",
    ),
]


@pytest.mark.parametrize(("arguments", "error", "message"), REFUSED)
def test_bad_input_is_refused_with_what_came_and_what_is_allowed(arguments, error, message):
    arguments = {"statement": "it is so", "measured": EIGHT} | arguments
    for function in (check, claim):
        with pytest.raises(error, match=message):
            function(**arguments)


def test_a_false_claim_raises_with_the_claim():
    with pytest.raises(ClaimError) as caught:
        claim("it is so", measured=EIGHT, predicted=100.0)
    assert isinstance(caught.value, AssertionError)
    assert isinstance(caught.value.claim, Claim)
    assert not caught.value.claim.holds
