import json
import re
from urllib.parse import unquote

import ipywidgets
import matplotlib
import numpy as np
import pytest
from bs4 import BeautifulSoup

matplotlib.use("agg")

import matplotlib.pyplot as plt

from helpers.explore import explore
from helpers.explore.grid import MOST_FRAMES, combinations, number_text, read_grid


@pytest.fixture(autouse=True)
def _tidy():
    yield
    plt.close("all")


@pytest.fixture
def build(monkeypatch):
    monkeypatch.setenv("BOOK_BUILD", "1")


@pytest.fixture
def live(monkeypatch):
    monkeypatch.delenv("BOOK_BUILD", raising=False)


class Drawn:
    """A drawing function that remembers what it was asked for."""

    def __init__(self):
        self.calls = []

    def __call__(self, **values):
        self.calls.append(values)
        figure, axes = plt.subplots(figsize=(3, 2))
        axes.set_title(" ".join(map(str, values.values())))
        return figure


def say(**values):
    return "A title that says " + " ".join(map(str, values.values()))


def parsed(html):
    """The explorer's element, and what its script reads."""
    root = BeautifulSoup(html.data, "html.parser").div
    table, drawings = (json.loads(script.string) for script in root.find_all("script"))
    return root, table | {"drawings": drawings}


# ---- The grid


def test_frames_are_all_combinations_and_the_last_control_changes_fastest():
    controls = read_grid({"depth": [5, 10], "activation": ["tanh", "relu"]}, {}, {})
    assert list(combinations(controls)) == [
        {"depth": 5, "activation": "tanh"},
        {"depth": 5, "activation": "relu"},
        {"depth": 10, "activation": "tanh"},
        {"depth": 10, "activation": "relu"},
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [(20, "20"), (-0.5, "−0.5"), (1e-5, "10⁻⁵"), (2.5e-5, "2.5 × 10⁻⁵"), (0.1 + 0.2, "0.3")],
)
def test_numbers_read_as_in_print(value, text):
    assert number_text(value) == text


def test_a_control_is_called_and_labelled_as_a_reader_would():
    grid = {"n_in": [1, 2], "clip": [False, True], "f": {"the sine": np.sin, "none": None}}
    n_in, clip, f = read_grid(grid, {"clip": "clipping"}, {"clip": True, "f": "none"})
    assert (n_in.label, clip.label) == ("n in", "clipping")
    assert (clip.texts, f.texts) == (("off", "on"), ("the sine", "none"))
    assert (n_in.start, clip.start, f.start) == (0, 1, 1)
    assert f.values == (np.sin, None)
    assert (n_in.numeric, clip.numeric, f.numeric) == (True, False, False)


def test_numpy_scalars_become_pythons_own():
    control = read_grid({"depth": np.array([5, 10])}, {}, {"depth": np.int64(10)})[0]
    assert control.values == (5, 10)
    assert all(type(value) is int for value in control.values)
    assert control.start == 1


def test_tokens_need_no_escaping_in_an_address_and_differ():
    grid = {"a": [1e-5, 0.1, 2e6], "b": ["x & y", "x + y", "?"]}
    a, b = read_grid(grid, {}, {})
    assert a.tokens == ("1e-05", "0.1", "2e06")
    assert b.tokens == ("x-y", "x-y-2", "value")
    assert not re.search(r"[^\w.-]", "".join(a.tokens + b.tokens))


# ---- What is refused, at once


@pytest.mark.parametrize(
    ("grid", "words"),
    [
        ({}, "at least one argument"),
        ({"depth": []}, r"depth must have at least two values .* got \[\]"),
        ({"depth": [5]}, r"depth must have at least two values .* got \[5\]"),
        ({"depth": 5}, "depth must be a list of values .* got 5"),
        ({"depth": "5"}, "depth must be a list of values .* got '5'"),
        ({"depth": range(MOST_FRAMES + 1)}, "at most 200 frames; got 201 depth = 201"),
        ({"a": range(15), "b": range(14)}, "at most 200 frames; got 15 a x 14 b = 210"),
        ({"depth": [5, 5]}, r"depth must have values that read differently; got \[5, 5\]"),
        ({"rate": [1.00001, 1.00002]}, "rate must have values that read differently"),
        ({"depth": [10, 5]}, r"depth must rise from number to number; got \[10, 5\]"),
        ({"f": [np.sin, np.cos]}, "f must hold finite numbers, strings or bools, or be a dict"),
        ({"rate": [0.1, float("nan")]}, "rate must hold finite numbers"),
        ({"rate": [0.1, None]}, "rate must hold finite numbers"),
        ({"name": ["a", " "]}, "name must have labels that are not empty; got ' '"),
        ({"f": {1: "a", 2: "b"}}, "f must have labels that are not empty; got 1"),
    ],
)
@pytest.mark.parametrize("mode", ["build", "live"])
def test_a_grid_that_is_none_is_refused_before_anything_is_drawn(request, mode, grid, words):
    request.getfixturevalue(mode)
    draw = Drawn()
    with pytest.raises((TypeError, ValueError), match=words):
        explore(draw, alt=say, title="A", **grid)
    assert draw.calls == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"draw": "no"}, "draw must be a function .* got 'no'"),
        ({"alt": None}, "alt must be a function .* got None"),
        ({"alt": "A frame."}, "alt must be a function .* got 'A frame.'"),
        ({"title": ""}, "title must be a text that is not empty; got ''"),
        ({"start": {"depth": 7}}, r"start\['depth'\] must be one of 5, 10; got 7"),
        ({"start": {"width": 7}}, "start must name one of depth; got 'width'"),
        ({"start": 5}, "start must be a dict .* got 5"),
        ({"labels": {"width": "w"}}, "labels must name one of depth; got 'width'"),
        ({"labels": {"depth": ""}}, r"labels\['depth'\] must be a text .* got ''"),
    ],
)
def test_an_argument_that_does_not_fit_is_named(live, arguments, words):
    given = {"draw": Drawn(), "alt": say, "title": "A", "depth": [5, 10]} | arguments
    with pytest.raises((TypeError, ValueError), match=words):
        explore(given.pop("draw"), **given)


@pytest.mark.parametrize("returned", ["", "  ", None, 5])
@pytest.mark.parametrize("mode", ["build", "live"])
def test_a_frame_without_words_is_refused(request, mode, returned):
    request.getfixturevalue(mode)
    with pytest.raises(TypeError, match="alt must return what is seen") as caught:
        explore(Drawn(), alt=lambda depth: returned, title="A", depth=[5, 10])
    assert caught.value.__notes__ == ["explore was at depth=5"]


@pytest.mark.parametrize("mode", ["build", "live"])
def test_a_drawing_function_that_returns_no_figure_is_refused(request, mode):
    request.getfixturevalue(mode)
    before = plt.get_fignums()
    with pytest.raises(TypeError, match="draw must return a matplotlib Figure or Axes; got None"):
        explore(lambda depth: plt.plot([1, 2]) and None, alt=say, title="A", depth=[5, 10])
    assert plt.get_fignums() == before


def test_one_text_for_all_frames_is_refused(build):
    with pytest.raises(
        ValueError, match=r"alt must say what is seen in each frame; got 'A plot\.'"
    ):
        explore(Drawn(), alt=lambda depth: "A plot.", title="A", depth=[5, 10])


def test_figures_of_different_sizes_are_refused(build):
    def draw(depth):
        return plt.figure(figsize=(depth, 2))

    with pytest.raises(
        ValueError, match=r"figures of one size; got \[\(288, 192\), \(384, 192\)\]"
    ):
        explore(draw, alt=say, title="A", depth=[3, 4])


# ---- The page


def test_every_frame_is_drawn_once_and_no_figure_stays_open(build, capfd):
    draw, other = Drawn(), plt.figure()
    explore(draw, alt=say, title="A", depth=[5, 10], width=[1, 2, 3])
    assert len(draw.calls) == 6
    assert plt.get_fignums() == [other.number]
    assert capfd.readouterr() == ("", "")


def test_the_start_frame_stands_without_the_script(build):
    grid = {"depth": [5, 10, 20], "activation": ["tanh", "relu"]}
    start = {"depth": 10, "activation": "relu"}
    html = explore(Drawn(), alt=say, title="How far?", labels={"depth": "L"}, start=start, **grid)
    root, data = parsed(html)
    assert root["id"] == "explore-how-far"
    assert root.img["alt"] == "A title that says 10 relu"
    assert unquote(root.img["src"]) == "data:image/svg+xml," + data["drawings"][data["shown"][3]]
    assert ">10 relu</text>" in unquote(root.img["src"])
    assert (root.img["width"], root.img["height"]) == ("288", "192")
    assert root.find(class_="explorer-values").text == "L: 10, activation: relu"
    assert root.fieldset.has_attr("disabled")
    assert root.fieldset.legend.text == "How far?"
    assert "6 settings" in root.noscript.text
    assert not re.search(r"\bon\w+=|javascript:", str(root.fieldset))


def test_every_combination_has_its_drawing_and_its_words(build):
    draw = Drawn()
    _, data = parsed(explore(draw, alt=say, title="A", a=[1, 2], b=["x", "y", "z"]))
    for values, alt, shown in zip(draw.calls, data["alts"], data["shown"], strict=True):
        title = " ".join(map(str, values.values()))
        assert alt == f"A title that says {title}"
        assert f">{title}</text>" in data["drawings"][shown]


def test_a_drawing_that_several_settings_share_is_stored_once(build):
    def draw(depth, unused):
        return Drawn()(depth=depth)

    _, data = parsed(explore(draw, alt=say, title="A", depth=[5, 10], unused=[1, 2, 3]))
    assert len(data["drawings"]) == 2
    assert data["shown"] == [0, 0, 0, 1, 1, 1]
    assert len(set(data["alts"])) == 6


def test_numbers_get_a_slider_with_their_words_and_names_a_menu(build):
    grid = {"rate": [1e-4, 1e-3, 1e-2], "two": [1, 2], "name": ["a", "b"], "flag": [False, True]}
    root, data = parsed(explore(Drawn(), alt=say, title="A", start={"rate": 1e-3}, **grid))
    rate = root.find("input")
    assert (rate["type"], rate["name"], rate["min"], rate["max"]) == ("range", "rate", "0", "2")
    assert (rate["value"], rate["aria-valuetext"], root.output.text) == ("1", "0.001", "0.001")
    assert [menu["name"] for menu in root.find_all("select")] == ["two", "name", "flag"]
    assert [option.text for option in root.find_all("option")[-2:]] == ["off", "on"]
    assert data["controls"][0]["texts"] == ["0.0001", "0.001", "0.01"]
    for label in root.find_all("label"):
        assert root.find(id=label["for"]).name in ("input", "select")


def test_whatever_a_text_holds_cannot_leave_its_place(build):
    nasty = """</script><!-- <script> "'&amp; \\ <b>"""
    html = explore(
        Drawn(),
        alt=lambda name: f"{nasty} {name}",
        title=f"A {nasty}",
        labels={"name": f"B {nasty}"},
        name=[nasty, "other"],
    )
    root, data = parsed(html)
    assert len(BeautifulSoup(html.data, "html.parser").find_all(["div", "script"])) == 4
    assert root.find("b") is None
    assert root.img["alt"] == f"{nasty} {nasty}".strip() == data["alts"][0]
    assert root.legend.text == f"A {nasty}"
    assert root.label.text == f"B {nasty}"
    assert root.option.text == nasty
    assert html.data.count("</script") == 2
    assert "<!--" not in html.data


def test_an_axes_does_as_well_as_its_figure(build):
    def draw(depth):
        return Drawn()(depth=depth).axes[0]

    _, data = parsed(explore(draw, alt=say, title="A", depth=[5, 10]))
    assert len(data["drawings"]) == 2


def test_the_same_call_gives_the_same_page(build):
    one, two = (explore(Drawn(), alt=say, title="A", depth=[5, 10]).data for _ in range(2))
    assert one == two


# ---- With a live kernel


def fields_of(widget):
    _, bar, view = widget.children
    return *bar.children, view


def test_only_the_point_asked_for_is_drawn(live):
    draw = Drawn()
    widget = explore(draw, alt=say, title="A", start={"depth": 10}, depth=[5, 10, 20])
    assert draw.calls == [{"depth": 10}]
    slider, view = fields_of(widget)
    assert 'alt="A title that says 10"' in view.value
    slider.value = 13
    assert draw.calls[1:] == [{"depth": 13}]
    assert 'alt="A title that says 13"' in view.value
    assert plt.get_fignums() == []


def stops_of(slider):
    return [value for _, value in slider.options]


@pytest.mark.parametrize(
    ("numbers", "between"),
    [
        ([5, 10, 15], [6, 7, 8, 9]),
        ([5, 10], [6, 7, 8, 9]),
        ([0.0, 0.5, 1.0], np.arange(1, 10) / 20),
        ([1, 1.5, 2], 1 + np.arange(1, 10) / 20),
        ([-1, 0, 1], []),
        ([1e-4, 1e-3, 1e-2], 10 ** (-4 + np.arange(1, 10) / 10)),
        ([5, 10, 20, 40], [6, 7, 8, 9]),
        ([-100, 0, 100], [-90, -80, -70, -60, -50, -40, -30, -20, -10]),
    ],
)
def test_a_slider_stands_on_every_number_and_on_some_between(live, numbers, between):
    for start in numbers:
        draw = Drawn()
        slider, _ = fields_of(explore(draw, alt=say, title="A", start={"x": start}, x=numbers))
        assert type(slider) is ipywidgets.SelectionSlider
        assert draw.calls == [{"x": start}]
        assert type(draw.calls[0]["x"]) is type(start)
    stops = stops_of(slider)
    assert set(numbers) <= set(stops)
    assert stops == sorted(stops)
    np.testing.assert_allclose([x for x in stops if numbers[0] < x < numbers[1]], between)


def test_a_slider_shows_the_numbers_as_the_page_does_and_those_between_in_short(live):
    slider, _ = fields_of(explore(Drawn(), alt=say, title="A", x=[1e-4, 1e-3, 1e-2]))
    texts = [text for text, _ in slider.options]
    assert texts[:2] == ["0.0001", "0.000126"]
    slider, _ = fields_of(explore(Drawn(), alt=say, title="A", x=[1 / 3, 1.0, 2.0]))
    texts = [text for text, _ in slider.options]
    assert texts[:2] == ["0.3333", "0.4"]


def test_between_whole_numbers_it_stays_whole_also_where_the_steps_are_ratios(live):
    draw = Drawn()
    slider, _ = fields_of(explore(draw, alt=say, title="A", depth=[5, 10, 20, 40]))
    assert stops_of(slider) == [*range(5, 18), 19, 20, 21, 23, 25, 26, 28, 30, 32, 35, 37, 40]
    slider.value = 14
    slider.value = 40
    assert draw.calls[1:] == [{"depth": 14}, {"depth": 40}]
    assert all(type(call["depth"]) is int for call in draw.calls)


def test_menus_pass_the_value_and_show_the_label(live):
    draw = Drawn()
    f = {"sine": np.sin, "none": None}
    menu, flag, _ = fields_of(explore(draw, alt=say, title="A", f=f, flag=[False, True]))
    assert menu.description == "f"
    menu.label = "none"
    flag.label = "on"
    assert draw.calls[1:] == [{"f": None, "flag": False}, {"f": None, "flag": True}]


def test_an_error_at_the_start_is_raised_and_a_later_one_shown_in_place(live):
    def draw(depth):
        return plt.figure(figsize=(5 / (10 - depth), 2))

    with pytest.raises(ZeroDivisionError):
        explore(draw, alt=say, title="A", start={"depth": 10}, depth=[5, 10, 15])
    slider, view = fields_of(explore(draw, alt=say, title="A", depth=[5, 10, 15]))
    frame = view.value
    slider.value = 10
    assert "ZeroDivisionError" in view.value
    assert "explore was at depth=10" in view.value
    assert 'role="alert"' in view.value
    slider.value = 5
    assert view.value == frame


def test_the_live_texts_are_escaped(live):
    widget = explore(Drawn(), alt=lambda x: f'<b> "{x}"', title="<i>", x=[1, 2])
    assert "&lt;i&gt;" in widget.children[0].value
    assert 'alt="&lt;b&gt; &quot;1&quot;"' in widget.children[2].value
