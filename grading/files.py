"""The files of a folder or a zip, zips inside included: limited, and not unpacked to disk."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path, PurePosixPath

from grading.names import is_junk
from grading.result import printable

MOST_FILES = 100_000
MOST_BYTES = 100_000_000  # of one file
MOST_HANDED_IN = 50  # files in a zip of one student
MOST_IN_A_ZIP = 20_000_000_000


@dataclass(frozen=True)
class File:
    """One file: where it stood, what is in it, when it was written, or why it was not read.

    A zip that was handed in is its author's work, names and times in it included: whose a file in
    it is, and when it was written, is said by the zip.
    """

    path: str
    data: bytes
    when: str
    unread: str = ""
    inside: str = ""  # the path of the zip that it stood in

    @property
    def upload(self) -> str:
        """The path of what was handed in."""
        return self.inside or self.path


def files_of(source: Path) -> Iterator[File]:
    """Yield the files of a folder or a zip in the order of their names.

    Raises
    ------
    ValueError
        If the source is neither, or is a damaged zip.
    """
    if source.is_dir():
        yield from _folder(source)
    elif source.is_file() and zipfile.is_zipfile(source):
        with zipfile.ZipFile(source) as archive:
            yield from _zip(archive, "", nested=False)
    elif source.is_file() and source.suffix == ".ipynb":
        yield _file(source, printable(source.name))
    elif source.exists():
        raise ValueError(f"{source} is neither a folder, a zip nor a notebook")
    else:
        raise ValueError(f"there is no {source}")


def _folder(source: Path) -> Iterator[File]:
    found = []
    for folder, inner, names in os.walk(source):
        inner.sort()
        links = [name for name in inner if os.path.islink(os.path.join(folder, name))]
        found += [Path(folder) / name for name in [*names, *links]]
    for path in sorted(found)[:MOST_FILES]:
        name = printable(path.relative_to(source).as_posix())
        if path.is_symlink():
            yield File(name, b"", "", "a link, not followed")
        elif not path.is_file():
            yield File(name, b"", "", "not an ordinary file")
        else:
            yield from _opened(_file(path, name))


def _file(path: Path, name: str) -> File:
    try:
        facts = path.stat()
        when = datetime.fromtimestamp(facts.st_mtime).isoformat(timespec="seconds")
        if facts.st_size > MOST_BYTES:
            return File(name, b"", when, f"{facts.st_size:,} bytes, too large")
        return File(name, path.read_bytes(), when)
    except OSError as error:
        return File(name, b"", "", f"cannot be read: {error.strerror}")


def _opened(file: File) -> Iterator[File]:
    """Yield the file, or what is in it if it is a zip."""
    if file.data[:4] != b"PK\x03\x04":
        yield file
        return
    try:
        with zipfile.ZipFile(io.BytesIO(file.data)) as archive:
            for entry in _zip(archive, f"{file.path}/", nested=True):
                yield replace(entry, when=file.when, inside=file.path)
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        yield File(file.path, b"", file.when, f"a zip that cannot be read: {error}")


def _zip(archive: zipfile.ZipFile, prefix: str, nested: bool) -> Iterator[File]:
    entries = sorted((e for e in archive.infolist() if not e.is_dir()), key=lambda e: e.filename)
    left, most = (MOST_BYTES, MOST_HANDED_IN) if nested else (MOST_IN_A_ZIP, MOST_FILES)
    if len(entries) > most:
        entries.sort(key=lambda e: (is_junk(e.filename), not e.filename.endswith(".ipynb")))
        why = f"{len(entries):,} files in it; {most:,} are read, notebooks first"
        yield File(prefix.rstrip("/") or "the zip", b"", "", why)
    for entry in entries[:most]:
        file = _entry(archive, entry, prefix, left)
        left -= len(file.data)
        if nested:
            yield file
        else:
            yield from _opened(file)


def _entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, prefix: str, left: int) -> File:
    name = prefix + printable(str(PurePosixPath(entry.filename)))
    try:
        when = datetime(*entry.date_time).isoformat()
        with archive.open(entry) as stream:  # the size that an entry states may be a lie
            data = stream.read(min(MOST_BYTES, left) + 1)
    except Exception as error:  # encrypted, damaged, unknown compression, impossible date
        return File(name, b"", "", f"cannot be read: {error}")
    if len(data) > min(MOST_BYTES, left):
        return File(name, b"", when, "too large")
    return File(name, data, when)


def zipped(files: dict[str, bytes]) -> bytes:
    """Return a zip of some files, the same bytes for the same content."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(
                zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED
            )
    return out.getvalue()
