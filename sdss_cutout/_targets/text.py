"""Angles and positions as people write them.

The forms are few and closed: what does not match one of them as a whole is not a valid angle, so a
typing error is refused rather than read as something else.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import astropy.units as u
import numpy as np
from numpy.typing import NDArray

from sdss_cutout._errors import TargetError
from sdss_cutout._targets.units import degrees_per, parse_unit

__all__ = [
    "angle_from_text",
    "angles_from_texts",
    "could_be_name",
    "is_angle",
    "position_from_text",
    "resolve",
    "resolver_is_away",
]

# What word processors and web pages put for signs, marks and blanks.
_TYPOGRAPHY = str.maketrans(
    {
        "\N{MINUS SIGN}": "-", "\N{EN DASH}": "-", "\N{HYPHEN}": "-",
        "\N{NON-BREAKING HYPHEN}": "-", "\N{MASCULINE ORDINAL INDICATOR}": "\N{DEGREE SIGN}",
        "\N{PRIME}": "'", "\N{RIGHT SINGLE QUOTATION MARK}": "'", "\N{DOUBLE PRIME}": '"',
        "\N{RIGHT DOUBLE QUOTATION MARK}": '"',
        "\N{NO-BREAK SPACE}": " ", "\N{NARROW NO-BREAK SPACE}": " ", "\N{THIN SPACE}": " ",
        "\t": " ",
    }
)  # fmt: skip

_DECIMAL = r"(?:\d+\.?\d*|\.\d+)"
_NUMBER = re.compile(rf"([+-]?)\s*({_DECIMAL}(?:[eE][+-]?\d+)?)", re.ASCII)
_WITH_UNIT = re.compile(rf"([+-]?)\s*({_DECIMAL})\s*([a-zA-Z]+|[\u00b0'\"])")
_SEXAGESIMAL = re.compile(
    rf"([+-]?)\s*(\d+)(?:\s*:\s*|\s+)(?:({_DECIMAL})|(\d+)(?:\s*:\s*|\s+)({_DECIMAL}))", re.ASCII
)
_MARKED = re.compile(
    rf"([+-]?)\s*(\d+)\s*(h|hr|hours?|d|deg|degrees?|\u00b0)\s*"
    rf"(?:({_DECIMAL})\s*(?:m|min|')|(\d+)\s*(?:m|min|')\s*({_DECIMAL})\s*(?:s|sec|\"|'')?)",
    re.IGNORECASE,
)


def angle_from_text(
    text: str, *, number_unit: u.UnitBase, sexagesimal_unit: u.UnitBase, hours: bool
) -> float:
    """Return the degrees of an angle in text; blank is NaN.

    Parameters
    ----------
    text : str
        A number, a number with its unit, or sexagesimal with colons, blanks, or marks.
    number_unit, sexagesimal_unit : Unit
        Of a number alone, and of the first field of a sexagesimal text that does not say.
    hours : bool
        Whether hours make sense.

    Raises
    ------
    ValueError
        If this is not an angle.
    """
    text = text.translate(_TYPOGRAPHY).strip()
    if not text or text.lower() == "nan":
        return np.nan
    if not text.isprintable():  # two lines, say
        raise ValueError(text)
    if found := _NUMBER.fullmatch(text):
        return _signed(found[1], float(found[2])) * degrees_per(number_unit)
    if found := _WITH_UNIT.fullmatch(text):
        unit = u.hourangle if found[3].lower() == "h" else u.deg if found[3] == "d" else None
        unit = unit or {"'": u.arcmin, '"': u.arcsec}.get(found[3]) or parse_unit(found[3])
        return _signed(found[1], float(found[2])) * degrees_per(_checked(unit, hours=hours))
    if found := _SEXAGESIMAL.fullmatch(text):
        sign, unit, fields = found[1], sexagesimal_unit, found.group(2, 3, 4, 5)
    elif found := _MARKED.fullmatch(text):
        sign, fields = found[1], found.group(2, 4, 5, 6)
        unit = u.hourangle if found[3][0] in "hH" else u.deg
    else:
        raise ValueError(text)
    if unit not in (u.deg, u.hourangle):
        raise ValueError(text)
    return _signed(sign, _from_fields(*fields)) * degrees_per(_checked(unit, hours=hours))


def _signed(sign: str, value: float) -> float:
    return -value if sign == "-" else value


def _checked(unit: u.UnitBase | None, *, hours: bool) -> u.UnitBase:
    if unit is None or (unit == u.hourangle and not hours):
        raise ValueError(unit)
    return unit


def _from_fields(whole: str, last_minutes: str, minutes: str, seconds: str) -> float:
    """Return ``10:30.5`` (minutes are last) or ``10:30:30``; 60 is a carry, as astropy has it."""
    parts = [float(whole), float(last_minutes or minutes), float(seconds or 0)]
    if parts[1] > 60 or parts[2] > 60:
        raise ValueError("more than 60 minutes or seconds")
    return parts[0] + (parts[1] + parts[2] / 60) / 60


# Numbers as plain as this are turned all at once.
_PLAIN = re.compile(r"(?:[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\n)*", re.ASCII)


def angles_from_texts(
    texts: Sequence[str], *, number_unit: u.UnitBase, sexagesimal_unit: u.UnitBase, hours: bool
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return the degrees of many angles, and which of them are none."""
    if _PLAIN.fullmatch("".join(f"{text}\n" for text in texts)):
        return np.array(texts, dtype=np.float64) * degrees_per(number_unit), np.zeros(
            len(texts), bool
        )
    degrees, bad = np.full(len(texts), np.nan), np.zeros(len(texts), dtype=bool)
    for row, text in enumerate(texts):
        try:
            degrees[row] = angle_from_text(
                text, number_unit=number_unit, sexagesimal_unit=sexagesimal_unit, hours=hours
            )
        except ValueError:
            bad[row] = True
    return degrees, bad


# ----------------------------------------------------------------------------- positions

# A name that gives the position to a part of an arcsecond, with or without its catalogue. The
# digits of such names are cut off, not rounded; fewer of them are for the name resolver.
_DESIGNATION = re.compile(
    r"(?:[A-Za-z][\w-]*\s*)?J(\d\d)(\d\d)(\d\d\.\d+)([+-]\d\d)(\d\d)(\d\d(?:\.\d*)?)", re.ASCII
)
_COMMA = re.compile(r"\s*[,;]\s*")
_BEFORE_SIGN = re.compile(r"(?<=[\d.a-df-zA-DF-Z'\"\u00b0])\s*(?=[+-]\s*[\d.])")


def position_from_text(text: str) -> tuple[float, float] | None:
    """Return ICRS degrees for a position in text, None if it is none.

    Numbers are degrees; of a sexagesimal text the right ascension is in hours.
    """
    text = text.translate(_TYPOGRAPHY).strip()
    if not text.isprintable():
        return None
    if found := _DESIGNATION.fullmatch(text):
        ra, dec = ":".join(found.group(1, 2, 3)), ":".join(found.group(4, 5, 6))
        return _pair(ra, dec)
    if text[:1] + text[-1:] in ("()", "[]"):
        text = text[1:-1].strip()
    halves = _halves(text)
    return None if halves is None else _pair(*halves)


def _halves(text: str) -> tuple[str, str] | None:
    """Return the texts of right ascension and declination."""
    if len(parts := _COMMA.split(text)) == 2:
        return parts[0], parts[1]
    if len(parts) > 2:
        return None
    signs = [found.start() for found in _BEFORE_SIGN.finditer(text) if found.start() > 0]
    if len(signs) == 1:
        return text[: signs[0]], text[signs[0] :]
    fields = text.split()
    if signs or len(fields) < 2 or len(fields) % 2:
        return None
    middle = len(fields) // 2
    return " ".join(fields[:middle]), " ".join(fields[middle:])


def _pair(ra: str, dec: str) -> tuple[float, float] | None:
    if not (ra.strip() and dec.strip()):
        return None
    try:
        return (
            angle_from_text(ra, number_unit=u.deg, sexagesimal_unit=u.hourangle, hours=True),
            angle_from_text(dec, number_unit=u.deg, sexagesimal_unit=u.deg, hours=False),
        )
    except ValueError:
        return None


def is_angle(text: str) -> bool:
    """Return whether a text is one angle, of whichever coordinate."""
    try:
        angle_from_text(text, number_unit=u.deg, sexagesimal_unit=u.hourangle, hours=True)
    except ValueError:
        return False
    return bool(text.strip())


# ---------------------------------------------------------------------------------- names

_LONGEST_NAME = 100
_NEVER_IN_NAMES = set('=<>{}|^~`"\\%&:;,?!@$/')
_NO_NAMES = {"", "nan", "none", "null", "n/a", "na", "inf"}


def could_be_name(text: str) -> bool:
    """Return whether a name resolver can be asked for this."""
    text = text.strip()
    return (
        any(character.isalpha() for character in text)
        and text.isprintable()
        and len(text) <= _LONGEST_NAME
        and text.lower() not in _NO_NAMES
        and not _NEVER_IN_NAMES & set(text)
        and not _begins_as_position(text)
    )


# Numbers and at most a letter after them, as in 10.5E.
_NUMBERS = re.compile(r"[\d\s.,:+-]*[A-Za-z]?")


def _begins_as_position(text: str) -> bool:
    """Return whether a text is about an angle, if not a right one."""
    first, *others = text.split()
    number = _NUMBER.fullmatch
    return bool(
        is_angle(text)
        or _NUMBERS.fullmatch(text)
        or (is_angle(first) and not number(first))
        or (number(first) and others and number(others[0]))
    )


def resolve(name: str) -> tuple[float, float]:
    """Return the ICRS degrees of an object that the name resolvers of CDS know.

    Raises
    ------
    TargetError
        If they do not know it, or cannot be reached.
    """
    from astropy.coordinates import SkyCoord
    from astropy.coordinates.name_resolve import NameResolveError

    try:
        icrs = SkyCoord.from_name(name).icrs
    except (NameResolveError, OSError, ValueError) as error:
        raise TargetError(
            f"the object name {name!r} could not be resolved: {_resolver_said(error)}"
        ) from error
    return float(icrs.ra.deg), float(icrs.dec.deg)


def resolver_is_away(error: BaseException | None) -> bool:
    """Return whether the name resolvers could not be asked at all."""
    return isinstance(error, OSError) or "All Sesame queries failed" in str(error)


def _resolver_said(error: Exception) -> str:
    """Return in one line what astropy says in several, with the URL of each server."""
    said = " ".join(str(error).split())
    if resolver_is_away(error):
        return (
            f"no name resolver could be reached ({said.rpartition(': ')[2]}); a position such as "
            "'10:00:00 +02:12:00' needs none"
        )
    return re.sub(r" using https?://\S+", "", said)
