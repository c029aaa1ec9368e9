"""The synthetic catalogue in SQLite: objects are inserted for a query, and removed after it."""

from __future__ import annotations

import sqlite3
import threading
import time
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from sdss_cutout.sandbox.sas.tables import FieldTables
from sdss_cutout.sandbox.sql import functions
from sdss_cutout.sandbox.sql.scope import PATCH_DEC, PATCH_RA, CellIndex, Scope
from sdss_cutout.sandbox.sql.tables import STORED, schema
from sdss_cutout.sandbox.survey.fields import Survey

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from sdss_cutout.sandbox.sky.objects import Sky
    from sdss_cutout.sandbox.sql.functions import TableFunction

MOST_BYTES = 1_000_000  # of one value: a query can ask for gigabytes of zeros
PROGRESS_STEPS = 20_000  # SQLite instructions between two checks of the time
_READS = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION,
          sqlite3.SQLITE_RECURSIVE}  # fmt: skip


class QueryTooLongError(ValueError):
    """A query was stopped because of its time."""


@dataclass(frozen=True, slots=True)
class Result:
    """The rows of a query, and which cells it read."""

    names: list[str]
    rows: list[tuple[Any, ...]]
    scope: Scope


class Catalogue:
    """Answers SQLite's SQL on the synthetic sky. Built when first asked; one query at a time."""

    def __init__(self, sky: Sky, time_limit: float = 20.0, *, survey: Survey | None = None) -> None:
        self._sky, self._time_limit = sky, time_limit
        self._fields = FieldTables(survey or Survey())
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._closing = False

    @cached_property
    def _index(self) -> CellIndex:
        return CellIndex()

    def run(
        self,
        sql: str,
        tables: dict[str, TableFunction] | None = None,
        max_rows: int = 500_000,
        release: int = 17,
    ) -> Result:
        """Run one SELECT, in which ``tables`` are temporary ones under their names.

        ``release`` is the one that URLs of frames name.
        """
        tables = tables or {}
        sql, fields = self._fields.translate(sql)
        with self._lock:
            connection = self._connection = self._connection or self._build()
            scope = self._index.scope_of(sql)
            if tables and not scope.cells:  # they name the objects that the query is about
                scope = Scope([])
            cells = dict.fromkeys(scope.cells)
            for table in tables.values():
                cells |= dict.fromkeys(filter(self._index.is_beyond_patch, table.cells()))
            connection.execute("BEGIN")
            try:
                self._load(connection, list(cells))
                for name, table in tables.items():
                    table.create(connection, name, self._sky)
                self._fields.release = release
                self._fields.fill(connection, fields)
                return Result(*self._select(connection, sql, max_rows), scope)
            finally:
                connection.execute("ROLLBACK")  # of the cells, and of the temporary tables

    def close(self) -> None:
        """Stop the query that is running, and delete the tables."""
        self._closing = True
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _select(
        self, connection: sqlite3.Connection, sql: str, max_rows: int
    ) -> tuple[list[str], list[tuple[Any, ...]]]:
        end = time.monotonic() + self._time_limit
        connection.set_authorizer(_only_reading)
        connection.set_progress_handler(
            lambda: self._closing or time.monotonic() > end, PROGRESS_STEPS
        )
        try:
            cursor = connection.execute(sql)
            names = [column[0] for column in cursor.description or ()]
            return names, cursor.fetchmany(max_rows)
        except sqlite3.OperationalError as error:
            if "interrupted" in str(error):
                raise QueryTooLongError("Query execution time limit exceeded") from error
            raise
        finally:
            connection.set_progress_handler(None, 0)
            connection.set_authorizer(None)

    def _build(self) -> sqlite3.Connection:
        connection = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
        connection.executescript(schema())
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MOST_BYTES)
        functions.register(connection, self._sky)
        self._fields.create(connection)
        # Columns are then called as the query wrote them, as SQL Server does it.
        connection.execute("PRAGMA short_column_names = OFF")
        connection.execute("BEGIN")
        _insert(connection, self._sky.bright.table)
        _insert(connection, self._sky.box(PATCH_RA, PATCH_DEC))
        connection.execute("COMMIT")
        return connection

    def _load(self, connection: sqlite3.Connection, cells: Sequence[tuple[int, int]]) -> None:
        for cell in cells:
            if self._closing:
                raise QueryTooLongError("The sandbox is closing")
            _insert(connection, self._sky.cell(*cell).table)


def _insert(connection: sqlite3.Connection, objects: NDArray[np.void]) -> None:
    places = ",".join("?" * len(STORED))
    connection.executemany(
        f"INSERT OR IGNORE INTO objects VALUES ({places})", _rows(objects)  # noqa: S608
    )  # fmt: skip


def _rows(objects: NDArray[np.void]) -> Iterator[tuple[Any, ...]]:
    def short(name: str) -> list[float]:
        return np.round(objects[name].astype(float), 5).tolist()

    return zip(
        objects["objid"].tolist(), objects["ra"].tolist(), objects["dec"].tolist(),
        np.where(objects["kind"] == "star", 6, 3).tolist(), *map(short, "ugriz"),
        short("petroRad_r"), short("petroR50_r"), short("petroR90_r"), short("ab"), short("phi"),
        short("bulge"), objects["specobjid"].tolist(), objects["redshift"].astype(float).tolist(),
        objects["spec_class"].tolist(), objects["fiber"].tolist(), strict=True,
    )  # fmt: skip


def _only_reading(action: int, *names: str | None) -> int:
    """SQLite's authorizer: a query can read the catalogue and nothing else."""
    del names
    return sqlite3.SQLITE_OK if action in _READS else sqlite3.SQLITE_DENY
