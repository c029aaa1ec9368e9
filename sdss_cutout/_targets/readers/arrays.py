"""Parquet, Arrow, DataFrames, record arrays and JSON: columns whose types are known.

Integers stay integers where some are missing, which astropy's reader of Parquet and pandas'
default types turn into floating-point numbers.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from astropy.io import fits
from astropy.table import Column, MaskedColumn, Table
from numpy.typing import NDArray

from sdss_cutout._errors import TargetError
from sdss_cutout._targets.readers.binary import table_of_hdu
from sdss_cutout._targets.readers.source import (
    Content,
    TableSource,
    missing_as_nan,
    note_repeated,
    unique_names,
)

__all__ = [
    "is_dataframe",
    "is_record",
    "is_records",
    "read_feather",
    "read_json",
    "read_parquet",
    "table_of",
]


# ------------------------------------------------------------------------ Parquet and Arrow


def read_parquet(content: Content) -> tuple[TableSource, ...]:
    """Return the table in a Parquet file."""
    import pyarrow.parquet

    with pyarrow.parquet.ParquetFile(content.source()) as file:
        schema = file.schema_arrow
    if b"table_meta_yaml" in (schema.metadata or {}):  # astropy wrote it
        return _one(missing_as_nan(Table.read(content.source(), format="parquet")))
    # Text comes as codes and words, as it is in the file: half the time.
    texts = [field.name for field in schema if _is_text(field.type)]
    with pyarrow.parquet.ParquetFile(content.source(), read_dictionary=texts) as file:
        return _one(_table_of_arrow(file.read()))


def read_feather(content: Content) -> tuple[TableSource, ...]:
    """Return the table in a Feather file, which is Arrow's own."""
    import pyarrow.feather

    return _one(_table_of_arrow(pyarrow.feather.read_table(content.source())))


def _one(table: Table) -> tuple[TableSource, ...]:
    return (TableSource(name="0", number="0", colnames=table.colnames, read=lambda: table),)


# What pandas calls an index without a name.
_UNNAMED_INDEX = "__index_level_"


def _table_of_arrow(arrow: Any) -> Table:
    kept = [
        number for number, name in enumerate(arrow.column_names)
        if not name.startswith(_UNNAMED_INDEX)
    ]  # fmt: skip
    names = [arrow.column_names[number] for number in kept]
    columns = [_column_of_arrow(arrow.column(number)) for number in kept]
    return note_repeated(Table(columns, names=unique_names(names), copy=False), names)


def _column_of_arrow(values: Any) -> Column | NDArray[Any]:
    """Return an Arrow column: numbers and text as such, whatever is nested as objects."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = values.type
    if _is_text(kind.value_type if pa.types.is_dictionary(kind) else kind):
        return _masked(_text_of_arrow(values), values)
    if pa.types.is_dictionary(kind):
        values, kind = _without_dictionary(values, kind.value_type), kind.value_type
    if pa.types.is_floating(kind):
        return values.to_numpy()  # missing ones become NaN
    if pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        filled = pc.fill_null(values, pa.scalar(0).cast(kind)).to_numpy()
        return _masked(filled, values)
    if pa.types.is_decimal(kind) and kind.scale == 0:
        return _exact(values.to_pylist())
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return values.to_numpy()
    return Column(_objects(values.to_pylist()))


def _without_dictionary(values: Any, kind: Any) -> Any:
    """Return the values that the codes of categories stand for."""
    import pyarrow as pa

    chunks = [
        pa.DictionaryArray.from_arrays(chunk.indices, chunk.dictionary.cast(kind)).cast(kind)
        for chunk in values.chunks
    ]
    return pa.chunked_array(chunks, type=kind)


def _is_text(kind: Any) -> bool:
    return str(kind) in ("string", "large_string", "string_view")


def _masked(filled: NDArray[Any], values: Any) -> Column:
    if not values.null_count:
        return Column(filled)
    return MaskedColumn(filled, mask=values.is_null().to_numpy())


def _text_of_arrow(values: Any) -> NDArray[np.str_]:
    """Return text, empty where missing; each distinct one is turned once."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if values.num_chunks == 0:
        return np.array([], dtype=str)
    if pa.types.is_dictionary(values.type) and "view" in str(values.type):  # polars' categories
        values = _without_dictionary(values, pa.large_string())
    if not pa.types.is_dictionary(values.type):
        values = values.cast(pa.large_string()).dictionary_encode()
    values = values.unify_dictionaries()
    words = [word or "" for word in values.chunk(0).dictionary.to_pylist()]
    codes = [pc.fill_null(chunk.indices.cast(pa.int64()), len(words)) for chunk in values.chunks]
    return np.array([*words, ""], dtype=str)[np.concatenate([code.to_numpy() for code in codes])]


def _objects(values: Sequence[Any]) -> NDArray[Any]:
    """Return one object per row, also where these are lists of one length."""
    found = np.empty(len(values), dtype=object)
    for row, value in enumerate(values):
        found[row] = value
    return found


# --------------------------------------------------------------------------------- exact


def _exact(values: Sequence[Any]) -> Column:
    """Return whole numbers in the smallest type that holds them all, masked where None."""
    mask = [value is None for value in values]
    whole = [0 if value is None else int(value) for value in values]
    low, high = min(whole, default=0), max(whole, default=0)
    if low >= -(2**63) and high < 2**63:
        kind: Any = np.int64
    elif low >= 0 and high < 2**64:
        kind = np.uint64
    else:
        whole, kind = [str(value) for value in whole], str  # type: ignore[misc]
    filled = np.array(whole, dtype=kind)
    return MaskedColumn(filled, mask=mask) if any(mask) else Column(filled)


# ------------------------------------------------------------- DataFrames, record arrays


def is_dataframe(given: Any) -> bool:
    """Return whether this is a pandas DataFrame, or a table that gives itself as Arrow."""
    pandas = sys.modules.get("pandas")
    if pandas is not None and isinstance(given, pandas.DataFrame):
        return True
    # A DataFrame of polars, a Table of pyarrow; a Series has no columns.
    return hasattr(given, "__arrow_c_stream__") and hasattr(given, "columns")


def is_records(given: Any) -> bool:
    """Return whether this is an array with named fields, or an HDU with such."""
    return isinstance(given, fits.BinTableHDU | fits.TableHDU | fits.FITS_record) or (
        isinstance(given, np.ndarray | np.void) and given.dtype.names is not None
    )


def is_record(given: Any) -> bool:
    """Return whether this is one row of an array with named fields."""
    return isinstance(given, fits.FITS_record) or (
        isinstance(given, np.void) and given.dtype.names is not None
    )


def table_of(given: Any) -> Table:
    """Return a DataFrame, a record array or an HDU as a table.

    Raises
    ------
    TargetError
        If it cannot be one.
    """
    if is_records(given):
        return _table_of_records(given)
    try:
        if not hasattr(given, "iloc"):
            import pyarrow

            return _table_of_arrow(pyarrow.table(given))
        return _table_of_pandas(given)
    except TargetError:
        raise
    except (ValueError, TypeError, NotImplementedError, ImportError) as error:
        said = " ".join(str(error).split())
        raise TargetError(f"the DataFrame cannot be turned into a table: {said}") from error


def _table_of_records(given: Any) -> Table:
    if isinstance(given, fits.FITS_record):
        given = given.array[given.row : given.row + 1]
    if isinstance(given, np.void):
        given = np.array([given], dtype=given.dtype)
    if isinstance(given, fits.FITS_rec):  # which knows of units, unsigned integers and missing ones
        given = fits.BinTableHDU(given)
    if not isinstance(given, np.ndarray):
        return table_of_hdu(given)
    if given.ndim > 1:
        raise TargetError(f"a record array of shape {given.shape} is not a list of targets")
    return missing_as_nan(Table(np.atleast_1d(given)))


def _table_of_pandas(frame: Any) -> Table:
    """Return a DataFrame as a table; an index with a name is a column that was set aside."""
    named = [name for name in frame.index.names if name is not None]
    if named:
        unnamed = [level for level, name in enumerate(frame.index.names) if name is None]
        frame = frame.reset_index(level=unnamed, drop=True) if unnamed else frame
        frame = frame.reset_index(allow_duplicates=True)
    names = [str(name) for name in frame.columns]
    if twice := [name for name, count in Counter(names).items() if count > 1]:
        raise TargetError(
            f"the DataFrame has the column {twice[0]!r} more than once; keep one of them"
        )
    table = Table.from_pandas(frame.set_axis(names, axis="columns"))
    return missing_as_nan(table)


# ---------------------------------------------------------------------------------- JSON


def read_json(content: Content) -> tuple[TableSource, ...]:
    """Return the table in JSON: a list of objects, one object per line, or one of lists."""
    text = content.bytes().decode("utf-8-sig")
    try:
        rows = json.loads(text, object_pairs_hook=_object)
    except json.JSONDecodeError:
        lines = [line for line in text.splitlines() if line.strip()]
        rows = [json.loads(line, object_pairs_hook=_object) for line in lines]
    if isinstance(rows, dict):
        rows = _rows_of_columns(rows)
    if not all(isinstance(row, dict) for row in rows):
        raise ValueError("it is not a list of objects, one for each target")
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns = [_column_of_values([row.get(name) for row in rows]) for name in names]
    return _one(Table(columns, names=names))


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError(f"of {list(found)} one is there more than once in an object")
    return found


def _rows_of_columns(columns: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the rows of an object with a list for each column, or the object as the only row."""
    if not all(isinstance(values, list) for values in columns.values()):
        return [columns]
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _column_of_values(values: list[Any]) -> Column:
    """Return a column of what JSON has: numbers, text, null, and anything else as objects."""
    present = {type(value) for value in values if value is not None}
    if present == {int}:
        return _exact(values)
    exact = all(abs(value) < 2**53 for value in values if type(value) is int)
    if present and present <= {int, float} and exact:
        return Column([np.nan if value is None else float(value) for value in values])
    if present == {str}:
        mask = [value is None for value in values]
        texts = np.array([value or "" for value in values], dtype=str)
        return MaskedColumn(texts, mask=mask) if any(mask) else Column(texts)
    return Column(_objects(values))
