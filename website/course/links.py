"""Addresses that follow the fork: run it on Binder, suggest an edit, report an error.

Nothing is written down: the repository comes from BOOK_REPOSITORY_URL, else from the variables of
the CI, else from git's remote. When none is known there are no links, never dead ones.

A site that hides the solutions does not lead to them either: its chapters run from the repository
of released notebooks in BOOK_RELEASE_URL, and other links to a repository are left out.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.errors import ExtensionError

from course import exercises


class Link(NamedTuple):
    """Words to click, and where they lead."""

    words: str
    address: str


class Place(NamedTuple):
    """A file of a repository: https://host/owner/name, branch, path."""

    url: str
    branch: str
    path: str

    @property
    def host(self) -> str:
        """The server: github.com."""
        return self.url.split("/")[2]

    @property
    def project(self) -> str:
        """The repository on its server: owner/name, with more owners on GitLab."""
        return "/".join(self.url.split("/")[3:])


LOCAL = ("localhost", "127.0.0.1")
REMOTES = (
    r"^https?://(?:[^@/]+@)?(?P<host>[\w.-]+(?::\d+)?)/(?P<path>.+?)(?:\.git)?/?$",
    r"^ssh://(?:[^@/]+@)?(?P<host>[\w.-]+)(?::\d+)?/(?P<path>.+?)(?:\.git)?/?$",
    r"^[\w.-]+@(?P<host>[\w.-]+):(?P<path>.+?)(?:\.git)?/?$",
)


def normalise(url: str) -> str:
    """Return https://host/owner/name for any way git writes a remote; "" for anything else.

    Tokens and user names are dropped. Local paths and local hosts are no address for a reader.
    """
    for pattern in REMOTES:
        match = re.match(pattern, url.strip())
        if match and "/" in match["path"] and match["host"].split(":")[0] not in LOCAL:
            return f"https://{match['host']}/{match['path']}"
    return ""


def repository(root: str, environment: Mapping[str, str]) -> str:
    """Return the address of the repository: by variable, of the CI, or of git's origin; or ""."""
    if "BOOK_REPOSITORY_URL" in environment:
        return normalise(environment["BOOK_REPOSITORY_URL"])
    if "GITHUB_REPOSITORY" in environment:
        server = environment.get("GITHUB_SERVER_URL", "https://github.com")
        return normalise(f"{server}/{environment['GITHUB_REPOSITORY']}")
    if "CI_PROJECT_URL" in environment:
        return normalise(environment["CI_PROJECT_URL"])
    return normalise(_git(root, "remote", "get-url", "origin"))


def branch(root: str, environment: Mapping[str, str]) -> str:
    """Return the branch that links point to: by variable, the remote's default, or main."""
    head = _git(root, "symbolic-ref", "--short", "refs/remotes/origin/HEAD")
    default = head.removeprefix("origin/")
    names = ("BOOK_REPOSITORY_BRANCH", "CI_DEFAULT_BRANCH")
    return next(filter(None, map(environment.get, names)), default or "main")


def _git(root: str, *arguments: str) -> str:
    try:
        command = ["git", "-C", root, *arguments]
        result = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return result.stdout.strip()


def launch(place: Place, environment: Mapping[str, str], colab: bool) -> Iterator[Link]:
    """Yield a link for every service that can run the notebook."""
    lab = quote(f"lab/tree/{place.path}")
    ref = quote(place.branch, "")
    if binder := environment.get("BOOK_BINDERHUB_URL", "https://mybinder.org").rstrip("/"):
        hosts = {
            "github.com": f"gh/{place.project}",
            "gitlab.com": f"gl/{quote(place.project, '')}",
        }
        source = hosts.get(place.host, f"git/{quote(place.url, '')}")
        yield Link("Run on Binder", f"{binder}/v2/{source}/{ref}?urlpath={lab}")
    if hub := environment.get("BOOK_JUPYTERHUB_URL", "").rstrip("/"):
        folder = place.project.rpartition("/")[2]
        lab = f"lab/tree/{folder}/{place.path}"
        query = urlencode({"repo": place.url, "branch": place.branch, "urlpath": lab})
        yield Link("Run on JupyterHub", f"{hub}/hub/user-redirect/git-pull?{query}")
    if colab and place.host == "github.com":
        notebook = f"{place.project}/blob/{ref}/{quote(place.path)}"
        yield Link("Run on Colab", f"https://colab.research.google.com/github/{notebook}")


def take_part(place: Place, title: str) -> Iterator[Link]:
    """Yield the links to suggest an edit and to report an error, where we know their form.

    A notebook opens in the host's editor for the web, since its plain editor shows raw JSON.
    """
    ref, path = quote(place.branch, ""), quote(place.path)
    notebook = path.endswith(".ipynb")
    report = (f"Error on the page: {title}", f"File: {place.path}\n\n")
    if place.host == "github.com":
        edit = f"https://github.dev/{place.project}/blob/{ref}/{path}"
        yield Link("Suggest an edit", edit if notebook else f"{place.url}/edit/{ref}/{path}")
        query = urlencode(dict(zip(("title", "body"), report)))
        yield Link("Report an error on this page", f"{place.url}/issues/new?{query}")
    elif "gitlab" in place.host:
        edit = f"https://{place.host}/-/ide/project/{place.project}/edit/{ref}/-/{path}"
        yield Link("Suggest an edit", edit if notebook else f"{place.url}/-/edit/{ref}/{path}")
        query = urlencode(dict(zip(("issue[title]", "issue[description]"), report)))
        yield Link("Report an error on this page", f"{place.url}/-/issues/new?{query}")


def knows_its_repository(notebook: str) -> bool:
    """Say whether the notebook's install cell has been given an address (`make repository`)."""
    cells = json.loads(notebook)["cells"]
    install = [cell for cell in cells if "install" in cell["metadata"].get("tags", ())]
    return any(re.search(r'^REPOSITORY = "https', "".join(c["source"]), re.M) for c in install)


def released(environment: Mapping[str, str]) -> tuple[str, str]:
    """Return the address and the branch of the released notebooks, by variable; or "".

    Raises
    ------
    ExtensionError
        If BOOK_RELEASE_URL is given and is no address of a repository.
    """
    given = environment.get("BOOK_RELEASE_URL", "")
    url = normalise(given)
    if given and not url:
        raise ExtensionError(
            f"BOOK_RELEASE_URL must be like https://github.com/owner/name; got {given!r}"
        )
    return url, environment.get("BOOK_RELEASE_BRANCH") or "main"


def released_path(path: Path) -> str:
    """Return where `grading release --binder` lays a chapter: assignments/01_causes.ipynb."""
    return f"assignments/{path.name}"


def look_up(app: Sphinx, config: Config) -> None:
    """Find out where the repository lies and what runs it; a change writes every page anew."""
    root = str(app.srcdir)
    if exercises.hidden(config):
        url, ref = released(os.environ)
    else:
        url, ref = repository(root, os.environ), branch(root, os.environ)
    config.course_repository = url and f"{url} {ref}"
    services = ("BOOK_BINDERHUB_URL", "BOOK_JUPYTERHUB_URL")
    config.course_services = " ".join(f"{os.environ.get(name)}" for name in services)


def add_links(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Give the template the links of a page."""
    context["launch"], context["take_part"] = [], []
    if not app.config.course_repository or doctree is None:
        return
    source = Path(app.env.doc2path(page))
    url, ref = app.config.course_repository.split(" ")
    place = Place(url, ref, source.relative_to(app.srcdir).as_posix())
    if exercises.hidden(app.config):
        place = place._replace(path=released_path(source))
    else:
        context["repository"] = url
        context["take_part"] = list(take_part(place, app.env.titles[page].astext()))
    if source.suffix == ".ipynb":
        colab = knows_its_repository(source.read_text(encoding="utf-8"))
        context["launch"] = list(launch(place, os.environ, colab))


def setup(app: Sphinx) -> None:
    """Register with Sphinx."""
    app.add_config_value("course_repository", "", "html", [str])
    app.add_config_value("course_services", "", "html", [str])
    app.connect("config-inited", look_up)
    app.connect("html-page-context", add_links)
