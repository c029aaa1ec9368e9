"""SkyServer's dialect of SQL, as far as the sandbox knows it, turned into SQLite's."""

from __future__ import annotations

import re
import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sdss_cutout.sandbox import rules
from sdss_cutout.sandbox.sql.functions import Circle, Columns, Rectangle
from sdss_cutout.sandbox.sql.results import Rows

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sdss_cutout.sandbox.sql.catalogue import Catalogue
    from sdss_cutout.sandbox.sql.functions import TableFunction
    from sdss_cutout.sandbox.sql.scope import Scope

_TOKEN = re.compile(
    r"(?P<comment>--[^\n]*|/\*.*?\*/)|(?P<text>'(?:[^']|'')*')|(?P<name>\[[^\]]*\]|\"[^\"]*\"|[\w@#]+)"
    r"|(?P<space>\s+)|(?P<other>.)",
    re.DOTALL,
)


class RefusedError(ValueError):
    """The server's own rules forbid the query: a CSV of one column ``error_message``."""


class FailedError(ValueError):
    """The database does not understand the query."""


@dataclass(frozen=True, slots=True)
class QueryResult:
    """The rows of a query, and what it read."""

    rows: Rows
    scope: Scope


def ask(
    catalogue: Catalogue,
    command: str,
    tables: Mapping[str, TableFunction] | None = None,
    release: int = 17,
) -> QueryResult:
    """Run one query of SkyServer's dialect, in which ``tables`` are temporary ones.

    Raises
    ------
    RefusedError
        The server's rules forbid it.
    FailedError
        It is not valid SQL, names what does not exist, or takes too long.
    """
    sql, functions = translate(command)
    try:
        result = catalogue.run(sql, {**(tables or {}), **functions}, rules.MAX_ROWS, release)
    except (sqlite3.Error, sqlite3.Warning, ValueError) as error:
        raise FailedError(str(error)) from error
    return QueryResult(Rows.of(result.names, result.rows), result.scope)


def translate(command: str) -> tuple[str, dict[str, TableFunction]]:
    """SQLite's SQL for a command, and the table functions in it under the names of their tables."""
    if ";" in command:  # S: RequestMisc.cs
        raise RefusedError("Incorrect syntax near ';'. Only one statement is allowed.")
    bare = "".join(_piece(token) for token in _TOKEN.finditer(command))
    if not re.match(r"\s*select\b", bare, re.IGNORECASE):
        raise RefusedError("Only SELECT statements are allowed.")
    tables: dict[str, TableFunction] = {}
    bare = _FUNCTION.sub(lambda found: _table(found, tables), bare)
    bare = re.sub(r"\bdbo\s*\.\s*", "", bare, flags=re.IGNORECASE)
    bare = re.sub(r"\bwith\s*\(\s*nolock\s*\)", "", bare, flags=re.IGNORECASE)
    return _top_to_limit(bare), tables


def _piece(token: re.Match[str]) -> str:
    """A piece of a command as SQLite takes it: ``#x`` is a temporary table of SQL Server."""
    if token.lastgroup == "comment":
        return " "
    return f'"{token.group()}"' if token.group().startswith("#") else token.group()


def _table(found: re.Match[str], tables: dict[str, TableFunction]) -> str:
    """Put a table in place of a function that gives one."""
    make = _FUNCTIONS[found["name"].lower()]
    try:
        table = make(*(_argument(part) for part in found["arguments"].split(",")))
    except (ValueError, TypeError) as error:
        raise FailedError(f"Incorrect arguments of {found.group()!r}: {error}") from error
    name = f"function_{len(tables) + 1}"
    tables[name] = table
    return name


def _argument(text: str) -> Any:
    text = text.strip()
    return text[1:-1] if text.startswith("'") else float(text)


def _circle(ra: float, dec: float, arcmin: float) -> Circle:
    return Circle(ra, dec, arcmin)


def _nearest(ra: float, dec: float, arcmin: float) -> Circle:
    return Circle(ra, dec, arcmin, nearest=True)


_FUNCTIONS: dict[str, Callable[..., TableFunction]] = {
    "fgetnearbyobjeq": _circle,
    "fgetnearbyobjalleq": _circle,
    "fgetnearestobjeq": _nearest,
    "fgetnearestobjalleq": _nearest,
    # The one takes both limits of ra first, the other two corners (S: spNearby.sql).
    "fgetobjfromrect": lambda ra1, ra2, dec1, dec2: Rectangle((ra1, ra2), (dec1, dec2)),
    "fgetobjfromrecteq": lambda ra1, dec1, ra2, dec2: Rectangle((ra1, ra2), (dec1, dec2)),
    "fdoccolumns": Columns,
}
_FUNCTION = re.compile(
    rf"(?:\bdbo\s*\.\s*)?\b(?P<name>{'|'.join(_FUNCTIONS)})\s*\((?P<arguments>[^()]*)\)",
    re.IGNORECASE,
)


def _top_to_limit(sql: str) -> str:
    """Move each ``TOP n`` to the end of its own SELECT, as LIMIT."""
    out: list[str] = []
    waiting: list[str] = [""]  # the LIMIT of each open bracket
    words = [token.group() for token in _TOKEN.finditer(sql)]
    position = 0
    while position < len(words):
        word = words[position]
        if word.lower() == "top":
            waiting[-1], position = _read_top(words, position)
            continue
        if word == "(":
            waiting.append("")
        elif word == ")" and len(waiting) > 1:
            out.append(waiting.pop())
        out.append(word)
        position += 1
    return "".join(out) + waiting[0]


def _read_top(words: list[str], position: int) -> tuple[str, int]:
    """The LIMIT for a TOP, and where reading goes on."""
    following = position + 1
    while following < len(words) and words[following].isspace():
        following += 1
    number = words[following] if following < len(words) else ""
    if not number.isdigit():  # S: spSQLSupport.sql, TOP (5) among them
        raise RefusedError(f"Incorrect syntax near 'top'. A whole number is expected: {number!r}")
    if int(number) > rules.MAX_ROWS:
        raise RefusedError(f"TOP is limited to {rules.MAX_ROWS} rows, {number} were asked for.")
    return f" LIMIT {number}", following + 1
