"""Numbers as a reader wants them: the digits that are known, and powers of ten as 10⁻¹³."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

__all__ = ["number", "with_spread"]

SUPERSCRIPTS: Final = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
FIXED: Final = range(-3, 6)  # powers of ten written out: 0.001 to 999999
MOST: Final = 10  # significant digits that anybody compares by eye


def number(x: float, digits: int = 4, place: int | None = None) -> str:
    """Return `x` to some significant digits, without idle zeros: 0.8653, −2, 3 × 10⁻¹³.

    Parameters
    ----------
    x
        Finite.
    digits
        Significant digits.
    place
        The power of ten down to which to write at least, such as -4 for 0.0001.
    """
    if x == 0:
        return "0"
    if place is not None:
        digits = min(max(digits, exponent(x) - place + 1), MOST)
    power = exponent(x, digits)
    if power in FIXED:
        return _signed(_without_idle_zeros(f"{x:.{max(0, digits - 1 - power)}f}"))
    mantissa = _without_idle_zeros(f"{x:.{digits - 1}e}".partition("e")[0])
    return f"{_signed(mantissa)} × {_ten_to(power)}"


def with_spread(mean: float, sd: float) -> str:
    """Return mean ± sd, both to the second significant digit of sd: (3.40 ± 0.12) × 10⁻⁷."""
    if sd == 0:
        return f"{number(mean, 6)} ± 0"
    power = exponent(sd, 2)
    if abs(mean) > sd:
        power = exponent(mean, exponent(mean) - last_place(sd) + 1)
    digits = power - last_place(sd)
    if digits >= MOST:
        return f"{number(mean, MOST)} ± {number(sd, 2)}"
    if power in FIXED:
        middle, spread = (_rounded(value, last_place(sd)) for value in (mean, sd))
        return f"{middle} ± {spread}"
    middle, spread = (f"{Decimal(value).scaleb(-power):.{digits}f}" for value in (mean, sd))
    return f"({_signed(middle)} ± {spread}) × {_ten_to(power)}"


def exponent(x: float, digits: int = 15) -> int:
    """Return the power of ten of the first digit of x != 0, once rounded to `digits` digits."""
    digits = min(digits, 15)
    return int(f"{x:.{digits - 1}e}".partition("e")[2])


def last_place(sd: float) -> int:
    """Return the power of ten of the second significant digit of a spread above 0."""
    return exponent(sd, 2) - 1


def _rounded(x: float, place: int) -> str:
    return _signed(f"{round(x, -place):.{max(0, -place)}f}")


def _without_idle_zeros(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text


def _signed(text: str) -> str:
    """Return the number with a minus sign instead of a hyphen, and none in front of a zero."""
    return text.replace("-", "−" if float(text) else "")


def _ten_to(power: int) -> str:
    return "10" + str(power).translate(SUPERSCRIPTS)
