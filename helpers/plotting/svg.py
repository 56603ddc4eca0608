"""Matplotlib's SVG made small and made to follow light and dark mode."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Final
from xml.etree import ElementTree

__all__ = ["compact"]

FONTS: Final = (
    "system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue','Noto Sans','Liberation Sans',"
    "Arial,sans-serif"
)
Element = ElementTree.Element
SVG: Final = "{http://www.w3.org/2000/svg}"
HREF: Final = "{http://www.w3.org/1999/xlink}href"
COORDINATES: Final = frozenset(
    [
        "cx",
        "cy",
        "d",
        "height",
        "points",
        "r",
        "rx",
        "ry",
        "style",
        "transform",
        "width",
        "x",
        "x1",
        "x2",
        "y",
        "y1",
        "y2",
    ]
)
NUMBER: Final = re.compile(r"(?<![#\w])-?\d+(?:\.\d+)?(?:e[-+]?\d+)?")


def compact(text: str, palette: Mapping[str, tuple[str, str]], *, alt: str | None = None) -> str:
    """Return matplotlib's SVG `text` without what a browser does not need, and with a dark mode.

    Coordinates are rounded to 0.01 point, a hundredth of the finest line. Groups without meaning,
    unused ids, comments and metadata go; the ids that stay are short and depend on the content.

    Parameters
    ----------
    text
        An SVG written with `svg.fonttype: none`.
    palette
        Name to (light, dark) hex codes: colours that become variables.
    alt
        Text alternative, written as `aria-label`.
    """
    root = ElementTree.fromstring(text)
    light = {pair[0].lower(): name for name, pair in palette.items()}
    used: set[str] = set()
    _clean(root, light, used)
    _shorten_ids(root)
    box = root.attrib["viewBox"].split()
    for side, points in zip(("width", "height"), box[2:], strict=True):
        root.set(side, f"{float(points) / 0.75:.0f}")  # CSS pixels: 96 to the inch, points 72
    root.attrib.pop("version", None)
    if alt:
        root.attrib |= {"role": "img", "aria-label": alt}
    rules = ElementTree.Element(SVG + "style")
    rules.text = _rules({name: palette[name] for name in palette if name in used})
    root.insert(0, rules)
    ElementTree.register_namespace("", SVG[1:-1])
    return ElementTree.tostring(root, encoding="unicode")


def _rules(palette: Mapping[str, tuple[str, str]]) -> str:
    light, dark = (
        "".join(f"--{name}:{pair[mode]};" for name, pair in palette.items()) for mode in (0, 1)
    )
    return (
        f"svg{{{light}font-family:{FONTS}}}text{{white-space:pre}}"
        "*{stroke-linejoin:round;stroke-linecap:butt}"
        f"@media(prefers-color-scheme:dark){{svg{{{dark}}}}}"
    )


def _clean(element: Element, light: Mapping[str, str], used: set[str]) -> None:
    """Rewrite the attributes of everything below `element` and dissolve idle groups."""
    children: list[Element] = []
    for child in list(element):
        if child.tag in (SVG + "metadata", SVG + "style"):
            continue
        _attributes(child, light, used)
        _clean(child, light, used)
        if child.tag == SVG + "text":
            _merge_glyphs(child)
        idle = child.tag in (SVG + "g", SVG + "defs") and (not len(child) or not child.attrib)
        if idle and child.tag == SVG + "defs" and len(child):
            idle = False
        invisible = child.tag == SVG + "path" and child.get("style") == "fill:none"
        if idle:
            children.extend(child)
        elif not invisible:
            children.append(child)
    element[:] = children
    if element.tag not in (SVG + "text", SVG + "tspan"):
        element.text = None
    for child in children:
        child.tail = None


def _attributes(element: Element, light: Mapping[str, str], used: set[str]) -> None:
    attributes = dict(element.attrib)
    element.attrib.clear()
    if HREF in attributes:
        attributes["href"] = attributes.pop(HREF)
    if element.tag == SVG + "g":
        attributes.pop("id", None)  # matplotlib's names for its artists: nothing refers to them
    for name in ("fill", "stroke"):  # hatches: a variable is safe in a style only
        if attributes.get(name, "").lower() in light:
            attributes["style"] = f"{name}:{attributes.pop(name)};{attributes.get('style', '')}"
    for name, value in attributes.items():
        if name == "style":
            value = _style(value, light, used)
        if name in COORDINATES and element.tag != SVG + "image":
            value = _rounded(name, value)
        if value:
            element.set(name, value)


def _style(value: str, light: Mapping[str, str], used: set[str]) -> str:
    pairs = [part.split(":", 1) for part in value.split(";") if part.strip()]
    kept = {name.strip(): rest.strip() for name, rest in pairs}
    if "Mono" not in kept.get("font-family", ""):
        kept.pop("font-family", None)  # the root's, unless it is code
    if kept.get("text-anchor") == "start":
        del kept["text-anchor"]
    for name, rest in kept.items():
        if rest.lower() in light:
            variable = light[rest.lower()]
            used.add(variable)
            kept[name] = f"var(--{variable})"
    return ";".join(f"{name}:{rest}" for name, rest in kept.items())


def _rounded(name: str, value: str) -> str:
    if name == "transform" and ("scale" in value or "matrix" in value):
        return value
    value = NUMBER.sub(_round, value)
    if name == "transform":
        return re.sub(r"rotate\(0( [^)]*)?\)", "", value).strip()
    if name == "d":
        return re.sub(r"\s*([A-Za-z])\s*", r"\1", " ".join(value.split()))
    return value


def _round(match: re.Match[str]) -> str:
    text = f"{float(match[0]):.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def _merge_glyphs(text: Element) -> None:
    """Join the single glyphs mathtext places into runs; let the powers of ten of an axis flow.

    Mathtext places every glyph by the widths of matplotlib's font. In another font that looks
    spaced out, so 10⁻³ is set as running text around its middle instead.
    """
    glyphs = list(text)
    if not glyphs:
        return
    places = [float(glyph.get("x", "0")) for glyph in glyphs]
    content = "".join(glyph.text or "" for glyph in glyphs)
    flows = re.fullmatch(r"[-−+×.\d]+", content) and places == sorted(places)
    runs: list[Element] = []
    for glyph in glyphs:
        previous = runs[-1] if runs else None
        same = previous is not None and all(
            previous.get(name) == glyph.get(name) for name in ("y", "style")
        )
        if previous is not None and same:
            previous.text = (previous.text or "") + (glyph.text or "")
            previous.set("x", f"{previous.get('x')} {glyph.get('x')}")
        else:
            runs.append(glyph)
    text[:] = runs
    text.text = None
    if flows:
        _let_flow(text, runs, places[-1])


def _let_flow(text: Element, runs: list[Element], last: float) -> None:
    size = re.search(r"font-size:([\d.]+)px", runs[-1].get("style", ""))
    text.set("text-anchor", "middle")
    text.set("x", _rounded("x", str((last + 0.6 * float(size[1] if size else 0)) / 2)))
    y = 0.0
    for run in runs:
        run.attrib.pop("x")
        new = float(run.attrib.pop("y", "0"))
        run.set("dy", _rounded("x", str(new - y)))
        y = new


def _shorten_ids(root: Element) -> None:
    """Rename what is referred to; the prefix keeps two figures on one page apart."""
    content = ElementTree.tostring(root, encoding="unicode")
    prefix = "f" + hashlib.sha256(content.encode()).hexdigest()[:4]
    referred = set(re.findall(r"(?:href=\"|url\()#([\w.-]+)", content))
    short: dict[str, str] = {}
    for element in root.iter():
        name = element.attrib.pop("id", None)
        if name in referred and name is not None:
            short[name] = f"{prefix}{len(short)}"
            element.set("id", short[name])
    for element in root.iter():
        for name, value in element.attrib.items():
            if name == "href" and value[1:] in short:
                element.set(name, "#" + short[value[1:]])
            elif "url(#" in value:
                element.set(
                    name, re.sub(r"url\(#([^)]+)\)", lambda m: f"url(#{short[m[1]]})", value)
                )
