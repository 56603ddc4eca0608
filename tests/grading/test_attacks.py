"""Bad cells, one by one: nothing undeserved, nothing read or written, the rest unharmed.

Each attack is data: attacks/*.toml. Attacks on limits and on the pipe: test_attacks_limits.py;
by the file itself: test_attacks_files.py; by the uploads of a class: test_attacks_class.py.
"""

import pytest
from attacks.attack import names, of_cells
from attacks.judge import graded, withstood
from attacks.toy import MOST

THEMES = ("answers", "verdicts", "inside", "outside")


@pytest.mark.parametrize(("theme", "name"), [(t, n) for t in THEMES for n in names(t)])
def test_an_attack_gains_nothing(theme, name, around):
    attack = of_cells(theme, around.names())[name]
    assert withstood(attack, graded(attack.content), MOST, around) == [], attack.reason
