"""Makes a picture that browsers can show, with its WCS, of data that they cannot."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from astropy.io.fits import Header

from sdss_cutout._views.protocols import Composite

if TYPE_CHECKING:
    from astropy.wcs import WCS

__all__ = ["Preview", "composite_preview"]


class Preview(NamedTuple):
    """What the contact sheet shows of a file that browsers cannot show, such as a FITS file."""

    picture: bytes
    """A JPEG or PNG, as wide and high in pixels as the table says."""

    header: bytes
    """Header cards with the WCS of the picture, row 0 at the top, as in a sidecar."""


def composite_preview(picture: Composite, wcs: WCS) -> Preview:
    """Return the colour composite of calibrated data as a JPEG.

    Parameters
    ----------
    picture : Composite
        The data.
    wcs : `~astropy.wcs.WCS`
        The WCS of its pixels, row 0 at the bottom, as in FITS.

    Returns
    -------
    Preview
        The WCS is the tangential projection that fits in the middle; distortion, which is small
        over a cutout, is left out.
    """
    from PIL import Image

    pixels = picture.to_rgb()[::-1]
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(file, "JPEG", quality=90)
    header = _linear_header(wcs, *pixels.shape[:2])
    header["ORIGIN"] = str(picture.header.get("ORIGIN", ""))
    return Preview(file.getvalue(), header.tostring().encode("ascii"))


def _linear_header(wcs: WCS, height: int, width: int) -> Header:
    """Return the header of the same pixels with row 0 at the top."""
    x, y = (width - 1) / 2, (height - 1) / 2
    centre = wcs.pixel_to_world(x, y)
    cd = np.empty((2, 2))
    for axis, (dx, dy) in enumerate([(0.5, 0.0), (0.0, -0.5)]):  # rows count downwards
        ends = wcs.pixel_to_world([x - dx, x + dx], [y - dy, y + dy])
        offsets = [angle.deg for angle in centre.spherical_offsets_to(ends)]
        cd[:, axis] = [offset[1] - offset[0] for offset in offsets]
    return Header(
        {
            "CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN",
            "CRVAL1": centre.icrs.ra.deg, "CRVAL2": centre.icrs.dec.deg,
            "CRPIX1": x + 1, "CRPIX2": y + 1,
            "CD1_1": cd[0, 0], "CD1_2": cd[0, 1], "CD2_1": cd[1, 0], "CD2_2": cd[1, 1],
        }
    )  # fmt: skip
