"""The columns that came with the targets, as text in the manifest, and back again."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from astropy.table import Column, MaskedColumn, Table
from astropy.table.serialize import represent_mixins_as_columns
from astropy.utils.data_info import serialize_context_as

__all__ = ["from_text", "header_text", "row_dicts", "row_texts"]


def header_text(table: Table) -> str:
    """Return what is needed to build the columns again: an ECSV header; empty for no columns."""
    if not table.colnames:
        return ""
    # One row, as astropy knows the type of some columns by their first value only.
    text, plain = io.StringIO(), _plain(table)[:1]
    for name in plain.colnames:
        if plain[name].dtype.kind in _AS_TEXT:
            plain[name] = MaskedColumn([""] * len(plain), dtype=str)
    plain.write(text, format="ascii.ecsv", delimiter=",")
    lines = text.getvalue().splitlines(keepends=True)
    names = next(n for n, line in enumerate(lines) if not line.startswith("#"))
    return "".join(lines[: names + 1])


# Objects, dates and complex numbers, for which JSON or ECSV has no form.
_AS_TEXT = "OMmc"


def _plain(table: Table) -> Table:
    """Return the table without mixin columns, those that ECSV has in their place."""
    with serialize_context_as("ecsv"):
        return represent_mixins_as_columns(table)


def row_texts(table: Table) -> list[str]:
    """Return each row as JSON, identifiers to the last digit and masked values as null."""
    if not table.colnames:
        return [""] * len(table)
    return [json.dumps(list(row.values()), ensure_ascii=False) for row in row_dicts(table)]


def row_dicts(table: Table) -> list[dict[str, Any]]:
    """Return each row as plain values, those of mixin columns in the columns that ECSV has."""
    plain = _plain(table)
    columns = [_values(plain[name]) for name in plain.colnames]
    return [dict(zip(plain.colnames, row, strict=True)) for row in zip(*columns, strict=True)]


def _values(column: Column | MaskedColumn) -> list[object]:
    if column.dtype.kind == "S":  # a Column would raise for bytes that are not UTF-8
        masked = np.broadcast_to(getattr(column, "mask", False), column.shape)
        values = np.ma.MaskedArray(np.char.decode(np.asarray(column), "utf-8", "replace"), masked)
        return list(values.tolist())
    if column.dtype.kind in _AS_TEXT:
        return [_as_text(value) for value in column.tolist()]
    return list(column.tolist())


def _as_text(value: object) -> object:
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def from_text(header: str, rows: Iterable[Sequence[object]]) -> Table:
    """Return the columns that `header_text` and `row_texts` were made from."""
    text = io.StringIO(newline="")
    text.write(header)
    writer = csv.writer(text, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
    for row in rows:
        writer.writerow([json.dumps(v) if isinstance(v, list) else v for v in row])
    return Table.read(text.getvalue(), format="ascii.ecsv")
