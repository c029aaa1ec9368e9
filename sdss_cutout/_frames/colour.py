"""Calibrated images of one to five bands become a colour picture. Pure.

After Lupton et al. (2004, PASP 116, 133), with the parameters of astrometry.net's sdss/cutout.py,
which look like the survey's own pictures; factors for u and z are the Legacy viewer's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sdss_cutout._service.sas import BANDS

__all__ = ["to_rgb"]

_FACTORS = {"u": 1.5, "g": 2.5, "r": 1.3, "i": 1.0, "z": 0.4}
_FLOOR, _ALPHA, _Q = -0.02, 1.5, 20.0


def to_rgb(
    images: Mapping[str, NDArray[np.floating[Any]]],
    *,
    pixel_area: float = 1.0,
    places: Mapping[str, tuple[float, float]] | None = None,
) -> NDArray[np.uint8]:
    """Return a colour picture, shape (ny, nx, 3), with the rows in the images' order.

    Parameters
    ----------
    images : mapping of str to ndarray
        Nanomaggies per pixel for each band. Of three bands and more, i, r and g are red, green
        and blue where all of them are there, else the last, the middle one and the first by
        wavelength. Of two bands green is their mean; one band is grey.
    pixel_area : float, optional
        Area of a pixel in pixels of a frame.
    places : mapping, optional
        Column and row of one and the same position in each image, where their grids differ: the
        images are moved by the fraction of a pixel, so that stars have no coloured edges. The
        first band of the mapping stays where it is.

    Returns
    -------
    ndarray of uint8
        Black where a band that is used has no imaging.
    """
    if places:
        images = _aligned(images, places)
    planes = np.stack([_scaled(images, bands, pixel_area) for bands in _channels(images)], axis=-1)
    missing = ~np.all(np.isfinite(planes), axis=-1, keepdims=True)
    planes = np.maximum(np.where(missing, 0, planes) - _FLOOR, 0)
    # Where there is nothing to stretch, any number but 0 will do.
    intensity = np.maximum(planes.mean(axis=-1, keepdims=True), _TINY)
    colours = planes * np.arcsinh(_ALPHA * _Q * intensity) / _Q**0.5 / intensity
    # Where a colour is brighter than white all are dimmed, so that the hue stays.
    colours /= np.maximum(colours.max(axis=-1, keepdims=True), 1)
    return np.rint(255 * np.where(missing, 0, colours)).astype(np.uint8)


_TINY = 1e-6


def _channels(images: Mapping[str, Any]) -> tuple[str, str, str]:
    """Return the bands of red, green and blue; a channel is the mean of its bands."""
    bands = "".join(sorted(images, key=BANDS.index))
    if len(bands) <= 2:
        return bands[-1], bands, bands[0]
    if {*"gri"} <= {*bands}:
        return "i", "r", "g"
    return bands[-1], bands[len(bands) // 2], bands[0]


def _aligned(
    images: Mapping[str, Any], places: Mapping[str, tuple[float, float]]
) -> dict[str, NDArray[np.float64]]:
    """Return the images with one position at the same place in each of them."""
    x0, y0 = places[next(iter(images))]
    aligned = {}
    for band, image in images.items():
        x, y = places[band]
        by_row = _moved(np.asarray(image, np.float64), y - y0)
        aligned[band] = _moved(by_row.T, x - x0).T
    return aligned


def _moved(image: NDArray[np.float64], by: float) -> NDArray[np.float64]:
    """Return the rows that lie so much farther up; those at the edge stand for what is beyond."""
    places = np.clip(np.arange(len(image)) + by, 0, len(image) - 1)
    low = np.floor(places).astype(int)
    part = (places - low)[:, np.newaxis]
    high = np.where(part[:, 0] > 0, low + 1, low)
    return image[low] * (1 - part) + image[high] * part


def _scaled(images: Mapping[str, Any], bands: str, pixel_area: float) -> NDArray[np.float64]:
    # A single band is grey, as bright as r.
    factors = {bands: _FACTORS["r"]} if len(images) == 1 else _FACTORS
    scaled = [factors[band] * np.asarray(images[band], np.float64) for band in bands]
    return np.mean(scaled, axis=0) / pixel_area
