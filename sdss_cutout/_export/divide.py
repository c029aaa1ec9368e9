"""What was asked of the splits becomes the split of each picture."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sdss_cutout._errors import RequestError, TargetError
from sdss_cutout._export.choose import Choice, first_without
from sdss_cutout._export.footprints import Footprints
from sdss_cutout._export.source import Positions
from sdss_cutout._export.splits import assign_groups, group_pictures
from sdss_cutout._export.table import CompactTable

__all__ = ["Division", "divide"]

_MOST_SPLITS = 64
_NATIVE_SCALE = 0.396127  # arcsec per pixel of a frame

# What Hugging Face takes as the name of a split; "all" means all of them there.
_SPLIT_NAME = re.compile(r"\w+(\.\w+)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Division:
    """The split of each picture.

    Attributes
    ----------
    counts : dict
        The pictures in each split, also in one that got none.
    splits : list of str
        The splits that have pictures.
    split_of : ndarray of int
        The number in `splits` of each picture.
    groups : int
        How many groups of several pictures were kept together.
    how : str
        How the pictures were divided, in a sentence for the dataset card.
    """

    counts: dict[str, int]
    splits: list[str]
    split_of: NDArray[np.int64]
    groups: int = 0
    how: str = ""


def divide(
    table: CompactTable,
    rows: NDArray[np.int64],
    positions: Positions,
    choice: Choice,
    split: Mapping[str, float] | str | None,
    seed: int,
    *,
    turned: bool,
) -> Division:
    """Return the split of each of some rows.

    With ``turned`` pictures may be turned by any angle, as calibrated cutouts are.

    Raises
    ------
    RequestError
        If the splits are not possible.
    TargetError
        If a target has no split.
    """
    if split is None:
        names, split_of = ["train"], np.zeros(len(rows), dtype=np.int64)
        return _division(names, split_of, how="All pictures are in one split.")
    if isinstance(split, str):
        names, split_of = _by_column(table, rows, split)
        return _division(names, split_of, how=f"The splits are those of the column {split!r}.")
    fractions = _checked(split)
    groups = _groups(table, rows, positions, turned=turned)
    strata = np.zeros(len(rows), dtype=np.int64)
    if choice.label is not None:
        strata = np.unique(choice.label.values[rows], return_inverse=True)[1]
    split_of = assign_groups(groups, strata, list(fractions.values()), _checked_seed(seed))
    sizes = np.bincount(groups)
    wanted = ", ".join(f"{name} {fraction:g}" for name, fraction in fractions.items())
    how = (
        f"Divided at random (seed {seed}) by {wanted}{', label by label' if choice.label else ''}. "
        "Pictures that overlap on the sky, or show the same object, are in the same split: "
        f"{int((sizes > 1).sum())} groups, the largest of {int(sizes.max())} pictures."
    )
    return _division(list(fractions), split_of, groups=int((sizes > 1).sum()), how=how)


def _division(
    names: Sequence[str], split_of: NDArray[np.int64], *, groups: int = 0, how: str
) -> Division:
    counts = np.bincount(split_of, minlength=len(names))
    return Division(
        counts=dict(zip(names, counts.tolist(), strict=True)),
        splits=[name for name, count in zip(names, counts, strict=True) if count],
        split_of=(np.cumsum(counts > 0) - 1)[split_of],
        groups=groups,
        how=how,
    )


# ------------------------------------------------------------------------------- by column


def _by_column(
    table: CompactTable, rows: NDArray[np.int64], name: str
) -> tuple[list[str], NDArray[np.int64]]:
    """Return the values of a column, in the order in which they come, and which row has which."""
    if name not in table.names:
        raise RequestError(
            f"there is no column {name!r} to split by; the table has {', '.join(table.names)}"
        )
    column = table[name]
    if (row := first_without(column, rows)) is not None:
        raise TargetError(
            f"target {row} ({table.text('name', row)!r}) has no split: {name} is missing"
        )
    texts = [str(value) for value in column.exact(rows)]
    numbers = {text: number for number, text in enumerate(dict.fromkeys(texts))}
    if len(numbers) > _MOST_SPLITS:
        raise RequestError(
            f"the column {name!r} has {len(numbers)} different values; at most {_MOST_SPLITS} "
            "splits are made"
        )
    _refuse_names(list(numbers))
    return list(numbers), np.array([numbers[text] for text in texts])


def _refuse_names(names: Sequence[str]) -> None:
    for name in names:
        if not _SPLIT_NAME.fullmatch(name) or name == "all":
            raise RequestError(
                f"{name!r} is not a valid name of a split: letters, digits and _ are allowed, and "
                "'all' is not"
            )
    folded: dict[str, str] = {}
    for name in names:
        if (other := folded.setdefault(name.casefold(), name)) != name:
            raise RequestError(f"the splits {other!r} and {name!r} differ in case only")


# ----------------------------------------------------------------------------- by fractions


def _checked(split: object) -> dict[str, float]:
    """Return fractions that add up to 1."""
    if not isinstance(split, Mapping) or not split:
        raise RequestError(
            f"split = {split!r} is not valid: give fractions, as "
            '{"train": 0.8, "validation": 0.1, "test": 0.1}, or the name of a column'
        )
    try:
        fractions = {str(name): float(fraction) for name, fraction in split.items()}
    except (TypeError, ValueError) as error:
        raise RequestError(f"split = {split!r}: a fraction is not a number") from error
    _refuse_names(list(fractions))
    total = math.fsum(fractions.values())
    if not (all(f > 0 for f in fractions.values()) and abs(total - 1) < 1e-3):
        raise RequestError(
            f"split = {split!r}: the fractions must be above 0 and add up to 1, not {total:g}"
        )
    return {name: fraction / total for name, fraction in fractions.items()}


def _checked_seed(seed: object) -> int:
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise RequestError(f"seed = {seed!r} is not valid: an integer from 0 is needed")
    return int(seed)


def _groups(
    table: CompactTable, rows: NDArray[np.int64], positions: Positions, *, turned: bool
) -> NDArray[np.int64]:
    """Return the group of each picture: those that overlap, or are of the same object."""
    width, height, scale = (table.numbers(name, rows) for name in ("width", "height", "scale"))
    if turned:  # a square that holds it
        width = height = np.hypot(width, height)
        scale = np.where(np.isfinite(scale), scale, _NATIVE_SCALE)
    footprints = Footprints.of_pictures(
        positions.ra[rows], positions.dec[rows], scale, width, height
    )
    objids = [name for name in table.names if name.casefold() == "objid"]
    return group_pictures(footprints, [_keys(table, rows, name) for name in objids])


def _keys(table: CompactTable, rows: NDArray[np.int64], name: str) -> NDArray[np.int64]:
    """Return a number for each different value of a column, -1 where it is missing."""
    column = table[name]
    values, there = column.values[rows], column.present(rows)
    if column.is_text:
        there &= np.char.strip(values) != b""
    keys: NDArray[np.int64] = np.unique(values, return_inverse=True)[1]
    return np.where(there, keys, -1)
