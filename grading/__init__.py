"""Hand a chapter out, collect, grade and give feedback: see `grading --help`."""

from grading.release import Release, ReleaseError, make_release
from grading.result import CheckResult, Flag, ManualAnswer, Result
from grading.run import grade_submission
from grading.sandbox import Limits, NoSandboxError

__all__ = [
    "CheckResult",
    "Flag",
    "Limits",
    "ManualAnswer",
    "NoSandboxError",
    "Release",
    "ReleaseError",
    "Result",
    "grade_submission",
    "make_release",
]
