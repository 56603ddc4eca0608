"""The files of the built site: links, anchors, pictures, and that the site loads its own alone."""

from __future__ import annotations

import re
from collections import Counter
from functools import cache
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from bs4 import BeautifulSoup

HTML = Path(__file__).parents[2] / "_build" / "html"
PAGES = sorted(path.relative_to(HTML).as_posix() for path in HTML.rglob("*.html"))
CONTENT = [page for page in PAGES if page not in ("404.html", "search.html")]
TRACKING = re.compile(r"utm_|fbclid|gclid|ref_src")
UNENCRYPTED = {"neuralnetworksanddeeplearning.com"}  # offers nothing else
LOADED = {"img": "src", "script": "src", "link": "href", "iframe": "src", "source": "src"}

each_page = pytest.mark.parametrize("page", PAGES)


@cache
def parsed(page: str) -> BeautifulSoup:
    return BeautifulSoup((HTML / page).read_text(encoding="utf-8"), "html.parser")


@cache
def anchors(page: str) -> set[str]:
    return {tag["id"] for tag in parsed(page).find_all(id=True)}


def test_there_is_a_site():
    assert {"index.html", "404.html", "search.html", "reference/glossary.html"} <= set(PAGES), (
        "there is no built site in _build/html: run `make book`"
    )


@each_page
def test_every_internal_link_and_anchor_resolves(page):
    dead = []
    for link in parsed(page).find_all("a", href=True):
        parts = urlsplit(link["href"])
        if parts.scheme or parts.netloc:
            continue
        path = ((HTML / page).parent / unquote(parts.path)).resolve() if parts.path else HTML / page
        target = path.relative_to(HTML).as_posix()
        anchor = unquote(parts.fragment)
        if not path.is_file() or (anchor and anchor not in anchors(target)):
            dead.append(link["href"])
    assert dead == []


@each_page
def test_external_links_are_encrypted_and_track_nobody(page):
    for link in parsed(page).find_all("a", href=True):
        parts = urlsplit(link["href"])
        if parts.scheme in ("", "mailto"):
            continue
        assert parts.scheme == "https" or parts.netloc in UNENCRYPTED, link["href"]
        assert re.fullmatch(r"([\w-]+\.)+[a-z]{2,}", parts.netloc), link["href"]
        assert not any(TRACKING.match(name) for name in parse_qs(parts.query)), link["href"]


@each_page
def test_a_page_loads_files_of_the_site_alone_and_they_exist(page):
    for name, attribute in LOADED.items():
        for tag in parsed(page).find_all(name, attrs={attribute: True}):
            parts = urlsplit(tag[attribute])
            if parts.scheme == "data" or tag.get("rel") == ["canonical"]:
                continue
            assert parts.scheme + parts.netloc == "", tag
            assert ((HTML / page).parent / unquote(parts.path)).is_file(), tag


def test_the_style_sheets_load_files_of_the_site_alone_and_they_exist():
    for sheet in HTML.glob("_static/**/*.css"):
        text = sheet.read_text(encoding="utf-8")
        assert "@import" not in text
        for address in re.findall(r"url\(([^)]+)\)", text):
            assert (sheet.parent / address.strip("'\"")).is_file(), address


@each_page
def test_a_page_says_what_it_is(page):
    soup = parsed(page)
    assert soup.html["lang"] == "en"
    assert len(soup.find_all("h1")) == 1
    assert soup.title.string.strip()
    assert soup.find("link", rel="icon")
    if page in CONTENT:
        description = soup.find("meta", attrs={"name": "description"})["content"]
        assert 40 <= len(description) <= 170
        assert soup.find("meta", property="og:title")["content"]
        assert soup.find("meta", property="og:description")["content"] == description


def test_titles_and_ids_are_unique():
    titles = Counter(parsed(page).title.string for page in PAGES)
    assert titles.most_common(1)[0][1] == 1
    for page in PAGES:
        ids = Counter(tag["id"] for tag in parsed(page).find_all(id=True))
        assert [name for name, count in ids.items() if count > 1] == [], page


@each_page
def test_pictures_have_a_text_and_keep_their_place(page):
    for picture in parsed(page).find_all("img"):
        assert picture.has_attr("alt"), picture
        if not picture["src"].startswith("data:"):
            assert picture.get("width", "").isdigit(), picture
            assert picture.get("height", "").isdigit(), picture


@each_page
def test_figures_are_numbered_from_one(page):
    numbers = [tag.get_text(strip=True) for tag in parsed(page).select("figure .caption-number")]
    assert numbers == [f"Fig. {k}" for k in range(1, len(numbers) + 1)]


@each_page
def test_no_mathematics_and_no_markup_is_left_as_it_was_typed(page):
    article = BeautifulSoup(str(parsed(page).find("article")), "html.parser")
    for tag in article.select("code, pre, .katex, script, style, .bibtex"):
        tag.decompose()
    text = article.get_text()
    for pattern in (
        r"\$[^$\n]+\$",
        r"\\[a-zA-Z]+\{?",
        r"\{(?:eq|numref|cite|ref|term)\S*\}",
        r"\]\(#",
    ):
        assert re.findall(pattern, text) == []


def test_previous_and_next_lead_through_the_whole_book():
    page, seen = "index.html", []
    while page:
        seen.append(page)
        link = parsed(page).select_one("nav.turn a.next")
        href = urlsplit(link["href"]).path if link else ""
        page = ((HTML / page).parent / href).resolve().relative_to(HTML).as_posix() if href else ""
    assert sorted(seen) == CONTENT


def test_unknown_repository_means_no_links_to_one():
    """Dead links would be worse than none: whatever is offered must name a known host."""
    for page in PAGES:
        for link in parsed(page).select(".launch a, body > footer ul a"):
            assert urlsplit(link["href"]).path.count("/") >= 2, link
