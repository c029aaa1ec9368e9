"""Which pictures and which columns go into a training set."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sdss_cutout._errors import RequestError, TargetError
from sdss_cutout._export.columns import ExportColumn, free_name
from sdss_cutout._export.format import Format
from sdss_cutout._export.source import KEPT, OK, Positions
from sdss_cutout._export.table import CompactTable

__all__ = ["Choice", "choose_columns", "choose_rows"]

_RESERVED = ("image", "file_name", "label", "wcs")
_SAME_PLACE = 1e-9  # degrees; positions are sent with ten decimals


def choose_rows(table: CompactTable) -> NDArray[np.int64]:
    """Return the rows with a picture; one that was selected twice goes in once.

    Raises
    ------
    TargetError
        If there are none.
    """
    seen: set[str] = set()
    rows = []
    for row, (name, status) in enumerate(
        zip(table.texts("name"), table.texts("status"), strict=True)
    ):
        if status in (OK, KEPT) and name not in seen:
            seen.add(name)
            rows.append(row)
    if not rows:
        raise TargetError(
            f"none of the {len(table)} targets has a picture, so there is nothing to export; see "
            "the columns status and error of the table"
        )
    return np.array(rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The columns of a training set.

    Attributes
    ----------
    columns : list of ExportColumn
        In the order of the table, then ours.
    label : ExportColumn or None
        The one that is called ``label``.
    renamed : dict
        Columns of the table that have another name now.
    """

    columns: list[ExportColumn]
    label: ExportColumn | None
    renamed: dict[str, str]


def choose_columns(
    table: CompactTable,
    rows: NDArray[np.int64],
    positions: Positions,
    form: Format,
    *,
    label: str | None,
    columns: Sequence[str] | None,
) -> Choice:
    """Return the columns of the table that are wanted, the label, and ours.

    Raises
    ------
    RequestError
        If a column does not exist, or cannot be a label.
    TargetError
        If a target has no label.
    """
    wanted = _wanted(table, label, columns)
    ours = _our_columns(positions, len(table))
    same = {name: column for name, column in ours.items() if _is_same(table, rows, column)}
    label_column = None if label is None else _label_column(table, rows, label)
    chosen: list[ExportColumn] = []
    taken = {*wanted, *ours}
    for column in table.all_plain(wanted):
        if label_column is not None and column.source == label:
            chosen.append(label_column)
        elif column.source in same:
            chosen.append(replace(column, values=column.values, unit="deg"))
        else:
            reserved = {*_RESERVED, *form.own_columns, *ours}
            chosen.append(_named(column, reserved, taken, form.forbidden))
            taken.add(chosen[-1].name)
    names = {column.name for column in chosen}
    chosen += [column for name, column in ours.items() if name not in names]
    renamed = {c.source: c.name for c in chosen if c.source not in ("", c.name, label)}
    return Choice(columns=chosen, label=label_column, renamed=renamed)


def _wanted(table: CompactTable, label: str | None, columns: Sequence[str] | None) -> list[str]:
    names = [columns] if isinstance(columns, str) else columns
    wanted = list(table.names if names is None else dict.fromkeys(names))
    wanted += [label] if label is not None and label not in wanted else []
    for name in wanted:
        if name not in table.names:
            raise RequestError(
                f"there is no column {name!r}; the table has {', '.join(table.names)}"
            )
    return wanted


def _named(
    column: ExportColumn, reserved: set[str], taken: Iterable[str], forbidden: str
) -> ExportColumn:
    name = "".join("_" if c in forbidden else c for c in column.name)
    if forbidden and not name.strip("."):
        name = f"_{name}"
    clean = replace(column, name=name)
    return free_name(clean, reserved, {*taken} - {column.source})


def _our_columns(positions: Positions, length: int) -> dict[str, ExportColumn]:
    described = {
        "ra": (positions.ra, "deg", "ICRS right ascension of the picture"),
        "dec": (positions.dec, "deg", "ICRS declination of the picture"),
        "release": (positions.release, "", "SDSS data release"),
    }
    return {
        name: ExportColumn(
            name=name,
            source="",
            values=values,
            missing=np.zeros(length, dtype=bool),
            unit=unit,
            description=description,
        )
        for name, (values, unit, description) in described.items()
    }


def _is_same(table: CompactTable, rows: NDArray[np.int64], ours: ExportColumn) -> bool:
    """Return whether a column of the table is our position: degrees, ICRS, none missing."""
    if ours.name not in table.names or ours.unit != "deg":
        return False
    column = table[ours.name]
    if column.values.dtype.kind != "f" or column.values.ndim > 1 or column.missing[rows].any():
        return False
    apart = np.abs(column.values[rows] - ours.values[rows])
    return column.unit in ("", "deg") and bool((apart < _SAME_PLACE).all())


# ------------------------------------------------------------------------------------ label


def _label_column(table: CompactTable, rows: NDArray[np.int64], label: str) -> ExportColumn:
    columns = table.plain(label)
    if len(columns) > 1 or columns[0].values.ndim > 1:
        raise RequestError(
            f"the column {label!r} cannot be the label: it has several values per row"
        )
    column = replace(columns[0], name="label", source=label)
    if (row := first_without(column, rows)) is not None:
        raise TargetError(
            f"target {row} ({table.text('name', row)!r}) has no label: {label} is missing. Leave "
            f'such targets out, as report[report.table["{label}"] == ...].export(...), or give '
            "another column"
        )
    return column


def first_without(column: ExportColumn, rows: NDArray[np.int64]) -> int | None:
    """Return the first of some rows that has no value, or an empty text."""
    without = ~column.present(rows)
    if column.is_text:
        without |= column.values[rows] == b""
    return int(rows[without.argmax()]) if without.any() else None
