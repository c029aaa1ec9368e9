"""The synthetic catalogue in SQLite, under the names of SkyServer's tables and columns."""

from __future__ import annotations

import math
import sqlite3
import threading
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from sdss_cutout.sandbox import projection
from sdss_cutout.sandbox.sas.tables import FieldTables, Pulled
from sdss_cutout.sandbox.survey.fields import Survey

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from sdss_cutout.sandbox.sky import Sky

DEEP_RA, DEEP_DEC = (15.0, 30.0), (-1.25, 1.25)  # where all objects are in the tables
STORED = (
    "objID", "ra", "dec", "type", "u", "g", "r", "i", "z", "petroRad_r", "petroR50_r",
    "petroR90_r", "ab", "phi", "bulge", "specObjID", "redshift", "class", "fiberID",
)  # fmt: skip
TYPES = {"galaxy": 3, "star": 6}  # SDSS's codes
MOST_BYTES = 1_000_000  # of one value: a query can ask for gigabytes of zeros
PROGRESS_STEPS = 20_000  # SQLite instructions between two looks at the clock
_READS = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION,
          sqlite3.SQLITE_RECURSIVE}  # fmt: skip


class QueryTooLongError(ValueError):
    """A query was stopped because of its time."""


class Catalogue:
    """Answers SQLite's SQL on the synthetic sky. Built when first asked; one query at a time."""

    def __init__(self, sky: Sky, time_limit: float = 20.0, *, survey: Survey | None = None) -> None:
        self._sky, self._time_limit = sky, time_limit
        self.fields = FieldTables(survey or Survey())
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._closing = False

    def run(
        self,
        sql: str,
        nearby: list[tuple[float, float, float, bool]],
        max_rows: int,
        pulled: Pulled | None = None,
        release: int = 17,
    ) -> tuple[list[str], list[tuple[Any, ...]]]:
        """Run one SELECT; ``nearby_1`` and so on stand for the circles in ``nearby``.

        Each circle is ra, dec in degrees, radius in arcminutes, and whether only the nearest
        object is wanted. ``pulled`` has the fields that the query needs, ``release`` is the one
        that URLs of frames name.
        """
        pulled = pulled or Pulled()
        with self._lock:
            connection = self._connection = self._connection or self._build()
            for number, circle in enumerate(nearby, start=1):
                self._add_nearby(connection, number, *circle)
            try:
                self.fields.release = release
                self.fields.fill(connection, pulled)
                return self._guarded(connection, sql, max_rows)
            finally:
                self.fields.clear(connection, pulled)
                self._forget(connection, len(nearby))

    def close(self) -> None:
        """Stop the query under way, and let go of the tables."""
        self._closing = True
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _guarded(
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
        connection = sqlite3.connect(":memory:", check_same_thread=False)
        connection.executescript(_schema())
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MOST_BYTES)
        connection.create_function("fDistanceArcMinEq", 4, _distance, deterministic=True)
        connection.create_function("power", 2, math.pow, deterministic=True)
        self.fields.create(connection)
        # Columns are then called as the query wrote them, as SQL Server does it.
        connection.execute("PRAGMA short_column_names = OFF")
        _insert(connection, "stored", self._deep())
        connection.commit()
        return connection

    def _deep(self) -> NDArray[np.void]:
        table = np.concatenate([self._sky.box(DEEP_RA, DEEP_DEC), self._sky.bright.table])
        return np.asarray(table[np.unique(table["objid"], return_index=True)[1]])

    def _add_nearby(
        self, connection: sqlite3.Connection, number: int,
        ra: float, dec: float, arcmin: float, nearest: bool,
    ) -> None:  # fmt: skip
        found = self._sky.near(ra, dec, arcmin / 60.0)
        found = found[:1] if nearest else found
        _insert(connection, "pulled", found)
        connection.execute(
            f"CREATE TABLE temp.nearby_{number} (objID INTEGER, run, camcol, field, rerun, type,"
            " cx REAL, cy REAL, cz REAL, htmID, distance REAL)"
        )
        vectors = projection.normal(found["ra"], found["dec"])
        distance = _separations(vectors, projection.normal(ra, dec))
        connection.executemany(
            f"INSERT INTO nearby_{number} VALUES (?,(?1>>32)&65535,(?1>>29)&7,(?1>>16)&4095,301,"  # noqa: S608
            "?2,?3,?4,?5,0,?6)",
            zip(
                found["objid"].tolist(), [TYPES[kind] for kind in found["kind"].tolist()],
                *vectors.T.tolist(), distance.tolist(), strict=True,
            ),
        )  # fmt: skip

    def _forget(self, connection: sqlite3.Connection, circles: int) -> None:
        """What a query pulled in must not show in the next one's rows."""
        for number in range(1, circles + 1):
            connection.execute(f"DROP TABLE temp.nearby_{number}")
        connection.execute("DELETE FROM pulled")
        connection.commit()


def _insert(connection: sqlite3.Connection, table: str, objects: NDArray[np.void]) -> None:
    places = ",".join("?" * len(STORED))
    connection.executemany(
        f"INSERT OR IGNORE INTO {table} VALUES ({places})", _rows(objects)  # noqa: S608
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


def _separations(vectors: NDArray[np.float64], centre: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distances in arcminutes, from chords: cosines lose what is near."""
    chord = np.linalg.norm(vectors - centre, axis=-1)
    return np.asarray(60.0 * np.degrees(2 * np.arcsin(np.clip(chord / 2, 0, 1))))


def _distance(ra1: float, dec1: float, ra2: float, dec2: float) -> float:
    one, two = projection.normal([ra1], [dec1]), projection.normal(ra2, dec2)
    return float(_separations(one, two)[0])


def _only_reading(action: int, *names: str | None) -> int:
    """SQLite's authorizer: a query can read the catalogue and nothing else."""
    del names
    return sqlite3.SQLITE_OK if action in _READS else sqlite3.SQLITE_DENY


def _schema() -> str:
    columns = ", ".join(
        "objID INTEGER PRIMARY KEY" if name == "objID"
        else "class TEXT COLLATE NOCASE" if name == "class" else name
        for name in STORED
    )  # fmt: skip
    both = ", ".join(STORED)
    return f"""
        PRAGMA synchronous = OFF; PRAGMA temp_store = MEMORY;
        CREATE TABLE stored ({columns});
        CREATE TEMP TABLE pulled ({columns});
        CREATE TEMP VIEW everything AS SELECT {both} FROM stored
            UNION ALL SELECT {both} FROM pulled WHERE objID NOT IN (SELECT objID FROM stored);
        CREATE TEMP VIEW PhotoObjAll AS SELECT {_photo_columns()} FROM everything;
        CREATE TEMP VIEW PhotoObj AS SELECT * FROM PhotoObjAll;
        CREATE TEMP VIEW PhotoPrimary AS SELECT * FROM PhotoObjAll;
        CREATE TEMP VIEW Galaxy AS SELECT * FROM PhotoObjAll WHERE type = 3;
        CREATE TEMP VIEW Star AS SELECT * FROM PhotoObjAll WHERE type = 6;
        CREATE TEMP VIEW SpecObjAll AS SELECT {_spec_columns()} FROM everything
            WHERE specObjID > 0;
        CREATE TEMP VIEW SpecObj AS SELECT * FROM SpecObjAll;
        CREATE TEMP VIEW SpecPhotoAll AS SELECT {_spec_columns()}, objID AS objID, type AS type,
            (objID >> 32) & 65535 AS run, 301 AS rerun, (objID >> 29) & 7 AS camcol,
            (objID >> 16) & 4095 AS field,
            {_band_copies()},
            petroRad_r AS petroRad_r, petroR50_r AS petroR50_r, petroR90_r AS petroR90_r
            FROM everything WHERE specObjID > 0;
        CREATE TEMP VIEW SpecPhoto AS SELECT * FROM SpecPhotoAll;
    """  # noqa: S608


def _band_copies() -> str:
    kinds = ("modelMag", "petroMag", "psfMag")
    return ", ".join(f"{band} AS {kind}_{band}" for band in "ugriz" for kind in kinds)


def _photo_columns() -> str:
    columns = {
        "objID": "objID", "skyVersion": "2", "run": "(objID >> 32) & 65535", "rerun": "301",
        "camcol": "(objID >> 29) & 7", "field": "(objID >> 16) & 4095", "obj": "objID & 65535",
        "mode": "1", "nChild": "0", "type": "type", "clean": "1", "flags": "0",
        "probPSF": "CAST(type = 6 AS INTEGER)", "ra": "ra", "dec": "dec",
        "specObjID": "specObjID", "mjd": "52000",
    }  # fmt: skip
    for band in "ugriz":
        columns[band] = band
        columns[f"err_{band}"] = f"round(0.01 + exp(0.9 * ({band} - 22.5)), 5)"
        for kind in ("psfMag", "modelMag", "petroMag", "cModelMag", "dered"):
            columns[f"{kind}_{band}"] = band
        columns[f"extinction_{band}"] = "0.0"
        for radius in ("petroRad", "petroR50", "petroR90"):
            columns[f"{radius}_{band}"] = f"{radius}_r"
        columns[f"deVAB_{band}"] = columns[f"expAB_{band}"] = "ab"
        columns[f"deVPhi_{band}"] = columns[f"expPhi_{band}"] = "phi"
        columns[f"deVRad_{band}"] = columns[f"expRad_{band}"] = "petroR50_r"
        columns[f"fracDeV_{band}"] = "bulge"
    return ", ".join(f"{value} AS {name}" for name, value in columns.items())


def _spec_columns() -> str:
    columns = {
        "specObjID": "specObjID", "bestObjID": "objID", "ra": "ra", "dec": "dec",
        "z": "redshift", "zErr": "round(1e-5 + redshift * 1e-4, 8)", "zWarning": "0",
        "class": "class", "subClass": "CASE class WHEN 'STAR' THEN 'F9' ELSE '' END",
        "plate": "specObjID >> 50", "mjd": "50000 + ((specObjID >> 24) & 16383)",
        "fiberID": "fiberID", "run2d": "'26'", "instrument": "'SDSS'", "survey": "'sdss'",
        "sciencePrimary": "1",
    }  # fmt: skip
    return ", ".join(f"{value} AS {name}" for name, value in columns.items())
