"""Attacks whose wickedness lies in the file: its form, its metadata, its size."""

from __future__ import annotations

import base64
import json
import pickle
from collections.abc import Callable, Iterator
from typing import Any

from attacks.attack import Attack
from attacks.toy import NAMES, RIGHT, handed_in

Notebook = dict[str, Any]
NOTHING = dict.fromkeys(NAMES, 0)
WRONG = {"toy-cube-solution": "def cube(x):\n    return 0.0"}
RAISES = "raise AssertionError('nobody ran this')"


def cell(notebook: Notebook, cell_id: str) -> dict[str, Any]:
    """Return the cell with an id."""
    found: dict[str, Any] = next(c for c in notebook["cells"] if c["id"] == cell_id)
    return found


def changed(change: Callable[[Notebook], Any], answers: dict[str, str] | None = None) -> bytes:
    """Return a submission whose cube is wrong, and whose notebook was changed."""
    return handed_in({**RIGHT, **(WRONG if answers is None else answers)}, change=change)


def tagged(tag: str) -> Callable[[Notebook], None]:
    """Tag every check."""

    def change(notebook: Notebook) -> None:
        for each in notebook["cells"]:
            if "-check-" in each["id"]:
                each["metadata"]["tags"] = [tag]

    return change


def edited_check(notebook: Notebook) -> None:
    cell(notebook, "toy-cube-check-value")["source"] = "pass"
    cell(notebook, "toy-cube-check-sign")["source"] = "pass"


def more_points(notebook: Notebook) -> None:
    for each in notebook["cells"]:
        if "-check-" in each["id"]:
            each["metadata"]["nbgrader"]["points"] = 1000
    edited_check(notebook)


def check_becomes_a_solution(notebook: Notebook) -> None:
    check = cell(notebook, "toy-cube-check-value")
    check["metadata"]["nbgrader"].update(grade=False, solution=True, locked=False)
    check["source"] = "pass"


def second_check(notebook: Notebook) -> None:
    check = cell(notebook, "toy-cube-check-value")
    notebook["cells"].append({**check, "id": "another", "source": "pass"})


def second_solution(notebook: Notebook) -> None:
    solution = cell(notebook, "toy-cube-solution")
    notebook["cells"].append({**solution, "id": "another", "source": "def cube(x): return 1.0"})


def borrowed_grade_id(notebook: Notebook) -> None:
    """The solution of cube says that it is the check of middle, and the other way round."""
    solution, check = cell(notebook, "toy-cube-solution"), cell(notebook, "toy-middle-check-value")
    solution["metadata"], check["metadata"] = check["metadata"], solution["metadata"]


def homoglyph(notebook: Notebook) -> None:
    check = cell(notebook, "toy-cube-check-value")
    check["metadata"]["nbgrader"]["grade_id"] = "toy-cube-chеck-value"  # a Cyrillic e
    check["id"], check["source"] = "toy-cube-chеck-value", "pass"


def no_metadata(notebook: Notebook) -> None:
    for each in notebook["cells"]:
        each["metadata"] = {}


def no_checks(notebook: Notebook) -> None:
    notebook["cells"] = [c for c in notebook["cells"] if "-check-" not in c["id"]]


def backwards(notebook: Notebook) -> None:
    notebook["cells"].reverse()


def raw_solution(notebook: Notebook) -> None:
    cell(notebook, "toy-cube-solution")["cell_type"] = "raw"


def pickled_output(notebook: Notebook) -> None:
    class Loud:
        def __reduce__(self) -> Any:
            return (eval, (RAISES,))

    data = base64.b64encode(pickle.dumps(Loud())).decode()
    output = {"output_type": "display_data", "metadata": {}}
    mime = {"application/x-python-pickle": data, "text/html": "<script>alert(1)</script>"}
    cell(notebook, "toy-cube-solution")["outputs"] = [{**output, "data": mime}]
    cell(notebook, "toy-cube-check-value")["outputs"] = [{**output, "data": mime}]


def strange_types(notebook: Notebook) -> None:
    for each in notebook["cells"]:
        each["outputs"] = {"not": "a list"}
        each["execution_count"] = "many"
    odd = [None, 7, "cell", [], {"cell_type": []}, {"cell_type": "code", "source": {"a": 1}}]
    odd += [{"cell_type": "code", "source": [1, None, "x = 1"], "id": 5, "metadata": []}]
    odd += [{"cell_type": "code", "metadata": {"nbgrader": {"grade_id": ["x"]}}, "source": None}]
    notebook["cells"] += odd
    notebook["metadata"] = "none"


def kernel_of_ones_own(notebook: Notebook) -> None:
    notebook["metadata"] = {"kernelspec": {"name": "bash", "language": "bash"}}


def imports_that_spoil(notebook: Notebook) -> None:
    cell(notebook, "imports")["source"] = "import math\ndef cube(x):\n    return 8.0\n"


def five_thousand_cells(notebook: Notebook) -> None:
    empty = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None}
    notebook["cells"] += [{**empty, "source": "x = 1"} for _ in range(5_001)]


def old_format() -> bytes:
    """Return the right answers as nbformat 3 has them."""
    notebook = json.loads(handed_in(RIGHT))
    for each in notebook["cells"]:
        each["input"], each["language"] = each.pop("source"), "python"
    sheets = [{"cells": notebook["cells"]}]
    return json.dumps({"nbformat": 3, "nbformat_minor": 0, "worksheets": sheets}).encode()


def without_ids() -> bytes:
    """Return the right answers as a tool leaves them that knows neither ids nor metadata."""

    def strip(notebook: Notebook) -> None:
        no_metadata(notebook)
        for each in notebook["cells"]:
            del each["id"]

    return handed_in(RIGHT, change=strip)


def attacks() -> Iterator[Attack]:
    """Yield every attack on the form of a file."""
    right = handed_in(RIGHT)
    unreadable = {
        "an-empty-file": (b"", "nothing was handed in"),
        "half-a-file": (right[: len(right) // 2], "the upload broke off"),
        "no-json": (b"%PDF-1.7\x00\xff\xfe", "a file of another kind"),
        "no-notebook": (b'["cells"]', "JSON, but no notebook"),
        "a-number": (b"12", "JSON, but no notebook"),
        "a-tower-of-brackets": (b"[" * 1_000_000, "too deep for the parser"),
        "a-number-without-end": (
            b'{"cells": [], "n": ' + b"9" * 100_000 + b"}",
            "too long to read",
        ),
        "sixty-megabytes": (right[:-1] + b" " * 60_000_000 + b"}", "a file has a size"),
        "another-encoding": (right.decode().encode("utf-16"), "UTF-16 is no UTF-8"),
        "five-thousand-cells": (changed(five_thousand_cells), "a notebook has a number of cells"),
        "a-dictionary-of-cells": (b'{"cells": {"a": 1}, "nbformat": 4}', "cells are a list"),
    }
    for name, (content, reason) in unreadable.items():
        yield Attack(name, reason, content, NOTHING, ("unreadable",))

    cube = {"cube": 0}
    for name, change, flag, reason in (
        ("skip-execution", tagged("skip-execution"), (), "tags of a submission are not read"),
        ("raises-exception", tagged("raises-exception"), (), "tags of a submission are not read"),
        ("an-edited-check", edited_check, ("rebuilt",), "checks are taken from the release"),
        ("more-points", more_points, ("rebuilt",), "points are taken from the release"),
        ("a-check-turned-solution", check_becomes_a_solution, ("rebuilt",), "roles as well"),
        ("a-second-check", second_check, ("rebuilt",), "a second copy counts for nothing"),
        ("a-homoglyph-in-an-id", homoglyph, ("rebuilt",), "an id is what it is, byte for byte"),
        ("no-checks", no_checks, ("rebuilt",), "missing cells are taken from the release"),
        ("a-pickle-in-an-output", pickled_output, (), "outputs of a submission are not read"),
        ("imports-that-spoil", imports_that_spoil, (), "what counts is defined below"),
        ("a-kernel-of-ones-own", kernel_of_ones_own, (), "the kernel is not the student's choice"),
        ("strange-types", strange_types, (), "what is no cell is passed over"),
        ("a-raw-solution", raw_solution, (), "text for code is taken as code, and is wrong here"),
    ):
        yield Attack(name, reason, changed(change), cube, flag)
    for name, change, flag, reason in (
        ("a-second-solution", second_solution, ("rebuilt",), "what stands below comes too late"),
        ("stripped-metadata", no_metadata, (), "ids say which cell is which"),
        ("backwards", backwards, (), "the order is that of the release"),
    ):
        yield Attack(name, reason, changed(change, {}), {}, flag)
    borrowed, none = changed(borrowed_grade_id), "no point comes of another cell's name"
    yield Attack("borrowed-grade-ids", none, borrowed, cube, ("rebuilt",), costs_all=True)
    surrogate = handed_in({**RIGHT, "toy-cube-solution": "def cube(x):\n    return '\ud83d'"})
    yield Attack("half-a-character", "half a character is replaced", surrogate, cube)
    yield Attack("an-old-format", "nbformat 3 is read, and said", old_format(), {}, ("rebuilt",))
    lost = "an answer without id and name is code below the cell before it"
    yield Attack("no-ids-at-all", lost, without_ids(), {}, ("rebuilt",))
    mark = "a byte order mark is no reason to fail"
    yield Attack("a-byte-order-mark", mark, b"\xef\xbb\xbf" + right)
