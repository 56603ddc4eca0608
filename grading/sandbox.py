"""Where a student's code runs: bubblewrap and prlimit around one Python process.

No network, no home, no other process in sight; of the disk only Python, its packages, the system's
libraries and `helpers`, all read-only; an empty /tmp that goes with the process.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
INSIDE = Path(__file__).resolve().with_name("inside")
UNSANDBOXED = (
    "without a sandbox the submissions run with your own rights: they can read and delete your "
    "files, use the network, fill your disk, and tamper with the process that checks them."
)


@dataclass(frozen=True)
class Limits:
    """What one submission may use.

    check_seconds is CPU time of one cell or call; session_seconds is by the clock, from the start
    of the process. Memory counts address space, of which importing torch alone takes about 2 GB.
    """

    check_seconds: float = 15.0
    session_seconds: float = 300.0
    memory_mb: int = 4096
    output_kb: int = 1024
    file_mb: int = 20
    processes: int = 64
    submission_mb: int = 20

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not value > 0:
                raise ValueError(f"{name} must be positive; got {value!r}")


class NoSandboxError(RuntimeError):
    """There is no working sandbox here, and nobody said to do without."""


@cache
def why_not() -> str:
    """Return why there is no sandbox on this machine, "" if there is one."""
    if not sys.platform.startswith("linux"):
        return f"the sandbox needs Linux; this is {sys.platform}"
    for tool, package in (("bwrap", "bubblewrap"), ("prlimit", "util-linux")):
        if not shutil.which(tool):
            return f"{tool} is not installed (Debian, Ubuntu: apt-get install {package})"
    command = [*_wrapped(Limits()), "/bin/sh", "-c", "exit 0"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else f"bwrap does not work here: {done.stderr.strip()}"


def require(sandboxed: bool) -> None:
    """Raise NoSandboxError if a sandbox is wanted and there is none."""
    if sandboxed and (why := why_not()):
        raise NoSandboxError(f"{why}. To grade all the same: --unsandboxed; but {UNSANDBOXED}")


def python(
    module: str, args: list[str], limits: Limits, sandboxed: bool, lasting: bool = False
) -> list[str]:
    """Return the command that runs `main()` of a module of grading/inside.

    A lasting process, which runs no student's code, has no limit on its CPU seconds.
    """
    paths = [str(INSIDE.parents[1]), *filter(None, [_home_of_helpers()])]
    code = f"import sys; sys.path[:0] = {paths!r}; from grading.inside.{module} import main; main()"
    inner = [sys.executable, "-P", "-s", "-B", "-c", code, *args]
    return [*_wrapped(limits, lasting), *inner] if sandboxed else inner


def environment() -> dict[str, str]:
    """Return the whole environment of the process; of the caller's only where libraries lie."""
    library = {k: v for k, v in os.environ.items() if k == "LD_LIBRARY_PATH"}
    return {
        **library,
        "PATH": "/usr/bin:/bin",
        "HOME": "/tmp",
        "TMPDIR": "/tmp",
        "LANG": "C.UTF-8",
        "MPLBACKEND": "agg",
        "MPLCONFIGDIR": "/tmp/matplotlib",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "PYTHONHASHSEED": "0",
    }


def _home_of_helpers() -> str:
    spec = importlib.util.find_spec("helpers")
    return str(Path(spec.origin).resolve().parents[1]) if spec and spec.origin else ""


def _wrapped(limits: Limits, lasting: bool = False) -> list[str]:
    mb = 1_000_000
    prlimit = [
        shutil.which("prlimit") or "prlimit",
        f"--as={limits.memory_mb * mb}",
        f"--fsize={limits.file_mb * mb}",
        *([] if lasting else [f"--cpu={int(limits.session_seconds) + 5}"]),
        "--nofile=256",
        "--core=0",
    ]
    wrap = [shutil.which("bwrap") or "bwrap", "--unshare-all", "--die-with-parent", "--new-session"]
    wrap += ["--cap-drop", "ALL", "--uid", "65534", "--gid", "65534", "--hostname", "sandbox"]
    wrap += ["--proc", "/proc", "--dev", "/dev"]
    if _bwrap_knows("--size"):
        wrap += ["--size", str(limits.file_mb * 4 * mb)]
    wrap += ["--tmpfs", "/tmp", *_system(), *_ours(), "--chdir", "/tmp"]
    return [*prlimit, *wrap, "--"]


@cache
def _bwrap_knows(option: str) -> bool:
    done = subprocess.run(["bwrap", "--help"], capture_output=True, text=True, check=False)
    return option in done.stdout + done.stderr


def _system() -> list[str]:
    """Return the binds of the system's programs and libraries, links kept as links."""
    found = ["--ro-bind", "/usr", "/usr"]
    for name in ("/bin", "/sbin", "/lib", "/lib64", "/lib32"):
        if os.path.islink(name):
            found += ["--symlink", os.readlink(name), name]
        elif os.path.isdir(name):
            found += ["--ro-bind", name, name]
    return [*found, "--ro-bind-try", "/etc/ld.so.cache", "/etc/ld.so.cache"]


def _ours() -> list[str]:
    """Return the binds of Python, its packages, grading/inside and helpers."""
    places = [Path(sys.base_prefix), Path(sys.prefix), INSIDE]
    if home := _home_of_helpers():
        places.append(Path(home) / "helpers")
    found: list[str] = []
    for place in dict.fromkeys(str(place) for place in places):
        if not place.startswith("/usr/") and place != "/usr":
            found += ["--ro-bind", place, place]
    return found
