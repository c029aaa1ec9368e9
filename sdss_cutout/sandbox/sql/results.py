"""The answers to queries, in SkyServer's forms, errors among them."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from dataclasses import dataclass
from html import escape
from typing import Any


@dataclass(frozen=True, slots=True)
class Rows:
    """One answer: column names and values."""

    names: list[str]
    values: list[tuple[Any, ...]]

    @classmethod
    def of(cls, names: list[str], values: list[tuple[Any, ...]]) -> Rows:
        """Name the columns as the server does, and drop what no form can hold."""
        return cls(_column_names(names), [tuple(map(_plain, row)) for row in values])

    def as_dicts(self) -> list[dict[str, object]]:
        """One dictionary per row."""
        return [dict(zip(self.names, row, strict=True)) for row in self.values]

    def as_csv(self, *, table_line: bool = True) -> str:
        """CSV with the line ``#Table1`` on top (S: OutputUtils.cs)."""
        out = io.StringIO()
        out.write("#Table1\n" if table_line else "")
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(self.names)
        writer.writerows([_text(value) for value in row] for row in self.values)
        return out.getvalue()

    def as_json(self) -> str:
        """JSON as the server lays it out: numbers unquoted, identifiers too (S: OutputUtils.cs)."""
        tables = [{"TableName": "Table1", "Rows": self.as_dicts()}]
        return json.dumps(tables, indent=2).replace("\n", "\r\n")

    def as_xml(self) -> str:
        """XML, a document type included (S: OutputUtils.cs WriteXml)."""
        rows = (
            "<Row>\n"
            + "".join(
                f'<Item name="{name}">{_xml_text(value)}</Item>\n'
                for name, value in zip(self.names, row, strict=True)
            )
            + "</Row>\n"
            for row in self.values
        )
        return f'{_XML_HEAD}<root>\n<Table name="Table1">\n{"".join(rows)}</Table>\n</root>\n'

    def as_html(self) -> str:
        """A page (S: OutputUtils.cs WriteHTML)."""
        head = "".join(f"<td><font size=-1>{escape(name)}</font></td>" for name in self.names)
        rows = "".join(
            "<tr align=center BGCOLOR=#eeeeff>"
            + "".join(f"<td nowrap><font size=-1>{escape(_text(v))}</font></td>" for v in row)
            + "</tr>"
            for row in self.values
        )
        table = f"<table border='1' BGCOLOR=cornsilk>\n<tr align=center>{head}</tr>{rows}</TABLE>"
        nothing = "<h3><br><font color=red>No entries have been found</font> </h3>"
        return f"{_HTML_HEAD}{table if self.values else nothing}<hr></BODY></HTML>\n"


_XML_HEAD = """<?xml version="1.0" encoding="UTF-8" ?>
<!DOCTYPE root [
<!ELEMENT root (Table*)>
<!ELEMENT Table (Row*)>
<!ELEMENT Row (Item*)>
<!ELEMENT Item (#PCDATA)>
<!ATTLIST Table name CDATA #REQUIRED>
<!ATTLIST Item name CDATA #REQUIRED>
]>
"""
_HTML_HEAD = "<html><head>\n<title>SDSS Query Results</title>\n</head><body bgcolor=white>\n"


def _plain(value: Any) -> Any:
    """Values that every form can hold."""
    if isinstance(value, bytes):
        return "0x" + value.hex()  # S: OutputUtils.cs BytesToHex
    return None if isinstance(value, float) and not math.isfinite(value) else value


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


def _xml_text(value: object) -> str:
    return _text(value).replace("<", "&lt;").replace(">", "&gt;")  # an ampersand stays, as there


def error_rows(message: str) -> Rows:
    """A table whose only column is ``error_message`` (S: spSQLSupport.sql)."""
    return Rows(["error_message"], [(message,)])


def error_page(message: str) -> str:
    """A 200 with a page of HTML (U: astroquery issues 2082, 2706)."""
    return (
        "<html>\n<head>\n<title>Skyserver Error</title>\n</head>\n<body bgcolor=white>\n"
        f"<h2>An error occured</h2><font size=-1><pre>{message}</pre></font>\n</body>\n</html>\n"
    )
