"""Judges what is assumed of SQL and its errors. Pure."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from sdss_cutout._check.answers import (
    Answers,
    Judge,
    Seen,
    UnansweredError,
    differs,
    holds,
    parse_json,
    verdict,
)
from sdss_cutout._errors import QueryError
from sdss_cutout._transfer.classify import Kind
from sdss_cutout._transfer.sql.query import SQLRequest, classify_table
from sdss_cutout._transfer.sql.table import error_message, read_table

__all__ = ["JUDGES", "error_words", "json_rows", "star"]


def star(answers: Answers) -> tuple[float, float]:
    """Return where the catalogue has the bright star that was searched for."""
    table = _star_table(answers)
    if not len(table):
        raise UnansweredError("the query for a star gave no row")
    try:
        ra, dec = (float(np.ma.filled(table[name], np.nan)[0]) for name in ("ra", "dec"))
    except (TypeError, ValueError):
        ra = dec = np.nan
    if not (0 <= ra <= 360 and -90 < dec < 90):
        raise UnansweredError("the query for a star gave no position")
    return ra, dec


def _star_table(answers: Answers) -> Any:
    try:
        table = read_table(answers.ok("star_sql"))
    except QueryError:
        raise UnansweredError("the query for a star gave no table") from None
    if {name.lower() for name in table.colnames} != {"objid", "ra", "dec", "r"}:
        raise UnansweredError("the query for a star gave other columns")
    table.rename_columns(table.colnames, [name.lower() for name in table.colnames])
    return table


def error_words(content: bytes) -> str:
    """Return what an error in the place of a table says; the limit of queries says nothing."""
    words = error_message(content)
    if "queries allowed per minute" in words:  # S: spSQLSupport.sql
        raise UnansweredError("the server has had too many queries in a minute")
    return words


def _results_page(answers: Answers) -> Seen:
    response = answers.response("star_sql")
    if response.status != 200:
        return differs(str(response.status))
    if words := error_words(response.content):
        return differs(f"an error: {words[:60]}")
    try:
        return holds(f"{len(_star_table(answers))} row with these columns")
    except UnansweredError as error:
        return differs(str(error))


def _identifiers(answers: Answers) -> Seen:
    table = _star_table(answers)
    if not len(table):
        raise UnansweredError("the query for a star gave no row")
    lines = answers.ok("star_sql").decode("latin-1").splitlines()
    text = next((line for line in reversed(lines) if line.strip()), "").partition(",")[0]
    is_so = re.fullmatch(r"\d{19}", text.strip('" ')) is not None
    return verdict(is_so, f"{len(text)} characters, {'digits' if text.isdigit() else text}")


def _error_page(answers: Answers) -> Seen:
    response = answers.response("wrong_sql")
    answer = classify_table(SQLRequest(url=""), response)
    what = "a page" if response.content.lstrip()[:1] == b"<" else "text"
    is_so = response.status == 200 and what == "a page" and answer.kind is not Kind.OK
    taken = "taken for a table" if answer.kind is Kind.OK else "recognised as an error"
    return verdict(is_so, f"{response.status} with {what}, {taken}")


def _error_message(answers: Answers) -> Seen:
    response = answers.response("refused_sql")
    lines = [line for line in response.content.decode("latin-1").splitlines() if line.strip()]
    head = [line.strip('" ').lower() for line in lines if not line.startswith("#")][:1]
    if response.status != 200:
        return differs(str(response.status))
    return verdict(head == ["error_message"], f"the column {head[0][:40] if head else 'none'}")


def _first_line(answers: Answers) -> Seen:
    first = answers.ok("primary_sql")[:80].decode("latin-1").splitlines()[:1]
    return verdict(first == ["#Table1"], repr(first[0][:40]) if first else "nothing")


def json_rows(content: bytes, question: str) -> list[Any]:
    """Return the rows in a server's JSON."""
    found = parse_json(content, question)
    try:
        return list(found[0]["Rows"])
    except (TypeError, KeyError, IndexError):
        raise UnansweredError(f"the JSON has no Rows ({question})") from None


def _json(answers: Answers) -> Seen:
    try:
        rows = json_rows(answers.ok("json_sql"), "json_sql")
    except UnansweredError as error:
        return differs(str(error))
    return holds(f"JSON with {len(rows)} row")


def _error_json(answers: Answers) -> Seen:
    response = answers.response("rest_error")
    try:
        found = parse_json(response.content, "rest_error")
    except UnansweredError:
        return differs(f"{response.status}, not JSON")
    keys = [str(key) for key in found] if isinstance(found, dict) else []
    is_so = response.status == 500 and "ErrorMessage" in keys
    return verdict(is_so, f"{response.status}, JSON with {', '.join(keys)[:80] or 'no keys'}")


JUDGES: dict[str, Judge] = {
    "sql.results_page": _results_page,
    "sql.identifiers": _identifiers,
    "sql.error_page": _error_page,
    "sql.error_message": _error_message,
    "sql.first_line": _first_line,
    "sql.json": _json,
    "sql.error_json": _error_json,
}
