"""Every page of the built site in a real browser: wide and narrow, light and dark."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

HTML = Path(__file__).parents[2] / "_build" / "html"
PAGES = sorted(path.relative_to(HTML).as_posix() for path in HTML.rglob("*.html"))
CHAPTERS = [page for page in PAGES if page.startswith("chapters/")]
MODES = [(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")]

PAGE_WEIGHS_AT_MOST = 400_000  # bytes, compressed, on the first visit, without the figures

# The formulas are there twice, and assistive technology reads the MathML.
AXE = {"exclude": [[".katex-html"]]}
RULES = {"resultTypes": ["violations"]}


@pytest.fixture(scope="module", params=MODES, ids=lambda mode: f"{mode[0]}-{mode[1]}")
def tab(request, chrome):
    """One tab per mode, which goes from page to page as a reader does."""
    width, scheme = request.param
    context = chrome.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    yield context.new_page()
    context.close()


@pytest.fixture
def trouble(tab, site):
    """What goes wrong on a page while it is open."""
    found = []

    def asked(request):
        if not request.url.startswith((site, "data:", "blob:")):
            found.append(f"asked elsewhere: {request.url}")

    listeners = {
        "request": asked,
        "requestfailed": lambda request: found.append(f"failed: {request.url}"),
        "response": lambda r: found.append(f"{r.status}: {r.url}") if r.status >= 400 else None,
        "pageerror": lambda error: found.append(f"error: {error}"),
        "console": lambda m: found.append(m.text) if m.type in ("error", "warning") else None,
    }
    for event, listener in listeners.items():
        tab.on(event, listener)
    yield found
    for event, listener in listeners.items():
        tab.remove_listener(event, listener)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_quiet_fits_and_is_accessible(tab, site, trouble, page):
    tab.goto(site + page, wait_until="load")
    tab.evaluate("() => Promise.all([...document.images].map((image) => image.decode()))")
    tab.evaluate("() => new Promise(requestIdleCallback)")  # the page finishes when it is idle
    assert trouble == []
    width = tab.viewport_size["width"]
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    bar, brand = (tab.locator(name).bounding_box() for name in (".bar", ".brand"))
    assert brand["height"] <= bar["height"]
    violations = Axe().run(tab, context=AXE, options=RULES).response["violations"]
    assert [(v["id"], [node["html"] for node in v["nodes"]]) for v in violations] == []


@pytest.mark.parametrize("page", PAGES)
def test_a_first_visit_is_light(chrome, site, page):
    context = chrome.new_context(viewport={"width": 390, "height": 844})
    tab = context.new_page()
    loaded = []
    tab.on("response", lambda response: loaded.append(response))
    tab.goto(site + page, wait_until="networkidle")
    heavy = {
        response.url: len(gzip.compress(response.body()))
        for response in loaded
        if response.request.resource_type != "image"
    }
    context.close()
    assert sum(heavy.values()) <= PAGE_WEIGHS_AT_MOST, heavy


@pytest.mark.parametrize(
    ("query", "target"),
    [
        ("chi", "reference/glossary.html#term-chi"),
        ("χ", "reference/glossary.html#term-chi"),
        ("edge of chaos", "reference/glossary.html#term-edge-of-chaos"),
        ("He initialization", "reference/glossary.html#term-he-initialization"),
        ("why gradients vanish", "chapters/01_causes.html"),
        ("notation", "reference/notation.html"),
    ],
)
def test_the_search_puts_the_right_place_first(open_page, query, target):
    tab = open_page(CHAPTERS[0])
    tab.keyboard.press("Control+k")
    tab.keyboard.type(query)
    first = tab.locator("dialog .results a").first
    expect(first).to_have_attribute("href", f"../{target}")
    tab.keyboard.press("Enter")
    tab.wait_for_url(f"**/{target}")
    assert open_page.errors == []


def test_the_search_page_takes_its_question_from_the_address(open_page):
    tab = open_page("search.html?q=edge%20of%20chaos")
    first = tab.locator(".results a").first
    expect(first).to_have_attribute("href", "reference/glossary.html#term-edge-of-chaos")
    tab.locator("input").fill("xyzzy")
    expect(tab.locator(".status")).to_contain_text("Nothing found")


def test_keyboard_alone_reaches_text_and_search(open_page):
    tab = open_page(CHAPTERS[0])
    tab.keyboard.press("Tab")
    skip = tab.locator(".skip")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    tab.keyboard.press("Enter")
    expect(tab.locator("main")).to_be_focused()
    tab.keyboard.press("/")
    expect(tab.locator("dialog input")).to_be_focused()
    tab.keyboard.press("Escape")
    expect(tab.locator("dialog")).not_to_be_visible()


def test_what_has_the_focus_shows_it(open_page):
    tab = open_page(CHAPTERS[0])
    for _ in range(12):
        tab.keyboard.press("Tab")
        outline = tab.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none", tab.evaluate("document.activeElement.outerHTML")


def test_the_readers_choice_of_light_or_dark_is_kept(chrome, site):
    context = chrome.new_context(color_scheme="light")
    tab = context.new_page()
    tab.goto(site)
    paper = "getComputedStyle(document.body).backgroundColor"
    light = tab.evaluate(paper)
    tab.get_by_role("button", name="Dark page").click()
    dark = tab.evaluate(paper)
    assert dark != light
    tab.reload()
    assert tab.evaluate(paper) == dark
    tab.get_by_role("button", name="Light page").click()
    assert tab.evaluate(paper) == light
    context.close()


def test_a_click_copies_the_code_of_a_cell(chrome, site):
    context = chrome.new_context(permissions=["clipboard-read", "clipboard-write"])
    tab = context.new_page()
    tab.goto(site + CHAPTERS[0])
    cell = tab.locator(".cell_input").first
    cell.hover()
    cell.get_by_role("button", name="Copy").click()
    expect(cell.get_by_role("button", name="Copied")).to_be_visible()
    copied = tab.evaluate("navigator.clipboard.readText()")
    assert copied == cell.locator("pre").text_content().rstrip()
    context.close()


@pytest.mark.parametrize("width", [390, 1280])
def test_without_javascript_everything_can_be_read(open_page, width):
    tab = open_page(CHAPTERS[0], width=width, javascript=False)
    expect(tab.locator("h1")).to_be_visible()
    assert tab.locator(".katex").first.bounding_box()["width"] > 0
    assert tab.locator("article figure img").first.bounding_box()["height"] > 100
    expect(tab.locator(".bar .mode")).not_to_be_visible()
    if width == 390:
        expect(tab.locator("nav.book")).not_to_be_visible()
        tab.get_by_role("button", name="Contents of the book").click()
    tab.locator("nav.book").get_by_role("link", name="Glossary").click()
    tab.wait_for_url("**/reference/glossary.html")


def test_a_narrow_page_has_its_sections_in_a_drawer(open_page):
    tab = open_page(CHAPTERS[0], width=390)
    tab.get_by_role("button", name="On this page").click()
    link = tab.locator("nav.page ul ul a").last
    link.click()
    expect(tab.locator("nav.page")).not_to_be_visible()
    assert tab.evaluate("location.hash") == link.get_attribute("href")


def test_a_link_into_a_long_page_arrives_at_its_section(open_page):
    links = open_page(CHAPTERS[0]).locator("nav.page > ul > li > ul > li > a").all()
    for k in (1, len(links) // 2, -1):
        anchor = links[k].get_attribute("href")
        heading = open_page(CHAPTERS[0] + anchor).locator(f"section{anchor} > h2")
        expect(heading).to_be_in_viewport()
        if k > 0:  # the page may end before the last section is at the top
            assert heading.bounding_box()["y"] < 250


def test_wide_things_scroll_inside_themselves_by_keyboard(open_page):
    tab = open_page("reference/notation.html", width=390)
    table = tab.locator(".scroll").first
    assert table.evaluate("box => box.scrollWidth > box.clientWidth")
    expect(table).to_have_attribute("tabindex", "0")


def test_print_leaves_the_frame_out_and_opens_what_is_folded(open_page):
    tab = open_page(CHAPTERS[0])
    tab.evaluate("dispatchEvent(new Event('beforeprint'))")
    tab.emulate_media(media="print")
    for part in (".bar", "nav.book", "nav.page", ".turn"):
        expect(tab.locator(part)).not_to_be_visible()
    folded = tab.locator("article details")
    assert folded.count()
    assert folded.evaluate_all("all => all.every((details) => details.open)")
