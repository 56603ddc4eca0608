"""A page with an explorer gets what moves and dresses it; its drawings go to a file of their own.

The drawings are half of what such a page would weigh, and are needed only when a reader comes near:
explore.js loads them then.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

FOLDER = "_drawings"
EXPLORER = re.compile(
    r'<div class="explorer" id="(?P<key>[\w-]+)"(?P<inside>>.*?)'
    r'<script type="application/json" class="explorer-drawings">(?P<drawings>.*?)</script>\n',
    re.DOTALL,
)


def add_files(
    app: Sphinx, pagename: str, template: str, context: dict[str, Any], doctree: nodes.document
) -> None:
    """Add explore.js and explore.css to a page that needs them, and move its drawings out."""
    expected = context.get("body", "").count('<div class="explorer"')
    if not expected:
        return
    shutil.rmtree(Path(app.outdir, FOLDER, pagename), ignore_errors=True)
    app.add_css_file("explore.css")
    app.add_js_file("explore.js", loading_method="defer")

    def move(explorer: re.Match[str]) -> str:
        name = f"{FOLDER}/{pagename}/{explorer['key']}.js"
        content = f"document.currentScript.drawings={explorer['drawings']}".encode()
        path = Path(app.outdir, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        version = hashlib.sha256(content).hexdigest()[:8]  # so that no cache shows an old one
        address = f"{context['pathto'](name, 1)}?v={version}"
        inside = explorer["inside"]
        return f'<div class="explorer" id="{explorer["key"]}" data-drawings="{address}"{inside}'

    context["body"], moved = EXPLORER.subn(move, context["body"])
    if moved != expected:
        raise ExtensionError(
            f"{pagename}: {moved} of {expected} explorers look as page_html writes"
        )


def setup(app: Sphinx) -> None:
    """Register with Sphinx."""
    app.connect("html-page-context", add_files)
