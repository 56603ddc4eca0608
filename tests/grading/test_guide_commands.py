"""Every command in the guide is one that exists, and the rehearsal in it runs as written."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from grading import cli

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "reference" / "instructors.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^ *```\n(.*?)^ *```$", GUIDE, re.MULTILINE | re.DOTALL)
INLINE = re.findall(r"`(grading [\w-]+ [^`]+)`", GUIDE)
LINES = [line.strip() for block in BLOCKS for line in block.splitlines()]
COMMANDS = sorted({line for line in [*LINES, *INLINE] if line.startswith("grading ")})


def test_the_guide_has_the_whole_way():
    used = {shlex.split(line)[1] for line in COMMANDS}
    assert {"check", "release", "collect", "grade", "status", "feedback", "export"} <= used


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_of_the_guide_is_understood(line):
    arguments = shlex.split(line)[1:]
    if "COMMAND" in arguments or arguments == ["--help"]:
        return
    given = cli.parser().parse_args(arguments)
    assert callable(given.run)


@pytest.mark.parametrize(
    "line", sorted({line for line in LINES if line.startswith("make ")}), ids=lambda line: line
)
def test_a_target_of_the_guide_exists(line):
    target = line.split()[1]
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(rf"^{re.escape(target)}:", makefile, re.MULTILINE), target


def test_the_rehearsal_runs_as_written(tmp_path):
    """In an empty folder, with a command `grading` that is this code."""
    command = tmp_path / "bin" / "grading"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m grading "$@"\n')
    command.chmod(0o755)
    folder = tmp_path / "course"
    folder.mkdir()
    (block,) = [b for b in BLOCKS if "rehearsal" in b]
    environment = {
        **os.environ,
        "PATH": f"{command.parent}:{os.environ['PATH']}",
        "PYTHONPATH": f"{ROOT}:{os.environ.get('PYTHONPATH', '')}",
    }
    done = subprocess.run(
        ["bash", "-e", "-c", block],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    chapter = folder / "grading-data" / "01_causes"
    page = (chapter / "feedback" / "ada.html").read_text(encoding="utf-8")
    assert "0 of 16 points" in page
    assert "ada" in (chapter / "export" / "grades.csv").read_text(encoding="utf-8")
