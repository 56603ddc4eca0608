"""The same function over all submissions: one by one, on local cores, or on a cluster.

Each engine yields (name, result) as results come. A worker has the key and one submission, and no
database. Whatever happens to one submission, or to a worker, the others go on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

from grading.result import Result
from grading.run import grade_submission
from grading.sandbox import Limits, NoSandboxError

Task = tuple[str, bytes]  # a name, a submission
Done = tuple[str, Result]
Engine = Callable[[bytes, Iterable[Task], Limits, bool], Iterator[Done]]


def failed(why: BaseException) -> Result:
    """Return the result of a submission whose grading failed; it is tried again the next time."""
    return Result((), (), (), f"{type(why).__name__}: {why}"[:500])


def one(key: bytes, task: Task, limits: Limits, sandboxed: bool) -> Done:
    """Grade one submission; an error of grading itself becomes a result that says so."""
    name, submission = task
    try:
        return name, grade_submission(key, submission, limits, sandboxed)
    except NoSandboxError:
        raise
    except Exception as error:
        return name, failed(error)


def sequential(
    key: bytes, tasks: Iterable[Task], limits: Limits, sandboxed: bool
) -> Iterator[Done]:
    """Grade one after the other."""
    for task in tasks:
        yield one(key, task, limits, sandboxed)


def local(
    workers: int, key: bytes, tasks: Iterable[Task], limits: Limits, sandboxed: bool
) -> Iterator[Done]:
    """Grade on several cores with joblib. Threads suffice: the work is in other processes."""
    from joblib import Parallel, delayed

    parallel = Parallel(n_jobs=workers, prefer="threads", return_as="generator_unordered")
    yield from parallel(delayed(one)(key, task, limits, sandboxed) for task in tasks)


def dask(
    address: str, key: bytes, tasks: Iterable[Task], limits: Limits, sandboxed: bool
) -> Iterator[Done]:
    """Grade on the workers of a running dask.distributed cluster.

    The workers need the same Python environment, bubblewrap, and nothing else of the course's data.
    """
    from distributed import Client, as_completed

    with Client(address) as client:
        shared = client.scatter(key, broadcast=True)
        names: dict[Any, str] = {}
        for name, submission in tasks:
            task = (name, submission)
            future = client.submit(
                one, shared, task, limits, sandboxed, key=f"grade-{name}", retries=1
            )
            names[future] = name
        for future in as_completed(names):
            try:
                yield future.result()
            except NoSandboxError:
                raise
            except Exception as error:  # the worker died, twice, or could not import grading
                yield names[future], failed(error)


def engine(workers: int = 1, address: str = "") -> Engine:
    """Return the engine for a number of local workers, or for the address of a cluster."""
    if address:
        return partial(dask, address)
    return partial(local, workers) if workers > 1 else sequential
