"""Finds the columns of a table that hold the coordinates, and turns them into degrees."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from shlex import quote
from typing import Any

import astropy.units as u
import numpy as np
from astropy.coordinates import Longitude, SkyCoord
from astropy.table import Table
from astropy.utils.exceptions import AstropyUserWarning
from numpy.typing import NDArray

from sdss_cutout._errors import TargetError
from sdss_cutout._targets.frames import frame_of_names
from sdss_cutout._targets.rows import first_bad_row
from sdss_cutout._targets.text import angles_from_texts
from sdss_cutout._targets.units import angle_unit, degrees_per

__all__ = [
    "REPEATED_KEY",
    "coordinate_columns",
    "coordinate_mixin",
    "degrees_of_fields",
    "field_columns",
    "find_column",
    "find_pair",
    "listed",
    "table_degrees",
]

# Pairs in the order in which they are looked for; matched without regard to case.
COORDINATE_COLUMNS = (
    ("ra", "dec"),
    ("raj2000", "dej2000"),
    ("_raj2000", "_dej2000"),
    ("alpha_j2000", "delta_j2000"),
    ("ra_icrs", "de_icrs"),
    ("ra_icrs", "dec_icrs"),
    ("ra_deg", "dec_deg"),
    ("radeg", "dedeg"),
    ("plug_ra", "plug_dec"),
    ("alpha", "delta"),
)

# Where a reader notes which columns bear the same name in their file.
REPEATED_KEY = "sdss_cutout_repeated"

# Parts of names that tell right ascension, each with the declination's, to find other pairs.
_COUNTERPARTS = (
    ("right_ascension", "declination"), ("rightascension", "declination"), ("alpha", "delta"),
    ("lon", "lat"), ("ra", "dec"), ("ra", "de"), ("lii", "bii"),
)  # fmt: skip


def listed(names: Iterable[str]) -> str:
    """Return column names for a message."""
    return ", ".join(map(repr, names)) or "none"


def find_pair(names: Sequence[str]) -> tuple[str, str] | None:
    """Return the names of the coordinate columns, None if there are none.

    Raises
    ------
    TargetError
        If two columns are of one spelling.
    """
    spelled: dict[str, list[str]] = {}
    for name in names:
        spelled.setdefault(name.strip().lower(), []).append(name)
    for ra, dec in COORDINATE_COLUMNS:
        if ra in spelled and dec in spelled:
            twice = spelled[ra] if len(spelled[ra]) > 1 else spelled[dec]
            if len(twice) > 1:
                raise TargetError(
                    f"the coordinate column {twice[0]!r} is there more than once: {listed(twice)}; "
                    "keep one of them"
                )
            return spelled[ra][0], spelled[dec][0]
    return None


def find_column(table: Table, name: str, what: str = "") -> str:
    """Return the column of a name: that exact one, or the only one but for case.

    Raises
    ------
    TargetError
        If there is none.
    """
    if name in table.colnames:
        found = [name]
    else:
        found = [column for column in table.colnames if column.lower() == name.lower()]
    if len(found) != 1:
        raise TargetError(
            f"there is no column {name!r}{what}; the columns are {listed(table.colnames)}"
        )
    if name in _repeated(table):
        raise TargetError(f"the column {name!r} is there more than once; keep one of them")
    return found[0]


def _repeated(table: Table) -> list[str]:
    """Return the names that more than one column has in the file, and in the table still."""
    noted = table.meta.get(REPEATED_KEY, {})
    return [name for name, columns in noted.items() if len({*columns} & {*table.colnames}) > 1]


def coordinate_mixin(table: Table) -> str | None:
    """Return the name of the column of SkyCoord, None if there is none."""
    mixins = [name for name in table.colnames if isinstance(table[name], SkyCoord)]
    if len(mixins) > 1:
        raise TargetError(
            f"the table has {len(mixins)} coordinate columns, {listed(mixins)}; keep one of them"
        )
    return mixins[0] if mixins else None


def coordinate_columns(table: Table) -> tuple[str, str]:
    """Return the names of the columns of right ascension and declination.

    Raises
    ------
    TargetError
        If there are none, or more than one pair of one spelling.
    """
    pair = find_pair([*table.colnames, *_repeated(table)])
    if pair is not None:
        return pair
    raise TargetError(
        f"no coordinates in the table: its columns are {listed(table.colnames)}. "
        + (_other_pairs(table.colnames) or _KNOWN_PAIRS)
    )


_KNOWN_PAIRS = (
    "Known are a SkyCoord column, or pairs such as "
    + ", ".join(f"{ra}/{dec}" for ra, dec in COORDINATE_COLUMNS)
    + " in any case; others are named by --ra and --dec on the command line, or renamed in Python"
)


def _other_pairs(names: Sequence[str]) -> str:
    """Offer the columns that look like a pair, None of them being of a known spelling."""
    lowered = {name.lower(): name for name in names}
    pairs = {}
    for lower, name in lowered.items():
        for ra, dec in _COUNTERPARTS:
            other = lowered.get(lower.replace(ra, dec, 1))
            if ra in lower and other is not None and name not in pairs:
                pairs[name] = other
    if not pairs:
        return ""
    offered = list(pairs.items())[:3]
    shown = " or ".join(f"--ra {quote(ra)} --dec {quote(dec)}" for ra, dec in offered)
    ra, dec = offered[0]
    return f"If these are they, say {shown} on the command line, or in Python {_in_python(ra, dec)}"


def _in_python(ra: str, dec: str) -> str:
    """Return what makes coordinates of two columns; renaming them would hide another frame."""
    frame = frame_of_names(ra, dec)
    if frame is None:
        return f"table.rename_columns([{ra!r}, {dec!r}], ['ra', 'dec'])"
    return (
        f"table['position'] = SkyCoord(table[{ra!r}], table[{dec!r}], unit='deg', "
        f"frame={frame.name!r})"
    )


# --------------------------------------------------------------------- fields in columns

# Hours, minutes and seconds, sign, degrees, minutes and seconds in columns of their own, as CDS and
# the journals have them; the sign and the seconds may be missing from the table.
_FIELDS = ("rah", "ram", "ras", "de-", "ded", "dem", "des")
_NEEDED = {"rah", "ram", "ded", "dem"}


def field_columns(table: Table) -> dict[str, str] | None:
    """Return the columns that hold the fields of sexagesimal coordinates, None if they are not."""
    found = {name.lower(): name for name in table.colnames if name.lower() in _FIELDS}
    return found if set(found) >= _NEEDED else None


def degrees_of_fields(
    table: Table, fields: dict[str, str], first_row: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the degrees of coordinates whose fields are in columns; bad ones are refused."""
    numbers = {key: _numbers(table[name]) for key, name in fields.items() if key != "de-"}
    for key in ("ram", "ras", "dem", "des"):
        if key in numbers:
            _refuse_outside(numbers[key], fields[key], 0, 60, first_row)
    ra = _joined(numbers, "rah", "ram", "ras") * 15
    dec = _joined(numbers, "ded", "dem", "des")
    if "de-" in fields:
        signs = [_text_of(sign).strip() for sign in _filled(table[fields["de-"]]).tolist()]
        dec = np.where([sign == "-" for sign in signs], -dec, dec)
    _refuse_outside(ra, fields["rah"], 0, 360, first_row)
    _refuse_outside(dec, fields["ded"], -90, 90, first_row)
    return ra, dec


def _numbers(column: Any) -> NDArray[np.float64]:
    values = _filled(column)
    try:
        return np.asarray(values, dtype=np.float64).reshape(len(column))
    except (ValueError, TypeError) as error:
        raise TargetError(
            f"column {column.info.name!r} holds {values.dtype}; one number per row is needed"
        ) from error


def _joined(numbers: dict[str, NDArray[np.float64]], *keys: str) -> NDArray[np.float64]:
    whole, minutes = numbers[keys[0]], numbers[keys[1]]
    seconds = numbers.get(keys[2], np.zeros(len(whole)))
    return np.copysign(np.abs(whole) + (minutes + seconds / 60) / 60, whole)


# ------------------------------------------------------------------------------- degrees


def table_degrees(
    table: Table, ra: str, dec: str, *, ra_unit: str | None, first_row: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the degrees in two columns, refused where they are missing or out of range.

    Parameters
    ----------
    table : Table
    ra, dec : str
        Names of the columns.
    ra_unit : {"deg", "hour", "rad"} or None
        Unit of the right ascension, where the table does not say, or says it wrongly.
    first_row : int
        Row number of the first target, for messages.
    """
    _refuse_unknown_unit(ra_unit)
    ra_degrees = _degrees(table[ra], ra_unit, hours=True, first_row=first_row)
    dec_unit = "rad" if ra_unit == "rad" and _could_be_radians(table[dec]) else None
    dec_degrees = _degrees(table[dec], dec_unit, hours=False, first_row=first_row)
    _refuse_outside(ra_degrees, ra, 0, 360, first_row)
    _refuse_outside(dec_degrees, dec, -90, 90, first_row)
    if ra_unit is None and not _says_unit(table[ra]):
        _warn_of_hours(ra_degrees, dec_degrees, ra)
    return ra_degrees, dec_degrees


def _refuse_unknown_unit(ra_unit: str | None) -> None:
    if ra_unit not in (None, "deg", "hour", "rad"):
        raise TargetError(f"ra_unit = {ra_unit!r} is not one of deg, hour, rad")


def _could_be_radians(column: Any) -> bool:
    """Return whether a declination without a unit goes with a right ascension in radians."""
    values = _filled(getattr(column, "value", column))
    if _says_unit(column) or values.dtype.kind not in "fiu":
        return False
    with np.errstate(invalid="ignore"):
        possible = not np.any(np.abs(values) > np.pi / 2)
    name = column.info.name
    warnings.warn(
        f"column {name!r} has no unit and is taken as {'rad' if possible else 'deg'}, as the right "
        "ascension was said to be in rad; give the column a unit to be sure",
        AstropyUserWarning,
        stacklevel=2,
    )
    return possible


def _says_unit(column: Any) -> bool:
    unit = getattr(column, "unit", None)
    return unit is not None and str(unit).strip() != ""


def _warn_of_hours(ra: NDArray[np.float64], dec: NDArray[np.float64], name: str) -> None:
    """Warn where all right ascensions are below 24 although the targets span the sky."""
    if len(ra) < _FEWEST or ra.max() > 24:
        return
    if np.ptp(ra) >= _RA_SPAN and np.ptp(dec) >= _DEC_SPAN:
        warnings.warn(
            f"all values of {name!r} are within 0..24 while the declinations span "
            f"{dec.min():.1f}..{dec.max():.1f} deg: if these are hours, say so with --ra-unit hour "
            f"on the command line, or in Python table[{name!r}].unit = 'hourangle'",
            AstropyUserWarning,
            stacklevel=2,
        )


_FEWEST, _RA_SPAN, _DEC_SPAN = 3, 3.0, 45.0


def _degrees(column: Any, unit: str | None, *, hours: bool, first_row: int) -> NDArray[np.float64]:
    """Return a column's values in degrees, NaN where masked."""
    name = column.info.name
    values = _filled(getattr(column, "value", column))
    if values.ndim != 1:
        raise TargetError(
            f"column {name!r} holds {values.shape[1:]} values in each row; one number is needed"
        )
    if values.dtype.kind == "b":
        raise TargetError(f"column {name!r} holds bool; numbers or text are needed")
    given = angle_unit(getattr(column, "unit", None) if unit is None else unit, name, hours=hours)
    if values.dtype.kind in "OSU":
        return _text_degrees(values, name, given, hours=hours, first_row=first_row)
    if values.dtype.kind not in "fiu":
        raise TargetError(f"column {name!r} holds {values.dtype}; numbers or text are needed")
    degrees = values.astype(np.float64)
    if given is not None and given != u.deg:
        degrees = degrees * degrees_per(given)
    return degrees % 360.0 if isinstance(column, Longitude) else degrees


def _filled(values: Any) -> NDArray[Any]:
    """Return a plain array, with NaN (or an empty string) for what is masked."""
    if not hasattr(values, "mask"):
        return np.asarray(values)
    plain: Any = np.ma.MaskedArray(getattr(values, "unmasked", values), values.mask)
    if plain.dtype.kind in "fiu":
        return plain.astype(np.float64).filled(np.nan)
    if plain.dtype.kind == "b":
        return plain.filled(False)
    return plain.astype(object).filled("")


def _text_degrees(
    values: NDArray[Any], name: str, unit: u.UnitBase | None, *, hours: bool, first_row: int
) -> NDArray[np.float64]:
    """Return degrees for text: plain numbers in the column's unit, or sexagesimal."""
    texts = [_text_of(value) for value in values.tolist()]
    degrees, bad = angles_from_texts(
        texts,
        number_unit=unit or u.deg,
        sexagesimal_unit=unit or (u.hourangle if hours else u.deg),
        hours=hours,
    )
    if found := first_bad_row(bad, first_row):
        row, more = found
        hint = " (a decimal comma? write a point)" if "," in texts[row] else ""
        raise TargetError(
            f"target {first_row + row}: {name} = {texts[row]!r} is not a valid angle{hint}; "
            f"allowed are degrees or sexagesimal text such as 01:16:05.6{more}"
        )
    return degrees


def _text_of(value: Any) -> str:
    if value is None or value is np.ma.masked:
        return ""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _refuse_outside(
    values: NDArray[np.float64], name: str, low: float, high: float, first_row: int
) -> None:
    if found := first_bad_row(~np.isfinite(values), first_row):
        row, more = found
        raise TargetError(
            f"target {first_row + row}: {name} = {values[row]} is missing or not finite; it must "
            f"be a number in {low}..{high} deg{more}"
        )
    if found := first_bad_row((values < low) | (values > high), first_row):
        row, more = found
        raise TargetError(
            f"target {first_row + row}: {name} = {values[row]} deg is outside {low}..{high}{more}"
        )
