"""The FITS file of a calibrated cutout: written, and read back. Pure.

::

    primary     no data; what was asked for and where it came from
    R, R_ERR    for each band the image in nanomaggies per pixel, and its uncertainty
    FRAMES      the frames that pixels came from

Pixels without imaging are NaN. Row 0 is the bottom row, as FITS has it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from astropy.io import fits
from astropy.table import Table
from numpy.typing import NDArray

from sdss_cutout._errors import ImageError
from sdss_cutout._frames.astrometry import wcs_cards
from sdss_cutout._frames.band_image import BandImage
from sdss_cutout._image.cards import BLOCK, card, header_bytes
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
    parts = [header_bytes(_primary_cards(images, request, provenance))]
    for image in images:
        parts += _band_hdus(image)
    return b"".join([*parts, *_frames_hdu(images)])


def _primary_cards(
    images: Sequence[BandImage], request: CalibratedRequest, provenance: CalibratedProvenance
) -> list[str]:
    kind = "" if request.north_up else " nominal"
    return [
        card("SIMPLE", True),
        card("BITPIX", 8),
        card("NAXIS", 0),
        card("EXTEND", True),
        card("OBJECT", provenance.name),
        card("ORIGIN", _origin(images)),
        card("DATE", provenance.date),
        card("CREATOR", provenance.creator),
        card("RELEASE", request.release, "SDSS data release"),
        card("BANDS", request.bands),
        card("RA", request.ra, "[deg] ICRS, that was asked for"),
        card("DEC", request.dec, "[deg] ICRS, that was asked for"),
        card("GRID", _GRIDS[request.north_up], "whose pixels these are"),
        card("IMAGEW", request.width, "[pix] width"),
        card("IMAGEH", request.height, "[pix] height"),
        card("SCALE", request.scale, f"[arcsec/pix]{kind}"),
        card("COVERAGE", round(_coverage(images), 6), "part of the pixels that have imaging"),
        card("URL", request.url),
    ]


_GRIDS = {False: "native", True: "north-up"}


def _origin(images: Sequence[BandImage]) -> str:
    """Return what the frames call their origin."""
    return ", ".join(sorted({origin for image in images for origin in image.origins}))


def _coverage(images: Sequence[BandImage]) -> float:
    return min(image.coverage for image in images)


def _band_hdus(image: BandImage) -> list[bytes]:
    name = image.band.upper()
    cards = [
        card("BUNIT", UNIT, "per pixel"),
        card("FILTER", image.band, "SDSS band"),
        card("MAGZERO", 22.5, "mag = MAGZERO - 2.5 log10(nanomaggies)"),
        *wcs_cards(image.wcs),
        *(card(key, value, comment) for key, (value, comment) in image.notes.items()),
    ]
    error = card("UTYPE", "StdDevUncertainty", f"standard deviation of {name}")
    return [
        *_image_hdu(name, image.data, cards),
        *_image_hdu(f"{name}_ERR", image.uncertainty, [*cards, error]),
    ]


def _image_hdu(name: str, pixels: NDArray[np.float32], cards: Sequence[str]) -> Iterator[bytes]:
    ny, nx = pixels.shape
    first = {"BITPIX": -32, "NAXIS": 2, "NAXIS1": nx, "NAXIS2": ny, "PCOUNT": 0, "GCOUNT": 1}
    yield from _hdu("IMAGE", first, name, pixels.astype(">f4").tobytes(), cards)


def _hdu(
    kind: str, first: dict[str, int], name: str, data: bytes, cards: Sequence[str]
) -> Iterator[bytes]:
    """Yield the header and the data of an extension."""
    data = data.ljust(-(-len(data) // BLOCK) * BLOCK, b"\0")
    yield header_bytes(
        [
            card("XTENSION", kind),
            *(card(key, value) for key, value in first.items()),
            card("EXTNAME", name),
            *cards,
            card("DATASUM", str(_datasum(data)), "data unit checksum"),
        ]
    )
    yield data


def _datasum(data: bytes) -> int:
    """Return the sum of the data as the standard defines it (FITS 4.0, 4.4.2.7 and J.1)."""
    total = int(np.frombuffer(data, ">u4").sum(dtype=np.uint64))
    while total >> 32:
        total = (total & 0xFFFFFFFF) + (total >> 32)
    return total


_FORMS = {"U": "{}A", ">i2": "I", ">i4": "J", ">f8": "D"}


def _frames_hdu(images: Sequence[BandImage]) -> Iterator[bytes]:
    sources = [source for image in images for source in image.sources]
    keys = [source.key for source in sources]
    columns: dict[str, tuple[str, list[Any]]] = {
        "band": ("U", [key.band for key in keys]),
        "run": (">i4", [key.run for key in keys]),
        "rerun": ("U", [key.rerun for key in keys]),
        "camcol": (">i2", [key.camcol for key in keys]),
        "field": (">i4", [key.field for key in keys]),
        "url": ("U", [source.url.encode("ascii", "replace").decode() for source in sources]),
        "sha256": ("U", [source.sha256 for source in sources]),
        "mjd": (">f8", [source.mjd for source in sources]),
    }
    arrays = {
        name: np.array(values, "S" if kind == "U" else kind)
        for name, (kind, values) in columns.items()
    }
    rows = np.zeros(len(sources), [(name, array.dtype) for name, array in arrays.items()])
    cards = []
    for number, (name, array) in enumerate(arrays.items(), start=1):
        rows[name] = array
        cards.append(card(f"TTYPE{number}", name))
        cards.append(card(f"TFORM{number}", _FORMS[columns[name][0]].format(array.itemsize)))
    first = {
        "BITPIX": 8, "NAXIS": 2, "NAXIS1": rows.dtype.itemsize, "NAXIS2": len(rows), "PCOUNT": 0,
        "GCOUNT": 1, "TFIELDS": len(columns),
    }  # fmt: skip
    yield from _hdu("BINTABLE", first, "FRAMES", rows.tobytes(), cards)


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
