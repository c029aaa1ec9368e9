"""The table of a list, read in parts and held in little memory.

A table of 100,000 rows takes 130 MB, most of it for texts in four bytes per character.
"""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sdss_cutout._export.columns import ExportColumn, plain_columns
from sdss_cutout._export.source import PictureSource

__all__ = ["CompactTable"]

_ROWS_AT_ONCE = 4_096


class CompactTable:
    """The columns of a list of pictures, as plain values.

    Attributes
    ----------
    names : list of str
        The columns of the list's table.
    meta : dict
        What the table says of itself.
    """

    def __init__(self, source: PictureSource) -> None:
        self._length = len(source)
        parts: dict[str, list[list[ExportColumn]]] = {}
        first = source[:0].table
        self.meta: dict[str, Any] = dict(first.meta)
        self.names: list[str] = list(first.colnames)
        for start in range(0, max(self._length, 1), _ROWS_AT_ONCE):
            table = source[start : start + _ROWS_AT_ONCE].table
            for name in self.names:
                parts.setdefault(name, []).append(plain_columns(table, name))
            del table
            gc.collect(1)  # tables refer to themselves, and would stay
        self._columns = {
            name: [_joined(pieces) for pieces in zip(*parts.pop(name), strict=True)]
            for name in self.names
        }

    def __len__(self) -> int:
        return self._length

    def __contains__(self, name: object) -> bool:
        return name in self._columns

    def plain(self, name: str) -> list[ExportColumn]:
        """Return the plain columns of a column: one, but for mixins."""
        return self._columns[name]

    def __getitem__(self, name: str) -> ExportColumn:
        return self._columns[name][0]

    def all_plain(self, names: Iterable[str]) -> Iterator[ExportColumn]:
        """Yield the plain columns of some columns."""
        for name in names:
            yield from self._columns[name]

    def numbers(self, name: str, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the numbers in some rows of a column."""
        return np.asarray(self[name].values[rows], dtype=float)

    def texts(self, name: str) -> Iterator[str]:
        """Yield the texts of a column."""
        for start in range(0, self._length, _ROWS_AT_ONCE):
            rows = np.arange(start, min(start + _ROWS_AT_ONCE, self._length))
            yield from (text or "" for text in self[name].exact(rows))

    def text(self, name: str, row: int) -> str:
        """Return the text in one row of a column."""
        return str(self[name].exact(np.array([row]))[0] or "")


def _joined(pieces: Sequence[ExportColumn]) -> ExportColumn:
    """Return the pieces of a column as one; of several types they become text."""
    kinds = {p.values.dtype.kind for p in pieces if not p.missing.all()}
    if len(kinds) > 1:
        pieces = [piece.as_text() for piece in pieces]
    else:
        filled = next((p.values.dtype for p in pieces if not p.missing.all()), None)
        pieces = [
            replace(p, values=np.zeros(p.values.shape, filled)) if p.missing.all() and filled else p
            for p in pieces
        ]
    return replace(
        pieces[0],
        values=np.concatenate([piece.values for piece in pieces]),
        missing=np.concatenate([piece.missing for piece in pieces]),
    )
