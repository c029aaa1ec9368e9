"""Writes a PNG (ISO/IEC 15948) strip by strip; Pillow would want all of it in memory at once."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from sdss_cutout._errors import RequestError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL.Image import Image

__all__ = ["check_png_size", "write_png"]

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_LARGEST = 2**31 - 1


def check_png_size(width: int, height: int) -> None:
    """Refuse what a PNG cannot hold."""
    if max(width, height) > _LARGEST:
        raise RequestError(f"a PNG cannot have {width} x {height} pixels")


def write_png(file: BinaryIO, width: int, height: int, strips: Iterable[Image]) -> None:
    """Write RGB images of this width, one below the other, of this height in all."""
    file.write(_SIGNATURE)
    file.write(_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)))
    packer = zlib.compressobj(1)
    for strip in strips:
        packed = packer.compress(_filtered(np.asarray(strip)))
        if packed:
            file.write(_chunk(b"IDAT", packed))
    file.write(_chunk(b"IDAT", packer.flush()))
    file.write(_chunk(b"IEND", b""))


def _filtered(pixels: NDArray[np.uint8]) -> bytes:
    """Return lines with PNG's filter 1: differences to the left compress better."""
    height, width, _ = pixels.shape
    lines = np.empty((height, 1 + 3 * width), np.uint8)
    lines[:, 0] = 1
    lines[:, 1:4] = pixels[:, 0]
    lines[:, 4:] = (pixels[:, 1:] - pixels[:, :-1]).reshape(height, -1)
    return lines.tobytes()


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
