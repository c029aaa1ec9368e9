"""Arithmetic with intervals: the least and the greatest value that an expression can have."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from sdss_cutout.sandbox.projection import normal

# The ends are one number, or an array with one for each cell of the sky.
Interval = tuple[Any, Any]
Operation = Callable[[Interval, Interval], Interval]
UNKNOWN: Interval = (np.float64(-math.inf), np.float64(math.inf))
_CONSTANT = {
    "cos": math.cos, "sin": math.sin, "tan": math.tan, "radians": math.radians,
    "degrees": math.degrees, "sqrt": math.sqrt, "square": lambda x: x * x, "abs": abs,
}  # fmt: skip


def negative(value: Interval) -> Interval:
    """With the other sign."""
    return -value[1], -value[0]


def _plus(one: Interval, other: Interval) -> Interval:
    return one[0] + other[0], one[1] + other[1]


def _times(one: Interval, other: Interval) -> Interval:
    with np.errstate(invalid="ignore"):
        products = [a * b for a in one for b in other]
    low, high = products[0], products[0]
    for product in products[1:]:
        low, high = np.minimum(low, product), np.maximum(high, product)
    unknown = np.isnan(low)  # zero times infinity
    return np.where(unknown, -np.inf, low), np.where(unknown, np.inf, high)


def _over(one: Interval, other: Interval) -> Interval:
    constant = np.ndim(other[0]) == 0 and other[0] == other[1] != 0
    return _times(one, (1 / other[0], 1 / other[0])) if constant else UNKNOWN


def _absolute(value: Interval) -> Interval:
    low, high = value
    least = np.where(low > 0, low, np.where(high < 0, -high, 0.0))
    return least, np.maximum(np.abs(low), np.abs(high))


def call(name: str, values: list[Interval]) -> Interval:
    """The interval of a function's values."""
    if name == "fdistancearcmineq" and len(values) == 4:
        return _distance(values)
    if name == "power" and len(values) == 2 and np.all(values[1][0] == 2):
        name = "square"
    if name in ("abs", "square") and values:
        low, high = _absolute(values[0])
        return (low, high) if name == "abs" else (low * low, high * high)
    if name == "sqrt" and len(values) == 1:
        return np.sqrt(np.maximum(values[0][0], 0)), np.sqrt(np.maximum(values[0][1], 0))
    if name in _CONSTANT and len(values) == 1 and _is_constant(values[0]):
        value = np.float64(_CONSTANT[name](float(values[0][0])))
        return value, value
    return UNKNOWN


def _is_constant(value: Interval) -> bool:
    return np.ndim(value[0]) == 0 and bool(value[0] == value[1])


def _distance(values: list[Interval]) -> Interval:
    """Distances in arcminutes between two positions, one of which may be anywhere in a cell."""
    with np.errstate(invalid="ignore"):
        ra1, dec1, ra2, dec2 = (np.add(*value) / 2 for value in values)
    if not all(np.isfinite(place).all() for place in (ra1, dec1, ra2, dec2)):
        return UNKNOWN
    reach = sum(np.max(np.subtract(high, low)) for low, high in values[1::2])  # a cell is square
    apart = np.linalg.norm(normal(ra1, dec1) - normal(ra2, dec2), axis=-1)
    degrees = np.degrees(2 * np.arcsin(np.clip(apart / 2, 0, 1)))
    return 60 * np.maximum(degrees - reach, 0.0), np.inf


SUMS: dict[str, Operation] = {"+": _plus, "-": lambda one, other: _plus(one, negative(other))}
PRODUCTS: dict[str, Operation] = {"*": _times, "/": _over, "%": lambda *_: UNKNOWN}
COMPARISONS: dict[str, Callable[[Interval, Interval], Any]] = {
    "<": lambda a, b: a[0] <= b[1], "<=": lambda a, b: a[0] <= b[1],
    ">": lambda a, b: a[1] >= b[0], ">=": lambda a, b: a[1] >= b[0],
    "!>": lambda a, b: a[0] <= b[1], "!<": lambda a, b: a[1] >= b[0],
    "=": lambda a, b: (a[0] <= b[1]) & (a[1] >= b[0]),
    "<>": lambda *_: True, "!=": lambda *_: True,
}  # fmt: skip
