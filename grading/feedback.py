"""One page of feedback for each student: it needs no other file and tells no hidden test."""

from __future__ import annotations

import ast
import re
from dataclasses import replace
from html import escape
from typing import Any

from grading.folder import Assignment, safe_name, write
from grading.grade import results_of
from grading.gradebook import Book, Row
from grading.memorised import parsed
from grading.result import CheckResult, Result

HIDDEN = "A check that is not shown failed. Does your code cover more than the given examples?"
NOT_RUN = (
    "A cell of the chapter makes {}, and that cell was not run: exercises run with the imports, "
    "the few cells made for exercises, and what you wrote. Copy what you need into your answer."
)
STYLE = """
:root { color-scheme: light dark; }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.15rem; margin-top: 2rem; }
table { border-collapse: collapse; width: 100%; }
td, th { text-align: left; vertical-align: top; padding: .3rem .6rem; border-top: 1px solid #8886; }
td:first-child { white-space: nowrap; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; margin: 0; }
pre { font: .9rem/1.4 ui-monospace, monospace; }
.points { float: right; font-weight: normal; }
"""
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}: {student}</title>
<style>{style}</style>
</head>
<body>
<main>
<h1>{title}</h1>
<p>{student}: <strong>{total}</strong></p>
{notes}
{exercises}
</main>
</body>
</html>
"""


def write_feedback(assignment: Assignment, book: Book, names: dict[str, str]) -> list[str]:
    """Write a page for each student with a result, under their name if known; return the ids."""
    key, rows = assignment.release.content, book.rows(assignment.name)
    written = []
    for student, result in sorted(results_of(assignment).items()):
        if result.failure or student not in rows:
            continue
        text = page(key, names.get(student) or student, result, rows[student])
        write(assignment.folder / "feedback" / f"{safe_name(student)}.html", text)
        written.append(student)
    return written


def page(key: dict[str, Any], student: str, result: Result, row: Row) -> str:
    """Return the page of one student."""
    most = sum(exercise["points"] for exercise in key["exercises"])
    total = f"{row.points:g} of {most:g} points"
    if not row.complete:
        total += " so far; written answers are still being read"
    result = replace(result, checks=tuple(_explained(c, key) for c in result.checks))
    return PAGE.format(
        title=escape(key["title"]),
        student=escape(student),
        style=STYLE,
        total=escape(total),
        notes=_notes(result),
        exercises="\n".join(_exercise(e, result, row) for e in key["exercises"]),
    )


def _explained(check: CheckResult, key: dict[str, Any]) -> CheckResult:
    """Return a check with a hint where an answer uses a name that a cell of the text defines."""
    missing = re.match(r"name '(\w+)' is not defined", check.message)
    if check.error != "NameError" or not missing or missing[1] not in _names_of_the_text(key):
        return check
    said = f"{check.message}. {NOT_RUN.format(missing[1])}"
    return replace(check, message=said)


def _names_of_the_text(key: dict[str, Any]) -> set[str]:
    """Return the names that released cells define which are not run for exercises."""
    run = {name for name, _ in key["setup"]}
    texts = [
        c for c in key["cells"] if c["type"] == "code" and not c["role"] and c["id"] not in run
    ]
    top = [node for cell in texts for node in parsed(cell["source"]).body]
    kinds = (ast.FunctionDef, ast.ClassDef)
    names = {node.name for node in top if isinstance(node, kinds)}
    nodes = [part for node in top if not isinstance(node, kinds) for part in ast.walk(node)]
    names |= {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    imported = [a for n in nodes if isinstance(n, (ast.Import, ast.ImportFrom)) for a in n.names]
    return names | {alias.asname or alias.name for alias in imported}


def _notes(result: Result) -> str:
    """Return what was repaired: a student must know that a check was restored, say."""
    found = [f for f in result.flags if f.kind in ("rebuilt", "unreadable")]
    items = "".join(f"<li>{escape(f.where)}: {escape(f.what)}</li>" for f in found)
    return f"<p>About the file you handed in:</p>\n<ul>{items}</ul>" if items else ""


def _exercise(exercise: dict[str, Any], result: Result, row: Row) -> str:
    cells = [c["id"] for c in [*exercise["checks"], *exercise["manual"]]]
    scores = [row.scores[cell] for cell in cells if cell in row.scores]
    earned = sum(score.points or 0.0 for score in scores)
    waits = any(score.points is None for score in scores)
    points = "not read yet" if waits else f"{earned:g} of {exercise['points']:g}"
    head = f'<h2><span class="points">{points}</span>{escape(exercise["title"])}</h2>'
    lines = [_check(c, row) for c in result.checks if c.exercise == exercise["id"]]
    table = f"<table>{''.join(lines)}</table>" if lines else ""
    return "\n".join([head, table, *_answers(exercise, result, row)])


def _check(check: CheckResult, row: Row) -> str:
    score = row.scores.get(check.id)
    points = check.points if score is None or score.points is None else score.points
    word = escape(check.id.rpartition("-check-")[2].replace("-", " "))
    given = " (given by hand)" if score and score.by_hand else ""
    verdict = f"{points:g} of {check.max_points:g}{given}"
    said = escape(message(check))
    return f"<tr><td>{word}</td><td>{verdict}</td><td><pre>{said}</pre></td></tr>"


def message(check: CheckResult) -> str:
    """Return what a student is told about a check."""
    if not check.error:
        return "passed"
    if check.hidden:
        return HIDDEN
    if check.error == "NotImplementedError" and not check.message:
        return "not answered"
    if check.error in ("AssertionError", "Lost", "NotRun", "StudentError"):
        return check.message or check.error
    return f"{check.error}: {check.message}"


def _answers(exercise: dict[str, Any], result: Result, row: Row) -> list[str]:
    found = []
    for answer in result.manual:
        if answer.exercise == exercise["id"]:
            comment = row.scores[answer.id].comment if answer.id in row.scores else ""
            text = "not answered" if answer.blank else answer.text
            found.append(f"<p>Your answer:</p>\n<pre>{escape(text)}</pre>")
            found += [f"<p>Comment: {escape(comment)}</p>"] if comment else []
    return found
