"""A folder of uploads in which some files are hostile: links, pipes, archives, names."""

from __future__ import annotations

import io
import os
import stat
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path

from attacks.toy import RIGHT, handed_in

HONEST = ("ada", "bo", "zoe")
HALF = {**RIGHT, "toy-cube-solution": "def cube(x):\n    return 0.0"}
TELLING = {
    **RIGHT,
    "toy-cube-solution": (
        "def cube(x):\n    raise ValueError('<script>alert(1)</script>' + chr(0xD800) + chr(0)"
        " + '=cmd|calc' + repr(x))"
    ),
    "toy-written-answer": "=HYPERLINK(1)</pre><script>alert(2)</script> \u202e\u0000",
}
NAMES = (
    "=HYPERLINK(1)_01_toy.ipynb",
    "<script>alert(3)</script>_01_toy.ipynb",
    "..%2f..%2fevil_01_toy.ipynb",
    "new\nline_01_toy.ipynb",
    "escape\x1b[4F\x1b[J\x9b8m\u202e_01_toy.ipynb",
    "con_01_toy.ipynb",
    "unknown_01_toy.ipynb",
    "сyrillic_01_toy.ipynb",
    f"{'n' * 200}_01_toy.ipynb",
    "-rf_01_toy.ipynb",
    "'; DROP TABLE student; --_01_toy.ipynb",
    "roster.csv_01_toy.ipynb",
    ".hidden_01_toy.ipynb",
)


def link_entry(name: str, target: str) -> tuple[zipfile.ZipInfo, bytes]:
    """Return a zip entry that is a symbolic link."""
    entry = zipfile.ZipInfo(name)
    entry.create_system, entry.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    return entry, target.encode()


def archive(*entries: tuple[str | zipfile.ZipInfo, bytes]) -> bytes:
    """Return a zip of some entries, in order, names repeated as they come."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a name that comes twice is the point
        for name, data in entries:
            file.writestr(name, data)
    return out.getvalue()


def archives(secret: Path) -> Iterator[tuple[str, bytes]]:
    """Yield (name, content) of hostile zips."""
    right = handed_in(RIGHT)
    spaces = right[:-1] + b" " * 150_000_000 + b"}"
    yield "links_01_toy.zip", archive(link_entry("links_01_toy.ipynb", str(secret)))
    yield (
        "climber_01_toy.zip",
        archive(
            ("../../../../climbed.ipynb", right),
            ("/tmp/climbed.ipynb", right),
            ("..\\..\\climbed.ipynb", right),
            ("C:\\climbed.ipynb", right),
        ),
    )
    yield "bomb_01_toy.zip", archive(("bomb_01_toy.ipynb", spaces))
    yield "towers_01_toy.zip", archive(("deep.ipynb", b'{"cells": ' + b"[" * 2_000_000))
    yield "twice_01_toy.zip", archive(("twice.ipynb", right), ("twice.ipynb", handed_in(HALF)))
    yield "broken_01_toy.zip", archive(("broken.ipynb", right))[:-40]
    yield "hidden_01_toy.zip", archive(("__MACOSX/._x.ipynb", b"x"), (".git/config", b"[core]"))
    nested = archive(("inner.zip", archive(("inner.ipynb", right))))
    yield "matryoshka_01_toy.zip", nested
    sealed = bytearray(archive(("sealed.ipynb", right)))
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        sealed[sealed.find(mark) + offset] |= 1  # says that it is encrypted
    yield "sealed_01_toy.zip", bytes(sealed)


def make(folder: Path, secret: Path) -> None:
    """Fill a folder with uploads."""
    folder.mkdir()
    for name in HONEST:
        (folder / f"{name}_01_toy.ipynb").write_bytes(handed_in(HALF if name == "bo" else RIGHT))
    for name in NAMES:
        (folder / name.replace("/", "∕")).write_bytes(handed_in(HALF))
    (folder / "telling_01_toy.ipynb").write_bytes(handed_in(TELLING))
    (folder / "empty_01_toy.ipynb").write_bytes(b"")
    (folder / "copycat_01_toy.ipynb").symlink_to(folder / "ada_01_toy.ipynb")
    (folder / "thief_01_toy.ipynb").symlink_to(secret)
    (folder / "loop_01_toy.ipynb").symlink_to(folder / "loop_01_toy.ipynb")
    (folder / "elsewhere").symlink_to(secret.parent, target_is_directory=True)
    (folder / "folder_01_toy.ipynb").mkdir()
    os.mkfifo(folder / "pipe_01_toy.ipynb")
    with open(os.fsencode(folder) + b"/bytes-\xff\xfe_01_toy.ipynb", "wb") as file:
        file.write(handed_in(HALF))
    with (folder / "sparse_01_toy.ipynb").open("wb") as file:
        file.truncate(400_000_000)
    for name, data in archives(secret):
        (folder / name).write_bytes(data)
