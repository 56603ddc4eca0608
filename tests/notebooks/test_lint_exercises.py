"""What the lint says about exercises that are not laid out as they should be."""

import example_chapter as example
import lint_exercises
import pytest
from breaking import PARAMETERS, Cases, drop, edit, find, problems

CASES = Cases()
breaks = CASES.breaks


@pytest.mark.parametrize(PARAMETERS, CASES)
def test_the_rule_catches(rule, change, message, tmp_path):
    assert message in problems(rule, change, tmp_path)


def test_every_rule_has_a_notebook_that_breaks_it():
    assert CASES.rules() == set(lint_exercises.RULES)


def position(toy, cell_id):
    return toy.cells.index(find(toy, cell_id))


@breaks(lint_exercises.five_exercises, "Written, Core, Warm-up, Stretch, Open; they must")
def kinds_in_another_order(toy):
    edit(toy, "toy-2-task", "Warm-up", "Core")
    edit(toy, "toy-3-task", "Core", "Warm-up")


@breaks(lint_exercises.five_exercises, "Written, ?, Core, Stretch, Open; they must")
def an_exercise_without_minutes(toy):
    edit(toy, "toy-2-task", " · 5 minutes", "")


@breaks(lint_exercises.five_exercises, "numbered [1, 2, 2, 4, 5]")
def a_number_twice(toy):
    edit(toy, "toy-3-task", "Exercise 3", "Exercise 2")


@breaks(lint_exercises.points_add_up, "toy-2: announces 4 points, its cells give 3")
def points_that_do_not_add_up(toy):
    edit(toy, "toy-2-task", "3 points", "4 points")


@breaks(lint_exercises.grading_metadata_is_exact, "toy-2-check-value: nbgrader metadata")
def another_grade_id(toy):
    find(toy, "toy-2-check-value").metadata.nbgrader["grade_id"] = "causes-2"


@breaks(lint_exercises.grading_metadata_is_exact, "toy-2-solution: nbgrader metadata")
def a_checksum_left_by_a_release(toy):
    find(toy, "toy-2-solution").metadata.nbgrader["checksum"] = "0" * 32


@breaks(lint_exercises.grading_metadata_is_exact, "points must be an integer")
def half_a_point(toy):
    find(toy, "toy-2-check-value").metadata.nbgrader["points"] = 0.5


@breaks(lint_exercises.graded_cells_are_in_exercises, "lost-check: belongs to no exercise")
def a_check_after_the_exercises(toy):
    meta = example.nbgrader("lost-check", grade=True, solution=False, points=1)
    toy.cells.append(example.code("lost-check", "assert 1", nbgrader=meta))


@breaks(lint_exercises.written_exercises_have_a_model_answer, "toy-1: a <details>")
def a_model_answer_without_details(toy):
    edit(toy, "toy-1-answer", "<details>", "")


@breaks(lint_exercises.written_exercises_have_a_model_answer, "toy-1: a <details>")
def a_model_answer_that_would_not_be_rendered(toy):
    edit(toy, "toy-1-answer", "</summary>\n\n", "</summary>\n")


@breaks(lint_exercises.written_exercises_have_a_model_answer, "toy-1: the cells are")
def no_model_answer(toy):
    drop(toy, "toy-1-answer")


@breaks(lint_exercises.written_exercises_have_a_model_answer, "give [1, 2], not 2")
def a_rubric_that_does_not_add_up(toy):
    edit(toy, "toy-5-answer", "1 point: a figure", "2 points: a figure")


@breaks(lint_exercises.coded_exercises_are_laid_out, "toy-2: the cells are")
def the_answer_after_the_checks(toy):
    answer = find(toy, "toy-2-answer")
    toy.cells.remove(answer)
    toy.cells.insert(position(toy, "toy-3-task"), answer)


@breaks(lint_exercises.coded_exercises_are_laid_out, "toy-2-task: a coded exercise has a hint")
def no_hint(toy):
    edit(toy, "toy-2-task", "Hint", "Help")


@breaks(lint_exercises.coded_exercises_are_laid_out, "come cells toy-2-check-WORD; found []")
def no_checks(toy):
    drop(toy, "toy-2-check-value")
    drop(toy, "toy-2-check-limit")


@breaks(lint_exercises.coded_exercises_are_laid_out, "nbgrader takes it for 'manual'")
def a_check_graded_by_hand(toy):
    find(toy, "toy-2-check-value").metadata.nbgrader["solution"] = True


@breaks(lint_exercises.coded_exercises_are_laid_out, "the solution alone is folded")
def an_open_solution(toy):
    del find(toy, "toy-2-solution").metadata["jupyter"]


@breaks(lint_exercises.coded_exercises_are_laid_out, "the answer cell alone is tagged")
def an_answer_without_its_tag(toy):
    find(toy, "toy-2-answer").metadata.tags = []


@breaks(lint_exercises.coded_exercises_are_laid_out, "toy-2-read alone is tagged")
def a_comment_that_a_release_would_keep(toy):
    toy.cells.insert(position(toy, "toy-3-task"), example.markdown("toy-2-read", "So it is."))


@breaks(lint_exercises.coded_exercises_are_laid_out, "toy-2-read: gives the solution away")
def a_comment_that_is_not_folded(toy):
    comment = example.markdown("toy-2-read", "So it is.", tags=["after-solution"])
    toy.cells.insert(position(toy, "toy-3-task"), comment)


@breaks(lint_exercises.solutions_leave_a_stub, "begins with '# Exercise 2, solution'")
def a_solution_without_its_line(toy):
    edit(toy, "toy-2-solution", "# Exercise 2, solution\n", "")


@breaks(lint_exercises.solutions_leave_a_stub, "line 2 would stay in a release")
def a_helper_outside_the_body(toy):
    edit(toy, "toy-2-solution", "solution\ndef", "solution\nSECRET = 2\ndef")


@breaks(lint_exercises.solutions_leave_a_stub, "power2 needs a docstring")
def a_solution_without_docstring(toy):
    edit(toy, "toy-2-solution", '    """Return x to the power of n, for n >= 0."""\n', "")


@breaks(lint_exercises.solutions_leave_a_stub, "the body of power2 stands between")
def a_solution_half_outside_its_markers(toy):
    edit(toy, "toy-2-solution", "    ### BEGIN", "    y = x**n\n    ### BEGIN")


@breaks(lint_exercises.markers_pair_up, "do not pair up")
def a_marker_without_its_end(toy):
    edit(toy, "toy-2-solution", "    ### END SOLUTION", "")


@breaks(lint_exercises.markers_pair_up, "a marker SOLUTION does not belong here")
def a_solution_in_a_check(toy):
    edit(toy, "toy-2-check-value", "HIDDEN TESTS", "SOLUTION")


@breaks(lint_exercises.markers_pair_up, "a marker is a line of its own")
def a_marker_behind_code(toy):
    edit(toy, "toy-2-check-limit", "assert", "x = 1  # BEGIN HIDDEN TESTS\nassert")


@breaks(lint_exercises.answers_are_empty, "toy-2-answer: one comment")
def an_answer_left_in_its_cell(toy):
    find(toy, "toy-2-answer").source += "\npower2 = pow"


@breaks(lint_exercises.checks_teach, "toy-2-check-limit: a check cell asserts something")
def a_check_that_cannot_fail(toy):
    find(toy, "toy-2-check-limit").source = "power2(5.0, 0) == 1.0"


@breaks(lint_exercises.checks_teach, "toy-2-check-limit: line 1: an assert says what came")
def an_assert_without_words(toy):
    find(toy, "toy-2-check-limit").source = "assert power2(5.0, 0) == 1.0, 'wrong'"


@breaks(lint_exercises.checks_teach, "toy-2-check-limit: a check that passes is silent")
def a_check_that_talks(toy):
    find(toy, "toy-2-check-limit").source += "\nprint('Well done')"


@breaks(lint_exercises.exercises_stand_alone, "toy-4-check-limit: uses power2 of toy-2")
def an_exercise_that_needs_another(toy):
    edit(toy, "toy-4-check-limit", "power4", "power2")
