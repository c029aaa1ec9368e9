"""SkyServer's functions: those that give tables, as temporary tables, and those in expressions."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sdss_cutout.sandbox import projection
from sdss_cutout.sandbox.sky import grid
from sdss_cutout.sandbox.sql.tables import TYPES

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable
    from typing import Protocol

    from numpy.typing import NDArray

    from sdss_cutout.sandbox.sky.objects import Sky

    class TableFunction(Protocol):
        """A function that stands in a FROM."""

        def cells(self) -> Iterable[tuple[int, int]]:
            """The cells whose objects it names."""

        def create(self, connection: sqlite3.Connection, name: str, objects: Sky) -> None:
            """Make its result a temporary table of a name."""


MOST_ARCMIN = 90.0  # our own limit: a wider circle would take seconds
_NEARBY_COLUMNS = (
    "objID INTEGER, run, camcol, field, rerun, type, mode, cx REAL, cy REAL, cz REAL, htmID, "
    "distance REAL"
)


@dataclass(frozen=True, slots=True)
class Circle:
    """``fGetNearbyObjEq`` and ``fGetNearestObjEq``: degrees, and a radius in arcminutes."""

    ra: float
    dec: float
    arcmin: float
    nearest: bool = False

    def __post_init__(self) -> None:
        """Refuse what the sandbox would search for too long."""
        if not all(map(math.isfinite, (self.ra, self.dec, self.arcmin))):
            raise ValueError("a position and a radius must be finite numbers")
        if not 0 <= self.arcmin <= MOST_ARCMIN:
            raise ValueError(f"the sandbox searches within at most {MOST_ARCMIN} arcmin")

    def cells(self) -> Iterable[tuple[int, int]]:
        """The cells that it may touch."""
        return grid.cells_near(self.ra % 360.0, self.dec, self.arcmin / 60.0)

    def find(self, objects: Sky) -> NDArray[np.void]:
        """The objects in it, nearest first."""
        found = objects.near(self.ra, self.dec, self.arcmin / 60.0)
        return found[:1] if self.nearest else found

    def create(self, connection: sqlite3.Connection, name: str, objects: Sky) -> None:
        """Make it a temporary table."""
        _create_nearby(connection, name, self.find(objects), (self.ra, self.dec))


@dataclass(frozen=True, slots=True)
class Rectangle:
    """``fGetObjFromRect`` and ``fGetObjFromRectEq``: ranges of ra and dec in degrees."""

    ra: tuple[float, float]
    dec: tuple[float, float]

    def cells(self) -> list[tuple[int, int]]:
        """The cells that it may touch."""
        return grid.cells_in_box(self.ra, self.dec)

    def create(self, connection: sqlite3.Connection, name: str, objects: Sky) -> None:
        """Make it a temporary table."""
        found = objects.box(self.ra, self.dec)
        centre = (sum(self.ra) / 2, sum(self.dec) / 2)
        _create_nearby(connection, name, found, centre)


@dataclass(frozen=True, slots=True)
class Columns:
    """``fDocColumns``: what there is about the columns of a table."""

    table: str

    def cells(self) -> list[tuple[int, int]]:
        """None."""
        return []

    def create(self, connection: sqlite3.Connection, name: str, objects: Sky) -> None:
        """Make it a temporary table."""
        del objects
        connection.execute(
            f"CREATE TEMP TABLE {name} (enum, name, type, length, unit, ucd, description)"
        )
        rows = connection.execute("SELECT name FROM pragma_table_info(?)", (self.table,)).fetchall()
        connection.executemany(
            f"INSERT INTO {name} VALUES ('', ?, ?, 8, '', '', 'SIMULATED')",  # noqa: S608
            [(column, "bigint" if column.lower().endswith("id") else "real") for (column,) in rows],
        )


def _create_nearby(
    connection: sqlite3.Connection, name: str, found: NDArray[np.void], centre: tuple[float, float]
) -> None:
    vectors = projection.normal(found["ra"], found["dec"])
    identifiers = found["objid"].astype("i8")
    values = [
        identifiers, identifiers >> 32 & 65535, identifiers >> 29 & 7, identifiers >> 16 & 4095,
        *vectors.T, projection.separations(vectors, projection.normal(*centre)),
    ]  # fmt: skip
    types = [TYPES[kind] for kind in found["kind"].tolist()]
    connection.execute(f"CREATE TEMP TABLE {name} ({_NEARBY_COLUMNS})")
    connection.executemany(
        f"INSERT INTO {name} (objID, run, camcol, field, cx, cy, cz, distance, type, rerun, mode,"  # noqa: S608
        " htmID) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 301, 1, 0)",
        zip(*(value.tolist() for value in values), types, strict=True),
    )


def register(connection: sqlite3.Connection, objects: Sky) -> None:
    """Teach a connection the functions that stand in expressions."""

    def nearest(ra: float, dec: float, arcmin: float) -> int | None:
        found = Circle(ra, dec, arcmin, nearest=True).find(objects)
        return int(found["objid"][0]) if len(found) else None

    for name, arguments, function in (
        ("fDistanceArcMinEq", 4, _distance),
        ("fPhotoTypeN", 1, {code: kind.upper() for kind, code in TYPES.items()}.get),
        ("fGetNearestObjIdEq", 3, nearest),
        ("fGetNearestObjIdAllEq", 3, nearest),
        ("power", 2, math.pow),
        ("square", 1, lambda value: value * value),
    ):
        connection.create_function(name, arguments, function, deterministic=True)


def _distance(ra1: float, dec1: float, ra2: float, dec2: float) -> float:
    """Arcminutes; without arrays, as it is called for every row of a table."""
    one, two, east = math.radians(dec1), math.radians(dec2), math.radians(ra2 - ra1) / 2
    half = math.sin((two - one) / 2) ** 2 + math.cos(one) * math.cos(two) * math.sin(east) ** 2
    return 60 * math.degrees(2 * math.asin(min(1.0, math.sqrt(half))))
