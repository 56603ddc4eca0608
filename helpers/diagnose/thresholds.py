"""Every limit the doctor uses, with the reason for it. Powers of ten are called decades."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = ["THRESHOLDS", "Threshold"]


@dataclass(frozen=True)
class Threshold:
    """A limit and the sentence that defends it."""

    value: float
    why: str


THRESHOLDS: Final[dict[str, Threshold]] = {
    "depth": Threshold(
        3.0,
        "A rate that changes the weights of one end by a usual thousandth per step changes the "
        "other end by a millionth, or by all of it, once their gradients differ a thousandfold.",
    ),
    "cliff": Threshold(
        4.2,
        "float32 rounds away a relative step under 2^-24 = 6e-8; next to a usual thousandth per "
        "step in the last layers, that is a gradient 10^4.2 times smaller.",
    ),
    "time": Threshold(
        6.0,
        "Near steps still train weights that are shared over time, but not what lies behind: "
        "LSTMs learned to keep one bit 8 times of 8 where the first step's share was 10^-2, 3 of 8 "
        "at 10^-4 and never at 10^-6; float32 rounds a share of 6e-8 away for certain.",
    ),
    "exploding time": Threshold(
        3.0, "The earliest step then decides the update alone, a thousand times over."
    ),
    "signal": Threshold(
        3.0,
        "A signal that grows a thousandfold on the way lets the last layers decide alone, and "
        "float16 overflows at 65,504.",
    ),
    "large": Threshold(
        10.0,
        "Standardized inputs and normalized layers have a root mean square of 1; what only grows "
        "up to that from less, as out of a tiny embedding, explodes nowhere.",
    ),
    "ratio": Threshold(
        1e3,
        "With the gradient a thousand times the weights, even a rate of 0.001 replaces all of them "
        "in one step.",
    ),
    "update": Threshold(
        0.5,
        "A gradient describes the loss for small changes; half the length of the weights is no "
        "small change (about a thousandth is usual).",
    ),
    "rounding": Threshold(
        0.0,
        "A weight keeps no step shorter than a quarter of the type's eps times itself: only the "
        "weights far smaller than the others still move.",
    ),
    "dead": Threshold(
        4.0,
        "Where inputs have become alike a unit is always on or always off, by a fair coin; so dead "
        "units count once they are most of the layer and outnumber the always-on by 4 sigma.",
    ),
    "saturated": Threshold(
        0.5,
        "Then the median unit passes on less than 5 % of what it would at its steepest point.",
    ),
    "bounded": Threshold(
        0.0,
        "A loss that expects logits, or logarithms, cannot become small if they are confined to a "
        "short range, and its gradient fades where the answer is most wrong.",
    ),
    "fitted": Threshold(
        0.1,
        "A saturated output is right when its answers are, and so is a saturated memory, which is "
        "how a cell stores a bit; then the loss is small.",
    ),
    "batch": Threshold(
        8.0,
        "The relative error of a variance from n values is sqrt(2/(n-1)): over 50 % for n under 9.",
    ),
    "flat": Threshold(
        0.5,
        "A batch variance under eps is divided by sqrt(eps) instead: nothing is normalized.",
    ),
    "stale": Threshold(
        0.5,
        "Running and batch statistics of a channel should agree within 1 standard deviation in the "
        "mean and a factor 4 in the variance; otherwise eval mode runs another network.",
    ),
    "finite": Threshold(0.0, "A NaN or an infinity reaches every weight in one step."),
    "reached": Threshold(
        0.0, "What gets no gradient is not trained, at any rate, by any optimizer."
    ),
}
"""By name. Each verdict quotes the reason of the limit that decided it."""
