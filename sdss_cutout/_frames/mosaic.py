"""Mosaics with north up: frames of any field and run, resampled onto one grid. Pure.

Each pixel of the mosaic is divided into samples that lie closer than the pixels of the frames.
The frames are interpolated at these samples by cubic splines, through reproject. A value is
divided by the area of the frame's pixel there and multiplied by that of the sample, so that
flux is conserved whatever the distortion, and the samples are summed. Cubic splines keep the
width of stars, unlike bilinear and area-weighted sampling, and summing samples keeps the flux
where the mosaic's pixels are coarse, unlike interpolation alone (``measured`` in the docs).

A sample is of the first frame, in the order of the frames, that has it well inside; samples that
no frame has well inside are of the first that has them at all. So splines do not meet the edge
of a frame where another goes on, and there is no seam.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from astropy.wcs import WCS
from numpy.typing import NDArray

from sdss_cutout._errors import RequestError
from sdss_cutout._frames.astrometry import north_up_wcs
from sdss_cutout._frames.band_image import BandImage, sources_of
from sdss_cutout._frames.frame import Frame
from sdss_cutout._frames.noise import variance
from sdss_cutout._frames.spline import correlation, summed_variance, variance_at
from sdss_cutout._request.calibrated import CalibratedRequest

__all__ = ["Grid", "make_mosaic", "reproject_function"]

Floats = NDArray[np.float64]

# Well inside: so many pixels from the edge, a spline notices the edge by 2 parts in a million.
_MARGIN = 10
# Samples that are computed at once: 8 MB for each of some ten arrays.
_SAMPLES = 1_000_000
# Frames are cut to what is needed, and so many pixels more for the splines.
_SUPPORT = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """The pixels of a mosaic, north up and east left; row 0 is the southern edge.

    Attributes
    ----------
    ra, dec : float
        Of the middle, ICRS degrees.
    scale : float
        Arcsec per pixel.
    width, height : int
        Pixels.
    native_scale : float
        Arcsec per pixel of the frames.
    """

    ra: float
    dec: float
    scale: float
    width: int
    height: int
    native_scale: float

    @classmethod
    def of_request(cls, request: CalibratedRequest) -> Grid:
        """Return the pixels that were asked for."""
        return cls(
            ra=request.ra,
            dec=request.dec,
            scale=request.scale,
            width=request.width,
            height=request.height,
            native_scale=request.archive.native_scale,
        )

    @property
    def samples(self) -> int:
        """How many samples a pixel has along each side."""
        ratio = self.scale / self.native_scale
        return 1 if abs(ratio - 1) < _NEARLY_EQUAL else math.ceil(ratio / _MAX_STEP)

    def wcs(self, samples: int = 1) -> WCS:
        """Return the WCS of the pixels, or of that many samples along each of their sides."""
        return north_up_wcs(
            self.ra, self.dec, scale=self.scale / samples,
            width=self.width * samples, height=self.height * samples,
        )  # fmt: skip


# How far samples may be apart, in pixels of a frame. The sum of interpolated values is a star's
# flux to 1e-4 up to here, and again where the step is one pixel; between, it is not (measured).
_MAX_STEP, _NEARLY_EQUAL = 0.65, 0.05


def reproject_function() -> Callable[..., NDArray[Any]]:
    """Return reproject's function, or say how to install it.

    Raises
    ------
    RequestError
        If reproject is not installed.
    """
    try:
        from reproject import reproject_interp
    except ImportError as error:
        raise RequestError(
            "calibrated cutouts with scale are resampled by reproject, which is not installed; "
            'install it with: pip install "sdss_cutout[calibrated]", or leave scale away for the '
            "survey's own pixels"
        ) from error
    return reproject_interp


def make_mosaic(frames: Sequence[Frame], grid: Grid) -> BandImage:
    """Return a mosaic of frames of one band.

    Parameters
    ----------
    frames : sequence of Frame
        The first of them that has a sample gives it. At least one.
    grid : Grid
        The pixels of the mosaic.

    Raises
    ------
    RequestError
        If reproject is not installed.
    """
    sums = _Sums(grid)
    wholes = [(frame, margin) for margin in (_MARGIN, 0) for frame in frames]
    used = [frame for frame, margin in wholes if sums.add(frame, margin)]
    return BandImage(
        band=frames[0].key.band,
        **sums.image(),
        wcs=grid.wcs(),
        sources=sources_of([frame for frame in frames if frame in used]),
        origins=frozenset(frame.origin for frame in used),
        notes=_notes(grid, frames[0]),
    )


class _Sums:
    """The sums over the samples of each pixel."""

    def __init__(self, grid: Grid) -> None:
        self._grid = grid
        self._samples = k = grid.samples
        self._wcs = grid.wcs(k)
        self._free = np.ones((grid.height * k, grid.width * k), dtype=bool)
        self._flux = np.zeros((grid.height, grid.width))
        self._variance = np.zeros_like(self._flux)

    def add(self, frame: Frame, margin: int) -> bool:
        """Take the samples that are still free from a frame; say whether there were any."""
        taken = [self._add_block(frame, margin, *block) for block in self._blocks(frame)]
        return any(taken)

    def image(self) -> dict[str, NDArray[np.float32]]:
        """Return the pixels and their uncertainties; NaN where a sample is missing."""
        missing = self._summed(self._free) > 0
        data = np.where(missing, np.nan, self._flux)
        error = np.where(missing, np.nan, np.sqrt(self._variance))
        return {"data": data.astype(np.float32), "uncertainty": error.astype(np.float32)}

    def _summed(self, samples: NDArray[Any]) -> NDArray[Any]:
        """Return the sums over the samples of each pixel."""
        k = self._samples
        ny, nx = samples.shape
        return samples.reshape(ny // k, k, nx // k, k).sum(axis=(1, 3))

    def _blocks(self, frame: Frame) -> Iterator[tuple[slice, slice]]:
        """Yield rows and columns of pixels that a frame may have, some at a time."""
        rows, columns = _extent(frame, self._grid)
        step = max(_SAMPLES // ((columns.stop - columns.start) * self._samples**2 + 1), 1)
        for start in range(rows.start, rows.stop, step):
            yield slice(start, min(start + step, rows.stop)), columns

    def _add_block(self, frame: Frame, margin: int, rows: slice, columns: slice) -> bool:
        k = self._samples
        block = tuple(slice(part.start * k, part.stop * k) for part in (rows, columns))
        if not self._free[block].any():
            return False
        wcs = self._wcs[block]
        # A pixel's centre is at most half a pixel from its edge.
        x, y = frame.astrometry.sky_to_pixel(*_world(wcs, self._free[block].shape))
        ny, nx = frame.image.shape
        low = margin - 0.5
        taken = self._free[block] & (x > low) & (x < nx - 1 - low) & (y > low) & (y < ny - 1 - low)
        if not taken.any():
            return False
        values, spread = _sampled(frame, wcs, x, y, taken)
        area = self._sample_area(block) / frame.astrometry.pixel_area(x, y)
        noise = variance_at(x) * variance_at(y) if k == 1 else _noise(frame, self._grid) / k**2
        self._flux[rows, columns] += self._summed(np.where(taken, values * area, 0))
        self._variance[rows, columns] += self._summed(np.where(taken, spread * area**2 * noise, 0))
        self._free[block] &= ~taken
        return True

    def _sample_area(self, block: tuple[slice, ...]) -> Floats:
        """Return the area of samples on the sky in square degrees."""
        x0, y0 = self._wcs.wcs.crpix - 1
        step = self._wcs.wcs.cd[1, 1]
        y, x = (np.arange(part.start, part.stop, dtype=float) for part in block)
        squares = np.add.outer(np.square(y - y0), np.square(x - x0)) * np.radians(step) ** 2
        return step**2 * (1 + squares) ** -1.5


def _world(wcs: WCS, shape: tuple[int, ...]) -> tuple[Floats, Floats]:
    y, x = np.indices(shape, dtype=float)
    ra, dec = wcs.all_pix2world(x, y, 0)
    return ra, dec


def _extent(frame: Frame, grid: Grid) -> tuple[slice, slice]:
    """Return the rows and columns of the mosaic that a frame may reach."""
    ny, nx = frame.image.shape
    y, x = np.meshgrid(np.linspace(-1, ny, 9), np.linspace(-1, nx, 9))
    places = grid.wcs().all_world2pix(*frame.astrometry.pixel_to_sky(x, y), 0)
    if not np.isfinite(places).all():  # it is on the other side of the sky
        return slice(0, 0), slice(0, 0)
    return _within(places[1], grid.height), _within(places[0], grid.width)


def _within(places: Floats, size: int) -> slice:
    """Return the pixels that places span, with one to spare."""
    low, high = math.floor(places.min()) - 1, math.ceil(places.max()) + 2
    return slice(min(max(low, 0), size), max(min(high, size), 0))


def _sampled(
    frame: Frame, wcs: WCS, x: Floats, y: Floats, taken: NDArray[np.bool_]
) -> tuple[Floats, Floats]:
    """Return interpolated pixels, and the variance of the nearest ones."""
    ny, nx = frame.image.shape
    rows, columns = _around(y[taken], ny), _around(x[taken], nx)
    part = frame.image[rows, columns].astype(np.float64)
    values = reproject_function()(
        (part, frame.astrometry.wcs()[rows, columns]), wcs, shape_out=x.shape,
        order="bicubic", roundtrip_coords=False, return_footprint=False,
    )  # fmt: skip
    nearest = (
        np.clip(np.rint(y).astype(int) - rows.start, 0, part.shape[0] - 1),
        np.clip(np.rint(x).astype(int) - columns.start, 0, part.shape[1] - 1),
    )
    return values, variance(frame, rows, columns)[nearest]


def _around(places: Floats, size: int) -> slice:
    low, high = math.floor(places.min()) - _SUPPORT, math.ceil(places.max()) + _SUPPORT + 1
    return slice(max(low, 0), min(high, size))


def _step(frame: Frame, grid: Grid) -> Floats:
    """Return how far a step of one sample goes on a frame, in pixels; columns are axes."""
    wcs = grid.wcs(grid.samples)
    middle = wcs.wcs.crpix - 1
    places = middle + np.array([[0, 0], [1, 0], [0, 1]])
    x, y = frame.astrometry.sky_to_pixel(*wcs.all_pix2world(places, 0).T)
    return np.array([[x[1] - x[0], x[2] - x[0]], [y[1] - y[0], y[2] - y[0]]])


def _noise(frame: Frame, grid: Grid) -> float:
    """Return the variance of the sum of a pixel's samples; that of a frame's pixel is 1."""
    return summed_variance(_step(frame, grid), grid.samples)


def _notes(grid: Grid, frame: Frame) -> dict[str, tuple[Any, str]]:
    step, k = _step(frame, grid), grid.samples
    per_sample = abs(np.linalg.det(step))
    factor = math.sqrt(per_sample * k**2 / (per_sample**2 * summed_variance(step, k)))
    return {
        "RESAMPLE": ("cubic spline", "of samples, summed per pixel"),
        "SAMPLES": (k, "samples along each side of a pixel"),
        "NOISCORR": (round(correlation(step, k), 4), "correlation of neighbours' noise"),
        "NOISFACT": (round(factor, 4), "uncertainty of large sums / that without it"),
    }
