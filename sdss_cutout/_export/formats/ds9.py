"""A region per picture, for DS9 and what else reads its regions."""

from __future__ import annotations

from pathlib import Path

import astropy.units as u
import numpy as np
from astropy.coordinates import SkyCoord
from numpy.typing import NDArray

from sdss_cutout._export.format import Format, TrainingSet

__all__ = ["FORMAT"]


def write(training_set: TrainingSet, path: Path) -> None:
    """Write a file with the outlines of the pictures, named."""
    scale, width, height = (
        training_set.table[name].values for name in ("scale", "width", "height")
    )
    ra, dec = _middles(training_set)
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write("# Region file format: DS9 version 4.1\n")
        file.write("# SIMULATED: not SDSS data\n" * training_set.is_simulated + "icrs\n")
        for sample in training_set.samples():
            row = sample.row
            sides = width[row] * scale[row], height[row] * scale[row]
            box = f'{ra[row]:.8f},{dec[row]:.8f},{sides[0]:.3f}",{sides[1]:.3f}",0'
            file.write(f"box({box}) # text={{{sample.name}}}\n")


def _middles(training_set: TrainingSet) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the middles of the pictures: half a pixel from the positions that were asked for."""
    ra, dec = training_set.column("ra").values, training_set.column("dec").values
    half = training_set.table["scale"].values / 7200.0
    place = SkyCoord(np.nan_to_num(ra), np.nan_to_num(dec), unit="deg")
    middle = place.spherical_offsets_by(half * u.deg, half * u.deg)
    return middle.ra.deg, middle.dec.deg


FORMAT = Format(
    name="ds9",
    write=write,
    is_file=True,
    has_splits=False,
)
