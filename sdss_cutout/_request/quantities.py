"""Quantities as users pass them: text with a unit, lists, and columns whose mask was lost."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import astropy.units as u
import numpy as np
from astropy.table import MaskedColumn, Table
from numpy.typing import NDArray

from sdss_cutout._errors import RequestError
from sdss_cutout._request.options import RequestOptions
from sdss_cutout._targets.rows import first_bad_row
from sdss_cutout._targets.units import parse_unit

__all__ = ["refuse_lost_mask", "with_quantities"]

_ANGLE = re.compile(r" *([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?) *([^\d\s].*?) *", re.ASCII)


def with_quantities(options: RequestOptions) -> RequestOptions:
    """Return the options with one Quantity for each list or text of such."""
    fov = options.fov
    return replace(
        options,
        fov=_angle_of_text(fov, "fov") if isinstance(fov, str) else _one_quantity(fov, "fov"),
        **{name: _one_quantity(getattr(options, name), name) for name in _OTHERS},
    )


_OTHERS = ("scale", "size", "width", "height")


def _angle_of_text(text: str, name: str) -> u.Quantity:
    """Return the angle in a text such as ``1arcmin``.

    Raises
    ------
    RequestError
        If it is not a number with the unit of an angle.
    """
    found = _ANGLE.fullmatch(text)
    unit = parse_unit(found[2]) if found and not found[2].startswith(":") else None
    if found is None or unit is None or unit == u.hourangle:
        raise RequestError(
            f"{name} = {text!r} is not a valid angle; it must be a number with a unit, such as "
            "'1arcmin', '90 arcsec' or '0.1deg'"
        )
    return float(found[1]) * unit


def _one_quantity(value: Any, name: str) -> Any:
    """Return one Quantity for a list of them; anything else as it is.

    Raises
    ------
    RequestError
        If the list cannot be one Quantity.
    """
    if not isinstance(value, list | tuple):
        return value
    items = [_angle_of_text(item, name) if isinstance(item, str) else item for item in value]
    if found := first_bad_row(np.array([item is np.ma.masked for item in items], dtype=bool)):
        row, more = found
        raise RequestError(f"target {row}: {name} is masked; a value is needed{more}")
    if not any(hasattr(item, "unit") for item in items):
        return value
    try:
        return u.Quantity(items)
    except (u.UnitConversionError, TypeError, ValueError) as error:
        raise RequestError(
            f"{name} is a list that cannot be one Quantity: {error}; give each value the same "
            "kind of unit"
        ) from error


def refuse_lost_mask(value: Any, name: str, table: Table, first_row: int) -> None:
    """Raise `RequestError` where a value comes from a masked one of the table.

    Multiplied by a unit, astropy's masked column becomes a Quantity without a mask. Where it was
    masked stands what numpy has left there: the factor itself, or what was beneath the mask.

    Parameters
    ----------
    value : Quantity or array
        One value per target.
    name : str
        What it is, for the message.
    table : Table
        The columns that came with the targets.
    first_row : int
        Row number of the first target.
    """
    if hasattr(value, "mask") or np.ndim(value) != 1 or len(value) != len(table):
        return
    values = np.asarray(getattr(value, "value", value))
    if values.dtype.kind not in "fiu" or len(values) == 0:
        return
    for column in table.itercols():
        if not isinstance(column, MaskedColumn) or column.dtype.kind not in "fiu":
            continue
        if column.ndim != 1 or not np.any(column.mask):
            continue
        if found := first_bad_row(_left_by_mask(values, column), first_row):
            row, more = found
            raise RequestError(
                f"target {first_row + row}: {name} is masked; a value is needed{more}. It comes "
                f"from column {column.name!r}, which loses its mask when it is multiplied by a "
                "unit: leave these rows out, fill the column in the table, or give a scalar"
            )


def _left_by_mask(values: NDArray[Any], column: MaskedColumn) -> NDArray[np.bool_]:
    """Return where a linear function of a column has what arithmetic leaves under a mask."""
    mask = np.asarray(column.mask)
    raw = np.asarray(column.data.data, dtype=np.float64)
    known = ~mask & np.isfinite(raw)
    nowhere, is_constant = np.zeros(len(values), dtype=bool), np.ptp(values) == 0
    if np.all(mask):  # the factor for every target
        return mask if is_constant else nowhere
    if is_constant or not np.any(known):
        return nowhere
    slope, offset = _line_through(raw[known], values[known].astype(np.float64))
    if not _close(slope * raw[known] + offset, values[known]).all() or slope == 0:
        return nowhere
    left = [slope, raw, slope * raw, slope * raw + offset, *([offset] if offset else [])]
    return mask & np.any([_close(values, candidate) for candidate in left], axis=0)


def _line_through(x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[float, float]:
    """Return slope and offset of the line through the two points that are farthest apart."""
    low, high = int(np.argmin(x)), int(np.argmax(x))
    if x[low] == x[high]:
        return (float(y[low] / x[low]), 0.0) if x[low] else (0.0, 0.0)
    slope = float((y[high] - y[low]) / (x[high] - x[low]))
    offset = float(y[low] - slope * x[low])
    return slope, 0.0 if abs(offset) < 1e-9 * abs(float(y[high])) else offset


def _close(one: Any, other: Any) -> NDArray[np.bool_]:
    with np.errstate(invalid="ignore"):
        return np.isclose(one, other, rtol=1e-9, atol=0)
