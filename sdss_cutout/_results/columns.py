"""The one list of result columns, and the tables, JSON lines and headers that are made from it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from astropy.table import Column, Table, hstack

__all__ = [
    "MANIFEST_COLUMNS",
    "RESULT_COLUMNS",
    "ResultColumn",
    "beside_ours",
    "json_row",
    "jsonable",
    "result_table",
]


@dataclass(frozen=True, slots=True)
class ResultColumn:
    """One column of results.

    Attributes
    ----------
    name : str
        The column's name, and the attribute of `Cutout` that it shows.
    dtype : str
        numpy's code of the type.
    description : str
        What it holds, for the docs and for the column's own description.
    unit : str
        The unit, as astropy writes it.
    """

    name: str
    dtype: str
    description: str
    unit: str = ""


_COLUMNS = {
    column.name: column
    for column in (
        ResultColumn("name", "U", "name of the target, the stem of its files"),
        ResultColumn("status", "U", "ok, kept, outside or failed"),
        ResultColumn("path", "U", "the picture's file; empty if there is none"),
        ResultColumn("sidecar", "U", "the FITS header beside the picture; empty if there is none"),
        ResultColumn("url", "U", "the URL that asks for the picture"),
        ResultColumn("ra", "f8", "ICRS right ascension that was asked for", "deg"),
        ResultColumn("dec", "f8", "ICRS declination that was asked for", "deg"),
        ResultColumn("width", "i8", "width in pixels"),
        ResultColumn("height", "i8", "height in pixels"),
        ResultColumn("scale", "f8", "angle per pixel", "arcsec / pix"),
        ResultColumn("overlays", "U", "letters of the server's overlays"),
        ResultColumn("bands", "U", "bands of calibrated data; empty for a colour picture"),
        ResultColumn("release", "i8", "SDSS data release"),
        ResultColumn("coverage", "f8", "part of the picture that has imaging, 0 to 1"),
        ResultColumn("nbytes", "i8", "size of the file", "byte"),
        ResultColumn("sha256", "U", "checksum of the file"),
        ResultColumn("source_sha256", "U", "checksum of the bytes that the server sent"),
        ResultColumn("attempts", "i8", "requests that were sent in the run that fetched this"),
        ResultColumn("error", "U", "what went wrong; empty if nothing did"),
        ResultColumn("origin", "U", "what the server calls itself"),
        ResultColumn("date", "U", "when the server answered, UTC"),
    )
}


def _chosen(names: str) -> tuple[ResultColumn, ...]:
    return tuple(_COLUMNS[name] for name in names.split())


RESULT_COLUMNS = _chosen(
    "name status path sidecar url width height scale coverage nbytes sha256 attempts error"
)
"""What a list or report adds to the input columns, in this order."""

MANIFEST_COLUMNS = _chosen(
    "name status url ra dec width height scale overlays bands release coverage nbytes sha256 "
    "source_sha256 attempts error origin date"
)
"""What ``manifest.ecsv`` has after the input columns: no paths, as directories are moved."""


# What a table may say of where it is from; the rest of its metadata is not ours to pass on.
_PROVENANCE = ("query", "source")


def beside_ours(table: Table, columns: Iterable[ResultColumn] = RESULT_COLUMNS) -> Table:
    """Return the table with columns whose name is one of ours renamed to ``input_NAME``."""
    renamed = table.copy(copy_data=False)
    for name in {column.name for column in columns} & set(table.colnames):
        new = f"input_{name}"
        while new in renamed.colnames:
            new = f"input_{new}"
        renamed.rename_column(name, new)
    renamed.meta = {key: table.meta[key] for key in _PROVENANCE if key in table.meta}
    return renamed


def result_table(input_table: Table, values: Mapping[str, Sequence[Any]]) -> Table:
    """Return the input columns, followed by ours.

    Parameters
    ----------
    input_table : `~astropy.table.Table`
        The columns that came with the targets; none for bare coordinates.
    values : mapping of str to sequence
        The values of each of our columns, one per target.
    """
    table = Table(
        [
            Column(
                np.asarray(values[column.name], dtype=column.dtype),
                name=column.name,
                unit=column.unit or None,
                description=column.description,
            )
            for column in RESULT_COLUMNS
        ]
    )
    if not input_table.colnames:
        return table
    return hstack([beside_ours(input_table), table], join_type="exact")


def json_row(input_values: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return one target's row as strict JSON can hold it: the input columns, then ours."""
    ours = {column.name: values[column.name] for column in RESULT_COLUMNS}
    return {name: jsonable(name, value) for name, value in (dict(input_values) | ours).items()}


# Beyond this, readers of JSON that hold numbers as floats lose digits.
_LARGEST_EXACT_FLOAT = 2**53


def jsonable(name: str, value: Any) -> Any:
    """Return a value as strict JSON can hold it, at any depth.

    Identifiers beyond what a float holds are text, what is not a number is null.
    """
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, int) and not isinstance(value, bool):
        exact = abs(value) <= _LARGEST_EXACT_FLOAT and not name.lower().endswith("objid")
        return value if exact else str(value)
    if isinstance(value, list | tuple):
        return [jsonable(name, item) for item in value]
    if isinstance(value, dict):
        return {str(key): jsonable(str(key), item) for key, item in value.items()}
    return value if isinstance(value, str | bool | None) else str(value)
