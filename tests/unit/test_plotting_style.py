import base64
import io
import itertools
import sys
from xml.etree import ElementTree

import matplotlib
import nbclient
import nbformat
import numpy as np
import pytest
from PIL import Image

matplotlib.use("agg")

import matplotlib.pyplot as plt

from helpers.plotting import style

SVG = "{http://www.w3.org/2000/svg}"
DARK_PAGES = ("#121212", "#14181e")
# Machado, Oliveira & Fernandes (2009), severity 1, for linear RGB.
EYES = {
    "typical": np.eye(3),
    "protanopia": [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]],
    "deuteranopia": [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]],
    "tritanopia": [[1.256, -0.077, -0.179], [-0.078, 0.931, 0.148], [0.005, 0.691, 0.304]],
}


@pytest.fixture(autouse=True)
def _tidy():
    with matplotlib.rc_context():
        style.use()
        yield
    plt.close("all")


def linear(code):
    c = np.array([int(code[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def contrast(one, other):
    high, low = sorted((linear(c) @ [0.2126, 0.7152, 0.0722] for c in (one, other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def lab(rgb):
    to_xyz = [[0.4125, 0.3576, 0.1804], [0.2127, 0.7152, 0.0722], [0.0193, 0.1192, 0.9503]]
    t = np.array(to_xyz) @ np.clip(rgb, 0, 1) / [0.9505, 1, 1.0888]
    f = np.where(t > 216 / 24389, np.cbrt(t), (24389 / 27 * t + 16) / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("name", [*style.COLORS, "muted"])
def test_every_colour_stands_out_on_a_white_and_on_a_dark_page(name):
    color = style.MUTED if name == "muted" else style.COLORS[name]
    least = 4.5 if name in ("ink", "muted") else 3  # WCAG: text, graphics
    assert contrast(color.light, "#ffffff") >= least
    assert min(contrast(color.dark, page) for page in DARK_PAGES) >= least


@pytest.mark.parametrize("eye", EYES)
@pytest.mark.parametrize("mode", ["light", "dark"])
def test_any_two_colours_differ_to_a_colour_blind_eye(mode, eye):
    seen = [lab(np.array(EYES[eye]) @ linear(getattr(c, mode))) for c in style.COLORS.values()]
    least = min(np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2))
    assert least > 12  # 2.3 is just noticeable side by side


def test_a_colour_is_a_matplotlib_colour_with_a_twin():
    assert matplotlib.colors.to_hex(style.BLUE) == style.BLUE.light != style.BLUE.dark
    assert next(iter(style.COLORS)) == "blue"


def test_dashes_and_markers_double_every_colour():
    _, ax = plt.subplots()
    drawn = [ax.plot([0, 1])[0] for _ in style.COLORS]
    assert len({str(entry._dash_pattern) for entry in drawn}) == len(drawn)
    assert len({style.dots(k)["marker"] for k in range(len(drawn))}) == len(drawn)
    assert [entry.get_color() for entry in drawn] == [style.line(k)["color"] for k in range(6)]


def themed_figure():
    fig, ax = plt.subplots()
    ax.semilogy([1, 2, 3], [1, 1e-3, 1e-6], label="δ < ε & more", **style.line(1))
    ax.scatter([1, 2], [1e-2, 1e-4], c=[0.0, 1.0])
    ax.bar([2], [1e-5], color=style.GREEN, hatch="//")
    ax.set_xlabel("layer l")
    return fig


def test_the_svg_is_themed_transparent_text_without_metadata():
    fig = themed_figure()
    text = style.figure_to_svg(fig, alt='A "quoted" <alternative>')
    root = ElementTree.fromstring(text)
    assert plt.fignum_exists(fig.number)
    assert (root.get("width"), root.get("height")) == ("614", "365")
    assert root.get("aria-label") == 'A "quoted" <alternative>'
    assert len(root.findall(f".//{SVG}style")) == 1
    rules = root.find(f"{SVG}style").text
    light, dark = rules.split("@media(prefers-color-scheme:dark)")
    for color, name in ((style.INK, "ink"), (style.VERMILION, "vermilion"), (style.GREEN, "green")):
        assert f"--{name}:{color.light};" in light
        assert f"--{name}:{color.dark};" in dark
        assert text.count(color.light) == 1  # nowhere but in its variable
    assert "ochre" not in text
    assert "#440154" in text  # viridis passes through
    assert "metadata" not in text
    assert "DejaVu" not in text
    assert "layer l" in [node.text for node in root.iter(f"{SVG}text")]


def test_every_reference_in_the_svg_has_its_target():
    root = ElementTree.fromstring(style.figure_to_svg(themed_figure()))
    ids = {node.get("id") for node in root.iter()} - {None}
    links = {node.get("href")[1:] for node in root.iter() if node.get("href")}
    clips = {v[5:-1] for node in root.iter() for v in node.attrib.values() if v[:5] == "url(#"}
    assert ids >= links | clips
    assert len(links) >= 3
    assert clips


def test_the_same_drawing_gives_the_same_bytes_and_another_other_ids():
    first, second = (style.figure_to_svg(themed_figure()) for _ in range(2))
    assert first == second
    other = themed_figure()
    other.axes[0].set_xlabel("another")
    ids = [
        {node.get("id") for node in ElementTree.fromstring(text).iter()} - {None}
        for text in (first, style.figure_to_svg(other))
    ]
    assert not ids[0] & ids[1]


def test_rounding_moves_no_point_by_more_than_a_hundredth():
    fig, ax = plt.subplots()
    x = np.linspace(0, 1, 50)
    ax.plot(x, np.sin(9 * x), color=style.PURPLE)
    text = style.figure_to_svg(fig)
    paths = ElementTree.fromstring(text).iter(f"{SVG}path")
    path = next(p.get("d") for p in paths if "purple" in p.get("style", ""))
    drawn = np.array([pair.split() for pair in path[1:].split("L")], dtype=float)
    scale = 72 / fig.dpi
    exact = ax.transData.transform(np.column_stack([x, np.sin(9 * x)])) * scale
    exact[:, 1] = fig.get_figheight() * 72 - exact[:, 1]
    np.testing.assert_allclose(drawn[[0, -1]], exact[[0, -1]], atol=0.0051)


def test_powers_of_ten_flow_and_other_mathtext_keeps_its_places():
    fig, ax = plt.subplots()
    ax.semilogy([1, 2], [1, 1e-3])
    ax.set_xlabel(r"$\frac{a}{b}$")
    texts = list(ElementTree.fromstring(style.figure_to_svg(fig)).iter(f"{SVG}text"))
    powers = [t for t in texts if "".join(t.itertext()) == "10−2"]
    assert len(powers) == 1
    assert powers[0].get("text-anchor") == "middle"
    assert [s.get("x") for s in powers[0]] == [None, None]
    assert float(powers[0][1].get("dy")) < 0
    fraction = next(t for t in texts if "".join(t.itertext()) == "ab")
    assert all(s.get("x") for s in fraction)


def test_line_labels_do_not_overlap_and_stay_in_order():
    fig, ax = plt.subplots()
    for k, end in enumerate([1.0, 1.01, 1.02, 5.0]):
        ax.plot([0, 1, 2], [0, end, np.nan], label=f"line {k}", **style.line(k))
    ax.plot([0, 1], [0, 1])  # no label
    texts = style.label_lines(ax)
    assert [t.get_text() for t in texts] == [f"line {k}" for k in range(4)]
    assert [t.get_color() for t in texts] == [style.line(k)["color"] for k in range(4)]
    fig.draw_without_rendering()
    boxes = [t.get_window_extent() for t in texts]
    assert not any(a.overlaps(b) for a, b in itertools.combinations(boxes, 2))
    assert boxes[0].y0 < boxes[1].y0 < boxes[2].y0 < boxes[3].y0
    assert all(box.x1 <= fig.bbox.x1 for box in boxes)


def test_line_labels_follow_an_inverted_axis_and_no_line_is_no_error():
    _, ax = plt.subplots()
    assert style.label_lines(ax) == []
    ax.plot([1, 2, 3], [4, 5, 6], label="a")
    ax.invert_xaxis()
    assert style.label_lines(ax)[0].xy[0] == pytest.approx(1)


CELLS = [
    "import sys\nfrom helpers.plotting import style",
    "assert 'matplotlib.pyplot' not in sys.modules\nstyle.use()",
    "import matplotlib.pyplot as plt\nfig, ax = plt.subplots()",
    "assert not ax.spines['top'].get_visible()",
]


@pytest.mark.parametrize(("build", "mime"), [("", "image/png"), ("1", "image/svg+xml")])
def test_a_kernel_shows_svg_in_a_build_and_sharp_png_elsewhere(build, mime, monkeypatch):
    monkeypatch.setenv("BOOK_BUILD", build)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in CELLS])
    nbclient.NotebookClient(notebook, kernel_name="python3").execute()
    shown = notebook.cells[2].outputs[0].data
    assert sorted(shown) == sorted([mime, "text/plain"])
    assert all(not cell.outputs for k, cell in enumerate(notebook.cells) if k != 2)
    if build:
        assert "prefers-color-scheme" in shown[mime]
    else:
        image = Image.open(io.BytesIO(base64.b64decode(shown[mime]))).convert("RGBA")
        assert image.size == (1280, 760)
        assert image.getpixel((0, 0)) == (255, 255, 255, 255)


def test_a_script_needs_no_ipython(monkeypatch):
    monkeypatch.setitem(sys.modules, "IPython.core.getipython", None)
    style.use()
    assert matplotlib.rcParams["axes.spines.top"] is False
    assert matplotlib.rcParams["text.color"] == style.INK


@pytest.mark.parametrize(("value", "expected"), [("1", True), ("", False), ("0", False)])
def test_one_variable_says_that_the_book_is_built(value, expected, monkeypatch):
    monkeypatch.setenv("BOOK_BUILD", value)
    assert style.in_book_build() is expected
