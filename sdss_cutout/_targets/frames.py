"""The frame that a table declares for its coordinates, in whichever of the ways there are.

A reader that knows more than the table can say (a VOTable's COOSYS) notes the frame in the
columns' ``meta``; the rest is looked for here: FITS keywords, UCDs, and names such as RAB1950.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from astropy.coordinates import (
    FK4,
    FK5,
    ICRS,
    BaseCoordinateFrame,
    FK4NoETerms,
    Galactic,
    Supergalactic,
)
from astropy.table import Table
from astropy.time import Time

from sdss_cutout._errors import TargetError

__all__ = ["FRAME_KEY", "declared_frame", "frame_of", "frame_of_names", "note_frame"]

# Where the frame of a column is noted, as its name and equinox.
FRAME_KEY = "coosys"

_FRAMES = {
    "icrs": ICRS, "icrf": ICRS, "gaia": ICRS, "hipparcos": ICRS,
    "fk5": FK5, "eq_fk5": FK5, "fk4": FK4, "eq_fk4": FK4, "fk4noe": FK4NoETerms,
    "fk4noeterms": FK4NoETerms,
    "galactic": Galactic, "gal": Galactic, "supergalactic": Supergalactic,
    "super_galactic": Supergalactic, "supergal": Supergalactic, "j2000": FK5, "b1950": FK4,
}  # fmt: skip
_WITH_EQUINOX = {FK5: "J2000", FK4: "B1950", FK4NoETerms: "B1950"}

# Keywords that mean nothing else, and such as can mean many things.
_FRAME_KEYS = ("radesys", "radecsys", "radesysa", "coosys")
_VAGUE_KEYS = ("frame", "coordsys", "coordinate_system", "refframe")
_EQUINOX_KEYS = ("equinox", "epoch_of_equinox")

# What a name, a UCD or a reference says of itself, each with its frame; None has more than one.
_HINTS: tuple[tuple[re.Pattern[str], type[BaseCoordinateFrame] | None], ...] = (
    (re.compile(r"pos\.galactic|glon|glat|(gal|galactic)_?(lon|lat)", re.IGNORECASE), Galactic),
    (re.compile(r"pos\.supergalactic|sgl|sgb", re.IGNORECASE), Supergalactic),
    (re.compile(r"pos\.ecliptic|elon|elat|ecl?_?(lon|lat)|ecliptic.*", re.IGNORECASE), None),
    (re.compile(r"_?(ra|de|dec|alpha|delta)_?b?1950|b1950|b1950\.0", re.IGNORECASE), FK4),
)


def declared_frame(table: Table, ra: str, dec: str) -> BaseCoordinateFrame | None:
    """Return the frame that a table declares for two columns, None if it declares none.

    Raises
    ------
    TargetError
        If it declares one that cannot be used, or two.
    """
    found = {repr(frame): frame for name in (ra, dec) for frame in _of_column(table, name)}
    if len(found) > 1:
        _refuse_two(ra, dec, found)
    if found:
        return next(iter(found.values()))
    named = frame_of_names(ra, dec)
    return _of_keywords(_table_keywords(table), "the table") if named is None else named


def _refuse_two(ra: str, dec: str, frames: Iterable[object]) -> None:
    raise TargetError(
        f"columns {ra!r} and {dec!r} are in two frames, {' and '.join(map(str, frames))}; both "
        "coordinates must be in the same one"
    )


# Pairs that tell their frame only together.
_GALACTIC_PAIRS = {("l", "b"), ("lii", "bii"), ("gal_l", "gal_b"), ("gl", "gb")}


def frame_of_names(ra: str, dec: str) -> BaseCoordinateFrame | None:
    """Return the frame that the names of both columns tell."""
    if (ra.lower(), dec.lower()) in _GALACTIC_PAIRS:
        return Galactic()
    one, other = (_hinted(name, f"column {name!r}") for name in (ra, dec))
    if repr(one) != repr(other):
        _refuse_two(ra, dec, (ICRS() if frame is None else frame for frame in (one, other)))
    return one


def _of_column(table: Table, name: str) -> Iterator[BaseCoordinateFrame]:
    """Yield the frame of one column, if it says any."""
    meta = getattr(table[name].info, "meta", None) or {}
    where = f"column {name!r}"
    if (frame := _of_keywords(_lowered(meta), where)) is not None:
        yield frame
    elif _OLD_EQUINOX.search(description := str(table[name].info.description or "")) and not (
        _NEW_EQUINOX.search(description)
    ):
        yield FK4()
    else:
        hints = (_hinted(text, where) for text in (meta.get("ucd"), meta.get("ref")))
        # A frame without data counts as false.
        yield from [frame for frame in hints if frame is not None][:1]


_OLD_EQUINOX = re.compile(r"\b(B?1950(\.0)?|FK4)\b")
_NEW_EQUINOX = re.compile(r"\b(J?2000(\.0)?|FK5|ICRS)\b")


def _hinted(text: Any, where: str) -> BaseCoordinateFrame | None:
    for part in str(text or "").split(";"):
        for pattern, frame in _HINTS:
            if not (pattern.match(part) if part.startswith("pos.") else pattern.fullmatch(part)):
                continue
            if frame is None:
                raise TargetError(
                    f"{where} holds ecliptic coordinates ({part}), of which there are several "
                    "kinds; make a SkyCoord in one of astropy's ecliptic frames of them"
                )
            return frame()
    return None


def _lowered(meta: Mapping[Any, Any]) -> dict[str, Any]:
    return {str(key).lower(): value for key, value in meta.items()}


def _table_keywords(table: Table) -> dict[str, Any]:
    """Return what is said of the whole table; IPAC's keywords are in a dict of their own."""
    keywords = table.meta.get("keywords")
    nested = keywords if isinstance(keywords, Mapping) else {}
    ipac = {k: v["value"] for k, v in nested.items() if isinstance(v, Mapping) and "value" in v}
    return _lowered(ipac) | _lowered(table.meta)


def _of_keywords(meta: Mapping[str, Any], where: str) -> BaseCoordinateFrame | None:
    """Return the frame that RADESYS, EQUINOX and the like name, by the rules of FITS."""
    systems = [meta[key] for key in _FRAME_KEYS if isinstance(meta.get(key), str)]
    vague = [meta[key] for key in _VAGUE_KEYS if isinstance(meta.get(key), str)]
    systems += [system for system in vague if _known(system)]
    equinoxes = [meta[key] for key in _EQUINOX_KEYS if meta.get(key) not in (None, "")]
    equinox = equinoxes[0] if equinoxes else None
    if systems and systems[0].strip():
        return frame_of(systems[0], equinox, where)
    if equinox is None:
        return None
    return frame_of("FK4" if _year(equinox, where) < 1984 else "FK5", equinox, where)


def _year(equinox: Any, where: str) -> float:
    try:
        return float(str(equinox).strip().lstrip("JBjb"))
    except ValueError as error:
        raise TargetError(f"{where} has the equinox {equinox!r}, which is not a year") from error


def frame_of(system: Any, equinox: Any, where: str) -> BaseCoordinateFrame:
    """Return the frame for its name, in the words of FITS, of the IVOA, or of astropy.

    Raises
    ------
    TargetError
        If there is no such frame here.
    """
    if " or " in str(system):
        raise TargetError(
            f"{where} does not say which of the frames of its file is its own: {system}; make a "
            "SkyCoord of the coordinates in the right one"
        )
    name, _, rest = str(system).strip().partition(" ")
    equinox = rest.strip() or equinox
    known = _known(name)
    if known is None:
        raise TargetError(
            f"{where} is in the frame {str(system).strip()!r}, which is not known here; turn the "
            "coordinates into a SkyCoord column, or into ICRS"
        )
    if known not in _WITH_EQUINOX or equinox in (None, ""):
        return known()
    prefix = "J" if known is FK5 else "B"
    text = str(equinox).strip().upper()
    year = _year(text, where)
    return known(equinox=Time(f"{text[0] if text[0] in 'BJ' else prefix}{year}"))


def _known(system: Any) -> type[BaseCoordinateFrame] | None:
    return _FRAMES.get(re.sub(r"[\s-]", "", str(system)).lower())


def note_frame(table: Table, ra: str, dec: str, frame: BaseCoordinateFrame) -> Table:
    """Return the table with the frame noted in both columns, where it stays in copies."""
    noted = table.copy(copy_data=False)
    equinox = getattr(frame, "equinox", None)
    words = frame.name if equinox is None else f"{frame.name} {equinox}"
    for name in (ra, dec):
        noted[name].info.meta = {**(noted[name].info.meta or {}), FRAME_KEY: words}
    return noted
