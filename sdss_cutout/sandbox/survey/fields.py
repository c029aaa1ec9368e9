"""The survey over the synthetic sky: which runs, camera columns and fields are where."""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from sdss_cutout.sandbox import projection
from sdss_cutout.sandbox.sky import footprint
from sdss_cutout.sandbox.survey import astrometry, camera
from sdss_cutout.sandbox.survey.layout import (
    FIRST_FIELD,
    LEAST_SIZE,
    NODE,
    Layout,
    Place,
    Run,
    column_step,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import ArrayLike, NDArray

    from sdss_cutout.sandbox.survey.astrometry import AsTrans

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

RERUN = 301
BLOCK_DEG = 5.0  # of mu, within which one epoch is primary
_PREFIX = (2 << 59) | (RERUN << 48)  # of identifiers, as the catalogue's objects have it


@dataclass(frozen=True)
class Field:
    """One field: a piece of one camera column of one run, in five bands."""

    run: Run
    camcol: int
    number: int
    transforms: tuple[AsTrans, ...] = field(repr=False, compare=False)

    @property
    def field_id(self) -> int:
        """The identifier in SDSS's layout of bits."""
        return field_id(self.run.number, self.camcol, self.number)

    @property
    def first_row(self) -> int:
        """The row of the run in which the field begins."""
        return (self.number - FIRST_FIELD) * self.run.step

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of each of its frames."""
        return self.run.rows, self.run.cols

    def in_run(self, band: str) -> AsTrans:
        """The transformation that counts rows from the start of the run."""
        return self.transforms[camera.BANDS.index(band)]

    def astrans(self, band: str) -> AsTrans:
        """The transformation that the field's frame has in its table."""
        return self.in_run(band).moved(self.first_row)

    def sky_of(self, x: ArrayLike, y: ArrayLike, band: str = "r") -> tuple[Floats, Floats]:
        """Right ascension and declination of pixels, 0-based; whole numbers are centres."""
        return self.astrans(band).sky(np.asarray(y) + 0.5, np.asarray(x) + 0.5)

    def pixel_of(self, ra: ArrayLike, dec: ArrayLike, band: str = "r") -> tuple[Floats, Floats]:
        """The 0-based pixel x, y of positions on the sky; whole numbers are centres."""
        row, col = self.astrans(band).pixel(ra, dec)
        return col - 0.5, row - 0.5

    def covers(self, ra: float, dec: float, band: str = "r") -> bool:
        """Whether a position lies in the frame."""
        x, y = self.pixel_of(ra, dec, band)
        rows, cols = self.shape
        return bool(-0.5 <= x < cols - 0.5 and -0.5 <= y < rows - 0.5)

    @property
    def centre(self) -> tuple[float, float]:
        """Right ascension and declination of its middle."""
        ra, dec = self._outline
        return float(ra[-1]), float(dec[-1])

    @property
    def corners(self) -> tuple[Floats, Floats]:
        """Right ascensions and declinations of its corners."""
        ra, dec = self._outline
        return ra[:-1], dec[:-1]

    @cached_property
    def _outline(self) -> tuple[Floats, Floats]:
        rows, cols = self.shape
        return self.astrans("r").sky([0, 0, rows, rows, rows / 2], [0, cols, cols, 0, cols / 2])

    @property
    def is_imaged(self) -> bool:
        """Whether the survey has the field."""
        return bool(imaged(self.in_run("r"), np.array([self.first_row]), self.shape)[0])


def imaged(transform: AsTrans, starts: NDArray[np.int64], shape: tuple[int, int]) -> Flags:
    """Which fields exist, by the rows of the run in which they begin.

    They are those that have their middle or a corner in the footprint.
    """
    rows, cols = shape
    row = starts[:, None] + np.array([0, 0, rows, rows, rows / 2])
    inside = footprint.covered(*transform.sky(row, [0, cols, cols, 0, cols / 2]))
    return np.asarray(inside.any(axis=-1))


def field_id(run: int, camcol: int, number: int) -> int:
    """The identifier of a field in SDSS's layout of bits."""
    return _PREFIX | (run << 32) | (camcol << 29) | (number << 16)


class Survey:
    """All runs, camera columns and fields. Safe in threads.

    Parameters
    ----------
    shape : tuple of int
        Rows and columns of a frame. With smaller frames than SDSS's everything else is scaled
        down in proportion, so that the whole footprint is covered likewise.
    """

    def __init__(self, shape: tuple[int, int] = (camera.ROWS, camera.COLS)) -> None:
        rows, cols = shape
        if not (LEAST_SIZE <= rows <= 4096 and LEAST_SIZE <= cols <= 4096):
            raise ValueError(f"frame shape {shape} is not within {LEAST_SIZE} to 4096 pixels")
        self.layout: Layout = Layout(rows, cols)
        self.shape: tuple[int, int] = (rows, cols)
        self.field_radius: float = 30 * math.hypot(rows, cols) * camera.PIXEL_DEG  # arcmin
        incls = map(self.layout.incl, range(self.layout.circles))
        self._poles = np.array([astrometry.axes(NODE, incl)[2] for incl in incls])
        self._runs: dict[int, Run] = {}
        self._primary_runs: dict[tuple[Place, int], Run] = {}
        self._transforms: dict[tuple[int, int], tuple[AsTrans, ...]] = {}
        self._lock = threading.Lock()

    def run(self, number: int) -> Run | None:
        """The run of a number, if there is one."""
        place = self.layout.place(number)
        return None if place is None else self._run_at(place)

    def _run_at(self, place: Place) -> Run:
        number = self.layout.number(place)
        with self._lock:
            if number not in self._runs:
                self._runs[number] = self.layout.make(place)
            return self._runs[number]

    def field(self, run: int, camcol: int, number: int) -> Field | None:
        """A field by its numbers, if it exists."""
        found = self.run(run)
        if found is None or camcol not in camera.CAMCOLS:
            return None
        if not FIRST_FIELD <= number < FIRST_FIELD + found.fields:
            return None
        one = self._field(found, camcol, number)
        return one if one.is_imaged else None

    def field_of_id(self, identifier: int) -> Field | None:
        """A field by its identifier, if it exists."""
        run, camcol, number = identifier >> 32 & 0xFFFF, identifier >> 29 & 7, identifier >> 16
        found = self.field(run, camcol, number & 0xFFF)
        return found if found is not None and found.field_id == identifier else None

    def _field(self, run: Run, camcol: int, number: int) -> Field:
        key = run.number, camcol
        with self._lock:
            if key not in self._transforms:
                self._transforms[key] = tuple(
                    camera.astrans(run, camcol, band) for band in camera.BANDS
                )
            return Field(run, camcol, number, self._transforms[key])

    def near(self, ra: float, dec: float, radius: float) -> list[tuple[float, Field]]:
        """Fields whose centre lies within ``radius`` arcmin, with the distance, nearest first."""
        found: list[tuple[float, Field]] = []
        if not self.is_imaged_near(ra, dec, radius + self.field_radius):
            return found
        vector, reach = projection.normal(ra, dec), radius / 60.0 * 1.001 + 0.02
        for run, mu, nu in self._runs_near(vector, radius / 60.0):
            along = (mu - run.mu_start + 45.0) % 360.0 - 45.0
            for camcol in camera.CAMCOLS:
                if abs(nu - run.nu_of(camcol)) <= reach:
                    found += self._near_in_column(run, camcol, vector, radius, along)
        return sorted(found, key=lambda pair: (pair[0], pair[1].field_id))

    def _near_in_column(
        self, run: Run, camcol: int, vector: Floats, radius: float, along: float
    ) -> list[tuple[float, Field]]:
        """The same in one camera column of one run, ``along`` degrees from its start."""
        transform, (rows, cols) = self._field(run, camcol, FIRST_FIELD).in_run("r"), self.shape
        row, reach = along / camera.PIXEL_DEG - rows / 2, radius / 60.0 / camera.PIXEL_DEG + 200
        first = max(0, math.ceil((row - reach) / run.step))
        last = min(run.fields - 1, math.floor((row + reach) / run.step))
        starts = np.arange(first, last + 1) * run.step
        centres = projection.normal(*transform.sky(starts + rows / 2, cols / 2))
        distances = projection.separations(centres, vector)
        chosen = np.flatnonzero(distances <= radius)
        chosen = chosen[imaged(transform, starts[chosen], self.shape)]
        return [
            (float(distances[k]), self._field(run, camcol, FIRST_FIELD + first + k))
            for k in chosen.tolist()
        ]

    def is_imaged_near(self, ra: float, dec: float, radius: float) -> bool:
        """Whether the footprint comes within a radius in arcmin; looks at some points."""
        angles = np.radians(np.arange(0, 360, 15))[:, None, None]
        parts = np.array([0.0, 0.3, 0.6, 0.8, 1.0])[:, None]
        west, north = projection.frame(ra, dec)
        across = np.cos(angles) * west + np.sin(angles) * north
        step = math.tan(math.radians(min(radius / 60.0, 80.0))) * parts
        vectors = projection.normal(ra, dec) + step * across
        vectors /= np.linalg.norm(vectors, axis=-1, keepdims=True)
        return bool(footprint.covered(*projection.equatorial(vectors)).any())

    def covering(self, ra: float, dec: float) -> list[Field]:
        """All fields whose r frame holds a position: the primary one first."""
        near = self.near(ra, dec, self.field_radius * 1.02)
        first = self.primary(ra, dec)
        fields = (one for _, one in near if one.covers(ra, dec))
        return sorted(fields, key=lambda one: (one != first, one.field_id))

    def _runs_near(self, vector: Floats, radius: float) -> Iterator[tuple[Run, float, float]]:
        """Runs that may have fields within ``radius`` degrees, with the mu and nu of a position."""
        layout = self.layout
        reach = math.sin(math.radians(min(90.0, radius + layout.half_width * 1.1)))
        spare = radius + 2 * layout.field_deg
        for circle in np.flatnonzero(np.abs(self._poles @ vector) <= reach).tolist():
            mu, nu = map(float, astrometry.great_circle_of(vector, NODE, layout.incl(circle)))
            for run in map(self._run_at, layout.places(circle)):
                if (mu - run.mu_start + spare) % 360.0 <= run.length + 2 * spare:
                    yield run, mu, nu

    def primary(self, ra: float, dec: float) -> Field | None:
        """The field in whose primary area a position lies; None outside the footprint."""
        if not footprint.covered(ra, dec):
            return None
        place, column, mu = self._usual_place(projection.normal(ra, dec))
        run = self._primary_run(place, math.floor(mu / BLOCK_DEG))
        camcol = column // 2 + 1
        row, _ = self._field(run, camcol, FIRST_FIELD).in_run("r").pixel(ra, dec)
        index = math.floor((float(row) - (run.rows - run.step) / 2) / run.step)
        return self._field(run, camcol, FIRST_FIELD + min(max(index, 0), run.fields - 1))

    def _primary_run(self, place: Place, block: int) -> Run:
        """The run that is primary at a place: where there are many, another one in each block."""
        usual = self._run_at(place)
        if place.circle not in self.layout.epoch_circles or not place.half:
            return usual
        key = place, block
        if key not in self._primary_runs:
            runs = [usual, *(run for run in self._epochs(place) if _holds(run, block))]
            self._primary_runs[key] = max(runs, key=lambda run: _rank(run, block))
        return self._primary_runs[key]

    def primary_area(self, field: Field) -> float:
        """Square degrees of a field's primary area: all of its own, or nothing."""
        if self.primary(*field.centre) != field:
            return 0.0
        return field.run.step * camera.PIXEL_DEG * column_step(field.run.cols)

    def _epochs(self, place: Place) -> list[Run]:
        places = self.layout.places(place.circle)
        return [
            self._run_at(other) for other in places if other.epoch and other.strip == place.strip
        ]

    def _usual_place(self, vector: Floats) -> tuple[Place, int, float]:
        """Where the run is that covers a position in any case, the column there, and its mu."""
        layout = self.layout
        _, y, z = axes_at_equator(vector)
        tilt = math.degrees(math.atan2(z, y)) % 180.0
        circle = round(tilt / layout.spacing) + layout.circles // 2 - 1
        circle -= layout.circles if circle >= layout.circles else 0
        mu, nu = astrometry.great_circle_of(vector, NODE, layout.incl(circle))
        along = (float(mu) - NODE) % 360.0
        half, rest = divmod(along, 180.0)
        segment = min(int(rest / layout.segment_deg), layout.segments - 1)
        column = min(max(math.floor(float(nu) / layout.half_width * 6 + 6), 0), 11)
        return Place(circle, int(half), segment, column % 2), column, NODE + along


def axes_at_equator(vector: Floats) -> Any:
    """A unit vector along the node, a quarter further along the equator, and to the north."""
    return astrometry.axes(NODE, 0.0) @ vector


def _holds(run: Run, block: int) -> bool:
    """Whether a run scans a whole block of mu."""
    return bool(
        run.mu_start < block * BLOCK_DEG and (block + 1) * BLOCK_DEG < run.mu_start + run.length
    )


def _rank(run: Run, block: int) -> float:
    """Which of the runs in a block of mu is to be primary."""
    return float(camera.generator(4, run.number, block).random())
