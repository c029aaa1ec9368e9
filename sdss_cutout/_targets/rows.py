"""Says which rows a message is about: the first one, how many there are, and a few more."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["first_bad_row", "more_rows"]

_SHOWN = 5


def first_bad_row(bad: NDArray[np.bool_], first_row: int = 0) -> tuple[int, str] | None:
    """Return the index of the first bad row and the words for the others; None if all are good.

    Parameters
    ----------
    bad : ndarray of bool
        Which rows are bad.
    first_row : int, optional
        Row number of the first of them, for the words.
    """
    rows = np.flatnonzero(bad)
    return (int(rows[0]), more_rows((rows + first_row).tolist())) if len(rows) else None


def more_rows(rows: Sequence[int]) -> str:
    """Return `` (3 such targets: 1, 4, 7)``; nothing for a single row."""
    if len(rows) < 2:
        return ""
    shown = ", ".join(map(str, rows[:_SHOWN])) + (", ..." if len(rows) > _SHOWN else "")
    return f" ({len(rows)} such targets: {shown})"
