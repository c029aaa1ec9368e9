"""The FITS file of a calibrated cutout: written, and read back. Pure.

::

    primary     no data; what was asked for and where it came from
    R, R_ERR    for each band the image in nanomaggies per pixel, and its uncertainty
    FRAMES      the frames that pixels came from

Pixels without imaging are NaN. Row 0 is the bottom row, as FITS has it.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from astropy.io import fits
from astropy.table import Table

from sdss_cutout._errors import ImageError
from sdss_cutout._frames.astrometry import wcs_header
from sdss_cutout._frames.band_image import BandImage
from sdss_cutout._image.fits_blocks import split_hdus
from sdss_cutout._request.calibrated import CalibratedRequest, check_bands

__all__ = ["CalibratedProvenance", "check_hdus", "file_bytes", "frames_table", "request_of"]

UNIT = "nanomaggy"


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibratedProvenance:
    """Where a cutout came from, for its header.

    Attributes
    ----------
    name : str
        The target's name.
    date : str
        When it was made, UTC, as FITS writes dates.
    creator : str
        This package and its version.
    """

    name: str
    date: str
    creator: str


def file_bytes(
    images: Sequence[BandImage], request: CalibratedRequest, provenance: CalibratedProvenance
) -> bytes:
    """Return the file of a cutout, from the image of each of its bands."""
    hdus = [fits.PrimaryHDU(header=_primary_header(images, request, provenance))]
    for image in images:
        hdus += _band_hdus(image)
    hdus.append(_frames_hdu(images))
    for hdu in hdus[1:]:
        hdu.add_datasum(when=f"data unit checksum {provenance.date}")
    out = io.BytesIO()
    fits.HDUList(hdus).writeto(out)
    return out.getvalue()


def _primary_header(
    images: Sequence[BandImage], request: CalibratedRequest, provenance: CalibratedProvenance
) -> fits.Header:
    header = fits.Header()
    header["OBJECT"] = _ascii(provenance.name)
    header["ORIGIN"] = _origin(images)
    header["DATE"] = provenance.date
    header["CREATOR"] = _ascii(provenance.creator)
    header["RELEASE"] = (request.release, "SDSS data release")
    header["BANDS"] = request.bands
    header["RA"] = (request.ra, "[deg] ICRS, that was asked for")
    header["DEC"] = (request.dec, "[deg] ICRS, that was asked for")
    header["GRID"] = (_GRIDS[request.north_up], "whose pixels these are")
    header["IMAGEW"] = (request.width, "[pix] width")
    header["IMAGEH"] = (request.height, "[pix] height")
    header["SCALE"] = (request.scale, "[arcsec/pix]" + ("" if request.north_up else " nominal"))
    header["COVERAGE"] = (round(_coverage(images), 6), "part of the pixels that have imaging")
    header["URL"] = request.url
    return header


_GRIDS = {False: "native", True: "north-up"}


def _origin(images: Sequence[BandImage]) -> str:
    """Return what the frames call their origin."""
    origins = {origin for image in images for origin in image.origins}
    return _ascii(", ".join(sorted(origins)))


def _coverage(images: Sequence[BandImage]) -> float:
    return min(image.coverage for image in images)


def _ascii(text: str) -> str:
    return "".join(c if " " <= c <= "~" else "?" for c in text)


def _band_hdus(image: BandImage) -> list[fits.ImageHDU]:
    header = fits.Header()
    header["BUNIT"] = (UNIT, "per pixel")
    header["FILTER"] = (image.band, "SDSS band")
    header["MAGZERO"] = (22.5, "mag = MAGZERO - 2.5 log10(nanomaggies)")
    header.update(wcs_header(image.wcs))
    header.update(image.notes)
    name, error = image.band.upper(), header.copy()
    error["UTYPE"] = ("StdDevUncertainty", f"standard deviation of {name}")
    return [
        fits.ImageHDU(image.data, header, name=name),
        fits.ImageHDU(image.uncertainty, error, name=f"{name}_ERR"),
    ]


def _frames_hdu(images: Sequence[BandImage]) -> fits.BinTableHDU:
    sources = [source for image in images for source in image.sources]
    keys = [source.key for source in sources]
    table = Table(
        {
            "band": np.array([key.band for key in keys], dtype="U1"),
            "run": np.array([key.run for key in keys], dtype=np.int32),
            "rerun": np.array([key.rerun for key in keys], dtype="U3"),
            "camcol": np.array([key.camcol for key in keys], dtype=np.int16),
            "field": np.array([key.field for key in keys], dtype=np.int32),
            "url": np.array([_ascii(source.url) for source in sources], dtype=str),
            "sha256": np.array([source.sha256 for source in sources], dtype="U64"),
            "mjd": np.array([source.mjd for source in sources], dtype=float),
        }
    )
    return fits.BinTableHDU(table, name="FRAMES")


# ----------------------------------------------------------------------------------------- reading


def check_hdus(content: bytes) -> fits.HDUList:
    """Return the HDUs of such a file, if it is whole and as it was written.

    Raises
    ------
    ImageError
        If this is not a whole file of a calibrated cutout, or its data were altered.
    """
    for _ in split_hdus(content):  # astropy would warn and go on
        pass
    try:
        hdus = fits.HDUList.fromstring(content)
        request = request_of(hdus[0].header)
        names = [f"{band.upper()}{suffix}" for band in request.bands for suffix in ("", "_ERR")]
        for name in (*names, "FRAMES"):
            if not hdus[name].verify_datasum():
                raise ImageError(f"the data of {name} are not those that were written")
        shape = (request.height, request.width)
        if any(hdus[name].data.shape != shape for name in names):
            raise ImageError(f"its images do not all have the shape {shape}")
    except (OSError, ValueError, TypeError, KeyError, IndexError, fits.VerifyError) as error:
        raise ImageError(f"it is not a calibrated cutout: {error}") from error
    return hdus


def request_of(header: fits.Header) -> CalibratedRequest:
    """Return the request that a primary header describes."""
    return CalibratedRequest(
        ra=float(header["RA"]),
        dec=float(header["DEC"]),
        bands=check_bands(header["BANDS"]),
        north_up=str(header["GRID"]) == _GRIDS[True],
        scale=float(header["SCALE"]),
        width=int(header["IMAGEW"]),
        height=int(header["IMAGEH"]),
        release=int(header["RELEASE"]),
        url=str(header["URL"]),
    )


def frames_table(hdus: fits.HDUList) -> Table:
    """Return the frames that pixels came from, texts as texts."""
    table = Table(np.asarray(hdus["FRAMES"].data), copy=True)
    table.convert_bytestring_to_unicode()
    return table
