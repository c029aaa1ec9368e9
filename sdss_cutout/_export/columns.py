"""The columns of a training set: plain values, exact identifiers, names that no reader misreads."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from astropy.table import Column, MaskedColumn, Table
from astropy.table.serialize import represent_mixins_as_columns
from astropy.utils.data_info import serialize_context_as
from numpy.typing import NDArray

__all__ = ["ExportColumn", "free_name", "looks_like_dates", "plain_columns"]

# Beyond this, readers of JSON that hold numbers as floats lose digits.
_EXACT_IN_FLOATS = 2**53

# Names that Hugging Face's imagefolder takes for pictures.
_PICTURE_NAME = re.compile(r"(?:(.*)_)?file_(names?)", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportColumn:
    """One column of a training set, one row per target.

    Attributes
    ----------
    name : str
        What it is called in the training set.
    source : str
        What it is called in the table.
    values : ndarray, shape (n, ...)
        Booleans, integers, floats, or text as UTF-8.
    missing : ndarray of bool, shape (n, ...)
        Where there is no value.
    unit, description : str
        For the dataset card, and for formats that have units.
    typed : bool
        Whether missing values are written as NaN or as empty text rather than as null: a reader
        that knows the type of a column by its first values needs this where these are missing.
    """

    name: str
    source: str
    values: NDArray[Any]
    missing: NDArray[np.bool_]
    unit: str = ""
    description: str = ""
    typed: bool = False

    @property
    def is_text(self) -> bool:
        """Whether the values are text."""
        return self.values.dtype.kind == "S"

    @property
    def is_identifier(self) -> bool:
        """Whether the values are integers that lose digits as floating-point numbers."""
        if self.values.dtype.kind not in "iu" or not self.values.size:
            return False
        if self.source.casefold().endswith("objid"):
            return True
        values = self.values[~self.missing]
        return bool(values.size) and max(-int(values.min()), int(values.max())) > _EXACT_IN_FLOATS

    def present(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return which of some rows have a value, at least in one of their elements."""
        return np.asarray(self._present(rows).reshape(len(rows), -1).any(axis=1))

    def has_gaps(self, rows: NDArray[np.int64]) -> bool:
        """Return whether a value is missing in some rows, or an element of one."""
        return not self._present(rows).all()

    def _present(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        present: NDArray[np.bool_] = ~self.missing[rows]
        if self.values.dtype.kind == "f":
            present &= np.isfinite(self.values[rows])
        return present

    def exact(self, rows: NDArray[np.int64]) -> list[Any]:
        """Return the values of some rows as Python has them, None where they are missing."""
        chosen, missing = self.values[rows], self.missing[rows]
        values = (np.char.decode(chosen, "utf-8") if self.is_text else chosen).tolist()
        return _mapped(_or_none, values, missing.tolist()) if missing.any() else values

    def as_text(self) -> ExportColumn:
        """Return the same column with its values as text."""
        return self if self.is_text else replace(self, values=_encoded(_texts(self.values)))

    def jsonable(self, rows: NDArray[np.int64]) -> list[Any]:
        """Return the values of some rows as JSON holds them: identifiers as text, NaN as null.

        Where the column is `typed`, missing texts are empty, and other missing values NaN.
        """
        values, is_float = self.exact(rows), self.values.dtype.kind == "f"
        as_text = self.is_text or self.is_identifier
        if not (self.typed or self.is_identifier or is_float):
            return values
        none = None if not self.typed else "" if as_text else math.nan
        convert: Callable[[Any], Any] = str if as_text else float

        def convert_one(value: Any) -> Any:
            present = value is not None and not (is_float and not math.isfinite(value))
            return convert(value) if present else none

        return _mapped(convert_one, values)


def _or_none(value: Any, missing: bool) -> Any:
    return None if missing else value


def _mapped(function: Callable[..., Any], *values: Any) -> list[Any]:
    """Apply a function to each element of lists, however deep."""
    return [
        _mapped(function, *items) if isinstance(items[0], list) else function(*items)
        for items in zip(*values, strict=True)
    ]


# ----------------------------------------------------------------------------- plain values


def plain_columns(table: Table, name: str) -> list[ExportColumn]:
    """Return a column of a table with plain values; a mixin column may become several."""
    with serialize_context_as("ecsv"):
        plain = represent_mixins_as_columns(table[[name]])
    return [_plain_column(plain[part]) for part in plain.colnames]


def _plain_column(column: Column | MaskedColumn) -> ExportColumn:
    values = np.asarray(column)
    mask = np.broadcast_to(np.asarray(getattr(column, "mask", False)), values.shape)
    if mask.dtype != bool:  # structured values have a structured mask
        values, mask = _texts(values), np.zeros(values.shape, dtype=bool)
    values, missing = _KINDS.get(values.dtype.kind, _of_others)(values, mask)
    return ExportColumn(
        name=column.name,
        source=column.name,
        values=_encoded(values) if values.dtype.kind == "U" else values,
        missing=missing,
        unit=str(column.unit or ""),
        description=" ".join(str(column.description or "").split()),
    )


def _encoded(values: NDArray[np.str_]) -> NDArray[np.bytes_]:
    return np.char.encode(values, "utf-8", "replace")


_Plain = tuple[NDArray[Any], NDArray[np.bool_]]


def _of_numbers(values: NDArray[Any], mask: NDArray[np.bool_]) -> _Plain:
    """Return numbers in the machine's byte order, and of at most 64 bits."""
    if values.dtype.kind == "f" and values.dtype.itemsize > 8:
        return values.astype(np.float64), mask
    return values.astype(values.dtype.newbyteorder("="), copy=False), mask


def _of_bytes(values: NDArray[Any], mask: NDArray[np.bool_]) -> _Plain:
    return np.char.decode(values, "utf-8", "replace"), mask


def _of_dates(values: NDArray[Any], mask: NDArray[np.bool_]) -> _Plain:
    return np.asarray(np.datetime_as_string(values), dtype=str), mask | np.isnat(values)


def _of_objects(values: NDArray[Any], mask: NDArray[np.bool_]) -> _Plain:
    """Return a column of Python objects as what they all are: booleans, integers, floats, text."""
    missing = mask | np.array([_is_none(v) for v in values.flat], dtype=bool).reshape(values.shape)
    present = values[~missing].tolist()
    for dtype, fits in _PYTHON_TYPES.items():
        if present and all(fits(value) for value in present):
            return np.where(missing, 0, values).astype(dtype), missing
    return np.where(missing, "", _texts(values)), missing


def _is_integer(value: object, low: int, high: int) -> bool:
    is_integer = isinstance(value, int | np.integer) and not isinstance(value, bool)
    return is_integer and low <= int(value) <= high  # type: ignore[call-overload]


_PYTHON_TYPES: dict[str, Callable[[object], bool]] = {
    "?": lambda value: isinstance(value, bool | np.bool_),
    "i8": lambda value: _is_integer(value, -(2**63), 2**63 - 1),
    "u8": lambda value: _is_integer(value, 0, 2**64 - 1),
    "f8": lambda value: isinstance(value, float) or _is_integer(value, -(2**53), 2**53),
}


def _is_none(value: object) -> bool:
    return value is None or value is np.ma.masked


def _of_others(values: NDArray[Any], mask: NDArray[np.bool_]) -> _Plain:
    return _texts(values), mask


_KINDS: dict[str, Callable[[NDArray[Any], NDArray[np.bool_]], _Plain]] = {
    "b": _of_numbers, "i": _of_numbers, "u": _of_numbers, "f": _of_numbers,
    "U": lambda values, mask: (values, mask),
    "S": _of_bytes, "M": _of_dates, "O": _of_objects,
}  # fmt: skip


def _texts(values: NDArray[Any]) -> NDArray[np.str_]:
    texts = [_text(value) for value in values.ravel().tolist()]
    return np.array(texts, dtype=str).reshape(values.shape)


def _text(value: object) -> str:
    """Return any value as text: bytes decoded, lists and such as JSON where that has a form."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, list | tuple | dict):
        return json.dumps(value, default=str, ensure_ascii=False)
    return str(value)


# ------------------------------------------------------------------------------------ names


def free_name(column: ExportColumn, reserved: Iterable[str], taken: Iterable[str]) -> ExportColumn:
    """Return the column under a name that no reader takes for something else.

    Readers fill ``image``, and take ``file_name`` and what ends in ``_file_name`` for the path of a
    picture; others are ours. Such a column is called ``input_NAME``, without ``file_name`` in it.
    """
    name, taken = column.name, set(taken)
    picture = _PICTURE_NAME.fullmatch(name)
    if picture is None and name not in {*reserved, *taken}:
        return column
    if picture is not None:
        name = f"{picture[1]}_file{picture[2]}" if picture[1] is not None else f"file{picture[2]}"
    name = f"input_{name}"
    while name in taken:
        name = f"input_{name}"
    return replace(column, name=name)


# What Arrow's JSON reader takes for a time.
_DATE = re.compile(rb"\d{4}-\d\d-\d\d(?:[ T]\d\d(?::?\d\d(?::?\d\d(?:\.\d{1,9})?)?)?Z?)?")


def looks_like_dates(column: ExportColumn, rows: NDArray[np.int64]) -> bool:
    """Return whether all texts in some rows are dates, as Hugging Face's reader takes them."""
    if not column.is_text or column.typed:
        return False
    values = column.values[rows][~column.missing[rows]].ravel().tolist()
    return bool(values) and all(_DATE.fullmatch(value) for value in values)
