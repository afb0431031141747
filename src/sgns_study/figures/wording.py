"""Numbers and lists in words, the same in captions, tables and prose."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

MINUS = "\N{MINUS SIGN}"
MISSING = "\N{EN DASH}"
LEVEL = 0.05  # no other p may be written like it


def number(value: float, digits: int = 2) -> str:
    """A number with fixed decimals and a true minus; a dash if it is missing."""
    if pd.isna(value):
        return MISSING
    return f"{value:z.{digits}f}".replace("-", MINUS)  # `z`: no minus before a zero


def whole(value: int) -> str:
    """A whole number with its thousands apart, e.g. `25,000`."""
    return f"{value:,}"


def percent(fraction: float, digits: int = 1) -> str:
    """A fraction as a percentage, e.g. `83.4 %`."""
    return f"{number(100 * fraction, digits)} %" if not pd.isna(fraction) else MISSING


def signed(points: float, digits: int = 1) -> str:
    """A difference with its sign, e.g. `+0.3`; `0.0` has none."""
    text = number(points, digits)
    return f"+{text}" if text[0].isdigit() and float(text) > 0 else text


def interval(low: float, high: float, digits: int = 1) -> str:
    """An interval of a difference, e.g. `−0.3 to +0.5`; a dash if there is none."""
    return MISSING if pd.isna(low) else f"{signed(low, digits)} to {signed(high, digits)}"


def change(found: Sequence[float]) -> str:
    """A mean difference with its interval, (mean, low, high, …), e.g. `+3.2 (+2.5 to +3.9)`."""
    mean, low, high = found[:3]
    return signed(mean) + ("" if pd.isna(low) else f" ({interval(low, high)})")


def plus_minus(mean: float, half: float, digits: int = 1) -> str:
    """A mean and how far it is spread, e.g. `83.4 ± 0.2`; the mean alone where that is missing."""
    return number(mean, digits) + ("" if pd.isna(half) else f" ± {number(half, digits)}")


def p_value(p: float) -> str:
    """E.g. `p = 0.03`, `p < 0.001`; near the level with the decimals that it takes to differ."""
    if p < 0.001:
        return "p < 0.001"
    digits = 3 if p < 0.01 else 2
    while round(p, digits) == LEVEL != p:
        digits += 1
    return f"p = {number(p, digits)}"


SETTINGS = {"negatives": "K", "alpha": "α", "subsample": "t"}
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def setting(key: str) -> str:
    """A setting of a recipe by its sign, or by its name where it has none."""
    return SETTINGS.get(key, key.replace("_", " "))


def setting_value(key: str, value: str) -> str:
    """A value of a setting, e.g. `10⁻³`; `off` for what subsampling does not do."""
    try:
        size = float(value)
    except (TypeError, ValueError):
        return str(value)
    if key == "subsample" and size == 0:
        return "off"
    digits, _, exponent = f"{size:e}".partition("e")
    if 0 < size < 0.01:
        factor = f"{float(digits):g}"
        return f"{factor} · " * (factor != "1") + f"10{str(int(exponent)).translate(SUPERSCRIPTS)}"
    return f"{size:g}"


def listed(words: Iterable[object]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    parts = [str(word) for word in words]
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def each(
    values: Mapping[str, Any], wording: Callable[..., str], *more: Any, form: str = "{} ({})"
) -> str:
    """Named values as a list, e.g. `85.0 % (pretrained) and 86.3 % (random)`."""
    return listed(form.format(wording(value, *more), name) for name, value in values.items())


def span(values: Sequence[float], wording: Callable[[float], str]) -> str:
    """`a to b`, or the one value they all have when written; missing values are left out."""
    found = [value for value in values if not pd.isna(value)]
    if not found:
        return MISSING
    low, high = wording(min(found)), wording(max(found))
    return low if low == high else f"{low} to {high}"


def counted(n: int, noun: str) -> str:
    """`1 seed`, `3 seeds`."""
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def seeds_range(n_seeds: Iterable[int]) -> str:
    """`3 seeds`, or `2 to 3 seeds` where variants differ."""
    counts = sorted(set(n_seeds))
    return counted(counts[0], "seed") if len(counts) == 1 else f"{counts[0]} to {counts[-1]} seeds"
