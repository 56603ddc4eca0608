"""When a notebook runs again, and what a failing one leaves behind."""

import subprocess

import nbformat
import pytest
from course.execution import state_key
from jupyter_cache import get_cache
from small_book import build, notebook
from sphinx.errors import ExtensionError


@pytest.fixture
def state(tmp_path):
    (tmp_path / "helpers").mkdir()
    (tmp_path / "helpers" / "data.py").write_text("x = 1")
    (tmp_path / "requirements.txt").write_text("torch==1")
    return tmp_path


def test_the_key_follows_the_package_the_lock_python_and_the_seeds(state):
    keys = [state_key(state, "")]
    (state / "helpers" / "data.py").write_text("x = 2")
    keys.append(state_key(state, ""))
    (state / "helpers" / "theory").mkdir()
    (state / "helpers" / "theory" / "new.py").touch()
    keys.append(state_key(state, ""))
    (state / "requirements.txt").write_text("torch==2")
    keys.append(state_key(state, ""))
    keys += [state_key(state, "1000"), state_key(state, "", (3, 99, 0))]
    assert len(set(keys)) == len(keys)


def test_the_key_ignores_everything_else(state):
    key = state_key(state, "")
    (state / "index.md").write_text("prose")
    (state / "helpers" / "notes.txt").write_text("notes")
    assert state_key(state, "0") == state_key(state, "") == key


@pytest.fixture
def make(tmp_path, capfd, monkeypatch):
    """Build a book of notebooks; returns the names of those that ran."""
    monkeypatch.setenv("BOOK_BUILD", "")  # the build sets it; undone after the test

    def run(**notebooks):
        toc = "\n".join(["# Book", "", "```{toctree}", *notebooks, "```", ""])
        files = {f"{name}.ipynb": notebook(*cells) for name, cells in notebooks.items()}
        settings = {"nb_execution_mode": "cache", "nb_execution_timeout": 60}
        capfd.readouterr()
        built = build(tmp_path, {"index.md": toc, **files}, "course.execution", **settings)
        assert built.warnings == ""
        printed = capfd.readouterr().out.splitlines()
        return sorted(line.split()[0] for line in printed if line.endswith(" s"))

    return run


def test_code_runs_again_when_it_changes_and_prose_does_not(make, tmp_path):
    one, two = ["# One", "print(6 * 7)"], ["# Two", "import os; print(os.environ['BOOK_BUILD'])"]
    assert make(one=one, two=two) == ["one", "two"]
    assert make(one=one, two=two) == []
    assert make(one=["# Another title", one[1]], two=two) == []
    folder = tmp_path / "build" / "jupyter_execute"
    printed = [
        nbformat.read(folder / name, as_version=4).cells[1].outputs[0].text
        for name in ("one.ipynb", "two.ipynb")
    ]
    assert printed == ["42\n", "1\n"]
    assert make(one=["# One", "print(6 * 9)"], two=two) == ["one"]


def test_a_failure_says_where_and_the_others_are_kept(make, tmp_path):
    failing, dying = ["# One", "x = 1", "x / 0"], ["# Two", "import os; os._exit(1)"]
    with pytest.raises(ExtensionError) as failure:
        make(one=failing, two=dying, three=["# Three", "print(3)"])
    message = str(failure.value)
    assert "one failed in cell 3 (id cell-2)" in message
    assert "ZeroDivisionError: division by zero" in message
    assert "two could not be run: DeadKernelError" in message
    (state,) = (tmp_path / "build" / ".jupyter_cache").iterdir()
    (kept,) = get_cache(state).list_cache_records()
    assert kept.uri.endswith("three.ipynb")


def test_git_ignores_what_a_build_leaves():
    for path in ("_build/html/index.html", "_build/.jupyter_cache/x", ".cache/katex", ".venv/x"):
        subprocess.run(["git", "check-ignore", "--quiet", path], check=True)
