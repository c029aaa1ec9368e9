"""Directions on the sky: coordinates in any frame and representation become ICRS degrees.

A target is a direction. A distance, a parallax or a velocity does not move it: where the
transformation between two frames is a rotation, only the unit vector goes through it.
"""

from __future__ import annotations

import warnings
from typing import Any

import astropy.units as u
import numpy as np
from astropy.coordinates import (
    FK4,
    FK5,
    HCRS,
    ICRS,
    LSR,
    LSRD,
    LSRK,
    BarycentricMeanEcliptic,
    BarycentricTrueEcliptic,
    BaseCoordinateFrame,
    BaseRepresentation,
    ConvertError,
    FK4NoETerms,
    Galactic,
    GalacticLSR,
    HeliocentricEclipticIAU76,
    HeliocentricMeanEcliptic,
    HeliocentricTrueEcliptic,
    PhysicsSphericalRepresentation,
    SkyCoord,
    SkyOffsetFrame,
    SphericalRepresentation,
    Supergalactic,
    UnitSphericalRepresentation,
)
from numpy.typing import NDArray

from sdss_cutout._errors import TargetError

__all__ = ["icrs_degrees", "in_frame"]

# Frames about the barycentre of the solar system: directions in them are directions in ICRS. Seen
# from elsewhere (GCRS, AltAz, Galactocentric, ...) a near target stands elsewhere on the sky, so
# that a distance counts there.
_ROTATED = (
    ICRS, FK5, FK4, FK4NoETerms, Galactic, Supergalactic, BarycentricMeanEcliptic,
    BarycentricTrueEcliptic, LSR, LSRK, LSRD, GalacticLSR,
)  # fmt: skip


# Astropy asks for a distance in these; from beyond the galaxies none makes a difference.
_NEED_DISTANCE = (
    LSR, LSRK, LSRD, GalacticLSR, HCRS, HeliocentricEclipticIAU76, HeliocentricMeanEcliptic,
    HeliocentricTrueEcliptic,
)  # fmt: skip
_FAR = 1 * u.Gpc


def icrs_degrees(
    coords: SkyCoord | BaseCoordinateFrame, where: str = ""
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return right ascension and declination, NaN where there is no direction.

    Parameters
    ----------
    coords : SkyCoord or frame with data
        Scalar, or of any shape.
    where : str, optional
        What a message begins with.

    Raises
    ------
    TargetError
        If the frame cannot be turned into ICRS.
    """
    frame = coords.frame if isinstance(coords, SkyCoord) else coords
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # of what is NaN, or masked
            data = _unit_vectors(frame.data)
            near = None if _is_rotated(frame) else _with_distance(frame.data)
            if near is None:
                return _degrees(_to_icrs(frame, data))
            ra, dec = _degrees(_to_icrs(frame, near))
            far = ~np.isfinite(ra)
            if np.any(far) and not _needs_distance(frame):
                ra, dec = _merged(far, _degrees(_to_icrs(frame, data)), (ra, dec))
            return ra, dec
    except AttributeError as error:  # of None, where obstime or location should be
        raise TargetError(
            f"{where}coordinates in {frame.name} cannot be turned into ICRS: the frame needs "
            f"values for {', '.join(frame.frame_attributes)}"
        ) from error
    except (ConvertError, ValueError, TypeError, u.UnitsError) as error:
        said = " ".join(str(error).split())
        raise TargetError(
            f"{where}coordinates in {frame.name} cannot be turned into ICRS: {said}"
        ) from error


def _is_rotated(frame: BaseCoordinateFrame) -> bool:
    if isinstance(frame, SkyOffsetFrame):
        return _is_rotated(frame.origin)
    return isinstance(frame, _ROTATED)


def _needs_distance(frame: BaseCoordinateFrame) -> bool:
    return frame.name == "galactocentric"


def _unit_vectors(data: BaseRepresentation) -> BaseRepresentation:
    """Return the direction of a representation; a vector of no length has none."""
    data = data.without_differentials()
    if hasattr(data, "lon") and hasattr(data, "lat"):  # whatever the distance is
        return UnitSphericalRepresentation(data.lon, data.lat)
    if isinstance(data, PhysicsSphericalRepresentation):
        return UnitSphericalRepresentation(data.phi, 90 * u.deg - data.theta)
    xyz = data.to_cartesian().get_xyz()
    length = np.sqrt((xyz.astype(float) ** 2).sum(axis=0))
    unit = data.to_cartesian().represent_as(UnitSphericalRepresentation)
    nowhere = np.where(length > 0, 0.0, np.nan) * u.deg
    return UnitSphericalRepresentation(unit.lon + nowhere, unit.lat + nowhere)


def _with_distance(data: BaseRepresentation) -> BaseRepresentation | None:
    """Return positions with their distances, None if there are none."""
    data = data.without_differentials()
    if isinstance(data, UnitSphericalRepresentation):
        return None
    spherical = data.represent_as(SphericalRepresentation)
    distance = spherical.distance
    if not distance.unit.is_equivalent(u.m):
        return None
    usable = np.where(np.asarray(_filled(distance.value)) > 0, 1.0, np.nan)
    return SphericalRepresentation(spherical.lon, spherical.lat, distance * usable)


def _to_icrs(frame: BaseCoordinateFrame, data: BaseRepresentation) -> BaseCoordinateFrame:
    if isinstance(frame, _NEED_DISTANCE) and isinstance(data, UnitSphericalRepresentation):
        data = SphericalRepresentation(data.lon, data.lat, _FAR)
    here = frame.realize_frame(data)
    # An offset frame about a position in ICRS is a subclass of it.
    return here if type(here) is ICRS else here.transform_to(ICRS())


def _degrees(icrs: BaseCoordinateFrame) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    unit = icrs.represent_as(UnitSphericalRepresentation)
    ra, dec = _filled(unit.lon.to_value(u.deg)), _filled(unit.lat.to_value(u.deg))
    return np.where((ra < 0) | (ra >= 360), ra % 360.0, ra), dec


def _filled(values: Any) -> NDArray[np.float64]:
    """Return plain numbers, NaN where they are masked."""
    if hasattr(values, "mask"):
        return np.where(values.mask, np.nan, np.asarray(values.unmasked, dtype=np.float64))
    return np.asarray(values, dtype=np.float64)


def _merged(where: Any, new: Any, old: Any) -> Any:
    return tuple(np.where(where, n, o) for n, o in zip(new, old, strict=True))


def in_frame(
    lon: NDArray[np.float64], lat: NDArray[np.float64], frame: BaseCoordinateFrame | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return ICRS degrees for longitudes and latitudes in a frame that was declared."""
    if frame is None or isinstance(frame, ICRS):
        return lon, lat
    data = UnitSphericalRepresentation(lon * u.deg, lat * u.deg)
    return icrs_degrees(frame.realize_frame(data))
