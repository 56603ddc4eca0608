"""Tables for spreadsheets: nothing runs there, and what is read back is what was written."""

import csv
import io
import itertools

import pytest

from grading.tables import guarded, table, unguarded

TEXTS = ["".join(letters) for n in range(5) for letters in itertools.product("'-= a\t", repeat=n)]


@pytest.mark.parametrize(
    "text", ["'-1' is the sign", "'= x", "'+", "'@me", "''-", "-1", " =x", "'"]
)
def test_a_text_comes_back_as_it_was(text):
    assert unguarded(guarded(text)) == text


def test_every_short_text_comes_back_and_none_runs():
    assert [text for text in TEXTS if unguarded(guarded(text)) != text] == []
    assert [text for text in TEXTS if guarded(text).lstrip()[:1] in tuple("=-+@")] == []


def test_a_table_is_read_back():
    rows = [{"answer": text} for text in TEXTS if text]
    read = csv.DictReader(io.StringIO(table(["answer"], rows), newline=""))
    assert [{"answer": unguarded(row["answer"])} for row in read] == rows
