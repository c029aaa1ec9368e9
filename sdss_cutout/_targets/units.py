"""Units of angles in the spellings that catalogues use."""

from __future__ import annotations

import warnings
from typing import Any

import astropy.units as u

from sdss_cutout._errors import TargetError

__all__ = ["angle_unit", "degrees_per", "parse_unit"]

# Spellings that astropy does not know, or knows as something else: ``h`` is a time there, and
# SIMBAD and VizieR give the form of a sexagesimal text as its unit. Compared without case, blanks
# and quotes.
_ALIASES = {
    u.deg: "deg degs degree degrees dd decimaldegrees decimaldegree decdeg degj2000 ° º "
    "d:m:s dms dd:mm:ss ddmmss dd:mm:ss.s dd:mm:ss.ss deg:min:sec deg:arcmin:arcsec",
    u.hourangle: "h hr hrs hour hours hourangle hourangles "
    "h:m:s hms hh:mm:ss hhmmss hh:mm:ss.s hh:mm:ss.ss hour:min:sec",
    u.rad: "rad rads radian radians",
    u.arcmin: "arcmin arcmins arcminute arcminutes",
    u.arcsec: "arcsec arcsecs arcsecond arcseconds",
    u.mas: "mas milliarcsec milliarcsecs milliarcsecond milliarcseconds",
}
_BY_ALIAS = {alias: unit for unit, aliases in _ALIASES.items() for alias in aliases.split()}


def parse_unit(given: Any) -> u.UnitBase | None:
    """Return the unit of an angle for a unit or its spelling, None if it is none of an angle."""
    text = "".join(str(given).split()).strip("\"'[]().").lower()
    if text in _BY_ALIAS:
        return _BY_ALIAS[text]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # deprecated spellings are the file's affair
            unit = u.Unit(given)
            unit.to(u.deg)
    except (u.UnitConversionError, ValueError, TypeError, AttributeError):
        return None
    return unit


def angle_unit(given: Any, column: str, *, hours: bool) -> u.UnitBase | None:
    """Return the unit of a column of angles, None where it has none.

    Parameters
    ----------
    given : unit, str or None
        What the column says.
    column : str
        Its name, for the message.
    hours : bool
        Whether hours make sense: they do for a right ascension only.

    Raises
    ------
    TargetError
        If this is not the unit of an angle.
    """
    text = "" if given is None else str(given).strip()
    if not text or text in ("-", "--"):
        return None
    unit = parse_unit(given)
    in_hours = unit == u.hourangle and not hours and text.lower() not in ("hourangle", "hms")
    if unit is None or in_hours:
        raise TargetError(
            f"column {column!r} has the unit {text!r}, which is not a unit of "
            f"{'a declination' if in_hours else 'an angle'}; allowed are deg, "
            + ("hour, " if hours else "")
            + "rad, arcmin, arcsec and the like"
        )
    return unit


def degrees_per(unit: u.UnitBase) -> float:
    """Return how many degrees a unit has; 15 for an hour, which astropy misses in the last bit."""
    return 15.0 if unit == u.hourangle else float(unit.to(u.deg))
