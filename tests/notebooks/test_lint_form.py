"""What the lint says about a notebook whose form or code is wrong."""

import example_chapter as example
import lint_form
import pytest
from breaking import PARAMETERS, Cases, drop, edit, find, problems
from nbformat.v4 import new_output

CASES = Cases()
breaks = CASES.breaks


@pytest.mark.parametrize(PARAMETERS, CASES)
def test_the_rule_catches(rule, change, message, tmp_path):
    assert message in problems(rule, change, tmp_path)


def test_every_rule_has_a_notebook_that_breaks_it():
    assert CASES.rules() == set(lint_form.RULES)


@breaks(lint_form.format_is_valid, "nbformat 4.4")
def an_old_format(toy):
    toy.notebook.nbformat_minor = 4


@breaks(lint_form.format_is_valid, "not a valid notebook")
def an_unknown_kind_of_cell(toy):
    find(toy, "title").cell_type = "poem"


@breaks(lint_form.ids_are_words, "3f2a9c1d: an id is words")
def an_id_from_the_editor(toy):
    find(toy, "title").id = "3f2a9c1d"


@breaks(lint_form.ids_are_words, "Big_Figure: an id is words")
def an_id_in_capitals(toy):
    find(toy, "title").id = "Big_Figure"


@breaks(lint_form.ids_are_words, "theory: 2 cells have this id")
def two_cells_of_one_id(toy):
    find(toy, "title").id = "theory"


@breaks(lint_form.metadata_is_minimal, "it is {'kernelspec'")
def the_python_version_of_the_author(toy):
    toy.notebook.metadata.language_info.version = "3.12.1"


@breaks(lint_form.metadata_is_minimal, "title: metadata 'editable'")
def an_editor_mark_on_a_cell(toy):
    find(toy, "title").metadata.editable = True


@breaks(lint_form.metadata_is_minimal, "imports: metadata 'jupyter'")
def folded_outputs(toy):
    find(toy, "imports").metadata.jupyter = {"outputs_hidden": True}


@breaks(lint_form.metadata_is_minimal, "theory: attachments")
def a_pasted_picture(toy):
    find(toy, "theory").attachments = {"image.png": {"image/png": ""}}


@breaks(lint_form.tags_are_known, "imports: tag 'hide_input'")
def a_misspelt_tag(toy):
    find(toy, "imports").metadata.tags = ["hide_input"]


@breaks(lint_form.tags_are_known, "it passes when nothing is raised")
def an_expected_exception(toy):
    find(toy, "imports").metadata.tags = ["raises-exception"]


@breaks(lint_form.tags_are_known, "imports: tell nbval by tags")
def a_comment_for_nbval(toy):
    edit(toy, "imports", "helpers.start()", "# NBVAL_SKIP\nhelpers.start()")


@breaks(lint_form.skipping_has_a_reason, "explorer: skipped without a reason")
def a_skip_without_a_reason(toy):
    find(toy, "explorer").metadata.tags = ["nbval-skip"]


@breaks(lint_form.outputs_are_stripped, "explorer: has outputs")
def a_forgotten_output(toy):
    find(toy, "explorer").outputs = [new_output("stream", text="x")]


@breaks(lint_form.outputs_are_stripped, "explorer: has an execution count")
def a_forgotten_count(toy):
    find(toy, "explorer").execution_count = 7


@breaks(lint_form.checked_cells_are_checked, "identity: nbval ignores")
def a_checked_cell_without_count(toy):
    find(toy, "identity").execution_count = None


@breaks(lint_form.checked_cells_are_checked, "identity: nbval has no text")
def a_checked_cell_without_output(toy):
    find(toy, "identity").outputs = []


@breaks(lint_form.checked_cells_are_checked, "identity: nbval has no text")
def a_checked_cell_with_an_empty_output(toy):
    find(toy, "identity").outputs = [new_output("stream", text="\n")]


@breaks(lint_form.checked_cells_are_checked, "identity: only text")
def a_checked_picture(toy):
    data = {"text/plain": "<Figure>", "image/png": "iVBORw0K"}
    find(toy, "identity").outputs = [new_output("display_data", data=data)]


@breaks(lint_form.checked_cells_are_checked, "identity: skipped and checked")
def a_checked_cell_that_is_skipped(toy):
    find(toy, "identity").metadata.tags.append("nbval-skip")


@breaks(lint_form.starts_with_imports, "imports: the first code cell")
def no_start(toy):
    edit(toy, "imports", "helpers.start()", "")


@breaks(lint_form.starts_with_imports, "before: the first code cell")
def a_cell_before_the_imports(toy):
    toy.cells.insert(1, example.code("before", "x = 1"))


@breaks(lint_form.starts_with_imports, "second: one install cell is enough")
def two_install_cells(toy):
    for name in ("second", "first"):
        toy.cells.insert(1, example.code(name, "%pip install x", tags=["install"]))


@breaks(lint_form.starts_with_imports, "there is no code")
def a_chapter_of_words(toy):
    toy.notebook.cells = toy.markdown


@breaks(lint_form.drawings_are_described, "cliff-figure: a figure needs mystnb.figure.caption")
def a_figure_without_caption(toy):
    del find(toy, "cliff-figure").metadata.mystnb["figure"]


@breaks(lint_form.drawings_are_described, "cliff-figure: a figure needs mystnb.figure.name")
def a_figure_with_a_name_of_another_kind(toy):
    find(toy, "cliff-figure").metadata.mystnb["figure"]["name"] = "cliff"


@breaks(lint_form.drawings_are_described, "cliff-figure: an alt text says")
def a_figure_without_alt(toy):
    del find(toy, "cliff-figure").metadata.mystnb["image"]


@breaks(lint_form.drawings_are_described, "cliff-figure: the alt text repeats")
def a_figure_whose_alt_is_its_caption(toy):
    find(toy, "cliff-figure").metadata.mystnb["figure"]["caption"] = example.ALT[:-1]


@breaks(lint_form.drawings_are_described, "cliff-figure: an alt text is read aloud")
def a_formula_in_an_alt_text(toy):
    find(toy, "cliff-figure").metadata.mystnb["image"]["alt"] += " $x$"


@breaks(lint_form.drawings_are_described, "more: a figure needs")
def a_figure_drawn_by_a_function_of_the_chapter(toy):
    toy.cells.append(example.code("more", "def twice():\n    draw(1)\n\ntwice()"))


@breaks(lint_form.drawings_are_described, "more: a figure needs")
def a_figure_shown_by_its_name(toy):
    toy.cells.append(example.code("more", "fig"))


@breaks(lint_form.something_is_explored, "there is no explorer")
def no_explorer(toy):
    drop(toy, "explorer")


@breaks(lint_form.claims_are_plain_and_enough, "7 claims")
def too_few_claims(toy):
    drop(toy, "claim-3")


@breaks(lint_form.claims_are_plain_and_enough, "claim-3: a statement is plain text")
def maths_in_a_statement(toy):
    edit(toy, "claim-3", '"σ', 'f"$σ$')


@breaks(lint_form.cells_are_short, "imports: 49 lines")
def a_very_long_cell(toy):
    find(toy, "imports").source += "\nx = 1" * 43


@breaks(lint_form.cells_are_short, "90 % of the cells have up to 30 lines")
def many_long_cells(toy):
    for k in range(4):
        find(toy, f"claim-{k}").source += "\nx = 1" * 29
