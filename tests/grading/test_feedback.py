"""What a student is told where an answer uses what the text defines."""

import pytest
from small_chapter import release

from grading.feedback import _explained
from grading.result import CheckResult

TEXT = """import numpy as np
from math import exp as e
def helper(x):
    inner = x
    return inner
class Net: pass
a, (b, c) = 1, (2, 3)
for k in range(3):
    total = k
"""
CELL = {"id": "demo", "grade_id": "", "type": "code", "role": "", "source": TEXT}
KEY = {**release().content, "cells": [*release().content["cells"], CELL]}


def said(name, key=KEY, error="NameError"):
    check = CheckResult("c", "e", 0, 1, error, f"name '{name}' is not defined")
    return _explained(check, key).message


@pytest.mark.parametrize("name", ["np", "e", "helper", "Net", "a", "c", "k", "total"])
def test_a_name_that_only_the_text_defines_is_explained(name):
    assert f"A cell of the chapter makes {name}, and that cell was not run" in said(name)


@pytest.mark.parametrize("name", ["inner", "x", "other", "power2"])
def test_another_name_is_not(name):
    assert said(name) == f"name '{name}' is not defined"


def test_a_name_of_a_cell_that_is_run_is_not_and_no_other_error():
    assert said("helper", {**KEY, "setup": [["demo", TEXT]]}) == "name 'helper' is not defined"
    assert said("helper", error="ValueError") == "name 'helper' is not defined"
