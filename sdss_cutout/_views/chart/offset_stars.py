"""Finds offset stars for a finding chart: bright ones that stand alone. Pure."""

from __future__ import annotations

import string
from typing import TYPE_CHECKING

import astropy.units as u
import numpy as np
from astropy.coordinates import SkyCoord
from astropy.table import Table
from astropy.wcs import WCS
from astropy.wcs.utils import proj_plane_pixel_scales

from sdss_cutout._errors import QueryError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["FAINTEST", "MOST_STARS", "choose_offset_stars", "offset_star_query"]

MOST_STARS = len(string.ascii_uppercase)

# A telescope is not sent farther for an offset star.
_LARGEST_RADIUS = 15.0  # arcmin
# The PSF magnitude in r to which a star is seen in an acquisition image. Those that are too bright
# are saturated in SDSS's images and do not count as clean.
FAINTEST = 21.0
# What is fainter than a star by this many magnitudes does not disturb it.
_CONTRAST = 2.5
_DEEPEST = 22.5  # r magnitude to which SDSS's catalogue is nearly complete
_STAR = 6  # SDSS's type of a point source


def offset_star_query(coord: SkyCoord, radius: u.Quantity) -> str:
    """Return the SQL for the objects around a target, the brightest first.

    All of them, and not only stars: what stands near a star counts against it.
    """
    arcmin = min(radius.to_value(u.arcmin), _LARGEST_RADIUS)
    magnitudes = ", ".join(f"p.psfMag_{band}" for band in "gri")
    return (
        f"SELECT TOP 5000 p.objID, p.ra, p.dec, p.type, p.clean, {magnitudes} "  # noqa: S608
        f"FROM dbo.fGetNearbyObjEq({coord.ra.deg:.7f}, {coord.dec.deg:.7f}, {arcmin:.3f}) AS n "
        "JOIN PhotoPrimary AS p ON p.objID = n.objID "
        f"WHERE p.psfMag_r BETWEEN 1 AND {_DEEPEST:g} ORDER BY p.psfMag_r"
    )


def choose_offset_stars(
    objects: Table, coord: SkyCoord, wcs: WCS, size: tuple[int, int], count: int
) -> Table:
    """Return the brightest stars in a picture that stand alone.

    Parameters
    ----------
    objects : `~astropy.table.Table`
        What `offset_star_query` selects.
    coord : `~astropy.coordinates.SkyCoord`
        The target.
    wcs : `~astropy.wcs.WCS`
        Of the picture.
    size : tuple of int
        Width and height of the picture in pixels.
    count : int
        How many stars at most.

    Returns
    -------
    `~astropy.table.Table`
        ``letter``, ``ra``, ``dec``, ``g``, ``r``, ``i``, and ``east`` and ``north``: the offset
        from the star to the target in arcsec.

    Raises
    ------
    QueryError
        If the table is not what was asked for.
    """
    sky = SkyCoord(_numbers(objects, "ra"), _numbers(objects, "dec"), unit="deg")
    places = np.stack(wcs.world_to_pixel(sky), axis=1).reshape(-1, 2)
    target = np.array([*wcs.world_to_pixel(coord)])
    r = _numbers(objects, "psfMag_r")
    suitable = _is_star(objects) & (r <= FAINTEST)
    suitable &= _is_within(places, size)
    scale = proj_plane_pixel_scales(wcs)[0] * 3600
    chosen = _choose(places, r, suitable, target, min(size), scale, count)
    return _described(objects[chosen], sky[chosen], coord)


def _numbers(objects: Table, name: str) -> NDArray[np.float64]:
    """Return a column as numbers; what is missing as NaN."""
    try:
        column = np.ma.asarray(objects[name]).astype(float)
    except (KeyError, ValueError) as error:
        raise QueryError(f"the answer has no column {name} of numbers") from error
    return np.ma.filled(column, np.nan)


def _is_star(objects: Table) -> NDArray[np.bool_]:
    is_star = (_numbers(objects, "type") == _STAR) & (_numbers(objects, "clean") == 1)
    for band in "gi":  # -9999 is a magnitude that could not be measured
        is_star &= _numbers(objects, f"psfMag_{band}") > 0
    return is_star


def _is_within(places: NDArray[np.float64], size: tuple[int, int]) -> NDArray[np.bool_]:
    """Return what is well within the picture and not under the scale bar or the compass."""
    with np.errstate(invalid="ignore"):  # the other half of the sky has no pixel
        x, y = places[:, 0] / size[0], places[:, 1] / size[1]
        inside = (x > _MARGIN) & (x < 1 - _MARGIN) & (y > _MARGIN) & (y < 1 - _MARGIN)
        return inside & ~((y > 0.85) & ((x < 0.42) | (x > 0.82)))


_MARGIN = 0.03


def _choose(
    places: NDArray[np.float64],
    r: NDArray[np.float64],
    suitable: NDArray[np.bool_],
    target: NDArray[np.float64],
    side: int,
    scale: float,
    count: int,
) -> list[int]:
    """Return the rows of the brightest that are alone, and apart from the target and each other.

    The distances grow with the picture, so that circles and letters do not overlap.
    """
    alone = max(_ALONE / scale, 0.015 * side)
    chosen: list[int] = []
    for row in np.argsort(r, kind="stable"):
        if len(chosen) == count:
            break
        if not suitable[row] or _distance(places[row], target) < 0.08 * side:
            continue
        if any(_distance(places[row], places[other]) < 0.08 * side for other in chosen):
            continue
        near = np.hypot(*(places - places[row]).T) < alone
        near[row] = False
        if not (near & (r < r[row] + _CONTRAST)).any():
            chosen.append(int(row))
    return chosen


_ALONE = 6.0  # arcsec


def _distance(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    return float(np.hypot(*(one - other)))


def _described(stars: Table, sky: SkyCoord, coord: SkyCoord) -> Table:
    east, north = sky.spherical_offsets_to(coord)
    return Table(
        {
            "letter": list(string.ascii_uppercase[: len(stars)]),
            "ra": sky.ra,
            "dec": sky.dec,
            **{band: _numbers(stars, f"psfMag_{band}") for band in "gri"},
            "east": east.to(u.arcsec),
            "north": north.to(u.arcsec),
        }
    )
