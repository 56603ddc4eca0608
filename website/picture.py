"""Copy the figure of the landing page and the README from the built book, and draw the card.

The card is the picture that a link to the site shows elsewhere. It has to be a PNG, so a browser
takes it from a page; both files are committed.
"""

from __future__ import annotations

import sys
from pathlib import Path

from bs4 import BeautifulSoup
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parents[1]
PAGES = ROOT / "_build" / "html" / "chapters"
STATIC = ROOT / "website" / "static"
NAME = "fig-cliff"  # in the cell's metadata: mystnb.figure.name
CARD = """<style>
  body { margin: 0; padding: 50px 60px; box-sizing: border-box; width: 1200px; height: 630px;
         display: flex; gap: 40px; align-items: center; border-bottom: 16px solid #0072b2;
         font: 26px/1.5 system-ui, sans-serif; color: #22272e }
  h1 { font-size: 54px; line-height: 1.15; margin: 0 0 24px }
  svg { flex: none; width: 640px; height: auto }
</style><div><h1>The Vanishing Gradient Problem</h1>A course that measures it<br>
instead of reciting it</div>"""

sys.path.insert(0, str(ROOT / "tests" / "website"))
from browser import FLAGS, chromium  # noqa: E402


def figure(name: str) -> Path:
    """Return the file of a figure of the built book."""
    for page in sorted(PAGES.glob("*.html")):
        soup = BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")
        if image := soup.select_one(f"figure#{name} img"):
            return (page.parent / str(image["src"])).resolve()
    raise SystemExit(f"no chapter has a figure named {name}")


def card(svg: str, target: Path) -> None:
    """Draw the card with a browser."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        page = browser.new_page(viewport={"width": 1200, "height": 630}, color_scheme="light")
        page.set_content(CARD + svg)
        page.screenshot(path=target)
        browser.close()


def main() -> None:
    """Write website/static/cliff.svg and card.png."""
    svg = figure(NAME).read_text(encoding="utf-8")
    (STATIC / "cliff.svg").write_text(svg, encoding="utf-8", newline="\n")
    card(svg, STATIC / "card.png")
    print(f"{NAME} is in website/static: cliff.svg and card.png")


if __name__ == "__main__":
    main()
