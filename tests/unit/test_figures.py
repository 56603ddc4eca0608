"""The figures that recur, and the labels at the ends of their lines."""

import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from helpers import plotting
from helpers.plotting import labels, style

X = np.array([1.0, 2.0, 4.0])
VALUES = np.array([[1.0, 10.0, 3.0], [3.0, 1000.0, 3.0], [9.0, 10.0, 3.0]])


@pytest.fixture
def ax():
    with matplotlib.rc_context():
        style.use()
        yield plt.subplots()[1]
    plt.close("all")


def bars(ax):
    """Dots and their bars, as drawn: x, middle, low, high."""
    (container,) = ax.containers
    dots, _, (lines,) = container
    ends = np.array(lines.get_segments())[:, :, 1]
    return dots, dots.get_xdata(), dots.get_ydata(), ends[:, 0], ends[:, 1]


def test_mean_and_spread_are_those_over_the_seeds(ax):
    assert plotting.mean_and_spread(ax, X, VALUES, color=2, label="tanh") is ax
    dots, x, middle, low, high = bars(ax)
    np.testing.assert_array_equal(x, X)
    np.testing.assert_allclose(middle, VALUES.mean(axis=0))
    np.testing.assert_allclose(high - middle, VALUES.std(axis=0, ddof=1))
    np.testing.assert_allclose(middle - low, VALUES.std(axis=0, ddof=1))
    assert dots.get_color() == style.dots(2)["color"]
    assert dots.get_marker() == style.dots(2)["marker"]
    assert dots.get_linestyle() != "None"
    assert ax.get_legend_handles_labels()[1] == ["tanh"]


def test_dots_may_stand_alone(ax):
    plotting.mean_and_spread(ax, X, VALUES, joined=False)
    assert bars(ax)[0].get_linestyle() == "None"


def test_on_a_log_axis_mean_and_spread_are_those_of_the_logarithm(ax):
    ax.set_yscale("log")
    plotting.mean_and_spread(ax, X, VALUES, geometric=True)
    _, _, middle, low, high = bars(ax)
    sd = np.exp(np.log(VALUES).std(axis=0, ddof=1))
    assert middle == pytest.approx([3.0, 10 ** (5 / 3), 3.0])
    np.testing.assert_allclose(high, middle * sd)
    np.testing.assert_allclose(low, middle / sd)
    assert (low > 0).all()


def test_a_prediction_is_a_line_and_a_measurement_dots(ax):
    predicted = [2.0, 30.0, 3.5]
    assert plotting.predicted_and_measured(ax, predicted, VALUES, color=1, label="layer") is ax
    line = ax.lines[0]
    dots, x, middle, _, _ = bars(ax)
    np.testing.assert_array_equal(line.get_xdata(), [1, 2, 3])  # layers count from 1
    np.testing.assert_array_equal(x, [1, 2, 3])
    np.testing.assert_array_equal(line.get_ydata(), predicted)
    assert middle == pytest.approx([3.0, 10 ** (5 / 3), 3.0])
    assert line.get_color() == dots.get_color() == style.line(1)["color"]
    assert line.get_marker() == "None"
    assert dots.get_linestyle() == "None"
    assert ax.get_legend_handles_labels()[1] == ["layer"]


def test_the_horizontal_axis_may_be_given_and_tensors_are_arrays(ax):
    plotting.predicted_and_measured(ax, torch.ones(3), torch.tensor(VALUES), x=X)
    np.testing.assert_array_equal(ax.lines[0].get_xdata(), X)


@pytest.mark.parametrize(
    ("x", "values", "geometric", "message"),
    [
        (X, VALUES[:1], False, r"values must have shape \(seeds >= 2, points = 3\); got \(1, 3\)"),
        (X, VALUES[:, :2], False, r"values must have shape .*points = 3\); got \(3, 2\)"),
        (X, VALUES[0], False, r"values must have shape .*; got \(3,\)"),
        (X[:, None], VALUES, False, r"x must have shape \(points,\); got \(3, 1\)"),
        (X, VALUES * np.nan, False, "values must be finite; got 9 NaN"),
        (X, VALUES - 1, True, r"values must be above 0 on a log axis; got 0\.0"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(ax, x, values, geometric, message):
    with pytest.raises(ValueError, match=message):
        plotting.mean_and_spread(ax, x, values, geometric=geometric)


@pytest.mark.parametrize(
    ("predicted", "measured", "x", "message"),
    [
        ([1, 2], VALUES, None, r"measured must have shape .*points = 2\); got \(3, 3\)"),
        ([1, 2], VALUES, X, r"predicted must have shape \(3,\), like x; got \(2,\)"),
        (1.0, VALUES[:, :1], None, r"predicted must have shape \(1,\), like x; got \(\)"),
        ([1, 0, 1], VALUES, None, r"predicted must be above 0 on a log axis; got 0\.0"),
        ([1, 1, 1], -VALUES, None, "measured must be above 0 on a log axis; got -1000"),
        ([1, np.inf, 1], VALUES, None, "predicted must be finite"),
    ],
)
def test_a_comparison_that_does_not_fit_is_refused(ax, predicted, measured, x, message):
    with pytest.raises(ValueError, match=message):
        plotting.predicted_and_measured(ax, predicted, measured, x=x)


def test_labels_that_have_room_stay_at_their_lines(ax):
    for height in (1.0, 5.0, 9.0):
        ax.plot([0, 1], [0, height], label=str(height))
    ax.set_ylim(0, 10)
    for text, height in zip(labels.label_lines(ax), (1.0, 5.0, 9.0)):
        assert text.xy == pytest.approx((1.0, height))
        assert text.xyann == pytest.approx((6, 0), abs=1e-9)
        assert text.get_text() == str(height)


def test_only_the_lines_asked_for_are_labelled_and_never_beyond_the_axes(ax):
    first = ax.plot([0, 1], [0, 50], label="a")
    ax.plot([0, 1], [0, 1], label="b")
    ax.plot([0, 1], [np.nan, np.nan], label="nowhere")
    ax.set_ylim(0, 10)
    (text,) = labels.label_lines(ax, first, size=9)
    assert (text.get_text(), text.get_size()) == ("a", 9)
    assert text.xy[1] == pytest.approx(10)  # the line ends at 50, the axes at 10
    assert len(labels.label_lines(ax)) == 2


@pytest.mark.parametrize("seed", range(5))
def test_labels_move_apart_by_as_little_as_possible(seed):
    at = np.random.default_rng(seed).uniform(0, 60, 8)
    moved = labels._apart(at, gap=10.0, low=-500.0, high=500.0)
    order = np.argsort(at)
    assert (np.diff(moved[order]) >= 10 - 1e-9).all()
    # least squares: where two labels are further apart than they need, both sides rest on their own
    breaks = np.flatnonzero(np.diff(moved[order]) > 10 + 1e-9) + 1
    for block in np.split(order, breaks):
        assert moved[block].mean() == pytest.approx(at[block].mean())


def test_labels_stay_between_the_ends_of_the_axes():
    moved = labels._apart(np.array([99.0, 100.0, 98.0]), gap=10.0, low=0.0, high=100.0)
    assert moved == pytest.approx([90.0, 100.0, 80.0])
    moved = labels._apart(np.array([0.0, 1.0]), gap=10.0, low=0.0, high=100.0)
    assert moved == pytest.approx([0.0, 10.0])
