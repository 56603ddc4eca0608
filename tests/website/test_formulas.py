"""Mathematics rendered at build time: numbers, links, environments, and the bad command."""

import re

import pytest
from course import formulas
from small_book import build
from sphinx.errors import ExtensionError

PAGE = r"""# Page

Inline $\chi(q) = \sigma_w^2$. See [the map](#eq-map), {eq}`eq-map` and [](#eq-cases).

$$
q_{l+1} = V(q_l)
$$ (eq-map)

$$
\phi(z) = \begin{cases} z & z > 0 \\ 0 & \text{otherwise} \end{cases}
$$ (eq-cases)

$$
\begin{aligned} a &= b \\ &= \begin{pmatrix} 1 & \rho \\ \rho & 1 \end{pmatrix} \end{aligned}
$$
"""


@pytest.fixture
def pages(tmp_path):
    def make(text, **others):
        files = {"index.md": text, **{f"{name}.md": page for name, page in others.items()}}
        settings = {"html_math_renderer": "course", "math_eqref_format": "({number})"}
        return build(tmp_path, files, "course.formulas", **settings)

    return make


def words(html):
    return " ".join(re.sub("<[^>]+>", "", html).split())


def test_formulas_are_in_the_page_with_mathml(pages):
    built = pages(PAGE)
    assert built.warnings == ""
    html = built.page()
    assert html.count('<span class="katex">') == 4
    assert html.count("<math ") == 4
    assert html.count('class="katex-display"') == 3
    assert "katex-error" not in html


def test_equations_are_numbered_and_linked_by_words_and_number(pages):
    html = pages(PAGE).page()
    assert re.findall(r'class="eqno">(\(\d\))', html) == ["(1)", "(2)"]
    links = re.findall(r'href="#(equation-[\w-]+)"[^>]*>(.*?)</a>', html)
    assert [(anchor, words(text)) for anchor, text in links if "Link" not in text][:3] == [
        ("equation-eq-map", "the map\u00a0(1)".replace("\u00a0", " ")),
        ("equation-eq-map", "(1)"),
        ("equation-eq-cases", "(2)"),
    ]
    assert 'id="equation-eq-map"' in html


def test_an_equation_of_another_page_is_linked(pages):
    toc = "# Book\n\n[The map](#eq-map).\n\n```{toctree}\nother\n```\n"
    html = pages(toc, other=PAGE).page()
    assert 'href="other.html#equation-eq-map"' in html


@pytest.mark.parametrize(
    "bad", [r"\sigmoid(x)", r"\frac{1}", r"x^2^3", r"\begin{nothing}x\end{nothing}"]
)
def test_a_bad_formula_is_a_warning_that_shows_it(pages, bad):
    built = pages(f"# Page\n\nWith ${bad}$ in it.\n")
    assert f"formula {bad!r}" in built.warnings
    assert "index.md" in built.warnings
    assert '<span class="katex">' not in built.page()


def test_a_wrong_download_is_refused_by_name(tmp_path):
    archive = tmp_path / formulas.PACKAGE
    archive.write_bytes(b"something else")
    with pytest.raises(ExtensionError, match=f"{formulas.PACKAGE} has the SHA-512"):
        formulas.check(archive)


def test_a_failed_download_is_refused_by_name(tmp_path, monkeypatch):
    monkeypatch.setattr(formulas, "PACKAGE", "katex-0.0.0.tgz")
    monkeypatch.setenv("npm_config_offline", "true")
    monkeypatch.setenv("npm_config_cache", str(tmp_path / "npm"))
    with pytest.raises(ExtensionError, match=r"could not fetch katex-0\.0\.0\.tgz"):
        formulas.katex(tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []
