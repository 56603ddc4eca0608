"""What in a student's code a human should look at: an allow list over its syntax tree.

Nothing here decides on points. Isolated checks cannot be deceived by code in another process; a
check that must run in the student's process can, and there these flags are what remains.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from grading.result import Flag

MODULES = frozenset(
    "abc bisect cmath collections copy dataclasses decimal enum fractions functools heapq "
    "itertools math matplotlib numbers numpy operator random re scipy seaborn sklearn statistics "
    "textwrap time torch tqdm typing typing_extensions warnings __future__ mpl_toolkits "
    "ipywidgets datetime helpers".split()
)
# Of the big packages the parts that exercises have a use for; helpers is the course's own.
PARTS = frozenset(
    "collections.abc matplotlib.pyplot numpy.linalg numpy.random numpy.polynomial numpy.testing "
    "numpy.typing numpy.fft scipy.optimize scipy.special scipy.integrate scipy.stats scipy.linalg "
    "scipy.interpolate torch.nn torch.nn.functional torch.nn.init torch.nn.utils torch.optim "
    "torch.linalg torch.autograd torch.special torch.fft torch.distributions torch.func "
    "torch.utils.data sklearn.datasets sklearn.metrics sklearn.model_selection tqdm.auto "
    "tqdm.notebook IPython.display".split()
)
NAMES = frozenset(
    "eval exec compile open input getattr globals locals vars setattr delattr breakpoint "
    "memoryview exit quit get_ipython attrgetter methodcaller get_type_hints ForwardRef "
    "Formatter".split()
)
# Names of attributes (and names imported from a module) that lead out of ordinary code.
ATTRIBUTES = frozenset(
    "sys os builtins modules inspect ctypes ctypeslib subprocess importlib types gc signal socket "
    "threading pickle shutil pathlib tempfile weakref linecache platform multiprocessing "
    "faulthandler f_back f_globals f_locals f_builtins f_code gi_frame cr_frame tb_frame "
    "func_globals settrace setprofile excepthook displayhook meta_path path_hooks get_ipython "
    "ast_transformers load save savez savez_compressed loadtxt savetxt genfromtxt fromfile tofile "
    "from_file memmap as_strided data_ptr f2py cpp_extension hub ops classes jit library "
    "distributed LowLevelCallable make_dataclass get_type_hints ForwardRef Formatter benchmark "
    "collect_env fx DataSource fromregex imread imsave read_csv read_pickle read_table query "
    "load_files vformat func_globals __globals__ TorchFunctionMode TorchDispatchMode overrides "
    "attrgetter methodcaller system popen getframe set_default_tensor_type untyped_storage "
    "storage from_dlpack frombuffer savefig measure runstring rundocs decorate_methods extbuild "
    "run_threaded check_support_sve temppath tempdir singledispatch singledispatchmethod "
    "update_wrapper ABCMeta EnumMeta EnumType global_enum bltns copyreg "
    "evaluate_forward_ref".split()
)
METHODS = frozenset(
    "__init__ __call__ __len__ __getitem__ __iter__ __next__ __repr__ __str__ __post_init__ "
    "__enter__ __exit__ __add__ __mul__ __neg__ __contains__".split()
)
DUNDERS = METHODS | frozenset({"__name__", "__doc__", "__version__"})
SHADOWED = frozenset(
    "abs all any isinstance issubclass round float int bool len type str repr tuple complex "
    "AssertionError Exception BaseException ValueError NameError super object".split()
)
USUAL = frozenset("np torch plt math helpers nn F theory scipy".split())
PLAIN_TARGETS = frozenset("grad data requires_grad weight bias training".split())
TEXT = re.compile(
    r"__(?!main__|name__|init__|doc__)\w+__|/proc/|/etc/|\bgradebook\b|get_ipython|ast_transformers|\bnbgrader\b|\bctypes\b"
)
MAGIC = re.compile(r"^[ \t]*(%{1,2}\w|!|\?)", re.MULTILINE)
# What honest notebooks hold: a figure's place, a stopwatch. No magic is run, so none does harm.
USUAL_MAGIC = re.compile(r"^[ \t]*%(matplotlib|config|timeit|time|load_ext|autoreload)\b")


def scan(source: str, label: str) -> list[Flag]:
    """Return one flag for each suspicious construct in the code of a cell."""
    code = without_magics(source)
    try:
        tree = ast.parse(code)
    except Exception:  # no Python, or nested so deep that the parser gives up
        found = {(0, f"text {m[0]!r}") for m in TEXT.finditer(source)}
        if MAGIC.search(source):
            found.add((0, "an IPython magic or a shell command; it is not run"))
    else:
        found = set(_found(tree))
        for number, (line, kept) in enumerate(zip(source.split("\n"), code.split("\n")), start=1):
            if line != kept and not USUAL_MAGIC.match(line):
                found.add((number, "an IPython magic or a shell command; it is not run"))
    lines = [(f"{label}, line {line}" if line else label, what) for line, what in sorted(found)]
    return [Flag("suspicious", where, what) for where, what in lines[:50]]


def _found(tree: ast.Module) -> Iterator[tuple[int, str]]:
    nodes = list(ast.walk(tree))
    fine = {id(text) for text in _docstrings(nodes)} | {id(name) for name in _getattr(nodes)}
    own = {n.attr for n in nodes if isinstance(n, ast.Attribute) and _stored(n) and _of_self(n)}
    imported = {a.asname or a.name for n in nodes if isinstance(n, ast.Import) for a in n.names}
    for node in nodes:
        if id(node) in fine:
            continue
        for what in _in_node(node):
            yield getattr(node, "lineno", 0), what
        if isinstance(node, ast.Attribute) and _stored(node) and not _of_self(node):
            root = node.value.id if isinstance(node.value, ast.Name) else ""
            strange = node.attr not in own | PLAIN_TARGETS or root in imported | USUAL
            if strange:
                yield node.lineno, f".{node.attr} is replaced"


def _getattr(nodes: list[ast.AST]) -> Iterator[ast.AST]:
    """Yield the names `getattr` that are called with a harmless name as a constant."""
    for node in nodes:
        match node:
            case ast.Call(
                func=ast.Name(id="getattr") as name, args=[_, ast.Constant(value=str(to)), *_]
            ):
                if _harmless(to):
                    yield name


def _stored(node: ast.Attribute) -> bool:
    return not isinstance(node.ctx, ast.Load)


def _of_self(node: ast.Attribute) -> bool:
    return isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")


def _docstrings(nodes: list[ast.AST]) -> Iterator[ast.AST]:
    for node in nodes:
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield node.value


def _in_node(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Import(names=names):
            yield from (f"import {n.name}" for n in names if not _ordinary(n.name))
        case ast.ImportFrom(module=module, names=names, level=level):
            if level or not _ordinary(module or ""):
                yield f"from {'.' * level}{module or ''} import"
            yield from (f"import of {n.name}" for n in names if not _harmless(n.name))
        case ast.Name(id=name, ctx=context):
            if name in NAMES or (_dunder(name) and name not in DUNDERS):
                yield name
            elif isinstance(context, (ast.Store, ast.Del)) and name in SHADOWED:
                yield f"{name} gets a new meaning"
        case ast.Attribute():
            yield from _attribute(node)
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            yield from _definition(node)
        case ast.arg(arg=name, annotation=hint):
            if name in NAMES:
                yield f"an argument called {name}"
            yield from _hint(hint)
        case ast.AnnAssign(annotation=hint):
            yield from _hint(hint)
        case ast.Constant(value=str(text)):
            yield from (f"text {m!r}" for m in sorted({m[0] for m in TEXT.finditer(text)}))
        case ast.Call(func=ast.Attribute(attr="format" | "format_map", value=text)):
            if not isinstance(text, ast.Constant):
                yield ".format of a text that is made"
        case ast.Call(
            func=ast.Name(id="wraps") | ast.Attribute(attr="wraps"), args=given, keywords=named
        ) if len(given) > 1 or named:
            yield "wraps with names of its own"
        case ast.MatchClass(kwd_attrs=names):
            yield from (f"a match of .{name}" for name in names if not _harmless(name))
        case (
            ast.Assign(value=ast.Name(id="type"))
            | ast.Call(func=ast.Call(func=ast.Name(id="type")))
        ):
            yield "type under another name"
        case ast.Call(func=ast.Name(id="type"), args=args) if len(args) > 1:
            yield "a class made by type()"


def _ordinary(module: str) -> bool:
    parts = module.split(".")
    if len(parts) == 1:
        return module in MODULES
    own = parts[0] == "helpers" and all(_harmless(part) for part in parts)
    return own or module in PARTS


def _harmless(name: str) -> bool:
    return name not in ATTRIBUTES | NAMES and (not name.startswith("_") or name in DUNDERS)


def _dunder(name: str) -> bool:
    return name.startswith("__") and name.endswith("__")


def _attribute(node: ast.Attribute) -> Iterator[str]:
    private = node.attr.startswith("_") and not _of_self(node)
    if node.attr in ATTRIBUTES or (private and node.attr not in DUNDERS) or _leads_out(node.attr):
        yield f".{node.attr}"


def _leads_out(name: str) -> bool:
    return _dunder(name) and name not in DUNDERS


def _hint(hint: ast.expr | None) -> Iterator[str]:
    """Yield what is wrong with a type hint: functools and typing evaluate one that is a text."""
    for node in ast.walk(hint) if hint else ():
        if isinstance(node, (ast.Call, ast.JoinedStr, ast.NamedExpr, ast.Await)) or (
            isinstance(node, ast.BinOp) and not isinstance(node.op, ast.BitOr)
        ):
            yield "a type hint that is computed"
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            try:
                inner = ast.parse(node.value.strip(), mode="eval").body
            except Exception:  # no expression: nothing that could be evaluated
                continue
            yield from _hint(inner)
            yield from (what for part in ast.walk(inner) for what in _in_node(part))


def _definition(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> Iterator[str]:
    if not isinstance(node, ast.ClassDef):
        yield from _hint(node.returns)
    if node.name in SHADOWED | NAMES:
        yield f"{node.name} gets a new meaning"
    if _dunder(node.name) and node.name not in METHODS:
        yield f"a definition of {node.name}"
    if isinstance(node, ast.ClassDef) and node.keywords:
        yield "a metaclass"


def without_magics(source: str) -> str:
    """Return code with magics and shell commands commented out, if that makes it Python."""
    try:
        compile(source, "<cell>", "exec", dont_inherit=True)
        return source
    except Exception:
        pass
    lines = [f"pass  # {line}" if MAGIC.match(line) else line for line in source.split("\n")]
    try:
        compile("\n".join(lines), "<cell>", "exec", dont_inherit=True)
    except Exception:
        return source
    return "\n".join(lines)
