"""Reads a slit, and computes where its corners lie on the sky. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import astropy.units as u
from astropy.coordinates import SkyCoord

from sdss_cutout._errors import RequestError

__all__ = ["Slit", "read_slit"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Slit:
    """A slit on the sky.

    Attributes
    ----------
    length, width : float
        Arcsec.
    angle : float
        Position angle of the long side in degrees, from north through east.
    """

    length: float
    width: float
    angle: float

    def __str__(self) -> str:
        return (
            f"{self.length:g} \N{MULTIPLICATION SIGN} {self.width:g} arcsec, "
            f"position angle {self.angle:g}\N{DEGREE SIGN} (north through east)"
        )

    def corners(self, centre: SkyCoord) -> SkyCoord:
        """Return the four corners of the slit with its centre at a position."""
        # In this frame latitude runs along the slit.
        frame = centre.skyoffset_frame(rotation=self.angle * u.deg)
        across, along = self.width / 2 * u.arcsec, self.length / 2 * u.arcsec
        offsets = SkyCoord(
            [across, -across, -across, across], [along, along, -along, -along], frame=frame
        )
        return offsets.transform_to(centre.frame)


_NUMBER = r"(\d+\.?\d*|\.\d+)"
_SLIT = re.compile(rf"\s*{_NUMBER}\s*[xX\u00d7]\s*{_NUMBER}\s*@\s*([+-]?{_NUMBER})\s*")
_EXPECTED = (
    "expected LENGTHxWIDTH@PA in arcsec and degrees, such as 120x1.5@35, "
    "or three quantities: length, width and position angle"
)


def read_slit(slit: Any) -> Slit:
    """Return the slit in a text or in three quantities.

    Raises
    ------
    RequestError
        If it is neither.
    """
    if isinstance(slit, str):
        match = _SLIT.fullmatch(slit)
        if match is None:
            raise RequestError(f"slit = {slit!r} is not valid; {_EXPECTED}")
        length, width, angle = (float(match[group]) for group in (1, 2, 3))
    else:
        try:
            length, width, angle = (_angle(part) for part in slit)
        except (TypeError, ValueError) as error:
            raise RequestError(f"slit = {slit!r} is not valid; {_EXPECTED}") from error
        length, width = 3600 * length, 3600 * width
    if not (0 < width < _WIDEST and 0 < length < _WIDEST and abs(angle) <= 360):
        raise RequestError(
            f"slit = {slit!r} is not valid: length and width must be above 0 and below 10 degrees, "
            "the position angle -360 to 360 degrees"
        )
    return Slit(length=length, width=width, angle=angle)


_WIDEST = 36_000.0


def _angle(quantity: Any) -> float:
    """Return an angle in degrees; a bare number is not one."""
    if not isinstance(quantity, u.Quantity):
        raise TypeError(f"{quantity!r} has no unit")
    return float(quantity.to_value(u.deg))
