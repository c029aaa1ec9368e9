"""Which rows an index means: a number, a slice, a mask, numbers or names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["rows_of"]


def rows_of(index: Any, names: Sequence[str]) -> int | NDArray[np.int64]:
    """Return the row of a number or a name, or the rows of a slice, mask, numbers or names.

    Raises
    ------
    IndexError
        If a number or the length of a mask is beyond the list.
    KeyError
        If a name is not in the list.
    TypeError
        If this is none of these.
    """
    if isinstance(index, str):
        return _row_of_name(index, names)
    if isinstance(index, slice):
        return np.arange(len(names))[index]
    if isinstance(index, int | np.integer) and not isinstance(index, bool | np.bool_):
        return range(len(names))[index]
    array = np.ma.filled(np.ma.asarray(index), False) if _is_mask(index) else np.asarray(index)
    if array.ndim == 1 and not array.size:
        return np.zeros(0, np.int64)
    if array.ndim != 1 or array.dtype.kind not in "biuSUO":
        raise TypeError(
            f"{index!r} is not an index; it must be a number, a name, a slice, a boolean mask, or "
            "a list of numbers or names"
        )
    if array.dtype.kind in "SUO":
        return _rows_of_names(array.astype(str).tolist(), names)
    if array.dtype.kind == "b" and len(array) != len(names):
        raise IndexError(f"the mask has {len(array)} values for {len(names)} targets")
    return np.arange(len(names))[array]


def _is_mask(index: Any) -> bool:
    return np.ma.asarray(index).dtype.kind == "b"


def _rows_of_names(wanted: Sequence[str], names: Sequence[str]) -> NDArray[np.int64]:
    places = {name: row for row, name in enumerate(names)}
    for name in wanted:
        if name not in places:
            raise _unknown(name, names)
    return np.array([places[name] for name in wanted], np.int64)


def _row_of_name(name: str, names: Sequence[str]) -> int:
    try:
        return names.index(name)
    except ValueError:
        raise _unknown(name, names) from None


def _unknown(name: str, names: Sequence[str]) -> KeyError:
    return KeyError(f"{name!r} is not the name of one of the {len(names)} targets")
