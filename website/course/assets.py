"""One style sheet, one script, the fonts: all that a page loads, and all from the site itself.

The layout in website/theme lists them. A page may add files of website/static; what other
extensions register (RequireJS for widgets, say) is left out on purpose: a page works without.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from pygments.style import Style
from pygments.styles import get_style_by_name
from pygments.token import STANDARD_TYPES
from sphinx.application import Sphinx
from sphinx.config import Config

from course import formulas

THEME = Path(__file__).parent.parent / "theme"
STATIC = THEME.parent / "static"
CODE = ("a11y-high-contrast-light", "a11y-high-contrast-dark")
PRELOADED = ("KaTeX_Main-Regular.woff2", "KaTeX_Math-Italic.woff2")


def code_colors(light: type[Style], dark: type[Style]) -> Iterator[str]:
    """Yield a CSS rule per kind of token that serves the light and the dark page."""
    for token, name in STANDARD_TYPES.items():
        if not name:
            continue
        day, night = light.style_for_token(token), dark.style_for_token(token)
        if day["color"] and night["color"]:
            yield f".highlight .{name}{{color:light-dark(#{day['color']},#{night['color']})}}"


def style_sheet(katex: Path) -> str:
    """Return the theme's CSS, the colours of code and KaTeX's, without comments and spaces."""
    own = (THEME / "book.css").read_text(encoding="utf-8")
    own = re.sub(r"/\*.*?\*/", "", own, flags=re.DOTALL)
    own = re.sub(r"\s*([{};,])\s*", r"\1", re.sub(r"\s+", " ", own)).strip()
    formula = (katex / "katex.min.css").read_text(encoding="utf-8")
    formula = re.sub(r',url\(fonts/[\w-]+\.(?:woff|ttf)\) format\("\w+"\)', "", formula)
    formula = formula.replace("url(fonts/", "url(katex/")
    return "\n".join([formula, own, *code_colors(*map(get_style_by_name, CODE))])


def prepare(app: Sphinx, config: Config) -> None:
    """Compose the style sheet; when anything a page loads has changed, write every page anew."""
    katex = formulas.katex(Path(app.srcdir) / ".cache")
    config.course_style = style_sheet(katex)
    files = [THEME / "book.js", *sorted(path for path in STATIC.rglob("*") if path.is_file())]
    content = b"".join([config.course_style.encode(), *(path.read_bytes() for path in files)])
    config.course_assets = hashlib.sha256(content).hexdigest()[:8]


def write(app: Sphinx, exception: Exception | None) -> None:
    """Put the assets beside the pages, and take away what no page loads."""
    if exception is not None or app.builder.format != "html":
        return
    static = Path(app.outdir, "_static")
    katex = formulas.katex(Path(app.srcdir) / ".cache")
    shutil.rmtree(static, ignore_errors=True)
    shutil.copytree(STATIC, static)
    shutil.copytree(katex / "fonts", static / "katex")
    shutil.copy(THEME / "book.js", static)
    (static / "book.css").write_text(app.config.course_style, encoding="utf-8")


def setup(app: Sphinx) -> None:
    """Register with Sphinx."""
    app.add_html_theme("course", str(THEME))
    app.add_config_value("course_style", "", "", [str])
    app.add_config_value("course_assets", "", "html", [str])
    app.connect("config-inited", prepare)
    app.connect("build-finished", write)
