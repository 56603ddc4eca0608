"""A doctor for networks that do not learn.

>>> report = diagnose(model, loss_fn, inputs, targets, optimizer=optimizer)  # doctest: +SKIP
>>> print(report)  # doctest: +SKIP

It needs PyTorch alone (and matplotlib to draw), imports nothing else of this book, and this folder
can be copied into any project. It reads the autograd graph of one forward pass, so it sees what was
computed, functional calls and reused weights included, and not only what is a module.
"""

from .layers import Layer
from .report import Report
from .run import diagnose
from .thresholds import THRESHOLDS, Threshold
from .trend import Trend
from .verdict import VERDICTS, Verdict

__all__ = [
    "THRESHOLDS",
    "VERDICTS",
    "Layer",
    "Report",
    "Threshold",
    "Trend",
    "Verdict",
    "diagnose",
]
