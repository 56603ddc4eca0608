"""How long a class takes: `make bench-grading` (python -P) writes benchmarks/grading.md.

A class of 1,000 on a small chapter without torch is graded in full, from collecting to export. On
chapter 1, with torch, a few submissions are timed, and 1,000 are extrapolated from them.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from grading.cli import main
from grading.folder import write
from grading.release import Release, make_release
from grading.sound import reference_submission
from grading.watch import tree

HERE = Path(__file__).parent
CHAPTER = HERE.parent / "chapters" / "01_causes.ipynb"
TICK = os.sysconf("SC_CLK_TCK")
CLASS, FEW = 1000, 16


@dataclass(frozen=True)
class Cost:
    """Seconds by the clock and of CPU, and the most memory at once."""

    wall: float
    cpu: float
    peak_mb: float


def small_chapter() -> Path:
    """Write a chapter of one exercise whose imports cell is `import math`; return its path."""
    meta = {"schema_version": 3, "task": False}
    solution = {**meta, "grade_id": "s-2", "grade": False, "solution": True, "locked": False}
    check = {
        **meta,
        "grade_id": "c-2",
        "grade": True,
        "solution": False,
        "locked": True,
        "points": 1,
    }
    body = "def square(x):\n    ### BEGIN SOLUTION\n    return x * x\n    ### END SOLUTION"
    cells = [
        new_code_cell("import math", id="imports"),
        new_markdown_cell("### Exercise 2: squares", id="s-2-task"),
        new_code_cell(body, id="s-2", metadata={"nbgrader": solution}),
        new_code_cell("assert square(3) == 9, 'nine'", id="c-2", metadata={"nbgrader": check}),
    ]
    path = Path(tempfile.mkdtemp()) / "01_small.ipynb"
    nbformat.write(new_notebook(cells=cells), path)
    return path


def submissions(release: Release, number: int) -> Iterator[tuple[str, bytes]]:
    """Yield different submissions, every second of them right."""
    for k in range(number):
        data = reference_submission(release) if k % 2 else release.student
        notebook = json.loads(data)
        notebook["cells"].append({"cell_type": "code", "source": f"# {k}", "metadata": {}})
        yield f"s{k:04}", json.dumps(notebook).encode()


def _cpu(pids: list[int]) -> dict[int, float]:
    found = {}
    for pid in pids:
        with contextlib.suppress(OSError, IndexError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
            found[pid] = (int(fields[11]) + int(fields[12])) / TICK
    return found


def _memory(pids: list[int]) -> float:
    """Return the MB of all, a page that several share counted once."""
    total = 0.0
    for pid in pids:
        with contextlib.suppress(OSError):
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
            total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / 1000


def measured(work: Callable[[], object]) -> Cost:
    """Do the work; add up what this process and all its descendants use.

    They are looked at every 50 ms, so that much of the end of each is missed.
    """
    before = _cpu([os.getpid()])[os.getpid()]
    used: dict[int, float] = {}
    peak, over = 0.0, threading.Event()

    def watch() -> None:
        nonlocal peak
        looks = 0
        while not over.wait(0.05):
            pids, looks = tree(os.getpid()), looks + 1
            used.update(_cpu(pids))
            if looks % 40 == 1:
                peak = max(peak, _memory(pids))

    watcher = threading.Thread(target=watch)
    watcher.start()
    start = time.monotonic()
    work()
    wall = time.monotonic() - start
    over.set()
    watcher.join()
    return Cost(wall, sum(used.values()) - before, peak)


def run(*arguments: object) -> None:
    """Run a command quietly; stop if it fails."""
    with contextlib.redirect_stdout(io.StringIO()) as said:
        code = main([str(each) for each in arguments])
    if code:
        sys.exit(f"grading {arguments[0]} returned {code}: {said.getvalue()}")


def steps(chapter: Path, number: int, workers: int) -> dict[str, Cost]:
    """Take a class through all commands; return what each cost."""
    folder = Path(tempfile.mkdtemp())
    where = ("--course", folder / "data")
    costs = {"release": measured(lambda: run("release", chapter, *where))}
    for name, data in submissions(make_release(chapter), number):
        write(folder / "in" / f"{name}.ipynb", data)
    commands: dict[str, tuple[object, ...]] = {
        "collect": (folder / "in",),
        "grade": ("--workers", workers),
        "feedback": (),
        "export": (),
    }
    for name, more in commands.items():
        costs[name] = measured(lambda c=name, m=more: run(c, chapter.stem, *m, *where))  # type: ignore[misc]
    return costs


def report() -> str:
    """Measure, and return the page."""
    load = os.getloadavg()[0]
    cores = os.cpu_count() or 1
    small = steps(small_chapter(), CLASS, 2)
    torch = {workers: steps(CHAPTER, FEW, workers)["grade"] for workers in (1, 2)}
    lines = [
        "# Grading: what a class costs",
        "",
        f"Measured by `make bench-grading`: {cores} cores, load {load:.1f} from other work at the "
        "start. Wall seconds depend on that load; CPU seconds, sampled every 50 ms, hardly do.",
        "",
        f"## {CLASS:,} submissions of a chapter without torch, all of them graded, 2 workers",
        "",
        "| step | wall s | CPU s | peak MB |",
        "|---|---|---|---|",
        *(f"| {k} | {c.wall:.1f} | {c.cpu:.1f} | {c.peak_mb:.0f} |" for k, c in small.items()),
        "",
        f"## {CHAPTER.stem}, with torch: {FEW} submissions graded, {CLASS:,} extrapolated",
        "",
        f"| workers | wall s | CPU s each | peak MB | {CLASS:,} by wall | {CLASS:,} by CPU |",
        "|---|---|---|---|---|---|",
    ]
    for workers, cost in torch.items():
        each = cost.cpu / FEW
        by_wall = f"{cost.wall / FEW * CLASS / 60:.0f} min"
        by_cpu = f"{each * CLASS / workers / 60:.0f} min on {workers} free cores"
        row = (workers, f"{cost.wall:.1f}", f"{each:.2f}", f"{cost.peak_mb:.0f}", by_wall, by_cpu)
        lines.append(f"| {' | '.join(map(str, row))} |")
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    text = report()
    print(text)
    write(HERE / "grading.md", text)
