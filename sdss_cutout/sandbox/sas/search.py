"""The server's searches for fields: UrlsOfFields, ListOfFields, FieldArray, FieldArrayRect.

``S:`` is the server's public source (sciserver/SkyServerWS): SDSSFields/NewSDSSFields.cs,
FieldQueries.cs, Field.cs, Band.cs; Common/ProcessDataSet.cs.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

from sdss_cutout.sandbox.http.response import Response, error_json
from sdss_cutout.sandbox.sas import paths, records, search_xml
from sdss_cutout.sandbox.sql.results import Rows
from sdss_cutout.sandbox.survey import camera

if TYPE_CHECKING:
    from collections.abc import Callable

    from sdss_cutout.sandbox.survey.fields import Field, Survey

MISSING_TEXT = (  # S: NewSDSSFields.cs
    "There are not enough parameters to process your request Or Parameters values are not "
    "properly entered."
)
MALFORMED_TEXT = "InputParameters are not in proper format."  # S: NewSDSSFields.cs
MOST_ARCMIN = 120.0  # our own limit: wider searches would take too long
_LIST = ("run", "rerun", "camcol", "field", "fieldId", "ra", "dec", "raMin", "raMax", "decMin",
         "decMax")  # fmt: skip  # S: FieldQueries.cs


class SearchError(ValueError):
    """A search that the server answers with 400."""


def answer(survey: Survey, kind: str, query: dict[str, str], release: int) -> Response:
    """The answer of one of the four routes, named in lower case."""
    try:
        fields = _find(survey, kind, query)
    except SearchError as error:
        return error_json(400, str(error))
    names, table = _TABLES[kind](fields, survey, query, release)
    form = query.get("format", "xml").lower()
    rows = Rows(names, [tuple(row[name] for name in names) for row in table])
    if form in ("csv", "txt", "text/plain"):
        return Response(200, rows.as_csv().encode(), "text/plain; charset=utf-8")
    if form in ("json", "application/json"):
        return Response(200, rows.as_json().encode(), "application/json; charset=utf-8")
    text = search_xml.WRITERS[kind](names, table, survey.shape)
    return Response(200, text.encode(), "application/xml; charset=utf-8")


def _find(survey: Survey, kind: str, query: dict[str, str]) -> list[Field]:
    if kind == "fieldarrayrect":
        return _in_rectangle(survey, *_numbers(query, "ra", "dec", "dra", "ddec"))
    ra, dec, radius = _numbers(query, "ra", "dec", "radius")
    if radius < 0 or not 0 <= ra <= 360 or not -90 <= dec <= 90:  # S: CheckLimits
        raise SearchError(MISSING_TEXT)
    if radius > MOST_ARCMIN:
        raise SearchError(f"The sandbox searches up to {MOST_ARCMIN} arcmin.")
    return [field for _, field in survey.near(ra, dec, radius)]


def _numbers(query: dict[str, str], *names: str) -> list[float]:
    if any(name not in query for name in names):  # S: names in this case only
        raise SearchError(MISSING_TEXT)
    try:
        values = [float(query[name]) for name in names]
    except ValueError as error:
        raise SearchError(MALFORMED_TEXT) from error
    if not all(map(math.isfinite, values)):
        raise SearchError(MALFORMED_TEXT)
    return values


def _in_rectangle(survey: Survey, ra: float, dec: float, dra: float, ddec: float) -> list[Field]:
    """Fields that a rectangle touches, by plain comparison: wrong at RA 0 (S: SqlRectCommand)."""
    radius = 60 * math.hypot(dra * math.cos(math.radians(dec)), ddec) + 2 * survey.field_radius
    if not (radius <= MOST_ARCMIN and abs(dec) <= 90):
        raise SearchError(f"The sandbox searches up to {MOST_ARCMIN} arcmin.")

    def touches(field: Field) -> bool:
        box = records.position(field)
        return (
            box["raMax"] >= ra - dra and box["raMin"] <= ra + dra
            and box["decMax"] >= dec - ddec and box["decMin"] <= dec + ddec
        )  # fmt: skip

    return [field for _, field in survey.near(ra % 360.0, dec, radius) if touches(field)]


_Table = tuple[list[str], list[dict[str, Any]]]


def _urls(fields: list[Field], _survey: Survey, query: dict[str, str], release: int) -> _Table:
    wanted = query.get("band", "all")
    bands = list(camera.BANDS) if wanted == "all" else re.findall(r"\w+", wanted)
    table = [{f"{band}_url": paths.url(one, band, release) for band in bands} for one in fields]
    return [f"{band}_url" for band in bands], table


def _list(fields: list[Field], _survey: Survey, _query: dict[str, str], _release: int) -> _Table:
    table = [records.numbers(one) | records.position(one) for one in fields]
    return list(_LIST), [row | {"fieldId": row["fieldID"]} for row in table]


def _array(fields: list[Field], _survey: Survey, _query: dict[str, str], release: int) -> _Table:
    bands, terms = camera.BANDS, "abcdef"
    names = ["run", "rerun", "camcol", "field", "fieldId", "stripe", "strip", "ra", "dec"]
    names += ["raMin", "raMax", "decMin", "decMax", "mu", "nu", "incl", "node", *terms, "quality"]
    names += [f"{term}_{band}" for band in bands for term in terms]
    names += [f"{band}_url" for band in bands]
    table = []
    for one in fields:
        row = records.frame_row(one) | records.linear_columns(one)
        row |= {"fieldId": one.field_id, "quality": records.QUALITY}
        table.append(row | {f"{band}_url": paths.url(one, band, release) for band in bands})
    return names, table


_TABLES: dict[str, Callable[[list[Field], Survey, dict[str, str], int], _Table]] = {
    "urlsoffields": _urls,
    "listoffields": _list,
    "fieldarray": _array,
    "fieldarrayrect": _array,
}
