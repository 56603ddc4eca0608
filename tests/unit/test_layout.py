"""The floors of helpers/ (an import only ever points down), and that an import does nothing."""

import ast
import graphlib
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HELPERS = ROOT / "helpers"
# From the ground up. A module imports from its own floor and from those before it.
FLOORS = [
    {"checks"},
    {"activations", "data", "losses", "rings", "seeds", "sequences", "theory"},
    {"initialization", "networks", "normalization", "recurrent", "residual"},
    {"gradients", "optimizers", "time_gradients", "training"},
    {"claims", "explore", "plotting"},
    {"helpers"},  # the package itself: helpers.start()
]
BESIDE = {"diagnose"}  # can be copied out of the course
FILES = sorted(HELPERS.rglob("*.py"))
STANDARD = sys.stdlib_module_names


def name_of(path):
    """helpers.theory.variance for helpers/theory/variance.py, helpers.theory for its __init__."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path): path for path in FILES}


def floor_of(module):
    """The name in FLOORS or BESIDE: the first part after helpers."""
    return module.split(".")[1] if "." in module else module


def imports_of(module, for_types=True):
    """Every module that this one imports, at the top of the file or inside a function."""
    path = MODULES[module]
    package = (module if path.stem == "__init__" else module.rpartition(".")[0]).split(".")
    tree = ast.parse(path.read_text(encoding="utf-8"))
    if not for_types:
        tree.body = [n for n in tree.body if not ast.unparse(n).startswith("if TYPE_CHECKING")]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *filter(None, [node.module])])
            inside = [f"{base}.{alias.name}" for alias in node.names]
            yield from (name if name in MODULES else base for name in inside)


def inside(module, **options):
    """The modules of helpers that this one imports."""
    return {name for name in imports_of(module, **options) if name in MODULES} - {module}


def test_every_module_has_a_floor():
    known = set().union(*FLOORS) | BESIDE
    assert {floor_of(module) for module in MODULES} <= known


@pytest.mark.parametrize("module", MODULES)
def test_an_import_only_ever_points_down(module):
    if floor_of(module) in BESIDE:
        return
    height = {name: k for k, floor in enumerate(FLOORS) for name in floor}
    for target in inside(module):
        assert floor_of(target) not in BESIDE, f"{module} imports {target}"
        assert height[floor_of(target)] <= height[floor_of(module)], f"{module} imports {target}"


def test_no_import_goes_round_in_a_circle():
    graph = {module: inside(module, for_types=False) for module in MODULES}
    graphlib.TopologicalSorter(graph).prepare()  # raises CycleError, which names the circle


@pytest.mark.parametrize(
    ("part", "allowed"),
    [
        ("theory", {"numpy", "scipy", "helpers.activations", "helpers.checks", "helpers.theory"}),
        ("checks", {"numpy"}),
        ("claims", {"numpy", "scipy", "IPython", "helpers.checks", "helpers.claims"}),
        ("diagnose", {"torch", "matplotlib", "helpers.diagnose"}),
    ],
)
def test_some_parts_know_little(part, allowed):
    for module in MODULES:
        if floor_of(module) == part:
            outside = {name for name in imports_of(module) if name.split(".")[0] not in STANDARD}
            heads = {
                ".".join(name.split(".")[: 1 + name.startswith("helpers.")]) for name in outside
            }
            assert heads - {"helpers"} <= allowed, module


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_no_file_is_longer_than_300_lines(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 300


QUIET = """
import os, pkgutil, random, sys, warnings
import ipywidgets, matplotlib, numpy, scipy.stats, sklearn.datasets, torch  # they do act

def state():
    return (
        torch.get_num_threads(), torch.get_default_dtype(), torch.is_grad_enabled(),
        torch.get_rng_state().tolist(), str(numpy.random.get_state()), random.getstate(),
        matplotlib.rcParams.copy(), dict(os.environ), os.getcwd(), list(warnings.filters),
        numpy.geterr(), sys.excepthook,
    )

before = state()
import helpers
for module in pkgutil.walk_packages(helpers.__path__, "helpers."):
    __import__(module.name)
after = state()
changed = [k for k, (a, b) in enumerate(zip(before, after)) if a != b]
assert not changed, changed
assert "matplotlib.pyplot" not in sys.modules
"""


def run(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8")


def test_nothing_happens_at_import():
    done = run(QUIET)
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)


@pytest.mark.parametrize(
    ("module", "not_loaded"),
    [
        ("helpers", ["torch", "numpy", "matplotlib"]),
        ("helpers.checks", ["torch", "matplotlib"]),
        ("helpers.claims", ["torch", "matplotlib", "IPython"]),
        ("helpers.theory", ["matplotlib", "IPython", "sklearn"]),
        ("helpers.plotting", ["torch", "matplotlib.pyplot", "ipywidgets"]),
    ],
)
def test_an_import_loads_no_more_than_it_needs(module, not_loaded):
    code = f"import sys, {module}; print(*[n for n in {not_loaded} if n in sys.modules])"
    done = run(code)
    assert (done.stdout.strip(), done.stderr) == ("", "")


@pytest.mark.parametrize("module", MODULES)
def test_what_a_module_offers_it_has(module):
    tree = ast.parse(MODULES[module].read_text(encoding="utf-8"))
    offered = [
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
    ]
    assert len(offered) <= 1
    defined = {name for node in tree.body for name in _names(node)}
    for names in offered:
        assert names == sorted(names, key=lambda n: (not n.isupper(), not n[0].isupper(), n))
        assert set(names) <= defined


def _names(node):
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        return {node.name}
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return {alias.asname or alias.name for alias in node.names}
    if isinstance(node, (ast.Assign, ast.AnnAssign)):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        return {name.id for t in targets for name in ast.walk(t) if isinstance(name, ast.Name)}
    return set()
