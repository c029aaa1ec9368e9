"""A directory comes back: the table, the order and the pictures of earlier downloads."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast, overload

import numpy as np
from astropy.table import Column, Table, vstack

from sdss_cutout._errors import ImageError, StoreError
from sdss_cutout._progress import summarise
from sdss_cutout._request.request import CutoutRequest
from sdss_cutout._results.cutout import Cutout
from sdss_cutout._results.input_columns import from_text
from sdss_cutout._results.outcome import OK, Outcome, Outcomes
from sdss_cutout._results.report import CutoutList, outcome_table
from sdss_cutout._store.files import PICTURE, SIDECAR
from sdss_cutout._store.manifest import Entry, Manifest
from sdss_cutout._store.store import MANIFEST

__all__ = ["read_cutouts", "read_table_of"]


def read_cutouts(directory: str | Path) -> CutoutList:
    """Bring back what downloads have brought to a directory.

    Parameters
    ----------
    directory : str or `~pathlib.Path`
        Where the pictures and ``manifest.sqlite`` are.

    Returns
    -------
    CutoutList
        One cutout a target, with the columns that came with the targets. Targets without a
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
    directory = Path(directory)
    entries, headers = _manifest_of(directory)
    pictures = _Pictures(directory, entries)
    # A CutoutList wants a tuple; this sequence is one in all but that it reads when it is asked.
    return _DirectoryList(cast("tuple[Cutout, ...]", pictures), _given_of(entries, headers))


def read_table_of(directory: str | Path) -> Table:
    """Return the table of `read_cutouts`, without reading pictures."""
    return read_cutouts(directory).table


def _manifest_of(directory: Path) -> tuple[tuple[Entry, ...], dict[int, str]]:
    path = directory / MANIFEST
    if not path.is_file():
        raise StoreError(f"{directory}: there is no {MANIFEST} here")
    manifest = Manifest(path)
    try:
        return tuple(manifest.entries()), manifest.inputs()
    finally:
        manifest.close()


class _Pictures(Sequence[Cutout]):
    """The cutouts of a directory, each read from its files when it is asked for."""

    def __init__(self, directory: Path, entries: Sequence[Entry]) -> None:
        self.directory = directory
        self.entries = entries

    def __len__(self) -> int:
        return len(self.entries)

    @overload
    def __getitem__(self, index: int) -> Cutout: ...
    @overload
    def __getitem__(self, index: slice) -> _Pictures: ...
    def __getitem__(self, index: int | slice) -> Cutout | _Pictures:
        if isinstance(index, slice):
            return _Pictures(self.directory, self.entries[index])
        entry = self.entries[index]
        bare = Cutout(
            name=entry.name,
            request=_request_of(entry),
            status=entry.status,
            coverage=_coverage_of(entry),
            attempts=entry.attempts,
            error=entry.error,
        )
        return self._with_picture(bare, entry) if entry.status == OK else bare

    def _with_picture(self, bare: Cutout, entry: Entry) -> Cutout:
        """Return the cutout with its picture.

        A picture whose checksum the manifest knows was decoded and measured when it came, which
        takes ten times as long as the checksum.
        """
        path = self.directory / f"{entry.name}{PICTURE}"
        sidecar = self.directory / f"{entry.name}{SIDECAR}"
        try:
            content, cards = path.read_bytes(), sidecar.read_bytes()
        except OSError as error:
            raise ImageError(f"{error.filename}: {error.strerror}") from error
        known = hashlib.sha256(content).hexdigest() == entry.sha256
        if known and entry.source_sha256.encode() in cards:
            return replace(bare, content=content, sidecar_bytes=cards, path=path, sidecar=sidecar)
        return replace(Cutout.read(path), status=OK, attempts=entry.attempts)


def _request_of(entry: Entry) -> CutoutRequest:
    return CutoutRequest(
        ra=entry.ra, dec=entry.dec, scale=entry.scale, width=entry.width, height=entry.height,
        overlays=entry.overlays, release=entry.release, url=entry.url,
    )  # fmt: skip


def _coverage_of(entry: Entry) -> float:
    return math.nan if entry.coverage is None else entry.coverage


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class _DirectoryList(CutoutList):
    """A `CutoutList` that answers from the manifest what need not be read from the pictures."""

    @overload
    def __getitem__(self, index: int) -> Cutout: ...
    @overload
    def __getitem__(self, index: slice) -> CutoutList: ...
    def __getitem__(self, index: int | slice) -> Cutout | CutoutList:
        if isinstance(index, slice):
            given = self.given[index] if self.given.colnames else self.given
            return _DirectoryList(self.cutouts[index], given)
        return self.cutouts[index]

    def __repr__(self) -> str:
        return f"<CutoutList of {len(self)}: {summarise(self._outcomes().counts())}>"

    @property
    def table(self) -> Table:
        """One row a target: the targets' own columns, then ours."""
        stored = cast("_Pictures", self.cutouts)
        entries = stored.entries
        stems = [str(stored.directory / e.name) if e.status == OK else "" for e in entries]
        ours = dict(self._outcomes().columns()) | {
            "name": [e.name for e in entries],
            "path": [f"{stem}{PICTURE}" if stem else "" for stem in stems],
            "sidecar": [f"{stem}{SIDECAR}" if stem else "" for stem in stems],
            "url": [e.url for e in entries],
            "width": [e.width for e in entries],
            "height": [e.height for e in entries],
            "scale": [e.scale for e in entries],
        }
        return outcome_table(self.given, ours)

    def _outcomes(self) -> Outcomes:
        entries = cast("_Pictures", self.cutouts).entries
        outcomes = Outcomes(len(entries))
        for row, entry in enumerate(entries):
            outcomes.put(
                Outcome(
                    index=row, name=entry.name, status=entry.status, nbytes=entry.nbytes,
                    coverage=_coverage_of(entry), sha256=entry.sha256,
                    attempts=entry.attempts, error=entry.error,
                )
            )  # fmt: skip
        return outcomes


# ------------------------------------------------------------------------------- columns given

_ROW = "row in the manifest"


def _given_of(entries: Sequence[Entry], headers: dict[int, str]) -> Table:
    """Return the columns that came with the targets, of however many tables these were."""
    if not headers:
        return Table()
    groups: dict[int | None, list[int]] = {}
    for row, entry in enumerate(entries):
        groups.setdefault(entry.given, []).append(row)
    tables = []
    for given, rows in groups.items():
        table = _table_of(headers.get(given or 0, ""), [entries[row].extra for row in rows])
        table[_ROW] = rows
        tables.append(table)
    if not any(table.colnames != [_ROW] for table in tables):
        return Table()
    merged = _stacked(tables) if len(tables) > 1 else tables[0]
    if len(tables) > 1:
        merged.sort(_ROW)
    del merged[_ROW]
    return merged


def _table_of(header: str, extras: Iterable[str]) -> Table:
    return from_text(header, (json.loads(extra) for extra in extras)) if header else Table()


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
