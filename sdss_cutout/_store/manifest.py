"""The manifest: requests and their outcomes, in SQLite."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import time
import types
import typing
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from sdss_cutout._errors import StoreError
from sdss_cutout._targets.names import fold_name

__all__ = ["Manifest", "ManifestEntry"]

_VERSION = 2

# How long a process waits for another one that holds the manifest.
_BUSY_SECONDS = 60.0


class ManifestEntry(NamedTuple):
    """One target in the manifest; the attributes are its columns.

    A named tuple, as SQLite hands rows out: a million of them are read when a run starts again.
    """

    key: str  # the name, folded: names that some file systems take for one another share it
    name: str
    status: str
    url: str
    ra: float
    dec: float
    width: int
    height: int
    scale: float
    overlays: str
    bands: str
    release: int
    coverage: float | None
    nbytes: int
    sha256: str
    source_sha256: str
    attempts: int
    error: str
    origin: str
    date: str
    input_table: int | None = None
    input_values: str = ""
    row: int = 0


def _column(name: str, hint: Any) -> str:
    """Return the declaration of a column for the type of an attribute."""
    optional = isinstance(hint, types.UnionType)
    kind = typing.get_args(hint)[0] if optional else hint
    text = f"{name} {_SQL_TYPES[kind]}{'' if optional else ' NOT NULL'}"
    return f"{text} PRIMARY KEY" if name == "key" else text


_SQL_TYPES = {str: "TEXT", int: "INTEGER", float: "REAL"}
_COLUMNS = ManifestEntry._fields
_DECLARED = ", ".join(_column(*item) for item in typing.get_type_hints(ManifestEntry).items())
_SCHEMA = (
    f"CREATE TABLE cutouts ({_DECLARED})",
    "CREATE TABLE input_tables (id INTEGER PRIMARY KEY, header TEXT NOT NULL UNIQUE)",
    "CREATE TABLE runs (id TEXT PRIMARY KEY)",
    "CREATE TABLE plans (run TEXT NOT NULL, keys BLOB NOT NULL, urls BLOB NOT NULL)",
    "CREATE TABLE claims (name TEXT PRIMARY KEY, run TEXT NOT NULL) WITHOUT ROWID",
    f"PRAGMA user_version = {_VERSION}",
)
_INSERT = (
    f"INSERT INTO cutouts ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))}) "
    "ON CONFLICT (key) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in _COLUMNS[1:-3])
    # A target keeps the place in the list that it had at first, and its own columns where a
    # later run, such as a retry, does not know them.
    + ", input_table = coalesce(excluded.input_table, input_table)"
    ", input_values = coalesce(nullif(excluded.input_values, ''), input_values)"
)
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM cutouts"


class Manifest:
    """The manifest of one directory.

    Write-ahead logging makes a commit cheap enough for every few pictures, and lets others read
    while a run writes. Where it cannot be had SQLite keeps its ordinary journal. The last one to
    close the file leaves the ordinary journal, which a reader without write access can open.

    Parameters
    ----------
    path : `~pathlib.Path`
        The file.
    read_only : bool
        Whether the file must exist already, and stays as it is.

    Raises
    ------
    StoreError
        If it is damaged, or was written by another version.
    """

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self.path = path
        self._read_only = read_only
        self._connection: sqlite3.Connection | None = None
        with self._translated():
            try:
                self._open()
            except BaseException:
                self.close()
                raise

    def _open(self) -> None:
        if self._read_only:
            self._open_to_read()
            return
        self._connection = sqlite3.connect(self.path, timeout=_BUSY_SECONDS, isolation_level=None)
        # One transaction from the first look, as several processes may begin at the same moment.
        with self.transaction():
            if not self._run("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                for statement in _SCHEMA:
                    self._run(statement)
            self._check_version()
        self._set_journal("WAL", patience=_BUSY_SECONDS)
        self._run("PRAGMA synchronous = NORMAL")

    def _open_to_read(self) -> None:
        """Open without write access, and leave no files beside it.

        Where SQLite cannot write, it must be told that no other process writes.
        """
        modes = ["mode=ro", "immutable=1"]
        if not Path(f"{self.path}-wal").exists() and self._has_log():
            modes.reverse()
        for options in modes:
            uri = f"file:{quote(str(self.path.absolute()))}?{options}"
            self._connection = sqlite3.connect(uri, uri=True, timeout=_BUSY_SECONDS)
            try:
                self._check_version()
            except sqlite3.OperationalError:
                self._connection.close()
                if options == modes[-1]:
                    raise
            else:
                return

    def _has_log(self) -> bool:
        """Return whether the file is in the mode of write-ahead logging (SQLite's format, 1.3)."""
        with contextlib.suppress(OSError), self.path.open("rb") as file:
            return file.read(20)[18:19] == b"\x02"
        return False

    def _check_version(self) -> None:
        version = self._run("PRAGMA user_version").fetchone()[0]
        if version != _VERSION:
            raise StoreError(
                f"{self.path} was written by another version of sdss_cutout (format {version}, "
                f"this is {_VERSION}). {_MOVE_AWAY}"
            )

    def _set_journal(self, mode: str, *, patience: float) -> None:
        """Change the journal; SQLite does not wait for others here, so this does."""
        until = time.monotonic() + patience
        while True:
            try:
                self._run(f"PRAGMA journal_mode = {mode}")
            except sqlite3.OperationalError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.02)
            else:
                return

    def close(self) -> None:
        """Close the file; what was recorded stays."""
        if self._connection is None:
            return
        with contextlib.suppress(sqlite3.Error):  # others have it open: the last one does this
            if not self._read_only and not self._connection.in_transaction:
                self._set_journal("DELETE", patience=0.0)
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

    # ------------------------------------------------------------------------ the targets

    def __len__(self) -> int:
        with self._translated():
            return int(self._run("SELECT count(*) FROM cutouts").fetchone()[0])

    def lookup(self, names: Sequence[str]) -> dict[str, ManifestEntry]:
        """Return the entries of these names, or of names that some file systems take for them.

        By the folded name, see `fold_name`.
        """
        keys = json.dumps(list(map(fold_name, names)))
        with self._translated():
            rows = self._run(f"{_SELECT} WHERE key IN (SELECT value FROM json_each(?))", [keys])
            return {row[0]: ManifestEntry._make(row) for row in rows}

    def first_row(self, names: Sequence[str]) -> int:
        """Return the row of the first target of a list: its old one, or behind all others."""
        keys = json.dumps(list(map(fold_name, names)))
        with self._translated():
            old = self._run(
                "SELECT row - json_each.key FROM json_each(?) "
                "JOIN cutouts ON cutouts.key = value LIMIT 1",
                [keys],
            ).fetchone()
            new = old or self._run("SELECT coalesce(max(row) + 1, 0) FROM cutouts").fetchone()
            return int(new[0])

    def pictures(self, names: Sequence[str] | None, *, avm: bool) -> Iterator[tuple[Any, ...]]:
        """Yield name, URL, coverage, size and checksum of the pictures with, or without, AVM.

        All of them, in the order of the file: in a fraction of the time that it takes to look a
        million up; or those of a few names.
        """
        statement = (
            "SELECT name, url, coverage, nbytes, sha256 FROM cutouts WHERE status = 'ok' "
            f"AND (sha256 <> source_sha256) = {int(avm)}"
        )
        with self._translated():
            if names is None:
                yield from self._run(statement)
            else:
                chosen = f"{statement} AND key IN (SELECT value FROM json_each(?))"
                yield from self._run(chosen, [json.dumps(list(map(fold_name, names)))])

    def entries(self) -> Iterator[ManifestEntry]:
        """Yield all entries, in the order of the targets, list after list."""
        with self._translated():
            yield from map(ManifestEntry._make, self._run(f"{_SELECT} ORDER BY row, rowid"))

    def record(self, entries: Iterable[ManifestEntry]) -> None:
        """Write entries, over those of the same names; within a transaction."""
        assert self._connection is not None
        self._connection.executemany(_INSERT, entries)

    # ---------------------------------------------------------------------- input columns

    def input_table_id(self, header: str) -> int:
        """Return the number under which a table's header is kept; within a transaction."""
        self._run("INSERT OR IGNORE INTO input_tables (header) VALUES (?)", [header])
        found = self._run("SELECT id FROM input_tables WHERE header = ?", [header])
        return int(found.fetchone()[0])

    def input_tables(self) -> dict[int, str]:
        """Return the headers of the tables of targets."""
        with self._translated():
            return dict(self._run("SELECT id, header FROM input_tables").fetchall())

    # ------------------------------------------------------------- runs that share work

    def runs(self) -> list[str]:
        """Return the registered runs."""
        return [row[0] for row in self._run("SELECT id FROM runs")]

    def register_run(self, run: str) -> None:
        """Add a run; within a transaction."""
        self._run("INSERT INTO runs VALUES (?)", [run])

    def unregister_run(self, run: str) -> None:
        """Remove a run with its plan and claims; within a transaction."""
        for table in ("claims", "plans"):
            self._run(f"DELETE FROM {table} WHERE run = ?", [run])
        self._run("DELETE FROM runs WHERE id = ?", [run])

    def plan(self, run: str, keys: bytes, urls: bytes) -> None:
        """Note what a run is going to fetch, as hashes of keys and URLs; within a transaction."""
        self._run("INSERT INTO plans VALUES (?, ?, ?)", [run, keys, urls])

    def plans_of_others(self, run: str) -> list[tuple[bytes, bytes]]:
        """Return what other runs are going to fetch; within a transaction."""
        return self._run("SELECT keys, urls FROM plans WHERE run <> ?", [run]).fetchall()

    def claim(self, run: str, names: Sequence[str]) -> set[str]:
        """Claim names for a run and return those that are its own now; within a transaction."""
        wanted = json.dumps(names)
        self._run("INSERT OR IGNORE INTO claims SELECT value, ? FROM json_each(?)", [run, wanted])
        claimed = self._run(
            "SELECT name FROM claims WHERE run = ? AND name IN (SELECT value FROM json_each(?))",
            [run, wanted],
        )
        return {row[0] for row in claimed}

    def unclaim(self, run: str, names: Iterable[str]) -> None:
        """Give claims up; within a transaction."""
        self._run(
            "DELETE FROM claims WHERE run = ? AND name IN (SELECT value FROM json_each(?))",
            [run, json.dumps(list(names))],
        )


_MOVE_AWAY = (
    "Move it away and run again: pictures whose sidecars have the same request are recorded again, "
    "nothing else is lost"
)
