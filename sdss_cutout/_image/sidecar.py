"""Reads from a sidecar or a URL what a page or a figure needs, in microseconds. No I/O.

`header.read_header` builds a whole FITS header, which for 20,000 sidecars takes half a minute.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from sdss_cutout._service.sas import FIELD_SEARCH_PATH
from sdss_cutout._service.skyserver import SKYSERVER, navigate_url

__all__ = ["LinearWCS", "ParsedURL", "is_simulated", "looks_simulated", "parse_header", "parse_url"]

_CARD = 80


class LinearWCS(NamedTuple):
    """A WCS without distortion, as numbers: degrees, FITS pixels (from 1), degrees per pixel."""

    ra: float
    dec: float
    crpix1: float
    crpix2: float
    cd1_1: float
    cd1_2: float
    cd2_1: float
    cd2_2: float
    projection: str


def _cards(sidecar: bytes) -> dict[str, str]:
    """Return the rest of each keyword's card, together with its CONTINUE cards."""
    text, cards, last = sidecar.decode("ascii", "replace"), {"": ""}, ""
    for start in range(0, len(text), _CARD):
        keyword = text[start : start + 8].rstrip()
        if keyword == "END":
            break
        if keyword == "CONTINUE":
            cards[last] += text[start + 8 : start + _CARD]
        elif text[start + 8] == "=":
            cards[keyword], last = text[start + 9 : start + _CARD], keyword
    return cards


def is_simulated(sidecar: bytes) -> bool:
    """Return whether the origin of a picture says that it is simulated."""
    return b"SIMULATED" in sidecar and "SIMULATED" in _cards(sidecar).get("ORIGIN", "")


def looks_simulated(picture: Any) -> bool:
    """Return whether a picture, or a calibrated cutout, says that it is simulated.

    Its file says so, and not the attribute ``origin``: that of a cutout of a report is empty.
    """
    if hasattr(picture, "to_rgb"):
        return "SIMULATED" in str(picture.header.get("ORIGIN", ""))
    return is_simulated(picture.sidecar_bytes)


def parse_header(sidecar: bytes) -> LinearWCS | None:
    """Return a sidecar's WCS, or None if it is of another kind than ours.

    Users may have corrected the WCS of a sidecar. The projections SIN and TAN, and a CD matrix with
    any rotation, are understood; distortion is not.
    """
    cards = _cards(sidecar)
    axes = (_string(cards.get("CTYPE1", "")), _string(cards.get("CTYPE2", "")))
    projection = axes[0][-3:]
    if axes != (f"RA---{projection}", f"DEC--{projection}") or projection not in ("SIN", "TAN"):
        return None
    try:
        if _number(cards.get("LONPOLE", "180")) != 180.0:
            return None
        keywords = ("CRVAL1", "CRVAL2", "CRPIX1", "CRPIX2", "CD1_1", "CD1_2", "CD2_1", "CD2_2")
        numbers = [_number(cards[keyword]) for keyword in keywords]
    except (KeyError, ValueError):
        return None
    return LinearWCS._make([*numbers, projection])


def _number(value: str) -> float:
    return float(value.partition("/")[0].replace("D", "E"))


def _string(value: str) -> str:
    return value.partition("'")[2].partition("'")[0].rstrip()


# ---------------------------------------------------------------------------------------- the URL


class ParsedURL(NamedTuple):
    """The parts of a request's URL, which a target without a picture has, too."""

    base_url: str
    release: int
    ra: float
    dec: float

    @property
    def navigate_url(self) -> str:
        """The link to SkyServer's Navigate page."""
        return navigate_url(self.base_url, self.release, self.ra, self.dec)


_PATHS = "|".join(
    re.escape(path).replace(r"\{release\}", r"\d+")
    for path in (SKYSERVER.picture_path, FIELD_SEARCH_PATH)
)
_URL = re.compile(rf"(https?://.+?)(?:{_PATHS})\?([^#]*)(?:#.*)?")
_RELEASE = re.compile(r"/dr(\d+)/")


def parse_url(url: str) -> ParsedURL | None:
    """Return the parts of a request's URL, or None if it is the URL of something else."""
    found = _URL.fullmatch(url)
    if found is None:
        return None
    base_url, query = found[1], dict(parse_qsl(found[2]))
    release = _RELEASE.match(url, len(base_url))
    try:
        return ParsedURL(
            base_url, int(release[1] if release else 0), float(query["ra"]), float(query["dec"])
        )
    except (KeyError, ValueError):
        return None
