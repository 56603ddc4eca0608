"""What the lint says about wrong text."""

import lint_text
import pytest
from breaking import PARAMETERS, Cases, drop, find, problems

CASES = Cases()
breaks = CASES.breaks


@pytest.mark.parametrize(PARAMETERS, CASES)
def test_the_rule_catches(rule, change, message, tmp_path):
    assert message in problems(rule, change, tmp_path)


def test_every_rule_has_a_notebook_that_breaks_it():
    assert CASES.rules() == set(lint_text.RULES)


def write(chapter, text):
    find(chapter, "theory").source = text


@breaks(lint_text.roles_are_citations, "theory: role {ref} is raw text")
def a_role(toy):
    write(toy, "See {ref}`fig-cliff`.")


@breaks(lint_text.roles_are_citations, "theory: directive {note}")
def a_directive(toy):
    write(toy, "```{note}\nx\n```")


@breaks(lint_text.roles_are_citations, "theory: a ::: fence")
def a_colon_fence(toy):
    write(toy, ":::{note}\nx\n:::")


@breaks(lint_text.roles_are_citations, "theory: ' a comment' is raw text")
def a_myst_comment(toy):
    write(toy, "% a comment")


@breaks(lint_text.roles_are_citations, "cliff-figure: role {eq}")
def a_role_in_a_caption(toy):
    find(toy, "cliff-figure").metadata.mystnb["figure"]["caption"] = "By {eq}`eq-bound`."


@breaks(lint_text.formulas_are_portable, r"theory: \newcommand defines a macro")
def a_macro(toy):
    write(toy, r"$\newcommand{\q}{q} \q$")


@breaks(lint_text.formulas_are_portable, "theory: align; write aligned")
def a_numbered_align(toy):
    write(toy, "$$\n\\begin{align}\na &= b\n\\end{align}\n$$")


@breaks(lint_text.formulas_are_portable, "theory: equation*; write aligned")
def an_environment_without_dollars(toy):
    write(toy, "\\begin{equation*}\na = b\n\\end{equation*}")


@breaks(lint_text.links_have_words, "theory: a link to #eq-bound without words")
def a_link_without_words(toy):
    write(toy, "[](#eq-bound)")


@breaks(lint_text.addresses_are_whole, "theory: https://example.org/a-")
def an_address_over_two_lines(toy):
    write(toy, "See https://example.org/a-\nb.html for more.")


@breaks(lint_text.addresses_are_whole, "theory: ](https://example.org/a")
def a_link_over_two_lines(toy):
    write(toy, "See [it](https://example.org/a\nb.html) for more.")


@breaks(lint_text.folklore_is_checked, "no heading begins with 'Folklore check'")
def no_folklore(toy):
    drop(toy, "folklore")
