"""Judges what is assumed of a frame. Pure.

The file is taken apart by astropy here, not by the package's own reader, whose assumptions are to
be tested.
"""

from __future__ import annotations

import io
import math
import warnings
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from astropy.coordinates import angular_separation
from astropy.io import fits
from astropy.wcs import WCS, FITSFixedWarning
from numpy.typing import NDArray

from sdss_cutout._check.answers import (
    Answers,
    Judge,
    Seen,
    UnansweredError,
    differs,
    holds,
    verdict,
)
from sdss_cutout._check.verdicts.fields import frame_key
from sdss_cutout._errors import ImageError
from sdss_cutout._frames.astrometry import Astrometry, GreatCircle, LinearAstrometry
from sdss_cutout._frames.frame import FrameKey, decompress
from sdss_cutout._service.sas import SAS

__all__ = ["JUDGES"]

_KEYS = ("RUN", "CAMCOL", "FRAME", "FILTER", "RERUN", "NMGY", "EXPTIME", "TAI")


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    header: fits.Header
    data: Any


def _parts(answers: Answers) -> list[_Part]:
    return _parts_of(answers.ok("frame"))


@lru_cache(maxsize=1)
def _parts_of(content: bytes) -> list[_Part]:
    """Return the HDUs of a file."""
    try:
        unpacked = io.BytesIO(decompress(content, SAS.max_frame_bytes))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what astropy repairs is not what is asked here
            with fits.open(unpacked, memmap=False) as hdus:
                return [_Part(hdu.header, hdu.data) for hdu in hdus]
    except (ImageError, OSError, ValueError, TypeError):
        raise UnansweredError("the file is not a FITS file compressed by bzip2") from None


def _part(answers: Answers, number: int) -> _Part:
    parts = _parts(answers)
    if len(parts) <= number:
        raise UnansweredError(f"the file has {len(parts)} HDUs")
    return parts[number]


def _file(answers: Answers) -> Seen:
    response = answers.response("frame")
    if response.status != 200:
        return differs(str(response.status))
    try:
        header = _part(answers, 0).header
    except UnansweredError as error:
        return differs(str(error))
    key = frame_key(answers)
    told = tuple(str(header.get(name, "missing")).strip() for name in _NUMBERS)
    if told != (str(key.run), key.rerun, str(key.camcol), str(key.field), key.band):
        return differs(f"{', '.join(_NUMBERS)} are {', '.join(told)[:60]}")
    return holds(f"{_named(key)}, {len(response.content) / 1e6:.1f} MB")


_NUMBERS = ("RUN", "RERUN", "CAMCOL", "FRAME", "FILTER")


def _named(key: FrameKey) -> str:
    return f"run {key.run}, camcol {key.camcol}, field {key.field}, {key.band}"


def _structure(answers: Answers) -> Seen:
    parts = _parts(answers)
    seen = ", ".join(_described(part) for part in parts)
    rows, columns = SAS.shape
    expected = [f"image {rows} x {columns}", f"image {columns}", "table of 1", "table of 1"]
    names = [_columns(part) for part in parts]
    is_so = [_described(part) for part in parts] == expected and (
        {"ALLSKY", "XINTERP", "YINTERP"} <= names[2] and names[3] >= _ASTRANS
    )
    return verdict(is_so, seen or "nothing")


_ASTRANS = {"NODE", "INCL", *"ABCDEF"}
_ASTRANS |= {f"D{axis}{power}" for axis in ("ROW", "COL") for power in range(4)}


def _described(part: _Part) -> str:
    if _columns(part):
        return f"table of {len(part.data)}"
    shape = () if part.data is None else part.data.shape
    kind = "image" if part.header["BITPIX"] == -32 else f"image of BITPIX {part.header['BITPIX']}"
    return f"{kind} {' x '.join(map(str, shape))}"


def _columns(part: _Part) -> set[str]:
    names = getattr(getattr(part.data, "dtype", None), "names", None)
    return {name.upper() for name in names or ()}


def _header(answers: Answers) -> Seen:
    header = _part(answers, 0).header
    missing = [key for key in _KEYS if key not in header]
    types = str(header.get("CTYPE1")), str(header.get("CTYPE2"))
    system = str(header.get("RADESYS", header.get("RADECSYS", "none"))).strip()
    is_so = not missing and types == ("RA---TAN", "DEC--TAN") and system == "ICRS"
    text = f"{', '.join(types)} in {system}"
    return verdict(is_so, f"{text}; missing: {', '.join(missing)}" if missing else text)


def _unit(answers: Answers) -> Seen:
    header = _part(answers, 0).header
    if "BUNIT" not in header:
        return holds("no BUNIT")
    unit = str(header["BUNIT"]).strip()
    return verdict(unit.lower() in ("nanomaggy", "nanomaggies"), f"BUNIT {unit[:30]}")


def _calibration(answers: Answers) -> Seen:
    factor = float(_part(answers, 0).header.get("NMGY", math.nan))
    calibrations = _part(answers, 1).data
    if calibrations is None or not np.size(calibrations):
        raise UnansweredError("there are no calibrations")
    mean = float(np.mean(calibrations, dtype=float))
    return verdict(abs(factor / mean - 1) < 1e-3, f"NMGY {factor:.6g}, mean {mean:.6g}")


def _sky(answers: Answers) -> Seen:
    part = _part(answers, 2)
    if not _columns(part) >= {"XINTERP", "YINTERP"}:
        raise UnansweredError("the third HDU has no XINTERP and YINTERP")
    lengths = tuple(np.ravel(part.data[name][0]).size for name in ("YINTERP", "XINTERP"))
    return verdict(lengths == SAS.shape, f"{lengths[1]} for columns, {lengths[0]} for rows")


def _astrometry_of(part: _Part) -> Astrometry:
    """Return what the table asTrans says."""
    if not _columns(part) >= _ASTRANS:
        raise UnansweredError("the fourth HDU is not the table asTrans")
    row = {name.upper(): part.data[name][0] for name in part.data.dtype.names}
    value = {name: float(row[name]) for name in _ASTRANS}
    return Astrometry(
        shape=SAS.shape,
        linear=LinearAstrometry(
            circle=GreatCircle(node=value["NODE"], incl=value["INCL"]),
            **{name: value[name.upper()] for name in "abcdef"},
        ),
        row_terms=tuple(value[f"DROW{n}"] for n in range(4)),
        column_terms=tuple(value[f"DCOL{n}"] for n in range(4)),
    )


def _residuals(answers: Answers, shift: float) -> NDArray[np.float64]:
    """Return the distances in arcsec between the header's WCS and asTrans over the frame.

    ``shift`` is added to pixel indices before asTrans gets them.
    """
    astrometry = _astrometry_of(_part(answers, 3))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FITSFixedWarning)
        wcs = WCS(_part(answers, 0).header).celestial
    rows, columns = SAS.shape
    x, y = (axis.ravel() for axis in np.mgrid[0:columns:9j, 0:rows:9j])
    one = np.radians(astrometry.pixel_to_sky(x + shift, y + shift))
    other = np.radians(wcs.all_pix2world(x, y, 0))
    return np.degrees(angular_separation(*one, *other)) * 3600


def _index(answers: Answers) -> Seen:
    # Where pixels' centres are whole numbers in asTrans, or it counts from 1, it is half off.
    medians = {shift: float(np.median(_residuals(answers, shift))) for shift in (-0.5, 0.0, 0.5)}
    text = ", ".join(f"{median:.3f} at +{shift + 0.5:.1f}" for shift, median in medians.items())
    return verdict(min(medians, key=medians.__getitem__) == 0.0, f"median arcsec off: {text}")


def _tan(answers: Answers) -> Seen:
    largest = float(_residuals(answers, 0.0).max())
    return verdict(largest < _TAN_WITHIN, f"at most {largest:.3f} arcsec")


_TAN_WITHIN = 0.2

JUDGES: dict[str, Judge] = {
    "frame.file": _file,
    "frame.parts": _structure,
    "frame.header": _header,
    "frame.unit": _unit,
    "frame.calibration": _calibration,
    "frame.sky": _sky,
    "frame.index": _index,
    "frame.astrometry": _tan,
}
