"""Every chapter keeps every rule, and every rule catches a notebook that breaks it."""

import example_chapter as example
import lint_book
import lint_exercises
import lint_form
import lint_text
import pytest
from chapter import CHAPTERS, read

CHAPTER_RULES = [*lint_form.RULES, *lint_text.RULES, *lint_exercises.RULES]
ALL_RULES = [*CHAPTER_RULES, *lint_book.RULES]


def name(rule):
    return rule.__name__


def report(problems):
    return "\n".join(f"- {problem}" for problem in problems)


def test_there_is_a_chapter():
    assert CHAPTERS


@pytest.mark.parametrize("rule", CHAPTER_RULES, ids=name)
@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_a_chapter_keeps_the_rule(path, rule):
    problems = list(rule(read(path)))
    assert not problems, report(problems)


@pytest.mark.parametrize("rule", lint_book.RULES, ids=name)
def test_the_book_keeps_the_rule(rule):
    problems = list(rule(lint_book.the_book()))
    assert not problems, report(problems)


def test_the_lengths_of_cells_are_reported(record_property):
    table = lint_form.length_table([read(path) for path in CHAPTERS])
    assert len(table.splitlines()) == len(CHAPTERS) + 1
    record_property("table", table)


@pytest.mark.parametrize("rule", ALL_RULES, ids=name)
def test_the_example_keeps_the_rule(rule, tmp_path):
    toy = example.chapter()
    (tmp_path / "chapters").mkdir()
    (tmp_path / "chapters/01_toy.ipynb").touch()
    book = example.book(toy, tmp_path)
    assert list(rule(book if rule in lint_book.RULES else toy)) == []
