"""Rules about a chapter's text. Each yields one line per problem."""

from __future__ import annotations

import re
from collections.abc import Iterator

from chapter import Chapter, headings, tokens

MACRO = re.compile(r"\\(?:re)?newcommand|\\(?:g?def|let)\b|\\DeclareMathOperator")
ENVIRONMENT = re.compile(r"\\begin\{((?:align|equation|gather|multline|eqnarray)\*?)\}")
URL_END = re.compile(r"https?://\S*[/\-_?&=#%+~]$", re.MULTILINE)
OPEN_LINK = re.compile(r"(?:\]\(|<)https?://[^)>\s]*$", re.MULTILINE)


def roles_are_citations(chapter: Chapter) -> Iterator[str]:
    """What other readers of notebooks show as raw text stays out; a citation has no other form."""
    for cell_id, text in chapter.texts():
        for token in tokens(text):
            if token.type == "myst_role" and not token.meta["name"].startswith("cite"):
                name = token.meta["name"]
                yield f"{cell_id}: role {{{name}}} is raw text elsewhere; write [words](#label)"
            if token.type == "fence" and token.info.startswith("{"):
                yield f"{cell_id}: directive {token.info} is raw text elsewhere"
            if token.type.startswith("myst_") and token.type not in ("myst_role", "myst_target"):
                yield f"{cell_id}: {token.content or token.type!r} is raw text elsewhere"
        if re.search(r"^:::", text, re.MULTILINE):
            yield f"{cell_id}: a ::: fence is raw text elsewhere"


def formulas_are_portable(chapter: Chapter) -> Iterator[str]:
    for cell_id, formula, _ in formulas(chapter):
        if found := MACRO.search(formula):
            yield f"{cell_id}: {found[0]} defines a macro; write it out"
        if found := ENVIRONMENT.search(formula):
            yield f"{cell_id}: {found[1]}; write aligned inside $$...$$ (label)"


def formulas(chapter: Chapter) -> Iterator[tuple[str, str, bool]]:
    """Yield (cell id, formula, displayed) of every formula a page renders."""
    for cell_id, text in chapter.texts():
        for formula, displayed in formulas_in(text):
            yield cell_id, formula, displayed


def formulas_in(text: str) -> Iterator[tuple[str, bool]]:
    for token in tokens(text):
        if token.type.startswith(("math_", "amsmath")):
            yield token.content.strip(), token.type != "math_inline"


def links_have_words(chapter: Chapter) -> Iterator[str]:
    for cell_id, text in chapter.texts():
        found = tokens(text)
        for k, token in enumerate(found):
            if token.type == "link_open" and found[k + 1].type == "link_close":
                yield f"{cell_id}: a link to {token.attrs['href']} without words"


def addresses_are_whole(chapter: Chapter) -> Iterator[str]:
    """An address broken over two lines is two wrong addresses."""
    for cell_id, text in chapter.texts():
        for pattern in (OPEN_LINK, URL_END):
            if found := pattern.search(text):
                yield f"{cell_id}: {found[0]} goes on in the next line; keep it on one"
                break


def folklore_is_checked(chapter: Chapter) -> Iterator[str]:
    titles = [words for cell in chapter.markdown for _, words in headings(cell)]
    if not any(title.startswith("Folklore check") for title in titles):
        yield "no heading begins with 'Folklore check'"


RULES = (
    roles_are_citations,
    formulas_are_portable,
    links_have_words,
    addresses_are_whole,
    folklore_is_checked,
)
