"""No figure, and no frame of an explorer, cuts off its own words."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CHAPTERS = [path.stem for path in sorted((ROOT / "chapters").glob("*.ipynb"))]
# Draws one after the other and returns the texts that reach over an edge by more than a pixel.
CUT = """drawings => {
  const cut = [];
  for (const drawing of drawings) {
    document.body.innerHTML = drawing;
    const edge = document.querySelector("svg").getBoundingClientRect();
    for (const text of document.querySelectorAll("text")) {
      const box = text.getBoundingClientRect();
      const over = Math.max(
        edge.left - box.left, box.right - edge.right, edge.top - box.top, box.bottom - edge.bottom,
      );
      if (over > 1) cut.push(`${text.textContent} (${Math.round(over)} px)`);
    }
  }
  return [...new Set(cut)];
}"""


@pytest.fixture
def blank(open_page):
    """An empty page, without the site's style."""
    return open_page("index.html").context.new_page()


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_figures_hold_their_words(blank, html, chapter):
    page = (html / "chapters" / f"{chapter}.html").read_text(encoding="utf-8")
    names = sorted(set(re.findall(r"_images/[\w-]+\.svg", page)))
    assert names
    drawings = [(html / name).read_text(encoding="utf-8") for name in names]
    assert blank.evaluate(CUT, drawings) == []


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_frames_of_explorers_hold_their_words(blank, html, chapter):
    files = sorted((html / "_drawings" / "chapters" / chapter).glob("*.js"))
    assert files, "make book writes them: website/course/explorers.py"
    for path in files:
        drawings = json.loads(path.read_text(encoding="utf-8").partition("=")[2])
        assert blank.evaluate(CUT, drawings) == []


def test_a_word_over_the_edge_is_found(blank):
    drawing = "<svg width='90' height='20'><text x='{x}' y='15'>a word</text></svg>"
    drawings = [drawing.format(x=x) for x in (5, 70)]
    (cut,) = blank.evaluate(CUT, drawings)
    assert cut.startswith("a word (")
