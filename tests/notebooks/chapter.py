"""A chapter as these tests see it: its cells, their Markdown and their code."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import nbformat
from IPython.core.inputtransformer2 import TransformerManager
from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.amsmath import amsmath_plugin
from mdit_py_plugins.dollarmath import dollarmath_plugin
from mdit_py_plugins.myst_blocks import myst_block_plugin
from mdit_py_plugins.myst_role import myst_role_plugin

ROOT = Path(__file__).parents[2]
CHAPTERS = sorted(ROOT.glob("chapters/*.ipynb"))

MARKDOWN = MarkdownIt("commonmark").enable("table")
for plugin in (dollarmath_plugin, amsmath_plugin, myst_block_plugin, myst_role_plugin):
    MARKDOWN.use(plugin)


@dataclass(frozen=True)
class Chapter:
    """A notebook and its name, such as 02_rnn_unrolling."""

    name: str
    notebook: Any

    @property
    def slug(self) -> str:
        """The name as it stands in ids, such as rnn-unrolling."""
        return re.sub(r"^\d+_", "", self.name).replace("_", "-")

    @property
    def cells(self) -> list[Any]:
        return self.notebook.cells

    @property
    def code(self) -> list[Any]:
        return [cell for cell in self.cells if cell.cell_type == "code"]

    @property
    def markdown(self) -> list[Any]:
        return [cell for cell in self.cells if cell.cell_type == "markdown"]

    def texts(self) -> Iterator[tuple[str, str]]:
        """Yield (cell id, Markdown) of everything a page renders as Markdown, captions included."""
        for cell in self.cells:
            if cell.cell_type == "markdown":
                yield cell.id, cell.source
            elif caption := figure(cell).get("caption"):
                yield cell.id, caption


def read(path: Path) -> Chapter:
    return Chapter(path.stem, nbformat.read(path, as_version=nbformat.NO_CONVERT))


def tags(cell: Any) -> list[str]:
    return cell.metadata.get("tags", [])


def figure(cell: Any) -> dict[str, Any]:
    return cell.metadata.get("mystnb", {}).get("figure", {})


@cache
def tokens(markdown: str) -> tuple[Token, ...]:
    """Return the tokens of a text in reading order, inline ones included."""

    def flat(nested: list[Token]) -> Iterator[Token]:
        for token in nested:
            yield token
            yield from flat(token.children or [])

    return tuple(flat(MARKDOWN.parse(markdown)))


@cache
def tree(source: str) -> ast.Module:
    """Return the syntax tree of a code cell; magics count as calls, as IPython makes them."""
    return ast.parse(TransformerManager().transform_cell(source))


def calls(node: ast.AST) -> Iterator[ast.Call]:
    """Yield every call inside a syntax tree."""
    return (inner for inner in ast.walk(node) if isinstance(inner, ast.Call))


def called(call: ast.Call) -> str:
    """Return the dotted name of what is called: `plt.subplots`; "" for anything computed."""
    match call.func:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=ast.Name(id=owner), attr=name):
            return f"{owner}.{name}"
    return ""


def headings(cell: Any) -> list[tuple[int, str]]:
    """Return (level, words) of each heading in a Markdown cell."""
    found = tokens(cell.source)
    return [
        (int(token.tag[1]), found[k + 1].content)
        for k, token in enumerate(found)
        if token.type == "heading_open"
    ]
