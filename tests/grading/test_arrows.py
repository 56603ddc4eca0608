"""grading/ has no circle, and what runs in the sandbox needs nothing outside its folder."""

import ast
import graphlib
import sys
from pathlib import Path

import grading

HOME = Path(grading.__file__).parent
FILES = {".".join(p.relative_to(HOME.parent).with_suffix("").parts): p for p in HOME.rglob("*.py")}


def imports(path, everywhere=True):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree) if everywhere else tree.body:
        if isinstance(node, ast.ImportFrom):
            inner = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (name if name in FILES else node.module for name in inner)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def test_no_import_goes_round_in_a_circle():
    graph = {
        name: {i for i in imports(path) if i in FILES} - {name} for name, path in FILES.items()
    }
    graphlib.TopologicalSorter(graph).prepare()


def test_what_runs_in_the_sandbox_imports_nothing_of_the_rest():
    for name, path in FILES.items():
        if name.startswith("grading.inside."):
            for found in imports(path, everywhere=False):
                root = found.partition(".")[0]
                assert found.startswith("grading.inside") or root in sys.stdlib_module_names, found


def test_the_course_does_not_need_grading():
    for path in (HOME.parent / "helpers").rglob("*.py"):
        assert not [found for found in imports(path) if found.startswith("grading")], path
