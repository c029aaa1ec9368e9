"""The manifest: what was asked and what came of it, in SQLite, and the same as ECSV."""

from __future__ import annotations

import contextlib
import csv
import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from sdss_cutout._errors import StoreError

__all__ = ["Entry", "Manifest"]

_VERSION = 1


class Entry(NamedTuple):
    """One target in the manifest; the attributes are its columns.

    A named tuple, as SQLite hands rows out: a million of them are read when a run starts again.
    """

    name: str
    status: str
    url: str
    ra: float
    dec: float
    width: int
    height: int
    scale: float
    overlays: str
    release: int
    coverage: float | None
    nbytes: int
    sha256: str
    source_sha256: str
    attempts: int
    error: str
    origin: str
    date: str
    given: int | None = None
    extra: str = ""
    row: int = 0


_COLUMNS = Entry._fields
_SCHEMA = """
CREATE TABLE IF NOT EXISTS cutouts (
    name TEXT PRIMARY KEY, status TEXT NOT NULL, url TEXT NOT NULL,
    ra REAL NOT NULL, dec REAL NOT NULL, width INTEGER NOT NULL, height INTEGER NOT NULL,
    scale REAL NOT NULL, overlays TEXT NOT NULL, release INTEGER NOT NULL,
    coverage REAL, nbytes INTEGER NOT NULL, sha256 TEXT NOT NULL, source_sha256 TEXT NOT NULL,
    attempts INTEGER NOT NULL, error TEXT NOT NULL, origin TEXT NOT NULL, date TEXT NOT NULL,
    given INTEGER REFERENCES inputs (id), extra TEXT NOT NULL,
    row INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS inputs (id INTEGER PRIMARY KEY, header TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS runs (id TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS claims (name TEXT PRIMARY KEY, run TEXT NOT NULL) WITHOUT ROWID;
"""
_INSERT = (
    f"INSERT INTO cutouts ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))}) "
    "ON CONFLICT (name) DO UPDATE SET "
    # A target keeps the place in the list that it had at first.
    + ", ".join(f"{name} = excluded.{name}" for name in _COLUMNS[1:-1])
)
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM cutouts"

# What the ECSV leaves out: how the given columns are stored, and the order, which it has.
_ECSV_COLUMNS = _COLUMNS[:-3]
_ECSV_TYPES = {
    "ra": "float64", "dec": "float64", "width": "int64", "height": "int64", "scale": "float64",
    "release": "int64", "coverage": "float64", "nbytes": "int64", "attempts": "int64",
}  # fmt: skip


class Manifest:
    """The manifest of one directory.

    Write-ahead logging makes a commit cheap enough for every few pictures, and lets others read
    while a run writes. Where it cannot be had SQLite keeps its ordinary journal.

    Parameters
    ----------
    path : `~pathlib.Path`
        The file; made if it does not exist.

    Raises
    ------
    StoreError
        If it is damaged, or was written by another version.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._connection: sqlite3.Connection | None = None
        with self._translated():
            self._connection = sqlite3.connect(path, timeout=60.0, isolation_level=None)
            try:
                self._prepare()
            except BaseException:
                self.close()
                raise

    def _prepare(self) -> None:
        self._run("PRAGMA journal_mode = WAL")
        self._run("PRAGMA synchronous = NORMAL")
        version = self._run("PRAGMA user_version").fetchone()[0]
        tables = self._run("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if version != (_VERSION if tables else 0):
            raise StoreError(
                f"{self.path} was written by another version of sdss_cutout (format {version}, "
                f"this is {_VERSION}). {_MOVE_AWAY}"
            )
        if not tables:
            with self.transaction():
                for statement in filter(str.strip, _SCHEMA.split(";")):
                    self._run(statement)
                self._run(f"PRAGMA user_version = {_VERSION}")

    def close(self) -> None:
        """Close the file; what was recorded stays."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _run(self, statement: str, values: Sequence[object] = ()) -> sqlite3.Cursor:
        assert self._connection is not None
        return self._connection.execute(statement, values)

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            damaged = isinstance(error, sqlite3.DatabaseError) and not isinstance(
                error, sqlite3.OperationalError
            )
            raise StoreError(
                f"{self.path}: {error}.{' ' + _MOVE_AWAY if damaged else ''}"
            ) from error

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Hold the manifest against other processes; all or nothing is written."""
        with self._translated():
            try:
                # Within the try: an interrupt can strike when this has just returned.
                self._run("BEGIN IMMEDIATE")
                yield
                self._run("COMMIT")
            except BaseException:
                # SQLite may have rolled back by itself, as it does where the disk is full.
                if self._connection is not None and self._connection.in_transaction:
                    self._run("ROLLBACK")
                raise

    def __len__(self) -> int:
        with self._translated():
            return int(self._run("SELECT count(*) FROM cutouts").fetchone()[0])

    def lookup(self, names: Sequence[str]) -> dict[str, Entry]:
        """Return the entries of those names that have one."""
        with self._translated():
            found = self._run(
                f"{_SELECT} WHERE name IN (SELECT value FROM json_each(?))", [json.dumps(names)]
            )
            return {row[0]: Entry._make(row) for row in found}

    def first_row(self, names: Sequence[str]) -> int:
        """Return the row of the first target of a list: its old one, or behind all others."""
        with self._translated():
            old = self._run(
                "SELECT row - json_each.key FROM json_each(?) JOIN cutouts ON name = value LIMIT 1",
                [json.dumps(names)],
            ).fetchone()
            new = old or self._run("SELECT coalesce(max(row) + 1, 0) FROM cutouts").fetchone()
            return int(new[0])

    def pictures(self, names: Sequence[str] | None = None) -> Iterator[tuple[Any, ...]]:
        """Yield name, URL, coverage, size and checksum of the pictures that came.

        All of them, in the order of the file: in a fraction of the time that it takes to look a
        million up; or those of a few names.
        """
        statement = "SELECT name, url, coverage, nbytes, sha256 FROM cutouts WHERE status = 'ok'"
        with self._translated():
            if names is None:
                yield from self._run(statement)
            else:
                chosen = f"{statement} AND name IN (SELECT value FROM json_each(?))"
                yield from self._run(chosen, [json.dumps(names)])

    def entries(self) -> Iterator[Entry]:
        """Yield all entries, in the order of the targets, list after list."""
        with self._translated():
            yield from map(Entry._make, self._run(f"{_SELECT} ORDER BY row, rowid"))

    def record(self, entries: Iterable[Entry]) -> None:
        """Write entries, over those of the same names; within a transaction."""
        assert self._connection is not None
        self._connection.executemany(_INSERT, entries)

    # ------------------------------------------------------------------ columns given

    def input_id(self, header: str) -> int:
        """Return the number under which a table's header is kept; within a transaction."""
        self._run("INSERT OR IGNORE INTO inputs (header) VALUES (?)", [header])
        return int(self._run("SELECT id FROM inputs WHERE header = ?", [header]).fetchone()[0])

    def inputs(self) -> dict[int, str]:
        """Return the headers of the tables of targets."""
        with self._translated():
            return dict(self._run("SELECT id, header FROM inputs").fetchall())

    # ------------------------------------------------------------- runs that share work

    def runs(self) -> list[str]:
        """Return the runs that have not signed off."""
        return [row[0] for row in self._run("SELECT id FROM runs")]

    def sign_on(self, run: str) -> None:
        """Add a run; within a transaction."""
        self._run("INSERT INTO runs VALUES (?)", [run])

    def sign_off(self, run: str) -> None:
        """Drop a run and its claims; within a transaction."""
        self._run("DELETE FROM claims WHERE run = ?", [run])
        self._run("DELETE FROM runs WHERE id = ?", [run])

    def claim(self, run: str, names: Sequence[str]) -> set[str]:
        """Claim names for a run and return those that are its own now; within a transaction."""
        wanted = json.dumps(names)
        self._run("INSERT OR IGNORE INTO claims SELECT value, ? FROM json_each(?)", [run, wanted])
        mine = self._run(
            "SELECT name FROM claims WHERE run = ? AND name IN (SELECT value FROM json_each(?))",
            [run, wanted],
        )
        return {row[0] for row in mine}

    def unclaim(self, run: str, names: Iterable[str]) -> None:
        """Give claims up; within a transaction."""
        self._run(
            "DELETE FROM claims WHERE run = ? AND name IN (SELECT value FROM json_each(?))",
            [run, json.dumps(list(names))],
        )

    # --------------------------------------------------------------------------- ECSV

    def write_ecsv(self, path: Path) -> None:
        """Write the manifest as a table; row by row, as there may be millions."""
        part = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            with part.open("w", encoding="utf-8", newline="") as file:
                file.write(_ecsv_header())
                writer = csv.writer(file, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
                with self._translated():
                    columns = ", ".join(_ECSV_COLUMNS)
                    writer.writerows(
                        self._run(f"SELECT {columns} FROM cutouts ORDER BY row, rowid")
                    )
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)


_MOVE_AWAY = (
    "Move it away and run again: pictures whose sidecars tell of the same request are taken over, "
    "nothing else is lost"
)


def _ecsv_header() -> str:
    """Return the header that astropy writes for these columns, and their names.

    By hand, as astropy takes 20 ms for it, which is the time of dozens of pictures.
    """
    units = {"ra": "deg", "dec": "deg", "scale": "arcsec / pix", "nbytes": "byte"}
    lines = ["%ECSV 1.0", "---", "datatype:"]
    for name in _ECSV_COLUMNS:
        unit = f"unit: {units[name]}, " if name in units else ""
        lines.append(f"- {{name: {name}, {unit}datatype: {_ECSV_TYPES.get(name, 'string')}}}")
    lines += ["delimiter: ','", "schema: astropy-2.0"]
    return "".join(f"# {line}\n" for line in lines) + ",".join(_ECSV_COLUMNS) + "\n"
