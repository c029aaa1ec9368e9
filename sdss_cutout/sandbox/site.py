"""The sandbox's routes: which answer belongs to which URL."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from sdss_cutout.sandbox import rules
from sdss_cutout.sandbox.breakable import ALL_DEVIATIONS
from sdss_cutout.sandbox.deviations import BrokenFacts
from sdss_cutout.sandbox.http.response import Response, error_json, html, json_response
from sdss_cutout.sandbox.pictures import drawing, jpeg
from sdss_cutout.sandbox.sas.archive import Archive
from sdss_cutout.sandbox.sky.objects import Sky
from sdss_cutout.sandbox.sql import dialect
from sdss_cutout.sandbox.sql.catalogue import Catalogue
from sdss_cutout.sandbox.sql.routes import TableRoutes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sdss_cutout.sandbox.http.request import Request

_HOME = """<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>SIMULATED SkyServer</title></head>
<body>
<h1>SIMULATED: this is not SDSS and holds no SDSS data</h1>
<p>A stand-in for SkyServer, part of sdss_cutout, for tests and demonstrations without a network.
Its sky is synthetic; its footprint is roughly that of SDSS.</p>
<ul>
<li><a href="/dr17/SkyServerWS/ImgCutout/getjpeg?ra=18.87&amp;dec=-0.86&amp;scale=0.4&amp;\
width=512&amp;height=512&amp;opt=GL">\
/dr7 to 19/SkyServerWS/ImgCutout/getjpeg</a>: ra, dec, scale, width, height, opt, query</li>
<li><a href="/dr17/SkyServerWS/SearchTools/SqlSearch?format=csv&amp;cmd=\
SELECT+TOP+10+objID,ra,dec+FROM+Galaxy">\
/dr7 to 19/SkyServerWS/SearchTools/SqlSearch</a>: cmd, format=json, csv, xml or html;
likewise RadialSearch, RectangularSearch and CrossIdSearch</li>
<li>/dr7 to 19/en/tools/search/x_results.aspx and /en/tools/crossid/x_crossid.aspx,
as astroquery asks</li>
<li><a href="/dr17/SkyServerWS/SDSSFields/UrlsOfFields?ra=18.87&amp;dec=-0.86&amp;radius=9&amp;\
format=csv">/dr7 to 19/SkyServerWS/SDSSFields/UrlsOfFields</a>, ListOfFields, FieldArray: ra, dec,
radius, band, format</li>
<li>all of these also without a release, or under /public in its place</li>
<li>/sas/dr9 to 19/.../photoObj/frames/301/...: calibrated frames, where a search says; the
archive's root is here /sas</li>
<li><a href="/sandbox/requests">/sandbox/requests</a>: numbers of requests;
<a href="/sandbox/log">/sandbox/log</a>: the requests</li>
<li>POST /sandbox/faults: a JSON list of faults, in place of those in force;
POST /sandbox/reset: delete the log and all faults</li>
</ul>
</body>
</html>
"""


class Site:
    """Answers requests as SkyServer would, without regard to connections and faults."""

    def __init__(
        self, *, fast: bool = False, outside_status: int = 404,
        queries_per_minute: int | None = None, noise: bool = True,
        frame_shape: tuple[int, int] = (1489, 2048), broken: Iterable[str] = (),
    ) -> None:  # fmt: skip
        self.broken: BrokenFacts = BrokenFacts(ALL_DEVIATIONS, broken)
        self.sky: Sky = Sky()
        self.archive: Archive = Archive(self.sky, noise=noise, frame_shape=frame_shape)
        self.catalogue: Catalogue = Catalogue(self.sky, survey=self.archive.survey)
        tables = TableRoutes(self.catalogue, queries_per_minute)
        self._routes: dict[str, Callable[[Request], Response]] = {
            "picture": self._picture,
            "sql_search": tables.sql_search,
            "cross_id": tables.cross_id,
            "radial_search": tables.radial_search,
            "rectangular_search": tables.rectangular_search,
            "results_page": tables.results_page,
            "cross_id_page": tables.cross_id_page,
            "frame": lambda request: self.archive.frame(request.path),
            "fields": lambda request: self.archive.fields(
                request.last_part, request.query, request.release
            ),
        }
        self._fast, self._outside_status = fast, outside_status

    def answer(self, request: Request) -> Response:
        """The response to a request, correct but for the facts that are broken."""
        return self.broken.response_to(request, self._correct)

    def _correct(self, request: Request) -> Response:
        if request.method == "HEAD":  # a response to it has no body
            return Response(405, b"", "")
        get_only = request.route in ("picture", "frame")  # S: getJpegController.cs
        if request.method not in (("GET",) if get_only else ("GET", "POST")):
            return _no_method(request)
        make = self._routes.get(request.route, _not_found)
        return make(request)

    def size_of(self, request: Request) -> tuple[int, int]:
        """The size of the requested picture, or the default if it cannot be read."""
        try:
            wanted = rules.PictureRequest.from_query(request.query)
        except rules.BadParameterError:
            return rules.DEFAULT_SIZE, rules.DEFAULT_SIZE
        return wanted.width, wanted.height

    def _picture(self, request: Request) -> Response:
        try:
            wanted = rules.PictureRequest.from_query(request.query)
        except rules.BadParameterError as error:
            return error_json(400, str(error))
        wanted = self.broken.drawn(request, wanted)
        size = wanted.width, wanted.height
        if self._fast:
            return Response(200, jpeg.fast_picture(*size))
        try:
            return self._drawn(wanted)
        except rules.DrawingError as error:
            reason = rules.DRAWING_REASON.format(message=" ".join(str(error).split()))
            return Response(500, jpeg.text_picture(str(error), *size), reason=reason)

    def _drawn(self, wanted: rules.PictureRequest) -> Response:
        if not wanted.is_finite:
            raise rules.DrawingError("Arithmetic operation resulted in an overflow.")
        if drawing.is_outside(wanted):
            body = jpeg.outside_picture(wanted.width, wanted.height)
            reason = rules.OUTSIDE_REASON if self._outside_status == 404 else None
            return Response(self._outside_status, body, reason=reason)
        return Response(200, jpeg.sky_picture(self.sky, wanted, self._marks))

    def _marks(self, command: str) -> list[dict[str, object]]:
        return dialect.ask(self.catalogue, command).rows.as_dicts()


def home() -> Response:
    """The start page."""
    return html(200, _HOME)


def _no_method(request: Request) -> Response:
    message = f"The requested resource does not support method '{request.method}'."
    return json_response(405, {"Message": message})


def _not_found(request: Request) -> Response:
    return html(
        404,
        "<!DOCTYPE html>\n<html><head><title>404 - File or directory not found.</title></head>\n"
        "<body><h1>Server Error</h1><h2>404 - File or directory not found.</h2>\n"
        f"<p>{escape(request.path)}</p></body></html>\n",
    )
