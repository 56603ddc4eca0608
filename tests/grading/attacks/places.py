"""Places on the machine that grades which a submission must neither read nor write."""

from __future__ import annotations

import socket
import sysconfig
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

TOKEN = "token-of-the-grader"
FRAME = """import os, sys
sink = int(sys.argv[2])

def frame(data):
    data = len(data).to_bytes(8, "big") + data
    while data:
        data = data[os.write(sink, data[:1_000_000]):]
"""
PACKAGES = Path(sysconfig.get_paths()["purelib"])


@dataclass
class Places:
    """A secret file, a folder that may not be written, a port, and who has called there."""

    secret: Path
    outside: Path
    port: int
    calls: list[str] = field(default_factory=list)

    def names(self) -> dict[str, str]:
        """What the texts of the attacks say for them, and texts too long for a file."""
        deep = 100_000
        return {
            "SECRET": str(self.secret),
            "OUTSIDE": str(self.outside),
            "PORT": str(self.port),
            "PACKAGES": str(PACKAGES),
            "OPEN": "(" * deep,
            "CLOSE": ")" * deep,
            "MINUS": "-" * deep,
            "PLUS": "+ 1" * (deep // 2),
            "CALLS": "(x)" * (deep // 2),
            "DIGITS": "9" * deep,
            "CONFUSED": "{f(" * 40 + "x" + ")}" * 39,
            "LONG": "x" * deep,
            "FRAME": FRAME,
        }

    def harm(self) -> list[str]:
        """Return what a submission has done to the places."""
        found = [f"somebody connected: {call}" for call in self.calls]
        if self.secret.read_text() != TOKEN:
            found.append("the secret file was changed")
        found += [f"{path} was written" for path in self.outside.iterdir() if path.name != "other"]
        found += [f"{path} exists" for path in self.forbidden() if path.exists()]
        return found

    def forbidden(self) -> list[Path]:
        """Return the files that an attack tries to make."""
        evil = [PACKAGES / "evil.pth", PACKAGES / "sitecustomize.py"]
        return [*evil, Path("/usr/written"), Path("/written"), Path("/tmp/sitecustomize.py")]


@contextmanager
def places(folder: Path) -> Iterator[Places]:
    """Make the places in a folder, and listen."""
    secret, outside = folder / "secret.txt", folder / "outside"
    secret.write_text(TOKEN)
    (outside / "other").mkdir(parents=True)
    (outside / "other" / "01_toy.ipynb").write_text(f'{{"cells": [], "of": "{TOKEN}"}}')
    with socket.create_server(("127.0.0.1", 0)) as server:
        made = Places(secret, outside, server.getsockname()[1])

        def listen() -> None:
            while True:
                try:
                    connection, address = server.accept()
                except OSError:
                    return
                made.calls.append(str(address))
                connection.close()

        threading.Thread(target=listen, daemon=True).start()
        yield made
