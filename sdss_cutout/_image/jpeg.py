"""Whether bytes are a whole picture, and how much of it shows sky. Pure."""

from __future__ import annotations

import threading

import numpy as np
import simplejpeg
from numpy.typing import NDArray

from sdss_cutout._errors import ImageError
from sdss_cutout._image.coverage import BLOCK, coverage_of

__all__ = ["check_jpeg", "decode_jpeg", "is_painted_black"]


def check_jpeg(content: bytes, width: int, height: int) -> float:
    """Decode a picture in full and return its coverage.

    Parameters
    ----------
    content : bytes
        What came.
    width, height : int
        The size in pixels that was asked for.

    Returns
    -------
    float
        The part of the picture that has imaging, 0 to 1.

    Raises
    ------
    ImageError
        If this is not a JPEG, is cut or corrupt, has another size, or is of one colour.

    Notes
    -----
    libjpeg fills in what is missing and only warns of it; ``strict`` turns the warnings into
    errors, which also finds a cut whose end marker was put back.
    """
    _check_size(content, width, height)
    # Brightness alone: JPEG smears the colours of a black edge over 16 pixels.
    brightness = _decoded(content, "GRAY", buffer=_scratch.of(width * height))[:, :, 0]
    if (brightness == brightness[0, 0]).all():
        what = "the same" if brightness[0, 0] else "black"
        raise ImageError(f"the picture is blank: all its pixels are {what}")
    return coverage_of(brightness)


class _Scratch(threading.local):
    """Memory for pixels that are only looked at, one piece per thread.

    Fresh memory for each picture costs as much as half of the decoding, in page faults: 300
    against 150 microseconds for 200 x 200 pixels. Large pieces are not kept.
    """

    _KEPT = 1024 * 1024

    def __init__(self) -> None:
        self._memory = bytearray()

    def of(self, size: int) -> bytearray:
        if size > self._KEPT:
            return bytearray(size)
        if size > len(self._memory):
            self._memory = bytearray(size)
        return self._memory


_scratch = _Scratch()


def _check_size(content: bytes, width: int, height: int) -> None:
    try:
        found_height, found_width, _, _ = simplejpeg.decode_jpeg_header(content)
    except ValueError as error:
        if content.startswith(b"\xff\xd8"):
            raise ImageError(f"the picture is cut or corrupt: {error}") from error
        raise ImageError(f"what came is not a JPEG: it begins with {content[:16]!r}") from error
    if (found_width, found_height) != (width, height):
        raise ImageError(
            f"the picture is {found_width} x {found_height} pixels, not {width} x {height}"
        )


def _decoded(content: bytes, colorspace: str, buffer: bytearray | None = None) -> NDArray[np.uint8]:
    try:
        return np.asarray(
            simplejpeg.decode_jpeg(content, colorspace=colorspace, strict=True, buffer=buffer)
        )
    except ValueError as error:
        raise ImageError(f"the picture is cut or corrupt: {error}") from error


def is_painted_black(content: bytes) -> bool:
    """Return whether a decodable picture is black but for painted text.

    The server paints white text on black (S: SDSSGraphicsEnv.cs). Thin text leaves black in
    almost every block. Thick letters fill some, but are nowhere dim without being black, as sky
    is, nor as wide as three blocks. Brightness alone is looked at, without the colour that JPEG
    smears over 16 pixels.
    """
    brightness = _decoded(content, "GRAY")[:, :, 0]
    if brightness.max() < _TEXT_BRIGHTNESS:
        return False
    height, width = (n // BLOCK for n in brightness.shape)
    blocks = brightness[: height * BLOCK, : width * BLOCK].reshape(height, BLOCK, width, BLOCK)
    lit = (blocks == 0).mean(axis=(1, 3)) < _LIT_IF_DARK
    is_dim_somewhere = bool((lit & (blocks.mean(axis=(1, 3)) < _DIM)).any())
    return not _has_patch(lit, 2) or not (is_dim_somewhere or _has_patch(lit, 3))


def _has_patch(lit: NDArray[np.bool_], side: int) -> bool:
    """Return whether there is a square of so many blocks that are all lit."""
    windows = np.lib.stride_tricks.sliding_window_view(lit, (side, side))
    return bool(windows.all(axis=(2, 3)).any())


# Of the pixels of a block that shows something, fewer than this part are black.
_LIT_IF_DARK = 0.25
# Text has pixels at least as bright; blocks of sky are darker, those within letters brighter.
_TEXT_BRIGHTNESS, _DIM = 100, 35


def decode_jpeg(content: bytes) -> NDArray[np.uint8]:
    """Return the pixels, shape ``(ny, nx, 3)``, red, green, blue; row 0 is the top row.

    Raises
    ------
    ImageError
        If this is not a whole JPEG.
    """
    return _decoded(content, "RGB")
