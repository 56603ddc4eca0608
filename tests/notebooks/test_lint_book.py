"""What the lint says about a book whose parts do not fit together."""

from dataclasses import replace

import lint_book
import pytest
from breaking import PARAMETERS, Cases, edit, find, problems

CASES = Cases()
breaks = CASES.breaks


@pytest.mark.parametrize(PARAMETERS, CASES)
def test_the_rule_catches(rule, change, message, tmp_path):
    assert message in problems(rule, change, tmp_path)


def test_every_rule_has_a_notebook_that_breaks_it():
    assert CASES.rules() == set(lint_book.RULES)


@breaks(lint_book.labels_are_unique, "the label eq-bound stands in")
def a_label_twice(book):
    book.pages["index.md"] += "\n\n(eq-bound)=\n## Again"


@breaks(lint_book.labels_are_unique, "the label fig-cliff stands in")
def the_name_of_a_figure_twice(book):
    book.pages["index.md"] += "\n\n```{figure} x.svg\n:name: fig-cliff\n```"


@breaks(lint_book.links_lead_somewhere, "no page has the label eq-other")
def a_link_to_no_label(book):
    book.pages["index.md"] += "\n\n[words](#eq-other)"


@breaks(lint_book.links_lead_somewhere, "toy-1-answer: no page has the label eq-bond")
def a_misspelt_link_in_a_model_answer(book):
    edit(book.chapters[0], "toy-1-answer", "#eq-bound", "#eq-bond")


@breaks(lint_book.links_lead_somewhere, "there is no file chapters/02_next.ipynb")
def a_link_to_no_file(book):
    book.pages["index.md"] += "\n\n[words](chapters/02_next.ipynb)"


@breaks(lint_book.citations_have_sources, "title: somebody1992thesis is not in references.bib")
def a_citation_of_nothing(book):
    edit(book.chapters[0], "title", "1991", "1992")


@breaks(lint_book.sources_are_listed, "somebody1991thesis is cited nowhere")
def a_source_nobody_cites(book):
    edit(book.chapters[0], "title", "{cite:t}`somebody1991thesis`", "it")


@breaks(lint_book.sources_are_listed, "somebody1991thesis stands there twice")
def a_source_twice(book):
    return replace(book, bibliography=book.bibliography * 2)


@breaks(lint_book.sources_are_listed, "no page has a {bibliography}")
def no_bibliography(book):
    del book.pages["reference/bibliography.md"]


@breaks(lint_book.chapters_are_in_the_contents, "_toc.yml does not list chapters/01_toy")
def a_chapter_missing_from_the_contents(book):
    return replace(book, contents="")


@breaks(
    lint_book.chapters_are_in_the_contents,
    "index.md has no link to the label of the title of chapters/01_toy",
)
def a_chapter_missing_from_the_home_page(book):
    book.pages["index.md"] = "# Book"


@breaks(lint_book.formulas_are_not_red, "01_toy, theory: \\foo")
def an_unknown_command(book):
    find(book.chapters[0], "theory").source = "$x$ and $\\foo$"


@breaks(lint_book.formulas_are_not_red, "index.md, page: \\text{€}")
def a_letter_that_katex_does_not_know(book):
    book.pages["index.md"] += "\n\n$$\n\\text{€}\n$$"


@breaks(lint_book.formulas_are_not_red, "cliff-figure: \\foo")
def an_unknown_command_in_a_caption(book):
    find(book.chapters[0], "cliff-figure").metadata.mystnb["figure"]["caption"] = "$\\foo$"
