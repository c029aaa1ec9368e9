"""What a format's writer is given, and what a format is."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sdss_cutout._errors import TargetError
from sdss_cutout._export.columns import ExportColumn
from sdss_cutout._export.source import PictureSource, content_of, wcs_text
from sdss_cutout._export.table import CompactTable
from sdss_cutout._image.sidecar import is_simulated
from sdss_cutout._progress import Progress

__all__ = ["Format", "Sample", "TrainingSet", "refuse_without_files"]

_ROWS_AT_ONCE = 512


@dataclass(frozen=True, slots=True)
class Sample:
    """One picture on its way into a training set.

    Attributes
    ----------
    row : int
        Its row in the table.
    split : str
        Where it goes.
    name : str
        The target's name.
    picture : object
        The outcome that it is from.
    values : dict
        The columns' values, as JSON holds them; without ``wcs``.
    """

    row: int
    split: str
    name: str
    picture: Any
    values: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSet:
    """What goes into a training set.

    Attributes
    ----------
    source : PictureSource
        Where the pictures come from.
    table : CompactTable
        Their table.
    rows : ndarray of int
        The rows of the table that go in, in its order.
    splits : sequence of str
        The splits that have pictures.
    split_of : ndarray of int
        For each of ``rows`` the number of its split.
    columns : sequence of ExportColumn
        What is written about each picture, `label` among it.
    label : str or None
        The column of the table that became ``label``.
    bands : str
        The bands of calibrated cutouts; empty for pictures.
    progress : Progress
        Counts the pictures that are written.
    notes : dict
        What is found on the way: whether pictures are simulated.
    """

    source: PictureSource
    table: CompactTable
    rows: NDArray[np.int64]
    splits: Sequence[str]
    split_of: NDArray[np.int64]
    columns: Sequence[ExportColumn]
    label: str | None
    bands: str
    progress: Progress
    notes: dict[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def is_simulated(self) -> bool:
        """Whether pictures were found to be simulated, so far."""
        return bool(self.notes.get("simulated"))

    def column(self, name: str) -> ExportColumn:
        """Return the column of this name in the training set."""
        return next(column for column in self.columns if column.name == name)

    def rows_of(self, split: str) -> NDArray[np.int64]:
        """Return the rows of the table that go into one split."""
        return self.rows[self.split_of == self.splits.index(split)]

    def samples(self, *, values: bool = False) -> Iterator[Sample]:
        """Yield all pictures, in the table's order, and count each when it has been used.

        With ``values`` they have the columns' values, as JSON holds them.
        """
        described = self._described() if values else itertools.repeat({})
        number, last = 0, len(self.rows)
        for row, picture in enumerate(self.source):
            if number == last:
                break
            if row == self.rows[number]:
                split = self.splits[self.split_of[number]]
                yield Sample(row, split, picture.name, picture, next(described))
                self.progress.add(split)
                number += 1

    def _described(self) -> Iterator[dict[str, Any]]:
        """Yield the values of row after row, made for many rows at once."""
        names = [column.name for column in self.columns]
        for start in range(0, len(self.rows), _ROWS_AT_ONCE):
            rows = self.rows[start : start + _ROWS_AT_ONCE]
            columns = [column.jsonable(rows) for column in self.columns]
            for values in zip(*columns, strict=True):
                yield dict(zip(names, values, strict=True))

    def content(self, sample: Sample) -> tuple[bytes, bytes, str]:
        """Return a picture's bytes, its sidecar's, and the sidecar's header as text."""
        content, sidecar = content_of(sample.picture)
        self.notes["simulated"] = self.is_simulated or is_simulated(sidecar)
        return content, sidecar, wcs_text(sidecar)


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """One format of training sets.

    Attributes
    ----------
    name : str
        What it is called.
    write : callable
        Writes a `TrainingSet` at a path, which is a new folder, or a file that is not there yet.
    opened_by : str
        What opens it, for the dataset card.
    is_file : bool
        Whether it is one file and not a folder.
    own_columns : sequence of str
        Names of columns that the format needs for itself.
    head : int
        By how many of the first rows of a split its readers know the columns' types.
    has_splits : bool
        Whether it can be divided.
    data_files : str
        How ``load_dataset`` finds the files of a split: a pattern with ``{split}``; empty if it
        cannot.
    forbidden : str
        Characters that a column's name may not have.
    calibrated : bool
        Whether it takes calibrated cutouts.
    check : callable
        Refuses what the format cannot hold, before anything is written.
    """

    name: str
    write: Callable[[TrainingSet, Path], None]
    opened_by: str = ""
    is_file: bool = False
    own_columns: Sequence[str] = ()
    head: int = 0
    has_splits: bool = True
    data_files: str = ""
    forbidden: str = ""
    calibrated: bool = False
    check: Callable[[TrainingSet], None] = field(default=lambda _: None)


def refuse_without_files(training_set: TrainingSet, format_name: str) -> None:
    """Raise `TargetError` if a picture is not in a file."""
    paths = training_set.table["path"].values
    for row in training_set.rows.tolist():
        if not paths[row]:
            raise TargetError(
                f"target {row} is in memory only, and {format_name} lists files: get pictures with "
                "download(), or save() them and read them back"
            )
