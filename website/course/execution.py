"""When a notebook has to run again, and running them side by side.

jupyter-cache compares a notebook's own code only: an edit in helpers/, another torch or other
seeds would go unnoticed. So each state of those gets a cache of its own. Whatever a build lacks is
run before Sphinx reads, in as many processes as there are cores, and kept as soon as it is done:
myst-nb then finds every notebook in the cache, and an interrupted build has lost nothing.

What runs is the notebook with its solutions, whether the pages show them or not. For a site that
hides them, the same outputs are kept a second time, for the notebook without those cells.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import re
import shutil
import sys
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from contextlib import suppress
from pathlib import Path

import nbformat
from docutils import nodes
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn, JupyterCacheAbstract
from jupyter_cache.executors.utils import ExecutionResult, single_nb_execution
from nbformat import NotebookNode
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.environment import BuildEnvironment
from sphinx.errors import ExtensionError

from course import exercises

STATES_KEPT = 4
COLORS = re.compile(r"\x1b\[[\d;]*m")  # of a terminal, in a traceback
QUIET = ["--log-level=ERROR"]  # a kernel's remarks about its own transport


def state_key(root: Path, offset: str, python: tuple[int, ...] = sys.version_info[:3]) -> str:
    """Return 16 hex digits that stand for helpers/, requirements.txt, Python and the seeds."""
    digest = hashlib.sha256()
    for path in sorted([*root.glob("helpers/**/*.py"), root / "requirements.txt"]):
        digest.update(f"{path.relative_to(root)}\0".encode() + path.read_bytes() + b"\0")
    digest.update(f"{tuple(python)}\0{offset or 0}".encode())
    return digest.hexdigest()[:16]


def choose_cache(app: Sphinx, config: Config) -> None:
    """Point myst-nb at the cache of this state, and re-read pages when the state changes."""
    os.environ["BOOK_BUILD"] = "1"  # the kernels inherit it: figures become SVG, explorers HTML
    config.course_state = state_key(Path(app.srcdir), os.environ.get("BOOK_SEED_OFFSET", ""))
    states = Path(app.outdir).parent / ".jupyter_cache"
    folder = states / config.course_state
    folder.mkdir(parents=True, exist_ok=True)
    folder.touch()
    for old in sorted(states.iterdir(), key=lambda path: path.stat().st_mtime)[:-STATES_KEPT]:
        shutil.rmtree(old, ignore_errors=True)
    config.nb_execution_cache_path = str(folder)


def fill_cache(app: Sphinx, env: BuildEnvironment, docnames: list[str]) -> None:
    """Put every notebook that is about to be read into the cache; run it where that is needed."""
    cache = get_cache(app.config.nb_execution_cache_path)
    names = [name for name in docnames if _path(app, name).suffix == ".ipynb"]
    whole = {name: _as_read(app, name, whole=True) for name in names}
    missing = {name: notebook for name, notebook in whole.items() if not _cached(cache, notebook)}
    if missing:
        run_all(app, cache, missing)
    if exercises.hidden(app.config):
        for name, notebook in whole.items():
            keep_without_solutions(app, cache, name, notebook)


def run_all(app: Sphinx, cache: JupyterCacheAbstract, missing: dict[str, NotebookNode]) -> None:
    """Run notebooks side by side, and keep each as soon as it is done.

    Raises
    ------
    ExtensionError
        If a notebook fails: after the others have finished, with its cell and its traceback.
    """
    workers = min(len(missing), os.cpu_count() or 1)
    print(f"Running {len(missing)} notebook(s), {workers} at a time ...", flush=True)
    # Processes rather than threads: they end with the build when it is interrupted.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        futures = {
            pool.submit(
                single_nb_execution,
                notebook,
                cwd=str(_path(app, name).parent),
                timeout=app.config.nb_execution_timeout,
                allow_errors=False,
                extra_arguments=QUIET,
            ): name
            for name, notebook in missing.items()
        }
        failures = [_keep(app, cache, futures[done], done) for done in as_completed(futures)]
    if any(failures):
        raise ExtensionError("\n\n".join(filter(None, failures)))


def keep_without_solutions(
    app: Sphinx, cache: JupyterCacheAbstract, docname: str, whole: NotebookNode
) -> None:
    """Keep the outputs of a whole notebook for the one without solutions, which has fewer cells."""
    bare = _as_read(app, docname)
    if _cached(cache, bare):
        return
    record, executed = cache.merge_match_into_notebook(whole)
    bare.metadata = executed.metadata
    outputs = {cell.id: cell for cell in executed.cells}
    for cell in bare.cells:
        if cell.cell_type == "code":
            cell.outputs = outputs[cell.id].outputs
            cell.execution_count = outputs[cell.id].execution_count
    data = cache.get_cache_record(record).data
    bundle = CacheBundleIn(bare, str(_path(app, docname)), data=data)
    cache.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)


def write_executed(app: Sphinx, doctree: nodes.document) -> None:
    """Leave the executed notebook in _build/jupyter_execute, where myst-nb writes a bare one."""
    if _path(app, app.env.docname).suffix == ".ipynb":
        cache = get_cache(app.config.nb_execution_cache_path)
        _, notebook = cache.merge_match_into_notebook(_as_read(app, app.env.docname))
        target = Path(app.outdir).parent / "jupyter_execute" / f"{app.env.docname}.ipynb"
        nbformat.write(notebook, target)


def _cached(cache: JupyterCacheAbstract, notebook: NotebookNode) -> bool:
    with suppress(KeyError):
        cache.match_cache_notebook(notebook)
        return True
    return False


def _path(app: Sphinx, docname: str) -> Path:
    return Path(app.env.doc2path(docname))


def _as_read(app: Sphinx, docname: str, whole: bool = False) -> NotebookNode:
    """Return a notebook as myst-nb sees it, or would see it if the solutions were shown."""
    text = _path(app, docname).read_text(encoding="utf-8")
    shown = whole or not exercises.hidden(app.config)
    return nbformat.reads(exercises.on_the_page(text, shown), as_version=4)


def _keep(
    app: Sphinx, cache: JupyterCacheAbstract, docname: str, done: Future[ExecutionResult]
) -> str:
    """Store what one process returned; return what went wrong, or ""."""
    try:
        result = done.result()
    except Exception as error:  # a dead kernel, a missing one: whatever it is, the others go on
        print(f"  {docname}  FAILED", flush=True)
        return f"{docname} could not be run: {type(error).__name__}: {error}"
    if result.err is not None:
        print(f"  {docname}  FAILED after {result.time:.1f} s", flush=True)
        return f"{docname} failed in {_failing_cell(result.nb)}:\n{COLORS.sub('', str(result.err))}"
    bundle = CacheBundleIn(
        result.nb, str(_path(app, docname)), data={"execution_seconds": result.time}
    )
    cache.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)
    print(f"  {docname}  {result.time:.1f} s", flush=True)
    return ""


def _failing_cell(notebook: NotebookNode) -> str:
    for number, cell in enumerate(notebook.cells, start=1):
        if any(output.output_type == "error" for output in cell.get("outputs", [])):
            return f"cell {number} (id {cell.get('id', 'unknown')})"
    return "a cell that ran out of time"


def setup(app: Sphinx) -> None:
    """Register with Sphinx."""
    app.add_config_value("course_state", "", "env", [str])
    app.connect("config-inited", choose_cache, priority=100)
    app.connect("env-before-read-docs", fill_cache)
    app.connect("doctree-read", write_executed)
