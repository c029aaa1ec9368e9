"""What is asked: few requests, each of whose answers serves several facts. Pure.

A question whose request depends on an answer, as the picture of a star that SQL finds, is asked
after it, and not at all where that answer did not come.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote, urlencode

import numpy as np

from sdss_cutout._check.answers import Answers
from sdss_cutout._check.asked import (
    CLIPPED,
    FIELD_RA_DEC,
    FIELD_RADIUS,
    GALACTIC_CENTRE,
    PLAIN,
    WIDE,
    Geometry,
    around_star,
    cutout_request,
    picture_url,
)
from sdss_cutout._check.verdicts.fields import BAND, frame_key
from sdss_cutout._check.verdicts.marks import CLIPPED_MARK, WIDE_MARKS
from sdss_cutout._check.verdicts.tables import star
from sdss_cutout._request.field_search import FieldSearch, primary_sql
from sdss_cutout._request.site import Site
from sdss_cutout._service.sas import FIELD_SEARCH_PATH, SAS
from sdss_cutout._transfer.sql.query import query_request

__all__ = ["QUESTIONS", "Question"]

# No answer here is larger, but for the frame.
_LARGEST_BODY = 4 * 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One request.

    Attributes
    ----------
    id : str
        What the answer is called.
    url : callable
        Returns the URL for the answers so far and the root of the SAS.
    largest_body : int
        No right answer has more bytes than this.
    of_frames : bool
        Whether the SAS is asked.
    """

    id: str
    url: Callable[[Answers, str], str]
    largest_body: int = _LARGEST_BODY
    of_frames: bool = False


def _of_site(make: Callable[[Site], str]) -> Callable[[Answers, str], str]:
    return lambda answers, _: make(answers.site)


def _picture(geometry: Geometry, **other: object) -> Callable[[Answers, str], str]:
    return _of_site(lambda site: picture_url(site, geometry, **other))  # type: ignore[arg-type]


def _marks(geometry: Geometry, west: tuple[float, ...]) -> Callable[[Answers, str], str]:
    """Ask for a picture with marks, so many degrees to the west of its middle."""
    lines = [f"{geometry.ra - degrees:.10f} {geometry.dec}" for degrees in west]
    return _picture(geometry, query="\n".join(["ra dec", *lines]))


def _results_page(sql: str) -> Callable[[Answers, str], str]:
    return _of_site(lambda site: query_request(sql, site).url)


def _sql_search(sql: str, **form: str) -> Callable[[Answers, str], str]:
    def url(site: Site) -> str:
        path = f"/dr{site.release}/SkyServerWS/SearchTools/SqlSearch"
        return f"{site.base_url}{path}?{urlencode({'cmd': sql} | form, quote_via=quote)}"

    return _of_site(url)


def _star_sql() -> str:
    """Return a query for a star within 15 arcmin, as the server's own filter for marks has it."""
    nearby = f"dbo.fGetNearbyObjEq({PLAIN.ra},{PLAIN.dec},15)"
    return (
        f"SELECT TOP 1 s.objID, s.ra, s.dec, s.r FROM {nearby} n "  # noqa: S608
        "JOIN Star s ON s.objID = n.objID WHERE s.r BETWEEN 16 AND 17 ORDER BY s.r"
    )


def _field_array(site: Site) -> str:
    ra, dec = FIELD_RA_DEC
    return FieldSearch(ra=ra, dec=dec, radius=FIELD_RADIUS, rows=np.arange(0)).url(site)


def _field_urls(site: Site) -> str:
    ra, dec = FIELD_RA_DEC
    path = FIELD_SEARCH_PATH.format(release=site.release).replace("FieldArray", "UrlsOfFields")
    query = f"ra={ra}&dec={dec}&radius={FIELD_RADIUS}&band={BAND}&format=csv"
    return f"{site.base_url}{path}?{query}"


def _star_picture(answers: Answers, _frames_url: str) -> str:
    return cutout_request(answers.site, around_star(*star(answers))).url


def _frame(answers: Answers, frames_url: str) -> str:
    return frame_key(answers).url(frames_url, SAS, answers.site.release)


_WRONG_SQL = "SELECT TOP 1 no_such_column FROM Star"
_REFUSED_SQL = "SELECT TOP (1) objID FROM Star"  # S: spSQLSupport.sql
_PRIMARY_SQL = primary_sql(*([value] for value in FIELD_RA_DEC))
_PLAIN_SQL = "SELECT TOP 1 ra, dec FROM Star WHERE r BETWEEN 16 AND 17"

QUESTIONS = (
    Question(id="plain", url=_of_site(lambda site: cutout_request(site, PLAIN).url)),
    Question(id="clipped", url=_marks(CLIPPED, (CLIPPED_MARK,))),
    Question(id="wide", url=_marks(WIDE, WIDE_MARKS)),
    Question(id="wrapped", url=_picture(PLAIN, ra=PLAIN.ra + 180, dec=180 - PLAIN.dec)),
    Question(id="outside", url=_of_site(lambda site: cutout_request(site, GALACTIC_CENTRE).url)),
    Question(id="malformed", url=_picture(PLAIN, ra="east")),
    Question(id="grid", url=_picture(PLAIN, opt="GI")),
    Question(id="labelled", url=_picture(PLAIN, opt="RL", query="nothing")),
    Question(id="two_mass", url=_picture(Geometry(
        ra=PLAIN.ra, dec=PLAIN.dec, scale=1.0, width=64, height=64), opt="X")),
    Question(id="star_sql", url=_results_page(_star_sql())),
    Question(id="star", url=_star_picture),
    Question(id="wrong_sql", url=_results_page(_WRONG_SQL)),
    Question(id="refused_sql", url=_results_page(_REFUSED_SQL)),
    Question(id="primary_sql", url=_sql_search(_PRIMARY_SQL, format="csv")),
    Question(id="json_sql", url=_sql_search(_PLAIN_SQL)),
    Question(id="rest_error", url=_sql_search(_WRONG_SQL, format="csv")),
    Question(id="field_array", url=_of_site(_field_array)),
    Question(id="field_urls", url=_of_site(_field_urls)),
    Question(id="frame", url=_frame, largest_body=SAS.max_frame_bytes, of_frames=True),
)  # fmt: skip
