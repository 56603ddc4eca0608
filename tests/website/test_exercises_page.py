"""How exercises look on the page, and that BOOK_SOLUTIONS=hide leaves no solution in the site."""

import html
import json
import re
from pathlib import Path

import example_chapter as example
import nbformat
import pytest
from course import exercises
from small_book import build
from sphinx.errors import ExtensionError

SECRETS = ["x**n", "Because of", "a plan", "three factors of 2", "It grew", "BEGIN", "Your answer"]


@pytest.fixture
def cells():
    """The example's exercises as the page shows them, by id."""
    notebook = nbformat.writes(example.chapter().notebook)

    def shown(show_solutions):
        content = json.loads(exercises.on_the_page(notebook, show_solutions))
        nbformat.validate(content)
        return {cell["id"]: cell for cell in content["cells"]}

    return shown


def test_markers_go_and_the_code_stays(cells):
    source = cells(True)["toy-2-solution"]["source"]
    assert source.endswith('for n >= 0."""\n    return x**n')
    assert "HIDDEN" not in cells(True)["toy-2-check-value"]["source"]
    assert "three factors of 2" in cells(True)["toy-2-check-value"]["source"]


def test_solution_and_checks_are_folded_with_a_name(cells):
    shown = cells(True)
    prompts = {
        "toy-2-solution": "Show the solution",
        "toy-2-check-value": "Show the check: value (2 points)",
        "toy-2-check-limit": "Show the check: limit (1 point)",
    }
    for cell_id, prompt in prompts.items():
        metadata = shown[cell_id]["metadata"]
        assert metadata["tags"] == ["hide-input"]
        assert metadata["mystnb"]["code_prompt_show"] == prompt
        assert metadata["mystnb"]["code_prompt_hide"] == prompt.replace("Show", "Hide")


def test_the_empty_answer_cell_is_left_out_and_the_rest_is_untouched(cells):
    before = {cell.id: cell for cell in example.chapter().cells}
    shown = cells(True)
    assert set(before) - set(shown) == {"toy-2-answer", "toy-3-answer", "toy-4-answer"}
    for cell_id in ("imports", "cliff-figure", "toy-1-task"):
        assert shown[cell_id] == json.loads(json.dumps(before[cell_id]))


def test_a_model_answer_loses_its_markers_alone(cells):
    source = cells(True)["toy-1-answer"]["source"]
    assert source.startswith("<details><summary>Model answer</summary>\n\nBecause of")
    assert source.endswith("\n\n</details>")


def test_hidden_solutions_leave_the_stub_and_the_visible_checks(cells):
    hidden = cells(False)
    assert hidden["toy-2-solution"]["source"] == (
        "```python\n# Exercise 2, solution\ndef power2(x: float, n: int) -> float:\n"
        '    """Return x to the power of n, for n >= 0."""\n    # your code here\n```'
    )
    check = hidden["toy-2-check-value"]["source"]
    assert check.startswith("<details><summary>Show the check: value (2 points)</summary>\n\n```")
    assert "two factors of 3" in check
    assert "toy-1-answer" not in hidden
    assert not [secret for secret in SECRETS if secret in json.dumps(hidden)]


def test_what_a_written_answer_keeps_outside_its_markers_is_shown():
    notebook = example.chapter().notebook
    answer = next(cell for cell in notebook.cells if cell.id == "toy-1-answer")
    answer.source = f"Use three sentences.\n\n{answer.source}"
    content = json.loads(exercises.on_the_page(nbformat.writes(notebook), False))
    kept = next(cell for cell in content["cells"] if cell["id"] == "toy-1-answer")
    assert kept["source"] == "Use three sentences."


@pytest.fixture
def site(tmp_path, monkeypatch):
    """Build the example's exercises, with a value of BOOK_SOLUTIONS, as a site of one page."""
    notebook = example.chapter().notebook
    chosen = [cell for cell in notebook.cells if cell.id.startswith(("theory", "toy"))]
    notebook.cells = [example.markdown("title", "# Toy\n\n## Exercises"), *chosen]

    def build_with(choice):
        monkeypatch.setenv("BOOK_SOLUTIONS", choice)
        files = {"index.ipynb": nbformat.writes(notebook)}
        return build(tmp_path, files, "course.exercises", html_copy_source=False)

    return build_with


def words(site):
    """Return everything a site's files say, without tags."""
    files = [path for path in site.rglob("*") if path.suffix in (".html", ".js", ".ipynb", ".txt")]
    text = "\n".join(
        path.read_text(encoding="utf-8") for path in files if "_static" not in str(path)
    )
    return html.unescape(re.sub(r"<[^>]*>", "", text))


def test_a_site_shows_the_solutions(site):
    built = site("")
    assert built.warnings == ""
    said = words(Path(built.app.outdir))
    assert [secret for secret in SECRETS if secret in said] == SECRETS[:5]
    page = built.page()
    assert page.count("Show the solution") == 3
    answer = re.search(r"<details><summary>Model answer</summary>(.*?)</details>", page, re.DOTALL)
    assert '<a class="reference internal" href="#equation-eq-bound">' in answer[1]
    hint = re.search(r"<details><summary>Hint</summary>(.*?)</details>", page, re.DOTALL)
    assert '<span class="math' in hint[1]


def test_a_site_with_hidden_solutions_holds_none_in_any_file(site):
    built = site("hide")
    assert built.warnings == ""
    said = words(Path(built.app.outdir))
    assert "two factors of 3" in said
    assert not [secret for secret in SECRETS if secret in said]


def test_solutions_vanish_from_a_site_that_is_built_again(site):
    site("show")
    said = words(Path(site("hide").app.outdir))
    assert not [secret for secret in SECRETS if secret in said]


def test_an_unknown_choice_is_an_error(site):
    with pytest.raises(ExtensionError, match="BOOK_SOLUTIONS must be show or hide; got 'no'"):
        site("no")


def test_the_book_shows_no_marker_and_no_empty_answer(html):
    pages = sorted(html.glob("chapters/*.html"))
    assert pages
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert "BEGIN SOLUTION" not in text
        assert "BEGIN HIDDEN TESTS" not in text
        assert "Your answer:" not in text
        stubs = text.count("# your code here")  # where the solutions are hidden
        assert text.count("Show the solution") + stubs == 3
