"""How the book is dressed: a local Sphinx extension, one module per concern.

execution  when a notebook has to run again, and running them side by side
exercises  nbgrader's markers leave the page, the solutions fold
explorers  what moves a figure with controls; its drawings go to files beside the page
evidence   the table of every claim, and the build that fails with a false one
formulas   mathematics rendered while the book is built
assets     one style sheet, one script, the fonts: all that a page loads
pages      what every page needs: sizes of pictures, a description, a page for "not found"
search     an index of sections and terms, looked through in the browser
links      addresses that follow the fork: Binder, suggest an edit, report an error
"""

from __future__ import annotations

from typing import Any

from sphinx.application import Sphinx

from course import assets, evidence, execution, exercises, explorers, formulas, links, pages, search


def setup(app: Sphinx) -> dict[str, Any]:
    """Register every part with Sphinx."""
    # Jupyter Book sets it for an extension that is not loaded here.
    app.add_config_value("comments_config", {}, "", [dict])
    parts = (execution, exercises, explorers, evidence, formulas, assets, pages, search, links)
    for part in parts:
        part.setup(app)
    return {"version": "1", "parallel_read_safe": False, "parallel_write_safe": False}
