"""The table of claims, from notebooks as they come out of a kernel. No browser is needed."""

import json
import re
import sys
from html import unescape
from pathlib import Path

import nbformat
import pytest
from sphinx.testing.util import SphinxTestApp

from helpers.claims import MIME, check

ROOT = Path(__file__).parents[2]
X = [0.85, 0.86, 0.87, 0.88, 0.86, 0.87, 0.86, 0.87]


def notebook(title, *claims):
    """An executed notebook: each claim in the output of a cell."""
    cells = [nbformat.v4.new_markdown_cell(f"# {title}")]
    for claim in claims:
        data = {"text/plain": str(claim), MIME: claim.as_dict()}
        output = nbformat.v4.new_output("display_data", data=data)
        cells.append(nbformat.v4.new_code_cell("claim(...)", outputs=[output]))
    language = {"name": "python", "pygments_lexer": "ipython3"}
    return nbformat.v4.new_notebook(cells=cells, metadata={"language_info": language})


@pytest.fixture
def build(tmp_path, monkeypatch):
    """Build a book of notebooks; returns its folder and its warnings."""
    monkeypatch.setattr(sys, "path", [*sys.path, str(ROOT / "website")])
    monkeypatch.setenv("BOOK_SEED_OFFSET", "3000")

    def run(**notebooks):
        source = tmp_path / "book"
        source.mkdir()
        (source / "conf.py").touch()
        toc = "\n".join(["```{toctree}", *notebooks, "```"])
        (source / "index.md").write_text(f"# Evidence\n\n```{{evidence}}\n```\n\n{toc}\n")
        for name, content in notebooks.items():
            nbformat.write(content, source / f"{name}.ipynb")
        settings = {
            "extensions": ["myst_nb", "course.evidence"],
            "nb_execution_mode": "off",
            "suppress_warnings": ["mystnb.unknown_mime_type"],
        }
        out = tmp_path / "build"
        app = SphinxTestApp("html", source, out, confoverrides=settings)
        try:
            app.build()
        finally:
            app.cleanup()
        return app.outdir, app.warning.getvalue()

    return run


def words(html):
    return " ".join(unescape(re.sub("<[^>]+>", " ", html)).split())


def test_every_claim_is_in_the_table_in_its_own_words(build):
    claims = [
        check("δ < ε", measured=X, predicted=0.86, source="He et al. 2015"),
        check("it misses", measured=X, predicted=2, misses_because="the width is 8"),
        check("it is below", measured=X, at_most=1e-13 + 1, unit="nats"),
        check("they agree", measured=[1.0, 3e-13], exactly=[1.0, 3e-13]),
    ]
    folder, warnings = build(
        one=notebook("First", *claims[:2]), two=notebook("Second", *claims[2:])
    )
    assert warnings == ""
    html = (folder / "index.html").read_text()
    assert re.findall(r'<h2[^>]*><a[^>]*href="(\w+).html">(\w+)', html) == [
        ("one", "First"),
        ("two", "Second"),
    ]
    rows = [words(row) for row in re.findall(r"<tr.*?</tr>", html, re.DOTALL)]
    assert rows == [
        "Claim Verdict Predicted Measured n Tolerance",
        "δ < ε He et al. 2015 ✓ holds 0.86 0.8650 ± 0.0093 8 0.016",
        "it misses Because the width is 8 ✓ misses, as expected 2 0.8650 ± 0.0093 8 0.016",
        "Claim Verdict Predicted Measured n Tolerance",
        "it is below ✓ holds ≤ 1 nats 0.8650 ± 0.0093 nats 8 0.016 nats",
        "they agree ✓ holds equal, element by element equal 2 2.3 × 10⁻¹³",
    ]
    assert html.count('<th class="stub"') == len(claims)  # each claim heads its row
    table = json.loads((folder / "evidence.json").read_text())
    assert table["seed_offset"] == 3000
    assert table["chapters"]["one"] == [claim.as_dict() for claim in claims[:2]]
    assert table["chapters"]["two"] == [claim.as_dict() for claim in claims[2:]]


def test_a_chapter_with_a_false_claim_or_with_none_is_a_warning(build):
    false = check("it is so", measured=X, predicted=0.9)
    _, warnings = build(false=notebook("False", false), empty=notebook("Empty"))
    assert re.search(r"false\.ipynb: WARNING: evidence: a claim does not hold: it is so", warnings)
    assert re.search(r"empty\.ipynb: WARNING: evidence: no claim found", warnings)
    assert warnings.count("WARNING") == 2
