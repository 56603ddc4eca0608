"""`make reseed`, on small notebooks in real kernels."""

import nbformat
import pytest
import reseed
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

IMPORTS = "from helpers.claims import claim\nfrom helpers.seeds import seeds"
FALSE_AT_3000 = 'claim("seeds stay below 2000", measured=max(seeds(8)) < 2000, exactly=True)'
ALWAYS = 'claim("one is one", measured=1, exactly=1)'


def notebook(folder, *sources, name="01_toy"):
    cells = [new_markdown_cell("# Toy"), *[new_code_cell(source) for source in sources]]
    path = folder / f"{name}.ipynb"
    nbformat.write(new_notebook(cells=cells), path)
    return str(path)


def outcome(capsys, *arguments):
    code = reseed.main([*arguments, "--jobs", "2"])
    return code, capsys.readouterr().out


def test_a_claim_that_is_false_on_one_offset_is_found_and_the_rest_evaluated(tmp_path, capsys):
    path = notebook(tmp_path, IMPORTS, f"{FALSE_AT_3000}\n{ALWAYS}", ALWAYS)
    code, out = outcome(capsys, "1000", "3000", "--chapters", path)
    assert code == 1
    assert out.splitlines()[:2] == [
        "claims that hold                  1000      3000",
        "01_toy                             3/3     2/3 !",
    ]
    said = "- 01_toy at 3000: seeds stay below 2000: does not hold (predicted 1, measured 0, tol"
    assert out.count(said) == 1
    assert "at 1000:" not in out


def test_claims_that_hold_everywhere_pass(tmp_path, capsys):
    path = notebook(tmp_path, IMPORTS, ALWAYS)
    code, out = outcome(capsys, "3000", "--chapters", path)
    assert code == 0
    assert out.splitlines()[1:] == ["01_toy                             1/1"]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("import os\nos._exit(1)", "Kernel died"),
        ("open('01_toy.ipynb')\nseeds(0)", "ValueError: n must be an integer >= 1; got 0"),
    ],
)
def test_a_cell_that_fails_otherwise_is_no_pass(tmp_path, capsys, source, said):
    path = notebook(tmp_path, IMPORTS, ALWAYS, source)
    code, out = outcome(capsys, "1000", "--chapters", path)
    assert code == 1
    assert "1/1 !" in out
    assert said in out


def test_a_cell_that_never_ends_is_no_pass(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(reseed, "CELL_TIMEOUT", 2)
    path = notebook(tmp_path, "import time\ntime.sleep(60)")
    code, out = outcome(capsys, "1000", "--chapters", path)
    assert code == 1
    assert "A cell timed out" in out


def test_a_chapter_without_claims_is_no_pass(tmp_path, capsys):
    path = notebook(tmp_path, "1 + 1")
    code, out = outcome(capsys, "1000", "--chapters", path)
    assert code == 1
    assert "- 01_toy at 1000: no claim was made" in out


def test_a_chapter_that_is_not_there_is_an_error(capsys):
    with pytest.raises(SystemExit):
        reseed.main(["1000", "--chapters", "chapters/99_nothing.ipynb"])
    assert "no such chapter" in capsys.readouterr().err
