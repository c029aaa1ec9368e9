"""The routes that answer with tables: SQL, cross-identification, and searches around a place."""

from __future__ import annotations

import threading
import time
from collections import deque
from html import escape
from typing import TYPE_CHECKING

from sdss_cutout.sandbox import rules
from sdss_cutout.sandbox.http.response import Response, error_json, html
from sdss_cutout.sandbox.sql import dialect, results
from sdss_cutout.sandbox.sql.crossid import ArgumentError, CrossIdentification

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sdss_cutout.sandbox.http.request import Request
    from sdss_cutout.sandbox.sql.catalogue import Catalogue
    from sdss_cutout.sandbox.sql.functions import TableFunction
    from sdss_cutout.sandbox.sql.results import Rows

    Ask = Callable[[], dialect.QueryResult]

TOO_FEW = "There are not enough parameters to process your request."  # S: SqlSearch.cs
NO_KEY = "The given key was not present in the dictionary."  # of .NET
_UNWRITTEN = ("votable", "fits", "dataset", "mydb")
_OBJECT = (  # S: RadialSearch.cs
    "p.objid, p.run, p.rerun, p.camcol, p.field, p.obj, p.type, p.ra, p.dec, p.u, p.g, p.r, p.i, "
    "p.z, p.Err_u, p.Err_g, p.Err_r, p.Err_i, p.Err_z"
)


class TableRoutes:
    """Answers the routes of one catalogue.

    ``queries_per_minute`` is the server's limit for one client; None is no limit.
    """

    def __init__(self, catalogue: Catalogue, queries_per_minute: int | None = None) -> None:
        self._catalogue = catalogue
        self._most = queries_per_minute
        self._times: deque[float] = deque()
        self._lock = threading.Lock()

    def _ask(
        self, request: Request, command: str, tables: Mapping[str, TableFunction] | None = None
    ) -> dialect.QueryResult:
        """Run a query, unless there were too many in the last minute."""
        with self._lock:
            now = time.monotonic()
            while self._times and self._times[0] <= now - 60.0:
                self._times.popleft()
            if self._most is not None and len(self._times) >= self._most:
                raise dialect.RefusedError(rules.RATE_LIMIT_TEXT.format(query=command))
            self._times.append(now)
        return dialect.ask(self._catalogue, command, tables, request.release)

    def sql_search(self, request: Request) -> Response:
        """SqlSearch: parameters from the URL only, in this case (S: RequestMisc.cs)."""
        command = request.query.get("cmd")
        if command is None:
            return error_json(400, TOO_FEW)
        return _rest(request, lambda: self._ask(request, command))

    def results_page(self, request: Request) -> Response:
        """x_results.aspx, which answers errors with pages; cross-identifications go there too."""
        if request.fields.get("searchtool", "").lower() == "crossid":
            return self.cross_id_page(request)
        command = request.fields.get("cmd", "")
        return _page(request, lambda: self._ask(request, command))

    def cross_id(self, request: Request) -> Response:
        """CrossIdSearch: the list is the body, or ``paste``."""
        if "format" not in request.query:
            return error_json(500, NO_KEY)
        return _rest(request, lambda: self._identified(request))

    def cross_id_page(self, request: Request) -> Response:
        """X_CrossID.aspx: the list is a file that is uploaded, or ``paste``."""
        return _page(request, lambda: self._identified(request))

    def radial_search(self, request: Request) -> Response:
        """RadialSearch, around a place."""
        return self._around(request, ("ra", "dec", "radius"), "fGetNearbyObjEq")

    def rectangular_search(self, request: Request) -> Response:
        """RectangularSearch, between limits."""
        limits = ("min_ra", "max_ra", "min_dec", "max_dec")
        return self._around(request, limits, "fGetObjFromRect")

    def _around(self, request: Request, names: tuple[str, ...], function: str) -> Response:
        try:
            arguments = [float(request.query[name]) for name in names]
            limit = int(request.query["limit"])
        except KeyError:
            return error_json(400, TOO_FEW)
        except ValueError:
            return error_json(400, "Error: Input RA and Dec should be valid numerical values.")
        if limit > rules.MAX_ROWS:
            return error_json(400, f"Maximum number of rows allowed is {rules.MAX_ROWS}.")
        command = (
            f"SELECT TOP {limit if limit > 0 else rules.MAX_ROWS} {_OBJECT} FROM "  # noqa: S608
            f"{function}({','.join(map(repr, arguments))}) n, PhotoPrimary p WHERE n.objID=p.objID"
        )
        return _rest(request, lambda: self._ask(request, command))

    def _identified(self, request: Request) -> dialect.QueryResult:
        asked = CrossIdentification.of(request.fields, request.upload)
        return self._ask(request, asked.command, asked.tables)


def _rest(request: Request, ask: Ask) -> Response:
    """The answer of a REST route: JSON unless another form is asked for, also for errors."""
    form = request.query.get("format", "json").lower()
    if form in _UNWRITTEN:
        return error_json(400, f"The sandbox does not write {form!r}.")
    try:
        answer = ask()
    except ArgumentError as error:
        return error_json(400, str(error))
    except dialect.RefusedError as error:
        return written(results.error_rows(str(error)), form)
    except dialect.FailedError as error:
        return error_json(500, str(error))
    return _with_scope(written(answer.rows, form), answer)


def _page(request: Request, ask: Ask) -> Response:
    """The answer of the site's pages: errors are 200 with a page."""
    form = request.fields.get("format", "html").lower()
    try:
        answer = ask()
    except dialect.RefusedError as error:
        return written(results.error_rows(str(error)), form)
    except (ArgumentError, dialect.FailedError) as error:
        return html(200, results.error_page(escape(str(error))))
    return _with_scope(written(answer.rows, form), answer)


def _with_scope(answer: Response, asked: dialect.QueryResult) -> Response:
    if asked.scope.limits:
        answer.headers["Sandbox-Scope"] = asked.scope.limits
    return answer


def written(rows: Rows, form: str) -> Response:
    """A 200 with rows in a form; those that are not known are JSON (S: ProcessRequest.cs)."""
    make, content_type = {
        "csv": (rows.as_csv, "text/plain"), "txt": (rows.as_csv, "text/plain"),
        "xml": (rows.as_xml, "application/xml"), "html": (rows.as_html, "text/html"),
    }.get(form, (rows.as_json, "application/json"))  # fmt: skip
    return Response(200, make().encode(), f"{content_type}; charset=utf-8")
