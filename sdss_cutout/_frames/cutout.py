"""The way from a request and the fields around it to the image of each band. Pure.

Frames come through a function that is passed in, so this knows of no files and no network.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sdss_cutout._frames.band_image import BandImage
from sdss_cutout._frames.frame import Frame, FrameKey
from sdss_cutout._frames.mosaic import Grid, make_mosaic
from sdss_cutout._frames.native import Window, cut_native
from sdss_cutout._frames.selection import Field, central_field, fields_of_mosaic, fields_of_rows
from sdss_cutout._request.calibrated import CalibratedRequest

__all__ = ["LoadFrames", "choose_fields", "make_images"]

LoadFrames = Callable[[Sequence[FrameKey]], Sequence[Frame]]
"""Returns the frames of some keys, in their order; raises where one cannot be had."""

# The frames of a field in two bands are displaced against each other by some rows.
_SPARE_ROWS = 64


def choose_fields(
    request: CalibratedRequest, fields: Sequence[Field], *, primary: int | None = None
) -> list[Field]:
    """Return the fields that a cutout may need, that of its centre first; none if it is outside.

    Parameters
    ----------
    request : CalibratedRequest
        What is asked for.
    fields : sequence of Field
        Those whose centres lie within ``request.radius``.
    primary : int, optional
        The identifier of the primary field at the centre, where it is known.
    """
    centre = central_field(fields, request.ra, request.dec, primary=primary)
    if centre is None:
        return []
    if request.north_up:
        return fields_of_mosaic(fields, Grid.of_request(request), centre)
    window = Window.around(centre.astrometry, request).grown(_SPARE_ROWS)
    found = fields_of_rows(fields, centre, window.fields())
    return sorted(found.values(), key=lambda field: (field != centre, field.field))


def make_images(
    request: CalibratedRequest, fields: Sequence[Field], load: LoadFrames
) -> list[BandImage]:
    """Return the image of each band, in the order of the request's bands.

    Parameters
    ----------
    request : CalibratedRequest
        What is asked for.
    fields : sequence of Field
        What `choose_fields` returned; at least one.
    load : callable
        Gives the frames. It is asked for those of one band at a time.

    Raises
    ------
    RequestError
        If reproject is needed and is not installed.
    """
    if request.north_up:
        grid = Grid.of_request(request)
        return [
            make_mosaic(load([field.key(band) for field in fields]), grid) for band in request.bands
        ]
    return [_native(request, fields, band, load) for band in request.bands]


def _native(
    request: CalibratedRequest, fields: Sequence[Field], band: str, load: LoadFrames
) -> BandImage:
    centre = fields[0]
    [frame] = load([centre.key(band)])
    window = Window.around(frame.astrometry, request)
    others = fields_of_rows(fields[1:], centre, window.fields())
    frames = load([field.key(band) for field in others.values()]) if others else []
    return cut_native({0: frame, **dict(zip(others, frames, strict=True))}, window)
