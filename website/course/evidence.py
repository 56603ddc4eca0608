"""The table of every claim, read from the executed notebooks; a false or missing one is an error.

Numbers and words are those that the claim wrote into the notebook: nothing is computed here.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from helpers.claims import MIME

log = logging.getLogger(__name__)

HEAD = ("Claim", "Verdict", "Predicted", "Measured", "n", "Tolerance")
WIDTHS = (8, 2, 2, 3, 1, 2)


class EvidenceTable(nodes.General, nodes.Element):
    """Placeholder, filled once every chapter has been read."""


class Evidence(SphinxDirective):
    """`{evidence}`: one table of claims per chapter."""

    def run(self) -> list[nodes.Node]:
        """Leave the placeholder."""
        self.env.metadata[self.env.docname]["evidence"] = True
        return [EvidenceTable()]


def claims_of(notebook: Path) -> list[dict[str, Any]]:
    """Return the claims in the outputs of an executed notebook, in order."""
    content = nbformat.read(notebook, as_version=4)
    outputs = [output for cell in content.cells for output in cell.get("outputs", [])]
    bundles = [output.get("data", {}) for output in outputs]
    return [dict(bundle[MIME]) for bundle in bundles if MIME in bundle]


def chapters(app: Sphinx) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Yield each chapter of the book with its claims, in the order of the files."""
    executed = Path(app.outdir).parent / "jupyter_execute"
    for docname in sorted(app.env.found_docs):
        if str(app.env.doc2path(docname)).endswith(".ipynb"):
            path = executed / f"{docname}.ipynb"
            yield docname, claims_of(path) if path.exists() else []


def fill(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Replace the placeholder by the tables."""
    for placeholder in list(doctree.findall(EvidenceTable)):
        tables: list[nodes.Node] = []
        for chapter, claims in chapters(app):
            tables += _chapter_table(app, docname, chapter, claims)
        placeholder.replace_self(tables)


def _chapter_table(
    app: Sphinx, docname: str, chapter: str, claims: list[dict[str, Any]]
) -> list[nodes.Node]:
    title = app.env.titles[chapter].astext()
    uri = app.builder.get_relative_uri(docname, chapter)
    link = nodes.reference("", title, refuri=uri, internal=True)
    heading = nodes.rubric("", "", link, level=2)  # MyST writes it as <h2>
    group = nodes.tgroup(cols=len(HEAD))
    columns = [nodes.colspec(colwidth=width) for width in WIDTHS]
    columns[0]["stub"] = 1  # the claim is the head of its row
    group += columns
    group += nodes.thead("", _row([[nodes.paragraph("", name)] for name in HEAD]))
    group += nodes.tbody("", *[_row(_cells(claim)) for claim in claims])
    return [heading, nodes.table("", group, classes=["evidence"])]


def _row(cells: list[list[nodes.Node]]) -> nodes.row:
    return nodes.row("", *[nodes.entry("", *cell) for cell in cells])


def _cells(claim: dict[str, Any]) -> list[list[nodes.Node]]:
    """Return the paragraphs of each cell: the words are those of the claim itself."""
    notes = [claim["reason"] and f"Because {claim['reason']}", claim["source"]]
    first = [nodes.paragraph("", claim["statement"])]
    first += [nodes.paragraph("", text, classes=["claim-note"]) for text in notes if text]
    mark = "✓" if claim["holds"] else "✗"
    words = (
        f"{mark} {claim['verdict']}",
        claim["predicted_text"],
        claim["measured_text"],
        str(claim["n"]),
        claim["tolerance_text"],
    )
    return [first, *([nodes.paragraph("", _unbroken(text))] for text in words)]


def _unbroken(text: str) -> str:
    """Keep a number on one line: 2.9 × 10⁻¹³, 0.87 ± 0.01."""
    return re.sub(r"(?<=[×±≤≥<>✓✗]) | (?=[×±])", "\N{NO-BREAK SPACE}", text)


def verify(app: Sphinx, env: BuildEnvironment) -> None:
    """Fail the build (warnings are errors) on a chapter without claims or with a false one."""
    for docname, claims in chapters(app):
        if not claims:
            log.warning("evidence: no claim found in the executed notebook", location=docname)
        for claim in claims:
            if not claim["holds"]:
                log.warning(
                    "evidence: a claim does not hold: %s", claim["statement"], location=docname
                )


def write_json(app: Sphinx, exception: Exception | None) -> None:
    """Publish the claims as evidence.json, for whoever wants to compute with them."""
    if exception is None and app.builder.format == "html":
        table = {
            "seed_offset": int(os.environ.get("BOOK_SEED_OFFSET") or 0),
            "chapters": dict(chapters(app)),
        }
        text = json.dumps(table, indent=1, ensure_ascii=False)
        Path(app.outdir, "evidence.json").write_text(text + "\n", encoding="utf-8")


def always_outdated(
    app: Sphinx, env: BuildEnvironment, added: set[str], changed: set[str], removed: set[str]
) -> list[str]:
    """Rewrite the pages with an evidence table whenever anything else is."""
    if not (added | changed | removed):
        return []
    return [name for name, data in env.metadata.items() if data.get("evidence")]


def setup(app: Sphinx) -> None:
    """Register with Sphinx."""
    app.add_node(EvidenceTable)
    app.add_directive("evidence", Evidence)
    app.connect("env-get-outdated", always_outdated)
    app.connect("env-check-consistency", verify)
    app.connect("doctree-resolved", fill)
    app.connect("build-finished", write_json)
