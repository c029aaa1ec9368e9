"""What can be wrong with a frame: the faults that only frames have."""

from __future__ import annotations

import bz2
import io
from typing import TYPE_CHECKING, Any

from astropy.io import fits

from sdss_cutout.sandbox.sas.archive import missing

if TYPE_CHECKING:
    from collections.abc import Callable

    from sdss_cutout.sandbox.http.response import Response

# name: (what happens, its options with their defaults)
TABLE: dict[str, tuple[str, dict[str, Any]]] = {
    "frame_missing": ("404 for a frame that the field search named", {}),
    "frame_wrong_run": ("a frame whose header and table name another run", {}),
    "frame_wrong_camcol": ("a frame whose header and table name another camera column", {}),
    "frame_wrong_field": ("a frame whose header and table name another field", {}),
    "frame_wrong_band": ("a frame whose header and table name another band", {}),
    "frame_cut_stream": (
        "a bzip2 stream cut short, its Content-Length right for the cut",
        {"share_kept": 0.6},
    ),
    "frame_bad_stream": ("a bzip2 stream with bytes overwritten in the middle", {}),
    "frame_not_bzip2": ("the FITS file without compression", {}),
    "frame_cut_fits": ("whole bzip2 around a FITS file cut short", {"share_kept": 0.6}),
    "frame_bad_fits": ("whole bzip2 around a FITS file with a header overwritten", {}),
    "frame_without_astrans": ("a frame without its last part, the astrometry", {}),
    "frame_other_size": ("a frame with fewer rows than others", {"rows": 8}),
}


def _renamed(key: str, column: str, change: Callable[[Any], Any]) -> Callable[..., bytes]:
    """Change a number or band in the header and in the astrometry's table."""

    def alter(body: bytes, _options: dict[str, Any]) -> bytes:
        def rename(hdus: fits.HDUList) -> None:
            value = change(hdus[0].header[key])
            hdus[0].header[key] = hdus[3].data[column][0] = value

        return _rewritten(body, rename)

    return alter


def _rewritten(body: bytes, change: Callable[[fits.HDUList], None]) -> bytes:
    with fits.open(io.BytesIO(bz2.decompress(body)), memmap=False) as hdus:
        change(hdus)
        out = io.BytesIO()
        hdus.writeto(out)
    return bz2.compress(out.getvalue())


def _cut_stream(body: bytes, options: dict[str, Any]) -> bytes:
    return body[: int(len(body) * options["share_kept"])]


def _bad_stream(body: bytes, _options: dict[str, Any]) -> bytes:
    middle = len(body) // 2
    return body[:middle] + bytes(byte ^ 0x55 for byte in body[middle : middle + 64]) + body[
        middle + 64 :
    ]  # fmt: skip


def _cut_fits(body: bytes, options: dict[str, Any]) -> bytes:
    raw = bz2.decompress(body)
    return bz2.compress(raw[: int(len(raw) * options["share_kept"])])


def _bad_fits(body: bytes, _options: dict[str, Any]) -> bytes:
    raw = bz2.decompress(body)
    return bz2.compress(b"\xff" * 2880 + raw[2880:])


def _without_astrans(body: bytes, _options: dict[str, Any]) -> bytes:
    return _rewritten(body, lambda hdus: hdus.pop())


def without_nmgy(body: bytes) -> bytes:
    """Without the header's mean calibration."""
    return _rewritten(body, lambda hdus: hdus[0].header.remove("NMGY"))


def _other_size(body: bytes, options: dict[str, Any]) -> bytes:
    def shorten(hdus: fits.HDUList) -> None:
        hdus[0].data = hdus[0].data[: -options["rows"]]

    return _rewritten(body, shorten)


CHANGES: dict[str, Callable[[bytes, dict[str, Any]], bytes]] = {
    "frame_wrong_run": _renamed("RUN", "RUN", lambda run: run + 1),
    "frame_wrong_camcol": _renamed("CAMCOL", "CAMCOL", lambda camcol: camcol % 6 + 1),
    "frame_wrong_field": _renamed("FRAME", "FIELD", lambda field: field + 1),
    "frame_wrong_band": _renamed("FILTER", "FILTER", lambda band: "i" if band != "i" else "r"),
    "frame_cut_stream": _cut_stream,
    "frame_bad_stream": _bad_stream,
    "frame_not_bzip2": lambda body, _: bz2.decompress(body),
    "frame_cut_fits": _cut_fits,
    "frame_bad_fits": _bad_fits,
    "frame_without_astrans": _without_astrans,
    "frame_other_size": _other_size,
}
"""Those that send the right frame with its content changed."""


def not_found(path: str) -> Response:
    """The answer of ``frame_missing``."""
    return missing(path)
