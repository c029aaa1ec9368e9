"""The server's cross-identification: a list of positions or numbers joined with the catalogue."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sdss_cutout.sandbox.sky import grid, population
from sdss_cutout.sandbox.sql.dialect import FailedError

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from sdss_cutout.sandbox.sky.objects import Sky
    from sdss_cutout.sandbox.sql.functions import TableFunction

MOST_ARCMIN = 3.0  # S: CrossIdSearch.cs
MISMATCH = "Column name or number of supplied values does not match table definition."
_NUMBERS = ("ra", "dec", "objID", "plate", "mjd", "fiber", "fiberid", "run", "rerun", "camcol",
            "field", "obj")  # fmt: skip
_DATA_COLUMNS = {
    "ra-dec": ("ra", "dec"),
    "run-rerun": ("run", "rerun", "camcol", "field", "obj"),
    "plate-mjd-fiber": ("plate", "mjd", "fiber"),
}


class ArgumentError(ValueError):
    """A parameter that the server answers with 400."""


@dataclass(frozen=True, slots=True)
class CrossIdentification:
    """The parameters of a cross-identification, as the server reads them (S: CrossIdSearch.cs).

    Attributes
    ----------
    names : list of str
        The columns of the list.
    rows : list
        Its lines, each with a number from 1 and the values.
    """

    names: list[str]
    rows: list[tuple[int, list[str]]]
    first_column: int
    kind: str
    scope: str
    is_spectro: bool
    arcmin: float
    query: str

    @classmethod
    def of(cls, fields: Mapping[str, str], listed: str) -> CrossIdentification:
        """Read the parameters and the list of a request."""
        is_spectro = fields.get("searchType") == "spectro"
        kind = fields.get("spectroUpType" if is_spectro else "photoUpType", "ra-dec")
        if not listed.strip():
            raise ArgumentError("Unable to read upload file or list.")
        first_column = _first_column(fields)
        names, rows = _table(listed, first_column, _DATA_COLUMNS.get(kind, ("ra", "dec")))
        return cls(
            names, rows, first_column, kind, is_spectro=is_spectro,
            scope=fields.get("spectroScope" if is_spectro else "photoScope", "nearPrim"),
            arcmin=_radius(fields) if kind == "ra-dec" else 1.0, query=fields.get("uquery", ""),
        )  # fmt: skip

    @property
    def command(self) -> str:
        """The query, with the columns that the server adds to it."""
        query, prefix = self.query, ""
        if self.kind == "plate-mjd-fiber":
            return query
        if self.kind == "ra-dec":
            named = self.names[: self.first_column]
            prefix = "".join(f"u.up_{name} as [{name}]," for name in named)
        if not self.is_spectro and not re.search(r"p\.objid\s*,", query, re.IGNORECASE):
            prefix += "x.objID,"
        return re.sub("select", f"SELECT {prefix}", query, flags=re.IGNORECASE)

    @property
    def tables(self) -> dict[str, TableFunction]:
        """The temporary tables that the query joins."""
        return {'"#upload"': _Upload(self), '"#x"': _Matches(self)}

    def positions(self) -> Iterator[tuple[int, float, float]]:
        """The number and the position of each row."""
        ra, dec = self.names.index("ra"), self.names.index("dec")
        for number, values in self.rows:
            try:
                yield number, float(values[ra]), float(values[dec])
            except (ValueError, IndexError) as error:
                raise FailedError(MISMATCH) from error

    def matches(self, objects: Sky) -> Iterator[tuple[int, int]]:
        """The number of each row that is identified, and what with."""
        if self.kind == "run-rerun":
            yield from self._by_numbers()
        if self.kind != "ra-dec":
            return
        column = "specobjid" if self.is_spectro else "objid"
        for number, ra, dec in self.positions():
            found = self._near(objects, ra, dec)
            yield from ((number, int(identifier)) for identifier in found[column])

    def _near(self, objects: Sky, ra: float, dec: float) -> NDArray[np.void]:
        found = objects.near(ra, dec, self.arcmin / 60.0)
        found = found[found["specobjid"] > 0] if self.is_spectro else found
        return found if self.scope.startswith("all") else found[:1]

    def _by_numbers(self) -> Iterator[tuple[int, int]]:
        for number, values in self.rows:
            run, _, camcol, field, obj = map(int, values[-5:])
            yield number, population.identifier_prefix(run, camcol, field) + obj


@dataclass(frozen=True, slots=True)
class _Upload:
    """``#upload``: the list itself."""

    asked: CrossIdentification

    def cells(self) -> Iterator[tuple[int, int]]:
        """The cells whose objects it can be joined with."""
        if self.asked.kind == "ra-dec":
            for _, ra, dec in self.asked.positions():
                yield from grid.cells_near(ra % 360.0, dec, self.asked.arcmin / 60.0)
        elif self.asked.kind == "run-rerun":
            for _, values in self.asked.rows:
                run, _, camcol, field, _ = map(int, values[-5:])
                yield grid.cell_of_field(run, camcol, field)
        else:
            for _, values in self.asked.rows:
                yield grid.cell_of_plate(int(values[-3]), int(values[-2]))

    def create(self, connection: sqlite3.Connection, name: str, objects: Sky) -> None:
        """Make it a temporary table."""
        del objects
        names = self.asked.names
        types = ("NUMERIC" if column in _NUMBERS else "TEXT" for column in names)
        columns = ", ".join(f"[up_{c}] {t}" for c, t in zip(names, types, strict=True))
        connection.execute(f"CREATE TEMP TABLE {name} (up_id INTEGER, {columns})")
        if any(len(values) != len(names) for _, values in self.asked.rows):
            raise FailedError(MISMATCH)
        places = ", ".join("?" * (1 + len(names)))
        connection.executemany(
            f"INSERT INTO {name} VALUES ({places})",  # noqa: S608
            [(number, *values) for number, values in self.asked.rows],
        )


@dataclass(frozen=True, slots=True)
class _Matches:
    """``#x``: what each row of the list was identified with."""

    asked: CrossIdentification

    def cells(self) -> list[tuple[int, int]]:
        """None but those of the list."""
        return []

    def create(self, connection: sqlite3.Connection, name: str, objects: Sky) -> None:
        """Make it a temporary table."""
        column = "SpecobjID" if self.asked.is_spectro else "objID"
        connection.execute(f"CREATE TEMP TABLE {name} (up_id INTEGER, {column} INTEGER)")
        rows = self.asked.matches(objects)
        connection.executemany(f"INSERT INTO {name} VALUES (?, ?)", rows)  # noqa: S608


def _first_column(fields: Mapping[str, str]) -> int:
    text = fields.get("firstcol", "")
    if not text.isdigit():
        raise ArgumentError(
            "Number of preceding non-data columns (firstcol) not specified or has incorrect format."
        )
    return int(text)


def _radius(fields: Mapping[str, str]) -> float:
    try:
        radius = float(fields.get("radius", ""))
    except ValueError as error:
        raise ArgumentError("The value of 'radius' is non numerical") from error
    if not 0 < radius <= MOST_ARCMIN:
        raise ArgumentError("Radius variable should be a positive number smaller than 3 arcmin.")
    return radius


def _table(
    listed: str, first_column: int, data_columns: tuple[str, ...]
) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """The columns and the rows of a list; its first line is never a row, as there."""
    lines = re.split(r"\r?\n|\\r\\n|\\n", listed)
    head = _values(lines[0].partition("#")[2] or lines[0])
    data = [name.lower() for name in head[first_column:]]
    has_names = data == list(data_columns)
    if len(data) != len(data_columns) or not (has_names or re.match(r"[-+.\d]", data[0])):
        raise FailedError(MISMATCH)
    named = head[:first_column] if has_names else [f"col{n}" for n in range(first_column)]
    rows = [(n, _values(line)) for n, line in enumerate(lines) if n and line.strip()]
    return [*named, *data_columns], rows


def _values(line: str) -> list[str]:
    return [value for value in re.split(r"[,\s]+", line) if value]
