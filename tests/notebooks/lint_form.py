"""Rules about the form of a notebook and about its code. Each yields one line per problem."""

from __future__ import annotations

import ast
import re
import statistics
from collections import Counter
from collections.abc import Iterator
from typing import Any

import nbformat
from chapter import Chapter, called, calls, figure, tags, tree

TAGS = {
    *("your-answer", "after-solution", "for-exercises"),
    *("install", "hide-input", "remove-cell"),
    *("nbval-check-output", "nbval-skip"),
}
CELL_KEYS = {"tags", "mystnb", "nbgrader", "jupyter"}
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
ID = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
HEX_ID = re.compile(r"[0-9a-f]{8}|[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
LONGEST, USUAL = 40, 20
FEWEST_CLAIMS = 8
SHORTEST_ALT = 60


def format_is_valid(chapter: Chapter) -> Iterator[str]:
    version = (chapter.notebook.nbformat, chapter.notebook.nbformat_minor)
    if version != (4, 5):
        yield f"the notebook is nbformat {version[0]}.{version[1]}; it must be 4.5"
    try:
        nbformat.validate(chapter.notebook)
    except nbformat.ValidationError as error:
        yield f"not a valid notebook: {str(error).splitlines()[0]}"


def ids_are_words(chapter: Chapter) -> Iterator[str]:
    """A diff, a failing test and this lint name a cell by its id."""
    counts = Counter(cell.id for cell in chapter.cells)
    for cell_id, count in counts.items():
        if count > 1:
            yield f"{cell_id}: {count} cells have this id"
        if HEX_ID.fullmatch(cell_id) or not ID.fullmatch(cell_id):
            yield f"{cell_id}: an id is words in lower case with hyphens, such as cliff-figure"


def metadata_is_minimal(chapter: Chapter) -> Iterator[str]:
    if chapter.notebook.metadata != METADATA:
        yield f"notebook metadata must be {METADATA}; it is {dict(chapter.notebook.metadata)}"
    for cell in chapter.cells:
        for key in sorted(set(cell.metadata) - CELL_KEYS):
            yield f"{cell.id}: metadata {key!r} is none of {', '.join(sorted(CELL_KEYS))}"
        if "jupyter" in cell.metadata and cell.metadata.jupyter != {"source_hidden": True}:
            yield f"{cell.id}: metadata 'jupyter' may only hold source_hidden: true"
        if cell.get("attachments"):
            yield f"{cell.id}: attachments are not shown on the page"


def tags_are_known(chapter: Chapter) -> Iterator[str]:
    for cell in chapter.cells:
        for tag in sorted(set(tags(cell)) - TAGS):
            hint = "; it passes when nothing is raised" * (tag == "raises-exception")
            yield f"{cell.id}: tag {tag!r} is none of {', '.join(sorted(TAGS))}{hint}"
        if re.search(r"^\s*#+ *(NBVAL|PYTEST_VALIDATE)_", cell.source, re.MULTILINE):
            yield f"{cell.id}: tell nbval by tags, not by comments"


def skipping_has_a_reason(chapter: Chapter) -> Iterator[str]:
    for cell in chapter.code:
        first = cell.source.split("\n", 1)[0]
        if "nbval-skip" in tags(cell) and not re.match(r"# .*\bbecause\b", first):
            yield f"{cell.id}: skipped without a reason; begin with '# Not run because ...'"


def outputs_are_stripped(chapter: Chapter) -> Iterator[str]:
    for cell in chapter.code:
        if "nbval-check-output" not in tags(cell):
            if cell.outputs:
                yield f"{cell.id}: has outputs; only cells tagged nbval-check-output keep them"
            if cell.execution_count is not None:
                yield f"{cell.id}: has an execution count; clear it"


def checked_cells_are_checked(chapter: Chapter) -> Iterator[str]:
    """Nbval compares nothing, and says nothing, where the count is null or there is no output."""
    for cell in chapter.code:
        if "nbval-check-output" not in tags(cell):
            continue
        if cell.execution_count != 1:
            yield f"{cell.id}: nbval ignores a checked cell unless its execution_count is 1"
        if not any(_text(output).strip() for output in cell.outputs):
            yield f"{cell.id}: nbval has no text to compare; run the cell and keep its output"
        if any(set(output.get("data", {})) - {"text/plain"} for output in cell.outputs):
            yield f"{cell.id}: only text is the same on every machine; keep text/plain alone"
        if "nbval-skip" in tags(cell):
            yield f"{cell.id}: skipped and checked at the same time"


def _text(output: Any) -> str:
    return str(output.get("text") or output.get("data", {}).get("text/plain", ""))


def starts_with_imports(chapter: Chapter) -> Iterator[str]:
    code = [cell for cell in chapter.code if "install" not in tags(cell)]
    if not code:
        yield "there is no code"
        return
    first = tree(code[0].source)
    imports = any(isinstance(node, (ast.Import, ast.ImportFrom)) for node in ast.walk(first))
    if not imports or "helpers.start" not in {called(call) for call in calls(first)}:
        yield f"{code[0].id}: the first code cell imports and calls helpers.start()"
    for cell in chapter.code[: chapter.code.index(code[0])][1:]:
        yield f"{cell.id}: one install cell is enough"


def drawings_are_described(chapter: Chapter) -> Iterator[str]:
    """What a cell draws has a caption, a name to link to, and an alt text that adds to them."""
    functions: set[str] = set()
    for cell in chapter.code:
        parsed = tree(cell.source)
        functions |= {d.name for d in _definitions(parsed) if _draws(d.body, functions)}
        outside = [node for node in parsed.body if node not in _definitions(parsed)]
        if _draws(outside, functions):
            yield from _description(cell)


def _definitions(parsed: ast.Module) -> list[ast.FunctionDef]:
    return [node for node in parsed.body if isinstance(node, ast.FunctionDef)]


def _draws(body: list[ast.stmt], functions: set[str]) -> bool:
    names = {called(call) for statement in body for call in calls(statement)}
    if any(name in functions or re.match(r"plt\.(?!close$|rc)", name) for name in names):
        return True
    last = body[-1] if body else None
    return isinstance(last, ast.Expr) and bool(re.match(r"fig", getattr(last.value, "id", "")))


def _description(cell: Any) -> Iterator[str]:
    alt = cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "")
    caption, name = figure(cell).get("caption", ""), figure(cell).get("name", "")
    if not caption:
        yield f"{cell.id}: a figure needs mystnb.figure.caption"
    if not re.fullmatch(r"fig-[a-z0-9-]+", name):
        yield f"{cell.id}: a figure needs mystnb.figure.name, fig-...; it is {name!r}"
    if len(alt) < SHORTEST_ALT:
        yield f"{cell.id}: an alt text says what is seen in {SHORTEST_ALT} characters; got {alt!r}"
    elif alt.strip(" .") == caption.strip(" ."):
        yield f"{cell.id}: the alt text repeats the caption"
    if "$" in alt:
        yield f"{cell.id}: an alt text is read aloud as it is; write σ, not $\\sigma$"


def something_is_explored(chapter: Chapter) -> Iterator[str]:
    """The alt texts of its frames are checked by explore() itself."""
    if not any(_calls_of(chapter, "explore")):
        yield "there is no explorer"


def claims_are_plain_and_enough(chapter: Chapter) -> Iterator[str]:
    claims = list(_calls_of(chapter, "claim"))
    if len(claims) < FEWEST_CLAIMS:
        yield f"{len(claims)} claims; a chapter makes at least {FEWEST_CLAIMS}"
    for cell, call in claims:
        named = [keyword.value for keyword in call.keywords if keyword.arg == "statement"]
        for part in ast.walk((call.args + named + [ast.Constant("")])[0]):
            if isinstance(part, ast.Constant) and "$" in str(part.value):
                yield f"{cell.id}: a statement is plain text, $maths$ is not rendered in it"


def _calls_of(chapter: Chapter, name: str) -> Iterator[tuple[Any, ast.Call]]:
    for cell in chapter.code:
        for call in calls(tree(cell.source)):
            if called(call).split(".")[-1] == name:
                yield cell, call


def cells_are_short(chapter: Chapter) -> Iterator[str]:
    lengths = cell_lengths(chapter)
    for cell, length in zip(chapter.code, lengths, strict=True):
        if length > LONGEST:
            yield f"{cell.id}: {length} lines; no cell is longer than {LONGEST}"
    if (usual := ninetieth(lengths)) > USUAL:
        yield f"90 % of the cells have up to {usual} lines; they should have at most {USUAL}"


def cell_lengths(chapter: Chapter) -> list[int]:
    return [len(cell.source.splitlines()) for cell in chapter.code]


def ninetieth(lengths: list[int]) -> int:
    """Return the length that 90 % of the cells do not exceed."""
    return sorted(lengths)[max(0, -(-9 * len(lengths) // 10) - 1)] if lengths else 0


def length_table(chapters: list[Chapter]) -> str:
    """Return the lengths of code cells, one chapter a line."""
    rows = [f"{'lines per code cell':28}{'cells':>7}{'median':>8}{'90 %':>6}{'longest':>9}"]
    for chapter in chapters:
        lengths = cell_lengths(chapter) or [0]
        middle = statistics.median(lengths)
        numbers = f"{len(lengths):7}{middle:8g}{ninetieth(lengths):6}{max(lengths):9}"
        rows.append(f"{chapter.name:28}{numbers}")
    return "\n".join(rows)


RULES = (
    format_is_valid,
    ids_are_words,
    metadata_is_minimal,
    tags_are_known,
    skipping_has_a_reason,
    outputs_are_stripped,
    checked_cells_are_checked,
    starts_with_imports,
    drawings_are_described,
    something_is_explored,
    claims_are_plain_and_enough,
    cells_are_short,
)
