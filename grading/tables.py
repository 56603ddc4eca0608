"""Tables that a spreadsheet can open: as text, and without running what a student wrote."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any


def table(columns: Sequence[str], rows: list[dict[str, Any]]) -> str:
    """Return a CSV table. A text that a spreadsheet would run as a formula gets a leading quote."""
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, columns, extrasaction="ignore", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows({k: guarded(v) for k, v in row.items()} for row in rows)
    return out.getvalue()


def guarded(value: Any) -> Any:
    """Return a value as it may stand in a spreadsheet."""
    return f"'{value}" if isinstance(value, str) and _risky(value) else value


def unguarded(text: str) -> str:
    """Return what `guarded` was given."""
    return text[1:] if text[:1] == "'" and _risky(text[1:]) else text


def _risky(text: str) -> bool:
    """Say whether a text runs, or would after some quotes at its beginning were taken off."""
    bare = text.lstrip("'")
    return bare.lstrip()[:1] in tuple("=+-@") or bare[:1] in ("\t", "\r")
