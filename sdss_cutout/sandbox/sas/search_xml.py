"""The XML that the field searches answer when no other format is asked for.

It is what .NET's serializer makes of the classes in SDSSFields/*.cs (S). The WCS has the server's
own mistake: its CD terms by row stand where those by column belong.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

import numpy as np

from sdss_cutout.sandbox.survey import astrometry, camera

if TYPE_CHECKING:
    from collections.abc import Callable

    Row = dict[str, Any]

_HEAD = '<?xml version="1.0" encoding="utf-8"?>\n'
_SPACES = (
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
    'xmlns:xsd="http://www.w3.org/2001/XMLSchema"'
)


def _element(name: str, value: object) -> str:
    return f"<{name}>{escape(str(value))}</{name}>"


def _strings(values: list[str]) -> str:
    items = "".join(f"  {_element('string', value)}\n" for value in values)
    return f"{_HEAD}<ArrayOfString {_SPACES}>\n{items}</ArrayOfString>"


def urls(names: list[str], table: list[Row], _shape: tuple[int, int]) -> str:
    """ArrayOfString with all URLs."""
    return _strings([row[name] for row in table for name in names])


def numbers(_names: list[str], table: list[Row], _shape: tuple[int, int]) -> str:
    """ArrayOfString with run, rerun, camcol and field."""
    columns = ("run", "rerun", "camcol", "field")
    return _strings([",".join(str(row[name]) for name in columns) for row in table])


def fields(_names: list[str], table: list[Row], shape: tuple[int, int]) -> str:
    """ArrayOfField with the astrometry of each band."""
    items = "".join(_field(row, shape) for row in table)
    return f"{_HEAD}<ArrayOfField {_SPACES}>\n{items}</ArrayOfField>"


def _field(row: Row, shape: tuple[int, int]) -> str:
    columns = ("stripe", "run", "rerun", "camcol", "field", "fieldId", "node", "incl")
    head = "".join(_element(name, row[name]) for name in columns)
    bands = "".join(_band(row, band, shape) for band in camera.BANDS)
    links = "".join(_element("string", row[f"{band}_url"]) for band in camera.BANDS)
    return (
        f"  <Field>{head}<passband>{bands}</passband><bandUrls>{links}</bandUrls>"
        "<bandUrl /></Field>\n"
    )


def _band(row: Row, band: str, shape: tuple[int, int]) -> str:
    centre, wcs = server_wcs(row, band, shape)
    middle = "".join(_element(name, value) for name, value in centre.items())
    keys = "".join(_element(name, value) for name, value in wcs.items())
    return (
        f'<Band filter="{band}">{_element("url", row[f"{band}_url"])}<pixperdeg>9088</pixperdeg>'
        f"<center>{middle}</center><wcs>{keys}</wcs></Band>"
    )


def server_wcs(row: Row, band: str, shape: tuple[int, int]) -> tuple[Row, Row]:
    """Centre and WCS as the server computes them, step for step (S: Band.cs)."""
    rows, cols = shape
    a, b, c, d, e, f = (row[f"{term}_{band}"] for term in "abcdef")
    col, line = cols // 2, rows // 2
    mu0, nu0 = a + col * c + line * b, d + col * f + line * e
    ra0, dec0 = (float(x) for x in astrometry.sky_of(mu0, nu0, row["node"], row["incl"]))
    mu = np.repeat([a, a + cols * c + rows * b], 2) - mu0
    nu = np.tile([d, d + cols * f + rows * e], 2) - nu0
    ra, dec = astrometry.sky_of(mu + mu0, nu + nu0, row["node"], row["incl"])
    matrix = np.array([[mu @ mu, mu @ nu], [mu @ nu, nu @ nu]])
    p, q = np.linalg.solve(matrix, [(ra - ra0) @ mu, (ra - ra0) @ nu])  # wrong at RA 0, too
    s, r = np.linalg.solve(matrix, [(dec - dec0) @ mu, (dec - dec0) @ nu])
    squeeze = float(np.cos(np.radians(dec0)))
    wcs = {
        "NAXIS1": cols, "NAXIS2": rows, "CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN",
        "CUNIT1": "deg", "CUNIT2": "deg", "EPOCH": "J2000", "CRPIX1": col + 0.5,
        "CRPIX2": line + 0.5, "CRVAL1": ra0, "CRVAL2": dec0,
        "CD1_1": float(p * b + q * e) * squeeze, "CD1_2": float(s * b + r * e) * squeeze,
        "CD2_1": float(p * c + q * f), "CD2_2": float(s * c + r * f),
    }  # fmt: skip
    return {"ra": ra0, "dec": dec0, "mu": mu0, "nu": nu0}, wcs


WRITERS: dict[str, Callable[[list[str], list[Row], tuple[int, int]], str]] = {
    "urlsoffields": urls,
    "listoffields": numbers,
    "fieldarray": fields,
    "fieldarrayrect": fields,
}
