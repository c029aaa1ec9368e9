"""Searches for the fields around targets: few for many targets that lie together. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sdss_cutout._request.calibrated import CalibratedBatch, cells_of
from sdss_cutout._request.numbers import number_texts
from sdss_cutout._request.site import Site
from sdss_cutout._service.sas import FIELD_SEARCH_PATH

__all__ = ["MAX_POSITIONS", "FieldSearch", "group_searches", "primary_sql"]

Floats = NDArray[np.float64]

# Positions in one query: it stays below 10,000 characters.
MAX_POSITIONS = 40


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FieldSearch:
    """One search for fields, for targets that lie together.

    Attributes
    ----------
    ra, dec : float
        Its middle, ICRS degrees.
    radius : float
        Arcmin within which the centres of the fields lie.
    rows : ndarray of int
        The targets, by their rows in the batch.
    """

    ra: float
    dec: float
    radius: float
    rows: NDArray[np.int64]

    def url(self, site: Site) -> str:
        """Return the URL; its answer is JSON, read by `read_fields`."""
        head = site.base_url + FIELD_SEARCH_PATH.format(release=site.release)
        ra, dec, radius = number_texts(np.array([self.ra, self.dec, self.radius]))
        return f"{head}?ra={ra}&dec={dec}&radius={radius}&format=json"


def group_searches(batch: CalibratedBatch) -> list[FieldSearch]:
    """Return the searches that find the fields of all targets, neighbours one behind the other."""
    cells = cells_of(batch.ra, batch.dec)
    _, numbers = np.unique(cells, axis=1, return_inverse=True)
    order = np.argsort(numbers, kind="stable")
    starts = np.flatnonzero(np.diff(numbers[order])) + 1
    return [_search(batch, rows) for rows in np.split(order, starts) if len(rows)]


def _search(batch: CalibratedBatch, rows: NDArray[np.int64]) -> FieldSearch:
    part = batch.take(rows)
    if len(rows) == 1:
        return FieldSearch(
            ra=float(part.ra[0]), dec=float(part.dec[0]), radius=float(part.radii()[0]), rows=rows
        )
    vectors = _vectors(part.ra, part.dec)
    middle = vectors.mean(axis=1)
    middle /= np.linalg.norm(middle)
    # The chord is shorter than the arc by less than a millionth of what a field reaches.
    apart = np.degrees(np.linalg.norm(vectors - middle[:, np.newaxis], axis=0)) * 60
    return FieldSearch(
        ra=round(math.degrees(math.atan2(middle[1], middle[0])) % 360.0, 6) % 360.0,
        dec=round(math.degrees(math.asin(max(-1.0, min(1.0, middle[2])))), 6),
        radius=round(math.ceil(float((apart + part.radii()).max()) * 100) / 100 + 0.01, 2),
        rows=rows,
    )


def _vectors(ra: Floats, dec: Floats) -> Floats:
    ra, dec = np.radians(ra), np.radians(dec)
    return np.stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)])


# S: sqlloader WindowTables.sql, spRegion.sql (fFootprintEq joins the same tables).
_PRIMARY = (
    "SELECT {row} AS target, p.primaryFieldID FROM dbo.fPolygonsContainingPointEq({ra},{dec},0) q "
    "JOIN Region g ON g.regionid=q.regionid JOIN sdssPolygons p ON p.sdssPolygonID=g.id"
)


def primary_sql(ra: Iterable[float], dec: Iterable[float]) -> str:
    """Return the query for the primary fields at some positions.

    Its answer has the columns ``target``, the place in this list from 0, and ``primaryFieldID``;
    a position outside of the survey's primary area has no row. At most `MAX_POSITIONS` at once.
    """
    texts = zip(*(number_texts(np.asarray(values, float)) for values in (ra, dec)), strict=True)
    queries = [_PRIMARY.format(row=row, ra=r, dec=d) for row, (r, d) in enumerate(texts)]
    return " UNION ALL ".join(queries)
