"""How uncertain the pixels of a frame are, by the formula of the survey's data model. Pure.

D: https://data.sdss.org/datamodel/files/BOSS_PHOTOOBJ/frames/RERUN/RUN/CAMCOL/frame.html
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sdss_cutout._frames.frame import Frame, SkyModel

__all__ = ["sky", "uncertainty", "variance"]

Floats = NDArray[np.float64]


def sky(model: SkyModel, rows: slice, columns: slice) -> Floats:
    """Return the subtracted sky in counts: bilinear, with the edge values beyond the edges."""
    by_row = _interpolated(model.values.astype(np.float64), model.y[rows])
    return _interpolated(by_row.T, model.x[columns]).T


def _interpolated(values: Floats, places: NDArray[Any]) -> Floats:
    """Return the rows of an array at fractional places."""
    places = np.clip(places.astype(np.float64), 0, len(values) - 1)
    low = np.floor(places).astype(int)
    high = np.minimum(low + 1, len(values) - 1)
    part = (places - low)[:, np.newaxis]
    return values[low] * (1 - part) + values[high] * part


def variance(frame: Frame, rows: slice, columns: slice) -> Floats:
    """Return the variance of the pixels, in nanomaggies squared."""
    calibration = frame.calibration[columns].astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):  # a dead column is calibrated by 0
        counts = frame.image[rows, columns] / calibration + sky(frame.sky, rows, columns)
    in_counts = counts / frame.gain + frame.dark_variance
    # A pixel far below the sky is an artefact; its noise is not less than the camera's.
    return np.where(in_counts <= 0, frame.dark_variance, in_counts) * calibration**2


def uncertainty(frame: Frame, rows: slice, columns: slice) -> NDArray[np.float32]:
    """Return the standard deviation of the pixels, in nanomaggies."""
    return np.sqrt(variance(frame, rows, columns)).astype(np.float32)
