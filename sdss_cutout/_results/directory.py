"""A directory comes back: the table, the order and the pictures of earlier downloads."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from astropy.table import Column, Table, vstack
from numpy.typing import NDArray

from sdss_cutout._errors import StoreError
from sdss_cutout._request.request import CutoutRequest
from sdss_cutout._results.input_columns import from_text
from sdss_cutout._results.lists import CutoutList
from sdss_cutout._results.outcome import Outcome, Outcomes
from sdss_cutout._results.stored import StoredCutouts
from sdss_cutout._store.entries import request_of_entry
from sdss_cutout._store.layout import MANIFEST
from sdss_cutout._store.manifest import Manifest, ManifestEntry

__all__ = ["read_cutouts"]


def read_cutouts(directory: str | Path) -> CutoutList:
    """Bring back what downloads have brought to a directory.

    Parameters
    ----------
    directory : str or `~pathlib.Path`
        Where the pictures and ``manifest.sqlite`` are.

    Returns
    -------
    CutoutList
        One cutout per target, with the columns that came with the targets. Targets without a
        picture are in it too. A picture is read, and checked against its sidecar, when its
        cutout is reached, so that a large directory does not fill the memory.

    Raises
    ------
    StoreError
        If there is no manifest, or it cannot be read.

    Examples
    --------
    >>> import tempfile
    >>> from astropy.table import Table
    >>> from sdss_cutout import SDSSCutouts, read_cutouts
    >>> from sdss_cutout.sandbox import Sandbox
    >>> targets = Table({"id": [7050], "ra": [20.1375], "dec": [-0.06], "mag": [16.5]})
    >>> with Sandbox() as sandbox, tempfile.TemporaryDirectory() as folder:
    ...     report = SDSSCutouts(base_url=sandbox.base_url).download(targets, folder, size=64)
    ...     cutouts = read_cutouts(folder)
    ...     print(cutouts.table["id", "mag", "status", "coverage"])
    ...     cutouts[0].data.shape
     id  mag  status coverage
    ---- ---- ------ --------
    7050 16.5     ok      1.0
    (64, 64, 3)
    """
    directory = Path(directory).expanduser()
    entries, headers = _manifest_of(directory)
    cutouts = StoredCutouts(
        directory=directory.absolute(),
        names=[entry.name for entry in entries],
        requests=RecordedRequests(entries),
        outcomes=_outcomes(entries),
    )
    return CutoutList(cutouts, _input_table(entries, headers))


def _manifest_of(directory: Path) -> tuple[tuple[ManifestEntry, ...], dict[int, str]]:
    path = directory / MANIFEST
    if not path.is_file():
        raise StoreError(f"{directory}: there is no {MANIFEST} here")
    manifest = Manifest(path, read_only=True)
    try:
        return tuple(manifest.entries()), manifest.input_tables()
    finally:
        manifest.close()


@dataclass(frozen=True, slots=True)
class RecordedRequests:
    """The requests that a manifest has recorded."""

    entries: Sequence[ManifestEntry]

    @property
    def width(self) -> list[int]:
        """Widths in pixels."""
        return [entry.width for entry in self.entries]

    @property
    def height(self) -> list[int]:
        """Heights in pixels."""
        return [entry.height for entry in self.entries]

    @property
    def scale(self) -> list[float]:
        """Arcsec per pixel."""
        return [entry.scale for entry in self.entries]

    def __len__(self) -> int:
        return len(self.entries)

    def __getitem__(self, row: int) -> CutoutRequest:
        return request_of_entry(self.entries[row])

    def urls(self) -> list[str]:
        """Return the URLs."""
        return [entry.url for entry in self.entries]

    def take(self, rows: NDArray[np.int64]) -> RecordedRequests:
        """Return the requests of some rows."""
        return RecordedRequests([self.entries[row] for row in rows.tolist()])


def outcome_of_entry(index: int, entry: ManifestEntry) -> Outcome:
    """Return what a manifest says that came of a target."""
    return Outcome(
        index=index, name=entry.name, status=entry.status,
        coverage=math.nan if entry.coverage is None else entry.coverage, nbytes=entry.nbytes,
        sha256=entry.sha256, source_sha256=entry.source_sha256, attempts=entry.attempts,
        error=entry.error, origin=entry.origin, date=entry.date,
    )  # fmt: skip


def _outcomes(entries: Sequence[ManifestEntry]) -> Outcomes:
    outcomes = Outcomes(len(entries))
    for row, entry in enumerate(entries):
        outcomes.put(outcome_of_entry(row, entry))
    return outcomes


# ------------------------------------------------------------------------------- input columns

_ROW = "row in the manifest"


def _input_table(entries: Sequence[ManifestEntry], headers: dict[int, str]) -> Table:
    """Return the columns that came with the targets, of however many tables these were."""
    if not headers:
        return Table()
    groups: dict[int | None, list[int]] = {}
    for row, entry in enumerate(entries):
        groups.setdefault(entry.input_table, []).append(row)
    tables = []
    for number, rows in groups.items():
        table = _table_of(headers.get(number or 0, ""), [entries[row].input_values for row in rows])
        table[_ROW] = rows
        tables.append(table)
    if not any(table.colnames != [_ROW] for table in tables):
        return Table()
    merged = _stacked(tables) if len(tables) > 1 else tables[0]
    if len(tables) > 1:
        merged.sort(_ROW)
    del merged[_ROW]
    return merged


def _table_of(header: str, values: Iterable[str]) -> Table:
    return from_text(header, (json.loads(text) for text in values)) if header else Table()


def _stacked(tables: list[Table]) -> Table:
    """Return the tables one under the other; a column that is text in one becomes text in all."""
    for name in {name for table in tables for name in table.colnames}:
        columns = [table[name] for table in tables if name in table.colnames]
        if len({_is_text(column) for column in columns}) > 1:
            for table in tables:
                if name in table.colnames:
                    table[name] = np.asarray(table[name]).astype(str)
    return vstack(tables, join_type="outer", metadata_conflicts="silent")


def _is_text(column: Column) -> bool:
    return bool(np.asarray(column).dtype.kind in "US")


read_cutouts.__module__ = "sdss_cutout"
