"""Whatever was given becomes names and ICRS positions.

Friendly at the door, strict behind it: every form of target that the documentation names ends
as one `Targets`, or in a `TargetError` that says which row, what value and what is allowed.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NoReturn

import astropy.units as u
import numpy as np
from astropy.coordinates import Angle, SkyCoord
from astropy.table import Row, Table, TableColumns
from astropy.utils.exceptions import AstropyWarning
from numpy.typing import NDArray

from sdss_cutout._errors import TargetError
from sdss_cutout._targets.files import is_dataframe, looks_like_path, read_table, table_of
from sdss_cutout._targets.names import iau_names, number_repeats, refuse_repeats, refuse_unsafe

__all__ = ["Targets", "read_positions", "read_targets", "stream_targets"]

# Pairs in the order in which they are looked for; matched without regard to case.
COORDINATE_COLUMNS = (
    ("ra", "dec"),
    ("raj2000", "dej2000"),
    ("_raj2000", "_dej2000"),
    ("alpha_j2000", "delta_j2000"),
    ("ra_icrs", "de_icrs"),
    ("ra_deg", "dec_deg"),
)
NAME_COLUMNS = ("name", "id", "objid")

# Identifiers beyond this have lost digits when they come as floating-point numbers.
_LARGEST_EXACT_FLOAT = 2**53 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """Positions, and what else was known of them.

    Attributes
    ----------
    ra, dec : ndarray of float, shape (n,)
        ICRS, degrees.
    table : `~astropy.table.Table`
        The columns that were given, none for bare coordinates.
    given_names : sequence of str or None
        Names that were given, already found safe and unique.
    scalar : bool
        Whether one target was given, rather than a list of one.
    first_row : int
        Row of the first target, where these are a part of a longer list.
    """

    ra: NDArray[np.float64]
    dec: NDArray[np.float64]
    table: Table = field(default_factory=Table)
    given_names: Sequence[str] | None = None
    scalar: bool = False
    first_row: int = 0

    def __len__(self) -> int:
        return len(self.ra)

    def names(self, seen: dict[str, int] | None = None) -> list[str]:
        """Return the file stems; ``seen`` counts default names of earlier parts of the list."""
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


def read_targets(
    given: Any,
    *,
    names: str | Sequence[str] | None = None,
    columns: tuple[str, str] | None = None,
    first_row: int = 0,
    seen: set[str] | None = None,
) -> Targets:
    """Return the targets in anything that is documented as targets.

    Parameters
    ----------
    given : object
        See `sdss_cutout.SDSSCutouts.get`.
    names : str or sequence of str, optional
        The column with the names, or the names themselves.
    columns : tuple of str, optional
        The columns of right ascension and declination, where their names do not tell.
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
    targets = replace(_positions(given, columns, first_row), first_row=first_row)
    return replace(targets, given_names=_given_names(targets, names, seen))


def read_positions(given: Any) -> Targets:
    """Return the targets in anything that is documented as targets, whatever their names."""
    return given if isinstance(given, Targets) else _positions(given, None, 0)


def stream_targets(
    chunks: Iterator[Any],
    *,
    names: str | Sequence[str] | None = None,
    columns: tuple[str, str] | None = None,
) -> Iterator[Targets]:
    """Yield `Targets` for what a generator brings: tables, coordinate arrays, single targets.

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
    singles: list[SkyCoord] = []
    for chunk in chunks:
        if isinstance(chunk, SkyCoord) and chunk.isscalar:
            singles.append(chunk)
            if len(singles) < _GATHERED:
                continue
        if singles:
            yield singles
            singles = []
        if not (isinstance(chunk, SkyCoord) and chunk.isscalar):
            yield chunk
    if singles:
        yield singles


def _positions(given: Any, columns: tuple[str, str] | None, first_row: int) -> Targets:
    if isinstance(given, SkyCoord):
        return _of_coordinates(given, Table(), scalar=given.isscalar, first_row=first_row)
    if isinstance(given, Row):
        return replace(_of_table(Table(given), columns, first_row), scalar=True)
    if isinstance(given, Table):
        return _of_table(given, columns, first_row)
    if is_dataframe(given):
        return _of_table(table_of(given), columns, first_row)
    if isinstance(given, Path) or (isinstance(given, str) and looks_like_path(given)):
        return _of_table(read_table(given), columns, first_row)
    if isinstance(given, str):
        return _of_object_name(given)
    if isinstance(given, Sequence) and not isinstance(given, bytes):
        return _of_sequence(given, first_row)
    raise TargetError(
        f"targets of type {type(given).__name__} are not understood; allowed are SkyCoord, Table, "
        "QTable, Row, DataFrame, the path of a table, an object's name, or a sequence of SkyCoord"
    )


def _of_object_name(name: str) -> Targets:
    from astropy.coordinates.name_resolve import NameResolveError

    if not name.strip():
        raise TargetError("the target is an empty string; give an object's name or a path")
    try:
        coord = SkyCoord.from_name(name)
    except NameResolveError as error:
        raise TargetError(f"the object name {name!r} could not be resolved: {error}") from error
    return _of_coordinates(coord, Table(), scalar=True)


def _of_sequence(given: Sequence[Any], first_row: int) -> Targets:
    for row, coord in enumerate(given, first_row):
        if not (isinstance(coord, SkyCoord) and coord.isscalar):
            raise TargetError(
                f"target {row}: {' '.join(repr(coord).split())} is not a scalar SkyCoord; a "
                "sequence of targets holds scalar coordinates only"
            )
    icrs = [_to_icrs(coord, f"target {row}: ") for row, coord in enumerate(given, first_row)]
    coords = SkyCoord([c.ra.deg for c in icrs], [c.dec.deg for c in icrs], unit="deg")
    return _of_coordinates(coords, Table(), scalar=False, first_row=first_row)


def _of_coordinates(coords: SkyCoord, table: Table, *, scalar: bool, first_row: int = 0) -> Targets:
    if coords.ndim > 1:
        raise TargetError(
            f"coordinates of shape {coords.shape} are not understood; give one dimension"
        )
    icrs = _to_icrs(coords)
    ra, dec = (np.atleast_1d(_filled(angle.deg)) for angle in (icrs.ra, icrs.dec))
    for row in np.flatnonzero(~(np.isfinite(ra) & np.isfinite(dec)))[:1]:
        _refuse_position(first_row + row, "the position", f"({ra[row]}, {dec[row]})", "a number")
    return Targets(ra=ra, dec=dec, table=table, scalar=scalar)


def _to_icrs(coords: SkyCoord, where: str = "") -> SkyCoord:
    from astropy.coordinates import ConvertError

    try:
        return coords.icrs
    except (ConvertError, ValueError, TypeError, AttributeError) as error:
        raise TargetError(
            f"{where}coordinates in {coords.frame.name} cannot be turned into ICRS: {error}"
        ) from error


def _of_table(table: Table, columns: tuple[str, str] | None, first_row: int) -> Targets:
    if columns is None and (mixin := _coordinate_mixin(table)):
        return _of_coordinates(table[mixin], table, scalar=False, first_row=first_row)
    ra_name, dec_name = columns or _coordinate_columns(table)
    for name in (ra_name, dec_name):
        if name not in table.colnames:
            raise TargetError(f"there is no column {name!r}; the columns are {_listed(table)}")
    ra = _degrees(table[ra_name], u.hourangle, first_row)
    dec = _degrees(table[dec_name], u.deg, first_row)
    _refuse_outside(ra, ra_name, 0, 360, first_row)
    _refuse_outside(dec, dec_name, -90, 90, first_row)
    return Targets(ra=ra, dec=dec, table=table)


def _coordinate_mixin(table: Table) -> str | None:
    mixins = [name for name in table.colnames if isinstance(table[name], SkyCoord)]
    if len(mixins) > 1:
        raise TargetError(f"the table has {len(mixins)} coordinate columns, {mixins}; keep one")
    return mixins[0] if mixins else None


def _coordinate_columns(table: Table) -> tuple[str, str]:
    found = [
        (ra, dec)
        for pair in COORDINATE_COLUMNS
        for ra in _spelled(table.columns, pair[0])
        for dec in _spelled(table.columns, pair[1])
    ]
    if not found:
        raise TargetError(
            f"no coordinates in the table: its columns are {_listed(table)}. Known are a SkyCoord "
            "column, or pairs such as "
            + ", ".join(f"{ra}/{dec}" for ra, dec in COORDINATE_COLUMNS)
            + " in any case"
        )
    same_pair = [pair for pair in found if _lowered(pair) == _lowered(found[0])]
    if len(same_pair) > 1:
        raise TargetError(f"the table has the coordinates more than once: {same_pair}")
    return found[0]


def _lowered(pair: tuple[str, str]) -> tuple[str, str]:
    return pair[0].lower(), pair[1].lower()


def _spelled(columns: TableColumns, name: str) -> list[str]:
    return [column for column in columns if column.lower() == name]


def _listed(table: Table) -> str:
    return ", ".join(map(repr, table.colnames)) or "none"


def _degrees(column: Any, sexagesimal_unit: u.Unit, first_row: int) -> NDArray[np.float64]:
    """Return a column's values in degrees, NaN where masked."""
    name, unit = column.info.name, getattr(column, "unit", None)
    values = _filled(getattr(column, "value", column))
    if values.ndim != 1:
        raise TargetError(f"column {name!r} holds {values.shape[1:]} values in each row, not one")
    if values.dtype.kind in "OSU":
        return _parsed_degrees(values, name, unit, sexagesimal_unit, first_row)
    if values.dtype.kind not in "fiu":
        raise TargetError(f"column {name!r} holds no numbers but {values.dtype}")
    return np.asarray((values.astype(np.float64) * _angular(unit, name)).to_value(u.deg))


def _angular(unit: Any, name: str) -> u.Unit:
    """Return the unit of a column of angles, degrees if it has none."""
    try:
        found = u.Unit("" if unit is None else unit)
        if found == u.dimensionless_unscaled:
            return u.deg
        found.to(u.deg)
    except (u.UnitConversionError, ValueError, TypeError) as error:
        raise TargetError(
            f"column {name!r} has the unit {str(unit)!r}, which is no angle; allowed are deg, "
            "hourangle, rad and the like"
        ) from error
    return found


def _filled(values: Any) -> NDArray[Any]:
    """Return a plain array, with NaN (or an empty string) for what is masked."""
    if not hasattr(values, "mask"):
        return np.asarray(values)
    plain: Any = np.ma.MaskedArray(getattr(values, "unmasked", values), values.mask)
    if plain.dtype.kind in "fiu":
        return plain.astype(np.float64).filled(np.nan)
    return plain.filled("")


def _parsed_degrees(
    values: NDArray[Any],
    name: str,
    unit: Any,
    sexagesimal_unit: u.Unit,
    first_row: int,
) -> NDArray[np.float64]:
    """Return degrees for text: plain numbers in the column's unit, or sexagesimal."""
    degrees, plain = np.empty(len(values)), []
    for row, value in enumerate(values):
        text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
        try:
            degrees[row] = float(text.strip() or "nan")
            plain.append(row)
        except ValueError:
            degrees[row] = _sexagesimal(text, unit, sexagesimal_unit, name, first_row + row)
    if plain:
        degrees[plain] = (degrees[plain] * _angular(unit, name)).to_value(u.deg)
    return degrees


def _sexagesimal(text: str, unit: Any, otherwise: u.Unit, name: str, row: int) -> float:
    try:
        angular = _angular(unit, name) if unit else otherwise
    except TargetError:  # VizieR gives such columns the unit "h:m:s"
        angular = otherwise
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", AstropyWarning)  # 60 s are a minute, 24 h a turn
            return float(Angle(text, unit=angular).deg)
    except (ValueError, TypeError, u.UnitsError) as error:
        raise TargetError(
            f"target {row}: {name} = {text!r} is no angle; allowed are degrees or sexagesimal "
            "text such as 01:16:05.6"
        ) from error


def _refuse_outside(
    values: NDArray[np.float64], name: str, low: float, high: float, first_row: int
) -> None:
    for row in np.flatnonzero(~np.isfinite(values))[:1]:
        _refuse_position(first_row + row, name, values[row], f"a number in {low}..{high} deg")
    for row in np.flatnonzero((values < low) | (values > high))[:1]:
        raise TargetError(
            f"target {first_row + row}: {name} = {values[row]} deg is outside {low}..{high}"
        )


def _refuse_position(row: int, name: str, value: object, allowed: str) -> None:
    raise TargetError(
        f"target {row}: {name} = {value} is missing or not finite; it must be {allowed}"
    )


def _given_names(
    targets: Targets, names: str | Sequence[str] | None, seen: set[str] | None
) -> Sequence[str] | None:
    found = _named(targets, names)
    if found is None:
        return None
    if len(found) != len(targets):
        raise TargetError(f"{len(found)} names were given for {len(targets)} targets")
    refuse_unsafe(found, first_row=targets.first_row)
    refuse_repeats(found, set() if seen is None else seen, first_row=targets.first_row)
    return found


def _named(targets: Targets, names: str | Sequence[str] | None) -> list[str] | None:
    table = targets.table
    if names is None:
        column = next((c for n in NAME_COLUMNS for c in _spelled(table.columns, n)), None)
        return None if column is None else _texts(table[column], targets.first_row)
    if isinstance(names, str):
        if names in table.colnames:
            return _texts(table[names], targets.first_row)
        if targets.scalar and not table.colnames:
            return [names]
        raise TargetError(
            f"there is no column {names!r} for names; the columns are {_listed(table)}"
        )
    if not isinstance(names, Iterable):
        raise TargetError(f"names = {names!r} is neither a column nor a list of names")
    return _texts(names, targets.first_row)


def _texts(given: Any, first_row: int) -> list[str]:
    """Return a column or list of names as text, identifiers to the last digit."""
    mask = getattr(given, "mask", False)
    for row in np.flatnonzero(not callable(mask) and mask)[:1]:  # pandas has a method mask
        _refuse_name(first_row + row, "masked", "")
    values = np.asarray(given) if hasattr(given, "dtype") else None
    if values is not None and values.ndim == 1 and values.dtype.kind in "iuU":
        return list(map(str, values.tolist()))
    listed = list(given) if values is None else values.tolist()
    return [_text_of(value, row) for row, value in enumerate(listed, first_row)]


def _text_of(value: Any, row: int) -> str:
    if isinstance(value, str):
        return str(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    if isinstance(value, float | np.floating):
        return _text_of_float(float(value), row)
    if isinstance(value, int | np.integer) and not isinstance(value, bool):
        return str(value)
    return _refuse_name(row, repr(value), " of text, or a whole number,")


def _refuse_name(row: int, found: str, allowed: str) -> NoReturn:
    raise TargetError(f"target {row}: its name is {found}; a name{allowed} is needed")


def _text_of_float(value: float, row: int) -> str:
    if not value.is_integer():
        raise TargetError(f"target {row}: the name {value!r} is a number that is not whole")
    if abs(value) > _LARGEST_EXACT_FLOAT:
        raise TargetError(
            f"target {row}: the name {value!r} came as a floating-point number and has lost "
            "digits; read identifiers as integers or as text"
        )
    return str(int(value))
