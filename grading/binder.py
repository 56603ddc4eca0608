"""A link that opens a released notebook on Binder, from the instructor's fork."""

from __future__ import annotations

import re
from urllib.parse import quote

from grading.folder import CourseError

HOSTS = {"github.com": "gh", "gitlab.com": "gl"}


def binder_link(repository: str, branch: str, path: str) -> str:
    """Return the address that opens the file at `path` of the repository in JupyterLab on Binder.

    Raises
    ------
    CourseError
        If the repository is not written https://host/owner/name.
    """
    plain = repository.removesuffix("/").removesuffix(".git")
    match = re.fullmatch(r"https://([\w.-]+)/([\w.-]+(?:/[\w.-]+)+)", plain)
    if not match:
        raise CourseError(
            f"--binder must be like https://github.com/owner/name; got {repository!r}"
        )
    host, project = match.groups()
    short = {"gh": project, "gl": quote(project, "")}
    kind = HOSTS.get(host, "git")
    source = short.get(kind) or quote(f"https://{host}/{project}", "")
    lab = quote(f"lab/tree/{path}")
    return f"https://mybinder.org/v2/{kind}/{source}/{quote(branch, '')}?urlpath={lab}"
