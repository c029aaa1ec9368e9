"""The calibrated image of one band, however it was made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from astropy.wcs import WCS
from numpy.typing import NDArray

from sdss_cutout._frames.frame import Frame, FrameKey

__all__ = ["BandImage", "Source", "sources_of"]


class Source(NamedTuple):
    """A frame that pixels came from."""

    key: FrameKey
    url: str
    sha256: str
    mjd: float


def sources_of(frames: list[Frame]) -> tuple[Source, ...]:
    """Return what is to be recorded about frames."""
    return tuple(Source(f.key, f.url, f.sha256, f.mjd) for f in frames)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BandImage:
    """Pixels of one band, in FITS order: row 0 is the bottom row.

    Attributes
    ----------
    band : str
        One of ``ugriz``.
    data, uncertainty : ndarray of float32, shape (ny, nx)
        Nanomaggies per pixel, and their standard deviation; NaN where there is no imaging.
    wcs : `~astropy.wcs.WCS`
        Where the pixels are.
    sources : tuple of Source
        The frames that pixels came from.
    origins : frozenset of str
        What the headers of these frames call their origin.
    notes : dict
        Header cards about this image: keyword to value and comment.
    """

    band: str
    data: NDArray[np.float32]
    uncertainty: NDArray[np.float32]
    wcs: WCS
    sources: tuple[Source, ...]
    origins: frozenset[str]
    notes: dict[str, tuple[Any, str]]

    @property
    def coverage(self) -> float:
        """The part of the pixels that have imaging."""
        return float(np.isfinite(self.data).mean()) if self.data.size else 0.0
