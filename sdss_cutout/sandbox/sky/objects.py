"""A deterministic synthetic sky of stars and galaxies; it contains no survey's data.

Faint objects are made cell by cell when they are needed: a cell's content depends on its number
only. A sparse sample of bright objects covers the whole footprint, so that a field of ten degrees
shows a few dozen well separated stars.
"""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sdss_cutout.sandbox import projection
from sdss_cutout.sandbox.sky import footprint, grid, population

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

SEED = 20260
CACHED_CELLS = 400
BRIGHT_RUN = 4000
BRIGHT_STARS = 12_000
BRIGHT_GALAXIES = 1_500


@dataclass(frozen=True, slots=True)
class Patch:
    """Objects and their unit vectors, brightest first."""

    table: NDArray[np.void]
    vectors: Floats

    @classmethod
    def of(cls, table: NDArray[np.void], centre: Floats, radius_deg: float) -> Patch:
        """Sort by magnitude, leave out what is not covered, and add the unit vectors.

        All objects lie within the radius around the centre.
        """
        vectors = projection.normal(table["ra"], table["dec"])
        inside = np.flatnonzero(footprint.covered_near(vectors, centre, radius_deg))
        order = inside[np.argsort(table["r"][inside], kind="stable")]
        return cls(table[order], vectors[order])

    def within(self, centre: Floats, radius_deg: float, limit: float) -> Patch:
        """The objects within a circle and brighter than ``limit``."""
        end = int(np.searchsorted(self.table["r"], limit))
        vectors = self.vectors[:end]
        chosen = np.flatnonzero(vectors @ centre >= math.cos(math.radians(min(radius_deg, 180.0))))
        return Patch(self.table[chosen], vectors[chosen])


class Sky:
    """The objects that all pictures, frames and queries show. Safe in threads."""

    def __init__(self) -> None:
        self._cells: OrderedDict[tuple[int, int], Patch] = OrderedDict()
        self._lock = threading.Lock()
        self._bright: Patch | None = None

    @property
    def bright(self) -> Patch:
        """The objects brighter than 14 in r."""
        with self._lock:
            if self._bright is None:
                self._bright = _bright_patch()
            return self._bright

    def near(
        self, ra: float, dec: float, radius_deg: float, limit: float = math.inf
    ) -> NDArray[np.void]:
        """Objects within a circle, nearest first.

        Parameters
        ----------
        ra, dec : float
            Centre in degrees.
        radius_deg : float
            Radius in degrees; keep it small (a few) unless ``limit`` is 14 or brighter.
        limit : float
            The faintest magnitude in r.

        Returns
        -------
        ndarray
            Structured, of the fields of `sdss_cutout.sandbox.sky.population.OBJECT`.
        """
        patch = self.patch(ra, dec, radius_deg, limit)
        order = np.argsort(-(patch.vectors @ projection.normal(ra, dec)), kind="stable")
        return patch.table[order]

    def patch(self, ra: float, dec: float, radius_deg: float, limit: float = math.inf) -> Patch:
        """Objects within a circle with their unit vectors."""
        centre = projection.normal(ra, dec)
        parts = [self.bright.within(centre, radius_deg, limit)]
        if limit > population.FAINT_FROM:
            cells = grid.cells_near(ra, dec, radius_deg)
            parts += [self.cell(*cell).within(centre, radius_deg, limit) for cell in cells]
        return Patch(
            np.concatenate([part.table for part in parts]),
            np.concatenate([part.vectors for part in parts]),
        )

    def box(self, ra: tuple[float, float], dec: tuple[float, float]) -> NDArray[np.void]:
        """All objects of a rectangle in ra and dec, degrees, that does not cross RA 0."""
        cells = [self.cell(*cell).table for cell in grid.cells_in_box(ra, dec)]
        table = np.concatenate([self.bright.table, *cells])
        inside = (table["ra"] >= ra[0]) & (table["ra"] <= ra[1])
        return np.asarray(table[inside & (table["dec"] >= dec[0]) & (table["dec"] <= dec[1])])

    def cell(self, band: int, index: int) -> Patch:
        """One cell of the faint sky, made when first asked for."""
        key = (band, index)
        with self._lock:
            if key in self._cells:
                self._cells.move_to_end(key)
                return self._cells[key]
        patch = _faint_patch(band, index)  # outside the lock: two threads may make the same
        with self._lock:
            self._cells[key] = patch
            while len(self._cells) > CACHED_CELLS:
                self._cells.popitem(last=False)
        return patch


def _faint_patch(band: int, index: int) -> Patch:
    rng = np.random.default_rng((SEED, band, index))
    low, width = -90.0 + band * grid.CELL_DEG, 360.0 / grid.cells_in_band(band)
    edges = np.sin(np.radians([low, low + grid.CELL_DEG]))
    area = math.degrees((edges[1] - edges[0]) * width)
    table = population.faint_population(rng, area)
    count = len(table)
    table["ra"] = (index + rng.random(count)) * width % 360.0
    table["dec"] = np.degrees(np.arcsin(rng.uniform(edges[0], edges[1], count)))
    population.name_objects(
        table, run=grid.run_of(band), camcol=grid.camcol_of(index), field=grid.field_of(index)
    )  # fmt: skip
    population.name_spectra(table, plate=grid.plate_of(band), mjd=grid.mjd_of(index))
    centre = projection.normal((index + 0.5) * width, low + grid.CELL_DEG / 2)
    return Patch.of(table, centre, grid.CELL_RADIUS)


def _bright_patch() -> Patch:
    rng = np.random.default_rng(SEED)
    table = population.bright_population(rng, BRIGHT_STARS, BRIGHT_GALAXIES)
    star = table["kind"] == "star"
    table["ra"][star], table["dec"][star] = _spread(rng, BRIGHT_STARS)
    table["ra"][~star], table["dec"][~star] = _spread(rng, BRIGHT_GALAXIES)
    for start in range(0, len(table), 500):  # a field number for every 500 objects
        part = table[start : start + 500]
        population.name_objects(part, run=BRIGHT_RUN, camcol=1, field=11 + start // 500)
        population.name_spectra(part, plate=3000, mjd=52_600 + start // 500)
    return Patch.of(table, projection.normal(0.0, 90.0), 180.0)


def _spread(rng: np.random.Generator, count: int) -> tuple[Floats, Floats]:
    """Positions over the sphere that keep apart: a Fibonacci spiral, shaken."""
    shake = 0.35 * math.sqrt(4 * math.pi / count)
    k = np.arange(count) + 0.5
    points = projection.normal(
        np.degrees(k * math.pi * (1 + math.sqrt(5))), np.degrees(np.arcsin(1 - 2 * k / count))
    )
    points += rng.uniform(-shake, shake, points.shape)
    # Some are at difficult positions: near both poles and on both sides of RA 0.
    special = [(40.0, 89.95), (200, 89.6), (320, 89.1), (10, -89.9), (150, -89.4), (260, -89.1)]
    special += [(0.02, 0.3), (359.97, -0.25), (0.4, -0.4), (359.6, 0.45)]
    if count == BRIGHT_STARS:
        points[: len(special)] = projection.normal(*np.transpose(special))
    return projection.equatorial(points / np.linalg.norm(points, axis=-1, keepdims=True))
