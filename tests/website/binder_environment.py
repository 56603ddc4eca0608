"""What Binder would make of this repository: asked of repo2docker, and done here without Docker.

`make test-binder` runs the steps of its build pack in a fresh environment and then every chapter
in it, one by one, and prints the seconds and the most memory that each kernel took. `make test`
does the same with one chapter.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
import venv
from pathlib import Path

ROOT = Path(__file__).parents[2]
MEMORY = 1000  # MB; Binder guarantees 1 GB

RUN = """
import resource, sys, nbformat
from nbclient import NotebookClient
notebook, place = nbformat.read(sys.argv[1], 4), {"metadata": {"path": "chapters"}}
NotebookClient(notebook, timeout=600, resources=place).execute()
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def build_steps(root: Path = ROOT) -> tuple[str, list[str]]:
    """Return the Python version and the shell commands of the user's part of the build."""
    from repo2docker.app import Repo2Docker

    app = Repo2Docker()
    before = Path.cwd()
    os.chdir(root)
    try:
        packs = (pack(app.base_image) for pack in app.buildpacks)
        pack = next(pack for pack in packs if pack.detect())
        scripts = [*pack.get_preassemble_scripts(), *pack.get_assemble_scripts()]
        commands = [script.strip() for user, script in scripts if user == "${NB_USER}"]
        return pack.python_version, commands + [f"bash {s}" for s in pack.get_post_build_scripts()]
    finally:
        os.chdir(before)


def make_environment(folder: Path) -> dict[str, str]:
    """Do the build's steps in a fresh virtual environment; return what a kernel finds in it."""
    venv.create(folder, with_pip=True, clear=True)
    prefix = {"KERNEL_PYTHON_PREFIX": str(folder), "NB_PYTHON_PREFIX": str(folder)}
    path = f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, **prefix, "PATH": path, "PYTHONNOUSERSITE": "1"}
    for command in build_steps()[1]:
        print(f"$ {command}", flush=True)
        subprocess.run(command, shell=True, cwd=ROOT, env=environment, check=True)
    return environment


def run(chapter: Path, environment: dict[str, str]) -> tuple[float, float]:
    """Run a chapter; return the seconds, and the most memory that its kernel took, in MB."""
    started = time.monotonic()
    command = ["python", "-c", RUN, str(chapter)]
    done = subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE)
    return time.monotonic() - started, int(done.stdout.split()[-1]) / 1024


def main(folder: Path) -> None:
    """Make the environment and run every chapter in it."""
    environment = make_environment(folder)
    for chapter in sorted((ROOT / "chapters").glob("*.ipynb")):
        seconds, memory = run(chapter, environment)
        print(f"{chapter.stem}: {seconds:.0f} s, at most {memory:.0f} MB", flush=True)
        if memory > MEMORY:
            raise SystemExit(f"{chapter.stem} took {memory:.0f} MB; Binder guarantees {MEMORY}")


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute())
