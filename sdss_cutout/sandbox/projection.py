"""Sky to screen by the server's own formula, written from its source and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]


def normal(ra: ArrayLike, dec: ArrayLike) -> Floats:
    """Unit vectors of positions in degrees; the last axis holds x, y, z."""
    a, d = np.radians(ra), np.radians(dec)
    return np.stack(
        np.broadcast_arrays(np.cos(d) * np.cos(a), np.cos(d) * np.sin(a), np.sin(d)), -1
    )


def separations(vectors: Floats, centre: Floats) -> Floats:
    """Angles of unit vectors from another one in arcmin; chords, as cosines lose what is near."""
    chord = np.linalg.norm(vectors - centre, axis=-1)
    return np.asarray(60.0 * np.degrees(2 * np.arcsin(np.minimum(1.0, chord / 2))))


def frame(ra: ArrayLike, dec: ArrayLike) -> tuple[Floats, Floats]:
    """The unit vectors to the west and to the north at a position in degrees."""
    a, d = np.radians(ra), np.radians(dec)
    west = np.stack(np.broadcast_arrays(np.sin(a), -np.cos(a), 0.0 * d), -1)
    north = np.stack(
        np.broadcast_arrays(-np.sin(d) * np.cos(a), -np.sin(d) * np.sin(a), np.cos(d)), -1
    )
    return west, north


def equatorial(vectors: Floats) -> tuple[Floats, Floats]:
    """Right ascension and declination in degrees of unit vectors."""
    ra = np.degrees(np.arctan2(vectors[..., 1], vectors[..., 0])) % 360.0
    return ra, np.degrees(np.arctan2(vectors[..., 2], np.hypot(vectors[..., 0], vectors[..., 1])))


def pixel_of_vectors(
    vectors: Floats, ra0: float, dec0: float, pixels_per_radian: float, width: int, height: int,
    *, gnomonic: bool = False,
) -> tuple[Floats, Floats]:  # fmt: skip
    """0-based x and y of unit vectors; what lies behind the tangent plane is NaN.

    The server's projection.cs subtracts ``ppd * (r . w)`` where its ``w`` points to growing
    right ascension; with the true west vector, as here, the sign turns. Nothing is divided by
    ``r . normal``, so this is the orthographic projection; ``gnomonic`` divides.
    """
    west, north = frame(ra0, dec0)
    depth = vectors @ normal(ra0, dec0)
    behind = depth <= 0
    factor = pixels_per_radian / np.where(behind, 1.0, depth) if gnomonic else pixels_per_radian
    x = width / 2 + factor * (vectors @ west)
    y = height / 2 - factor * (vectors @ north)
    return np.where(behind, np.nan, x), np.where(behind, np.nan, y)


def pixel_of(
    ra: ArrayLike, dec: ArrayLike, ra0: float, dec0: float, scale: float, width: int, height: int
) -> tuple[Any, Any]:
    """0-based pixel (x, y) of sky positions in a getjpeg picture.

    Parameters
    ----------
    ra, dec : array_like
        Positions in degrees.
    ra0, dec0 : float
        The requested position in degrees.
    scale : float
        Arcseconds per pixel.
    width, height : int
        Size of the picture in pixels.

    Returns
    -------
    x, y : ndarray or float
        Centres of pixels have whole numbers; row 0 is the northern edge.
    """
    ppr = np.degrees(3600.0 / scale)
    return pixel_of_vectors(normal(ra, dec), ra0, dec0, float(ppr), width, height)


def vectors_of_pixels(
    ra0: float, dec0: float, pixels_per_radian: float, width: int, height: int
) -> Floats:
    """Unit vectors of all pixel centres, (height, width, 3); NaN where there is no sky."""
    gw = (np.arange(width) - width / 2)[None, :, None] / pixels_per_radian
    gn = (height / 2 - np.arange(height))[:, None, None] / pixels_per_radian
    west, north = frame(ra0, dec0)
    with np.errstate(invalid="ignore"):
        depth = np.sqrt(1.0 - gw * gw - gn * gn)
    vectors: Floats = depth * normal(ra0, dec0) + gw * west + gn * north
    return vectors
