"""Running notebooks as tests: what conftest.py adds to nbval, seen from outside."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from lint_form import METADATA
from nbformat import write
from nbformat.v4 import new_code_cell, new_notebook

ROOT = Path(__file__).parents[2]


@pytest.fixture
def project(tmp_path):
    """A folder with this project's pytest settings and a package `toy` of two modules."""
    for name in ("conftest.py", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "toy").mkdir()
    for name in ("__init__", "one", "two"):
        (tmp_path / f"toy/{name}.py").write_text("x = 1\ny = 2\n", encoding="utf-8")
    (tmp_path / "chapters").mkdir()
    return tmp_path


def notebook(project, name, *sources):
    cells = [new_code_cell(source) for source in sources]
    write(new_notebook(cells=cells, metadata=METADATA), project / f"chapters/{name}.ipynb")


def run(project, *options):
    """Run the notebooks as `make notebooks` does; return the exit code and what pytest said."""
    notebooks = sorted(str(path.relative_to(project)) for path in project.glob("chapters/*"))
    command = [sys.executable, "-m", "pytest", *notebooks, "--nbval-lax", "-p", "no:cacheprovider"]
    environment = {**os.environ, "PYTHONPATH": str(project), "NO_COLOR": "1"}
    environment = {
        key: v for key, v in environment.items() if not key.startswith(("COV", "PYTEST"))
    }
    done = subprocess.run(
        [*command, *options],
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    return done.returncode, done.stdout + done.stderr


def test_a_dead_kernel_fails_its_cell_at_once_and_nothing_more_is_run(project):
    notebook(project, "dead", "import os", "os._exit(1)", "1 + 1", "2 + 2")
    code, said = run(project, "--nbval-cell-timeout=100")
    assert code == 1
    assert "the kernel died in this cell (out of memory" in said
    assert "1 failed, 1 passed, 2 skipped" in said


def test_a_cell_that_takes_too_long_fails_and_nothing_more_is_run(project):
    notebook(project, "slow", "import time", "time.sleep(100)", "1 + 1")
    code, said = run(project, "--nbval-cell-timeout=2")
    assert code == 1
    assert "Timeout of 2 seconds exceeded executing cell" in said
    assert "1 failed, 1 passed, 1 skipped" in said


@pytest.mark.parametrize("workers", [[], ["-n", "2", "--dist", "loadfile"]], ids=["one", "two"])
def test_what_kernels_run_is_covered(project, workers):
    notebook(project, "a", "import toy.one")
    notebook(project, "b", "import toy.two")
    code, said = run(project, *workers, "--cov=toy", "--cov-report=json:cover.json")
    assert code == 0, said
    files = json.loads((project / "cover.json").read_text(encoding="utf-8"))["files"]
    covered = {Path(name).stem: file["summary"]["percent_covered"] for name, file in files.items()}
    assert covered == {"__init__": 100, "one": 100, "two": 100}


def test_tables_that_tests_record_are_printed(project):
    (project / "chapters/test_table.py").write_text(
        "def test_it(record_property):\n    record_property('table', 'cells 1 2 3')\n",
        encoding="utf-8",
    )
    code, said = run(project)
    assert code == 0
    assert "\ncells 1 2 3\n" in said
