"""What interpolation by cubic splines does to noise. Pure.

A value interpolated between pixels of independent noise is a weighted sum of them. Its weights
follow the cardinal cubic spline, whose Fourier transform is known; from it follow the variance of
one value, which depends on where it lies between the pixels, and the covariance of two.
"""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

__all__ = ["correlation", "summed_variance", "variance_at"]

Floats = NDArray[np.float64]

_FREQUENCIES = np.linspace(0.0, 6.0, 6001)


def _transform() -> Floats:
    """Return the Fourier transform of the cardinal cubic spline."""
    return 3 * np.sinc(_FREQUENCIES) ** 4 / (2 + np.cos(2 * np.pi * _FREQUENCIES))


def _even(spectrum: Floats, places: Floats) -> Floats:
    """Return the function of an even spectrum at some places."""
    waves = np.cos(2 * np.pi * np.multiply.outer(places, _FREQUENCIES))
    return np.asarray(2 * np.trapezoid(waves * spectrum, _FREQUENCIES, axis=-1))


@functools.cache
def _variance_table() -> tuple[Floats, Floats]:
    phases = np.linspace(0.0, 1.0, 65)
    weights = _even(_transform(), np.subtract.outer(phases, np.arange(-12, 14)))
    return phases, (weights**2).sum(axis=1)


def variance_at(place: Floats) -> Floats:
    """Return the variance of values interpolated along one axis; that of a pixel is 1."""
    return np.interp(place - np.floor(place), *_variance_table())


@functools.cache
def _covariance_table() -> tuple[Floats, Floats]:
    lags = np.linspace(0.0, 24.0, 24 * 32 + 1)
    return lags, _even(_transform() ** 2, lags)


def _covariance(x: Floats, y: Floats) -> Floats:
    """Return the covariance of two values so far apart, the mean over all places."""
    along_x, along_y = (np.interp(np.abs(lag), *_covariance_table(), right=0.0) for lag in (x, y))
    return along_x * along_y


def summed_variance(step: Floats, count: int) -> float:
    """Return the variance of the sum of ``count`` x ``count`` interpolated values.

    ``step`` is how far one step in either direction goes, in pixels: column j of the matrix is
    that along axis j.
    """
    return _block_covariance(step, count, (0, 0))


def correlation(step: Floats, count: int) -> float:
    """Return the correlation of such sums that are neighbours, the mean of both directions."""
    own = _block_covariance(step, count, (0, 0))
    beside = [_block_covariance(step, count, shift) for shift in ((count, 0), (0, count))]
    return sum(beside) / 2 / own


def _block_covariance(step: Floats, count: int, shift: tuple[int, int]) -> float:
    lags = np.arange(1 - count, count)
    pairs = np.multiply.outer(count - np.abs(lags), count - np.abs(lags))
    i, j = np.meshgrid(lags + shift[0], lags + shift[1], indexing="ij")
    x = step[0, 0] * i + step[0, 1] * j
    y = step[1, 0] * i + step[1, 1] * j
    return float((pairs * _covariance(x, y)).sum())
