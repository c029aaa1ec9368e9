"""Writes the sky coordinates of a picture into the JPEG itself, as AVM metadata.

Aladin reads it; WorldWide Telescope refuses the projection, SIN. Sidecars are unaffected.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from astropy.io import fits

__all__ = ["embed_avm", "has_avm", "without_avm"]

_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_APP1, _SCAN = 0xE1, 0xDA


def embed_avm(content: bytes, header: fits.Header) -> bytes:
    """Return the JPEG with an AVM block; the pixels' bytes stay as they are.

    AVM counts rows from the bottom, as FITS does (AVM 1.2, 3.5 "Spatial.ReferencePixel"), so
    the reference pixel is turned over and the second axis runs to the north.
    """
    from pyavm import AVM

    avm = AVM()
    avm.Spatial.Equinox = "2000"
    avm.Spatial.CoordinateFrame = "ICRS"
    avm.Spatial.ReferenceValue = [header["CRVAL1"], header["CRVAL2"]]
    avm.Spatial.ReferenceDimension = [float(header["IMAGEW"]), float(header["IMAGEH"])]
    avm.Spatial.ReferencePixel = [header["CRPIX1"], header["IMAGEH"] + 1 - header["CRPIX2"]]
    avm.Spatial.Scale = [header["CD1_1"], -header["CD2_2"]]
    avm.Spatial.Rotation = 0.0
    avm.Spatial.CoordsystemProjection = "SIN"
    avm.Spatial.Quality = "Full"
    with tempfile.TemporaryDirectory() as folder:  # pyavm works on files only
        before, after = Path(folder, "before.jpg"), Path(folder, "after.jpg")
        before.write_bytes(content)
        avm.embed(str(before), str(after))
        return after.read_bytes()


def has_avm(content: bytes) -> bool:
    """Return whether a JPEG carries an XMP block, which the server's own never do."""
    return _XMP in content[: content.find(bytes([0xFF, _SCAN]))]


def without_avm(content: bytes) -> bytes:
    """Return the JPEG as it was before `embed_avm`."""
    kept, position = [content[:2]], 2
    while content[position : position + 1] == b"\xff" and content[position + 1] != _SCAN:
        length = 2 + int.from_bytes(content[position + 2 : position + 4], "big")
        segment = content[position : position + length]
        if not (segment[1] == _APP1 and segment[4:].startswith(_XMP)):
            kept.append(segment)
        position += max(length, 2)
    return b"".join([*kept, content[position:]])
