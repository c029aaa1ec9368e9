"""What readers are given and what they return, and what they all do to a table."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from astropy.table import Column, MaskedColumn, Table

from sdss_cutout._targets.columns import REPEATED_KEY

__all__ = [
    "Content",
    "TableSource",
    "missing_as_nan",
    "note_renamed",
    "note_repeated",
    "unique_names",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What is to be read: a file, or the bytes from a pipe or an archive.

    Attributes
    ----------
    label : str
        What messages call it.
    head : bytes
        The first bytes.
    path : Path or None
        Where it is on disk, uncompressed.
    data : bytes or None
        All of it, where it is not on disk.
    """

    label: str
    head: bytes
    path: Path | None = None
    data: bytes | None = None

    def bytes(self) -> bytes:
        """Return all of it."""
        return self.path.read_bytes() if self.path is not None else self.data or b""

    def source(self) -> Path | BinaryIO:
        """Return the path, or a file in memory."""
        return self.path if self.path is not None else io.BytesIO(self.data or b"")


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSource:
    """One of the tables in a file; reading it can wait until it is chosen.

    Attributes
    ----------
    name, number : str
        Its name in the file, and the number that the format gives it.
    colnames : sequence of str
        Its columns, as the file names them.
    read : callable
        Returns the table.
    aliases : tuple of str
        Other names by which it can be chosen.
    """

    name: str
    number: str
    colnames: Sequence[str]
    read: Callable[[], Table]
    aliases: tuple[str, ...] = ()


def note_renamed(table: Table) -> Table:
    """Note the columns that astropy has renamed, as their names were there before: ``ra_1``."""
    pairs = {name: [name, f"{name}_1"] for name in table.colnames if f"{name}_1" in table.colnames}
    if pairs:
        table.meta[REPEATED_KEY] = pairs
    return table


def missing_as_nan(table: Table) -> Table:
    """Return the table with NaN for missing floating-point numbers, and where all are missing.

    A masked column loses its mask in ``column * unit`` and in ``column.quantity``, so that a
    missing value would come back as a number that nobody gave.
    """
    for name in table.colnames:
        column = table[name]
        if not isinstance(column, MaskedColumn) or column.dtype.kind not in "fiu":
            continue
        if column.dtype.kind == "f" or (len(column) and np.all(column.mask)):
            table[name] = Column(
                column.astype(np.result_type(column.dtype, np.float16)).filled(np.nan),
                name=name,
                unit=column.unit,
                format=column.format,
                description=column.description,
                meta=column.meta,
            )
    return table


def unique_names(names: Iterable[str]) -> list[str]:
    """Return names for columns: ``col2`` for one without, ``ra_1`` for a repeat."""
    found: list[str] = []
    for number, name in enumerate(names, 1):
        base = unique = name.strip() or f"col{number}"
        count = 0
        while unique in found:
            count += 1
            unique = f"{base}_{count}"
        found.append(unique)
    return found


def note_repeated(table: Table, names: Iterable[str]) -> Table:
    """Note in the table which of its columns bear the same name in the file."""
    names = list(names)
    if len(names) != len(table.colnames):  # some have become a SkyCoord, say
        return table
    bearers: dict[str, list[str]] = {}
    for name, column in zip(names, table.colnames, strict=True):
        bearers.setdefault(name, []).append(column)
    if repeated := {name: columns for name, columns in bearers.items() if len(columns) > 1}:
        table.meta[REPEATED_KEY] = repeated
    return table
