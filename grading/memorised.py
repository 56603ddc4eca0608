"""Does an answer look up the numbers of its checks? If so a human looks; no points depend on it."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Iterable, Iterator

from grading.flags import without_magics

COMMON = frozenset({*range(11), *(k / 10 for k in range(100)), 0.25, 0.75, 16, 32, 64})
NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")


def memorised(trees: Iterable[ast.Module], checks: str, reference: str) -> str:
    """Return the numbers that cells and the checks share, if they are telling; else "".

    A function can pass visible checks by looking their numbers up, in its own cell or in another.
    Two numbers that are neither small and round nor in the reference are enough for a human to
    look. A number can also be written as a text, or as a quotient.
    """
    theirs, known = (_numbers([parsed(text)]) for text in (checks, reference))
    whole = ast.Module([node for tree in trees for node in tree.body], [])
    shared = sorted((_numbers(_lasting(whole)) & theirs) - known)
    return ", ".join(f"{number:g}" for number in shared) if len(shared) > 1 else ""


def parsed(source: str) -> ast.Module:
    """Return the syntax tree of a cell, an empty one if it is no Python: then nothing can pass."""
    try:
        return ast.parse(without_magics(source))
    except Exception:
        return ast.Module([], [])


def _lasting(tree: ast.Module) -> list[ast.AST]:
    """Return definitions, and assignments to what they use; not the calls by which one debugs."""
    made = list(_outermost(tree))
    used = {n.id for node in made for n in ast.walk(node) if isinstance(n, ast.Name)}
    for node in tree.body:
        if isinstance(node, (ast.Assign, ast.AnnAssign, ast.AugAssign)):
            names = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and _set(n)}
            made += [node] if names & used else []
    return made


def _outermost(tree: ast.AST) -> Iterator[ast.AST]:
    todo = [tree]
    while todo:
        node = todo.pop()
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)):
            yield node
        else:
            todo += ast.iter_child_nodes(node)


def _set(name: ast.Name) -> bool:
    return isinstance(name.ctx, ast.Store)


def _numbers(trees: Iterable[ast.AST]) -> set[float]:
    """Return the numbers in code, without signs, that nobody would write by chance."""
    nodes = list({id(node): node for tree in trees for node in _telling(tree)}.values())
    found = [value for node in nodes for value in _values(node)]
    numbers = {abs(value) for value in found if abs(value) < 1e300}
    return {n for n in numbers if n not in COMMON and _digits(n) > 1}


def _digits(number: float) -> int:
    """Return how many digits a number has without zeros at the ends: 1 for 0.001 and 1e-12."""
    return len(f"{number:.11e}".partition("e")[0].replace(".", "").strip("0"))


def _telling(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes of code but for docstrings, and for what tests its own function."""
    todo = [tree]
    while todo:
        node = todo.pop()
        docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        own_test = isinstance(node, ast.Assert) and not isinstance(tree, ast.Module)
        if docstring or (
            own_test and not any(isinstance(n, ast.NamedExpr) for n in ast.walk(node))
        ):
            continue
        yield node
        todo += ast.iter_child_nodes(node)


def _values(node: ast.AST) -> list[float]:
    """Return the numbers that a node says: a number, a text of them, or a quotient."""
    match node:
        case ast.Constant(value=bool()):
            return []
        case ast.Constant(value=int() | float() as number):
            return [_float(number)]
        case ast.Constant(value=str(text)) if len(text) < 1000:
            words = re.split(r"[\s,;:|]+", text.strip())
            return [_float(w) for w in words] if all(map(NUMBER.fullmatch, words)) else []
        case ast.BinOp(left=ast.Constant() as a, op=ast.Div(), right=ast.Constant() as b):
            left, right = _values(a), _values(b)
            if len(left) == len(right) == 1 and right[0]:
                return [left[0] / right[0]]
    return []


def _float(number: int | float | str) -> float:
    try:
        return float(number)
    except OverflowError:
        return math.inf
