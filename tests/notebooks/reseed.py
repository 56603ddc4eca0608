"""Run the chapters on seeds that nobody has looked at, and count which claims still hold.

    python tests/notebooks/reseed.py 1000 2000 3000

Each number is a BOOK_SEED_OFFSET. Every claim is evaluated, those after a false one too. Exit 1 if
a claim does not hold, a cell fails, or a chapter makes no claim.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellTimeoutError, DeadKernelError

from helpers.claims import MIME

ROOT = Path(__file__).parents[2]
CELL_TIMEOUT = 600
# Runs before the chapter's imports, so that its `claim` shows a false claim and goes on.
GO_ON = """
import helpers.claims

def _patient(claim):
    def wrapper(*arguments, **named):
        try:
            claim(*arguments, **named)
        except helpers.claims.ClaimError:
            pass
    return wrapper

helpers.claims.claim = _patient(helpers.claims.claim)
"""


@dataclass
class Run:
    """One chapter on one offset: its claims, and the cells that failed for another reason."""

    chapter: str
    offset: int
    claims: list[dict[str, Any]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def false(self) -> list[dict[str, Any]]:
        return [claim for claim in self.claims if not claim["holds"]]

    @property
    def passed(self) -> bool:
        return bool(self.claims) and not self.false and not self.errors

    @property
    def score(self) -> str:
        held = len(self.claims) - len(self.false)
        return f"{held}/{len(self.claims)}{'' if self.passed else ' !'}"


def run(path: Path, offset: int) -> Run:
    """Execute a chapter from its folder, whatever happens in a cell, and collect its claims."""
    result, began = Run(path.stem, offset), time.monotonic()
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.insert(0, nbformat.v4.new_code_cell(GO_ON))
    client = NotebookClient(
        notebook,
        timeout=CELL_TIMEOUT,
        allow_errors=True,
        kernel_name="python3",
        extra_arguments=["--log-level=ERROR"],
        resources={"metadata": {"path": str(path.parent)}},
    )
    environment = {**os.environ, "BOOK_SEED_OFFSET": str(offset), "OMP_NUM_THREADS": "1"}
    try:
        client.execute(env=environment)
    except (CellTimeoutError, DeadKernelError) as error:
        result.errors.append(" ".join(str(error).split())[:300])
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if MIME in output.get("data", {}):
                result.claims.append(output.data[MIME])
            if output.output_type == "error":
                result.errors.append(f"{cell.id}: {output.ename}: {output.evalue}")
    result.seconds = time.monotonic() - began
    return result


def run_all(paths: list[Path], offsets: list[int], jobs: int) -> list[Run]:
    """Run every chapter on every offset, `jobs` kernels at a time, and say how it goes."""
    runs = []
    with ThreadPoolExecutor(jobs) as pool:
        pending = [pool.submit(run, path, offset) for offset in offsets for path in paths]
        for done in as_completed(pending):
            runs.append(done.result())
            say = f"[{len(runs)}/{len(pending)}] {{0.chapter}} at {{0.offset}}: {{0.score}}"
            print(
                f"{say} claims, {{0.seconds:.0f}} s".format(runs[-1]), file=sys.stderr, flush=True
            )
    return runs


def table(runs: list[Run]) -> str:
    """Return claims held of claims made: a line for each chapter, a column for each offset."""
    score = {(one.chapter, one.offset): one.score for one in runs}
    chapters, offsets = (sorted(set(column)) for column in zip(*score, strict=True))
    lines = [f"{'claims that hold':28}" + "".join(f"{offset:>10}" for offset in offsets)]
    for chapter in chapters:
        cells = "".join(f"{score[chapter, offset]:>10}" for offset in offsets)
        lines.append(f"{chapter:28}{cells}")
    return "\n".join(lines)


def complaints(runs: list[Run]) -> Iterator[str]:
    """Yield everything that did not go as it should, with its numbers."""
    for one in sorted(runs, key=lambda one: (one.chapter, one.offset)):
        place = f"{one.chapter} at {one.offset}"
        for claim in one.false:
            words = ("predicted", "measured", "tolerance")
            numbers = ", ".join(f"{word} {claim[f'{word}_text']}" for word in words)
            yield f"{place}: {claim['statement']}: {claim['verdict']} ({numbers})"
        yield from (f"{place}: {error}" for error in one.errors)
        if not one.claims:
            yield f"{place}: no claim was made"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("offsets", type=int, nargs="+", metavar="OFFSET")
    parser.add_argument("--chapters", type=Path, nargs="+", metavar="FILE", help="default: all")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="default: the cores")
    chosen = parser.parse_args(arguments)
    paths = chosen.chapters or sorted(ROOT.glob("chapters/*.ipynb"))
    if not paths or (missing := [path for path in paths if not path.is_file()]):
        parser.error(f"no such chapter: {missing}" if paths else "there is no chapter")
    runs = run_all(paths, sorted(set(chosen.offsets)), chosen.jobs)
    print(table(runs))
    for complaint in complaints(runs):
        print(f"- {complaint}")
    return 0 if all(one.passed for one in runs) else 1


if __name__ == "__main__":
    sys.exit(main())
