"""What the students of a class hand in, and a class of some of them."""

from small_chapter import RIGHT, release, submission

from grading.cli import main
from grading.folder import Assignment, write

SUM = "def power{0}(x, n):\n    return x * n"
PARTLY = "def power{0}(x, n):\n    return x**n if n else 0.0"
# (what is handed in, points by checks of exercises 2, 3 and 4, kinds of flags)
HANDED_IN = {
    "right": (submission(RIGHT), (3, 3, 3), set()),
    "partial": (submission({**RIGHT, "toy-3-solution": PARTLY.format(3)}), (3, 2, 3), set()),
    "wrong": (submission({**RIGHT, "toy-2-solution": SUM.format(2)}), (0, 3, 3), set()),
    "blank": (submission(), (0, 0, 0), set()),
    "syntax": (submission({**RIGHT, "toy-4-solution": "def power4(:"}), (3, 3, 0), set()),
    "broken": (b'{"cells": [', (0, 0, 0), {"unreadable"}),
    "empty": (b"", (0, 0, 0), {"unreadable"}),
    "edited": (submission({"toy-2-check-value": "pass"}), (0, 0, 0), {"rebuilt"}),
    "exits": (
        submission({**RIGHT, "toy-2-solution": "import os\nos._exit(0)"}),
        (0, 3, 3),
        {"suspicious", "crashed"},
    ),
    "loops": (submission({**RIGHT, "toy-2-solution": "while True: pass"}), (0, 3, 3), set()),
    "floods": (
        submission({**RIGHT, "toy-3-solution": "while True: print('x' * 1000)"}),
        (3, 0, 3),
        {"crashed"},
    ),
    "equals": (
        submission(
            {**RIGHT, "toy-2-solution": "class E(float):\n    def __eq__(s, o): return True\n"
             "def power2(x, n): return E(1)"}
        ),
        (0, 3, 3),
        {"suspicious"},
    ),
}  # fmt: skip
KINDS = ["right"] * 24 + ["partial"] * 9 + ["wrong"] * 7 + ["blank"] * 6 + ["syntax"] * 5
KINDS += [*list(HANDED_IN)[5:], "exits", "edited"]
STUDENTS = {f"s{number:02}": kind for number, kind in enumerate(KINDS)}


def small_class(folder, kinds):
    """A released, collected class in a folder of its own."""
    assignment = Assignment(folder, "01_toy")
    write(assignment.notebook, release().student)
    write(assignment.key_file, release().key)
    for kind in kinds:
        write(folder / "in" / f"{kind}.ipynb", HANDED_IN[kind][0])
    assert main(["collect", "01_toy", str(folder / "in"), "--course", str(folder)]) == 0
    return assignment
