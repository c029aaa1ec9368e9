"""Draws the synthetic sky as SkyServer draws the real one: orthographic, asinh colours."""

from __future__ import annotations

import math
import threading
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

from sdss_cutout.sandbox import projection, shapes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sdss_cutout.sandbox.rules import PictureRequest
    from sdss_cutout.sandbox.sky import Patch, Sky

    Image = NDArray[np.float32]

STRETCH = np.array([4.9, 5.7, 7.0], dtype="f4")  # of i, r, g, near Lupton et al. 2004 for SDSS
SOFTENING = 3.0
SKY_LEVEL, SKY_NOISE = 0.020, 0.016  # of full scale, so that few pixels are exactly black
ALL_SKY_SCALE = 12.0  # arcsec per pixel beyond which only the bright sample is drawn
MARGIN_DEG = 0.1  # the largest galaxies reach this far into a picture
_NOISE_SIDE = 512


def draw(sky: Sky, request: PictureRequest) -> NDArray[np.uint8]:
    """The picture that was asked for, (height, width, 3)."""
    light = np.zeros((request.height, request.width, 3), dtype="f4")
    limit = magnitude_limit(request.scale)
    patch = sky.patch(request.ra, request.dec, request.radius_deg + MARGIN_DEG, limit)
    for row, spot in zip(patch.table, _spots(patch, request), strict=True):
        _add(light, row, spot, request.scale, fainter=21.0 - limit)
    picture = colour(light, _noise(request))
    missing = _missing(request)
    if missing is not None:
        picture[missing] = 0
    return picture


def magnitude_limit(scale: float) -> float:
    """The faintest r that is drawn: a wide field of everything would be mush, and slow."""
    if scale <= ALL_SKY_SCALE:
        return 21.0 - 4.5 * math.log10(max(scale, 1.0))
    return 14.0 - 2.5 * math.log10(max(scale / 180.0, 1.0))


def is_outside(request: PictureRequest) -> bool:
    """Whether no covered sky is near enough for the server to find a field."""
    latitude = projection.galactic_latitude(projection.normal(request.ra, request.dec))
    missing = projection.COVERED_LATITUDE - abs(float(latitude))
    return missing > min(request.radius_deg, 90.0)


def colour(light: Image, noise: Image) -> NDArray[np.uint8]:
    """Lupton's asinh colours: the hue stays, the brightness is compressed, nothing wraps."""
    scaled = light * STRETCH + noise
    total = np.maximum(scaled.sum(-1, keepdims=True), np.float32(1e-6)) * np.float32(SOFTENING)
    scaled *= np.arcsinh(total) / total
    top = np.maximum(scaled.max(-1, keepdims=True), np.float32(1e-6))
    # A smooth shoulder in place of clipping keeps the cores of bright stars coloured and round.
    scaled *= (1 + top**6) ** np.float32(-1 / 6)
    return np.asarray(np.clip(scaled * 255.0 + 0.5, 0, 255), dtype=np.uint8)


def _spots(patch: Patch, request: PictureRequest) -> list[tuple[float, ...]]:
    """Pixel x, y and the screen directions of local north and east of each object."""
    ppr = request.pixels_per_radian
    x, y = projection.pixel_of_vectors(
        patch.vectors, request.ra, request.dec, ppr, request.width, request.height
    )
    west, north = projection.frame(request.ra, request.dec)
    own_west, own_north = projection.frame(patch.table["ra"], patch.table["dec"])
    angle = np.arctan2(own_north @ west, own_north @ north)
    del own_west
    return list(zip(x.tolist(), y.tolist(), angle.tolist(), strict=True))


def _add(light: Image, row: Any, spot: tuple[float, ...], scale: float, fainter: float) -> None:
    x, y, angle = spot
    if math.isnan(x):
        return
    flux = shapes.fluxes(row, fainter)
    if row["kind"] == "star":
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
    latitude = projection.galactic_latitude(projection.normal(request.ra, request.dec))
    border = abs(float(latitude)) - projection.COVERED_LATITUDE
    if border > request.radius_deg * 1.3:  # an arc is longer than its projection
        return None
    vectors = projection.vectors_of_pixels(
        request.ra, request.dec, request.pixels_per_radian, request.width, request.height
    )
    seen = np.abs(projection.galactic_latitude(vectors)) >= projection.COVERED_LATITUDE
    return np.asarray(~seen)


_noise_lock = threading.Lock()
_noise_tile: list[Image] = []


def _noise(request: PictureRequest) -> Image:
    """Sky and its noise: a cut out of one tile, at a place that depends on the request."""
    with _noise_lock:
        if not _noise_tile:
            _noise_tile.append(_make_noise())
    place = zlib.crc32(f"{request.ra!r} {request.dec!r} {request.scale!r}".encode())
    rows = (place + np.arange(request.height)) % _NOISE_SIDE
    columns = (place // _NOISE_SIDE + np.arange(request.width)) % _NOISE_SIDE
    return np.asarray(_noise_tile[0][rows[:, None], columns])


def _make_noise() -> Image:
    rng = np.random.default_rng(7)
    raw = rng.standard_normal((_NOISE_SIDE, _NOISE_SIDE, 3)).astype("f4")
    grain = raw + 0.7 * sum(np.roll(raw, step, axis) for step in (-1, 1) for axis in (0, 1))
    grain *= np.float32(SKY_NOISE) / grain.std()
    return np.asarray(np.float32(SKY_LEVEL) + grain, dtype="f4")
