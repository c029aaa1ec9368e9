"""Finds in pixels what a server has drawn: marks, the grid's cross, a star. Pure."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["cross", "inverted", "mark_columns", "mark_profile", "star_near"]

Pixels = NDArray[np.int16]

# Levels of 256. Marks are thin lines, smoothed by the server and again by JPEG's colours.
_FUCHSIA, _DRAWN = 30, 40


def mark_profile(pixels: Pixels) -> NDArray[np.float64]:
    """Return how much fuchsia there is in each column.

    The marks are triangles, symmetrical from left to right (S: SDSSGraphicsEnv.cs drawQueryObj).
    """
    fuchsia = np.minimum(pixels[..., 0], pixels[..., 2]) - pixels[..., 1]
    return np.asarray(np.clip(fuchsia - _FUCHSIA, 0, None).sum(axis=0), dtype=float)


def mark_columns(pixels: Pixels) -> NDArray[np.float64]:
    """Return the middle of each mark, from left to right; not of those that an edge cuts."""
    profile = mark_profile(pixels)
    columns = np.flatnonzero(profile)
    groups = np.split(columns, np.flatnonzero(np.diff(columns) > _GAP) + 1)
    whole = [g for g in groups if len(g) and g[0] > 0 and g[-1] < len(profile) - 1]
    return np.array(
        [np.average(g, weights=profile[g]) for g in whole if profile[g].sum() > _FAINTEST]
    )


# Columns between two marks; levels in all pixels of one.
_GAP, _FAINTEST = 8, 200


def inverted(plain: Pixels, other: Pixels) -> bool:
    """Return whether most of a picture is the other one's inverse rather than the same."""
    same, inverse = (float(np.median(np.abs(other - p))) for p in (plain, 255 - plain))
    return inverse < same


def cross(plain: Pixels, with_grid: Pixels) -> tuple[int, int] | None:
    """Return the 0-based column and row at which the grid's cross stands.

    Parameters
    ----------
    plain, with_grid : ndarray
        The same sky without and with the grid; the latter may be inverted.
    """
    base = 255 - plain if inverted(plain, with_grid) else plain
    # Brightness alone: JPEG keeps the colours at half the resolution.
    drawn = np.abs((with_grid - base) @ np.array([0.299, 0.587, 0.114]))
    height, width = drawn.shape
    # Between the letters and the ticks at the edges and the gap in the middle.
    rows, columns = _arms(height, max(width, height)), _arms(width, max(width, height))
    found = np.median(drawn[rows], axis=0), np.median(drawn[:, columns], axis=1)
    if min(profile.max() for profile in found) < _DRAWN:
        return None
    return int(found[0].argmax()), int(found[1].argmax())


def _arms(length: int, longest: int) -> NDArray[np.int64]:
    """Return the pixels along an axis at which only the arms of the cross are drawn.

    S: SDSSGraphicsEnv.cs drawGrid: from 1/8 of the length to 1/20 of the longest side before the
    middle, and likewise beyond it.
    """
    middle, gap, edge = length / 2, longest / 20 + 2, max(length / 8, 34)
    places = np.arange(length)
    distance = np.abs(places - middle)
    return places[(distance > gap) & (distance < middle - edge)]


def star_near(pixels: Pixels, x: float, y: float) -> tuple[float, float] | None:
    """Return the centre of light within 20 pixels of a place, or None if nothing is bright.

    The window follows the star, so that what stands at its edge does not count.
    """
    light = pixels.sum(axis=2).astype(float)
    light = np.clip(light - np.median(light) - 30, 0, None)
    found = _centroid(light, x, y, 20)
    for _ in range(5):
        if found is None:
            return None
        found = _centroid(light, *found, 10)
    return found


def _centroid(light: NDArray[np.float64], x: float, y: float, reach: int) -> (
    tuple[float, float] | None
):  # fmt: skip
    rows, columns = np.indices(light.shape)
    weights = np.where(np.hypot(columns - x, rows - y) <= reach, light, 0)
    total = weights.sum()
    if total < _BRIGHT:
        return None
    return float((weights * columns).sum() / total), float((weights * rows).sum() / total)


# The sum of levels in three colours over a star's pixels.
_BRIGHT = 3_000
