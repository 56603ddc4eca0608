"""Notebooks under nbval: a dead kernel is noticed at once, and what kernels cover is counted.

At the end of a run stand the tables that tests recorded.
"""

from __future__ import annotations

import time
from queue import Empty
from typing import Any

import nbval._cover5
import pytest
from nbval.kernel import RunningKernel
from nbval.plugin import IPyNbFile

LOOK_AGAIN = 1.0  # seconds between two looks at a silent kernel
# nbval writes into the data file of the worker that started the kernel. The worker then writes
# there too, and coverage drops what it takes for copies; so each kernel gets a file of its own.
COVER_KERNEL = """
import coverage

__cov = coverage.Coverage(data_file=%r, source=%r, config_file=%r, data_suffix=True)
__cov.start()
"""

ask_once = RunningKernel.get_message


def get_message(kernel: RunningKernel, stream: str, timeout: float | None = None) -> Any:
    """Wait for a kernel's message as nbval does, but not for one that has died.

    Raises
    ------
    RuntimeError
        If the kernel has died. nbval alone would wait for as long as a cell may take.
    Empty
        If no message came in time.
    """
    end = time.monotonic() + (float("inf") if timeout is None else timeout)
    while True:
        left = end - time.monotonic()
        try:
            return ask_once(kernel, stream, timeout=max(0.0, min(LOOK_AGAIN, left)))
        except Empty:
            if not kernel.is_alive():
                raise RuntimeError(
                    "the kernel died in this cell (out of memory, or a crash in compiled code)"
                ) from None
            if left <= LOOK_AGAIN:
                raise


def pytest_configure() -> None:
    """Put both in their places."""
    RunningKernel.get_message = get_message
    nbval._cover5._python_setup = COVER_KERNEL


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Run no more cells of a notebook once one has timed out or killed the kernel."""
    notebook = item.parent
    started = isinstance(notebook, IPyNbFile) and notebook.kernel
    if started and (notebook.timed_out or not notebook.kernel.is_alive()):
        pytest.skip("an earlier cell of this notebook timed out or killed the kernel")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what tests recorded with `record_property("table", ...)`."""
    for report in terminalreporter.getreports("passed"):
        for name, value in report.user_properties:
            if name == "table" and report.when == "call":
                terminalreporter.write_line(f"\n{value}")
