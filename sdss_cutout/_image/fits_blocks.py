"""A FITS file is taken apart into its headers and data, and its structure checked. Pure.

astropy warns of some faults and ignores others; here each is an error.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from astropy.io import fits

from sdss_cutout._errors import ImageError

__all__ = ["HDU", "split_hdus"]


class HDU(NamedTuple):
    """A header and the bytes of its data."""

    header: fits.Header
    data: memoryview


_BLOCK = 2880


def split_hdus(content: bytes) -> Iterator[HDU]:
    """Yield headers and data; every byte must belong to one of them.

    Raises
    ------
    ImageError
        If this is not a whole FITS file.
    """
    start = 0
    while start < len(content):
        header, start = _header(content, start)
        size = _data_size(header)
        end = start + -(-size // _BLOCK) * _BLOCK
        if end > len(content):
            raise ImageError("its FITS data end too early")
        yield HDU(header, memoryview(content)[start : start + size])
        start = end


_END = re.compile(rb"(?:[ -~]{80})*?END {77}")


def _header(content: bytes, start: int) -> tuple[fits.Header, int]:
    found = _END.match(content, start, start + _MAX_HEADER)
    if found is None or content[start : start + 8] not in (b"SIMPLE  ", b"XTENSION"):
        raise ImageError("it is not a whole FITS file")
    size = -(-len(found[0]) // _BLOCK) * _BLOCK
    return fits.Header.fromstring(found[0]), start + size


_MAX_HEADER = 100 * _BLOCK


def _data_size(header: fits.Header) -> int:
    try:
        axes = [int(header[f"NAXIS{n + 1}"]) for n in range(int(header["NAXIS"]))]
        bits, extra = abs(int(header["BITPIX"])), int(header.get("PCOUNT", 0))
    except (ValueError, TypeError, KeyError, fits.VerifyError) as error:
        raise ImageError(f"its FITS header is damaged: {error}") from error
    if min([0, extra, *axes]) < 0:
        raise ImageError("its FITS header is damaged: a size is negative")
    size = 1
    for length in axes:
        size *= length
    return (size if axes else 0) * bits // 8 + extra
