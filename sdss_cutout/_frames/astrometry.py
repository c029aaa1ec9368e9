"""Where the pixels of a frame are: the survey's own astrometry, and the same as a WCS. Pure.

The header of a frame has a TAN projection that leaves out the optical distortion and is up to
0.34 pixels off. The structure ``asTrans`` in the same file is right, and a TAN-SIP of degree 3
follows it to 0.001 pixels.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np
from astropy.wcs import WCS, Sip
from numpy.typing import ArrayLike, NDArray

from sdss_cutout._image.cards import card

__all__ = ["Astrometry", "GreatCircle", "LinearAstrometry", "north_up_wcs", "wcs_cards"]

Floats = NDArray[np.float64]

# The survey counts from the edge of the first pixel, so that pixel centres are at .5 (V: of the
# three candidates only this one agrees with the header's TAN).
_INDEX_TO_SURVEY = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class GreatCircle:
    """The coordinates mu and nu along and across a great circle, all in degrees."""

    node: float
    incl: float

    def to_sky(self, mu: ArrayLike, nu: ArrayLike) -> tuple[Floats, Floats]:
        """Return right ascension (0 to 360) and declination."""
        mu, nu = np.radians(np.subtract(mu, self.node)), np.radians(nu)
        x, y, z = np.cos(mu) * np.cos(nu), np.sin(mu) * np.cos(nu), np.sin(nu)
        x, y, z = _rotated(x, y, z, self.incl)
        return (_longitude(x, y) + self.node) % 360.0, _latitude(x, y, z)

    def from_sky(self, ra: ArrayLike, dec: ArrayLike) -> tuple[Floats, Floats]:
        """Return mu (0 to 360) and nu."""
        ra, dec = np.radians(np.subtract(ra, self.node)), np.radians(dec)
        x, y, z = np.cos(ra) * np.cos(dec), np.sin(ra) * np.cos(dec), np.sin(dec)
        x, y, z = _rotated(x, y, z, -self.incl)
        return (_longitude(x, y) + self.node) % 360.0, _latitude(x, y, z)


def _rotated(x: Floats, y: Floats, z: Floats, degrees: float) -> tuple[Floats, Floats, Floats]:
    """Return a direction turned about the x axis."""
    sine, cosine = np.sin(np.radians(degrees)), np.cos(np.radians(degrees))
    return x, y * cosine - z * sine, y * sine + z * cosine


def _longitude(x: Floats, y: Floats) -> Floats:
    return np.degrees(np.arctan2(y, x))


def _latitude(x: Floats, y: Floats, z: Floats) -> Floats:
    return np.degrees(np.arctan2(z, np.hypot(x, y)))


@dataclass(frozen=True, slots=True, kw_only=True)
class LinearAstrometry:
    """The astrometry of a field without distortion, right to a pixel or so.

    Attributes
    ----------
    circle : GreatCircle
        The great circle that was scanned.
    a, b, c : float
        ``mu = a + b * row + c * column``, in degrees.
    d, e, f : float
        ``nu = d + e * row + f * column``, in degrees.
    """

    circle: GreatCircle
    a: float
    b: float
    c: float
    d: float
    e: float
    f: float

    def pixel_to_sky(self, x: ArrayLike, y: ArrayLike) -> tuple[Floats, Floats]:
        """Return right ascension and declination of pixel indices (column, row), from 0."""
        column, row = _survey(x), _survey(y)
        return self.circle.to_sky(
            self.a + self.b * row + self.c * column, self.d + self.e * row + self.f * column
        )

    def sky_to_pixel(self, ra: ArrayLike, dec: ArrayLike) -> tuple[Floats, Floats]:
        """Return pixel indices (column, row), from 0."""
        mu, nu = self.circle.from_sky(ra, dec)
        mu = (mu - self.a + 180.0) % 360.0 - 180.0
        nu = nu - self.d
        determinant = self.b * self.f - self.c * self.e
        row = (self.f * mu - self.c * nu) / determinant
        column = (self.b * nu - self.e * mu) / determinant
        return column - _INDEX_TO_SURVEY, row - _INDEX_TO_SURVEY


@dataclass(frozen=True, slots=True, kw_only=True)
class Astrometry:
    """The astrometry of a frame, of its structure asTrans, for sources of colour zero.

    A source of another colour is displaced by refraction, by at most 0.007 arcsec per magnitude
    in r (D: asTrans datamodel).

    Attributes
    ----------
    linear : LinearAstrometry
        Of the distorted rows and columns.
    row_terms, column_terms : tuple of float
        The distortion in pixels: polynomials in the column.
    shape : tuple of int
        Rows and columns of the frame.
    """

    shape: tuple[int, int]
    linear: LinearAstrometry
    row_terms: tuple[float, ...]
    column_terms: tuple[float, ...]

    def pixel_to_sky(self, x: ArrayLike, y: ArrayLike) -> tuple[Floats, Floats]:
        """Return right ascension and declination of pixel indices (column, row), from 0."""
        column, row = self._undistorted(_survey(x), _survey(y))
        return self.linear.pixel_to_sky(column - _INDEX_TO_SURVEY, row - _INDEX_TO_SURVEY)

    def sky_to_pixel(self, ra: ArrayLike, dec: ArrayLike) -> tuple[Floats, Floats]:
        """Return pixel indices (column, row), from 0."""
        undistorted_x, undistorted_y = self.linear.sky_to_pixel(ra, dec)
        x = undistorted_x
        for _ in range(_ITERATIONS):
            # The polynomial runs away outside of the camera; what is there is not in the frame.
            column = np.clip(_survey(x), -self.shape[1], 2 * self.shape[1])
            x = undistorted_x - _polyval(column, self.column_terms)
        return x, undistorted_y - _polyval(column, self.row_terms)

    def pixel_area(self, x: ArrayLike, y: ArrayLike) -> Floats:
        """Return the area of pixels on the sky in square degrees."""
        linear = self.linear
        column, row = self._undistorted(_survey(x), _survey(y))
        stretch = 1 + _polyval(_survey(x), np.polynomial.polynomial.polyder(self.column_terms))
        nu = linear.d + linear.e * row + linear.f * column
        return abs(linear.b * linear.f - linear.c * linear.e) * stretch * np.cos(np.radians(nu))

    def _undistorted(self, column: Floats, row: Floats) -> tuple[Floats, Floats]:
        """Return the column and row that the linear terms are for."""
        return (
            column + _polyval(column, self.column_terms),
            row + _polyval(column, self.row_terms),
        )

    def wcs(self, *, rows: tuple[int, int] = (0, 0)) -> WCS:
        """Return a TAN-SIP of degree 3 for the pixels of the frame.

        Parameters
        ----------
        rows : tuple of int, optional
            First row, and the one behind the last, that the WCS is to be right in beside those
            of the frame; the grid goes on into the neighbouring fields.
        """
        first, last = min(rows[0], 0), max(rows[1], self.shape[0]) - 1
        return _fitted(self, first, last).deepcopy()  # its owner may move it

    def fit_wcs(self, first: int, last: int) -> WCS:
        """Return a TAN-SIP that is fitted to some rows, from the first to the last."""
        ny, nx = self.shape
        reference = np.array([(nx - 1) / 2, (ny - 1) / 2])
        ra0, dec0 = (float(value) for value in self.pixel_to_sky(*reference))
        x = np.linspace(0, nx - 1, _SAMPLES)
        y = np.linspace(first, last, _SAMPLES)
        u, v = (axis.ravel() for axis in np.meshgrid(x - reference[0], y - reference[1]))
        plane = _gnomonic(*self.pixel_to_sky(u + reference[0], v + reference[1]), ra0, dec0)
        forward, terms = _polynomial(u, v, plane, 3)
        cd = forward[:2].T
        distortion = np.linalg.solve(cd, forward.T)
        straight = np.linalg.solve(cd, plane)
        inverse, inverse_terms = _polynomial(straight[0], straight[1], np.array([u, v]), 4)
        inverse[:2] -= np.eye(2)
        wcs = _tan_wcs(reference + 1, (ra0, dec0), cd, suffix="-SIP")
        wcs.sip = Sip(
            *(_sip_matrix(row[2:], terms[2:], 3) for row in distortion),
            *(_sip_matrix(row, inverse_terms, 4) for row in inverse.T),
            reference + 1,
        )
        return wcs


def _survey(index: ArrayLike) -> Floats:
    """Return rows or columns as the survey counts them."""
    return np.asarray(index, dtype=np.float64) + _INDEX_TO_SURVEY


def _polyval(x: Floats, terms: Any) -> Floats:
    return np.asarray(np.polynomial.polynomial.polyval(x, terms))


# The distortion is less than 1 part in 1000, so that each iteration gives three digits.
_ITERATIONS = 5
_SAMPLES = 24


def _gnomonic(ra: Floats, dec: Floats, ra0: float, dec0: float) -> Floats:
    """Return the two coordinates in degrees on the plane that touches the sky at a position."""
    longitude, latitude = np.radians(ra - ra0), np.radians(dec)
    sine, cosine = np.sin(np.radians(dec0)), np.cos(np.radians(dec0))
    depth = sine * np.sin(latitude) + cosine * np.cos(latitude) * np.cos(longitude)
    east = np.cos(latitude) * np.sin(longitude)
    north = cosine * np.sin(latitude) - sine * np.cos(latitude) * np.cos(longitude)
    return np.degrees([east / depth, north / depth])


@functools.lru_cache(maxsize=64)
def _fitted(astrometry: Astrometry, first: int, last: int) -> WCS:
    """Return a fit; most cutouts of a frame have the same, which takes as long as all the rest."""
    return astrometry.fit_wcs(first, last)


def _polynomial(
    u: Floats, v: Floats, values: Floats, degree: int
) -> tuple[Floats, list[tuple[int, int]]]:
    """Return the coefficients, one row per term, of polynomials that vanish at the origin.

    The first two terms are those of ``u`` and ``v``.
    """
    terms = [(n - q, q) for n in range(1, degree + 1) for q in range(n + 1)]
    size = max(np.abs(u).max(), np.abs(v).max())
    matrix = np.stack([(u / size) ** p * (v / size) ** q for p, q in terms], axis=1)
    coefficients = np.linalg.lstsq(matrix, values.T, rcond=None)[0]
    return coefficients / np.array([[size ** (p + q)] for p, q in terms]), terms


def _sip_matrix(coefficients: Floats, terms: list[tuple[int, int]], degree: int) -> Floats:
    matrix = np.zeros((degree + 1, degree + 1))
    for value, (p, q) in zip(coefficients, terms, strict=True):
        matrix[p, q] = value
    return matrix


def _tan_wcs(crpix: Any, crval: Any, cd: Any, *, suffix: str = "") -> WCS:
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = [f"RA---TAN{suffix}", f"DEC--TAN{suffix}"]
    wcs.wcs.cunit = ["deg", "deg"]
    wcs.wcs.crpix, wcs.wcs.crval, wcs.wcs.cd = crpix, crval, cd
    # The default is 0 where CRVAL2 is 90, which would turn the image of a pole around.
    wcs.wcs.lonpole = 180.0
    wcs.wcs.radesys = "ICRS"
    wcs.wcs.set()
    return wcs


def north_up_wcs(ra: float, dec: float, *, scale: float, width: int, height: int) -> WCS:
    """Return a TAN projection, north up and east left, with the position in its middle.

    Rows count from the south, as FITS has it. ``scale`` is in arcsec per pixel.
    """
    degrees = scale / 3600.0
    middle = [(width + 1) / 2, (height + 1) / 2]
    wcs = _tan_wcs(middle, [ra, dec], [[-degrees, 0.0], [0.0, degrees]])
    wcs.pixel_shape = (width, height)
    return wcs


def wcs_cards(wcs: WCS) -> list[str]:
    """Return the cards of one of these WCS, with a CD matrix and with all digits."""
    cards = [card("WCSAXES", 2)]
    for n, name in enumerate(wcs.wcs.ctype, start=1):
        cards.append(card(f"CTYPE{n}", str(name)))
        cards.append(card(f"CUNIT{n}", "deg"))
        pixel, world = float(wcs.wcs.crpix[n - 1]), float(wcs.wcs.crval[n - 1])
        cards.append(card(f"CRPIX{n}", pixel, "[pix] the first pixel's centre is 1"))
        cards.append(card(f"CRVAL{n}", world, "[deg]"))
    for i, j in ((1, 1), (1, 2), (2, 1), (2, 2)):
        cards.append(card(f"CD{i}_{j}", float(wcs.wcs.cd[i - 1, j - 1]), "[deg/pix]"))
    cards += [card("LONPOLE", 180.0), card("RADESYS", "ICRS")]
    for prefix in ("A", "B", "AP", "BP") if wcs.sip is not None else ():
        cards += _sip_cards(prefix, getattr(wcs.sip, prefix.lower()))
    return cards


def _sip_cards(prefix: str, matrix: Floats) -> list[str]:
    cards = [card(f"{prefix}_ORDER", len(matrix) - 1)]
    places = np.argwhere(matrix).tolist()
    return cards + [card(f"{prefix}_{p}_{q}", float(matrix[p, q])) for p, q in places]
