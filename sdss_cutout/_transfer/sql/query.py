"""Sends an SQL query as astroquery would, and knows an error page when it sees one."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from urllib.parse import urlencode, urlsplit

from astropy.table import Table
from astroquery.sdss import SDSS

from sdss_cutout._errors import QueryError
from sdss_cutout._request.site import Site
from sdss_cutout._transfer.classify import Answer, Classifier, Kind, Response, classify_response
from sdss_cutout._transfer.error_text import error_text
from sdss_cutout._transfer.rate_limiter import QueryBudget
from sdss_cutout._transfer.sql.table import error_message, read_table
from sdss_cutout._transfer.sql.text import clean_sql
from sdss_cutout._transfer.work_queue import FetchTask

__all__ = ["SQLRequest", "classify_table", "query_request", "query_table"]

# 500,000 rows at most (H: Limits.aspx), of which the widest that were seen have 2 kB.
_LARGEST_TABLE = 1_000_000_000

# Longer queries by GET end in an error of length, those by POST do not (U: astroquery 492, 2211);
# the limit is that of Microsoft's servers (maxQueryString).
_LONGEST_GET = 2_000

# Statuses that say nothing about the query.
_TEMPORARY = (429, 502, 503, 504)

_PERIOD = 60.0
_budgets: dict[str, QueryBudget] = {}
_budgets_lock = threading.Lock()


@dataclass(frozen=True, slots=True, kw_only=True)
class SQLRequest:
    """A query, as the server is asked it: by GET, or by POST where there is a ``form``."""

    url: str
    form: str = ""
    largest_body: int = _LARGEST_TABLE


def query_table(
    sql: object,
    site: Site,
    fetch: Callable[[FetchTask[SQLRequest], Classifier, QueryBudget], Answer],
) -> Table:
    """Return the rows that an SQL query selects.

    Parameters
    ----------
    sql : str
        The query, in the server's dialect.
    site : Site
        Which server and release.
    fetch : callable
        Returns the last answer to a task.

    Raises
    ------
    QueryError
        With the server's message, whatever form it has.
    """
    cleaned = clean_sql(sql) if isinstance(sql, str) else ""
    if not cleaned:
        raise QueryError(f"{sql!r} is not an SQL query")
    task = FetchTask(index=0, name="sql", request=query_request(cleaned, site))
    answer = fetch(task, classify_table, _budget_of(site))
    if answer.kind is not Kind.OK:
        raise QueryError(answer.message)
    return read_table(answer.content)


def query_request(sql: str, site: Site) -> SQLRequest:
    """Return the request by which astroquery sends a query, but at this site.

    astroquery keeps its server in a setting of the whole process, which must stay as it is.
    """
    release = site.release
    payload = SDSS.query_sql_async(sql, data_release=release, get_query_payload=True)
    if release < 10:
        path = SDSS.QUERY_URL_SUFFIX_DR_OLD
    elif release == 10:
        path = SDSS.QUERY_URL_SUFFIX_DR_10
    else:
        path = SDSS.QUERY_URL_SUFFIX_DR_NEW
    # astroquery cuts a query at -- within quotes; this one is clean already.
    parameters = urlencode(payload | {"cmd": sql})
    url = site.base_url + path.format(dr=release)
    if len(parameters) > _LONGEST_GET:
        return SQLRequest(url=url, form=parameters)
    return SQLRequest(url=f"{url}?{parameters}")


def _budget_of(site: Site) -> QueryBudget:
    """Return the budget of a server: one for the whole process, as it counts by address."""
    host = urlsplit(site.base_url).netloc
    with _budgets_lock:
        if host not in _budgets:
            _budgets[host] = QueryBudget(site.service.sql_per_minute, _PERIOD)
        return _budgets[host]


def classify_table(_request: SQLRequest, response: Response) -> Answer:
    """Return what this response to a query means (the forms of errors: SKYSERVER, SQL)."""
    answer = classify_response(response, _check_table)
    if answer.kind is Kind.FAULT and response.status not in (0, 200, *_TEMPORARY):
        return replace(answer, kind=Kind.REFUSED)  # an error in the query stays one
    return answer


def _check_table(content: bytes) -> Answer:
    """Tell a table from a page with status 200 (U: astroquery 2684, 2706, 2082)."""
    start = content[:1024].lstrip(b"\xef\xbb\xbf \r\n\t")
    words = ""
    if start.startswith((b"<", b"{")):
        words = error_text(content) or "the server sent a page instead of a table"
    elif not start:
        words = "the server sent an empty answer"
    words = words or error_message(content)
    return (
        Answer(kind=Kind.REFUSED, message=words) if words else Answer(kind=Kind.OK, content=content)
    )
