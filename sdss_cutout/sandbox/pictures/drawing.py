"""Draws the synthetic sky as SkyServer draws the real one: orthographic, asinh colours."""

from __future__ import annotations

import math
import threading
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

from sdss_cutout.sandbox import projection
from sdss_cutout.sandbox.pictures import shapes
from sdss_cutout.sandbox.sky import footprint

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sdss_cutout.sandbox.rules import PictureRequest
    from sdss_cutout.sandbox.sky.objects import Patch, Sky

    Image = NDArray[np.float32]

STRETCH = np.array([4.9, 5.7, 7.8], dtype="f4")  # of i, r, g, near Lupton et al. 2004 for SDSS
SOFTENING = 3.0
SKY_LEVEL, SKY_NOISE = 0.021, 0.019  # of full scale, so that few pixels are exactly black
ALL_SKY_SCALE = 5.0  # arcsec per pixel beyond which only the bright sample is drawn
MARGIN_DEG = 0.1  # the largest galaxies reach this far into a picture
_NOISE_SIDE = 512
_PALER = 0.3  # the part of white in the light of stars


def draw(sky: Sky, request: PictureRequest) -> NDArray[np.uint8]:
    """The requested picture, (height, width, 3)."""
    light = np.zeros((request.height, request.width, 3), dtype="f4")
    limit = magnitude_limit(request.scale)
    patch = sky.patch(request.ra, request.dec, request.radius_deg + MARGIN_DEG, limit)
    fluxes = shapes.fluxes(patch.table, _dimming(request.scale))
    for row, place, flux in zip(*_visible(patch, fluxes, request), strict=True):
        _add(light, row, place, flux, request.scale)
    picture = colour(light, _noise(request))
    missing = _missing(request)
    if missing is not None:
        picture[missing] = 0
    return picture


def magnitude_limit(scale: float) -> float:
    """The faintest r that is drawn: all objects of a wide field would overlap, and take long."""
    if scale <= ALL_SKY_SCALE:
        return 21.0 - 4.5 * math.log10(max(scale, 1.0))
    return 14.0 - 2.5 * math.log10(max(scale / 180.0, 1.0))


def _dimming(scale: float) -> float:
    """Magnitudes by which all is dimmed in a coarse picture, which shows bright stars only."""
    return (21.0 if scale <= ALL_SKY_SCALE else 19.0) - magnitude_limit(scale)


def is_outside(request: PictureRequest) -> bool:
    """Whether no covered sky is near enough for the server to find a field."""
    margin = footprint.margin(request.ra, request.dec)
    if margin >= 0 or -margin > min(request.radius_deg, 90.0):
        return margin < 0
    missing = _missing(request)
    return missing is not None and bool(missing.all())


def colour(light: Image, noise: Image) -> NDArray[np.uint8]:
    """Lupton's asinh colours: the hue stays, the brightness is compressed, nothing wraps."""
    scaled = light * STRETCH + noise
    red, green, blue = scaled[..., 0], scaled[..., 1], scaled[..., 2]
    total = np.maximum(red + green + blue, np.float32(1e-6)) * np.float32(SOFTENING)
    factor = np.arcsinh(total) / total
    top = np.maximum(np.maximum(red, green), blue) * factor
    # A smooth shoulder in place of clipping keeps the cores of bright stars coloured and round.
    square = np.maximum(top, 0) ** 2
    factor /= np.cbrt(np.sqrt(1 + square * square * square))
    scaled *= np.float32(255.0) * factor[..., None]
    return np.asarray(np.clip(scaled + np.float32(0.5), 0, 255), dtype=np.uint8)


def _visible(
    patch: Patch, fluxes: NDArray[np.float64], request: PictureRequest
) -> tuple[NDArray[np.void], list[tuple[float, ...]], NDArray[np.float64]]:
    """Objects that may touch the picture, with pixel x, y and the angle of their north."""
    ppr, width, height = request.pixels_per_radian, request.width, request.height
    x, y = projection.pixel_of_vectors(
        patch.vectors, request.ra, request.dec, ppr, width, height, gnomonic=request.gnomonic
    )
    reach = (2 * patch.table["petroR90_r"] + 25.0) / request.scale + 40.0
    inside = (x > -reach) & (x < width + reach) & (y > -reach) & (y < height + reach)
    table = patch.table[inside]
    west, north = projection.frame(request.ra, request.dec)
    _, own_north = projection.frame(table["ra"], table["dec"])
    angle = np.arctan2(own_north @ west, own_north @ north)
    places = zip(x[inside].tolist(), y[inside].tolist(), angle.tolist(), strict=True)
    return table, list(places), fluxes[inside]


def _add(
    light: Image, row: Any, place: tuple[float, ...], flux: NDArray[np.float64], scale: float
) -> None:
    x, y, angle = place
    if row["kind"] == "star":
        # Real pictures show red dwarfs orange. Pure red would be in the JPEG's colour channels
        # only, which have half the resolution, and the star's centre would move.
        flux = (1 - _PALER) * flux + _PALER * flux.max()
        width, unit = shapes.star_profile(scale)
        window = _window(light, x, y, shapes.star_reach(float(flux.max()) * unit, width))
        if window is not None:
            dx, dy, part = window
            part += shapes.star(dx, dy, width)[..., None] * (flux * unit).astype("f4")
        return
    window = _window(light, x, y, shapes.galaxy_reach(row, scale))
    if window is not None:
        dx, dy, part = window
        turn = math.radians(float(row["phi"])) - angle  # from screen north to the east, the left
        sine, cosine = np.float32(math.sin(turn)), np.float32(math.cos(turn))
        along, across = -dx * sine - dy * cosine, dx * cosine - dy * sine
        part += shapes.galaxy(along, across, row, flux, scale)


def _window(light: Image, x: float, y: float, reach: float) -> tuple[Image, Image, Image] | None:
    """Distances from a place, and the part of the picture that lies within reach of it."""
    height, width, _ = light.shape
    x0, x1 = max(0, math.ceil(x - reach)), min(width, math.floor(x + reach) + 1)
    y0, y1 = max(0, math.ceil(y - reach)), min(height, math.floor(y + reach) + 1)
    if x0 >= x1 or y0 >= y1:
        return None
    dx = (np.arange(x0, x1) - x).astype("f4")[None, :]
    dy = (np.arange(y0, y1) - y).astype("f4")[:, None]
    return dx, dy, light[y0:y1, x0:x1]


def _missing(request: PictureRequest) -> NDArray[np.bool_] | None:
    """Pixels without imaging: out of the footprint, or off the hemisphere that can be seen."""
    reach = request.radius_deg * 1.3  # an arc is longer than its projection
    if footprint.margin(request.ra, request.dec) > reach:
        return None
    vectors = projection.vectors_of_pixels(
        request.ra, request.dec, request.pixels_per_radian, request.width, request.height
    )
    centre = projection.normal(request.ra, request.dec)
    seen = footprint.covered_near(vectors, centre, reach if reach < 60 else 180.0)
    return np.asarray(~seen)


_noise_lock = threading.Lock()
_noise_tile: list[Image] = []


def _noise(request: PictureRequest) -> Image:
    """Sky and its noise: a cut out of one tile, at a place that depends on the request."""
    with _noise_lock:
        if not _noise_tile:
            _noise_tile.append(_make_noise())
    place = zlib.crc32(f"{request.ra!r} {request.dec!r} {request.scale!r}".encode())
    top, left = place % _NOISE_SIDE, place // _NOISE_SIDE % _NOISE_SIDE
    if max(request.width, request.height) <= _NOISE_SIDE:
        return _noise_tile[0][top : top + request.height, left : left + request.width]
    rows = (top + np.arange(request.height)) % _NOISE_SIDE
    columns = (left + np.arange(request.width)) % _NOISE_SIDE
    return np.asarray(_noise_tile[0][rows[:, None], columns])


def _make_noise() -> Image:
    rng = np.random.default_rng(7)
    raw = rng.standard_normal((_NOISE_SIDE, _NOISE_SIDE, 3)).astype("f4")
    grain = raw + 0.7 * sum(np.roll(raw, step, axis) for step in (-1, 1) for axis in (0, 1))
    grain *= np.float32(SKY_NOISE) / grain.std()
    # Repeated in both directions, so that a small cut is a plain slice.
    return np.tile(np.asarray(np.float32(SKY_LEVEL) + grain, dtype="f4"), (2, 2, 1))
