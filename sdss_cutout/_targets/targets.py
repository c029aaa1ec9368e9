"""Whatever was given becomes names and ICRS positions.

Every form of target that the documentation names ends as one `Targets`, or in a `TargetError`
that says which row, what value and what is allowed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from os import PathLike
from typing import Any, BinaryIO

import numpy as np
from astropy.coordinates import BaseCoordinateFrame, SkyCoord
from astropy.table import Row, Table
from numpy.typing import NDArray

from sdss_cutout._errors import TargetError
from sdss_cutout._targets.columns import (
    coordinate_columns,
    coordinate_mixin,
    degrees_of_fields,
    field_columns,
    find_column,
    find_pair,
    table_degrees,
)
from sdss_cutout._targets.directions import icrs_degrees, in_frame
from sdss_cutout._targets.files import (
    existing_file,
    is_directory,
    is_file_object,
    looks_like_path,
    read_file,
)
from sdss_cutout._targets.frames import declared_frame, note_frame
from sdss_cutout._targets.names import (
    Names,
    iau_names,
    name_texts,
    number_repeats,
    refuse_bad_names,
)
from sdss_cutout._targets.readers.arrays import is_dataframe, is_record, is_records, table_of
from sdss_cutout._targets.rows import first_bad_row, more_rows
from sdss_cutout._targets.text import (
    could_be_name,
    position_from_text,
    resolve,
    resolver_is_away,
)

__all__ = [
    "Targets",
    "read_command_line_targets",
    "read_positions",
    "read_targets",
    "stream_targets",
]

NAME_COLUMNS = ("name", "id", "objid")

# Asks for names from the positions, where a column of names cannot serve.
IAU = "IAU"

# The column with the text of targets that are given as text.
TEXT_COLUMN = "target"


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """Positions, and what else was known of them.

    Attributes
    ----------
    ra, dec : ndarray of float, shape (n,)
        ICRS, degrees.
    table : `~astropy.table.Table`
        The input columns, none for bare coordinates.
    given_names : sequence of str, array of int or None
        Names that are not made from the positions, already found safe and unique.
    scalar : bool
        Whether one target was given, rather than a list of one.
    first_row : int
        Row of the first target, where these are a part of a longer list.
    """

    ra: NDArray[np.float64]
    dec: NDArray[np.float64]
    table: Table = field(default_factory=Table)
    given_names: Names | None = None
    scalar: bool = False
    first_row: int = 0

    def __len__(self) -> int:
        return len(self.ra)

    def names(self, seen: dict[str, int] | None = None) -> list[str]:
        """Return the file stems; ``seen`` counts default names of earlier parts of the list."""
        if isinstance(self.given_names, np.ndarray):
            return list(map(str, self.given_names.tolist()))
        if self.given_names is not None:
            return list(self.given_names)
        return number_repeats(iau_names(self.ra, self.dec), {} if seen is None else seen)

    def take(self, rows: slice | NDArray[np.int64], *, first_row: int) -> Targets:
        """Return the targets of some rows, without their given names."""
        return replace(
            self,
            ra=self.ra[rows],
            dec=self.dec[rows],
            table=self.table[rows] if self.table.colnames else self.table,
            given_names=None,
            first_row=first_row,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Choice:
    """What the user said of the columns, and where in a longer list this is."""

    columns: tuple[str, str] | None = None
    ra_unit: str | None = None
    first_row: int = 0


def read_targets(
    given: Any,
    *,
    names: str | Sequence[str] | None = None,
    columns: tuple[str, str] | None = None,
    ra_unit: str | None = None,
    first_row: int = 0,
    seen: set[str] | None = None,
) -> Targets:
    """Return the targets in anything that is documented as targets.

    Parameters
    ----------
    given : object
        See `sdss_cutout.SDSSCutouts.get`.
    names : str or sequence of str, optional
        The column with the names, the names themselves, or ``"IAU"`` for names from the positions.
    columns : tuple of str, optional
        The columns of right ascension and declination, where their names do not tell.
    ra_unit : {"deg", "hour", "rad"}, optional
        Unit of the right ascension, where the table does not say, or says it wrongly.
    first_row : int, optional
        Row number of the first target, for messages.
    seen : set of str, optional
        Names of earlier parts of the list; these may not be given again.

    Raises
    ------
    TargetError
        If a target cannot be used.
    """
    if isinstance(given, Targets):
        return given
    choice = _Choice(columns=columns, ra_unit=ra_unit, first_row=first_row)
    targets = replace(_positions(given, choice), first_row=first_row)
    return replace(targets, given_names=_given_names(targets, names, seen))


def read_positions(given: Any) -> Targets:
    """Return the targets in anything that is documented as targets, whatever their names."""
    return given if isinstance(given, Targets) else _positions(given, _Choice())


def read_command_line_targets(
    arguments: str | Sequence[str],
    stdin: BinaryIO,
    *,
    names: str | Sequence[str] | None = None,
    columns: tuple[str, str] | None = None,
    ra_unit: str | None = None,
) -> Targets:
    """Return the targets that a command line names.

    Parameters
    ----------
    arguments : str or sequence of str
        ``-`` for the standard input, a file or a pipe, a position in one or more words, or an
        object's name in one or more words.
    stdin : binary file
        The standard input, as ``sys.stdin.buffer``.
    names, columns, ra_unit : optional
        As for `read_targets`.
    """
    text = arguments if isinstance(arguments, str) else " ".join(arguments)
    if is_directory(text):
        raise TargetError(f"{text} is a directory; a file with a table is needed")
    given = stdin if text == "-" else text
    return read_targets(given, names=names, columns=columns, ra_unit=ra_unit)


# ------------------------------------------------------------------------------- streams


def stream_targets(
    chunks: Iterator[Any],
    *,
    names: str | Sequence[str] | None = None,
    columns: tuple[str, str] | None = None,
) -> Iterator[Targets]:
    """Yield `Targets` for what a generator yields: tables, coordinate arrays, single targets.

    Single targets are gathered, so that they do not travel one by one.
    """
    if not (names is None or isinstance(names, str)):
        raise TargetError("names for a stream of targets must be the name of a column")
    seen: set[str] = set()
    counts: dict[str, int] = {}
    row = 0
    for chunk in _gather(chunks):
        targets = read_targets(chunk, names=names, columns=columns, first_row=row, seen=seen)
        row += len(targets)
        yield replace(targets, given_names=targets.names(counts), scalar=False)


_GATHERED = 1000


def _gather(chunks: Iterator[Any]) -> Iterator[Any]:
    singles: list[Any] = []
    for chunk in chunks:
        # What is gathered is of one kind: coordinates have no columns, text has one.
        if singles and (len(singles) >= _GATHERED or type(chunk) is not type(singles[0])):
            yield singles
            singles = []
        if _is_single(chunk):
            singles.append(chunk)
            continue
        if singles:
            yield singles
            singles = []
        yield chunk
    if singles:
        yield singles


def _is_single(chunk: Any) -> bool:
    if isinstance(chunk, SkyCoord):
        return bool(chunk.isscalar)
    return isinstance(chunk, str) and not _is_path(chunk)


# ------------------------------------------------------------------------------- any form


def _positions(given: Any, choice: _Choice) -> Targets:
    if isinstance(given, SkyCoord | BaseCoordinateFrame):
        return _of_coordinates(given, choice)
    if isinstance(given, Row):
        return replace(_of_table(Table(given), choice), scalar=True)
    if isinstance(given, Table):
        return _of_table(given, choice)
    if is_dataframe(given) or is_records(given):
        return replace(_of_table(table_of(given), choice), scalar=is_record(given))
    if is_file_object(given) or isinstance(given, PathLike) or _is_path(given):
        return _of_file(given, choice)
    if isinstance(given, str):
        return replace(_of_texts([given], choice), table=Table(), scalar=True)
    if _is_list(given):
        return _of_sequence(list(given), choice)
    raise TargetError(f"targets of type {type(given).__name__} are not understood; {_ALLOWED}")


_ALLOWED = (
    "allowed are SkyCoord, Table, QTable, Row, DataFrame, record array, the path of a table, a "
    "position such as '10:00:00 +02:12:00', an object's name, or a sequence of scalar SkyCoord or "
    "of such texts"
)


def _is_path(given: Any) -> bool:
    return isinstance(given, str) and (existing_file(given) is not None or looks_like_path(given))


def _is_list(given: Any) -> bool:
    if isinstance(given, np.ndarray):
        return given.ndim == 1 and given.dtype.kind in "USO"
    if type(given).__name__ == "Series":  # of pandas or polars
        return all(isinstance(value, str) for value in given)
    return isinstance(given, Sequence) and not isinstance(given, bytes | bytearray | memoryview)


def _of_file(given: Any, choice: _Choice) -> Targets:
    content = read_file(given, columns=choice.columns)
    if isinstance(content, Table):
        return _of_table(content, choice)
    return _of_texts(content, choice)


# ----------------------------------------------------------------------- text and lists


def _of_sequence(given: list[Any], choice: _Choice) -> Targets:
    if given and all(isinstance(target, str) for target in given):
        return _of_texts(list(map(str, given)), choice)
    if given and all(isinstance(target, Row) for target in given):
        return _of_rows(given, choice)
    ra, dec = np.empty(len(given)), np.empty(len(given))
    texts: list[str] = []
    for row, target in enumerate(given, choice.first_row):
        at = row - choice.first_row
        if isinstance(target, str):
            texts.append(target)
            ra[at], dec[at] = _of_text(target, f"target {row}: ")
        elif isinstance(target, SkyCoord | BaseCoordinateFrame) and target.isscalar:
            ra[at], dec[at] = icrs_degrees(target, f"target {row}: ")
        else:
            _refuse_item(target, row)
    return _checked(ra, dec, Table(), choice, scalar=False)


def _refuse_item(target: Any, row: int) -> None:
    hint = "a sequence of targets holds scalar coordinates or texts only"
    if isinstance(target, Table) or is_dataframe(target):
        hint = "this is a list of tables; give one of them"
    elif np.isscalar(target) or isinstance(target, tuple | list):
        hint += "; for numbers, SkyCoord(ra, dec, unit='deg')"
    raise TargetError(
        f"target {row}: {' '.join(repr(target).split())[:100]} is not a scalar SkyCoord; {hint}"
    )


def _of_rows(rows: list[Row], choice: _Choice) -> Targets:
    table = rows[0].table
    if any(row.table is not table for row in rows):
        raise TargetError("the rows are of more than one table; stack these with vstack")
    return _of_table(table[[row.index for row in rows]], choice)


def _of_texts(texts: Sequence[str], choice: _Choice) -> Targets:
    """Return the positions of texts, each a position or an object's name."""
    ra, dec = np.empty(len(texts)), np.empty(len(texts))
    unknown: dict[int, TargetError] = {}
    scalar = len(texts) == 1
    for at, text in enumerate(texts):
        row = choice.first_row + at
        try:
            ra[at], dec[at] = _of_text(text, "" if scalar else f"target {row}: ")
        except TargetError as error:
            if scalar or resolver_is_away(error.__cause__) or error.__cause__ is None:
                raise
            unknown[row] = error
    if unknown:
        raise TargetError(f"{next(iter(unknown.values()))}{more_rows(list(unknown))}")
    return _checked(ra, dec, Table({TEXT_COLUMN: list(texts)}), choice, scalar=False)


def _shortened(text: str) -> str:
    return repr(text if len(text) < 100 else f"{text[:97]}...")


def _of_text(text: str, where: str) -> tuple[float, float]:
    lines = text.strip().splitlines()
    if len(lines) != 1:
        what = f"{where}the text" if where else "the target"
        has = f"has {len(lines)} lines; give a list with one target each" if lines else ""
        has = has or "is an empty string; give a position, an object's name, or a path"
        raise TargetError(f"{what} {has}")
    position = position_from_text(text)
    if position is None and could_be_name(text):
        try:
            position = resolve(text.strip())
        except TargetError as error:
            raise TargetError(f"{where}{error}") from error.__cause__
    if position is None:
        raise TargetError(
            f"{where}{_shortened(text)} is not a valid position or object name; allowed are forms "
            "such as '10:00:00 +02:12:00' (hours and degrees), '150.0 2.2' (degrees), "
            "'J100000.00+021200.0', 'NGC 4565'"
        )
    return position


# --------------------------------------------------------------------- coordinates, tables


def _of_coordinates(coords: SkyCoord | BaseCoordinateFrame, choice: _Choice) -> Targets:
    return _coordinates_of(coords, Table(), choice, scalar=coords.isscalar)


def _coordinates_of(
    coords: SkyCoord | BaseCoordinateFrame, table: Table, choice: _Choice, *, scalar: bool
) -> Targets:
    if coords.ndim > 1:
        raise TargetError(
            f"coordinates of shape {coords.shape} are not understood; give one dimension, as "
            "coords.ravel() does"
        )
    ra, dec = map(np.atleast_1d, icrs_degrees(coords))
    return _checked(ra, dec, table, choice, scalar=scalar)


def _checked(
    ra: NDArray[np.float64],
    dec: NDArray[np.float64],
    table: Table,
    choice: _Choice,
    *,
    scalar: bool,
) -> Targets:
    """Return the targets; positions that are missing or out of range are refused."""
    if found := first_bad_row(~(np.isfinite(ra) & np.isfinite(dec)), choice.first_row):
        row, more = found
        raise TargetError(
            f"target {choice.first_row + row}: the position = ({ra[row]}, {dec[row]}) is missing "
            f"or not finite; it must be a number{more}"
        )
    if found := first_bad_row((ra < 0) | (ra > 360) | (np.abs(dec) > 90), choice.first_row):
        row, more = found
        raise TargetError(
            f"target {choice.first_row + row}: the position = ({ra[row]}, {dec[row]}) deg is "
            f"outside 0..360, -90..90{more}"
        )
    return Targets(ra=ra, dec=dec, table=table, scalar=scalar)


def _of_table(table: Table, choice: _Choice) -> Targets:
    mixin = coordinate_mixin(table) if choice.columns is None else None
    if mixin is not None:
        return _coordinates_of(table[mixin], table, choice, scalar=False)
    fields = field_columns(table) if _is_without_pair(table, choice) else None
    if fields is not None:
        ra, dec = fields["rah"], fields["ded"]
        lon, lat = degrees_of_fields(table, fields, choice.first_row)
    else:
        ra, dec = _chosen(table, choice)
        lon, lat = table_degrees(table, ra, dec, ra_unit=choice.ra_unit, first_row=choice.first_row)
    frame = declared_frame(table, ra, dec)
    if frame is not None:
        lon, lat = in_frame(lon, lat, frame)
        table = note_frame(table, ra, dec, frame)
    return Targets(ra=lon, dec=lat, table=table)


def _is_without_pair(table: Table, choice: _Choice) -> bool:
    return choice.columns is None and find_pair(table.colnames) is None


def _chosen(table: Table, choice: _Choice) -> tuple[str, str]:
    if choice.columns is None:
        return coordinate_columns(table)
    ra, dec = (find_column(table, name) for name in choice.columns)
    if ra == dec:
        raise TargetError(f"column {ra!r} cannot be both coordinates; name two columns")
    return ra, dec


# ---------------------------------------------------------------------------------- names


def _given_names(
    targets: Targets, names: str | Sequence[str] | None, seen: set[str] | None
) -> Names | None:
    found = _names_and_column(targets, names)
    if found is None:
        return None
    texts, column = found
    if len(texts) != len(targets):
        raise TargetError(
            f"{len(texts)} names were given for {len(targets)} targets; give one for each"
        )
    refuse_bad_names(texts, seen=seen, column=column, first_row=targets.first_row)
    return texts


def _names_and_column(
    targets: Targets, names: str | Sequence[str] | None
) -> tuple[Names, str | None] | None:
    """Return the names and the column that they come from; None for names from the positions."""
    table = targets.table
    if names is None:
        column = _default_column(table)
    elif isinstance(names, str):
        if names == IAU:
            return None
        if targets.scalar and not table.colnames:
            return [names.strip()], None
        column = find_column(
            table, names, " for names (and names='IAU' makes them from the positions)"
        )
    elif isinstance(names, Iterable):
        return name_texts(names, column=None, first_row=targets.first_row), None
    else:
        raise TargetError(f"names = {names!r} is neither a column nor a list of names")
    if column is None:
        return None
    return name_texts(table[column], column=column, first_row=targets.first_row), column


def _default_column(table: Table) -> str | None:
    lowered: dict[str, str] = {}
    for name in table.colnames:
        lowered.setdefault(name.lower(), name)
    return next((lowered[name] for name in NAME_COLUMNS if name in lowered), None)
