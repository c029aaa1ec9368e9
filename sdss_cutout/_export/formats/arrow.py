"""Arrow arrays from NumPy's, made of buffers.

``pyarrow.array`` would import pandas, where it is installed, for 50 MB of memory.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sdss_cutout._export.columns import ExportColumn

__all__ = ["arrow_array", "arrow_type", "binary_array", "struct_array"]


def arrow_type(column: ExportColumn) -> Any:
    """Return Arrow's type of a column."""
    import pyarrow as pa

    kind = pa.string() if column.is_text else pa.from_numpy_dtype(column.values.dtype)
    for _ in range(column.values.ndim - 1):
        kind = pa.list_(kind)
    return kind


def arrow_array(column: ExportColumn, rows: NDArray[np.int64]) -> Any:
    """Return some rows of a column, null where values are missing."""
    values, missing = column.values[rows], column.missing[rows]
    array = _flat_array(values.ravel(), missing.ravel())
    for depth in range(values.ndim - 1, 0, -1):
        array = _lists(array, math.prod(values.shape[:depth]), values.shape[depth])
    return array


def _flat_array(values: NDArray[Any], missing: NDArray[np.bool_]) -> Any:
    import pyarrow as pa

    if values.dtype.kind == "S":
        return binary_array(values.tolist(), pa.string(), missing)
    kind = pa.from_numpy_dtype(values.dtype)
    plain = np.packbits(values, bitorder="little") if values.dtype.kind == "b" else values
    data = pa.py_buffer(np.ascontiguousarray(plain))
    return pa.Array.from_buffers(kind, len(values), [_validity(missing), data])


def binary_array(
    values: Sequence[bytes], kind: Any, missing: NDArray[np.bool_] | None = None
) -> Any:
    """Return bytes, or text in UTF-8."""
    import pyarrow as pa

    offsets = np.fromiter(
        itertools.accumulate(map(len, values), initial=0), dtype=np.int32, count=len(values) + 1
    )
    buffers = [pa.py_buffer(offsets), pa.py_buffer(b"".join(values))]
    return pa.Array.from_buffers(kind, len(values), [_validity(missing), *buffers])


def struct_array(kind: Any, children: Sequence[Any]) -> Any:
    """Return structures of several arrays."""
    import pyarrow as pa

    return pa.Array.from_buffers(kind, len(children[0]), [None], children=list(children))


def _lists(array: Any, count: int, length: int) -> Any:
    """Return an array as lists of the same length each."""
    import pyarrow as pa

    offsets = pa.py_buffer(np.arange(count + 1, dtype=np.int32) * length)
    return pa.Array.from_buffers(pa.list_(array.type), count, [None, offsets], children=[array])


def _validity(missing: NDArray[np.bool_] | None) -> Any:
    import pyarrow as pa

    if missing is None or not missing.any():
        return None
    return pa.py_buffer(np.packbits(~missing, bitorder="little"))
