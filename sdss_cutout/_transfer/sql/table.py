"""Reads the CSV that answers a query: identifiers to the last digit, and signed ones signed."""

from __future__ import annotations

import re

import numpy as np
from astropy.table import Column, Table

from sdss_cutout._errors import QueryError
from sdss_cutout._targets.readers.text_table import read_csv
from sdss_cutout._transfer.error_text import one_line

__all__ = ["error_message", "read_table"]

_IDENTIFIER = re.compile(r"(.*(obj|spec|plate|field)_?id|id)\Z", re.IGNORECASE)


def error_message(content: bytes) -> str:
    """Return the message of CSV that is an error and not a table; empty if it is a table."""
    lines = _lines(content)
    if lines and lines[0].strip().strip('"').lower() == "error_message":
        # S: spSQLSupport.sql; the rate limit's refusal comes in this way too.
        return one_line(" ".join(lines[1:]).strip('" ')) or "the server gave no reason"
    if len(lines) == 1 and "," not in lines[0] and " " in lines[0].strip():
        return one_line(lines[0])
    return ""


def read_table(content: bytes) -> Table:
    """Return the table that CSV holds.

    Parameters
    ----------
    content : bytes
        As the server sends it; an error is told before, by `error_message`.

    Returns
    -------
    `~astropy.table.Table`
        Identifiers are uint64 where they are whole numbers without a sign, exact to the last
        digit; missing values are masked.

    Raises
    ------
    QueryError
        If it is not a table.
    """
    lines = _lines(content)
    try:
        table = read_csv("\n".join(lines))
    except Exception as error:
        first = one_line(" / ".join(lines[:2])) or "nothing"
        raise QueryError(f"the answer is not a table, it begins with: {first}") from error
    if not lines or not table.colnames:
        raise QueryError("the answer is not a table: it has no columns")
    for name in table.colnames:
        if _IDENTIFIER.match(name):
            table[name] = _unsigned(table[name])
    return table


def _lines(content: bytes) -> list[str]:
    """Return the lines of a table, without the one that numbers it."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    lines = text.lstrip("\ufeff \r\n").splitlines()
    return lines[1:] if lines and lines[0].startswith("#") else lines


def _unsigned(column: Column) -> Column:
    """Return identifiers as uint64, as SDSS has them; those that have a sign keep it."""
    values = np.ma.filled(column, 0) if column.dtype.kind == "i" else None
    return column if values is None or np.any(values < 0) else column.astype(np.uint64)
