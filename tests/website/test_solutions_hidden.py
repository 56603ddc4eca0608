"""A whole small site with BOOK_SOLUTIONS=hide: no file of it holds a solution or leads to one."""

import html
import json
import re
import zlib
from pathlib import Path
from urllib.parse import unquote

import example_chapter as example
import nbformat
import pytest
from course import exercises, links
from small_book import build
from sphinx.errors import ExtensionError

ROOT = Path(__file__).parents[2]
CHAPTERS = sorted((ROOT / "chapters").glob("*.ipynb"))
COURSE = "https://github.com/owner/course"
RELEASE = "https://github.com/owner/released"
REGION = re.compile(r"BEGIN (?:SOLUTION|HIDDEN TESTS).*?\n(.*?)\n[^\n]*END", re.DOTALL)
LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")
LEAST = 6  # letters of a line that is looked for
LEFTOVERS = {"BEGINSOLUTION", "BEGINHIDDEN", "Youranswerdefine"}


def squeezed(text):
    """The letters and digits of a text alone, so that no way to write it hides it."""
    plain = re.sub(r"<[^>]*>", "", html.unescape(unquote(text)))
    return re.sub(r"\W", "", LINK.sub(r"\1", plain))


def secrets(notebook):
    """Every line of the solutions and hidden tests of a notebook, unless it is elsewhere too."""
    found, elsewhere = [], []
    for cell in notebook.cells:
        comment = exercises.role(cell) == "comment"
        regions = [cell.source] if comment else REGION.findall(cell.source)
        found += [squeezed(line) for region in regions for line in region.splitlines()]
        elsewhere.append("" if comment else squeezed(REGION.sub("", cell.source)))
    public = " ".join(elsewhere)
    return {line for line in found if len(line) >= LEAST and line not in public}


def contents(folder):
    """What every file of a folder says, by name; what is packed is unpacked."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix not in (".woff2", ".png"):
            data = path.read_bytes()
            if path.name == "objects.inv":
                head, body = data.split(b"zlib.\n", 1)
                data = head + zlib.decompress(body)
            yield path.relative_to(folder).as_posix(), data.decode("utf-8")


@pytest.fixture
def toy():
    """A chapter that runs: one claim, the exercises of the example, and what a reader prints."""
    notebook = example.chapter().notebook
    chosen = [cell for cell in notebook.cells if cell.id.startswith(("theory", "toy"))]
    runs = "from helpers.claims import claim\n\nclaim('one is one', measured=[1] * 8, exactly=1)"
    notebook.cells = [
        example.markdown("title", "(chapter-toy)=\n# Toy\n\nA chapter of one claim."),
        example.code("imports", runs),
        example.markdown("exercises", "## Exercises"),
        *chosen,
    ]
    for cell in notebook.cells:  # a solution that prints would leave its words in an output
        if cell.id == "toy-2-solution":
            cell.source = cell.source.replace("return x", "print('a loud secret')\n    return x")
    return notebook


@pytest.fixture
def site(tmp_path, monkeypatch, capfd, toy):
    """Build the chapter as `make book` builds the course; returns the site and what has run."""
    monkeypatch.setenv("BOOK_BUILD", "")
    for name in ("GITHUB_REPOSITORY", "CI_PROJECT_URL", "BOOK_RELEASE_URL", "BOOK_SITE_URL"):
        monkeypatch.delenv(name, raising=False)
    index = "# Book\n\nThe first page of a book.\n\n```{toctree}\nchapters/01_toy\nevidence\n```\n"
    files = {
        "index.md": index,
        "evidence.md": "(evidence)=\n# Evidence\n\nEvery claim.\n\n```{evidence}\n```\n",
        "reference/references.bib": "@misc{a,\n  title = {b}\n}\n",
        "chapters/01_toy.ipynb": nbformat.writes(toy),
    }
    settings = {
        "nb_execution_mode": "cache",
        "html_theme": "course",
        "html_math_renderer": "course",
        "html_copy_source": False,
        "suppress_warnings": ["mystnb.unknown_mime_type"],
    }

    def run(choice, **environment):
        variables = {"BOOK_REPOSITORY_URL": COURSE, "BOOK_SOLUTIONS": choice, **environment}
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        capfd.readouterr()
        built = build(tmp_path, files, "course", **settings)
        assert built.warnings == ""
        return built, re.findall(r"^  (\S+) .* s$", capfd.readouterr().out, re.MULTILINE)

    return run


def test_no_file_of_the_site_holds_a_piece_of_a_solution(site, toy):
    """And the same search finds all of them in a site that shows the solutions."""
    wanted = secrets(toy)
    assert len(wanted) > 10
    shown, ran = site("show")
    assert ran == ["chapters/01_toy"]
    seen = squeezed(" ".join(text for _, text in contents(Path(shown.app.outdir))))
    assert [secret for secret in wanted if secret not in seen] == []
    left = Path(shown.app.outdir, "_sources", "old.ipynb")  # of an earlier build, say
    left.parent.mkdir(exist_ok=True)
    left.write_text("return x**n")

    hidden, ran = site("hide")
    assert ran == []  # the outputs are those of the first build
    for name, text in contents(Path(hidden.app.outdir)):
        said = squeezed(text)
        assert [secret for secret in wanted | LEFTOVERS if secret in said] == [], name
    page = hidden.page("chapters/01_toy")
    assert "# your code here" in page
    assert "one is one" in hidden.page("evidence")
    assert "two factors of 3" in page
    assert "owner/course" not in "".join(text for _, text in contents(Path(hidden.app.outdir)))

    shown, ran = site("show")
    assert ran == []
    assert "Show the solution" in shown.page("chapters/01_toy")


def test_the_solutions_run_where_they_are_hidden(site, toy):
    hidden, ran = site("hide")
    assert ran == ["chapters/01_toy"]
    assert "a loud secret" not in json.dumps([text for _, text in contents(hidden.app.outdir)])
    executed = nbformat.read(
        Path(hidden.app.outdir).parent / "jupyter_execute/chapters/01_toy.ipynb", as_version=4
    )
    (claim,) = [cell for cell in executed.cells if cell.id == "imports"]
    assert claim.execution_count == 1
    assert claim.outputs
    shown, ran = site("show")
    assert ran == []
    assert "a loud secret" in shown.page("chapters/01_toy")


def test_a_solution_that_fails_stops_a_build_that_hides_it(tmp_path, monkeypatch, toy):
    monkeypatch.setenv("BOOK_BUILD", "")
    monkeypatch.setenv("BOOK_SOLUTIONS", "hide")
    for cell in toy.cells:
        if cell.id == "toy-3-solution":
            cell.source = cell.source.replace("return x", "return 1 / 0 * x")
    files = {"index.ipynb": nbformat.writes(toy)}
    with pytest.raises(ExtensionError, match="toy-3-check-value"):
        build(tmp_path, files, "course.execution", "course.exercises", nb_execution_mode="cache")
    assert list((tmp_path / "build").rglob("*.html")) == []


def test_links_lead_to_the_released_notebooks_or_nowhere(site):
    shown, _ = site("show")
    assert f"{COURSE}/issues/new" in shown.page("chapters/01_toy")
    bare, _ = site("hide")
    for page in ("index", "chapters/01_toy", "evidence"):
        assert "github" not in bare.page(page)
        assert "mybinder" not in bare.page(page)
    hub = {"BOOK_JUPYTERHUB_URL": "https://hub.example.edu", "BOOK_BINDERHUB_URL": ""}
    led, _ = site("hide", BOOK_RELEASE_URL=f"{RELEASE}.git", BOOK_RELEASE_BRANCH="2027", **hub)
    (address,) = re.findall(r'href="(https://hub[^"]*)"', led.page("chapters/01_toy"))
    address = unquote(html.unescape(address))
    assert f"repo={RELEASE}&branch=2027" in address
    assert address.endswith("urlpath=lab/tree/released/assignments/01_toy.ipynb")
    assert "github.com" not in led.page("index")
    assert ">Source<" not in led.page("chapters/01_toy")


def test_an_address_of_no_repository_is_an_error(site):
    with pytest.raises(ExtensionError, match=r"BOOK_RELEASE_URL must be like .* got 'nowhere'"):
        site("hide", BOOK_RELEASE_URL="nowhere")
    assert links.released({"BOOK_RELEASE_URL": RELEASE}) == (RELEASE, "main")
    assert links.released({}) == ("", "main")


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_the_exercises_of_a_chapter_keep_no_line_of_a_solution(path):
    text = path.read_text(encoding="utf-8")
    notebook = nbformat.reads(text, as_version=4)
    kept = json.loads(exercises.on_the_page(text, False))["cells"]
    own = {cell.id for cell in notebook.cells if exercises.role(cell)}
    said = squeezed(" ".join(cell["source"] for cell in kept if cell["id"] in own))
    assert [secret for secret in secrets(notebook) if secret in said] == []
