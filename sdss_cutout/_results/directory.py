"""Reads a directory: the table, the order and the pictures of earlier downloads."""

from __future__ import annotations

import json
import math
import sys
from array import array
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from astropy.table import Column, Table, vstack
from numpy.typing import NDArray

from sdss_cutout._errors import StoreError
from sdss_cutout._request.chunk import AnyRequest
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
    names: list[str] = []
    requests, outcomes = RecordedRequests(), Outcomes()
    inputs = _Inputs(manifest.input_tables())
    for row, entry in enumerate(manifest.entries()):
        names.append(entry.name)
        requests.add(entry)
        outcomes.extend(1)
        outcomes.put(outcome_of_entry(row, entry))
        inputs.add(row, entry)
    cutouts = StoredCutouts(directory=directory, names=names, requests=requests, outcomes=outcomes)
    return CutoutList(cutouts, inputs.table())


# What a request needs of an entry; a million entries as a whole would take a gigabyte.
_NUMBERS = {"ra": "d", "dec": "d", "scale": "d", "width": "q", "height": "q", "release": "q"}
_TEXTS = ("url", "overlays", "bands")


class RecordedRequests:
    """The requests that a manifest has recorded, as columns."""

    def __init__(self) -> None:
        self._numbers = {name: array(code) for name, code in _NUMBERS.items()}
        self._texts: dict[str, list[str]] = {name: [] for name in _TEXTS}

    def add(self, entry: ManifestEntry) -> None:
        """Take the request of one more entry."""
        for name, numbers in self._numbers.items():
            numbers.append(getattr(entry, name))
        for name, texts in self._texts.items():
            text = getattr(entry, name)
            texts.append(text if name == "url" else sys.intern(text))

    @property
    def width(self) -> Sequence[int]:
        """Widths in pixels."""
        return self._numbers["width"]

    @property
    def height(self) -> Sequence[int]:
        """Heights in pixels."""
        return self._numbers["height"]

    @property
    def scale(self) -> Sequence[float]:
        """Arcsec per pixel."""
        return self._numbers["scale"]

    def __len__(self) -> int:
        return len(self._texts["url"])

    def __getitem__(self, row: int) -> AnyRequest:
        columns: dict[str, Sequence[Any]] = {**self._numbers, **self._texts}
        values: dict[str, Any] = {name: column[row] for name, column in columns.items()}
        return request_of_entry(_NO_ENTRY._replace(**values))

    def bands_of_all(self) -> list[str]:
        """Return the bands of each target; empty for pictures."""
        return self._texts["bands"]

    def urls(self) -> list[str]:
        """Return the URLs."""
        return self._texts["url"]

    def take(self, rows: NDArray[np.int64]) -> RecordedRequests:
        """Return the requests of some rows."""
        taken = RecordedRequests()
        for name, code in _NUMBERS.items():
            chosen = np.asarray(self._numbers[name])[rows]
            taken._numbers[name] = array(code, chosen.tobytes())
        for name in _TEXTS:
            texts = self._texts[name]
            taken._texts[name] = [texts[row] for row in rows.tolist()]
        return taken


_NO_ENTRY = ManifestEntry(
    key="", name="", status="", url="", ra=math.nan, dec=math.nan, width=0, height=0,
    scale=math.nan, overlays="", bands="", release=0, coverage=None, nbytes=0, sha256="",
    source_sha256="", attempts=0, error="", origin="", date="",
)  # fmt: skip


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
_ROWS_AT_ONCE = 2_000


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
