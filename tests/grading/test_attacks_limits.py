"""Attacks on time, memory, output and processes, on the parser, and on the pipe to the checks."""

import pytest
from attacks.attack import names, of_cells
from attacks.judge import graded, withstood
from attacks.toy import MOST

THEMES = ("resources", "texts", "pipe")


@pytest.mark.parametrize(("theme", "name"), [(t, n) for t in THEMES for n in names(t)])
def test_an_attack_gains_nothing_and_harms_nobody_else(theme, name, around):
    attack = of_cells(theme, around.names())[name]
    assert withstood(attack, graded(attack.content), MOST, around) == [], attack.reason
