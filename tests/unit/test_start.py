"""The first line of every chapter."""

import subprocess
import sys

import matplotlib
import nbclient
import nbformat
import pytest
import torch

import helpers
from helpers.plotting import style


@pytest.fixture(autouse=True)
def _tidy():
    threads = torch.get_num_threads()
    with matplotlib.rc_context():
        yield
    torch.set_num_threads(threads)


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_it_sets_the_threads_of_pytorch_and_the_style_of_figures(threads):
    matplotlib.rcdefaults()
    helpers.start(threads)
    assert torch.get_num_threads() == threads
    assert matplotlib.rcParams["text.color"] == style.INK
    assert matplotlib.rcParams["figure.figsize"] == list(style.FIGURE_SIZE)


def test_one_thread_is_the_default_and_starting_twice_changes_nothing():
    torch.set_num_threads(2)
    helpers.start()
    first = dict(matplotlib.rcParams)
    helpers.start()
    assert torch.get_num_threads() == 1
    assert dict(matplotlib.rcParams) == first


def test_it_touches_no_random_numbers():
    before = torch.get_rng_state()
    helpers.start()
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    ("threads", "error"), [(0, ValueError), (-1, ValueError), (True, TypeError), (1.5, TypeError)]
)
def test_a_number_of_threads_is_a_positive_integer(threads, error):
    before = torch.get_num_threads()
    with pytest.raises(error, match=f"threads must be an integer >= 1; got {threads}"):
        helpers.start(threads)
    assert torch.get_num_threads() == before


def test_a_notebook_starts_without_a_word():
    cell = nbformat.v4.new_code_cell("import helpers, torch\nhelpers.start()")
    check = nbformat.v4.new_code_cell("assert torch.get_num_threads() == 1")
    notebook = nbformat.v4.new_notebook(cells=[cell, check])
    nbclient.NotebookClient(notebook, kernel_name="python3").execute()
    assert [cell.outputs for cell in notebook.cells] == [[], []]


def test_a_script_starts_without_a_word():
    code = "import helpers; helpers.start()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8")
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)
