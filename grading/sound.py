"""Is a release sound? The reference earns full marks, the blank release nothing, in the sandbox."""

from __future__ import annotations

import json
from dataclasses import dataclass

from grading.release import Release
from grading.result import Result
from grading.run import grade_submission
from grading.sandbox import Limits


@dataclass(frozen=True)
class Soundness:
    """What the reference and the untouched release earned, and every objection."""

    reference: Result
    blank: Result
    objections: tuple[str, ...]


def reference_submission(release: Release) -> bytes:
    """Return the released notebook with the reference solutions in it."""
    answers = {
        s["id"]: s["reference"] for e in release.content["exercises"] for s in e["solutions"]
    }
    notebook = json.loads(release.student)
    for cell in notebook["cells"]:
        cell["source"] = answers.get(cell["id"], cell["source"])
    return json.dumps(notebook).encode()


def settle(release: Release, limits: Limits, sandboxed: bool = True) -> Release:
    """Learn from the reference what its checks need; return the release.

    Marked are checks that it passes only in its own process, and checks in which it changes an
    argument, as it should: other answers that do are flagged.
    """
    result = grade_submission(release.key, reference_submission(release), limits, sandboxed)
    lost = {c.id: c.error for c in result.checks if not c.points and not c.in_process}
    release = release.with_facts("changes", {c.id: True for c in result.checks if c.changed})
    if not lost or result.failure:
        return release
    reasons = {name: f"isolated, the reference fails: {error}" for name, error in lost.items()}
    inside = release.with_facts("in_process", reasons)
    again = grade_submission(inside.key, reference_submission(inside), limits, sandboxed)
    passed = {check.id for check in again.checks if check.points}
    return release.with_facts("in_process", {n: why for n, why in reasons.items() if n in passed})


def check(release: Release, limits: Limits, sandboxed: bool = True) -> Soundness:
    """Grade the reference and the untouched release, and say what is wrong with them."""
    reference = grade_submission(release.key, reference_submission(release), limits, sandboxed)
    blank = grade_submission(release.key, release.student, limits, sandboxed)
    found = [f"the grading itself failed: {r.failure}" for r in (reference, blank) if r.failure]
    for one in reference.checks:
        if not one.points:
            found.append(f"the reference fails {one.id}: {one.error}: {one.message}")
    found += [f"the reference is flagged: {f.where}: {f.what}" for f in reference.flags]
    found += [f"the untouched release passes {c.id}" for c in blank.checks if c.points]
    found += [f"the untouched release is flagged: {f.where}: {f.what}" for f in blank.flags]
    for one in blank.checks:
        if one.error in ("Lost", "NotRun"):
            found.append(f"the untouched release does not run to its end: {one.id}: {one.message}")
    for marker in ("BEGIN SOLUTION", "BEGIN HIDDEN TESTS"):
        if marker.encode() in release.student:
            found.append(f"the student notebook still holds {marker}")
    return Soundness(reference, blank, tuple(dict.fromkeys(found)))
