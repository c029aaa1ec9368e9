"""Synthetic runs and frames, by formulas of their own: they share nothing with the package."""

from __future__ import annotations

import bz2
import io
from dataclasses import dataclass, field, replace
from math import erf

import numpy as np
from astropy.io import fits

SHAPE = ROWS, COLUMNS = 1489, 2048
NEW_ROWS = 1361
PIXEL = 0.396 / 3600

# The optical distortion of a real frame, in pixels.
DROW = (-0.06213254, 0.00016522, -8.83949677e-08, 7.04298782e-12)
DCOL = (-0.25364262, 0.00097338, -8.65507125e-07, 2.14713471e-10)


def vector(ra, dec):
    ra, dec = np.deg2rad(ra), np.deg2rad(dec)
    return np.stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)])


@dataclass(frozen=True, kw_only=True)
class Strip:
    """One camera column of a run: row 0 of field 11 is at (mu, nu) of its first column."""

    run: int = 2000
    camcol: int = 1
    band: str = "r"
    node: float = 95.0
    incl: float = 0.0
    mu: float = 95.0
    nu: float = 0.0
    slope: float = 0.0003  # the columns are not quite across the scan
    drow: tuple = DROW
    dcol: tuple = DCOL
    calibration: float = 0.005
    sky: float = 150.0

    def a_to_f(self, number):
        along = PIXEL * NEW_ROWS * (number - 11)
        return {
            "a": self.mu + along, "b": PIXEL, "c": self.slope * PIXEL,
            "d": self.nu - self.slope * along, "e": -self.slope * PIXEL, "f": PIXEL,
        }  # fmt: skip

    def vectors(self, number, x, y):
        """Unit vectors of 0-based pixels of a field."""
        t = self.a_to_f(number)
        row, col = np.asarray(y) + 0.5, np.asarray(x) + 0.5
        powers = [np.ones_like(col), col, col**2, col**3]
        row = row + sum(k * p for k, p in zip(self.drow, powers, strict=True))
        col = col + sum(k * p for k, p in zip(self.dcol, powers, strict=True))
        mu = np.deg2rad(t["a"] + t["b"] * row + t["c"] * col - self.node)
        nu = np.deg2rad(t["d"] + t["e"] * row + t["f"] * col)
        node, incl = np.deg2rad([self.node, self.incl])
        first = np.array([np.cos(node), np.sin(node), 0])
        pole = np.array([np.sin(node) * np.sin(incl), -np.cos(node) * np.sin(incl), np.cos(incl)])
        second = np.cross(pole, first)
        parts = (np.cos(nu) * np.cos(mu), np.cos(nu) * np.sin(mu), np.sin(nu))
        axes = (first, second, pole)
        return sum(np.multiply.outer(axis, part) for axis, part in zip(axes, parts, strict=True))

    def sky_of(self, number, x, y):
        v = self.vectors(number, x, y)
        return np.rad2deg(np.arctan2(v[1], v[0])) % 360, np.rad2deg(np.arcsin(v[2]))

    def pixel_of(self, number, ra, dec):
        """By Newton's method on the distances in space."""
        wanted, place = vector(ra, dec), np.array([COLUMNS / 2, ROWS / 2])
        for _ in range(8):
            here = self.vectors(number, *place)
            steps = np.stack(
                [
                    self.vectors(number, place[0] + dx, place[1] + dy) - here
                    for dx, dy in ((1.0, 0.0), (0.0, 1.0))
                ],
                axis=1,
            )
            place = place + np.linalg.lstsq(steps, wanted - here, rcond=None)[0]
        return place

    def moved(self, **changes):
        return replace(self, **changes)


@dataclass(frozen=True, kw_only=True)
class FakeFrame:
    """A frame with stars; without noise unless a generator is passed."""

    strip: Strip = field(default_factory=Strip)
    number: int = 11
    stars: tuple = ()  # (ra, dec, nanomaggies)
    fwhm: float = 1.3  # arcsec
    background: float = 0.0  # nanomaggies per square arcsec
    noise: np.random.Generator | None = None
    cards: dict = field(default_factory=dict)
    origin: str = "SIMULATED"

    def image(self):
        image = np.zeros(SHAPE)
        if self.background:
            image += self.background * self.areas()
        for ra, dec, flux in self.stars:
            add_star(image, *self.strip.pixel_of(self.number, ra, dec), flux, self.fwhm / 0.396)
        if self.noise is not None:
            counts = image / self.strip.calibration + self.strip.sky
            sigma = np.sqrt(counts / 4.71 + 1.8225)  # camera column 1, band r
            image += self.noise.normal(0, sigma) * self.strip.calibration
        return image.astype(np.float32)

    def areas(self):
        """Square arcsec of each pixel, from the distances to its neighbours."""
        y, x = np.meshgrid(np.linspace(0, ROWS - 1, 12), np.linspace(0, COLUMNS - 1, 33))
        right, up = (
            self.strip.vectors(self.number, x + dx, y + dy)
            - self.strip.vectors(self.number, x - dx, y - dy)
            for dx, dy in ((0.5, 0), (0, 0.5))
        )
        area = np.linalg.norm(np.cross(right, up, axis=0), axis=0) * (180 / np.pi * 3600) ** 2
        # A smooth function of the column alone, to the last digits that matter.
        return np.polynomial.Polynomial.fit(x[:, 0], area.mean(axis=1), 3)(np.arange(COLUMNS))

    def hdus(self):
        strip, rng = self.strip, np.arange
        header = fits.Header(
            {
                "RUN": strip.run, "FRAME": self.number, "CAMCOL": strip.camcol,
                "FILTER": strip.band, "RERUN": "301", "ORIGIN": self.origin,
                "EXPTIME": "53.907456", "RADECSYS": "ICRS", **self.cards,
            }
        )  # fmt: skip
        calibration = np.full(COLUMNS, strip.calibration, np.float32)
        shapes = {"ALLSKY": (192, 256), "XINTERP": COLUMNS, "YINTERP": ROWS}
        sky = np.zeros(1, [(name, ">f4", shape) for name, shape in shapes.items()])
        sky["ALLSKY"] = strip.sky
        sky["XINTERP"] = (rng(COLUMNS) - 3.5) / 8
        sky["YINTERP"] = (rng(ROWS) + 4.5) / 8
        return [
            fits.PrimaryHDU(self.image(), header),
            fits.ImageHDU(calibration),
            fits.BinTableHDU(sky),
            fits.BinTableHDU(self.astrans()),
        ]

    def astrans(self):
        strip = self.strip
        values = {
            "RUN": np.int32(strip.run), "RERUN": b"301", "CAMCOL": np.int32(strip.camcol),
            "FILTER": strip.band.encode(), "NODE": strip.node, "INCL": strip.incl,
            "NAXIS": np.array([COLUMNS, ROWS], np.int32), "FIELD": np.int32(self.number),
            **{name.upper(): value for name, value in strip.a_to_f(self.number).items()},
            **{f"DROW{n}": value for n, value in enumerate(strip.drow)},
            **{f"DCOL{n}": value for n, value in enumerate(strip.dcol)},
            "CSROW": 0.0, "CSCOL": 0.0, "RICUT": 100.0, "MJD": 51458.25,
        }  # fmt: skip
        arrays = {name: np.asarray(value) for name, value in values.items()}
        table = np.zeros(1, [(name, a.dtype, a.shape) for name, a in arrays.items()])
        for name, array in arrays.items():
            table[name] = array
        return table

    def content(self):
        """The file as the SAS sends it."""
        return as_file(self.hdus())


def as_file(hdus):
    """Compressed with little effort."""
    out = io.BytesIO()
    fits.HDUList(hdus).writeto(out)
    return bz2.compress(out.getvalue(), 1)


def add_star(image, x, y, flux, fwhm):
    """Add a Gaussian, integrated over each pixel."""
    sigma = fwhm / np.sqrt(8 * np.log(2))

    def profile(centre, size):
        first = max(int(centre) - 25, 0)
        places = np.arange(first, min(int(centre) + 26, size))
        edges = np.append(places - 0.5, places[-1] + 0.5) - centre
        edges = [erf(edge / sigma / 2**0.5) / 2 for edge in edges]
        return slice(first, places[-1] + 1), np.diff(edges)

    if -20 < x < image.shape[1] + 20 and -20 < y < image.shape[0] + 20:
        (rows, by_row), (columns, by_column) = profile(y, ROWS), profile(x, COLUMNS)
        image[rows, columns] += flux * np.outer(by_row, by_column)
