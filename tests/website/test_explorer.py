"""Every explorer of every chapter, as a reader meets it: in a browser, with no kernel."""

from __future__ import annotations

import gzip
import io
import json
import re
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import expect

ROOT = Path(__file__).parents[2]
CHAPTERS = [f"chapters/{path.stem}.html" for path in sorted((ROOT / "chapters").glob("*.ipynb"))]
each_chapter = pytest.mark.parametrize("chapter", CHAPTERS)

EXPLORERS_WEIGH_AT_MOST = 150_000  # bytes of a page, compressed
LOAD_DRAWINGS = """address => new Promise((resolve, reject) => {
  const script = document.createElement("script");
  script.src = address;
  script.onload = () => resolve(script.drawings);
  script.onerror = reject;
  document.head.append(script);
})"""


class Explorer:
    """One explorer on an open page, and what it holds."""

    def __init__(self, page, key):
        self.page, self.key = page, key
        self.root = page.locator(f"[id='{key}']")
        self.image = self.root.locator("img")
        self.fields = self.root.locator("input, select").all()
        self.data = json.loads(self.root.locator("script").text_content())
        address = self.root.get_attribute("data-drawings")
        self.data["drawings"] = page.evaluate(LOAD_DRAWINGS, address)

    @property
    def setting(self):
        return [int(field.input_value()) for field in self.fields]

    @property
    def seen(self):
        """The drawing and the text alternative that the page shows."""
        source = self.image.get_attribute("src")
        return unquote(source.removeprefix("data:image/svg+xml,")), self.image.get_attribute("alt")

    def due(self, setting):
        """The drawing and the text alternative of a setting."""
        sizes = [len(control["texts"]) for control in self.data["controls"]]
        frame = int(np.ravel_multi_index(setting, sizes))
        return self.data["drawings"][self.data["shown"][frame]], self.data["alts"][frame]

    def shows(self, setting):
        assert self.setting == setting
        self.drawn()
        assert self.seen == self.due(setting)
        for field, (k, control) in zip(self.fields, self.controls(), strict=True):
            if field.get_attribute("type") == "range":
                assert field.get_attribute("aria-valuetext") == control["texts"][k]
                assert field.locator("+ output").text_content() == control["texts"][k]

    def names_its_values(self, root):
        """Where no control can be moved, what is chosen stands there in words."""
        assert root.locator("input:visible, select:visible, a:visible").count() == 0
        for k, control in self.controls():
            expect(root.locator(".explorer-values")).to_be_visible()
            expect(root.locator(".explorer-values")).to_contain_text(
                f"{control['label']}: {control['texts'][k]}"
            )

    def choose(self, setting):
        """Choose a setting by keyboard."""
        for field, k in zip(self.fields, setting, strict=True):
            field.focus()
            field.press("Home")
            for _ in range(k):
                field.press("ArrowRight")
        self.drawn()

    def drawn(self):
        """Wait until the drawing asked for is loaded and stands there."""
        expect(self.root).not_to_have_attribute("aria-busy", "true")

    def move_all(self):
        """Move every control to a value that it does not have, by keyboard; the new setting."""
        setting = [0 if k else len(control["texts"]) - 1 for k, control in self.controls()]
        self.choose(setting)
        return setting

    def controls(self):
        """Each control's index and what the page's data say of it."""
        return list(zip(self.setting, self.data["controls"], strict=True))

    def settled(self):
        """Wait until the address and the announcement have followed the last move."""
        self.page.wait_for_function(
            """key => {
              const root = document.getElementById(key);
              const said = root.querySelector("[role=status]").textContent;
              const moved = new URLSearchParams(location.search).has(key);
              return moved && said === root.querySelector("img").alt;
            }""",
            arg=self.key,
        )


def explorers(page):
    keys = page.locator(".explorer").evaluate_all("all => all.map(each => each.id)")
    assert keys, "the page has no explorer; every chapter has one (helpers.explore)"
    assert len(set(keys)) == len(keys), f"two explorers have one id, so need other titles: {keys}"
    return [Explorer(page, key) for key in keys]


def pixels(locator):
    return np.asarray(Image.open(io.BytesIO(locator.screenshot())).convert("RGB"), dtype=float)


def test_there_are_chapters():
    assert CHAPTERS


@each_chapter
def test_keyboard_reaches_every_value_and_changes_frame_and_text(open_page, chapter):
    for explorer in explorers(open_page(chapter)):
        start = explorer.setting
        for place, (_, control) in enumerate(explorer.controls()):
            seen = []
            for value in range(len(control["texts"])):
                setting = [*start[:place], value, *start[place + 1 :]]
                explorer.choose(setting)
                explorer.shows(setting)
                seen.append(explorer.seen)
            drawings, texts = (set(column) for column in zip(*seen, strict=True))
            name = f"{explorer.key}, {control['label']}"
            assert len(drawings) > 1, f"{name}: moving it from the start changes no drawing"
            assert len(texts) > 1, f"{name}: moving it from the start changes no text alternative"
    assert open_page.errors == []


@each_chapter
def test_mouse_moves_every_control(open_page, chapter):
    page = open_page(chapter)
    for explorer in explorers(page):
        setting = [0 if k else len(control["texts"]) - 1 for k, control in explorer.controls()]
        for field, k in zip(explorer.fields, setting, strict=True):
            if field.get_attribute("type") != "range":
                field.select_option(index=k)
                continue
            field.scroll_into_view_if_needed()
            box = field.bounding_box()
            middle = box["y"] + box["height"] / 2
            page.mouse.move(box["x"] + box["width"] / 2, middle)
            page.mouse.down()
            page.mouse.move(box["x"] + (box["width"] - 1 if k else 1), middle, steps=5)
            page.mouse.up()
        explorer.shows(setting)


@each_chapter
def test_the_new_frame_is_announced_once_it_stands(open_page, chapter):
    for explorer in explorers(open_page(chapter)):
        status = explorer.root.get_by_role("status")
        assert status.text_content() == ""
        explorer.move_all()
        expect(status).to_have_text(explorer.seen[1])


@each_chapter
def test_address_keeps_every_setting_over_a_reload_and_links_to_it(open_page, chapter):
    page = open_page(chapter)
    settings = {}
    for explorer in explorers(page):
        settings[explorer.key] = explorer.move_all()
        explorer.settled()
    page.reload()
    for explorer in explorers(page):
        explorer.shows(settings[explorer.key])
    link = explorers(page)[-1].root.get_by_role("link", name="Link to this setting")
    copy = open_page(link.evaluate("link => link.href"))
    for explorer in explorers(copy):
        explorer.shows(settings[explorer.key])
    expect(explorers(copy)[-1].root).to_be_in_viewport()


@each_chapter
def test_back_at_the_start_the_address_is_plain(open_page, chapter):
    page = open_page(chapter + "?other=1#no-such-anchor")
    address = page.url
    for explorer in explorers(page):
        start = explorer.setting
        explorer.move_all()
        explorer.settled()
        explorer.choose(start)
    page.wait_for_url(address)


@each_chapter
@pytest.mark.parametrize("said", ["no:1,such,:,%25,depth:-7", "", "%FF%00"])
def test_what_an_address_says_wrongly_is_ignored(open_page, chapter, said):
    found = explorers(open_page(chapter))
    query = "&".join(f"{explorer.key}={said}" for explorer in found)
    wrongly = explorers(open_page(f"{chapter}?{query}"))
    for explorer, start in zip(wrongly, found, strict=True):
        explorer.shows(start.setting)
    assert open_page.errors == []


@each_chapter
def test_anchors_and_the_back_button_go_with_the_setting(open_page, chapter):
    page = open_page(chapter)
    plain, steps = page.url, page.evaluate("history.length")
    explorer = explorers(page)[0]
    start, setting = explorer.setting, explorer.move_all()
    explorer.settled()
    moved = page.url
    assert page.evaluate("history.length") == steps, "every move would be a step back"
    last = page.locator("section[id]").last.get_attribute("id")
    page.evaluate("id => { location.hash = id; }", last)
    assert page.url == f"{moved}#{last}"
    expect(page.locator(f"section[id='{last}'] > :is(h1, h2, h3, h4)").first).to_be_in_viewport()
    explorer.shows(setting)
    explorer.choose(start)
    page.wait_for_url(f"{plain}#{last}")
    page.go_back()
    page.wait_for_url(moved)
    expect(explorer.image).to_have_attribute("alt", explorer.due(setting)[1])
    explorer.shows(setting)


@each_chapter
def test_without_javascript_the_start_frame_stands_with_its_values(open_page, chapter):
    found = explorers(open_page(chapter))
    plain = open_page(chapter, javascript=False)
    for explorer in found:
        root = plain.locator(f"[id='{explorer.key}']")
        assert root.locator("img").get_attribute("alt") == explorer.seen[1]
        assert pixels(root.locator("img")).std() > 5, "the start frame is blank"
        expect(root.locator("noscript p")).to_be_visible()
        explorer.names_its_values(root)


@each_chapter
def test_paper_shows_the_chosen_frame_and_its_values(open_page, chapter):
    page = open_page(chapter)
    for explorer in explorers(page):
        setting = explorer.move_all()
        page.emulate_media(media="print")
        explorer.names_its_values(explorer.root)
        explorer.shows(setting)
        page.emulate_media(media="screen")


@each_chapter
def test_frames_follow_light_and_dark_and_let_the_page_through(open_page, chapter):
    brightness = {}
    for dark in (False, True):
        page = open_page(chapter, dark=dark)
        for explorer in explorers(page):
            explorer.move_all()
            picture = pixels(explorer.image)
            paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
            paper = [float(part) for part in paper.strip("rgb()").split(",")]
            assert np.abs(picture[:2, :2] - paper).max() <= 2, "the frame hides the page behind it"
            ink = np.abs(picture - paper).max(axis=2)
            assert np.percentile(ink, 99.5) > 100, "the frame's lines do not stand out"
            brightness.setdefault(explorer.key, []).append(picture.mean())
    assert all(light > 180 and dark < 80 for light, dark in brightness.values()), brightness


@each_chapter
def test_a_phone_has_room_for_it(open_page, chapter):
    page = open_page(chapter, width=390)
    for explorer in explorers(page):
        for field in explorer.fields:
            box = field.bounding_box()
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= 390
            assert box["height"] >= 24
        box = explorer.image.bounding_box()
        assert box["width"] > 300
        assert page.evaluate("document.documentElement.scrollWidth") <= 390


@each_chapter
def test_nothing_on_the_page_moves_when_the_frame_changes(open_page, chapter):
    page = open_page(chapter)
    places = "[scrollY, ...[...document.querySelectorAll('article *')].map(e => e.offsetTop)]"
    for explorer in explorers(page):
        explorer.fields[0].focus()
        before = page.evaluate(places)
        explorer.move_all()
        explorer.settled()
        assert page.evaluate(places) == before


@each_chapter
@pytest.mark.parametrize("dark", [False, True])
def test_axe_finds_nothing(open_page, chapter, dark):
    page = open_page(chapter, dark=dark)
    assert explorers(page)
    result = Axe().run(page, context=".explorer")
    assert result.violations_count == 0, result.generate_report()


@each_chapter
def test_a_folder_of_files_is_enough(open_page, html, chapter):
    page = open_page((html / chapter).as_uri())
    explorer = explorers(page)[0]
    setting = explorer.move_all()
    explorer.settled()
    page.reload()
    Explorer(page, explorer.key).shows(setting)


@each_chapter
def test_drawings_are_loaded_only_when_a_reader_comes_near(open_page, chapter):
    page = open_page(chapter)
    loaded = """address => performance.getEntriesByType("resource")
        .some(entry => entry.name.endsWith(address))"""
    page.wait_for_load_state("networkidle")
    roots = page.locator(".explorer").all()
    files = [root.get_attribute("data-drawings").removeprefix("..") for root in roots]
    assert not any(page.evaluate(loaded, file) for file in files)
    for root, file in zip(roots, files, strict=True):
        root.evaluate("root => root.scrollIntoView()")
        page.wait_for_function(loaded, arg=file)


def test_a_drawing_that_does_not_load_is_said_and_the_next_move_tries_again(open_page):
    page = open_page(CHAPTERS[0])
    explorer = explorers(page)[0]
    page.reload()
    files = re.compile("/_drawings/")
    page.route(files, lambda route: route.abort())
    before = explorer.seen
    setting = explorer.move_all()
    status = explorer.root.get_by_role("status")
    expect(status).to_have_text(re.compile("did not load"))
    expect(status).to_be_in_viewport()
    assert explorer.seen == before
    page.unroute(files)
    explorer.choose(setting)
    explorer.shows(setting)
    expect(status).to_have_text(explorer.seen[1])
    open_page.errors.clear()  # the browser's own words on what did not load


@each_chapter
def test_all_frames_of_a_page_are_light(html, chapter):
    page = (html / chapter).read_text(encoding="utf-8")
    _, *found = page.split('<div class="explorer"')
    parts = [part.split("</script>")[0] for part in found]
    files = sorted((html / "_drawings" / chapter.removesuffix(".html")).glob("*.js"))
    assert len(files) >= len(found) > 0
    parts += [path.read_text(encoding="utf-8") for path in files]
    weight = sum(len(gzip.compress(part.encode())) for part in parts)
    assert 0 < weight <= EXPLORERS_WEIGH_AT_MOST
