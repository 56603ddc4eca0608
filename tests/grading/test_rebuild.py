"""Files as they come back: edited, cut, repeated, renamed, broken. Nothing is run here."""

import json

import pytest
from small_chapter import RIGHT, release, submission

from grading.rebuild import is_notebook, known_cells, manual_answers, rebuild

KEY = release().content


def rebuilt(data):
    return rebuild(KEY, data, 1_000_000)


def changed(change, answers=RIGHT):
    notebook = json.loads(submission(answers))
    change(notebook)
    return rebuilt(json.dumps(notebook).encode())


def cell(notebook, cell_id):
    return next(c for c in notebook["cells"] if c["id"] == cell_id)


def solutions(found):
    return {label: text for _, label, text in found.code}


def test_the_text_of_answers_is_taken_and_nothing_is_flagged():
    found = rebuilt(submission(RIGHT))
    assert solutions(found) == RIGHT
    assert found.flags == []


def strip(notebook):
    for each in notebook["cells"]:
        each["metadata"] = {}


def renumber(notebook):
    for number, each in enumerate(notebook["cells"]):
        each["id"] = f"cell-{number}"


def both(notebook):
    strip(notebook)
    renumber(notebook)


@pytest.mark.parametrize("change", [strip, renumber])
def test_lost_metadata_and_new_cell_ids_do_not_matter(change):
    found = changed(change)
    assert solutions(found) == RIGHT
    assert found.flags == []


def test_with_both_lost_the_code_is_still_run_and_the_loss_is_flagged():
    found = changed(both)
    assert set(RIGHT.values()) == set(solutions(found).values())
    assert {flag.where for flag in found.flags} == {*RIGHT, "toy-1-answer", "toy-5-answer"}


def test_an_edited_check_is_restored_and_flagged():
    found = changed(lambda n: cell(n, "toy-2-check-value").update(source="pass"))
    assert [(f.kind, f.where) for f in found.flags] == [("rebuilt", "toy-2-check-value")]
    assert solutions(found) == RIGHT


def test_a_check_that_is_gone_is_flagged():
    found = changed(lambda n: n["cells"].remove(cell(n, "toy-2-check-value")))
    assert [(f.kind, f.where) for f in found.flags] == [("rebuilt", "toy-2-check-value")]


def test_a_second_copy_of_an_answer_is_run_after_the_first():
    def twice(notebook):
        notebook["cells"].append({**cell(notebook, "toy-2-solution"), "source": "x = 1"})

    found = changed(twice)
    assert [text for _, _, text in found.code][-1] == "x = 1"
    assert "a second copy of this cell" in [flag.what for flag in found.flags]


def test_a_solution_in_the_clothes_of_a_check_is_no_check():
    def swap(notebook):
        cell(notebook, "toy-2-check-value")["metadata"]["nbgrader"]["grade_id"] = "toy-2-solution"

    found = changed(swap)
    assert {f.where for f in found.flags} == {"toy-2-solution", "toy-2-check-value"}


def test_added_cells_and_an_edited_imports_cell_are_the_students():
    found = rebuilt(
        submission({**RIGHT, "imports": "import math, random"}, {"toy-2-task": "k = 1"})
    )
    assert ("imports", "imports-edited", "import math, random") in found.code
    assert ("toy-2-task", "added-20", "k = 1") in found.code
    assert found.flags == []


def test_what_a_student_defines_in_a_cell_of_the_text_is_taken_and_no_more():
    released = "import math\n\nk = 3\nresult = math.sqrt(k)\nprint(result)"
    cells = [
        *KEY["cells"],
        {"id": "demo", "grade_id": "", "type": "code", "role": "", "source": released},
    ]
    text = (
        "from math import pi\n"
        + released
        + "\nhalf = k / 2\nx = f(1)\nf(2)\ndef f(x):\n    return pi * x"
    )
    new = {"cell_type": "code", "id": "demo", "metadata": {}, "source": text}
    notebook = json.loads(submission(RIGHT))
    notebook["cells"].append(new)
    found = rebuild({**KEY, "cells": cells}, json.dumps(notebook).encode(), 1_000_000)
    (_, label, taken) = found.code[-1]
    assert label == "demo-edited"
    assert taken == "from math import pi\n\nhalf = k / 2\n\ndef f(x):\n    return pi * x"
    assert found.flags == []
    new["source"] = released.replace("print(result)", "print(2 * result)")
    assert (
        rebuild({**KEY, "cells": cells}, json.dumps(notebook).encode(), 1_000_000).code[-1] != new
    )


def test_text_in_lists_and_an_old_format_are_read():
    def old(notebook):
        cells = notebook.pop("cells")
        for each in cells:
            each["input"] = each.pop("source")
        notebook["worksheets"] = [{"cells": cells}]

    found = changed(old)
    assert solutions(found) == RIGHT
    assert [f.what for f in found.flags] == ["an old notebook format, nbformat 3"]


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"[]", b"null", b'"x"', b'{"cells": 3}', b"\xff\xfe\x00", b"[" * 100_000,
     b'{"cells": [' + b"{}," * 6000 + b"{}]}", b"1" * 5000, b" " * 1_000_001],
    ids=lambda data: repr(data[:12]),
)  # fmt: skip
def test_a_file_that_is_no_notebook_is_flagged_and_gives_nothing(data):
    found = rebuilt(data)
    assert found.kinds() == {"unreadable"}
    assert found.code == []


@pytest.mark.parametrize(
    "cells",
    [[1, None, "x"], [{}], [{"cell_type": 5, "source": {"a": 1}}], [{"source": [1, None]}],
     [{"cell_type": "code", "source": "\ud800", "metadata": {"nbgrader": 7}, "id": [1]}],
     [{"cell_type": "code", "metadata": {"nbgrader": {"grade_id": {"x": 1}}}}]],
)  # fmt: skip
def test_cells_of_any_shape_do_no_harm(cells):
    found = rebuilt(json.dumps({"cells": cells}).encode())
    assert "rebuilt" in found.kinds()
    assert "unreadable" not in found.kinds()


def test_written_answers_are_taken_and_blank_ones_known():
    answers = {"toy-1-answer": "Because.", "toy-5-answer": "YOUR ANSWER HERE"}
    first, second = manual_answers(KEY, rebuilt(submission(answers)))
    assert (first.text, first.blank, first.max_points) == ("Because.", False, 2)
    assert (second.text, second.blank) == ("", True)


def test_a_file_of_another_chapter_is_known_by_its_cells():
    assert known_cells(KEY, submission(), 1_000_000) == 11
    assert known_cells(KEY, b'{"cells": []}', 1000) == 0
    assert known_cells(KEY, b"no notebook", 1000) == 0
    assert known_cells(KEY, submission(), 1000) == 0


def test_too_much_code_is_left_out_added_cells_first():
    wide = dict.fromkeys(
        ("toy-1-task", "toy-2-task", "toy-3-task", "toy-4-task"), "x=" + "0," * 90_000
    )
    found = rebuilt(submission(RIGHT, wide))
    assert {label for label in solutions(found) if label in RIGHT} == set(RIGHT)
    assert len(found.code) == len(RIGHT) + 2
    (flag,) = found.flags
    assert "400,000 characters of code: 2 cells are left out" in flag.what


def test_json_of_very_many_parts_is_not_read():
    data = b'{"cells": [' + b'{"":0},' * 1_000_000 + b"0]}"
    found = rebuild(KEY, data, 20_000_000)
    assert "more than 1,000,000 lists and objects" in found.flags[0].what
    assert not is_notebook(data, 20_000_000)


def test_no_flood_of_flags_hides_the_others():
    def flood(notebook):
        for _ in range(100):
            new = {"cell_type": "code", "source": "import os\n" * 50, "metadata": {}, "outputs": []}
            notebook["cells"].append(new)
        cell(notebook, "toy-2-check-value").update(source="pass")

    found = changed(flood)
    assert len(found.flags) == 52
    assert "toy-2-check-value" in [flag.where for flag in found.flags]
    assert found.flags[-1].what == "4,950 more of this kind"
