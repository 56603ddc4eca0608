"""An index of sections and terms, looked through in the browser (website/theme/book.js).

Sphinx's own search finds pages by their stems. A reader looks for a term or a section, so the
index has one entry for each of those, with its text, and lies in one JSON file that is fetched
when the search is first opened.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

LETTERS = {
    unicodedata.name(letter).split()[-1].lower().replace("lamda", "lambda"): letter
    for letter in map(chr, range(0x3B1, 0x3CA))
}


def plain(latex: str) -> str:
    r"""Return a formula as words to be found: `\\chi(q^*)` becomes "χ(q*)"."""
    text = re.sub(r"\\([a-zA-Z]+)", lambda match: LETTERS.get(match[1].lower(), " "), latex)
    return re.sub(r"[{}\\^_&$]", "", text)


def words(node: nodes.Node) -> str:
    """Return the text of a node, without code and markup."""
    if isinstance(node, nodes.Text):
        return str(node)
    if isinstance(node, nodes.math | nodes.math_block):
        return plain(node.astext())
    if isinstance(node, nodes.literal_block | nodes.raw | nodes.comment | nodes.system_message):
        return " "
    inline = isinstance(node, nodes.TextElement)
    return ("" if inline else " ").join(words(child) for child in node.children)


def entries(doctree: nodes.document) -> Iterator[dict[str, str]]:
    """Yield one entry per section, without its subsections, and one per glossary term."""
    for section in doctree.findall(nodes.section):
        heading, *rest = (node for node in section.children if not isinstance(node, nodes.section))
        terms = [node for node in rest if _term(node)]
        text = _line(node for node in rest if node not in terms)
        yield {"title": words(heading), "anchor": section["ids"][0], "text": text}
        for node in terms:
            title = words(next(iter(node.findall(nodes.strong))))
            yield {"title": title, "anchor": _term(node), "text": _line([node]), "term": "yes"}


def _term(node: nodes.Node) -> str:
    """Return the anchor of a paragraph that explains a term in bold; "" for any other node."""
    anchors = [name for name in getattr(node, "attributes", {}).get("ids", ()) if "term-" in name]
    return anchors[0] if anchors and any(node.findall(nodes.strong)) else ""


def _line(parts: Iterable[nodes.Node]) -> str:
    return " ".join(" ".join(map(words, parts)).split())


def collect(app: Sphinx, exception: Exception | None) -> None:
    """Write search.json from the pages as they were read."""
    if exception is not None or app.builder.format != "html":
        return
    found: list[dict[str, Any]] = []
    for docname in sorted(app.env.found_docs):
        page = app.env.titles[docname].astext()
        for number, entry in enumerate(entries(app.env.get_doctree(docname))):
            anchor = "" if number == 0 else f"#{entry.pop('anchor')}"
            entry.pop("anchor", None)
            found.append({"url": f"{docname}.html{anchor}", "page": page, **entry})
    text = json.dumps(found, ensure_ascii=False, separators=(",", ":"))
    Path(app.outdir, "search.json").write_text(text, encoding="utf-8")


def no_other(app: Sphinx) -> None:
    """Switch Sphinx's own search off."""
    if app.builder.format == "html":
        app.builder.search = False


def page(app: Sphinx) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Add the page that searches: for links, and for whoever opens it in a tab."""
    yield "search", {"title": "Search"}, "search.html"


def setup(app: Sphinx) -> None:
    """Register with Sphinx."""
    app.connect("builder-inited", no_other)
    app.connect("html-collect-pages", page)
    app.connect("build-finished", collect)
