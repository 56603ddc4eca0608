"""The command `grading`: hand a chapter out, collect, grade, give feedback."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from grading import commands
from grading.collect import KEEP
from grading.folder import CourseError
from grading.release import ReleaseError
from grading.sandbox import UNSANDBOXED, Limits, NoSandboxError

DESCRIPTION = """\
Hand a chapter out without its solutions, collect what comes back, grade it in a sandbox, and
return feedback. All files lie in one working folder, --course, which git ignores."""
EXAMPLES = """\
one chapter, from beginning to end:
  grading release 01_causes                      a notebook and a zip for the students
  grading collect 01_causes submissions.zip      what Canvas, Moodle or a folder gives
  grading grade 01_causes --workers 2            resumes after an interruption
  grading grade 01_causes --manual grading-data/01_causes/manual.csv
  grading status 01_causes                       who is missing, what needs a human
  grading feedback 01_causes                     one HTML page for each student
  grading export 01_causes                       CSV, also for Canvas and Moodle
"""

Subparsers = argparse._SubParsersAction  # the type has no public name


def parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    top = argparse.ArgumentParser(
        "grading", description=DESCRIPTION, epilog=EXAMPLES, formatter_class=_Raw
    )
    subparsers = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for add in (_list, _release, _check, _collect, _grade, _feedback, _export, _status):
        add(subparsers)
    return top


class _Raw(argparse.RawDescriptionHelpFormatter):
    """Keeps the line breaks of examples."""


def _add(subparsers: Subparsers, name: str, what: str, examples: str) -> argparse.ArgumentParser:  # type: ignore[type-arg]
    text = "examples:\n" + "\n".join(
        f"  grading {name} {line}".rstrip() for line in examples.split("\n")
    )
    found: argparse.ArgumentParser = subparsers.add_parser(
        name,
        help=what,
        description=what[0].upper() + what[1:] + ".",
        epilog=text,
        formatter_class=_Raw,
    )
    found.add_argument(
        "--course", type=Path, default=Path("grading-data"), metavar="DIR",
        help="the working folder (default: grading-data)",
    )  # fmt: skip
    found.set_defaults(run=getattr(commands, f"run_{name}"))
    return found


def _chapter(found: argparse.ArgumentParser, what: str = "a chapter, such as 01_causes") -> None:
    found.add_argument("chapter", metavar="CHAPTER", help=what)


def _database(found: argparse.ArgumentParser) -> None:
    found.add_argument(
        "--db", default=os.environ.get("GRADING_DB", ""), metavar="URL",
        help="the gradebook's database, such as postgresql://user@host/name "
        "(default: the variable GRADING_DB, else gradebook.db in the working folder)",
    )  # fmt: skip


def _sandbox(found: argparse.ArgumentParser) -> None:
    limits = Limits()
    for name, value in vars(limits).items():
        found.add_argument(
            f"--{name.replace('_', '-')}", type=type(value), default=value, metavar="N",
            help=f"limit for one submission (default: {value:g})",
        )  # fmt: skip
    found.add_argument(
        "--unsandboxed", action="store_true", help=f"grade without a sandbox; {UNSANDBOXED}"
    )


def _list(subparsers: Subparsers) -> None:  # type: ignore[type-arg]
    _add(
        subparsers,
        "list",
        "list the chapters, their exercises and points, and what is released",
        "\n--course autumn",
    )


def _release(subparsers: Subparsers) -> None:  # type: ignore[type-arg]
    found = _add(
        subparsers, "release", "make the notebook for students, without solutions and hidden tests",
        "01_causes\nmy_chapter.ipynb --course autumn\n01_causes --binder https://github.com/you/your-fork",
    )  # fmt: skip
    _chapter(found, "a chapter, such as 01_causes, or the path of a notebook")
    found.add_argument(
        "--binder", default="", metavar="URL",
        help="your fork: also write assignments/CHAPTER.ipynb there and print the Binder link",
    )  # fmt: skip
    found.add_argument("--branch", default="main", help="the fork's branch (default: main)")
    found.add_argument(
        "--force", action="store_true", help="replace a release that has submissions"
    )
    _sandbox(found)


def _check(subparsers: Subparsers) -> None:  # type: ignore[type-arg]
    what = "see that a release is sound: the reference earns full marks, the blank notebook nothing"
    found = _add(subparsers, "check", what, "01_causes\nmy_chapter.ipynb")
    _chapter(
        found, "a chapter or the path of a notebook; if it is released, the release is checked"
    )
    _sandbox(found)


def _collect(subparsers: Subparsers) -> None:  # type: ignore[type-arg]
    found = _add(
        subparsers, "collect", "collect a folder or a zip of what was handed in",
        "01_causes submissions.zip --roster class.csv --due 2026-11-30T23:59\n"
        "01_causes downloads/ --assign 'homework final.ipynb=ada'",
    )  # fmt: skip
    _chapter(found)
    found.add_argument("source", type=Path, metavar="FOLDER|ZIP", help="what the system gave you")
    found.add_argument(
        "--roster",
        type=Path,
        metavar="CSV",
        help="id, name, email, canvas_id, moodle_id; it is kept in the working folder",
    )
    found.add_argument(
        "--due", default="", metavar="TIME", help="later files are listed as late: 2026-11-30T23:59"
    )
    found.add_argument(
        "--keep",
        choices=KEEP,
        default="latest",
        help="which of several attempts counts (default: latest)",
    )
    found.add_argument(
        "--assign",
        action="append",
        default=[],
        metavar="FILE=ID",
        help="say whose a file is; may be repeated",
    )


def _grade(subparsers: Subparsers) -> None:  # type: ignore[type-arg]
    found = _add(
        subparsers, "grade", "grade what was collected; what is graded already is not graded again",
        "01_causes\n01_causes --workers 4\n01_causes --dask tcp://scheduler:8786\n"
        "01_causes --manual grading-data/01_causes/manual.csv\n"
        "01_causes --reviewed ada --note 'a loop, no trick'",
    )  # fmt: skip
    _chapter(found)
    found.add_argument("--workers", type=int, default=1, metavar="N", help="grade on N local cores")
    found.add_argument(
        "--dask", default="", metavar="ADDRESS", help="grade on a dask.distributed cluster"
    )
    found.add_argument(
        "--manual",
        type=Path,
        metavar="CSV",
        help="enter the points of this table: student, cell, points, comment",
    )
    found.add_argument(
        "--reviewed",
        action="append",
        default=[],
        metavar="ID",
        help="you have looked at this student's flags",
    )
    found.add_argument("--note", default="", help="what you saw, for --reviewed")
    _database(found)
    _sandbox(found)


def _feedback(subparsers: Subparsers) -> None:  # type: ignore[type-arg]
    found = _add(subparsers, "feedback", "write one page of feedback for each student", "01_causes")
    _chapter(found)
    _database(found)


def _export(subparsers: Subparsers) -> None:  # type: ignore[type-arg]
    found = _add(
        subparsers, "export", "write the grades as CSV, also for Canvas and Moodle", "01_causes"
    )
    _chapter(found)
    _database(found)


def _status(subparsers: Subparsers) -> None:  # type: ignore[type-arg]
    what = "say who handed in, who failed and why, and what needs a human"
    found = _add(subparsers, "status", what, "\n01_causes")
    found.add_argument(
        "chapter", nargs="?", default="", metavar="CHAPTER", help="one chapter (default: all)"
    )
    _database(found)


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return 0, 1 if something was found wrong, 2 if it could not be done."""
    given = parser().parse_args(arguments)
    try:
        return int(given.run(given))
    except BrokenPipeError:  # such as `grading status | head`
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 (Python flushes it at its end)
        return 0
    except (CourseError, ReleaseError, NoSandboxError, ValueError, OSError) as error:
        print(f"grading {given.command}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\ninterrupted; what is graded stays, run it again to go on", file=sys.stderr)
        return 130
