"""What the imaging camera is like: its columns, gains, noise, sky and distortion.

``D:`` is SDSS's documentation of the frame files (data model, frame.html); ``V:`` was measured on
a real frame. The rest is plausible and made up.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

import numpy as np

from sdss_cutout.sandbox.survey.astrometry import AsTrans

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

SEED = 2026
BANDS = "ugriz"
CAMCOLS = range(1, 7)
ROWS, COLS = 1489, 2048  # D: size of a frame
NEW_ROWS = 1361  # D: so 128 rows are in two fields
PIXEL_DEG = 0.39596 / 3600  # V
DRIFT = 20.0  # arcsec across the scan, from the start of a run to its end, at most
SEEING = 1.3  # FWHM in arcsec, the same in all runs and bands
SIGMA = SEEING / (2 * math.sqrt(2 * math.log(2))) / (PIXEL_DEG * 3600)  # pixels
NMGY = dict(zip(BANDS, (0.0105, 0.0038, 0.0047, 0.0065, 0.034), strict=True))  # per count
SKY_COUNTS = dict(zip(BANDS, (23.0, 80.0, 152.0, 184.0, 106.0), strict=True))
ROW_SECONDS = 0.026322  # V: C_OBS, microseconds per row
BAND_DELAY = {"r": 0.0, "i": 71.72, "u": 143.44, "z": 215.16, "g": 286.88}  # seconds
_GAIN = {  # D: electrons per count
    1: (1.62, 3.32, 4.71, 5.165, 4.745), 2: (1.595, 3.855, 4.6, 6.565, 5.155),
    3: (1.59, 3.845, 4.72, 4.86, 4.885), 4: (1.6, 3.995, 4.76, 4.885, 4.775),
    5: (1.47, 4.05, 4.725, 4.64, 3.48), 6: (2.17, 4.035, 4.895, 4.76, 4.69),
}  # fmt: skip
_DARK_VARIANCE = {  # D: counts squared
    1: (9.61, 15.6025, 1.8225, 7.84, 0.81), 2: (12.6025, 1.44, 1.0, 5.76, 1.0),
    3: (8.7025, 1.3225, 1.3225, 4.6225, 1.0), 4: (12.6025, 1.96, 1.3225, 6.25, 9.61),
    5: (9.3025, 1.1025, 0.81, 7.84, 1.8225), 6: (7.0225, 1.8225, 0.9025, 5.0625, 1.21),
}  # fmt: skip
_LATER_GAIN = {(2, "u"): (1100, 1.825)}  # D: from this run on
_LATER_DARK_VARIANCE = {  # D
    (2, "i"): (1500, 6.25), (4, "i"): (1500, 7.5625), (4, "z"): (1500, 12.6025),
    (5, "z"): (1500, 2.1025),
}  # fmt: skip
_DROW = (-0.06213254, 1.6522e-4, -8.83949677e-8, 7.04298782e-12)  # V: of a real r frame
_DCOL = (-0.25364262, 9.7338e-4, -8.65507125e-7, 2.14713471e-10)  # V
COLOUR_ROW, COLOUR_COL, COLOUR_CUT = -0.01737942, 0.00364414, 100.0  # V: csRow, csCol, riCut


class Scan(Protocol):
    """What the camera needs to know of a run."""

    @property
    def number(self) -> int:
        """The run."""
        ...

    @property
    def node(self) -> float:
        """Node of its great circle in degrees."""
        ...

    @property
    def incl(self) -> float:
        """Inclination of its great circle in degrees."""
        ...

    @property
    def mu_start(self) -> float:
        """The mu of row 0 of the first field."""
        ...

    @property
    def cols(self) -> int:
        """Columns of a frame."""
        ...

    @property
    def step(self) -> int:
        """Rows from one field to the next."""
        ...

    @property
    def length(self) -> float:
        """Degrees along the scan."""
        ...

    def nu_of(self, camcol: int, /) -> float:
        """The nu of the middle of a camera column."""
        ...


def gain(run: int, camcol: int, band: str) -> float:
    """Electrons per count."""
    return _by_run(_GAIN, _LATER_GAIN, run, camcol, band)


def dark_variance(run: int, camcol: int, band: str) -> float:
    """Variance of the dark image in counts squared."""
    return _by_run(_DARK_VARIANCE, _LATER_DARK_VARIANCE, run, camcol, band)


def _by_run(
    early: Mapping[int, tuple[float, ...]], later: dict[tuple[int, str], tuple[int, float]],
    run: int, camcol: int, band: str,
) -> float:  # fmt: skip
    since, value = later.get((camcol, band), (math.inf, 0.0))
    return value if run > since else early[camcol][BANDS.index(band)]


def generator(*key: int) -> np.random.Generator:
    """Random numbers that depend on nothing but the key."""
    return np.random.Generator(np.random.SFC64(np.random.SeedSequence((SEED, *key))))


def astrans(run: Scan, camcol: int, band: str) -> AsTrans:
    """The transformation of one band of a camera column, with rows counted along the whole run."""
    rng = generator(1, run.number, camcol, BANDS.index(band))
    stretch = run.cols / COLS  # a smaller camera is the real one scaled down, distortion too
    b, f = PIXEL_DEG * (1 + 1e-5 * stretch * rng.standard_normal(2))
    rows = run.length / PIXEL_DEG
    drift = generator(1, run.number, camcol).uniform(-1, 1)  # all bands see nearly the same sky
    e = drift * (1 + 0.05 * rng.standard_normal()) * DRIFT / 3600 * stretch / rows
    c = rng.normal(0, 1.3e-7)
    row_shift, col_shift = rng.uniform(-6, 6) * stretch, rng.uniform(-3, 3) * stretch
    wobble = 1 + 0.1 * rng.standard_normal()
    return AsTrans(
        node=run.node, incl=run.incl,
        a=run.mu_start + row_shift * b - c * run.cols / 2, b=float(b), c=c,
        d=run.nu_of(camcol) + col_shift * f - f * run.cols / 2 - e * rows / 2, e=e, f=float(f),
        drow=_scaled(_DROW, stretch, wobble), dcol=_scaled(_DCOL, stretch, wobble),
    )  # fmt: skip


def _scaled(
    terms: tuple[float, ...], stretch: float, wobble: float
) -> tuple[float, float, float, float]:
    zero, one, two, three = (
        wobble * term * stretch ** (1 - power) for power, term in enumerate(terms)
    )
    return zero, one, two, three


@lru_cache(maxsize=1024)
def calibration(run: Scan, camcol: int, band: str) -> NDArray[np.float32]:
    """Nanomaggies per count, one for each column: the calibration times the flat field."""
    rng = generator(2, run.number, camcol, BANDS.index(band))
    x = np.linspace(-1, 1, run.cols)
    flat = 1 + 0.006 * rng.standard_normal() * x + 0.008 * rng.standard_normal() * x**2
    flat += np.where(x > 0, 0.003 * rng.standard_normal(), 0.0)  # two amplifiers
    level = NMGY[band] * (1 + 0.03 * rng.standard_normal())
    vector = np.asarray(level * flat / flat.mean(), dtype="f4")
    vector.flags.writeable = False  # it is shared
    return vector


@lru_cache(maxsize=1024)
def sky_level(run: Scan, camcol: int, band: str) -> SkyLevel:
    """The sky of one band of a camera column."""
    return SkyLevel(run, camcol, band)


class SkyLevel:
    """The sky of one band of a camera column in counts, before it was subtracted.

    It is smooth: a profile across the columns that changes slowly along the run.
    """

    def __init__(self, run: Scan, camcol: int, band: str) -> None:
        rng = generator(3, run.number, camcol, BANDS.index(band))
        self.x_interp: Floats = (np.arange(run.cols) + 0.5) / 8 - 0.5
        x = np.linspace(-1, 1, math.ceil(run.cols / 8))
        level = SKY_COUNTS[band] * (1 + 0.1 * rng.standard_normal())
        self._profile = level * (1 + 0.02 * rng.standard_normal() * x + 0.01 * x**2)
        self._phase, self._period = rng.uniform(0, 2 * math.pi), 40.0 * run.step

    @property
    def across(self) -> Floats:
        """The profile at each column of pixels."""
        # np.interp keeps the value of the edge beyond it, as the documentation asks.
        return np.interp(self.x_interp, np.arange(len(self._profile)), self._profile)

    def along(self, rows: ArrayLike) -> Floats:
        """The factor at rows of the run, 0-based index."""
        wave: Floats = 1 + 0.05 * np.sin(2 * np.pi * np.asarray(rows) / self._period + self._phase)
        return wave

    def grid(self, first_row: int, rows: int) -> tuple[NDArray[np.float32], Floats]:
        """ALLSKY and YINTERP of a field."""
        y_interp = (np.arange(rows) + 0.5) / 8 + 0.5
        nodes = np.arange(math.ceil(rows / 8) + 5)
        at_rows = first_row + 8 * (nodes - 0.5) - 0.5
        grid = self.along(at_rows)[:, None] * self._profile
        return np.asarray(grid, dtype="f4"), y_interp
