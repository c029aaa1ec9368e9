"""Reads the CSV that answers a query: identifiers to the last digit, and signed ones signed."""

from __future__ import annotations

import re
import warnings

import numpy as np
from astropy.table import Column, MaskedColumn, Table

from sdss_cutout._errors import QueryError
from sdss_cutout._transfer.error_text import one_line

__all__ = ["error_message", "read_table"]

_IDENTIFIER = re.compile(r"(.*(obj|spec|plate|field)_?id|id)\Z", re.IGNORECASE)
_WHOLE_NUMBER = re.compile(r"\d{1,20}").fullmatch


def error_message(content: bytes) -> str:
    """Return what CSV says that is no table but an error; empty if it is a table."""
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
    with warnings.catch_warnings():
        # Integers beyond 63 bits come as text first; they are turned into uint64 below.
        warnings.simplefilter("ignore")
        try:
            table = Table.read(
                lines, format="ascii.csv", guess=False, fill_values=[("", "0"), ("null", "0")]
            )
        except Exception as error:
            first = one_line(" / ".join(lines[:2])) or "nothing"
            raise QueryError(f"the answer is not a table, it begins with: {first}") from error
    if not table.colnames:
        raise QueryError("the answer is not a table: it has no columns")
    for name in table.colnames:
        table[name] = _exact(table[name])
    return table


def _lines(content: bytes) -> list[str]:
    """Return the lines of a table, without the one that numbers it."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    lines = text.lstrip("\ufeff \r\n").splitlines()
    return lines[1:] if lines and lines[0].startswith("#") else lines


def _exact(column: Column) -> Column:
    """Return identifiers as uint64, and any other column as it is.

    Nothing is converted that would change: numbers with a sign or a fraction stay what they are.
    """
    masked = isinstance(column, MaskedColumn)
    values = column.compressed() if masked else column
    if column.dtype.kind == "U":
        # Text, because some of the numbers are beyond int64; or because it is text.
        whole = len(values) > 0 and all(map(_WHOLE_NUMBER, values.tolist()))
        fits = whole and np.iinfo(np.int64).max < max(map(int, values)) < 2**64
    else:
        named = _IDENTIFIER.match(column.name) and column.dtype.kind == "i"
        fits = bool(named) and (len(values) == 0 or values.min() >= 0)
    if not fits:
        return column
    if not masked:
        return column.astype(np.uint64)
    numbers = column.filled("0" if column.dtype.kind == "U" else 0).astype(np.uint64)
    return MaskedColumn(numbers, mask=column.mask, fill_value=0)
