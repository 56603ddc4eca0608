"""The explorer at a live kernel: start JupyterLab, run a chapter, move a control."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

ROOT = Path(__file__).parents[2]
# Only so that a test which hangs ends some time: a busy machine may need several times the usual.
SECONDS_TO_START, SECONDS_TO_RUN, SECONDS_TO_DRAW = 120, 300, 60


def first_chapter_with_an_explorer() -> Path:
    for path in sorted((ROOT / "chapters").glob("*.ipynb")):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        if any("explore(" in "".join(c["source"]) for c in cells if c["cell_type"] == "code"):
            return path
    pytest.fail("no notebook in chapters/ calls explore()", pytrace=False)


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[str]:
    """The address of the chapter in a JupyterLab of its own, which knows nothing of the user's."""
    chapter = shutil.copy(first_chapter_with_an_explorer(), tmp_path)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token = secrets.token_hex()
    own = tmp_path / ".jupyter"
    homes = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR")
    homes += ("JUPYTERLAB_SETTINGS_DIR", "JUPYTERLAB_WORKSPACES_DIR")
    environment = os.environ | {name: str(own / name) for name in homes}
    environment.pop("BOOK_BUILD", None)
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"]
    command += ["--ip=127.0.0.1", f"--port={port}", f"--ServerApp.root_dir={tmp_path}"]
    command += [f"--IdentityProvider.token={token}"]
    command += ["--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"]
    log = tmp_path / "lab.log"
    with log.open("w") as output:
        server = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
    try:
        address = f"http://127.0.0.1:{port}"
        wait_for(f"{address}/api/status?token={token}", server, log)
        yield f"{address}/lab/tree/{Path(chapter).name}?token={token}"
    finally:
        server.terminate()
        server.wait(timeout=30)


def wait_for(address: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < deadline and server.poll() is None:
        try:
            urllib.request.urlopen(address, timeout=5).close()
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
        else:
            return
    pytest.fail(
        f"JupyterLab did not start; its log ends:\n{log.read_text()[-2000:]}", pytrace=False
    )


def run_all_cells(page: Page) -> None:
    expect(page.locator(".jp-Notebook .jp-CodeCell").first).to_be_visible(
        timeout=1000 * SECONDS_TO_START
    )
    kernel = page.get_by_role("button", name=re.compile(r"^Python 3 .*\| Idle$"))
    expect(kernel).to_be_visible(timeout=1000 * SECONDS_TO_START)
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    waiting = page.locator(".jp-InputPrompt", has_text="[*]")
    expect(waiting.first).to_be_attached()
    expect(waiting).to_have_count(0, timeout=1000 * SECONDS_TO_RUN)
    errors = page.locator("[data-mime-type='application/vnd.jupyter.error']").all_text_contents()
    assert not errors, f"the chapter failed in JupyterLab: {errors[0][-1000:]}"


def test_a_control_moves_the_figure_in_jupyterlab(open_page, lab):
    page = open_page(lab)
    run_all_cells(page)
    explorer = page.locator(".widget-vbox", has=page.locator(".widget-html img[alt]")).first
    image = explorer.locator("img")
    control = explorer.locator(".noUi-handle, select").first
    control.scroll_into_view_if_needed()
    seen = [(image.get_attribute("src"), image.get_attribute("alt"))]
    # To one end, or the other if it stands there, and a step back: for most sliders, that is
    # between the points of the grid. The kernel may be slow; the control itself answers at once.
    at_end = control.evaluate(
        "e => e.options ? e.selectedIndex > 0 : e.ariaValueNow === e.ariaValueMax"
    )
    for key in ("Home", "ArrowRight") if at_end else ("End", "ArrowLeft"):
        stood = control.get_attribute("aria-valuenow")
        control.press(key)
        if stood is not None:
            expect(control).not_to_have_attribute("aria-valuenow", stood)
        expect(image).not_to_have_attribute("src", seen[-1][0], timeout=1000 * SECONDS_TO_DRAW)
        expect(image).to_be_visible()
        assert image.evaluate("image => image.decode().then(() => image.naturalWidth)") > 0
        seen.append((image.get_attribute("src"), image.get_attribute("alt")))
    assert len(set(seen)) == 3
    assert seen[0][1] != seen[1][1], "the text alternative did not follow"
