"""Draws the stars and galaxies of the synthetic sky onto the pixels of a frame, in nanomaggies.

Everything is computed in the coordinates of the run, so that the rows which two fields share get
the very same values.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from sdss_cutout.sandbox import projection
from sdss_cutout.sandbox.survey import camera

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sdss_cutout.sandbox.sky.objects import Sky
    from sdss_cutout.sandbox.survey.fields import Field

    Floats = NDArray[np.float64]

MARGIN_DEG = 0.1  # the largest galaxies reach this far into a frame
STAR_REACH = 8.5  # of its sigma: beyond is less than 1e-15 of the peak
GALAXY_REACH = 5.5
# Exponential and de Vaucouleurs profiles of half-light radius 1 as sums of Gaussians: share of
# the flux and variance. Fitted by non-negative least squares; the second is cut at 8 radii.
DISC = ((0.0086, 0.017), (0.0534, 0.083), (0.2181, 0.2833), (0.4549, 0.8328), (0.2650, 2.2565))
BULGE = ((0.0285, 0.0014), (0.0794, 0.013), (0.2041, 0.0992), (0.3311, 0.759), (0.3569, 5.8))
SMALL_BULGE = 0.35  # the size of a disc's bulge, as the pictures have it
_PIXEL_VARIANCE = 1 / 12  # what averaging over a pixel adds


class _Window:
    """The part of an image that lies within reach of a place, in the run's coordinates."""

    __slots__ = ("cols", "light", "rows")

    def __init__(
        self, image: Floats, first_row: int, row: float, col: float, reach: tuple[float, float]
    ) -> None:
        height, width = image.shape
        top = max(math.floor(row - reach[0]) - first_row, 0)
        bottom = min(math.ceil(row + reach[0]) - first_row, height)
        left, right = max(math.floor(col - reach[1]), 0), min(math.ceil(col + reach[1]), width)
        self.light = image[top:bottom, left:right] if top < bottom and left < right else None
        self.rows = first_row + np.arange(top, bottom)  # lower edges of pixels
        self.cols = np.arange(left, right)


def render(sky: Sky, field: Field, band: str) -> Floats:
    """The light in each pixel of a frame, without noise, in nanomaggies."""
    image = np.zeros(field.shape)
    table = _sources(sky, field)
    transform = field.in_run(band)
    row, col = transform.pixel(table["ra"], table["dec"])
    flux = 10.0 ** (0.4 * (22.5 - table[band].astype(float)))
    turns = _towards_north(transform, table, row, col)
    for one, y, x, light, turn in zip(table, row, col, flux, turns, strict=True):
        if one["kind"] == "star":
            _add_star(image, field.first_row, float(y), float(x), float(light))
        else:
            _add_galaxy(image, field.first_row, float(y), float(x), float(light), one, turn)
    return image


def _sources(sky: Sky, field: Field) -> NDArray[np.void]:
    """Objects that may touch a frame, in an order that does not depend on the frame."""
    radius = 0.5 * math.hypot(*field.shape) * camera.PIXEL_DEG + MARGIN_DEG
    table = sky.patch(*field.centre, radius).table
    return table[np.argsort(table["objid"])]


def _towards_north(transform: Any, table: NDArray[np.void], row: Floats, col: Floats) -> Floats:
    """Matrices that turn pixel offsets (col, row) into arcsec east and north."""
    step = 1 / 3600
    _, north = projection.frame(table["ra"], table["dec"])
    moved = projection.normal(table["ra"], table["dec"]) + np.radians(step) * north
    row_n, col_n = transform.pixel(*projection.equatorial(moved))
    dx, dy = col_n - col, row_n - row
    size = np.hypot(dx, dy) ** 2  # the scan has east a quarter turn from north, towards the rows
    return np.stack([np.stack([-dy, dx], -1), np.stack([dx, dy], -1)], -2) / size[:, None, None]


def _add_star(image: Floats, first_row: int, row: float, col: float, flux: float) -> None:
    reach = STAR_REACH * camera.SIGMA
    window = _Window(image, first_row, row, col, (reach, reach))
    if window.light is not None:
        down, across = _integrals(window.rows, row), _integrals(window.cols, col)
        window.light += flux * down[:, None] * across


def _integrals(edges: NDArray[np.int64], middle: float) -> Floats:
    """The share of a star's light in each row or column of pixels."""
    scale = 1 / (math.sqrt(2) * camera.SIGMA)
    ends = [*edges.tolist(), int(edges[-1]) + 1]
    return 0.5 * np.diff([math.erf((end - middle) * scale) for end in ends])


def _add_galaxy(
    image: Floats, first_row: int, row: float, col: float, flux: float, one: Any, turn: Floats
) -> None:
    for share, covariance in _components(one, turn):
        reach = GALAXY_REACH * np.sqrt(np.diagonal(covariance))
        window = _Window(image, first_row, row, col, (float(reach[1]), float(reach[0])))
        if window.light is not None:
            dx, dy = window.cols + 0.5 - col, (window.rows + 0.5 - row)[:, None]
            window.light += flux * share * _gaussian(dx, dy, covariance)


def _gaussian(dx: Floats, dy: Floats, covariance: Floats) -> Floats:
    (xx, xy), (_, yy) = covariance
    determinant = float(xx * yy - xy * xy)
    exponent = (yy * dx * dx - 2 * xy * dx * dy + xx * dy * dy) / (-2 * determinant)
    light: Floats = np.exp(exponent) / (2 * math.pi * math.sqrt(determinant))
    return light


def _components(one: Any, turn: Floats) -> list[tuple[float, Floats]]:
    """Gaussians that a galaxy consists of: share of the flux, covariance in pixels (col, row)."""
    angle, half, axis = math.radians(one["phi"]), float(one["petroR50_r"]), float(one["ab"])
    along = np.array([math.sin(angle), math.cos(angle)])  # east and north of the major axis
    across = np.array([-along[1], along[0]])
    shape = half**2 * (np.outer(along, along) + axis**2 * np.outer(across, across))
    to_pixels = np.linalg.inv(turn)
    shape = to_pixels @ shape @ to_pixels.T
    seeing = (camera.SIGMA**2 + _PIXEL_VARIANCE) * np.eye(2)
    bulge = float(one["bulge"])
    small = 1.0 if bulge > 0.5 else SMALL_BULGE**2
    parts = [(bulge * share, small * spread) for share, spread in BULGE]
    parts += [((1 - bulge) * share, spread) for share, spread in DISC]
    return [(share, shape * spread + seeing) for share, spread in parts]
