"""Rules about the book as a whole: labels, links, sources, formulas, contents."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from chapter import CHAPTERS, ROOT, Chapter, figure, read, tokens
from course.formulas import Renderer, katex
from lint_text import formulas, formulas_in

NAME_OPTION = re.compile(r"^:(?:name|label): *(\S+)$", re.MULTILINE)


@dataclass(frozen=True)
class Book:
    """The chapters, the other pages by path, and what the contents and bibliography say."""

    chapters: list[Chapter]
    pages: dict[str, str]
    contents: str = ""
    bibliography: str = ""
    files: Path = field(default=ROOT)

    def texts(self) -> Iterator[tuple[str, str, str]]:
        """Yield (page, place in it, Markdown) of everything the book renders."""
        for chapter in self.chapters:
            for cell_id, text in chapter.texts():
                yield f"chapters/{chapter.name}.ipynb", cell_id, text
        for path, text in self.pages.items():
            yield path, "page", text


def the_book() -> Book:
    """Return the book as it lies in the repository."""
    pages = [*ROOT.glob("*.md"), *ROOT.glob("reference/*.md")]
    shown = [p for p in pages if p.name not in ("README.md", "CONTRIBUTING.md", "LICENSE.md")]
    return Book(
        [read(path) for path in CHAPTERS],
        {p.relative_to(ROOT).as_posix(): p.read_text(encoding="utf-8") for p in sorted(shown)},
        (ROOT / "_toc.yml").read_text(encoding="utf-8"),
        (ROOT / "reference/references.bib").read_text(encoding="utf-8"),
    )


def labels(book: Book) -> Iterator[tuple[str, str]]:
    """Yield (label, where) of every label that the authors wrote."""
    for page, place, text in book.texts():
        for token in tokens(text):
            if token.type == "myst_target":
                yield token.content, f"{page}, {place}"
            elif token.type in ("math_block_label", "amsmath_label"):
                yield token.info, f"{page}, {place}"
            elif token.type == "fence" and token.info.startswith("{"):
                for name in NAME_OPTION.findall(token.content):
                    yield name, f"{page}, {place}"
    for chapter in book.chapters:
        for cell in chapter.code:
            if name := figure(cell).get("name"):
                yield name, f"chapters/{chapter.name}.ipynb, {cell.id}"


def labels_are_unique(book: Book) -> Iterator[str]:
    places: dict[str, list[str]] = {}
    for label, place in labels(book):
        places.setdefault(label, []).append(place)
    for label, found in places.items():
        if len(found) > 1:
            yield f"the label {label} stands in {' and in '.join(found)}"


def links_lead_somewhere(book: Book) -> Iterator[str]:
    known = {label for label, _ in labels(book)}
    for page, place, text in book.texts():
        for token in tokens(text):
            target = str(token.attrs.get("href") or token.attrs.get("src") or "")
            if token.type not in ("link_open", "image") or re.match(r"[a-z]+:", target):
                continue
            path, _, label = target.partition("#")
            if path and not (book.files / Path(page).parent / path).exists():
                yield f"{page}, {place}: there is no file {path}"
            elif not path and label not in known:
                yield f"{page}, {place}: no page has the label {label}"


def citations(book: Book) -> Iterator[tuple[str, str]]:
    """Yield (key, where) of every citation."""
    for page, place, text in book.texts():
        for token in tokens(text):
            if token.type == "myst_role" and token.meta["name"].startswith("cite"):
                for key in token.content.split(","):
                    yield key.strip(), f"{page}, {place}"


def citations_have_sources(book: Book) -> Iterator[str]:
    known = set(entries(book))
    for key, place in citations(book):
        if key not in known:
            yield f"{place}: {key} is not in references.bib"


def sources_are_listed(book: Book) -> Iterator[str]:
    """A source is cited, or the bibliography lists the uncited ones too."""
    counts = Counter(entries(book))
    yield from (f"references.bib: {key} stands there twice" for key in counts if counts[key] > 1)
    directives = [
        t for _, _, text in book.texts() for t in tokens(text) if t.info == "{bibliography}"
    ]
    if not directives:
        yield "no page has a {bibliography}"
    if not any(":all:" in token.content for token in directives):
        for key in sorted(set(counts) - {key for key, _ in citations(book)}):
            yield f"references.bib: {key} is cited nowhere"


def entries(book: Book) -> list[str]:
    return re.findall(r"^@\w+\{([^,\s]+),", book.bibliography, re.MULTILINE)


def chapters_are_in_the_contents(book: Book) -> Iterator[str]:
    for chapter in book.chapters:
        if not re.search(rf"^ *- file: chapters/{chapter.name}$", book.contents, re.MULTILINE):
            yield f"_toc.yml does not list chapters/{chapter.name}"
        links = {str(t.attrs.get("href", "")) for t in tokens(book.pages.get("index.md", ""))}
        title = [t for t in tokens(chapter.cells[0].source) if t.type == "myst_target"]
        if not links & {f"#{target.content}" for target in title}:
            yield f"index.md has no link to the label of the title of chapters/{chapter.name}"


def formulas_are_not_red(book: Book) -> Iterator[str]:
    """Render every formula as the build does, by one process."""
    found = [(c.name, *rest) for c in book.chapters for rest in formulas(c)]
    for path, text in book.pages.items():
        found += [(path, "page", *formula) for formula in formulas_in(text)]
    render = Renderer(katex(ROOT / ".cache") / "katex.min.js")
    for page, place, formula, displayed in found:
        if error := render(formula, displayed).get("error"):
            yield f"{page}, {place}: {formula}\n    {error}"
    render.close()


RULES = (
    labels_are_unique,
    links_lead_somewhere,
    citations_have_sources,
    sources_are_listed,
    chapters_are_in_the_contents,
    formulas_are_not_red,
)
