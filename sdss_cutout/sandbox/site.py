"""The sandbox's routes: which answer belongs to which URL."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from sdss_cutout.sandbox import drawing, pictures, rules, sql
from sdss_cutout.sandbox.database import Catalogue
from sdss_cutout.sandbox.mischief import csv_answer
from sdss_cutout.sandbox.sas import archive
from sdss_cutout.sandbox.sky import Sky
from sdss_cutout.sandbox.wire import Answer, error_json, html, json_answer

if TYPE_CHECKING:
    from collections.abc import Callable

_RELEASE = r"/dr(?P<release>[0-9]{1,2})"
_ROUTES = {  # the server reads paths in any case
    "picture": re.compile(_RELEASE + r"/skyserverws/imgcutout/getjpeg", re.IGNORECASE),
    "rest": re.compile(_RELEASE + r"/skyserverws/searchtools/sqlsearch", re.IGNORECASE),
    "site": re.compile(_RELEASE + r"/en/tools/search/(x_results|x_sql)\.aspx?", re.IGNORECASE),
    **archive.ROUTES,
}
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
/dr7 to 19/SkyServerWS/SearchTools/SqlSearch</a>: cmd, format=csv or json</li>
<li>/dr7 to 19/en/tools/search/x_results.aspx: cmd, as astroquery asks</li>
<li><a href="/dr17/SkyServerWS/SDSSFields/UrlsOfFields?ra=18.87&amp;dec=-0.86&amp;radius=9&amp;\
format=csv">/dr7 to 19/SkyServerWS/SDSSFields/UrlsOfFields</a>, ListOfFields, FieldArray: ra, dec,
radius, band, format</li>
<li>/sas/dr9 to 19/.../photoObj/frames/301/...: calibrated frames, where a search says; the
archive's root is here /sas</li>
<li><a href="/sandbox/requests">/sandbox/requests</a> numbers,
<a href="/sandbox/log">/sandbox/log</a> the requests themselves</li>
<li>POST /sandbox/faults: a JSON list of faults, in place of those in force;
POST /sandbox/reset: forget requests and faults</li>
</ul>
</body>
</html>
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request, taken apart."""

    method: str
    target: str
    path: str
    query: dict[str, str]
    route: str

    @classmethod
    def parse(cls, method: str, target: str) -> Request:
        """Find the route of a request line."""
        # By hand: urlsplit raises on some of the nonsense that a request line can hold.
        path, _, query = target.partition("#")[0].partition("?")
        return cls(
            method=method, target=target, path=path, route=_route(path),
            query=dict(parse_qsl(query, keep_blank_values=True)),
        )  # fmt: skip

    @property
    def kind(self) -> str:
        """What it counts as."""
        kinds = {"picture": "picture", "rest": "sql", "site": "sql", "frame": "frame"}
        return (kinds | {"fields": "fields"}).get(self.route, "other")

    @property
    def release(self) -> int:
        """The data release that the path names."""
        found = re.search(r"/dr(\d+)", self.path, re.IGNORECASE)
        return int(found[1]) if found else rules.RELEASES[-1]

    @property
    def command(self) -> str:
        """The SQL of a query."""
        return self.query.get("cmd", "")


def _route(path: str) -> str:
    if path.startswith("/sandbox/") or path == "/":
        return "control"
    for name, pattern in _ROUTES.items():
        found = pattern.fullmatch(path)
        if found and int(found["release"]) in rules.RELEASES:
            return name
    return "unknown"


class Site:
    """Answers requests as SkyServer would; knows nothing of connections and faults."""

    def __init__(
        self, *, fast: bool = False, outside_status: int = 404,
        noise: bool = True, frame_shape: tuple[int, int] = (1489, 2048),
    ) -> None:  # fmt: skip
        self.sky = Sky()
        self.archive = archive.Archive(self.sky, noise=noise, frame_shape=frame_shape)
        self.catalogue = Catalogue(self.sky, survey=self.archive.survey)
        self._fast, self._outside_status = fast, outside_status

    def answer(self, request: Request) -> Answer:
        """The right answer to a request."""
        make: dict[str, Callable[[Request], Answer]] = {
            "picture": self._picture, "rest": self._rest, "site": self._site, "unknown": _not_found,
            "frame": lambda request: self.archive.frame(request.path),
            "fields": lambda request: self.archive.fields(request.path, request.query),
        }  # fmt: skip
        if request.method == "HEAD":  # an answer to it has no body
            return Answer(405, b"", "")
        if request.method != "GET" and (request.method, request.route) != ("POST", "fields"):
            # S: getJpegController.cs has no other
            return json_answer(
                405,
                {"Message": f"The requested resource does not support method '{request.method}'."},
            )
        return make[request.route](request)

    def size_of(self, request: Request) -> tuple[int, int]:
        """The size of the picture that was asked for, as far as it can be read."""
        try:
            wanted = rules.PictureRequest.from_query(request.query)
        except rules.BadParameterError:
            return rules.DEFAULT_SIZE, rules.DEFAULT_SIZE
        return wanted.width, wanted.height

    def _picture(self, request: Request) -> Answer:
        try:
            wanted = rules.PictureRequest.from_query(request.query)
        except rules.BadParameterError as error:
            return error_json(400, str(error))
        size = wanted.width, wanted.height
        if self._fast:
            return Answer(200, pictures.fast_picture(*size))
        try:
            return self._drawn(wanted)
        except rules.DrawingError as error:
            reason = rules.DRAWING_REASON.format(message=" ".join(str(error).split()))
            return Answer(500, pictures.text_picture(str(error), *size), reason=reason)

    def _drawn(self, wanted: rules.PictureRequest) -> Answer:
        if not wanted.is_finite:
            raise rules.DrawingError("Arithmetic operation resulted in an overflow.")
        if drawing.is_outside(wanted):
            body = pictures.outside_picture(wanted.width, wanted.height)
            reason = rules.OUTSIDE_REASON if self._outside_status == 404 else None
            return Answer(self._outside_status, body, reason=reason)
        return Answer(200, pictures.sky_picture(self.sky, wanted, self._marks))

    def _marks(self, command: str) -> list[dict[str, object]]:
        return sql.ask(self.catalogue, command).as_dicts()

    def _rest(self, request: Request) -> Answer:
        """The REST route: names of parameters in this case only (S: RequestMisc.cs)."""
        form = request.query.get("format", "csv").lower()
        if form not in ("csv", "json"):
            return error_json(400, f"The sandbox does not write {form!r}: csv or json.")
        if not request.command:
            return error_json(400, "There are not enough parameters to process your request.")
        try:
            rows = sql.ask(self.catalogue, request.command, request.release)
        except sql.RefusedError as error:
            return csv_answer(sql.error_csv(str(error)))
        except sql.FailedError as error:
            return error_json(500, str(error))
        if form == "json":
            return Answer(200, rows.as_json().encode(), "application/json; charset=utf-8")
        return csv_answer(rows.as_csv())

    def _site(self, request: Request) -> Answer:
        """The site's route, which answers errors with pages."""
        try:
            rows = sql.ask(self.catalogue, request.command, request.release)
            return csv_answer(rows.as_csv())
        except sql.RefusedError as error:
            return csv_answer(sql.error_csv(str(error)))
        except sql.FailedError as error:
            return html(200, sql.error_page(escape(str(error))))


def home() -> Answer:
    """The page that says what this is."""
    return html(200, _HOME)


def _not_found(request: Request) -> Answer:
    return html(
        404,
        "<!DOCTYPE html>\n<html><head><title>404 - File or directory not found.</title></head>\n"
        "<body><h1>Server Error</h1><h2>404 - File or directory not found.</h2>\n"
        f"<p>{escape(request.path)}</p></body></html>\n",
    )
