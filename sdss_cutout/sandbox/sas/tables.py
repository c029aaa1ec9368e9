"""Fields in SQL: the tables and functions of the database about fields and frames.

The whole survey has millions of fields, so the tables hold only what a query asks for: the fields
that its functions find, and those that it names by identifier, by run, or by a box on the sky.
"""

from __future__ import annotations

import math
import re
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sdss_cutout.sandbox.sas import paths, records
from sdss_cutout.sandbox.sky import footprint
from sdss_cutout.sandbox.survey import camera
from sdss_cutout.sandbox.survey.layout import FIRST_FIELD

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator

    from sdss_cutout.sandbox.survey.fields import Field, Survey

    Row = dict[str, Any]

MOST_FIELDS = 6000  # that one query pulls in
MOST_ARCMIN = 90.0
NEAREST_ARCMIN = 81.0  # how far fGetNearestFrameEq looks (S: sqlloader spNearby.sql)
_NUMBER = r"([-+]?[0-9.]+(?:e[-+]?\d+)?)"
_CALL = re.compile(
    r"\bf(?P<name>GetNearbyFrameEq|GetNearestFrameEq|PolygonsContainingPointEq|FootprintEq)"
    r"\s*\((?P<arguments>[^()]*)\)",
    re.IGNORECASE,
)
_NAMES_A_TABLE = re.compile(r"\b(from|join)\s+\[?(field|frame|sdssPolygon\w+)\b", re.IGNORECASE)
_NEAR = ("fieldID", *"abcdef", "node", "incl", "distance")
_POLYGON = ("sdssPolygonID", "nField", "primaryFieldID", "ra", "dec", "area", "loadVersion")


class CallError(ValueError):
    """A function's arguments are not what it takes."""


@dataclass(slots=True)
class Pulled:
    """What one query needs: the rows of its calls, and fields for the tables."""

    calls: list[tuple[tuple[str, ...], list[Row]]] = field(default_factory=list)
    fields: dict[int, Field] = field(default_factory=dict)
    polygons: dict[int, Field] = field(default_factory=dict)

    def add(self, fields: list[Field]) -> None:
        """Put fields into the tables."""
        self.fields |= {one.field_id: one for one in fields[:MOST_FIELDS]}


class FieldTables:
    """The tables ``Field``, ``Frame``, ``sdssPolygons``, ``sdssPolygon2Field`` and ``Region``."""

    def __init__(self, survey: Survey) -> None:
        self.survey = survey
        self.release = 17  # of the query under way, which its URLs name
        self._tables: dict[str, list[str]] = {}

    def create(self, connection: sqlite3.Connection) -> None:
        """Make the empty tables and the scalar functions."""
        one = self.survey.primary(180.0, 30.0)
        assert one is not None
        self._tables = {name: list(rows[0]) for name, rows in self._rows([one], [one]).items()}
        for name, columns in self._tables.items():
            connection.execute(f"CREATE TEMP TABLE {name} ({', '.join(columns)})")
        connection.create_function("fGetUrlFitsCFrame", 2, self._url)
        connection.create_function("fInFootprintEq", 3, self._in_footprint)

    def translate(self, sql: str) -> tuple[str, Pulled]:
        """Replace calls of functions by tables ``called_1`` and so on; find what they hold."""
        pulled = Pulled()
        sql = _CALL.sub(lambda found: self._call(found, pulled), sql)
        if _NAMES_A_TABLE.search(sql):
            pulled.add([one for one in self._named(sql) if one is not None])
        return sql, pulled

    def fill(self, connection: sqlite3.Connection, pulled: Pulled) -> None:
        """Put into the tables what a query needs, in a transaction that is rolled back after it."""
        for number, (names, rows) in enumerate(pulled.calls, start=1):
            connection.execute(f"CREATE TEMP TABLE called_{number} ({', '.join(names)})")
            _insert(connection, f"called_{number}", list(names), rows)
        rows_of = self._rows(list(pulled.fields.values()), list(pulled.polygons.values()))
        for name, columns in self._tables.items():
            _insert(connection, name, columns, rows_of[name])

    def _call(self, found: re.Match[str], pulled: Pulled) -> str:
        name, numbers = found["name"].lower(), _numbers(found)
        columns, rows = self._functions[name](self, pulled, *numbers)
        pulled.calls.append((columns, rows))
        return f"called_{len(pulled.calls)}"

    def _nearby(
        self, pulled: Pulled, ra: float, dec: float, radius: float, zoom: float
    ) -> tuple[tuple[str, ...], list[Row]]:
        near = self.survey.near(ra, dec, radius) if zoom == 0 else []
        pulled.add([one for _, one in near])
        return _NEAR, [records.frame_row(one) | {"distance": d} for d, one in near]

    def _nearest(
        self, pulled: Pulled, ra: float, dec: float, zoom: float
    ) -> tuple[tuple[str, ...], list[Row]]:
        for radius in (2 * self.survey.field_radius, NEAREST_ARCMIN):
            near = self.survey.near(ra, dec, min(radius, NEAREST_ARCMIN)) if zoom == 0 else []
            if near:
                break
        pulled.add([one for _, one in near[:1]])
        return _NEAR, [records.frame_row(one) | {"distance": d} for d, one in near[:1]]

    def _polygons(
        self, pulled: Pulled, ra: float, dec: float, _buffer: float
    ) -> tuple[tuple[str, ...], list[Row]]:
        one = self.survey.primary(ra, dec)
        if one is None:
            return ("regionid",), []
        pulled.add(self.survey.covering(*one.centre))
        pulled.polygons[one.field_id] = one
        return ("regionid",), [{"regionid": _region(one)}]

    def _footprint(
        self, _pulled: Pulled, ra: float, dec: float, radius: float
    ) -> tuple[tuple[str, ...], list[Row]]:
        inside = self._in_footprint(ra, dec, radius)
        return ("Type",), [{"Type": "POLYGON"}] * inside

    _functions: dict[str, Callable[..., tuple[tuple[str, ...], list[Row]]]] = {  # noqa: RUF012
        "getnearbyframeeq": _nearby,
        "getnearestframeeq": _nearest,
        "polygonscontainingpointeq": _polygons,
        "footprinteq": _footprint,
    }

    def _in_footprint(self, ra: float, dec: float, radius: float) -> int:
        """1 where the survey has imaging within ``radius`` arcmin, else 0."""
        if radius <= 0:
            return int(footprint.covered(ra, dec))
        return int(self.survey.is_imaged_near(ra, dec, radius))

    def _url(self, identifier: int, band: str) -> str | None:
        one = self.survey.field_of_id(int(identifier))
        return None if one is None else paths.url(one, str(band), self.release)

    def _named(self, sql: str) -> Iterator[Field | None]:
        """Fields that a query names by constants."""
        yield from map(self.survey.field_of_id, _constants(sql, "fieldid"))
        for run in map(self.survey.run, _constants(sql, "run")):
            if run is not None:
                every = range(FIRST_FIELD, FIRST_FIELD + run.fields)
                for camcol in _constants(sql, "camcol") or camera.CAMCOLS:
                    for number in _constants(sql, "field") or every:
                        yield self.survey.field(run.number, camcol, number)
        box = [re.search(rf"\b{name}\s+between\s+{_NUMBER}\s+and\s+{_NUMBER}", sql, re.IGNORECASE)
               for name in ("ra", "dec")]  # fmt: skip
        if all(box):
            (west, east), (south, north) = (map(float, found.groups()) for found in box if found)
            middle = (south + north) / 2
            across = (east - west) * math.cos(math.radians(min(abs(south), abs(north), 90.0)))
            radius = 30 * math.hypot(across, north - south)
            if radius <= MOST_ARCMIN and abs(middle) <= 90:
                near = self.survey.near((west + east) / 2 % 360.0, middle, radius)
                yield from (one for _, one in near)

    def _rows(self, fields: list[Field], polygons: list[Field]) -> dict[str, list[Row]]:
        by_polygon = [(one, self.survey.covering(*one.centre)) for one in polygons]
        return {
            "Field": [records.field_row(one, self.survey) for one in fields],
            "Frame": [records.frame_row(one) for one in fields],
            "sdssPolygons": [self._polygon(one, len(others)) for one, others in by_polygon],
            "sdssPolygon2Field": [
                {"sdssPolygonID": _polygon_id(one), "fieldID": other.field_id, "loadVersion": 1}
                for one, others in by_polygon
                for other in others
            ],
            "Region": [
                {"regionid": _region(one), "id": _polygon_id(one), "type": "POLYGON"}
                for one in polygons
            ],
        }

    def _polygon(self, one: Field, count: int) -> Row:
        ra, dec = one.centre
        values = (_polygon_id(one), count, one.field_id, ra, dec, self.survey.primary_area(one), 1)
        return dict(zip(_POLYGON, values, strict=True))


def _region(one: Field) -> int:
    return one.field_id >> 16


def _polygon_id(one: Field) -> int:
    return zlib.crc32(str(one.field_id).encode()) & 0x7FFFFFFF


def _numbers(found: re.Match[str]) -> list[float]:
    wanted = 3 if found["name"].lower() != "getnearbyframeeq" else 4
    try:
        numbers = [float(part) for part in found["arguments"].split(",")]
    except ValueError as error:
        raise CallError(f"Incorrect arguments of {found.group()!r}: numbers") from error
    radius = 0.0 if found["name"].lower() == "getnearestframeeq" else numbers[-1:][0]
    radius = numbers[2] if len(numbers) == 4 else radius
    if len(numbers) != wanted or not all(map(math.isfinite, numbers)):
        raise CallError(f"Incorrect arguments of {found.group()!r}: {wanted} numbers")
    if not 0 <= radius <= MOST_ARCMIN:
        raise CallError(f"The sandbox searches up to {MOST_ARCMIN} arcmin: {found.group()!r}")
    return numbers


def _constants(sql: str, column: str) -> list[int]:
    """Numbers that a column is compared with: by =, IN or BETWEEN."""
    found: list[int] = []
    for match in re.finditer(
        rf"\b{column}\s*(?:=\s*(\d+)|in\s*\(([\d,\s]+)\)|between\s+(\d+)\s+and\s+(\d+))",
        sql, re.IGNORECASE,
    ):  # fmt: skip
        one, several, first, last = match.groups()
        if several:
            found += [int(part) for part in several.split(",") if part.strip()]
        elif one:
            found.append(int(one))
        else:
            found += range(int(first), min(int(last), int(first) + MOST_FIELDS) + 1)
    return found


def _insert(
    connection: sqlite3.Connection, table: str, columns: list[str], rows: list[Row]
) -> None:
    places = ",".join("?" * len(columns))
    connection.executemany(
        f"INSERT INTO temp.{table} VALUES ({places})",  # noqa: S608
        ([row[name] for name in columns] for row in rows),
    )
