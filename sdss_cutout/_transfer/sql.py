"""SQL becomes a table, through astroquery. Knows an error page when it sees one."""

from __future__ import annotations

import re
import threading
import time
from typing import Any, NoReturn

import numpy as np
from astropy.table import Column, Table
from pyrate_limiter import InMemoryBucket, Rate, RateItem
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_exponential_jitter

from sdss_cutout._errors import QueryError
from sdss_cutout._request.site import Site
from sdss_cutout._service.skyserver import SKYSERVER
from sdss_cutout._targets.readers.text_table import read_csv
from sdss_cutout._transfer.classify import one_line, words_of
from sdss_cutout._transfer.transport import bounded

__all__ = ["clean_sql", "query_sql"]

# One budget for the whole process, as the server counts by address (H: Limits.aspx).
_budget = InMemoryBucket([Rate(SKYSERVER.sql_per_minute, 60_000)])

# astroquery keeps the server's address in a global setting.
_one_at_a_time = threading.Lock()

_PASSING = (429, 502, 503, 504)

_IDENTIFIER = re.compile(r"(.*(obj|spec|plate|field)_?id|id)\Z", re.IGNORECASE)


def query_sql(sql: str, site: Site, *, timeout: float, max_attempts: int) -> Table:
    """Return the rows that an SQL query selects.

    Parameters
    ----------
    sql : str
        The query, in the server's dialect.
    site : Site
        Which server and release.
    timeout : float
        Seconds that one attempt may take as a whole.
    max_attempts : int
        How often to ask a server that is overloaded or out of reach.

    Raises
    ------
    QueryError
        With the server's words, in whichever of its ways it says that the query failed.
    """
    cleaned = clean_sql(sql) if isinstance(sql, str) else ""
    if not cleaned:
        raise QueryError(f"{sql!r} is not an SQL query")
    retrying = Retrying(
        retry=retry_if_exception(lambda error: isinstance(error, _PassingError)),
        stop=stop_after_attempt(max_attempts),
        wait=wait_exponential_jitter(multiplier=0.5, max=60.0, jitter=0.5),
        reraise=True,
    )
    return _table(retrying(_answer_text, cleaned, site, timeout))


# Quoted text and names, which hold anything; comments; and what is between. What is not closed goes
# on to the end, for the server to refuse.
_TOKENS = re.compile(
    r"""'(?:[^']|'')*'?|"(?:[^"]|"")*"?|\[(?:[^\]]|\]\])*\]?|--[^\n]*|/\*|\s+|[^'"\[\s/-]+|.""",
    re.DOTALL,
)


def clean_sql(sql: str) -> str:
    """Return a query as the server takes it: no comments, no line breaks, no final semicolon."""
    parts: list[str] = []
    start = 0
    sql = sql.lstrip("\ufeff")
    while found := _TOKENS.match(sql, start):
        part, start = found[0], found.end()
        if part == "/*":
            start = _end_of_comment(sql, start)
        is_blank = part.isspace() or part[:2] in ("--", "/*")
        if not (is_blank and parts[-1:] == [" "]):
            parts.append(" " if is_blank else part)
    return re.sub(r"[\s;]+\Z", "", "".join(parts)).strip()


def _end_of_comment(sql: str, start: int) -> int:
    """Return where a comment ends that may hold others, as Transact-SQL has it."""
    depth = 1
    for found in re.compile(r"/\*|\*/").finditer(sql, start):
        depth += 1 if found[0] == "/*" else -1
        if depth == 0:
            return found.end()
    return len(sql)


class _PassingError(QueryError):
    """An error that may be gone the next time."""


_PassingError.__name__ = _PassingError.__qualname__ = "QueryError"
_PassingError.__module__ = QueryError.__module__


def _answer_text(sql: str, site: Site, timeout: float) -> str:
    """Return what came as CSV, or raise what the answer says instead."""
    from astroquery.sdss import SDSS, conf

    with _one_at_a_time, conf.set_temp("skyserver_baseurl", site.base_url):
        _wait_for_budget()
        sdss = SDSS()  # a session of its own: the global one's headers are shared by threads
        # The query is clean; astroquery would cut it at -- within quotes.
        sdss._SDSSClass__sanitize_query = str
        try:
            with bounded(sdss._session, timeout, site.auth):
                # The bound is the one to end a read that takes too long, and to say so.
                response = sdss.query_sql_async(
                    sql, timeout=timeout + 1, data_release=site.release, cache=False
                )
        except OSError as error:  # of which the exceptions of requests are a kind
            _raise_for_failure(error)
    content: bytes = response.content
    if response.status_code != 200:
        _raise_for_status(response)
    if words := _error_page(content):
        raise QueryError(words)
    return content.decode(response.encoding or "utf-8", "replace")


def _wait_for_budget() -> None:
    while not _budget.put(item := RateItem("sql", _budget.now())):
        time.sleep(float(_budget.waiting(item)) / 1000)  # type: ignore[arg-type]
    _budget.leak(_budget.now())


def _raise_for_failure(error: OSError) -> NoReturn:
    response = getattr(error, "response", None)
    if response is not None:
        _raise_for_status(response, error)
    raise _PassingError(one_line(f"the query could not be sent: {error}")) from error


def _raise_for_status(response: Any, cause: BaseException | None = None) -> NoReturn:
    kind = _PassingError if response.status_code in _PASSING else QueryError
    said = f"{response.status_code} {response.reason}"
    raise kind(words_of(response.content) or said) from cause


def _error_page(content: bytes) -> str:
    """Return what a page with status 200 says that is no CSV (U: astroquery 2684, 2706, 2082)."""
    start = content[:1024].lstrip(b"\xef\xbb\xbf \r\n\t")
    if start.startswith((b"<", b"{")):
        return words_of(content) or "the server sent a page instead of a table"
    if not start:
        return "the server sent an empty answer"
    return ""


def _table(text: str) -> Table:
    lines = text.lstrip("\ufeff \r\n").splitlines()
    if lines and lines[0].startswith("#"):
        del lines[0]
    if lines and lines[0].strip().strip('"').lower() == "error_message":
        # S: spSQLSupport.sql; the rate limit's refusal comes in this way too.
        raise QueryError(one_line(" ".join(lines[1:]).strip('" ')) or "the server gave no reason")
    if len(lines) == 1 and "," not in lines[0] and " " in lines[0].strip():
        raise QueryError(one_line(lines[0]))
    try:
        table = read_csv("\n".join(lines))
    except Exception as error:
        first = one_line(" / ".join(lines[:2])) or "nothing"
        raise QueryError(f"the answer is not a table, it begins with: {first}") from error
    if not lines or not table.colnames:
        raise QueryError("the answer is not a table: it has no columns")
    for name in table.colnames:
        if _IDENTIFIER.match(name):
            table[name] = _unsigned(table[name])
    return table


def _unsigned(column: Column) -> Column:
    """Return identifiers as uint64, as SDSS has them; those that have a sign keep it."""
    values = np.ma.filled(column, 0) if column.dtype.kind == "i" else None
    return column if values is None or np.any(values < 0) else column.astype(np.uint64)
