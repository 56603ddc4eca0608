import numpy as np
import pytest

from helpers import checks


@pytest.mark.parametrize("value", [True, 3.0, "3", None])
def test_an_integer_must_be_one(value):
    with pytest.raises(TypeError, match=r"depth must be an integer >= 1; got"):
        checks.positive_int("depth", value)


def test_an_integer_must_reach_its_minimum():
    assert checks.positive_int("depth", np.int64(3)) == 3
    assert checks.positive_int("depth", 0, minimum=0) == 0
    with pytest.raises(ValueError, match="depth must be an integer >= 1; got 0"):
        checks.positive_int("depth", 0)


@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf")])
def test_a_positive_number_is_finite_and_above_zero(value):
    with pytest.raises(ValueError, match=r"lr must be a finite number > 0; got"):
        checks.positive("lr", value)


def test_zero_passes_where_it_is_allowed():
    assert checks.positive("sigma_b2", 0, allow_zero=True) == 0.0
    with pytest.raises(ValueError, match="sigma_b2 must be a finite number >= 0; got -1"):
        checks.positive("sigma_b2", -1, allow_zero=True)
    with pytest.raises(TypeError, match="sigma_b2 must be a finite number >= 0; got 'a'"):
        checks.positive("sigma_b2", "a", allow_zero=True)


def test_a_name_is_one_of_the_options():
    assert checks.one_of("loss", "b", ["a", "b"]) == "b"
    with pytest.raises(ValueError, match="loss must be one of a, b; got 'c'"):
        checks.one_of("loss", "c", ["b", "a"])


def test_an_array_is_finite_numbers():
    assert checks.finite("q", [1, 2]).dtype == np.float64
    with pytest.raises(ValueError, match="q must be finite; got 1 NaN or infinite of 2 values"):
        checks.finite("q", [1.0, np.nan])
    with pytest.raises(ValueError, match="q must hold at least one number; got an empty array"):
        checks.finite("q", [])
    with pytest.raises(TypeError, match="q must be an array of numbers; got 'a'"):
        checks.finite("q", "a")


def test_every_replica_gets_its_own_number():
    assert checks.per_replica("lr", 0.5, 3).tolist() == [0.5, 0.5, 0.5]
    assert checks.per_replica("lr", [1, 2], 2).tolist() == [1.0, 2.0]
    with pytest.raises(ValueError, match=r"lr must be one number or one per replica, .*\(3,\)"):
        checks.per_replica("lr", [1, 2], 3)
    with pytest.raises(TypeError, match="lr must be a number or a list of numbers; got 'fast'"):
        checks.per_replica("lr", "fast", 3)
