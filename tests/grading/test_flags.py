"""What is flagged, and that honest work is not."""

import pytest
from chapter import CHAPTERS
from wrong import wrong_answers

from grading import make_release
from grading.flags import scan, without_magics
from grading.memorised import memorised as found_in
from grading.memorised import parsed


def memorised(sources, checks, reference):
    return found_in([parsed(source) for source in sources], checks, reference)


SUSPICIOUS = [
    "import sys", "import os.path", "from builtins import len", "import importlib", "import ctypes",
    "import torch.multiprocessing", "from torch import jit", "from typing import sys",
    "import helpers._x", "from numpy import load", "from math import _x",
    "exec('1')", "eval('1')", "compile('1', '', 'exec')", "open('x')", "globals()",
    "vars()", "locals()", "__import__('os')", "__builtins__", "get_ipython()", "setattr(x, 'y', 1)",
    "getattr(x, '__class__')", "getattr(x, name)", "breakpoint()", "type('X', (), {})",
    "x.__class__", "x.__dict__", "f.__code__", "x._private", "torch.sys", "np.ctypeslib",
    "error.tb_frame", "generator.gi_frame", "torch.load('x')", "np.save('x', x)", "x.tofile('f')",
    "torch.allclose = f", "del torch.allclose", "torch.Tensor.tolist = f", "math.sqrt = f",
    "abs = f", "def isinstance(a, b): return True", "AssertionError = ValueError",
    "for all in x: pass", "class E:\n    def __eq__(self, other): return True",
    "class F(float):\n    def __sub__(self, other): return 0.0",
    "class M(metaclass=T): pass", "'{0.__class__}'.format(x)", "x = '/proc/self'",
    "operator.attrgetter('x')", "torch.overrides", "x.data_ptr()",
]  # fmt: skip
INNOCENT = [
    "import math\nimport numpy as np\nfrom torch import nn\nimport torch.nn.functional as F",
    "from IPython.display import display", "x.grad = None", "layer.weight.requires_grad = False",
    "class A:\n    def __init__(self):\n        self.x = 1\n        self._y = 2",
    "print(sum(x) / len(x))", "def f(x):\n    \"\"\"Uses __init__ as a word.\"\"\"\n    return x",
    "x[0] = 1", "getattr(x, 'shape', None)", "import matplotlib.pyplot as plt\nplt.plot([1])",
    "def f(x: 'np.ndarray | None', y: list['int'], z: 'batch, time x') -> 'torch.Tensor': pass",
    "@functools.wraps(f)\ndef g(*a: int) -> Callable[[int], float] | None: return f(*a)",
    "torch.manual_seed(0)", "np.random.default_rng(0)", "total = max(1, 2)",
]  # fmt: skip


INNOCENT += [
    "getattr(module, f'bias_ih_l{layer}{end}')",
    "for m in net.modules(): pass",
    "class Norm:\n    def forward(self, input):\n        return input - input.mean()",
    "self.signal = 1\nx.signal",
    "raise TypeError(f'{x.__class__.__name__}')",
    "%%time\nf(3)",
    "%%timeit -n 3\nf(3)",
    "import sys\nx = sys.float_info.epsilon",
    "import json, logging\nfrom pprint import pprint\nlogging.debug(json.dumps([1]))",
    "fig.savefig('x.png')",
    "torch.linalg.qr?\nx = 1",
    "?torch.linalg.qr\nx = 1",
    "f??\nx = 1",
    "!pip install -q scipy\nx = 1",
    "def f(x):\n    type, len = 'relu', 2\n    return len * x",
]
SUSPICIOUS += [
    "getattr(x, f'f_{name}')",
    "getattr(x, f'{name}x')",
    "getattr(x, f'_{name}')",
    "getattr(x, f'mod{name}')",
    "sys.modules",
    "x.modules['os']",
    "x.__class__.__base__",
    "x.__class__",
    "%%bash\nls",
    "import sys\nsys.float_info\nsys.settrace(f)",
    "import sys\nsys.float_info\ny = sys",
    "import sys as s\ns.float_info",
    "json.load(f)",
    "logging.sys",
    "!ls\nx = 1",
    "def f(x):\n    global len\n    len = g",
    "len = g",
]


@pytest.mark.parametrize("source", SUSPICIOUS)
def test_a_suspicious_construct_is_flagged(source):
    assert scan(source, "cell")


@pytest.mark.parametrize("source", INNOCENT)
def test_ordinary_code_is_not(source):
    assert scan(source, "cell") == []


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_no_reference_and_no_wrong_answer_of_a_chapter_is_flagged(path):
    exercises = make_release(path).content["exercises"]
    sources = [
        s[which] for e in exercises for s in e["solutions"] for which in ("reference", "stub")
    ]
    for source in sources + [wrong.answer for wrong in wrong_answers(path.stem)]:
        assert scan(source, "cell") == []


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_of_the_wrong_answers_few_look_as_if_they_were_looked_up(path):
    by_heart = "gives the answers of the examples"  # these are looked up
    wrong = [each for each in wrong_answers(path.stem) if each.mistake != by_heart]
    exercises = {e["id"]: e for e in make_release(path).content["exercises"]}
    found = []
    for each in wrong:
        exercise = exercises[each.exercise]
        checks = "\n".join(check["source"] for check in exercise["checks"])
        reference = exercise["solutions"][0]["reference"]
        assert memorised([reference], checks, reference) == ""
        found += [each.mistake] if memorised([each.answer], checks, reference) else []
    assert len(found) <= len(wrong) / 10, found


def test_an_answer_that_was_looked_up_is_flagged():
    checks = "assert f(0.0557, 1e-2) == 10, 'no'\nassert f(0.87, 1e-3) == 151, 'no'"
    table = "def f(a, b):\n    return {0.0557: 10, 0.87: 151}[a]"
    assert memorised([table], checks, "def f(a, b):\n    return 1") == "0.0557, 0.87, 151"
    assert memorised(["def f(a, b):\n    return a * 151"], checks, "x = 1") == ""
    assert memorised(["def f(:"], checks, "x = 1") == ""


CHECKS = "assert f(0.0557) == 151\nassert f(0.87) == 3 / 7\nassert f(0.1) == 1 / 16"


@pytest.mark.parametrize(
    "sources",
    [["def f(x):\n    return {0.0557: float('151')}[x]"],
     ["def f(x):\n    return [float(n) for n in '0.0557, 151'.split(', ')][1]"],
     ["def f(x):\n    return 3 / 7 if x > 0.5 else 1 / 16"],
     ["def f(x):\n    return known[x]", "known = {0.0557: 151, 0.87: 3 / 7}"],
     ["known = {0.0557: 151}", "def f(:", "def f(x):\n    return known[x]"],
     ["def f(x):\n    assert (t := {0.0557: 151})\n    return t[x]"]],
)  # fmt: skip
def test_looked_up_numbers_are_found_in_any_dress_and_any_cell(sources):
    assert memorised(sources, CHECKS, "")


@pytest.mark.parametrize(
    "sources",
    [["def f(x):\n    \"\"\"151 for 0.0557\"\"\"\n    return x"],
     ["def f(x):\n    return x", "def test():\n    assert f(0.0557) == 151"],
     ["def f(x):\n    return x", "seen = [0.0557, 151]\nprint(f(0.0557), 151)"],
     ["def f(x):\n    '0.0557 151'\n    return x"]],
)  # fmt: skip
def test_examples_and_own_tests_with_the_numbers_of_checks_are_honest(sources):
    assert memorised(sources, CHECKS, "") == ""


def test_a_flag_says_where_and_code_that_is_no_python_is_read_as_text():
    assert scan("x = 1\nimport os", "cell")[0].where == "cell, line 2"
    assert "get_ipython" in scan("def f(:\n  get_ipython()", "cell")[0].what
    assert scan("def f(:", "cell") == []
    assert len(scan("import os\n" * 500, "cell")) == 50
    scan("-" * 100_000 + "1", "cell")  # too deep for the parser


def test_magics_are_set_aside_and_flagged():
    source = "%matplotlib inline\n!ls\ndef f():\n    return '%s'"
    (flag,) = scan(source, "cell")
    assert "not run" in flag.what
    assert flag.where == "cell, line 2"
    assert without_magics(source) == "pass  # %matplotlib inline\npass  # !ls\n" + source[23:]
    assert without_magics("%%bash\nls /tmp x") == "%%bash\nls /tmp x"
    assert without_magics("torch.qr?\nx = 1") == "pass  # torch.qr?\nx = 1"
    assert without_magics("x = '''\n%d\n'''") == "x = '''\n%d\n'''"


def test_usual_magics_are_no_ground_for_suspicion_and_hide_none():
    source = "%matplotlib inline\n%timeit f(3)\n%config InlineBackend.figure_format = 'svg'\n"
    assert scan(source + "x = 1", "cell") == []
    (flag,) = scan(source + "import os", "cell")
    assert flag.where == "cell, line 4"
    assert scan("for k in range(3):\n    %timeit f(k)\nx = 1", "cell") == []
    assert scan("%load_ext cython\n%%cython\nx = 1", "cell") != []
    assert scan("%timeit f(3)\nx = (", "cell") != []  # no Python, so nobody could read it
    table = "%matplotlib inline\ndef f(x):\n    return {1.37: 2.91, 4.3: 0.123}[x]"
    assert "2.91" in memorised([table], "check(f(1.37), 2.91)\ncheck(f(4.3), 0.123)", "")


@pytest.mark.parametrize(
    "source",
    ["kind = type", "type(type(1))('A', (), {})", "from dataclasses import make_dataclass",
     "reach = getattr", "list(map(getattr, x, y))", "typing.get_type_hints(f)", "text.format(x)",
     "match f:\n    case object(__globals__=names):\n        pass", "import torch.utils.benchmark",
     "from torch import fx", "import scipy.io", "import pandas", "plt.imread('x')",
     "np.abs = f", "np.testing.measure('1')", "from numpy.testing import rundocs",
     "np.testing.runstring('1', {})", "from functools import singledispatch",
     "def f(x: 'exec(1) or int'): pass", "def f(x) -> 'g(1)': pass", "x: 'a' + 'b' = 1",
     "def f(x: 'a.__globals__'): pass", "def f(x: list['g(1)']): pass",
     "functools.update_wrapper(torch.autograd, f, ('grad',), ())",
     "functools.wraps(f, assigned=('grad',))(torch.autograd)",
     "abc.ABCMeta('', (Exception,), {})", "enum.global_enum(E)", "enum.bltns",
     "import math as m\nclass A:\n    def __init__(self):\n        self.pi = 3\nm.pi = 3"],
)  # fmt: skip
def test_ways_that_attack_tests_found_are_flagged(source):
    assert scan(source, "cell")


def test_objects_of_the_students_own_classes_may_be_changed_and_main_may_be_named():
    node = "class Node:\n    def __init__(self):\n        self.next = None\n"
    assert scan(node + "first = Node()\nfirst.next = Node()", "cell") == []
    assert scan("if __name__ == '__main__':\n    print(1)", "cell") == []
    assert scan("getattr(x, 'shape', None)", "cell") == []


def test_debugging_with_the_numbers_of_a_check_is_honest():
    checks = "assert f(0.87, 1e-3) == 151, 'no'"
    honest = "def f(a, b):\n    return a\nprint(f(0.87, 1e-3))\nassert f(0.87, 1e-3) == 151\n"
    assert memorised([honest], checks, "x = 1") == ""
    small = "def f(a, b):\n    return a if b > 1e-6 else 1e-12"
    assert (
        memorised([small], "assert f(1, 1e-6) > 1e-12", "x = 1") == ""
    )  # what tolerances look like
    table = "TABLE = {0.87: 151}\ndef f(a, b):\n    return TABLE[a]"
    assert memorised([table], checks, "x = 1") == "0.87, 151"
