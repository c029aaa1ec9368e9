"""Reads the marks that were made on a contact sheet.

The page writes them as CSV, in which nothing tells a name such as 7050 from a number. This module
reads names as text, and astropy's ``Table.read`` is told to do so for these files too, so that
what it returns joins with the table of a report.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import registry
from astropy.table import QTable, Table

from sdss_cutout._errors import TargetError

__all__ = ["mark_columns", "read_marks"]

# The first line of the file, as templates/marks.js writes it.
_HEADER = b"name,mark,comment,file,ra,dec"

_TEXT_COLUMNS = ("name", "mark", "comment", "file")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_DELIMITERS = (",", ";", "\t")  # the last two are those of spreadsheets


def read_marks(path: str | Path) -> Table:
    r"""Read the marks that a contact sheet exported.

    Parameters
    ----------
    path : str or `~pathlib.Path`
        The file, ``marks.csv`` by default. It may have been edited, also in a spreadsheet, and
        have more columns.

    Returns
    -------
    `~astropy.table.Table`
        One row per target that has a mark or a comment: ``name``, ``mark`` and ``comment`` as
        text, empty where there is none, and what else is in the file.

    Raises
    ------
    TargetError
        If the file cannot be read, has no columns ``name`` and ``mark``, or a name twice.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from sdss_cutout import read_marks
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "marks.csv")
    ...     _ = path.write_text("name,mark,comment\n7050,good,a bar\n7051,bad,\n")
    ...     print(read_marks(path))
    name mark comment
    ---- ---- -------
    7050 good   a bar
    7051  bad
    """
    path = Path(path).expanduser()
    try:
        text = path.read_bytes().removeprefix(_BYTE_ORDER_MARK).decode("utf-8")
        table = _table_of(text)
    except OSError as error:
        raise TargetError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:  # also what astropy raises for a line with too many values
        raise TargetError(f"{path} is not a CSV file of marks: {error}") from error
    _check(table, path)
    return table


def _table_of(text: str, **options: Any) -> Table:
    lines = text.replace("\r\n", "\n").split("\n")
    defaults = {
        "delimiter": next((mark for mark in _DELIMITERS if mark in lines[0]), ","),
        "converters": dict.fromkeys(_TEXT_COLUMNS, str),
    }
    table = Table.read(lines, format="ascii.csv", **(defaults | options))
    for name in _TEXT_COLUMNS:
        if name in table.colnames and hasattr(table[name], "filled"):
            table[name] = table[name].filled("").astype(str)
    return table


def _check(table: Table, path: Path) -> None:
    if missing := [name for name in ("name", "mark") if name not in table.colnames]:
        raise TargetError(
            f"{path} has no column {missing[0]!r}; its columns are {', '.join(table.colnames)}"
        )
    first: dict[str, int] = {}
    for row, name in enumerate(table["name"].tolist()):
        if name in first:
            raise TargetError(
                f"{path}, row {row}: the name {name!r} was in row {first[name]} already; keep one "
                "of the two"
            )
        first[name] = row


def mark_columns(names: Sequence[str], marks: Table) -> Table:
    """Return the marks of some targets, in the targets' order.

    Parameters
    ----------
    names : sequence of str
        The targets' names.
    marks : `~astropy.table.Table`
        As from `read_marks`.

    Returns
    -------
    `~astropy.table.Table`
        The columns ``mark`` and ``comment``, one row per name, empty where there is none.

    Raises
    ------
    TargetError
        If there are marks, but none of them belongs to one of the names.

    Examples
    --------
    >>> from astropy.table import Table
    >>> from sdss_cutout._views.marks import mark_columns
    >>> marks = Table({"name": ["7050"], "mark": ["good"], "comment": ["a bar"]})
    >>> print(mark_columns(["7049", "7050"], marks))
    mark comment
    ---- -------
    <BLANKLINE>
    good   a bar
    """
    rows = {str(name): row for row, name in enumerate(marks["name"])}
    found = [rows.get(name) for name in names]
    if len(names) and rows and not any(row is not None for row in found):
        raise TargetError(
            f"none of the {len(rows)} names in the marks, such as {next(iter(rows))!r}, is that of "
            f"a target, such as {names[0]!r}; a spreadsheet may have rounded them"
        )
    columns: dict[str, Any] = {
        name: ["" if row is None else str(marks[name][row]) for row in found]
        for name in ("mark", "comment")
        if name in marks.colnames
    }
    return Table({name: np.asarray(values, dtype=str) for name, values in columns.items()})


# ----------------------------------------------------------------------------------- astropy's I/O

_FORMAT = "sdss_cutout.marks"


def _is_marks(
    origin: str, _path: str | None, fileobj: Any, *_arguments: Any, **_options: Any
) -> bool:
    """Return whether a file that astropy is to read begins with the header of marks."""
    if origin != "read" or fileobj is None:
        return False
    start = fileobj.tell()
    beginning = fileobj.read(len(_BYTE_ORDER_MARK) + len(_HEADER) + 1)
    fileobj.seek(start)
    if not isinstance(beginning, bytes):
        return False
    return beginning.removeprefix(_BYTE_ORDER_MARK).strip().startswith(_HEADER)


def _read_file(file: Any, **options: Any) -> Table:
    content = file.read() if hasattr(file, "read") else Path(file).read_bytes()
    return _table_of(content.removeprefix(_BYTE_ORDER_MARK).decode("utf-8"), **options)


# Above astropy's own reader of .csv, which makes numbers of names such as 7050. The priority of
# a reader is not inherited by subclasses.
for _class in (Table, QTable):
    registry.register_reader(_FORMAT, _class, _read_file, priority=1)
registry.register_identifier(_FORMAT, Table, _is_marks)

read_marks.__module__ = "sdss_cutout"
