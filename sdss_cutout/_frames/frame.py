"""The file of a frame becomes a record, after every check that can be made of it. Pure.

A frame is an image of one field in one band, with what is needed to know where its pixels are
and how uncertain their values.
"""

from __future__ import annotations

import bz2
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

from sdss_cutout._errors import ImageError
from sdss_cutout._frames.astrometry import Astrometry, GreatCircle, LinearAstrometry
from sdss_cutout._image.fits_blocks import HDU, split_hdus
from sdss_cutout._service.sas import FrameArchive

__all__ = ["Frame", "FrameKey", "SkyModel", "decompress", "read_frame"]


class FrameKey(NamedTuple):
    """Which frame: a field of a run, seen by one camera column in one band."""

    run: int
    rerun: str
    camcol: int
    field: int
    band: str

    def url(self, root: str, archive: FrameArchive, release: int) -> str:
        """Return where the frame's file is, below the root of the archive."""
        return root + archive.frame_path(
            release, self.rerun, self.run, self.camcol, self.field, self.band
        )

    def __str__(self) -> str:
        return f"frame {self.band}-{self.run:06d}-{self.camcol}-{self.field:04d}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SkyModel:
    """The sky that was subtracted, in counts: coarse values, and where each pixel is among them.

    Attributes
    ----------
    values : ndarray, shape (rows, columns)
        Coarse sky.
    x, y : ndarray
        For each column and row of the frame, the index into ``values``. Beyond the edges the
        values there hold.
    """

    values: NDArray[np.floating[Any]]
    x: NDArray[np.floating[Any]]
    y: NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Frame:
    """One frame, as its file has it.

    Attributes
    ----------
    key : FrameKey
        Which one it is.
    url, sha256 : str
        Where the file came from, and its checksum, of the compressed bytes.
    origin : str
        What its header calls its origin; the sandbox says SIMULATED there.
    mjd : float
        When it was observed.
    image : ndarray, shape (ny, nx)
        Nanomaggies per pixel; the file's bytes, so big-endian and read-only.
    calibration : ndarray, shape (nx,)
        Nanomaggies per count, one per column.
    sky : SkyModel
        The sky that was subtracted.
    astrometry : Astrometry
        Where the pixels are.
    gain, dark_variance : float
        Of the camera, in electrons per count and counts squared.
    """

    key: FrameKey
    url: str
    sha256: str
    origin: str
    mjd: float
    image: NDArray[np.floating[Any]]
    calibration: NDArray[np.floating[Any]]
    sky: SkyModel
    astrometry: Astrometry
    gain: float
    dark_variance: float


def read_frame(content: bytes, key: FrameKey, archive: FrameArchive, *, url: str = "") -> Frame:
    """Return the frame in a file that the SAS sent.

    Parameters
    ----------
    content : bytes
        The file, compressed by bzip2.
    key : FrameKey
        The frame that was asked for.
    archive : FrameArchive
        The facts about frames.
    url : str, optional
        Where the file came from.

    Raises
    ------
    ImageError
        If this is not the whole file of that frame.
    """
    hdus = [*split_hdus(decompress(content, archive.max_frame_bytes))]
    if len(hdus) < _HDUS:
        raise ImageError(f"it has {len(hdus)} of the {_HDUS} parts of a frame")
    try:
        _refuse_another(hdus[0].header, key)
        return _frame(hdus, key, archive, url, hashlib.sha256(content).hexdigest())
    except (ValueError, TypeError, KeyError, IndexError, fits.VerifyError) as error:
        raise ImageError(f"it is not a frame: {error}") from error


_HDUS = 4


def decompress(content: bytes, max_bytes: int) -> bytes:
    """Return what a bzip2 file holds, at most so much; it must end where its last stream ends.

    Raises
    ------
    ImageError
        If it is not bzip2, is cut or damaged, or is larger than any frame.
    """
    pieces, left = [], max_bytes
    while content:
        stream = bz2.BZ2Decompressor()
        try:
            pieces.append(stream.decompress(content, left))
        except (OSError, ValueError) as error:
            raise ImageError(f"its compressed data are damaged: {error}") from error
        left -= len(pieces[-1])
        if not stream.eof:
            raise ImageError(
                "the response was incomplete: its compressed data end too early"
                if stream.needs_input
                else f"it decompresses to more than {max_bytes} bytes, so it is not a frame"
            )
        content = stream.unused_data
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


# ------------------------------------------------------------------------------ the FITS structure


def _array(hdu: HDU) -> NDArray[np.floating[Any]]:
    """Return the image of an HDU, as its bytes are."""
    if int(hdu.header["BITPIX"]) != -32:
        raise ValueError(f"BITPIX is {hdu.header['BITPIX']}, not -32")
    axes = [int(hdu.header[f"NAXIS{n}"]) for n in range(int(hdu.header["NAXIS"]), 0, -1)]
    return np.frombuffer(hdu.data, ">f4").reshape(axes)


_TYPES = {"A": "S", "B": "u1", "I": ">i2", "J": ">i4", "K": ">i8", "E": ">f4", "D": ">f8"}


def _first_row(hdu: HDU) -> np.void:
    """Return the first row of a table."""
    columns = []
    for n in range(1, int(hdu.header["TFIELDS"]) + 1):
        found = re.fullmatch(r"(\d*)([A-Z])", str(hdu.header[f"TFORM{n}"]).strip())
        if found is None:
            raise ValueError(f"TFORM{n} is {hdu.header[f'TFORM{n}']!r}")
        count, kind = int(found[1] or 1), _TYPES[found[2]]
        name = str(hdu.header[f"TTYPE{n}"]).strip().upper()
        columns.append((name, f"S{count}") if kind == "S" else (name, kind, (count,)))
    return np.frombuffer(hdu.data, np.dtype(columns), count=1)[0]


# ------------------------------------------------------------------------------------- the contents


def _refuse_another(header: fits.Header, key: FrameKey) -> None:
    found = FrameKey(
        run=int(header["RUN"]),
        rerun=str(header["RERUN"]).strip(),
        camcol=int(header["CAMCOL"]),
        field=int(header["FRAME"]),
        band=str(header["FILTER"]).strip(),
    )
    if found != key:
        raise ImageError(f"it is {found} of rerun {found.rerun}, not {key} of rerun {key.rerun}")


def _frame(hdus: list[HDU], key: FrameKey, archive: FrameArchive, url: str, sha256: str) -> Frame:
    shape = archive.shape
    image, calibration = _array(hdus[0]), _array(hdus[1])
    if image.shape != shape or calibration.shape != shape[1:]:
        raise ImageError(
            f"its image has the shape {image.shape} and its calibration {calibration.shape}, "
            f"not {shape} and {shape[1:]}"
        )
    transformation = _first_row(hdus[3])
    gain, dark_variance = archive.noise_of(key.run, key.camcol, key.band)
    return Frame(
        key=key,
        url=url,
        sha256=sha256,
        origin=str(hdus[0].header.get("ORIGIN", "SDSS")).strip(),
        mjd=_number(transformation, "MJD"),
        image=image,
        calibration=calibration,
        sky=_sky_model(hdus[2], shape),
        astrometry=_astrometry(transformation, shape),
        gain=gain,
        dark_variance=dark_variance,
    )


def _sky_model(hdu: HDU, shape: tuple[int, int]) -> SkyModel:
    row = _first_row(hdu)
    place = 1 + [str(hdu.header[f"TTYPE{n}"]).strip().upper() for n in (1, 2, 3)].index("ALLSKY")
    columns, rows = (int(n) for n in str(hdu.header[f"TDIM{place}"]).strip(" ()").split(","))
    x, y = row["XINTERP"][: shape[1]], row["YINTERP"][: shape[0]]
    if (len(y), len(x)) != shape:
        raise ValueError(f"its sky is for {(len(y), len(x))} rows and columns")
    values = row["ALLSKY"].reshape(rows, columns)
    return SkyModel(values=values, x=x, y=y)


def _astrometry(row: np.void, shape: tuple[int, int]) -> Astrometry:
    values = {name.lower(): _number(row, name) for name in "ABCDEF"}
    circle = GreatCircle(node=_number(row, "NODE"), incl=_number(row, "INCL"))
    if not values["b"] * values["f"] - values["c"] * values["e"]:
        raise ValueError("its astrometry has no inverse")
    return Astrometry(
        shape=shape,
        linear=LinearAstrometry(circle=circle, **values),
        row_terms=tuple(_number(row, f"DROW{n}") for n in range(4)),
        column_terms=tuple(_number(row, f"DCOL{n}") for n in range(4)),
    )


def _number(row: np.void | Mapping[str, Any], name: str) -> float:
    value = float(np.ravel(row[name])[0])
    if not np.isfinite(value):
        raise ValueError(f"its {name} is {value}")
    return value
