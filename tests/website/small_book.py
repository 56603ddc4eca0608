"""A book of a few lines, built in a moment, to test one part of the extension at a time."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import nbformat
from sphinx.testing.util import SphinxTestApp

ROOT = Path(__file__).parents[2]


class Built(NamedTuple):
    """What a build left behind."""

    app: SphinxTestApp
    warnings: str

    def page(self, name: str = "index") -> str:
        """The HTML of a page."""
        return (self.app.outdir / f"{name}.html").read_text(encoding="utf-8")


def notebook(*sources: str) -> str:
    """A notebook: a cell is code unless it begins with a #, as a title does."""
    make = {True: nbformat.v4.new_markdown_cell, False: nbformat.v4.new_code_cell}
    cells = [make[text.startswith("# ")](text, id=f"cell-{k}") for k, text in enumerate(sources)]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return nbformat.writes(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}))


def build(folder: Path, files: dict[str, str], *extensions: str, **settings: Any) -> Built:
    """Write the files into a folder, unless they are there, and build it there."""
    source = folder / "book"
    source.mkdir(exist_ok=True)
    cache = source / ".cache"
    if not cache.exists():
        cache.symlink_to(ROOT / ".cache", target_is_directory=True)
    for name, text in {"conf.py": "", "requirements.txt": "", **files}.items():
        path = source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
    settings = {
        "extensions": ["myst_nb", *extensions],
        "myst_enable_extensions": ["amsmath", "dollarmath"],
        "nb_merge_streams": True,
        "exclude_patterns": [".cache"],
        **settings,
    }
    app = SphinxTestApp("html", source, folder / "build", confoverrides=settings)
    try:
        app.build()
        return Built(app, app.warning.getvalue())
    finally:
        app.cleanup()
