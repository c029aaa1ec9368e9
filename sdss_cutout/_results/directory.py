"""Reads a directory: the table, the order and the pictures of earlier downloads."""

from __future__ import annotations

import json
import math
import sys
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
    """Read what downloads have written to a directory.

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
    path = directory / MANIFEST
    if not path.is_file():
        raise StoreError(f"{directory}: there is no {MANIFEST} here")
    manifest = Manifest(path, read_only=True)
    try:
        return _read(directory.absolute(), manifest)
    finally:
        manifest.close()


def _read(directory: Path, manifest: Manifest) -> CutoutList:
    """Return what a manifest tells, holding of a target no more than is needed later."""
    entries: list[ManifestEntry] = []
    outcomes, inputs = Outcomes(), _Inputs(manifest.input_tables())
    for row, entry in enumerate(manifest.entries()):
        outcomes.extend(1)
        outcomes.put(outcome_of_entry(row, entry))
        inputs.add(row, entry)
        entries.append(_slim(entry))
    cutouts = StoredCutouts(
        directory=directory,
        names=[entry.name for entry in entries],
        requests=RecordedRequests(entries),
        outcomes=outcomes,
    )
    return CutoutList(cutouts, inputs.table())


def _slim(entry: ManifestEntry) -> ManifestEntry:
    """Return an entry without what is in the outcomes and the table of the input columns."""
    return entry._replace(
        key="", status="", sha256="", source_sha256="", error="", origin="", date="",
        input_values="", overlays=sys.intern(entry.overlays), bands=sys.intern(entry.bands),
    )  # fmt: skip


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
    """Return the outcome of a target as a manifest has it."""
    return Outcome(
        index=index, name=entry.name, status=entry.status,
        coverage=math.nan if entry.coverage is None else entry.coverage, nbytes=entry.nbytes,
        sha256=entry.sha256, source_sha256=entry.source_sha256, attempts=entry.attempts,
        error=entry.error, origin=entry.origin, date=entry.date,
    )  # fmt: skip


# ------------------------------------------------------------------------------- input columns

_ROW = "row in the manifest"
_ROWS_AT_ONCE = 5_000


class _Inputs:
    """The columns that came with the targets, of however many tables these were.

    Rows are turned from text into a table every few thousand: text takes ten times the memory.
    """

    def __init__(self, headers: dict[int, str]) -> None:
        self._headers = headers
        self._rows: dict[int | None, list[tuple[int, str]]] = {}
        self._tables: dict[int | None, list[Table]] = {}

    def add(self, row: int, entry: ManifestEntry) -> None:
        """Take the input columns of one target."""
        rows = self._rows.setdefault(entry.input_table, [])
        rows.append((row, entry.input_values))
        if len(rows) >= _ROWS_AT_ONCE:
            self._convert(entry.input_table)

    def _convert(self, number: int | None) -> None:
        rows = self._rows.pop(number, [])
        table = _table_of(self._headers.get(number or 0, ""), [text for _, text in rows])
        table[_ROW] = np.array([row for row, _ in rows], dtype=np.int64)
        self._tables.setdefault(number, []).append(table)

    def table(self) -> Table:
        """Return the table of all targets, in their order."""
        for number in list(self._rows):
            self._convert(number)
        groups = [vstack(t, metadata_conflicts="silent") for t in self._tables.values()]
        if not any(table.colnames != [_ROW] for table in groups):
            return Table()
        merged = _stacked(groups) if len(groups) > 1 else groups[0]
        if len(groups) > 1:
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
