"""Rules about exercises, as CONTRIBUTING.md lays them out. Each yields one line per problem."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Any

from chapter import Chapter, called, calls, tags, tree
from exercise import KINDS, Exercise, exercises, role

ROLES = {
    "solution": {"grade": False, "solution": True, "locked": False},
    "check": {"grade": True, "solution": False, "locked": True},
    "manual": {"grade": True, "solution": True, "locked": False},
}
MODEL_ANSWER = re.compile(
    r"<!-- BEGIN SOLUTION -->\n<details><summary>(?P<title>.+?)</summary>\n\n"
    r"(?P<text>\S.*)\n\n</details>\n<!-- END SOLUTION -->",
    re.DOTALL,
)
MARKERS = re.compile(r"^[ \t]*### (BEGIN|END) (SOLUTION|HIDDEN TESTS)$", re.MULTILINE)
HINT = "<details><summary>Hint</summary>\n\n"


def five_exercises(chapter: Chapter) -> Iterator[str]:
    found = exercises(chapter)
    if (kinds := tuple(exercise.kind for exercise in found)) != KINDS:
        yield (
            f"the exercises are {', '.join(kind or '?' for kind in kinds) or 'none'}; they must "
            f"be {', '.join(KINDS)}, said as '*Core · 10 minutes · 3 points*' below the heading"
        )
    if (numbers := [exercise.number for exercise in found]) != [1, 2, 3, 4, 5]:
        yield f"the exercises are numbered {numbers}"


def points_add_up(chapter: Chapter) -> Iterator[str]:
    for exercise in exercises(chapter):
        parts = [cell.metadata.nbgrader.get("points", 0) for cell in exercise.cells if role(cell)]
        if sum(parts) != exercise.points or not exercise.points:
            yield f"{exercise.id}: announces {exercise.points} points, its cells give {sum(parts)}"


def grading_metadata_is_exact(chapter: Chapter) -> Iterator[str]:
    for cell in chapter.cells:
        if "nbgrader" not in cell.metadata:
            continue
        meta = dict(cell.metadata.nbgrader)
        points = meta.get("points")
        expected = {
            "schema_version": 3,
            "grade_id": cell.id,
            "task": False,
            **ROLES.get(role(cell), {}),
            **({} if role(cell) == "solution" else {"points": points}),
        }
        if meta != expected:
            yield f"{cell.id}: nbgrader metadata must be {expected}; it is {meta}"
        if role(cell) != "solution" and not (type(points) is int and points >= 1):
            yield f"{cell.id}: points must be an integer of at least 1; got {points!r}"


def graded_cells_are_in_exercises(chapter: Chapter) -> Iterator[str]:
    inside = {cell.id for exercise in exercises(chapter) for cell in exercise.cells}
    for cell in chapter.cells:
        if cell.id not in inside and (role(cell) or "your-answer" in tags(cell)):
            yield f"{cell.id}: belongs to no exercise"


def written_exercises_have_a_model_answer(chapter: Chapter) -> Iterator[str]:
    for exercise in exercises(chapter):
        if exercise.coded:
            continue
        expected = [f"{exercise.id}-task", f"{exercise.id}-answer"]
        yield from _sequence(exercise, expected)
        if len(exercise.cells) < 2:
            continue
        answer = MODEL_ANSWER.fullmatch(exercise.cells[1].source)
        title = "Rubric" if exercise.kind == "Open" else "Model answer"
        if not answer or answer["title"] != title:
            yield f"{exercise.id}: a <details><summary>{title}</summary> between markers"
        elif exercise.kind == "Open":
            yield from _rubric(exercise, answer["text"])


def _rubric(exercise: Exercise, text: str) -> Iterator[str]:
    parts = [int(points) for points in re.findall(r"^[-*] (\d+) points?: ", text, re.MULTILINE)]
    if sum(parts) != exercise.points:
        yield f"{exercise.id}: the rubric's '- 2 points: ...' give {parts}, not {exercise.points}"


def coded_exercises_are_laid_out(chapter: Chapter) -> Iterator[str]:
    for exercise in exercises(chapter):
        if not exercise.coded:
            continue
        name = exercise.id
        first = [f"{name}-task", f"{name}-solution", f"{name}-answer"]
        rest = [cell.id for cell in exercise.cells[3:]]
        yield from _sequence(exercise, [*first, *rest])
        checks = rest[:-1] if rest[-1:] == [f"{name}-read"] else rest
        if HINT not in exercise.cells[0].source:
            yield f"{name}-task: a coded exercise has a hint: {HINT.strip()}"
        if not checks or not all(check.startswith(f"{name}-check-") for check in checks):
            yield f"{name}: after the answer come cells {name}-check-WORD; found {checks}"
        yield from _roles(exercise)
        yield from _comment(exercise)


def _comment(exercise: Exercise) -> Iterator[str]:
    """What is said after the checks gives the solution away: folded, and tagged to be dropped."""
    for cell in exercise.cells:
        read = cell.id == f"{exercise.id}-read"
        if read is not ("after-solution" in tags(cell)):
            yield f"{cell.id}: {exercise.id}-read alone is tagged after-solution"
        if read and not re.match(r"<details><summary>.+</summary>\n\n", cell.source):
            yield f"{cell.id}: gives the solution away; <details><summary>Afterwards</summary>"


def _sequence(exercise: Exercise, expected: list[str]) -> Iterator[str]:
    if (found := [cell.id for cell in exercise.cells]) != expected:
        yield f"{exercise.id}: the cells are {found}; they must be {expected}"


def _roles(exercise: Exercise) -> Iterator[str]:
    code = [cell for cell in exercise.cells if cell.cell_type == "code"]
    for cell, expected in zip(code, ["solution", "", *["check"] * len(code)]):
        if role(cell) != expected:
            yield f"{cell.id}: nbgrader takes it for {role(cell) or 'nothing'!r}"
        folded = cell.metadata.get("jupyter", {}).get("source_hidden", False)
        if folded is not (expected == "solution"):
            yield f"{cell.id}: the solution alone is folded (jupyter.source_hidden)"
        if (tags(cell) == ["your-answer"]) is not cell.id.endswith("-answer"):
            yield f"{cell.id}: the answer cell alone is tagged your-answer"


def solutions_leave_a_stub(chapter: Chapter) -> Iterator[str]:
    """The signature and the docstring stay in a release, the body goes."""
    for cell in [c for e in exercises(chapter) for c in e.cells if role(c) == "solution"]:
        number = cell.id.rsplit("-", 2)[-2]
        if not cell.source.startswith(f"# Exercise {number}, solution\n"):
            yield f"{cell.id}: begins with '# Exercise {number}, solution'"
        for node in tree(cell.source).body:
            if isinstance(node, ast.FunctionDef):
                yield from _stub(cell, node)
            elif not isinstance(node, (ast.Import, ast.ImportFrom)):
                yield f"{cell.id}: line {node.lineno} would stay in a release; move it into a body"


def _stub(cell: Any, function: ast.FunctionDef) -> Iterator[str]:
    first = function.body[0]
    if not ast.get_docstring(function) or function.returns is None:
        yield f"{cell.id}: {function.name} needs a docstring and type hints; a release keeps them"
    lines = cell.source.splitlines()[first.end_lineno : function.end_lineno + 1]
    marked = [line.strip() for line in lines if line.strip()]
    if marked[:1] != ["### BEGIN SOLUTION"] or marked[-1:] != ["### END SOLUTION"]:
        yield f"{cell.id}: the body of {function.name} stands between ### BEGIN and END SOLUTION"


def markers_pair_up(chapter: Chapter) -> Iterator[str]:
    allowed = {"solution": "SOLUTION", "check": "HIDDEN TESTS"}
    for cell in chapter.code:
        found = MARKERS.findall(cell.source)
        begins, ends = found[::2], found[1::2]
        pairs = [("BEGIN", "END", kind) for _, kind in begins]
        if pairs != [(b, e, k) for (b, k), (e, _) in zip(begins, ends)] or len(begins) != len(ends):
            yield f"{cell.id}: BEGIN and END markers do not pair up: {found}"
        if wrong := {kind for _, kind in found} - {allowed.get(role(cell))}:
            yield f"{cell.id}: a marker {wrong.pop()} does not belong here"
        if len(re.findall(r"#+ *(?:BEGIN|END) ", cell.source)) != len(found):
            yield f"{cell.id}: a marker is a line of its own, such as ### BEGIN SOLUTION"


def answers_are_empty(chapter: Chapter) -> Iterator[str]:
    for cell in chapter.code:
        if "your-answer" in tags(cell) and not re.fullmatch(r"# Your answer: \S.*", cell.source):
            yield f"{cell.id}: one comment, '# Your answer: define ... here.', and nothing else"


def checks_teach(chapter: Chapter) -> Iterator[str]:
    """A check without asserts passes for everyone; an assert without a message teaches nothing."""
    for cell in [c for e in exercises(chapter) for c in e.cells if role(c) == "check"]:
        parsed = tree(cell.source)
        asserts = [node for node in ast.walk(parsed) if isinstance(node, ast.Assert)]
        if not asserts:
            yield f"{cell.id}: a check cell asserts something"
        for node in asserts:
            words = [p.value for p in ast.walk(node.msg or ast.Constant("")) if _is_text(p)]
            if len(" ".join(words)) < 20:
                yield f"{cell.id}: line {node.lineno}: an assert says what came and what to look at"
        if "print" in {called(call) for call in calls(parsed)}:
            yield f"{cell.id}: a check that passes is silent"


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def exercises_stand_alone(chapter: Chapter) -> Iterator[str]:
    """In a release a solution is a stub: nothing outside its exercise may call it."""
    for exercise in exercises(chapter):
        own = {cell.id for cell in exercise.cells}
        code = [cell for cell in exercise.cells if role(cell) == "solution"]
        made = {n.name for c in code for n in tree(c.source).body if isinstance(n, ast.FunctionDef)}
        for cell in chapter.code:
            names = {n.id for n in ast.walk(tree(cell.source)) if isinstance(n, ast.Name)}
            if cell.id not in own and made & names:
                yield f"{cell.id}: uses {', '.join(sorted(made & names))} of {exercise.id}"


RULES = (
    five_exercises,
    points_add_up,
    grading_metadata_is_exact,
    graded_cells_are_in_exercises,
    written_exercises_have_a_model_answer,
    coded_exercises_are_laid_out,
    solutions_leave_a_stub,
    markers_pair_up,
    answers_are_empty,
    checks_teach,
    exercises_stand_alone,
)
