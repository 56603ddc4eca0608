"""What every page needs: figure numbers, sizes of pictures, a description; and a few pages more."""

from __future__ import annotations

import html
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.builders import Builder
from sphinx.config import Config

from course.assets import PRELOADED, STATIC

# What the writers of tables, citations and contents leave for assistive technology to stumble on.
REPAIRS = {
    '<th class="head"><p></p></th>': "<td></td>",
    ' role="doc-biblioentry"': "",
    '<div role="list" class="citation-list">': '<div class="citation-list">',
    '<p class="caption" role="heading">': '<p class="caption">',
}
# Names, punctuation and space in code look like any text: half of a page's elements for nothing.
PLAIN = re.compile(r'<span class="[npw]">([^<]*)</span>')
NOT_FOUND = """<section><h1>This page is not here</h1>
<p>The address may be old or mistyped. The contents of the book are in the margin, and the search
finds every section and every term.</p></section>"""


def sized_pictures(body: str, files: Mapping[str, Path]) -> str:
    """Give the book's SVG pictures their width and height, so that nothing moves when they load.

    `files` leads from the name that a picture has in the site to its file.
    """

    def sized(match: re.Match[str]) -> str:
        path = files.get(unquote(match["file"]), Path())
        if path.suffix != ".svg":
            return match[0]
        svg = ElementTree.parse(path).getroot()
        sizes = {side: svg.get(side, "") for side in ("width", "height")}
        extra = "".join(f' {side}="{size}"' for side, size in sizes.items() if size.isdigit())
        return f"<img{extra}{match['rest']}"

    return re.sub(r'<img(?P<rest>[^>]*src="[^">]*_images/(?P<file>[^">]+)")', sized, body)


def scrolling_tables(body: str) -> str:
    """Put every table into a box of its own to scroll in."""
    table = re.compile(r"<table\b.*?</table>", re.DOTALL)
    return table.sub(lambda match: f'<div class="scroll">{match[0]}</div>', body)


def description(doctree: nodes.document | None) -> str:
    """Return the first paragraph of a page, in plain text, at most 160 characters."""
    for paragraph in doctree.findall(nodes.paragraph) if doctree else ():
        text = " ".join(paragraph.astext().split())
        if len(text) > 40:
            return text if len(text) <= 160 else text[:160].rsplit(" ", 1)[0] + " ..."
    return ""


def number_figures(app: Sphinx, builder: Builder) -> None:
    """Let the numbers of figures and tables begin anew on each page: a page is read alone."""
    for kinds in app.env.toc_fignumbers.values():
        for numbers in kinds.values():
            for k, name in enumerate(numbers, start=1):
                numbers[name] = (k,)


def dress(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Complete what the template is given."""
    body = context.get("body", "")
    for mistake, repair in REPAIRS.items():
        body = body.replace(mistake, repair)
    body = PLAIN.sub(r"\1", body)
    pictures = {name: Path(app.srcdir, path) for path, name in app.builder.images.items()}
    context["body"] = scrolling_tables(sized_pictures(body, pictures))
    context["preloaded"] = PRELOADED if 'class="katex"' in body else ()
    context["author"] = app.config.author
    for kind in ("css_files", "script_files"):
        context[kind] = [file for file in context[kind] if _ours(file)]
    context["version_of_assets"] = app.config.course_assets
    title = app.config.html_title if page == app.config.root_doc else context.get("title", "")
    title = html.unescape(re.sub("<[^>]+>", "", title))
    context["properties"] = {
        "og:type": "website" if page == app.config.root_doc else "article",
        "og:site_name": app.config.html_title,
        "og:title": title,
        "og:description": description(doctree),
        "og:url": context.get("pageurl") or "",
    }
    if context["pageurl"] and (STATIC / "card.png").exists():
        context["properties"]["og:image"] = f"{app.config.html_baseurl}_static/card.png"


def _ours(file: Any) -> bool:
    """Say whether a page's style sheet or script is a file of website/static."""
    name = str(getattr(file, "filename", file) or "")
    return bool(name) and (STATIC / name.removeprefix("_static/")).is_file()


def not_found(app: Sphinx) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Add the page that a server shows for an address that does not exist."""
    context = {"title": "Not found", "body": NOT_FOUND, "base": app.config.html_baseurl}
    yield "404", context, "page.html"


def address(app: Sphinx, config: Config) -> None:
    """Take the site's own address from BOOK_SITE_URL: canonical links and the site map need it."""
    given = os.environ.get("BOOK_SITE_URL", "").strip().rstrip("/")
    if given and not re.match(r"https?://[\w.-]+", given):
        raise ValueError(f"BOOK_SITE_URL must be the site's address, https://...; got {given!r}")
    config.html_baseurl = f"{given}/" if given else ""


def site_map(app: Sphinx, exception: Exception | None) -> None:
    """List the pages for search engines, if the site knows its address."""
    base = app.config.html_baseurl
    if exception is not None or app.builder.format != "html" or not base:
        return
    pages = "".join(
        f"<url><loc>{html.escape(base + name)}.html</loc></url>\n"
        for name in sorted(app.env.found_docs)
    )
    head = '<?xml version="1.0" encoding="utf-8"?>\n'
    urls = f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n{pages}</urlset>\n'
    Path(app.outdir, "sitemap.xml").write_text(head + urls, encoding="utf-8")
    Path(app.outdir, "robots.txt").write_text(f"User-agent: *\nSitemap: {base}sitemap.xml\n")


def setup(app: Sphinx) -> None:
    """Register with Sphinx."""
    app.connect("config-inited", address)
    app.connect("write-started", number_figures)
    app.connect("html-page-context", dress, priority=900)
    app.connect("html-collect-pages", not_found)
    app.connect("build-finished", site_map)
