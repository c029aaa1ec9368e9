"""Cutouts on the grid of the frames: no resampling, every pixel as the survey calibrated it. Pure.

The grid of a field goes on in the next field of its run and camera column, 1361 rows further.
Each field's last 128 rows are the first of the next. Within a cutout the field of its centre
gives all the rows that it has; what lies above is of the fields after it, each from its row 128
on, and what lies below of the fields before it, each up to its row 1360.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from astropy.wcs import WCS

from sdss_cutout._frames.astrometry import Astrometry
from sdss_cutout._frames.band_image import BandImage, sources_of
from sdss_cutout._frames.frame import Frame
from sdss_cutout._frames.noise import uncertainty
from sdss_cutout._request.calibrated import CalibratedRequest
from sdss_cutout._service.sas import FrameArchive

__all__ = ["Window", "cut_native"]


class PixelPlaces(Protocol):
    """What tells where a position is among pixels."""

    def sky_to_pixel(self, ra: float, dec: float) -> tuple[Any, Any]:
        """Return the column and the row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Which pixels a cutout shows, on the grid of the field of its centre.

    Attributes
    ----------
    x, y : int
        Index of the first column and row, from 0; they may lie outside of the field.
    width, height : int
        Pixels.
    archive : FrameArchive
        The facts about frames.
    """

    x: int
    y: int
    width: int
    height: int
    archive: FrameArchive

    @classmethod
    def around(cls, astrometry: PixelPlaces, request: CalibratedRequest) -> Window:
        """Return the window whose middle is nearest to the position that was asked for."""
        x, y = astrometry.sky_to_pixel(request.ra, request.dec)
        return cls(
            x=round(float(x) - (request.width - 1) / 2),
            y=round(float(y) - (request.height - 1) / 2),
            width=request.width,
            height=request.height,
            archive=request.archive,
        )

    def grown(self, rows: int) -> Window:
        """Return the window with more rows below and above."""
        return replace(self, y=self.y - rows, height=self.height + 2 * rows)

    def fields(self) -> range:
        """Return the fields that have rows here: 0 is that of the centre, -1 the one before."""
        first, last = self.y, self.y + self.height - 1
        rows, step = self.archive.shape[0], self.archive.rows_per_field
        before = first // step if first < 0 else 0
        after = (last - (rows - step)) // step if last >= rows else 0
        return range(before, after + 1)

    def rows_of(self, field: int) -> tuple[int, int]:
        """Return the rows that a field gives, on the grid of the field of the centre."""
        rows, step = self.archive.shape[0], self.archive.rows_per_field
        if field < 0:
            return field * step, (field + 1) * step
        return field * step + (rows - step if field else 0), field * step + rows


def cut_native(frames: Mapping[int, Frame], window: Window) -> BandImage:
    """Return a cutout on the grid of the field of its centre.

    Parameters
    ----------
    frames : mapping of int to Frame
        That field at 0, the next ones of the run at 1, 2, ..., those before at -1, -2, ...; where
        one is missing the cutout is masked.
    window : Window
        Which pixels.
    """
    shape = (window.height, window.width)
    data, error = np.full(shape, np.nan, np.float32), np.full(shape, np.nan, np.float32)
    used = []
    for field in sorted(set(frames) & set(window.fields())):
        low, high = window.rows_of(field)
        rows = slice(max(low, window.y), min(high, window.y + window.height))
        columns = slice(max(0, window.x), min(window.archive.shape[1], window.x + window.width))
        if rows.start < rows.stop and columns.start < columns.stop:
            place = (_moved(rows, -window.y), _moved(columns, -window.x))
            there = (_moved(rows, -field * window.archive.rows_per_field), columns)
            data[place] = frames[field].image[there]
            error[place] = uncertainty(frames[field], *there)
            used.append(frames[field])
    return BandImage(
        band=frames[0].key.band,
        data=data,
        uncertainty=error,
        wcs=_wcs(frames[0].astrometry, window),
        sources=sources_of(used),
        origins=frozenset(frame.origin for frame in used),
        notes={},
    )


def _moved(part: slice, by: int) -> slice:
    return slice(part.start + by, part.stop + by)


def _wcs(astrometry: Astrometry, window: Window) -> WCS:
    wcs = astrometry.wcs(rows=(window.y, window.y + window.height))
    for reference in (wcs.wcs.crpix, wcs.sip.crpix):
        reference -= (window.x, window.y)
    wcs.pixel_shape = (window.width, window.height)
    return wcs
