"""The six rules, against values computed another way, and that each of them can fail."""

import numpy as np
import pytest
import torch
from scipy import optimize, stats

from helpers.claims import check

DRAWS = range(25)
BEYOND = 2.001  # times the tolerance


def draw(seed, boolean=False):
    """One random experiment: 8 to 60 seeds, any location, any scale."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(8, 60))
    if boolean:
        return rng.random(n) < rng.random()
    return rng.normal(rng.normal(), 10 ** rng.uniform(-9, 9), n)


def decide(measured, **relation):
    return check("it is so", measured=measured, **relation)


# -- the rules ---------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", DRAWS)
def test_an_equality_is_within_the_error_of_the_theory_and_five_standard_errors(seed):
    x = draw(seed)
    sem = stats.sem(x)
    tolerance = 0.3 * sem + 5 * sem
    for offset in (-1.001, -0.999, 0.999, 1.001):
        predicted = x.mean() + offset * tolerance
        result = decide(x, predicted=predicted, theory_error=0.3 * sem)
        assert result.holds is (abs(offset) < 1)
        assert result.tolerance == pytest.approx(tolerance, rel=1e-9, abs=0)
        assert result.margin == pytest.approx(tolerance * (1 - abs(offset)), rel=1e-3, abs=0)
        assert (result.kind, result.relation, result.n) == ("equality", "=", len(x))
        assert (result.mean, result.sd) == pytest.approx((x.mean(), x.std(ddof=1)), rel=1e-9, abs=0)
        assert result.sem == pytest.approx(sem, rel=1e-9, abs=0)


@pytest.mark.parametrize("seed", DRAWS)
@pytest.mark.parametrize(("name", "sign"), [("at_most", 1), ("at_least", -1)])
def test_a_bound_is_respected_by_five_standard_errors(seed, name, sign):
    x = draw(seed)
    sem = stats.sem(x)
    edge = x.mean() + sign * (5 - 0.3) * sem
    assert decide(x, **{name: edge + sign * 0.01 * sem}, theory_error=0.3 * sem).holds
    result = decide(x, **{name: edge - sign * 0.01 * sem}, theory_error=0.3 * sem)
    assert not result.holds
    assert result.margin == pytest.approx(-0.01 * sem, rel=1e-3, abs=0)
    assert (result.kind, result.relation) == ("bound", "≤" if sign == 1 else "≥")


@pytest.mark.parametrize("seed", DRAWS)
@pytest.mark.parametrize(("name", "sign"), [("above", 1), ("below", -1)])
def test_an_ordering_is_of_the_paired_differences(seed, name, sign):
    other = draw(seed)
    shift = np.random.default_rng(seed + 1000).normal(size=len(other)) * other.std()
    x = other + sign * (10 * other.std() + shift)
    difference = x - other
    edge = abs(difference.mean()) - 5 * stats.sem(difference)
    assert decide(x, **{name: other}, by=0.999 * edge).holds
    assert not decide(x, **{name: other}, by=1.001 * edge).holds
    result = decide(x, **{name: other})
    assert result.holds
    assert (result.kind, result.relation) == ("ordering", ">" if sign == 1 else "<")
    assert result.values == pytest.approx(difference.tolist())
    opposite = "below" if name == "above" else "above"
    assert not decide(x, **{opposite: other}).holds


def test_seeds_that_tie_are_not_in_order():
    x = np.arange(8.0)
    assert not decide(x, above=x).holds
    assert not decide(x, below=x).holds
    assert decide(x + 0.5, above=x).holds


@pytest.mark.parametrize("seed", DRAWS)
def test_the_interval_of_a_proportion_leaves_half_of_5_sigma_on_either_side(seed):
    hits = draw(seed, boolean=True)
    k, n, half = int(hits.sum()), len(hits), stats.norm.sf(5)
    result = decide(hits, proportion=k / n)
    low, high = result.interval
    if k:
        expected = optimize.brentq(lambda p: stats.binom.sf(k - 1, n, p) - half, 1e-12, 1 - 1e-12)
        assert low == pytest.approx(expected, abs=1e-9)
    else:
        assert low == 0
    if k < n:
        expected = optimize.brentq(lambda p: stats.binom.cdf(k, n, p) - half, 1e-12, 1 - 1e-12)
        assert high == pytest.approx(expected, abs=1e-9)
    else:
        assert high == 1
    assert result.holds
    assert result.mean == k / n
    assert result.tolerance == pytest.approx((high - low) / 2)


@pytest.mark.parametrize("hits", [3, 20, 37])
def test_a_share_is_in_its_interval_or_beyond_the_whole_of_it(hits):
    x = np.arange(40) < hits
    low, high = decide(x, proportion=0.5).interval
    inside, outside = 1e-6, -1e-6
    for step, holds in ((inside, True), (outside, False)):
        assert decide(x, proportion=low + step).holds is holds
        assert decide(x, proportion=high - step).holds is holds
        assert decide(x, proportion_at_least=low - step).holds is holds
        assert decide(x, proportion_at_most=high + step).holds is holds


@pytest.mark.parametrize("seed", DRAWS)
def test_an_expected_miss_is_the_opposite_of_an_equality(seed):
    x = draw(seed)
    for offset in (-7.0, -0.99, 0.0, 0.99, 1.01, 7.0):
        predicted = x.mean() + offset * 5 * stats.sem(x)
        miss = decide(x, predicted=predicted, misses_because="it  is\nnot so")
        equality = decide(x, predicted=predicted)
        assert miss.holds is not equality.holds
        assert miss.margin == -equality.margin
        assert (miss.kind, miss.relation, miss.reason) == ("expected miss", "≠", "it is not so")


@pytest.mark.parametrize("dtype", [np.float32, np.float64, torch.float32, torch.float64])
def test_an_identity_forgives_a_thousand_roundings_of_the_measured_type(dtype):
    library = torch if isinstance(dtype, torch.dtype) else np
    want = library.asarray([[1.0, -3e-20, 0.0], [5e20, -7.0, 1e-3]], dtype=dtype)
    eps = library.finfo(dtype).eps
    assert decide(want * (1 + 900 * eps), exactly=want).holds
    assert not decide(want * (1 + 1100 * eps), exactly=want).holds
    one_wrong = library.asarray(want)
    one_wrong[0, 1] = -3.1e-20
    assert not decide(one_wrong, exactly=library.asarray([[1, -3e-20, 0], [5e20, -7, 1e-3]])).holds


def test_integers_and_booleans_are_equal_or_not():
    assert decide([2**60, 3], exactly=[2**60, 3]).holds
    assert not decide([2**60, 3], exactly=[2**60 + 1, 3]).holds
    assert decide(np.array([True, False]), exactly=[True, False]).holds
    assert not decide(torch.tensor([True, False]), exactly=True).holds
    assert decide(128, exactly=128.0).holds


def test_an_identity_reports_its_worst_element():
    result = decide([1.0, 0.0, 1e6], exactly=[1.0 + 1e-12, 0.0, 1e6 + 1e-8])
    assert not result.holds
    assert result.deviation == pytest.approx(1e-12, rel=1e-3, abs=0)
    assert (result.n, result.mean, result.predicted) == (3, None, None)


# -- able to fail ------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", DRAWS)
def test_an_equality_fails_wherever_it_held_when_moved_by_twice_the_tolerance(seed):
    x = draw(seed)
    error = stats.sem(x) * np.random.default_rng(seed).uniform(0, 10)
    tolerance = decide(x, predicted=0.0, theory_error=error).tolerance
    for start in np.linspace(-0.9999, 0.9999, 5):
        predicted = x.mean() + start * tolerance
        assert decide(x, predicted=predicted, theory_error=error).holds
        for step in (-BEYOND, BEYOND):
            moved = predicted + step * tolerance
            assert not decide(x, predicted=moved, theory_error=error).holds


@pytest.mark.parametrize("seed", DRAWS)
def test_a_proportion_fails_wherever_it_held_when_moved_by_twice_the_tolerance(seed):
    hits = draw(seed, boolean=True)
    result = decide(hits, proportion=hits.mean())
    low, high = result.interval
    for start in np.linspace(low + 1e-9, high - 1e-9, 5):
        assert decide(hits, proportion=start).holds
        for step in (-BEYOND, BEYOND):
            moved = start + step * result.tolerance
            if 0 <= moved <= 1:
                assert not decide(hits, proportion=moved).holds
            else:
                with pytest.raises(ValueError, match="proportion must be between 0 and 1"):
                    decide(hits, proportion=moved)


@pytest.mark.parametrize("seed", DRAWS)
def test_an_identity_fails_when_moved_by_twice_the_tolerance(seed):
    x = draw(seed)
    for want in (x, x * (1 + 2e-13), x * (1 - 2e-13)):
        result = decide(x, exactly=want)
        assert result.holds
        for step in (-BEYOND, BEYOND):
            assert not decide(x, exactly=want + step * result.tolerance).holds


@pytest.mark.parametrize("seed", DRAWS)
@pytest.mark.parametrize(("name", "sign"), [("at_most", 1), ("at_least", -1)])
def test_a_bound_that_just_holds_fails_when_sharpened_and_so_does_any_beyond_the_mean(
    seed, name, sign
):
    x = draw(seed)
    sem = stats.sem(x)
    edge = x.mean() + sign * 4.001 * sem
    result = decide(x, **{name: edge}, theory_error=sem)
    assert result.holds
    sharper = edge - sign * BEYOND * result.tolerance
    assert not decide(x, **{name: sharper}, theory_error=sem).holds
    assert not decide(x, **{name: x.mean() - sign * 1.001 * sem}, theory_error=sem).holds


@pytest.mark.parametrize("seed", DRAWS)
def test_an_ordering_that_just_holds_fails_with_a_larger_margin(seed):
    x = draw(seed)
    other = x - 10 * x.std() - np.random.default_rng(seed).normal(size=len(x)) * x.std()
    by = decide(x, above=other).margin * 0.9999
    result = decide(x, above=other, by=by)
    assert result.holds
    assert not decide(x, above=other, by=by + BEYOND * result.tolerance).holds


@pytest.mark.parametrize("seed", DRAWS)
def test_a_miss_fails_when_the_prediction_is_moved_to_where_it_comes_true(seed):
    x = draw(seed)
    tolerance = decide(x, predicted=0.0).tolerance
    for side in (-1, 1):
        just, true = x.mean() + side * np.array([1.001, 0.999]) * tolerance
        assert decide(x, predicted=just, misses_because="of it").holds
        assert not decide(x, predicted=true, misses_because="of it").holds


@pytest.mark.parametrize("n", [8, 16])
def test_false_alarms_are_as_rare_as_said(n):
    rng = np.random.default_rng(n)
    draws = 6000
    # Three standard errors instead of five would alarm in 2 % of them.
    alarms = sum(not decide(x, predicted=2.0).holds for x in rng.normal(2.0, 1.0, (draws, n)))
    low, high = stats.binom.interval(0.9999, draws, 2 * stats.t.sf(5, n - 1))
    assert low <= alarms <= high
    assert (n == 8) == (alarms > 0)
