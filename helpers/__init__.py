"""The package behind the chapters of the course on the vanishing gradient problem."""

from __future__ import annotations

__all__ = ["start"]
__version__ = "0.1.0"


def start(threads: int = 1) -> None:
    """Prepare a notebook: figure style and PyTorch threads. Call it once, in the first cell.

    Nothing else in this package acts at import or touches global state.

    Parameters
    ----------
    threads
        PyTorch's threads for one operation. One is the default because the networks here are
        small: more threads gain little on an idle machine and lose much on a busy one.

    Raises
    ------
    TypeError, ValueError
        If `threads` is not an integer >= 1.
    """
    # Imported here, so that `from helpers import theory` does not pay for figures and widgets.
    import torch

    from helpers.checks import positive_int
    from helpers.plotting import style

    torch.set_num_threads(positive_int("threads", threads))
    style.use()
