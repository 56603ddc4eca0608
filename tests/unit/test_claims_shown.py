"""How a claim looks: its numbers, its text, its card, in a notebook, in a script, when it fails."""

import re
import subprocess
import sys
from html.parser import HTMLParser
from xml.etree import ElementTree

import nbclient
import nbformat
import numpy as np
import pytest

from helpers.claims import MIME, ClaimError, check, claim
from helpers.claims.numbers import number, with_spread

X = np.array([0.85, 0.86, 0.87, 0.88, 0.86, 0.87, 0.86, 0.87])  # mean 0.865, sd 0.0093
Y = np.array([True] * 186 + [False] * 14)


@pytest.mark.parametrize(
    ("x", "text"),
    [
        (0.865291, "0.8653"),
        (-2.0, "−2"),
        (1.0, "1"),
        (-0.0, "0"),
        (-1e-300, "−1 × 10⁻³⁰⁰"),
        (3.14159e-13, "3.142 × 10⁻¹³"),
        (0.00099999, "0.001"),
        (0.00012, "1.2 × 10⁻⁴"),
        (123456.7, "123457"),
        (999999.9, "1 × 10⁶"),
        (1.84e19, "1.84 × 10¹⁹"),
        (5e-324, "4.941 × 10⁻³²⁴"),
    ],
)
def test_a_number_has_four_digits_and_real_powers_of_ten(x, text):
    assert number(x) == text


def test_a_number_goes_as_far_down_as_asked_and_no_further_than_ten_digits():
    assert number(123.456789, 4, place=-3) == "123.457"
    assert number(0.5, 4, place=-6) == "0.5"
    assert number(1 / 3, 4, place=-30) == "0.3333333333"


@pytest.mark.parametrize(
    ("mean", "sd", "text"),
    [
        (0.8671, 0.01104, "0.867 ± 0.011"),
        (0.0996, 0.0996, "0.10 ± 0.10"),
        (3.4e-7, 1.2e-8, "(3.40 ± 0.12) × 10⁻⁷"),
        (-3.4e-7, 1.2e-8, "(−3.40 ± 0.12) × 10⁻⁷"),
        (9.9996e-7, 5e-9, "(1.0000 ± 0.0050) × 10⁻⁶"),
        (-1e-18, 1e-13, "(0.0 ± 1.0) × 10⁻¹³"),
        (-0.0001, 0.02, "0.000 ± 0.020"),
        (123456.7, 1234.0, "123500 ± 1200"),
        (1.6e7, 250.0, "(1.600000 ± 0.000025) × 10⁷"),
        (1e-320, 2e-321, "(1.00 ± 0.20) × 10⁻³²⁰"),
        (1e300, 1e299, "(1.00 ± 0.10) × 10³⁰⁰"),
        (1.0, 1e-17, "1 ± 1 × 10⁻¹⁷"),
        (0.9877, 0.0, "0.9877 ± 0"),
        (0.0, 0.5, "0.00 ± 0.50"),
    ],
)
def test_mean_and_spread_end_at_the_second_digit_of_the_spread(mean, sd, text):
    assert with_spread(mean, sd) == text


def test_rounding_moves_no_number_by_more_than_half_of_its_last_digit():
    rng = np.random.default_rng(0)
    for mean, sd in zip(rng.normal(size=300) * 10.0 ** rng.integers(-9, 9, 300), rng.random(300)):
        spread = abs(mean) * sd
        text = with_spread(mean, spread).translate(str.maketrans("−⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "--0123456789"))
        found = re.fullmatch(r"\(?(\S+) ± ([\d.]+)\)?(?: × 10(\S+))?", text)
        scale = 10.0 ** int(found[3] or 0)
        last = 10.0 ** np.floor(np.log10(spread) + 1e-12) / 10 if spread else 0
        assert abs(float(found[1]) * scale - mean) <= 0.501 * last * 10 ** (spread > 9.94 * last)
        assert float(found[2]) * scale == pytest.approx(spread, rel=0.0501)


CASES = {
    "equality": (
        {"measured": X, "predicted": 0.86529, "theory_error": 0.004, "unit": "nats"},
        "✓ holds: it is so\n"
        "  predicted: 0.86529 nats   measured (8 seeds): 0.8650 ± 0.0093 nats   "
        "tolerance: 0.02 nats (theory 0.004)",
    ),
    "bound": (
        {"measured": X, "at_most": 0.9, "source": "Glorot & Bengio 2010"},
        "✓ holds: it is so\n"
        "  predicted: ≤ 0.9   measured (8 seeds): 0.8650 ± 0.0093   tolerance: 0.016\n"
        "  source: Glorot & Bengio 2010",
    ),
    "ordering": (
        {"measured": X, "below": X + 0.1 + X**2, "by": 0.1},
        "✓ holds: it is so\n"
        "  predicted: difference < −0.1   measured (8 seeds): −0.848 ± 0.016   tolerance: 0.028",
    ),
    "proportion": (
        {"measured": Y, "proportion": 0.931, "unit": "networks"},
        "✓ holds: it is so\n"
        "  predicted: 0.931   measured: 0.93 (186 of 200 networks)   interval: 0.801 to 0.988",
    ),
    "expected miss": (
        {"measured": X, "predicted": 1, "misses_because": "the width is 8", "source": "a, b"},
        "✓ misses, as expected: it is so\n"
        "  predicted: 1   measured (8 seeds): 0.8650 ± 0.0093   tolerance: 0.016\n"
        "  because: the width is 8\n  source: a, b",
    ),
    "identity": (
        {"measured": [1.0, 2.0, 4.0], "exactly": [1.0, 2.0, 4.0 + 2**-50]},
        "✓ holds: it is so\n"
        "  predicted: equal, element by element   measured (3 elements): off by 8.9 × 10⁻¹⁶ at "
        "worst   tolerance: 9.1 × 10⁻¹³",
    ),
    "one number": (
        {"measured": 128, "exactly": 128, "unit": "steps"},
        "✓ holds: it is so\n  predicted: 128 steps   measured: 128 steps   tolerance: 0 steps",
    ),
    "one number for all": (
        {"measured": [3.0, 3.0], "exactly": 3, "unit": "steps"},
        "✓ holds: it is so\n"
        "  predicted: 3 steps in every element   measured (2 elements): equal   "
        "tolerance: 6.8 × 10⁻¹³ steps",
    ),
    "equal arrays": (
        {"measured": [True, False], "exactly": [True, False]},
        "✓ holds: it is so\n"
        "  predicted: equal, element by element   measured (2 elements): equal   tolerance: 0",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_claim_is_legible_as_text(case):
    arguments, text = CASES[case]
    assert str(check("it is  so\n", **arguments)) == text


class Reader(HTMLParser):
    """Collects text, and checks that every element is closed."""

    def __init__(self):
        super().__init__()
        self.open, self.text = [], []

    def handle_starttag(self, tag, attributes):
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


@pytest.mark.parametrize("case", CASES)
def test_the_card_says_what_the_text_says_without_a_stylesheet(case):
    result = check("δ <b>&</b> ε", **CASES[case][0])
    html = result._repr_mimebundle_()["text/html"]
    reader = Reader()
    reader.feed(html)
    assert reader.open == []
    words = " ".join("".join(reader.text).split())
    verdict = result.verdict.capitalize()
    assert words.startswith(f"✓ {verdict}. δ <b>&</b> ε predicted: ")
    for label, text in result.comparison:
        assert f"{label}: {text}" in words
    for label, text in result.notes:
        assert f"{label.capitalize()}: {text}" in words
    assert "style" not in html
    assert not re.search(r"#[0-9a-f]{3}|rgb", html)  # the text's own colour, in any theme


def strip(**arguments):
    html = check("it is so", **arguments)._repr_mimebundle_()["text/html"]
    found = re.search(r"<svg.*</svg>", html)
    return ElementTree.fromstring(found[0]) if found else None


def ends(path):
    """Left and right end of a shape M x0 y H x1 ..."""
    return tuple(float(x) for x in re.findall(r"[MH]([\d.]+)", path.get("d"))[:2])


def test_the_strip_shows_seeds_interval_and_prediction_to_scale():
    svg = strip(measured=X, predicted=0.86, theory_error=0.01)
    shade, interval, mean, line = svg.findall("path")
    dots = [float(dot.get("cx")) for dot in svg.findall("circle")]
    pixel = (max(dots) - min(dots)) / 0.03
    assert np.diff(ends(shade)) == pytest.approx(0.02 * pixel, abs=0.2)
    assert np.diff(ends(interval)) == pytest.approx(
        10 * X.std(ddof=1) / np.sqrt(8) * pixel, abs=0.2
    )
    assert ends(line)[0] == pytest.approx(np.mean(ends(shade)), abs=0.1)
    assert ends(mean)[0] == pytest.approx(np.mean(ends(interval)), abs=0.1)
    assert min(*dots, *ends(shade), *ends(interval)) >= 6
    assert max(*dots, *ends(shade), *ends(interval)) <= 314
    assert svg.get("role") == "img"
    assert svg.get("aria-label").startswith("8 seeds as dots, the mean's interval as a bar")


def test_the_strip_of_a_proportion_is_the_whole_range_and_the_rest_has_none():
    svg = strip(measured=Y, proportion=0.5)
    *_, line = svg.findall("path")
    assert svg.findall("circle") == []
    assert ends(line)[0] == 160
    assert svg.get("aria-label") == "the mean's interval as a bar, the prediction as a line"
    assert strip(measured=1.0, exactly=1.0) is None
    assert strip(measured=[2.0] * 8, predicted=2.0) is None
    assert strip(measured=np.arange(300.0), at_most=400.0).findall("circle") == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"measured": X, "predicted": 0.9, "source": "He et al. 2015"},
            "does not hold: it is so\n  predicted: 0.9\n  measured (8 seeds): 0.8650 ± 0.0093\n"
            "  tolerance: 0.016\n  off by: 0.035\n  source: He et al. 2015\n"
            "  short of holding by 0.019",
        ),
        (
            {"measured": X, "predicted": 0.865, "misses_because": "of width"},
            "hits, unexpectedly: it is so\n  predicted: 0.865\n"
            "  measured (8 seeds): 0.8650 ± 0.0093\n  tolerance: 0.016\n  off by: 0\n"
            "  because: of width\n"
            "  the prediction is right within its tolerance: claim an equality, or explain",
        ),
    ],
)
def test_a_false_claim_says_all_there_is_to_know(arguments, message, capsys):
    with pytest.raises(ClaimError) as caught:
        claim("it is so", **arguments)
    assert str(caught.value) == message
    assert capsys.readouterr().out.startswith("✗ ")


CELLS = [
    "from helpers.claims import check, claim",
    "claim('it is so', measured=range(8), predicted=3.5)",
    "check('it is so', measured=range(8), predicted=3.5)",
    "claim('it is so', measured=range(8), predicted=35)",
]


def test_a_notebook_shows_a_claim_once_and_a_false_one_before_its_error():
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in CELLS])
    nbclient.NotebookClient(notebook, kernel_name="python3", allow_errors=True).execute()
    true, checked, false = (cell.outputs for cell in notebook.cells[1:])
    for outputs in (true, checked, false[:1]):
        assert [sorted(output.data) for output in outputs] == [[MIME, "text/html", "text/plain"]]
    data = true[0].data
    assert data[MIME] == check("it is so", measured=range(8), predicted=3.5).as_dict()
    assert data["text/plain"].startswith("✓ holds: it is so")
    assert data["text/html"].startswith('<div class="claim claim-holds">')
    assert false[0].data[MIME]["holds"] is False
    assert [output.output_type for output in false] == ["display_data", "error"]
    assert false[1].ename == "ClaimError"
    nbformat.validate(notebook)


@pytest.mark.parametrize("without", ["", "import sys; sys.modules['IPython'] = None; "])
def test_a_script_prints_a_claim_and_needs_no_ipython(without):
    code = f"{without}from helpers.claims import claim; claim('a', measured=1, exactly=1)"
    done = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", code], capture_output=True, encoding="utf-8"
    )
    assert (done.stderr, done.returncode) == ("", 0)
    assert done.stdout == "✓ holds: a\n  predicted: 1   measured: 1   tolerance: 0\n"
