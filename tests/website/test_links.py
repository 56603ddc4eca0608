"""Where the repository lies, and the addresses that follow from it."""

import json
import subprocess

import pytest
from course import links

URL = "https://github.com/owner/name"
HUB = "https://hub.example.edu"


@pytest.mark.parametrize(
    ("remote", "address"),
    [
        ("https://github.com/owner/name", URL),
        ("https://github.com/owner/name.git", URL),
        ("https://github.com/owner/name/", URL),
        ("http://github.com/owner/name", URL),
        ("https://user:secret@github.com/owner/name.git", URL),
        ("git@github.com:owner/name.git", URL),
        ("ssh://git@github.com/owner/name.git", URL),
        ("ssh://git@github.com:22/owner/name", URL),
        ("https://gitlab.com/a/b/name.git", "https://gitlab.com/a/b/name"),
        ("https://git.example.org:8443/owner/name", "https://git.example.org:8443/owner/name"),
        ("http://localhost:3000/owner/name", ""),
        ("http://127.0.0.1/owner/name", ""),
        ("/srv/git/name.git", ""),
        ("../name", ""),
        ("file:///srv/git/name.git", ""),
        ("https://github.com/owner", ""),
        ("", ""),
    ],
)
def test_a_remote_becomes_an_address_or_nothing(remote, address):
    assert links.normalise(remote) == address


def test_no_token_survives():
    for remote in ("https://oauth2:secret@host.org/o/n", "ssh://secret@host.org/o/n"):
        assert "secret" not in links.normalise(remote)


@pytest.fixture
def clone(tmp_path):
    """A repository whose origin is on github.com, with a default branch of its own."""
    for command in (
        ["init", "--quiet"],
        ["remote", "add", "origin", "git@github.com:owner/name.git"],
        ["symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/trunk"],
    ):
        subprocess.run(["git", "-C", tmp_path, *command], check=True)
    return str(tmp_path)


def test_the_variable_comes_before_the_ci_and_the_ci_before_git(clone):
    gitlab = {"CI_PROJECT_URL": "https://gitlab.com/g/n"}
    github = {"GITHUB_REPOSITORY": "o/n", **gitlab}
    assert links.repository(clone, {}) == URL
    assert links.repository(clone, gitlab) == "https://gitlab.com/g/n"
    assert links.repository(clone, github) == "https://github.com/o/n"
    own = {"BOOK_REPOSITORY_URL": "https://example.org/o/n", **github}
    assert links.repository(clone, own) == "https://example.org/o/n"
    assert links.repository(clone, {**own, "BOOK_REPOSITORY_URL": ""}) == ""


def test_the_branch_is_given_or_the_remotes_or_main(clone, tmp_path):
    assert links.branch(clone, {"BOOK_REPOSITORY_BRANCH": "draft"}) == "draft"
    assert links.branch(clone, {"CI_DEFAULT_BRANCH": "develop"}) == "develop"
    assert links.branch(clone, {}) == "trunk"
    assert links.branch(str(tmp_path / "nowhere"), {}) == "main"


def test_without_git_nothing_is_known(tmp_path):
    assert links.repository(str(tmp_path / "nowhere"), {}) == ""


def launched(url, environment=None, colab=False, ref="main"):
    place = links.Place(url, ref, "chapters/01_causes.ipynb")
    return dict(links.launch(place, environment or {}, colab))


def test_binder_opens_the_chapter_in_jupyterlab():
    (address,) = launched(URL).values()
    binder = "https://mybinder.org/v2"
    lab = "?urlpath=lab/tree/chapters/01_causes.ipynb"
    assert address == f"{binder}/gh/owner/name/main{lab}"
    (address,) = launched("https://gitlab.com/a/b/name").values()
    assert address == f"{binder}/gl/a%2Fb%2Fname/main{lab}"
    (address,) = launched("https://git.example.org/o/n", ref="feature/x").values()
    assert address == f"{binder}/git/https%3A%2F%2Fgit.example.org%2Fo%2Fn/feature%2Fx{lab}"


def test_another_binder_or_none():
    own = launched(URL, {"BOOK_BINDERHUB_URL": "https://binder.example.edu/"})
    assert own["Run on Binder"].startswith("https://binder.example.edu/v2/gh/")
    assert launched(URL, {"BOOK_BINDERHUB_URL": ""}) == {}


def test_a_hub_pulls_the_repository_and_opens_the_chapter():
    address = launched(URL, {"BOOK_JUPYTERHUB_URL": HUB})["Run on JupyterHub"]
    assert address.startswith(f"{HUB}/hub/user-redirect/git-pull?repo=https%3A%2F%2Fgithub.com")
    assert address.endswith("&branch=main&urlpath=lab%2Ftree%2Fname%2Fchapters%2F01_causes.ipynb")


def test_colab_is_offered_where_the_notebook_knows_its_repository():
    assert "Run on Colab" not in launched(URL)
    assert launched(URL, colab=True)["Run on Colab"] == (
        "https://colab.research.google.com/github/owner/name/blob/main/chapters/01_causes.ipynb"
    )
    assert "Run on Colab" not in launched("https://gitlab.com/owner/name", colab=True)


@pytest.mark.parametrize(
    ("line", "known"), [('REPOSITORY = ""', False), (f'REPOSITORY = "{URL}"', True)]
)
def test_the_install_cell_says_whether_it_knows(line, known):
    cell = {"metadata": {"tags": ["install"]}, "source": [f"{line}  # by make\n", "import sys\n"]}
    assert links.knows_its_repository(json.dumps({"cells": [cell]})) is known
    assert not links.knows_its_repository(json.dumps({"cells": [{**cell, "metadata": {}}]}))


def part(url, path):
    return dict(links.take_part(links.Place(url, "main", path), "Why & how"))


def test_a_page_is_edited_and_an_error_reported_where_the_host_is_known():
    text, chapter = part(URL, "index.md"), part(URL, "chapters/01_causes.ipynb")
    assert text["Suggest an edit"] == f"{URL}/edit/main/index.md"
    assert chapter["Suggest an edit"] == (
        "https://github.dev/owner/name/blob/main/chapters/01_causes.ipynb"
    )
    report = text["Report an error on this page"]
    assert report.startswith(f"{URL}/issues/new?title=Error+on+the+page%3A+Why+%26+how&body=File")
    lab = part("https://gitlab.com/a/name", "index.md")
    assert lab["Suggest an edit"] == "https://gitlab.com/a/name/-/edit/main/index.md"
    assert "/-/issues/new?issue%5Btitle%5D=" in lab["Report an error on this page"]
    assert part("https://git.example.org/o/n", "index.md") == {}
