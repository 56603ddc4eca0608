"""Bad files; and honest work in many styles, which earns everything and raises no flag."""

import pytest
from attacks import files
from attacks.attack import names, of_cells
from attacks.judge import graded, points, withstood
from attacks.toy import MOST, RIGHT, handed_in, release

FILES = {attack.name: attack for attack in files.attacks()}


@pytest.mark.parametrize("name", FILES)
def test_an_attack_by_a_file_gains_nothing(name, around):
    attack = FILES[name]
    assert withstood(attack, graded(attack.content), MOST, around) == [], attack.reason


@pytest.mark.parametrize("name", names("honest"))
def test_honest_work_earns_everything_and_raises_no_flag(name):
    result = graded(of_cells("honest", {})[name].content)
    assert points(result, MOST) == MOST, result
    assert result.flags == ()


def test_the_right_answers_and_the_untouched_release():
    assert points(graded(handed_in(RIGHT)), MOST) == MOST
    untouched = graded(release().student)
    assert (untouched.points, untouched.flags) == (0, ())


def test_there_are_many_attacks():
    themes = ("answers", "verdicts", "inside", "outside", "resources", "texts", "pipe")
    assert sum(len(names(theme)) for theme in themes) + len(FILES) >= 45
    assert len(names("honest")) >= 8
