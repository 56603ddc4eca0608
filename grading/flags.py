"""What in a student's code a human should look at: an allow list over its syntax tree.

Nothing here decides on points. Isolated checks cannot be deceived by code in another process; a
check that must run in the student's process can, and there these flags are what remains.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from grading.result import Flag
from grading.words import (
    ATTRIBUTES,
    DUNDERS,
    METHODS,
    MODULES,
    NAMES,
    PARTS,
    PLAIN_TARGETS,
    SHADOWED,
    SYS,
    USUAL,
)

TEXT = re.compile(
    r"__(?!main__|name__|init__|doc__)\w+__|/proc/|/etc/|\bgradebook\b|get_ipython|ast_transformers|\bnbgrader\b|\bctypes\b"
)
MAGIC = re.compile(r"^[ \t]*(%{1,2}\w|!|\?|[\w.]+\?{1,2}[ \t]*$)", re.MULTILINE)
# What honest notebooks hold: settings, a stopwatch, an install, help. None is run or does harm.
USUAL_MAGIC = re.compile(
    r"^[ \t]*(%(matplotlib|config|load_ext|autoreload)\b|%{1,2}(timeit|time)\b|[!%]pip install\b"
    r"|\?{1,2}[\w.]+[ \t]*$|[\w.]+\?{1,2}[ \t]*$)"
)


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
    harmless = (
        _docstrings,
        _getattr,
        _parts_of_a_network,
        _names_of_classes,
        _numbers_of_sys,
        _local,
    )
    fine = {id(node) for which in harmless for node in which(nodes)}
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
    """Yield the names `getattr` that are called with a harmless name, or a beginning of one."""
    risky = ATTRIBUTES | NAMES
    for node in nodes:
        match node:
            case ast.Call(
                func=ast.Name(id="getattr") as name, args=[_, ast.Constant(value=str(to)), *_]
            ):
                if _harmless(to):
                    yield name
            case ast.Call(
                func=ast.Name(id="getattr") as name,
                args=[_, ast.JoinedStr(values=[ast.Constant(value=str(to)), *_]), *_],
            ):
                if _harmless(to) and not any(word.startswith(to) for word in risky):
                    yield name


def _parts_of_a_network(nodes: list[ast.AST]) -> Iterator[ast.AST]:
    """Yield `x.modules` where it is called: that of sys cannot be."""
    for node in nodes:
        match node:
            case ast.Call(func=ast.Attribute(attr="modules") as part):
                yield part


def _names_of_classes(nodes: list[ast.AST]) -> Iterator[ast.AST]:
    """Yield the inner part of `x.__class__.__name__`."""
    for node in nodes:
        match node:
            case ast.Attribute(attr="__name__", value=ast.Attribute(attr="__class__") as part):
                yield part


def _numbers_of_sys(nodes: list[ast.AST]) -> Iterator[ast.AST]:
    """Yield `import sys` if nothing but facts about numbers and the output is taken from it."""
    names = {id(n) for n in nodes if isinstance(n, ast.Name) and n.id == "sys"}
    taken = [n for n in nodes if isinstance(n, ast.Attribute) and id(n.value) in names]
    parts = [n for n in taken if n.attr in SYS]
    if names and len(parts) == len(names):
        yield from (
            n for n in nodes if isinstance(n, ast.alias) and n.name == "sys" and not n.asname
        )


def _local(nodes: list[ast.AST]) -> Iterator[ast.AST]:
    """Yield names that get a new meaning in a function alone: no check sees it."""
    for function in nodes:
        if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
            inner = list(ast.walk(function))
            far = {x for n in inner if isinstance(n, (ast.Global, ast.Nonlocal)) for x in n.names}
            for node in inner:
                if isinstance(node, ast.Name) and _set(node) and node.id in SHADOWED - far:
                    yield node


def _set(name: ast.Name) -> bool:
    return isinstance(name.ctx, ast.Store)


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
            known = [n.name for n in names if n.name != "sys"]
            yield from (f"import {name}" for name in known if not _ordinary(name))
        case ast.alias(name="sys"):
            yield "import sys"
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
    lines = [
        re.sub(r"^[ \t]*", r"\g<0>pass  # ", line) if MAGIC.match(line) else line
        for line in source.split("\n")
    ]
    try:
        compile("\n".join(lines), "<cell>", "exec", dont_inherit=True)
    except Exception:
        return source
    return "\n".join(lines)
