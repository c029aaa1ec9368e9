"""SkyServer's SQL routes: a little T-SQL in, its CSV, JSON and error forms out."""

from __future__ import annotations

import csv
import io
import json
import math
import re
import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sdss_cutout.sandbox import rules

if TYPE_CHECKING:
    from sdss_cutout.sandbox.database import Catalogue

MOST_ARCMIN = 90.0  # our own limit: every search in a wider circle would take seconds
_TOKEN = re.compile(
    r"(?P<comment>--[^\n]*|/\*.*?\*/)|(?P<text>'(?:[^']|'')*')|(?P<name>\[[^\]]*\]|\"[^\"]*\"|[\w@#]+)"
    r"|(?P<space>\s+)|(?P<other>.)",
    re.DOTALL,
)
_NEARBY = re.compile(
    r"(?:\bdbo\s*\.\s*)?\bf(?P<kind>GetNearby|GetNearest)Obj(?:All)?Eq\s*\((?P<arguments>[^()]*)\)",
    re.IGNORECASE,
)


class RefusedError(ValueError):
    """The server's own rules forbid the query: a CSV of one column ``error_message``."""


class FailedError(ValueError):
    """The database does not understand the query."""


@dataclass(frozen=True, slots=True)
class Rows:
    """One answer: column names and values."""

    names: list[str]
    values: list[tuple[Any, ...]]

    def as_dicts(self) -> list[dict[str, object]]:
        """A dictionary a row."""
        return [dict(zip(self.names, row, strict=True)) for row in self.values]

    def as_csv(self) -> str:
        """CSV with the line ``#Table1`` on top (S: OutputUtils.cs)."""
        out = io.StringIO()
        out.write("#Table1\n")
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(self.names)
        writer.writerows([_text(value) for value in row] for row in self.values)
        return out.getvalue()

    def as_json(self) -> str:
        """JSON as the server lays it out: numbers unquoted, identifiers too (S: OutputUtils.cs)."""
        tables = [{"TableName": "Table1", "Rows": self.as_dicts()}]
        return json.dumps(tables, indent=2).replace("\n", "\r\n")


def ask(catalogue: Catalogue, command: str, release: int = 17) -> Rows:
    """Run one query of SkyServer's dialect.

    Raises
    ------
    RefusedError
        The server's rules forbid it.
    FailedError
        It is no SQL, names what there is not, or takes too long.
    """
    sql, circles = translate(command)
    try:
        sql, pulled = catalogue.fields.translate(sql)
        names, values = catalogue.run(sql, circles, rules.MAX_ROWS, pulled, release)
    except (sqlite3.Error, sqlite3.Warning, ValueError) as error:
        raise FailedError(str(error)) from error
    return Rows(_column_names(names), [tuple(map(_plain, row)) for row in values])


def _plain(value: Any) -> Any:
    """Values that both CSV and JSON can hold."""
    if isinstance(value, bytes):
        return "0x" + value.hex()  # S: OutputUtils.cs BytesToHex
    return None if isinstance(value, float) and not math.isfinite(value) else value


def translate(command: str) -> tuple[str, list[tuple[float, float, float, bool]]]:
    """SQLite's SQL for a command, and the circles its table functions ask for."""
    if ";" in command:  # S: RequestMisc.cs
        raise RefusedError("Incorrect syntax near ';'. Only one statement is allowed.")
    bare = "".join(
        " " if token.lastgroup == "comment" else token.group() for token in _TOKEN.finditer(command)
    )
    if not re.match(r"\s*select\b", bare, re.IGNORECASE):
        raise RefusedError("Only SELECT statements are allowed.")
    circles: list[tuple[float, float, float, bool]] = []
    bare = _NEARBY.sub(lambda found: _circle(found, circles), bare)
    bare = re.sub(r"\bdbo\s*\.\s*", "", bare, flags=re.IGNORECASE)
    bare = re.sub(r"\bwith\s*\(\s*nolock\s*\)", "", bare, flags=re.IGNORECASE)
    return _top_to_limit(bare), circles


def _circle(found: re.Match[str], circles: list[tuple[float, float, float, bool]]) -> str:
    try:
        ra, dec, radius = (float(part) for part in found["arguments"].split(","))
    except ValueError as error:
        raise FailedError(f"Incorrect arguments of {found.group()!r}: three numbers") from error
    if not all(map(math.isfinite, (ra, dec, radius))) or not 0 <= radius <= MOST_ARCMIN:
        raise FailedError(f"The sandbox searches up to {MOST_ARCMIN} arcmin: {found.group()!r}")
    circles.append((ra, dec, radius, found["kind"].lower() == "getnearest"))
    return f"nearby_{len(circles)}"


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


def _column_names(names: list[str]) -> list[str]:
    """As ADO.NET fills a DataTable: unnamed columns get a number, and so do repeated names."""
    taken: set[str] = set()
    given = []
    for number, written in enumerate(names, start=1):
        name = re.sub(r"^(\w+\s*\.\s*)+|[\[\]\"]", "", written)
        chosen = base = name if re.fullmatch(r"\w+", name) else f"Column{number}"
        repeat = 0
        while chosen.lower() in taken:
            repeat += 1
            chosen = f"{base}{repeat}"
        taken.add(chosen.lower())
        given.append(chosen)
    return given


def _text(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.15G}"
    return "" if value is None else str(value)


def error_csv(message: str) -> str:
    """A 200 whose only column is ``error_message`` (S: spSQLSupport.sql)."""
    return Rows(["error_message"], [(message,)]).as_csv()


def error_page(message: str) -> str:
    """A 200 with a page of HTML (U: astroquery issues 2082, 2706)."""
    return (
        "<html>\n<head>\n<title>Skyserver Error</title>\n</head>\n<body bgcolor=white>\n"
        f"<h2>An error occured</h2><font size=-1><pre>{message}</pre></font>\n</body>\n</html>\n"
    )
