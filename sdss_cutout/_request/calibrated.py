"""What is asked for a calibrated cutout: a position, bands, and pixels of either kind. Pure.

Native pixels are the survey's own, on the grid of its frames; with a scale they are resampled to
a grid with north up.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from sdss_cutout._errors import RequestError
from sdss_cutout._service.sas import BANDS, FIELD_RADIUS_ARCMIN

__all__ = ["CalibratedRequest", "check_bands"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibratedRequest:
    """One calibrated cutout.

    Attributes
    ----------
    ra, dec : float
        ICRS position of its middle, degrees.
    bands : str
        Letters of ``ugriz``, in the order in which they were asked for.
    north_up : bool
        Whether it is resampled to a grid with north up.
    scale : float
        Arcsec per pixel; nominal for native pixels.
    width, height : int
        Pixels.
    release : int
        SDSS data release.
    url : str
        The URL that finds its fields; what it is asked for stands behind the ``#``.
    """

    ra: float
    dec: float
    bands: str
    north_up: bool
    scale: float
    width: int
    height: int
    release: int
    url: str

    @property
    def radius(self) -> float:
        """The radius in arcmin within which the centres of all its fields lie."""
        return math.hypot(self.width, self.height) / 2 * self.scale / 60 + FIELD_RADIUS_ARCMIN


def check_bands(bands: Any, *, overlays: Any = None, mark: Any = None, avm: bool = False) -> str:
    """Return the bands, or raise `RequestError`.

    Parameters
    ----------
    bands : str
        Letters of ``ugriz``, each once, in any order.
    overlays, mark, avm : object, optional
        What goes with colour pictures only.
    """
    if not isinstance(bands, str):
        raise RequestError(
            f"bands = {bands!r} is not a str of letters of {BANDS!r}, such as bands='gri'"
        )
    wrong = sorted({band for band in bands if band not in BANDS or bands.count(band) > 1})
    if wrong or not bands:
        named = "".join(f"; {band!r} is {_fault(bands, band)}" for band in wrong)
        raise RequestError(
            f"bands = {bands!r}: allowed are letters of {BANDS!r}, each once, such as "
            f"bands='gri'{named}"
        )
    for name, value in (("overlays", overlays), ("mark", mark), ("avm", avm or None)):
        if value is not None:
            raise RequestError(
                f"{name} goes with colour pictures; it cannot be used with bands = {bands!r}"
            )
    return bands


def _fault(bands: str, band: str) -> str:
    if band in BANDS:
        return f"there {bands.count(band)} times"
    return "a band in lower case only" if band.lower() in BANDS else "not a band"
