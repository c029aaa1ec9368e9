"""A request becomes a header and a WCS. Pure.

The array is described as every image library reads it: row 0 is the top row, which is north,
and x grows to the west, so that both axes run against the sky's. Three facts about the server
fix the rest; each was measured on real pictures (see "What SkyServer really does" in the docs):

- The projection is orthographic, FITS ``SIN``, although the server's class is named after TAN.
- The position that was asked for is 0-based pixel index ``(w/2, h/2)``, so FITS
  ``CRPIX = (w/2 + 1, h/2 + 1)``.
- The content is displaced against that point by up to half a source pixel in a direction that
  depends on the survey's field. It cannot be corrected for, so it is stated: ``CSYER1``,
  ``CSYER2``.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

from astropy.io import fits
from astropy.wcs import WCS

from sdss_cutout._request.request import CutoutRequest
from sdss_cutout._service.skyserver import SKYSERVER

__all__ = ["Provenance", "make_sidecar", "read_header", "request_of_header", "wcs_of_header"]

_CARD = 80
_BLOCK = 2880


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Where a picture came from, for its header.

    Attributes
    ----------
    name : str
        The target's name.
    origin : str
        What the server calls itself; the sandbox says SIMULATED here.
    date : str
        When the picture came, UTC, as FITS writes dates.
    sha256 : str
        Of the server's bytes.
    creator : str
        This package and its version.
    """

    name: str
    origin: str
    date: str
    sha256: str
    creator: str


def read_header(sidecar: bytes) -> fits.Header:
    """Return the header in a sidecar.

    Raises
    ------
    ValueError
        If this is not a sidecar of ours.
    """
    if len(sidecar) % _BLOCK or not sidecar.startswith(b"SIMPLE  ="):
        raise ValueError("it is not a FITS header")
    text = sidecar.decode("ascii", "replace").replace("\N{REPLACEMENT CHARACTER}", "\0")
    if not (text.startswith("SIMPLE  =") and text.isprintable() and _ends_well(text)):
        raise ValueError("it is not a whole FITS header")
    header = fits.Header.fromstring(sidecar)
    if missing := {"CRVAL1", "CRVAL2", "IMAGEW", "IMAGEH", "URL", "SHA256"} - set(header):
        raise ValueError(f"no {', '.join(sorted(missing))} in the header")
    try:
        request_of_header(header)
    except (ValueError, TypeError, KeyError, fits.VerifyError) as error:
        raise ValueError(f"a card is damaged: {error}") from error
    return header


def _ends_well(text: str) -> bool:
    cards = text.rstrip()
    return not len(text) % _BLOCK and len(cards) % _CARD == 3 and cards.endswith("END")


def request_of_header(header: fits.Header) -> CutoutRequest:
    """Return the request that a sidecar's header describes."""
    return CutoutRequest(
        ra=float(header["CRVAL1"]),
        dec=float(header["CRVAL2"]),
        scale=float(header["SCALE"]),
        width=int(header["IMAGEW"]),
        height=int(header["IMAGEH"]),
        overlays=str(header["OVERLAYS"]),
        release=int(header["RELEASE"]),
        url=str(header["URL"]),
        service=SKYSERVER,  # the one that sidecars are written for
    )


def wcs_of_header(header: fits.Header) -> WCS:
    """Return the WCS of a sidecar's header, with ``pixel_shape`` and ``array_shape`` set."""
    sky = header.copy()
    del sky["NAXIS"]  # 0, as there are no data; astropy would warn that the sky has more axes
    wcs = WCS(sky)
    wcs.pixel_shape = (header["IMAGEW"], header["IMAGEH"])
    return wcs


def make_sidecar(request: CutoutRequest, provenance: Provenance) -> bytes:
    """Return the sidecar: a FITS header without data.

    Most of it depends on the geometry alone and is made once; a catalogue of a million
    positions would otherwise spend its time on formatting cards.
    """
    geometry = _geometry_cards(
        request.scale,
        request.width,
        request.height,
        request.overlays,
        request.release,
        request.service.source_pixel(request.scale, request.overlays),
    )
    cards = (
        geometry
        + _number("CRVAL1", request.ra, "[deg] right ascension that was asked for")
        + _number("CRVAL2", request.dec, "[deg] declination that was asked for")
        + _text("OBJECT", provenance.name)
        + _text("ORIGIN", provenance.origin)
        + _text("DATE", provenance.date)
        + _text("CREATOR", provenance.creator)
        + _text("SHA256", provenance.sha256)
        + _text("URL", request.url)
    )
    text = cards + "END".ljust(_CARD)
    return text.ljust(-(-len(text) // _BLOCK) * _BLOCK).encode("ascii")


@functools.lru_cache(maxsize=256)
def _geometry_cards(
    scale: float, width: int, height: int, overlays: str, release: int, source_pixel: float
) -> str:
    degrees = scale / 3600.0
    displaced = source_pixel / 2.0 / 3600.0
    header = fits.Header()
    header["SIMPLE"] = (True, "FITS header of the JPEG beside it")
    header["BITPIX"] = 8
    header["NAXIS"] = 0
    header["IMAGEW"] = (width, "[pix] width of the JPEG")
    header["IMAGEH"] = (height, "[pix] height of the JPEG")
    header["WCSAXES"] = 2
    header["CTYPE1"] = ("RA---SIN", "orthographic, as the server computes")
    header["CTYPE2"] = ("DEC--SIN", "row 0 is north, x grows to the west")
    header["CUNIT1"] = "deg"
    header["CUNIT2"] = "deg"
    header["CRPIX1"] = (width / 2 + 1, "[pix] 0-based index w/2")
    header["CRPIX2"] = (height / 2 + 1, "[pix] 0-based index h/2, from the top")
    header["CD1_1"] = -degrees
    header["CD1_2"] = 0.0
    header["CD2_1"] = 0.0
    header["CD2_2"] = -degrees
    # The default is 0 where CRVAL2 is 90, which would turn the picture of a pole around.
    header["LONPOLE"] = 180.0
    header["RADESYS"] = "ICRS"
    header["CSYER1"] = (displaced, "[deg] half a source pixel")
    header["CSYER2"] = (displaced, "[deg] half a source pixel")
    header["SCALE"] = (scale, "[arcsec/pix] scale that was asked for")
    header["OVERLAYS"] = (overlays, "letters of the server's overlays")
    header["RELEASE"] = (release, "SDSS data release")
    return header.tostring(sep="", endcard=False, padding=False)


def _number(key: str, value: float, comment: str) -> str:
    return f"{key:<8}= {repr(value).upper():>20} / {comment}".ljust(_CARD)


def _text(key: str, value: str) -> str:
    """Return a card with text; long text goes on in CONTINUE cards (FITS 4.0, 4.2.1.2)."""
    if not (value.isascii() and value.isprintable()):
        value = "".join(c if " " <= c <= "~" else "?" for c in value)
    escaped = value.replace("'", "''")
    if len(escaped) <= _CARD - 12:
        return f"{key:<8}= '{escaped:<8}'".ljust(_CARD)
    return _continued(key, escaped)


_PIECE = 67


def _continued(key: str, escaped: str) -> str:
    cards, lead = [], f"{key:<8}= "
    while escaped:
        piece = escaped[:_PIECE]
        if piece.endswith("'") and (len(piece) - len(piece.rstrip("'"))) % 2:
            piece = piece[:-1]  # a doubled quote stays on one card
        escaped = escaped[len(piece) :]
        cards.append(f"{lead}'{piece}{'&' if escaped else ''}'".ljust(_CARD))
        lead = "CONTINUE  "
    return "".join(cards)
