"""Which frames a cutout is made of, chosen from the fields that a search found. Pure.

The search gives every field whose centre is near, of every run: in Stripe 82 that is a hundred
epochs. A native cutout is of one run and camera column; a mosaic takes the field of its centre
first and others only where that one has nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sdss_cutout._frames.astrometry import GreatCircle, LinearAstrometry
from sdss_cutout._frames.frame import FrameKey
from sdss_cutout._frames.mosaic import Grid
from sdss_cutout._service.sas import FrameArchive

__all__ = [
    "Field",
    "central_field",
    "fields_of_mosaic",
    "fields_of_rows",
    "read_fields",
    "strips_at",
]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field, as the server's search describes it.

    Attributes
    ----------
    run, camcol, field : int
        Its numbers.
    rerun : str
        Which processing.
    field_id : int
        Its identifier in the database.
    ra, dec : float
        Its centre, ICRS degrees.
    astrometry : LinearAstrometry
        Where its pixels are in r, to a pixel or so; other bands differ by a few pixels.
    archive : FrameArchive
        The facts about frames.
    quality : int
        3 is good, 2 acceptable, 1 bad, 4 missing, 5 a hole.
    score : float
        0 to 1; NaN if the search does not tell.
    primary_area : float
        Square degrees in which this field is the primary one; NaN if the search does not tell.
    """

    run: int
    rerun: str
    camcol: int
    field: int
    field_id: int
    ra: float
    dec: float
    astrometry: LinearAstrometry
    archive: FrameArchive
    quality: int = 3
    score: float = math.nan
    primary_area: float = math.nan

    def key(self, band: str) -> FrameKey:
        """Return which frame it is in a band."""
        return FrameKey(self.run, self.rerun, self.camcol, self.field, band)

    @property
    def strip(self) -> tuple[int, str, int]:
        """The run, rerun and camera column: fields of one strip share their grid."""
        return self.run, self.rerun, self.camcol


def read_fields(rows: Iterable[Mapping[str, Any]], archive: FrameArchive) -> list[Field]:
    """Return the fields in the rows of a search.

    ``rows`` have the columns of ``SDSSFields/FieldArray``, or of ``Frame`` joined with ``Field``
    in SQL, in any case: run, rerun, camcol, field, fieldID, ra, dec, a to f, node, incl, and
    quality, score and primaryArea where they are known. Fields of other reruns, those that are
    missing, and repeated ones are left out.
    """
    fields = {}
    for row in rows:
        field = _field({str(name).lower(): value for name, value in row.items()}, archive)
        if field.rerun == archive.rerun and field.quality not in _MISSING:
            fields[field.field_id] = field
    return sorted(fields.values(), key=lambda f: (f.strip, f.field))


# S: sqlloader, the enumerated values of FieldQuality.
_MISSING = (4, 5)
_QUALITY_ORDER = {3: 0, 2: 1, 1: 2}


def _field(row: Mapping[str, Any], archive: FrameArchive) -> Field:
    circle = GreatCircle(node=float(row["node"]), incl=float(row["incl"]))
    return Field(
        run=int(row["run"]),
        rerun=str(row["rerun"]).strip(),
        camcol=int(row["camcol"]),
        field=int(row["field"]),
        field_id=int(row["fieldid"]),
        ra=float(row["ra"]),
        dec=float(row["dec"]),
        astrometry=LinearAstrometry(circle=circle, **{n: float(row[n]) for n in "abcdef"}),
        archive=archive,
        quality=int(row.get("quality", 3)),
        score=_or_nan(row.get("score")),
        primary_area=_or_nan(row.get("primaryarea")),
    )


def _or_nan(value: Any) -> float:
    return math.nan if value is None or np.ma.is_masked(value) else float(value)


def central_field(
    fields: Sequence[Field], ra: float, dec: float, *, primary: int | None = None
) -> Field | None:
    """Return the field that a cutout starts from, or None if no run covers its centre.

    Of the run whose primary area holds the centre, where that is known: ``primary`` is the
    identifier of the primary field there. Else the field with the largest primary area, the
    best score, and the best quality, in this order, as far as the search tells them; else the
    one whose columns have the centre farthest from their edge. Of the two fields that overlap
    along a run it is the one that has the centre farther from its end.
    """
    inside = _covering(fields, ra, dec)
    if not inside:
        return None
    known = {field.field_id: field.strip for field in fields}.get(primary or 0)
    best = min(inside, key=lambda found: _rank(found[0], found[1], found[2], known))
    same = [found for found in inside if found[0].strip == best[0].strip]
    return min(same, key=lambda found: abs(found[2] - (found[0].archive.shape[0] - 1) / 2))[0]


def strips_at(fields: Sequence[Field], ra: float, dec: float) -> set[tuple[int, str, int]]:
    """Return the strips that cover a position; where there are several one must be chosen."""
    return {field.strip for field, _, _ in _covering(fields, ra, dec)}


def _covering(fields: Sequence[Field], ra: float, dec: float) -> list[tuple[Field, float, float]]:
    """Return the fields that cover a position, with its column and row there."""
    places = [(field, *_place(field, ra, dec)) for field in fields]
    return [found for found in places if _is_inside(*found)]


def _place(field: Field, ra: float, dec: float) -> tuple[float, float]:
    x, y = field.astrometry.sky_to_pixel(ra, dec)
    return float(x), float(y)


def _is_inside(field: Field, x: float, y: float) -> bool:
    rows, columns = field.archive.shape
    return 0 <= x + 0.5 < columns and 0 <= y + 0.5 < rows


def _rank(field: Field, x: float, y: float, primary: tuple[int, str, int] | None) -> Any:
    """Return what sorts fields that cover the centre; the smallest is the best."""
    rows, columns = field.archive.shape
    overlap = rows - field.archive.rows_per_field
    in_overlap = not overlap / 2 <= y + 0.5 < rows - overlap / 2
    from_edge = min(x, columns - 1 - x)
    return (field.strip != primary, in_overlap, *_merit(field), -round(from_edge), field.strip)


def _merit(field: Field) -> tuple[float, float, int]:
    """Return what sorts fields by how good they are, as far as the search tells."""
    area, score = (-np.nan_to_num(value) for value in (field.primary_area, field.score))
    return float(area), float(score), _QUALITY_ORDER.get(field.quality, 3)


def fields_of_rows(
    fields: Iterable[Field], centre: Field, offsets: Iterable[int]
) -> dict[int, Field]:
    """Return the fields of a run at some distances from that of the centre, where they exist."""
    wanted = set(offsets)
    strip = [field for field in fields if field.strip == centre.strip]
    return {
        field.field - centre.field: field for field in strip if field.field - centre.field in wanted
    }


def fields_of_mosaic(fields: Sequence[Field], grid: Grid, centre: Field) -> list[Field]:
    """Return the fields that a mosaic needs, in the order in which they are taken.

    The field of the centre is first, then its run and camera column, its run, and the other
    runs, the best first. One that has nothing to add to those before it is left out.
    """
    x, y = (axis.ravel() for axis in _points(grid))
    ra, dec = grid.wcs().all_pix2world(x, y, 0)
    ordered = sorted(fields, key=lambda field: _mosaic_order(field, centre))
    chosen, free = [], np.ones(ra.shape, dtype=bool)
    for margin in (_MARGIN, 0):
        for field in ordered:
            if free.any():
                rows = np.flatnonzero(free)
                taken = rows[_has(field, ra[rows], dec[rows], margin)]
                free[taken] = False
                chosen += [field] if taken.size and field not in chosen else []
    return chosen


# Well inside in every band: the mosaic's own margin, the offsets of the bands, the distortion.
_MARGIN = 32
# Points are closer than that margin, so that nothing between two of them is left out.
_POINTS_APART = 8.0  # arcsec


def _points(grid: Grid) -> list[NDArray[Any]]:
    """Return pixels all over a mosaic, its edges among them."""
    sides = (
        np.linspace(-0.5, size - 0.5, max(math.ceil(size * grid.scale / _POINTS_APART), 8) + 1)
        for size in (grid.width, grid.height)
    )
    return [*np.meshgrid(*sides)]


def _mosaic_order(field: Field, centre: Field) -> Any:
    return (
        field != centre,
        field.strip != centre.strip,
        field.run != centre.run,
        *_merit(field),
        field.strip,
        abs(field.field - centre.field),
        field.field,
    )


def _has(field: Field, ra: Floats, dec: Floats, margin: int) -> NDArray[np.bool_]:
    x, y = field.astrometry.sky_to_pixel(ra, dec)
    low = margin - 0.5
    rows, columns = field.archive.shape
    return (x > low) & (x < columns - 1 - low) & (y > low) & (y < rows - 1 - low)
