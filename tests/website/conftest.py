"""The built site, served on this machine, and a real browser that reads it."""

from __future__ import annotations

import functools
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import FLAGS, chromium
from playwright.sync_api import Browser, Page, expect, sync_playwright

HTML = Path(__file__).parents[2] / "_build" / "html"
PATIENCE = 30_000  # ms, where a browser on an idle machine needs one
expect.set_options(timeout=PATIENCE)


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture(scope="session")
def html() -> Path:
    """The folder of the built site."""
    if not (HTML / "index.html").exists():
        pytest.fail("there is no built site in _build/html: run `make book`", pytrace=False)
    return HTML


@pytest.fixture(scope="session")
def site(html: Path) -> Iterator[str]:
    """The address of the built site, as any static server serves it; it ends with a slash."""
    handler = functools.partial(Quiet, directory=str(html))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture(scope="module")  # while it is open, nothing else in the process can use asyncio
def chrome() -> Iterator[Browser]:
    """A running Chromium."""
    path = chromium()
    if path is None:
        pytest.fail(
            "no browser: install Chromium (Debian: apt-get install chromium; anywhere: "
            "python -m playwright install chromium) and run the test again",
            pytrace=False,
        )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


class Opener:
    """Opens pages, each in a fresh profile; `errors` collects what goes wrong in any of them."""

    def __init__(self, browser: Browser, site: str) -> None:
        self.browser, self.site = browser, site
        self.contexts: list[Any] = []
        self.errors: list[str] = []

    def __call__(
        self, address: str, *, width: int = 1280, dark: bool = False, javascript: bool = True
    ) -> Page:
        """Open an address of the site (or an absolute one), in light or dark mode."""
        mode = "dark" if dark else "light"
        context = self.browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme=mode,
            reduced_motion="reduce",  # scrolling jumps, so that nothing has to be waited for
            java_script_enabled=javascript,
        )
        self.contexts.append(context)
        # As if the reader had pressed the theme's button, in an earlier visit.
        context.add_init_script(f"localStorage.setItem('theme', '{mode}')")
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.on("pageerror", lambda error: self.errors.append(f"{address}: {error}"))
        page.on("console", lambda message: self._console(address, message))
        page.goto(address if "://" in address else self.site + address)
        return page

    def _console(self, address: str, message: Any) -> None:
        if message.type == "error":
            self.errors.append(f"{address}: {message.text}")

    def close(self) -> None:
        for context in self.contexts:
            context.close()


@pytest.fixture
def open_page(chrome: Browser, site: str) -> Iterator[Opener]:
    """Open a page of the site: `open_page("index.html", width=390, dark=True)`."""
    opener = Opener(chrome, site)
    yield opener
    opener.close()
