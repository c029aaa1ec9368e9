"""Pixels of a camera column to great circle coordinates to the sky, and back.

The terms are those of SDSS's asTrans files; the sky is reached by rotating unit vectors, not by
the trigonometry that SDSS's documentation prints.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from sdss_cutout.sandbox import projection

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

ITERATIONS = 8  # of undoing the distortion: each one gains three digits


@dataclass(frozen=True, slots=True, kw_only=True)
class AsTrans:
    """The astrometric transformation of one band of a camera column.

    Rows and columns are asTrans coordinates: 0-based index plus 0.5 at the middle of a pixel.
    Angles are in degrees. ``drow`` and ``dcol`` are the polynomials in column, lowest term first.
    """

    node: float
    incl: float
    a: float
    b: float
    c: float
    d: float
    e: float
    f: float
    drow: tuple[float, float, float, float]
    dcol: tuple[float, float, float, float]

    def moved(self, rows: float) -> AsTrans:
        """The same transformation counting rows from ``rows`` on."""
        return replace(self, a=self.a + self.b * rows, d=self.d + self.e * rows)

    @property
    def straight(self) -> AsTrans:
        """The six linear terms alone, without the distortion."""
        return replace(self, drow=(0.0,) * 4, dcol=(0.0,) * 4)

    def great_circle(self, row: ArrayLike, col: ArrayLike) -> tuple[Floats, Floats]:
        """The coordinates mu and nu of pixel positions."""
        row, col = np.asarray(row, dtype=float), np.asarray(col, dtype=float)
        row_m, col_m = row + polynomial(self.drow, col), col + polynomial(self.dcol, col)
        mu: Floats = self.a + self.b * row_m + self.c * col_m
        nu: Floats = self.d + self.e * row_m + self.f * col_m
        return mu, nu

    def sky(self, row: ArrayLike, col: ArrayLike) -> tuple[Floats, Floats]:
        """Right ascension and declination of pixel positions."""
        return sky_of(*self.great_circle(row, col), self.node, self.incl)

    def pixel(self, ra: ArrayLike, dec: ArrayLike) -> tuple[Floats, Floats]:
        """Rows and columns of positions on the sky."""
        mu, nu = great_circle_of(projection.normal(ra, dec), self.node, self.incl)
        along = (mu - self.a + 45.0) % 360.0 - 45.0  # a run is shorter than half a circle
        across = nu - self.d
        determinant = self.b * self.f - self.c * self.e
        row_m = (self.f * along - self.c * across) / determinant
        col_m = (self.b * across - self.e * along) / determinant
        col = col_m
        for _ in range(ITERATIONS):
            # Far away the polynomial runs wild; it is meant for the columns of the camera.
            col = col_m - np.clip(polynomial(self.dcol, col), -1.0, 1.0)
        return row_m - polynomial(self.drow, col), col


def polynomial(terms: tuple[float, ...], x: Floats) -> Floats:
    """The value of a polynomial, lowest term first."""
    value: Floats = np.zeros_like(x)
    for term in reversed(terms):
        value = value * x + term
    return value


def axes(node: float, incl: float) -> Floats:
    """Unit vectors to the ascending node, a quarter further along the circle, and to its pole."""
    cn, sn = math.cos(math.radians(node)), math.sin(math.radians(node))
    ci, si = math.cos(math.radians(incl)), math.sin(math.radians(incl))
    return np.array([[cn, sn, 0.0], [-sn * ci, cn * ci, si], [sn * si, -cn * si, ci]])


def great_circle_of(vectors: Floats, node: float, incl: float) -> tuple[Floats, Floats]:
    """The coordinates mu and nu of unit vectors."""
    x, y, z = np.moveaxis(vectors @ axes(node, incl).T, -1, 0)
    return node + np.degrees(np.arctan2(y, x)), np.degrees(np.arctan2(z, np.hypot(x, y)))


def sky_of(mu: ArrayLike, nu: ArrayLike, node: float, incl: float) -> tuple[Any, Any]:
    """Right ascension and declination of great circle coordinates."""
    return projection.equatorial(projection.normal(np.asarray(mu) - node, nu) @ axes(node, incl))
