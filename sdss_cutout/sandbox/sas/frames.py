"""Makes the frame files: image, calibration, sky and astrometry, compressed with bzip2."""

from __future__ import annotations

import bz2
import io
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

import numpy as np
from astropy.io import fits

from sdss_cutout.sandbox.sas import headers, rendering
from sdss_cutout.sandbox.survey import camera
from sdss_cutout.sandbox.survey.layout import FIRST_FIELD

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sdss_cutout.sandbox.sky.objects import Sky
    from sdss_cutout.sandbox.survey.fields import Field

    Floats = NDArray[np.float64]

MOST_CACHED = 256 * 2**20  # bytes of compressed frames kept
_MAKING = threading.Semaphore(2)  # frames made at a time: each needs some 100 MB
_DROPPED_BITS = 14  # of the mantissa: 10 significant binary digits stay, as in real frames


class FrameMaker:
    """Makes frames when they are asked for, and keeps the last ones. Safe in threads.

    Parameters
    ----------
    sky : Sky
        What is to be seen.
    noise : bool
        Add noise, and round to 10 significant binary digits as real frames are. Without it the
        pixels are the exact light of the sources.
    """

    def __init__(self, sky: Sky, *, noise: bool = True) -> None:
        self._sky, self._noise = sky, noise
        self._files: OrderedDict[tuple[Any, ...], bytes] = OrderedDict()
        self._busy: dict[tuple[Any, ...], threading.Lock] = {}
        self._lock = threading.Lock()

    def file(self, field: Field, band: str, release: int) -> bytes:
        """The bytes of a frame file."""
        key = field.field_id, band, headers.has_unit(release)
        with self._lock:
            busy = self._busy.setdefault(key, threading.Lock())
        with busy:  # two clients that ask for the same frame wait for one making
            body = self._recall(key)
            if body is None:
                with _MAKING:
                    body = bz2.compress(_fits_bytes(self.hdus(field, band, release)))
                self._keep(key, body)
        with self._lock:
            self._busy.pop(key, None)
        return body

    def _recall(self, key: tuple[Any, ...]) -> bytes | None:
        with self._lock:
            if key in self._files:
                self._files.move_to_end(key)
            return self._files.get(key)

    def _keep(self, key: tuple[Any, ...], body: bytes) -> None:
        with self._lock:
            self._files[key] = body
            while sum(map(len, self._files.values())) > MOST_CACHED and len(self._files) > 1:
                self._files.popitem(last=False)

    def hdus(self, field: Field, band: str, release: int) -> fits.HDUList:
        """The four parts of a frame."""
        calib = camera.calibration(field.run, field.camcol, band)
        return fits.HDUList(
            [
                fits.PrimaryHDU(
                    self.image(field, band), headers.primary(field, band, release, calib)
                ),
                fits.ImageHDU(calib),
                _sky_table(field, band),
                headers.astrans_table(field, band),
            ]
        )

    def image(self, field: Field, band: str) -> NDArray[np.float32]:
        """The pixels, in nanomaggies."""
        light = np.asarray(rendering.render(self._sky, field, band), dtype="f4")
        return rounded(observed(field, band, light)) if self._noise else light


def observed(field: Field, band: str, light: NDArray[np.float32]) -> NDArray[np.float32]:
    """What the camera would see of some light, with noise after the documentation's formula.

    The camera counts in whole numbers: a real frame's pixels, divided by the calibration, give
    whole numbers when the sky is added.
    """
    run, camcol = field.run, field.camcol
    level = camera.sky_level(run, camcol, band)
    calib = camera.calibration(run, camcol, band)
    along = np.asarray(level.along(field.first_row + np.arange(run.rows)), dtype="f4")
    sky = along[:, None] * np.asarray(level.across, dtype="f4")
    counts = light / calib + sky
    noise = counts / np.float32(camera.gain(run.number, camcol, band))
    noise += np.float32(camera.dark_variance(run.number, camcol, band))
    np.sqrt(noise, out=noise)
    noise *= _random(field, band)
    counts += noise
    np.rint(counts, out=counts)
    counts -= sky
    counts *= calib
    return counts


def _random(field: Field, band: str) -> NDArray[np.float32]:
    """Normal random numbers: rows that two fields of a run share get the same ones."""
    rows, cols = field.shape
    step, parts, done = field.run.step, [], 0
    block = field.number - FIRST_FIELD
    while done < rows:
        key = field.run.number, field.camcol, camera.BANDS.index(band), block
        wanted = min(step, rows - done)
        parts.append(camera.generator(5, *key).standard_normal((wanted, cols), dtype="f4"))
        done, block = done + wanted, block + 1
    return np.concatenate(parts)


def rounded(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rounded to 10 significant binary digits."""
    bits = np.asarray(image, dtype="f4").view("u4").copy()
    bits += np.uint32(1 << (_DROPPED_BITS - 1))
    bits &= np.uint32(0xFFFFFFFF << _DROPPED_BITS & 0xFFFFFFFF)
    return bits.view("f4")


def _sky_table(field: Field, band: str) -> fits.BinTableHDU:
    sky = camera.sky_level(field.run, field.camcol, band)
    grid, y_interp = sky.grid(field.first_row, field.run.rows)
    columns = [
        fits.Column("ALLSKY", f"{grid.size}E", dim=str(grid.shape[::-1]), array=grid[None]),
        fits.Column("XINTERP", f"{len(sky.x_interp)}E", array=sky.x_interp[None]),
        fits.Column("YINTERP", f"{len(y_interp)}E", array=y_interp[None]),
    ]
    return fits.BinTableHDU.from_columns(columns)


def _fits_bytes(hdus: fits.HDUList) -> bytes:
    out = io.BytesIO()
    hdus.writeto(out)
    return out.getvalue()
