"""How the sky is shared out: great circles, halves of them, segments, strips, epochs, runs.

Great circles of one node follow each other in inclination, as SDSS's stripes do. Each is scanned
in two halves. A stripe is as wide as twelve camera columns, which two runs fill, one for each
strip, with six columns and the gaps between them. One region is scanned by dozens of runs more,
as Stripe 82 is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sdss_cutout.sandbox.survey import camera

if TYPE_CHECKING:
    from collections.abc import Iterator

NODE = 95.0  # of all great circles, degrees
FIRST_RUN, FIRST_FIELD = 94, 11
MOST_FIELDS = 4000  # of a run: its number has 12 bits in an identifier
SEGMENTS = 5  # runs along half a great circle: each is some 36 degrees long
LEAST_SIZE = 128  # smaller frames would need more runs than an identifier can number
STRIPE_WIDTH = 2.5  # degrees between great circles of full-sized fields
COLUMN_STEP = 1907 / 2048  # of a column's width from one column of a stripe to the next
EPOCHS = 30  # further runs of each strip in the region of many epochs
EPOCH_MU, EPOCH_INCL = (310.0, 420.0), 1.25  # where that is: mu from 310 to 420, near the equator


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One drift scan with six camera columns.

    ``mu_start`` is the mu of row 0 of the first field; ``nu`` the offset of the camera's middle
    from the great circle; ``epoch`` is 0 for the run that covers its place in any case.
    """

    number: int
    stripe: int
    strip: str
    epoch: int
    node: float
    incl: float
    mu_start: float
    nu: float
    fields: int
    rows: int
    cols: int
    mjd: float

    @property
    def step(self) -> int:
        """Rows from one field to the next."""
        return step(self.rows)

    @property
    def length(self) -> float:
        """Degrees along the scan."""
        return (self.fields * self.step + self.rows - self.step) * camera.PIXEL_DEG

    def nu_of(self, camcol: int) -> float:
        """The nu of the middle of a camera column."""
        return self.nu + (camcol - 3.5) * 2 * column_step(self.cols)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a run is scanned: great circle, half, segment or epoch, and strip."""

    circle: int
    half: int
    segment: int
    strip: int
    epoch: int = 0


def step(rows: int) -> int:
    """New rows in each field."""
    return round(rows * camera.NEW_ROWS / camera.ROWS)


def column_step(cols: int) -> float:
    """Degrees between neighbouring columns of a stripe."""
    return cols * COLUMN_STEP * camera.PIXEL_DEG


class Layout:
    """Numbers the runs, and makes them from their numbers."""

    rows: int
    cols: int
    field_deg: float
    circles: int
    spacing: float
    half_width: float
    segments: int
    segment_deg: float
    epoch_circles: range

    def __init__(self, rows: int, cols: int) -> None:
        self.rows, self.cols = rows, cols
        self.field_deg = step(rows) * camera.PIXEL_DEG
        self.circles = 2 * round(90 * camera.COLS / (STRIPE_WIDTH * cols))
        self.spacing = 180.0 / self.circles
        self.half_width = 6 * column_step(cols)
        self.segments = max(SEGMENTS, math.ceil(180.0 / self.field_deg / (MOST_FIELDS - 4)))
        self.segment_deg = 180.0 / self.segments
        self._usual = self.circles * 4 * self.segments
        self._stride = max(1, 6000 // self._usual)
        reach = int(EPOCH_INCL / self.spacing)
        middle = self.circles // 2 - 1  # where incl is 0
        self.epoch_circles = range(middle - reach, middle + reach + 1)
        self._first_epoch_run = FIRST_RUN + self._stride * self._usual

    def incl(self, circle: int) -> float:
        """Inclination of a great circle, from above -90 to 90 degrees."""
        return (circle - self.circles // 2 + 1) * self.spacing

    def number(self, place: Place) -> int:
        """The number of the run at a place."""
        if place.epoch:
            circle = place.circle - self.epoch_circles.start
            index = (circle * 2 + place.strip) * EPOCHS + place.epoch - 1
            return self._first_epoch_run + index
        index = ((place.circle * 2 + place.half) * self.segments + place.segment) * 2
        return FIRST_RUN + self._stride * (index + place.strip)

    def place(self, number: int) -> Place | None:
        """Where a run of this number is scanned; None if there is no such run."""
        if number >= self._first_epoch_run:
            return self._epoch_place(number - self._first_epoch_run)
        index, rest = divmod(number - FIRST_RUN, self._stride)
        if rest or not 0 <= index < self._usual:
            return None
        index, strip = divmod(index, 2)
        index, segment = divmod(index, self.segments)
        return Place(*divmod(index, 2), segment, strip)

    def _epoch_place(self, index: int) -> Place | None:
        index, epoch = divmod(index, EPOCHS)
        circle, strip = divmod(index, 2)
        if circle >= len(self.epoch_circles):
            return None
        return Place(self.epoch_circles[circle], 1, 0, strip, epoch + 1)

    def places(self, circle: int) -> Iterator[Place]:
        """All places of one great circle."""
        for half in range(2):
            for segment in range(self.segments):
                yield from (Place(circle, half, segment, strip) for strip in range(2))
        if circle in self.epoch_circles:
            epochs = range(1, EPOCHS + 1)
            yield from (Place(circle, 1, 0, strip, epoch) for epoch in epochs for strip in range(2))

    def make(self, place: Place) -> Run:
        """The run at a place."""
        number = self.number(place)
        rng = camera.generator(0, number)
        start, end = self._range(place, *rng.uniform(0, 15, 2))
        start -= rng.uniform(0.2, 1.0) * self.field_deg  # fields of two runs do not coincide
        strip_offset = (place.strip - 0.5) * column_step(self.cols)
        wander = rng.uniform(-8, 8) / 3600 * self.cols / camera.COLS
        stripe = 10 + place.circle - self.circles // 2 + 1 + self.circles * place.half
        return Run(
            number=number, stripe=stripe, strip="SN"[place.strip], epoch=place.epoch,
            node=NODE, incl=self.incl(place.circle), mu_start=float(start),
            nu=float(strip_offset + wander), fields=math.ceil((end - start) / self.field_deg) + 1,
            rows=self.rows, cols=self.cols, mjd=round(51_075 + rng.uniform(0, 3600), 6),
        )  # fmt: skip

    def _range(self, place: Place, late: float, early: float) -> tuple[float, float]:
        """From which mu to which mu a run goes."""
        if not place.epoch:
            start = NODE + 180.0 * place.half + self.segment_deg * place.segment
            return start, start + self.segment_deg
        start, end = EPOCH_MU[0] + late, EPOCH_MU[1] - early
        spare = max(0.0, end - start - (MOST_FIELDS - 4) * self.field_deg)
        return start + 0.6 * spare, end - 0.4 * spare
