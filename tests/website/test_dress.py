"""What the extension does to a page, to the search index and to the chapters' install cells."""

from __future__ import annotations

import json
import re

import pytest
import repository
from course import assets, pages, search
from small_book import build, notebook

PAGE = """# A page

{text}

## A section

About the $\\chi(q^*)$ of [a term](#term-edge).

(term-edge)=
**edge of chaos**. Where $\\chi = 1$.
"""
SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="614" height="365"/>'
SITE = "https://example.org/book"


@pytest.fixture
def book(tmp_path):
    """A book of two pages as the whole theme dresses it."""

    def make(text="One sentence that is long enough to describe what the page is about."):
        files = {
            "index.md": PAGE.format(text=text) + "\n```{toctree}\nreference/glossary\n```\n",
            "reference/glossary.md": "# Glossary\n\nTerms.\n",
        }
        parts = [f"course.{name}" for name in ("formulas", "assets", "pages", "search", "links")]
        settings = {"html_theme": "course", "html_math_renderer": "course", "html_title": "Book"}
        return build(tmp_path, files, *parts, **settings)

    return make


@pytest.fixture(autouse=True)
def nowhere(monkeypatch):
    """A book that knows neither its repository nor its site."""
    monkeypatch.setenv("BOOK_REPOSITORY_URL", "")
    monkeypatch.delenv("BOOK_SITE_URL", raising=False)


def test_a_site_that_knows_no_address_gives_none(book):
    built = book()
    assert built.warnings == ""
    html = built.page()
    for word in ("canonical", "og:url", "og:image", "Binder", "Suggest an edit", "Source"):
        assert word not in html
    assert not (built.app.outdir / "sitemap.xml").exists()


def test_a_site_that_knows_its_address_lists_its_pages(book, monkeypatch):
    monkeypatch.setenv("BOOK_SITE_URL", f"{SITE}/")
    built = book()
    locations = re.findall("<loc>(.*?)</loc>", (built.app.outdir / "sitemap.xml").read_text())
    assert locations == [f"{SITE}/index.html", f"{SITE}/reference/glossary.html"]
    assert f"Sitemap: {SITE}/sitemap.xml" in (built.app.outdir / "robots.txt").read_text()
    assert f'<link rel="canonical" href="{SITE}/index.html">' in built.page()
    assert f'<meta property="og:url" content="{SITE}/index.html">' in built.page()
    assert f'<meta property="og:image" content="{SITE}/_static/card.png">' in built.page()
    assert (built.app.outdir / "_static" / "card.png").is_file()
    assert f'<base href="{SITE}/">' in built.page("404")


def test_an_address_that_is_none_is_refused(book, monkeypatch):
    monkeypatch.setenv("BOOK_SITE_URL", "example.org")
    with pytest.raises(Exception, match=r"BOOK_SITE_URL must be .* got 'example.org'"):
        book()


def test_a_site_that_knows_its_repository_links_to_it(book, monkeypatch):
    monkeypatch.setenv("BOOK_REPOSITORY_URL", "git@github.com:owner/name.git")
    monkeypatch.setenv("BOOK_REPOSITORY_BRANCH", "trunk")
    html = book().page("reference/glossary")
    assert 'href="https://github.com/owner/name/edit/trunk/reference/glossary.md"' in html
    assert 'href="https://github.com/owner/name"' in html
    assert "Run on Binder" not in html  # not a notebook


def test_every_page_is_written_anew_when_the_repository_changes(book, monkeypatch):
    book()
    monkeypatch.setenv("BOOK_REPOSITORY_URL", "https://github.com/owner/name")
    assert "https://github.com/owner/name" in book().page("reference/glossary")


def test_a_description_is_the_first_paragraph_in_plain_text(book):
    long = "A **bold** word and [a link](#term-edge), then more. " * 9
    html = book(f"Short.\n\n{long}").page()
    description = re.search('<meta name="description" content="(.*?)">', html)[1]
    assert description.startswith("A bold word and a link, then more.")
    assert len(description) <= 164
    assert description.endswith(" ...")


def test_the_index_has_an_entry_for_every_section_and_term(book):
    found = json.loads((book().app.outdir / "search.json").read_text())
    assert [(entry["url"], entry["title"], entry.get("term")) for entry in found] == [
        ("index.html", "A page", None),
        ("index.html#a-section", "A section", None),
        ("index.html#term-edge", "edge of chaos", "yes"),
        ("reference/glossary.html", "Glossary", None),
    ]
    assert found[1]["text"] == "About the χ(q*) of a term."
    assert found[2]["text"] == "edge of chaos. Where χ = 1."


@pytest.mark.parametrize(
    ("latex", "plain"),
    [(r"\chi(q^*)", "χ(q*)"), (r"\sigma_w^2", "σw2"), (r"\Phi", "φ"), (r"\mathbb{E}[x]", "E[x]")],
)
def test_formulas_are_found_by_their_letters(latex, plain):
    assert search.plain(latex).strip() == plain


def test_pictures_get_the_size_that_they_say_they_have(tmp_path):
    (tmp_path / "drawn.svg").write_text(SVG)
    drawn, photo = '<img alt="seen" src="../_images/a%20b.svg" />', '<img src="_images/c.png" />'
    files = {"a b.svg": tmp_path / "drawn.svg", "c.png": tmp_path / "c.png"}
    sized = '<img width="614" height="365" alt="seen" src="../_images/a%20b.svg" />'
    assert pages.sized_pictures(drawn + photo, files) == sized + photo


def test_each_table_gets_a_box_of_its_own():
    body = pages.scrolling_tables("<table><tr></tr></table><p></p><table class='x'></table>")
    assert body.count('<div class="scroll"><table') == 2
    assert body.count("</table></div>") == 2


def test_a_page_may_add_files_of_the_website_alone(book):
    """jQuery and the like, which extensions register, stay out."""
    built = book()
    assert re.findall(r'<script[^>]* src="([^"?]*)', built.page()) == ["_static/book.js"]
    sheets = re.findall(r'<link rel="stylesheet" href="([^"?]*)', built.page())
    assert sheets == ["_static/book.css"]
    left = {path.name for path in (built.app.outdir / "_static").iterdir()}
    assert "doctools.js" not in left


def test_the_style_sheet_has_both_colours_of_code_and_local_fonts(book):
    sheet = (book().app.outdir / "_static" / "book.css").read_text()
    assert re.search(r"\.highlight \.k\{color:light-dark\(#\w{6},#\w{6}\)\}", sheet)
    assert "/*" not in sheet
    assert set(re.findall(r"url\(([^)]+)\)", sheet)) == {
        f"katex/{path.name}" for path in (book().app.outdir / "_static" / "katex").iterdir()
    }
    assert all(f"katex/{font}" in sheet for font in assets.PRELOADED)


INSTALL = 'REPOSITORY = ""  # filled in by: make repository\nimport sys'


@pytest.fixture
def chapters(tmp_path, monkeypatch):
    monkeypatch.setattr(repository, "CHAPTERS", tmp_path)
    (tmp_path / "01_a.ipynb").write_text(notebook("# A", INSTALL, "x = 1"))
    return tmp_path


def test_the_address_goes_into_the_install_cell_and_out_again(chapters):
    before = (chapters / "01_a.ipynb").read_bytes()
    repository.main("git@github.com:owner/name.git")
    after = (chapters / "01_a.ipynb").read_text()
    assert r"REPOSITORY = \"https://github.com/owner/name\"  # filled in" in after
    repository.main("https://gitlab.com/owner/other")
    assert "https://gitlab.com/owner/other" in (chapters / "01_a.ipynb").read_text()
    repository.main("")
    assert (chapters / "01_a.ipynb").read_bytes() == before


def test_no_address_and_no_place_for_one_are_refused(chapters):
    with pytest.raises(SystemExit, match="got 'somewhere'"):
        repository.main("somewhere")
    (chapters / "02_b.ipynb").write_text(notebook("# B", "x = 1"))
    with pytest.raises(ValueError, match=r"02_b\.ipynb must have one line"):
        repository.main("https://github.com/owner/name")
