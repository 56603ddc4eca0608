"""Write the repository's address into every chapter's install cell: `make repository URL=...`.

Colab opens a notebook that cannot know which fork it comes from; this constant tells it. An empty
URL takes the address out again.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from course.links import normalise

CHAPTERS = Path(__file__).parents[1] / "chapters"
LINE = re.compile(r'(?<="REPOSITORY = \\")[^"\\]*(?=\\")')  # as it stands in a notebook's JSON


def write(notebook: Path, url: str) -> None:
    """Write the address into one notebook and leave every other byte as it is.

    Raises
    ------
    ValueError
        If the notebook has not exactly one line to write it in.
    """
    text, places = LINE.subn(url, notebook.read_text(encoding="utf-8"))
    if places != 1:
        raise ValueError(f'{notebook.name} must have one line REPOSITORY = "..."; it has {places}')
    notebook.write_text(text, encoding="utf-8", newline="\n")


def main(given: str) -> None:
    """Write the address into every chapter."""
    url = normalise(given)
    if given and not url:
        raise SystemExit(f"URL must be like https://github.com/owner/name; got {given!r}")
    for notebook in sorted(CHAPTERS.glob("*.ipynb")):
        write(notebook, url)
        print(f"{notebook.name}: {url or 'no address'}")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "")
