"""Facts of the real server that the sandbox can break: for tests of what checks these facts."""

from __future__ import annotations

import io
import json
import math
import re
import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from PIL import Image

from sdss_cutout.sandbox import projection, rules
from sdss_cutout.sandbox.http.response import Response, error_json, html
from sdss_cutout.sandbox.pictures import jpeg
from sdss_cutout.sandbox.sas import damage
from sdss_cutout.sandbox.sql.results import Rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from sdss_cutout.sandbox.http.request import Request
    from sdss_cutout.sandbox.rules import PictureRequest

MOST_PIXELS = 4096  # of a side that is drawn where the server's limits are broken


@dataclass(frozen=True, slots=True, kw_only=True)
class Deviation:
    """One way in which a server can differ from what is known of SkyServer.

    Attributes
    ----------
    text : str
        What the server then does.
    respond : callable, optional
        Makes a response in place of the correct one, or None where the fact is not concerned.
    redraw : callable, optional
        Changes what is drawn.
    change : callable, optional
        Changes the correct response.
    """

    text: str
    respond: Callable[[Request], Response | None] | None = None
    redraw: Callable[[Request, PictureRequest], PictureRequest] | None = None
    change: Callable[[Request, Response], Response] | None = None


class BrokenFacts:
    """The facts that are broken at present, of those in a table. Safe in threads."""

    def __init__(self, table: Mapping[str, Deviation], facts: Iterable[str] = ()) -> None:
        self._table = table
        self._facts: tuple[str, ...] = ()
        self._lock = threading.Lock()
        self.add(*facts)

    def add(self, *facts: str) -> None:
        """Break more of them."""
        for fact in facts:
            if fact not in self._table:
                known = ", ".join(self._table)
                raise ValueError(f"{fact!r} is not a fact that can be broken; these are {known}")
        with self._lock:
            self._facts = tuple(dict.fromkeys((*self._facts, *facts)))

    def clear(self) -> None:
        """Restore all facts."""
        with self._lock:
            self._facts = ()

    def response_to(self, request: Request, correct: Callable[[Request], Response]) -> Response:
        """The response to a request, given the correct one."""
        deviations = [self._table[fact] for fact in self._facts]
        for deviation in deviations:
            response = deviation.respond(request) if deviation.respond else None
            if response is not None:
                return response
        response = correct(request)
        for deviation in deviations:
            response = deviation.change(request, response) if deviation.change else response
        return response

    def drawn(self, request: Request, wanted: PictureRequest) -> PictureRequest:
        """What is drawn for a request."""
        for deviation in (self._table[fact] for fact in self._facts):
            wanted = deviation.redraw(request, wanted) if deviation.redraw else wanted
        return wanted


def _parameter(request: Request, name: str) -> str | None:
    found = [value for key, value in request.query.items() if key.lower() == name]
    return found[0] if found else None


def _missing(*routes: str) -> Callable[[Request], Response | None]:
    def respond(request: Request) -> Response | None:
        return html(404, "<h1>404 Not Found</h1>\n") if request.route in routes else None

    return respond


def _other_case(request: Request) -> Response | None:
    differs = re.search(r"/DR\d|/SkyserverWS/", request.path) is not None
    return html(404, "<h1>404 Not Found</h1>\n") if differs else None


def _without_clipping(request: Request, wanted: PictureRequest) -> PictureRequest:
    width, height = _parameter(request, "width"), _parameter(request, "height")
    return replace(
        wanted, width=_side(width, wanted.width), height=_side(height, wanted.height)
    )  # fmt: skip


def _side(text: str | None, usual: int) -> int:
    return min(max(1, int(text)), MOST_PIXELS) if text else usual


def _scale_as_given(request: Request, wanted: PictureRequest) -> PictureRequest:
    scale = float(_parameter(request, "scale") or wanted.scale)
    return replace(wanted, scale=scale) if 1e-4 <= scale <= 1e5 else wanted


def _other_defaults(request: Request, wanted: PictureRequest) -> PictureRequest:
    given = [_parameter(request, side) is not None for side in ("width", "height")]
    return replace(
        wanted,
        width=wanted.width if given[0] else 2 * rules.DEFAULT_SIZE,
        height=wanted.height if given[1] else 2 * rules.DEFAULT_SIZE,
    )


def _shifted(_request: Request, wanted: PictureRequest) -> PictureRequest:
    """Half a pixel to the left and upwards, by another centre."""
    if not wanted.is_finite:
        return wanted
    west, north = projection.frame(wanted.ra, wanted.dec)
    step = 0.5 / wanted.pixels_per_radian
    ra, dec = projection.equatorial(
        projection.normal(wanted.ra, wanted.dec) + step * west - step * north
    )
    return replace(wanted, ra=float(ra), dec=float(dec))


def _refused_wrap(request: Request) -> Response | None:
    if request.route != "picture":
        return None
    try:
        dec = rules.angle(_parameter(request, "dec") or "", hours=False)
    except ValueError:
        return None
    beyond = math.isfinite(dec) and abs(dec) > 90
    return error_json(400, rules.MALFORMED_TEXT.format(detail="dec")) if beyond else None


def _picture(change: Callable[[Image.Image], bytes]) -> Callable[[Request, Response], Response]:
    """Change every picture that is sent with status 200."""

    def changed(response: Response) -> Response:
        with Image.open(io.BytesIO(response.body)) as image:
            response.body = change(image.convert("RGB"))
        return response

    return of_status("picture", 200, changed)


def _other_signature(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=90, subsampling="4:4:4", comment=jpeg.COMMENT)
    return buffer.getvalue()


def of_status(
    route: str, status: int, change: Callable[[Response], Response]
) -> Callable[[Request, Response], Response]:
    """Change the responses of a route that have a status."""

    def changed(request: Request, response: Response) -> Response:
        is_meant = request.route == route and response.status == status
        return change(response) if is_meant else response

    return changed


def _as_page(status: int) -> Callable[[Response], Response]:
    return lambda _response: html(status, f"<html><body><h1>Error {status}</h1></body></html>\n")


def _sql_text(change: Callable[[str], str]) -> Callable[[Request, Response], Response]:
    """Change the tables in text that SQL is answered with."""

    def changed(request: Request, response: Response) -> Response:
        if request.kind == "sql" and response.content_type.startswith("text/plain"):
            response.body = change(response.body.decode()).encode()
        return response

    return changed


def _rounded_identifiers(text: str) -> str:
    return re.sub(r"\b\d{17,20}\b", lambda found: f"{float(found.group()):.6E}", text)


def _refusal_as_400(request: Request, response: Response) -> Response:
    is_refused = request.kind == "sql" and b"error_message" in response.body[:200]
    return error_json(400, "The query was refused.") if is_refused else response


def _csv_by_default(request: Request, response: Response) -> Response:
    is_meant = request.route == "sql_search" and response.status == 200
    if not is_meant or "format" in request.query:
        return response
    rows = json.loads(response.body)[0]["Rows"]
    table = Rows(list(rows[0]) if rows else [], [tuple(row.values()) for row in rows])
    return Response(200, table.as_csv().encode(), "text/plain; charset=utf-8")


def _other_columns(request: Request, response: Response) -> Response:
    if request.route == "fields":
        response.body = re.sub(rb"\b([ugriz])_url\b", rb"url_\1", response.body)
    return response


def _frame(change: Callable[[bytes], bytes]) -> Callable[[Request, Response], Response]:
    """Change every frame that is sent."""

    def changed(response: Response) -> Response:
        response.body = change(response.body)
        return response

    return of_status("frame", 200, changed)


DEVIATIONS: dict[str, Deviation] = {
    "picture-route": Deviation(text="getjpeg is not found", respond=_missing("picture")),
    "path-case": Deviation(
        text="paths with DR17 or SkyserverWS are not found", respond=_other_case
    ),
    "picture-size": Deviation(
        text="a picture is one pixel wider than requested",
        change=_picture(lambda image: jpeg.jpeg(image.resize((image.width + 1, image.height)))),
    ),
    "picture-defaults": Deviation(
        text="a picture without width and height has 256 x 256 pixels", redraw=_other_defaults
    ),
    "picture-signature": Deviation(
        text="JPEGs have quality 90, no subsampling and no resolution",
        change=_picture(_other_signature),
    ),
    "size-clipping": Deviation(
        text="widths and heights beyond the limits are drawn as requested",
        redraw=_without_clipping,
    ),
    "scale-clipping": Deviation(
        text="scales beyond the limits are drawn as requested", redraw=_scale_as_given
    ),
    "dec-wrapping": Deviation(
        text="a declination beyond 90 degrees is refused with 400", respond=_refused_wrap
    ),
    "picture-projection": Deviation(
        text="pictures have the gnomonic projection, TAN",
        redraw=lambda _, wanted: replace(wanted, gnomonic=True),
    ),
    "picture-centre": Deviation(
        text="the requested position is half a pixel off, to the left and upwards",
        redraw=_shifted,
    ),
    "picture-orientation": Deviation(
        text="east is right", change=_picture(lambda image: jpeg.jpeg(jpeg.mirrored(image)))
    ),
    "outside-status": Deviation(
        text="where there is no imaging, the status is 200",
        change=of_status("picture", 404, lambda old: Response(200, old.body)),
    ),
    "outside-body": Deviation(
        text="where there is no imaging, the body is a page of HTML",
        change=of_status("picture", 404, _as_page(404)),
    ),
    "bad-request-form": Deviation(
        text="wrong parameters are answered with a page of HTML",
        change=of_status("picture", 400, _as_page(400)),
    ),
    "drawing-error-form": Deviation(
        text="errors of drawing are answered with JSON",
        change=of_status("picture", 500, lambda _: error_json(500, "Drawing failed")),
    ),
    "overlay-letters": Deviation(
        text="the letters of overlays change nothing",
        redraw=lambda _, wanted: replace(wanted, opt=""),
    ),
    "wrong-marks": Deviation(
        text="a wrong mark is an error of drawing",
        redraw=lambda _, wanted: replace(wanted, strict_marks=True),
    ),
    "sql-route": Deviation(text="SqlSearch is not found", respond=_missing("sql_search")),
    "sql-page-route": Deviation(
        text="x_results.aspx is not found", respond=_missing("results_page")
    ),
    "sql-json-default": Deviation(
        text="SqlSearch without a format answers CSV", change=_csv_by_default
    ),
    "sql-csv-table-line": Deviation(
        text="CSV has no line #Table1",
        change=_sql_text(lambda text: text.removeprefix("#Table1\n")),
    ),
    "sql-identifiers": Deviation(
        text="identifiers are rounded to seven digits", change=_sql_text(_rounded_identifiers)
    ),
    "sql-error-form": Deviation(
        text="SQL errors of SqlSearch are pages with status 200",
        change=of_status("sql_search", 500, _as_page(200)),
    ),
    "sql-page-error-form": Deviation(
        text="SQL errors of x_results.aspx are JSON with status 500",
        change=lambda request, old: (
            error_json(500, "Query failed")
            if request.route == "results_page" and b"Skyserver Error" in old.body
            else old
        ),
    ),
    "sql-refusal-form": Deviation(
        text="queries that the rules forbid are answered with 400", change=_refusal_as_400
    ),
    "field-search": Deviation(
        text="the searches for fields are not found", respond=_missing("fields")
    ),
    "field-search-columns": Deviation(
        text="UrlsOfFields calls its columns url_r and so on", change=_other_columns
    ),
    "frame-path": Deviation(text="frames are not found", respond=_missing("frame")),
    "frame-compression": Deviation(
        text="frames are not compressed",
        change=_frame(lambda body: damage.CHANGES["frame_not_bzip2"](body, {})),
    ),
    "frame-header": Deviation(
        text="a frame's header has no NMGY", change=_frame(damage.without_nmgy)
    ),
    "frame-astrometry": Deviation(
        text="a frame has no table of its astrometry",
        change=_frame(lambda body: damage.CHANGES["frame_without_astrans"](body, {})),
    ),
}
