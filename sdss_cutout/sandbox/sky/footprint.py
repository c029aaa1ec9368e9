"""Where the sandbox has imaging: a rough outline of SDSS's own footprint, 14,500 square degrees.

It consists of the north galactic cap, the south galactic cap, Stripe 82, and stripes across the
galactic latitudes. The discs at the celestial poles, where SDSS has no imaging, are for tests.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from sdss_cutout.sandbox.projection import normal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

NORTH = normal(0.0, 90.0)
GALACTIC_POLE = normal(192.85948, 27.12825)
GALACTIC_CENTRE = normal(266.40499, -28.93617)
# The ellipse of the north cap (York et al. 2000, AJ 120, 1579): centre, half axes, position angle
# of the longer one; cut in declination as the imaging was.
ELLIPSE = (185.0, 32.5, 69.0, 58.0, 72.0)
ELLIPSE_DEC = (-7.0, 71.0)
SOUTH_CAP_RA, SOUTH_CAP_DEC, SOUTH_CAP_LATITUDE = (312.0, 48.0), (-11.5, 36.0), -17.0
STRIPE_82_RA, STRIPE_82_DEC = (300.0, 60.0), (-1.25, 1.25)
# Stripes of constant galactic longitude, 2.5 degrees wide, as SEGUE's were.
STRIPE_LONGITUDES = (31.0, 50.0, 70.0, 94.0, 110.0, 130.0, 150.0, 178.0, 187.0, 203.0, 229.0)
STRIPE_LATITUDES = ((-35.0, -10.0), (10.0, 35.0))
POLAR_DISC_DEC = (84.0, -88.0)


@dataclass(frozen=True, eq=False)
class Area:
    """An intersection of spherical caps, and of an ellipse if there is one.

    ``circles`` are the poles of the caps as unit vectors, each with the least angle in degrees
    between a point and the plane normal to the vector; ``foci`` and ``axis`` are those of the
    ellipse, the longer half axis in degrees.
    """

    circles: list[tuple[Floats, float]]
    foci: tuple[Floats, ...] = field(default=())
    axis: float = 0.0

    def holds(self, vectors: Floats) -> Flags:
        """Which unit vectors lie in the area."""
        inside = np.ones(vectors.shape[:-1], dtype=bool)
        for pole, least in self.circles:
            inside &= vectors @ pole >= math.sin(math.radians(least))
        if self.foci and inside.any():
            angles = sum(np.arccos(np.clip(vectors[inside] @ f, -1, 1)) for f in self.foci)
            inside[inside] = angles <= 2 * math.radians(self.axis)
        return inside


def _lune(ra: tuple[float, float]) -> list[tuple[Floats, float]]:
    """Between two meridians, less than 180 degrees apart."""
    return [(normal(ra[0] + 90.0, 0.0), 0.0), (normal(ra[1] - 90.0, 0.0), 0.0)]


def _band(pole: Floats, latitudes: tuple[float, float]) -> list[tuple[Floats, float]]:
    return [(pole, latitudes[0]), (-pole, -latitudes[1])]


def _ellipse() -> tuple[tuple[Floats, ...], float]:
    ra, dec, longer, shorter, angle = ELLIPSE
    distance = math.acos(math.cos(math.radians(longer)) / math.cos(math.radians(shorter)))
    centre, east, north = normal(ra, dec), normal(ra + 90, 0.0), normal(ra + 180, 90 - dec)
    turn = math.radians(angle)
    along = math.cos(turn) * north + math.sin(turn) * east
    foci = [math.cos(distance) * centre + side * math.sin(distance) * along for side in (1, -1)]
    return tuple(foci), longer


def _stripes() -> Iterator[Area]:
    across = np.cross(GALACTIC_POLE, GALACTIC_CENTRE)
    for longitude in map(math.radians, STRIPE_LONGITUDES):
        towards = math.cos(longitude) * GALACTIC_CENTRE + math.sin(longitude) * across
        side = np.cross(GALACTIC_POLE, towards)
        sides = [(towards, 0.0), (side, -1.25), (-side, -1.25)]
        yield from (Area(sides + _band(GALACTIC_POLE, part)) for part in STRIPE_LATITUDES)


@cache
def areas() -> tuple[Area, ...]:
    """The areas whose union is the footprint."""
    foci, axis = _ellipse()
    south = _lune(SOUTH_CAP_RA) + _band(NORTH, SOUTH_CAP_DEC)
    return (
        Area(_band(NORTH, ELLIPSE_DEC), foci, axis),
        Area([*south, (-GALACTIC_POLE, -SOUTH_CAP_LATITUDE)]),
        Area(_lune(STRIPE_82_RA) + _band(NORTH, STRIPE_82_DEC)),
        *_stripes(),
        Area([(NORTH, POLAR_DISC_DEC[0])]),
        Area([(-NORTH, -POLAR_DISC_DEC[1])]),
    )


def margin(ra: float, dec: float) -> float:
    """Degrees from a position to the edge of the footprint, negative outside.

    The true distance may be longer, never shorter.
    """
    return float(margins(normal([ra], [dec]))[0])


def margins(vectors: Floats) -> Floats:
    """The same for many unit vectors."""
    chunks = np.array_split(vectors, 1 + len(vectors) // 4096)
    return np.concatenate([_area_margins(chunk).max(axis=-1) for chunk in chunks])


def _area_margins(vectors: Floats) -> Floats:
    """The same for each of the areas, which the last axis counts."""
    poles, least, starts, foci = _stacked()
    above = np.degrees(np.arcsin(np.clip(vectors @ poles.T, -1, 1))) - least
    inside = np.minimum.reduceat(above, starts, axis=-1)
    for number, points, axis in foci:
        way = np.degrees(np.arccos(np.clip(vectors @ np.transpose(points), -1, 1))).mean(axis=-1)
        inside[..., number] = np.minimum(inside[..., number], axis - way)
    return np.asarray(inside)


@cache
def _stacked() -> tuple[Floats, Floats, list[int], list[tuple[int, tuple[Floats, ...], float]]]:
    """All circles in one array, where each area's begin, and the ellipses."""
    circles = [circle for area in areas() for circle in area.circles]
    lengths = np.array([len(area.circles) for area in areas()])
    starts = (np.cumsum(lengths) - lengths).tolist()
    foci = [(n, area.foci, area.axis) for n, area in enumerate(areas()) if area.foci]
    return np.array([c[0] for c in circles]), np.array([c[1] for c in circles]), starts, foci


def covered(ra: ArrayLike, dec: ArrayLike) -> Flags:
    """Whether positions lie in the footprint."""
    return _in_any(normal(ra, dec), areas())


def covered_near(vectors: Floats, centre: Floats, radius_deg: float) -> Flags:
    """The same for unit vectors that all lie within ``radius_deg`` of a centre."""
    distances = _area_margins(centre)
    if distances.max() > radius_deg:
        return np.ones(vectors.shape[:-1], dtype=bool)
    near = zip(areas(), distances, strict=True)
    return _in_any(vectors, (area for area, distance in near if distance >= -radius_deg))


def _in_any(vectors: Floats, some: Iterator[Area] | tuple[Area, ...]) -> Flags:
    inside = np.zeros(vectors.shape[:-1], dtype=bool)
    with np.errstate(invalid="ignore"):  # pixels without sky have NaN for a direction
        for area in some:
            inside |= area.holds(vectors)
    return inside
