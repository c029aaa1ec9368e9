"""Cells of the sky, half a degree wide: bands of declination, cut in right ascension.

A cell is named by its band and its index in the band. The numbers that SDSS's identifiers hold
(run, camera column, field; plate and date) tell the cell of an object.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sdss_cutout.sandbox.sky.population import Number

CELL_DEG = 0.5
CELL_RADIUS = 0.45  # degrees; a cell's corners are no farther from its centre
BANDS = round(180 / CELL_DEG)
FIRST_RUN, FIRST_FIELD, FIRST_PLATE, FIRST_MJD = 94, 11, 266, 51_600


def cells_in_band(band: int) -> int:
    """How many cells a band of declination is cut into, each about a quarter square degree."""
    middle = math.radians(-90.0 + (band + 0.5) * CELL_DEG)
    return max(1, round(360.0 * math.cos(middle) / CELL_DEG))


def run_of(band: Number) -> Number:
    """The run that the identifiers of a band's objects name."""
    return FIRST_RUN + band


def camcol_of(index: Number) -> Number:
    """The camera column that the identifiers of a cell's objects name."""
    return 1 + index % 6


def field_of(index: Number) -> Number:
    """The field that the identifiers of a cell's objects name."""
    return FIRST_FIELD + index // 6


def cell_of_field(run: int, camcol: int, field: int) -> tuple[int, int]:
    """The cell whose objects' identifiers name a field."""
    return run - FIRST_RUN, 6 * (field - FIRST_FIELD) + camcol - 1


def cell_of_plate(plate: int, mjd: int) -> tuple[int, int]:
    """The cell whose spectra are of a plate and a date."""
    return plate - FIRST_PLATE, mjd - FIRST_MJD


def plate_of(band: Number) -> Number:
    """The plate of a band's spectra."""
    return FIRST_PLATE + band


def mjd_of(index: Number) -> Number:
    """The date of a cell's spectra."""
    return FIRST_MJD + index


def cells_in_box(ra: tuple[float, float], dec: tuple[float, float]) -> list[tuple[int, int]]:
    """All cells that a rectangle in ra and dec, degrees, may touch."""
    lowest = max(0, math.floor((dec[0] + 90.0) / CELL_DEG))
    highest = min(BANDS - 1, math.floor((dec[1] + 90.0) / CELL_DEG))
    found = []
    for band in range(lowest, highest + 1):
        count = cells_in_band(band)
        first, last = (math.floor(side * count / 360.0) for side in ra)
        found += [(band, index) for index in range(max(0, first), min(last, count - 1) + 1)]
    return found


def cells_near(ra: float, dec: float, radius_deg: float) -> Iterator[tuple[int, int]]:
    """All cells that a circle may touch, and perhaps a few more."""
    lowest = max(0, math.floor((dec - radius_deg + 90.0) / CELL_DEG))
    highest = min(BANDS - 1, math.floor((dec + radius_deg + 90.0) / CELL_DEG))
    half = _half_width(dec, radius_deg)
    for band in range(lowest, highest + 1):
        count = cells_in_band(band)
        if half >= 180.0:
            yield from ((band, index) for index in range(count))
            continue
        first = math.floor((ra - half) * count / 360.0)
        last = min(math.floor((ra + half) * count / 360.0), first + count - 1)
        yield from ((band, index % count) for index in range(first, last + 1))


def _half_width(dec: float, radius_deg: float) -> float:
    """Half the range of right ascension that a circle covers at its widest."""
    if abs(dec) + radius_deg >= 89.9:
        return 180.0
    widest = math.sin(math.radians(radius_deg)) / math.cos(math.radians(dec))
    return math.degrees(math.asin(min(1.0, widest))) + 1e-9
