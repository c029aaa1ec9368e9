"""Tables in text: which form it is, and its values to the last digit.

The forms that mark themselves (ECSV, IPAC, MRT, SExtractor, LaTeX) go to
astropy's readers of these. The others differ in their separator, header and comments, which
`sdss_cutout._targets.readers.layout` finds out.
"""

from __future__ import annotations

import csv
import re
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from astropy.io import ascii as astropy_ascii
from astropy.table import Column, MaskedColumn, Table

from sdss_cutout._errors import TargetError
from sdss_cutout._targets.readers.layout import Layout, find_layout, list_of_texts, split
from sdss_cutout._targets.readers.source import (
    Content,
    TableSource,
    missing_as_nan,
    note_renamed,
    note_repeated,
    unique_names,
)
from sdss_cutout._targets.units import parse_unit

__all__ = ["read_csv", "read_text"]


def read_text(
    content: Content, columns: tuple[str, str] | None
) -> tuple[TableSource, ...] | list[str]:
    """Return the tables in a text, or its lines where each is a position or a name."""
    text = _decoded(content)
    for pattern, read in _MARKED:
        if pattern.search(text[:_HEAD]):
            return _one(read(text))
    blocks = _blocks(text)
    if len(blocks) == 1:
        if (texts := list_of_texts(text, columns)) is not None:
            return texts
        return _one(_table_of_block(text, columns))
    return tuple(
        TableSource(
            name=name,
            number=str(number),
            colnames=find_layout(block, columns).names,
            read=partial(_table_of_block, block, columns),
        )
        for number, (name, block) in enumerate(blocks)
    )


_HEAD = 20_000


def _one(table: Table) -> tuple[TableSource, ...]:
    return (TableSource(name="0", number="0", colnames=table.colnames, read=lambda: table),)


def _decoded(content: Content) -> str:
    data = content.bytes()
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        if line := _undecodable_line(data):
            raise ValueError(
                f"line {line} is not text in {error.encoding!r}; save the file as UTF-8"
            ) from error
        text = data.decode(encoding, "replace")
    if "\0" in text[:_HEAD]:
        raise ValueError("it is not text, and no format of tables that is known here")
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def _undecodable_line(data: bytes) -> int:
    """Return the number of the first line that is not UTF-8, but for comments; 0 for none."""
    for number, line in enumerate(data.splitlines(), 1):
        try:
            line.decode()
        except UnicodeDecodeError:
            if not line.lstrip().startswith((b"#", b"\\")):
                return number
    return 0


# ------------------------------------------------------------------- forms with a mark


def _as_text(text: str, form: str, **options: Any) -> Table:
    """Return a table that astropy reads, every value as text first."""
    table = astropy_ascii.read(
        text, format=form, guess=False, fast_reader=False,
        converters={"*": [astropy_ascii.convert_numpy(str)]}, **options,
    )  # fmt: skip
    for name in table.colnames:
        column = table[name]
        mask = np.broadcast_to(getattr(column, "mask", False), len(column))
        texts = np.where(mask, "", np.asarray(column)).tolist()
        exact = _typed(texts, decimal_comma=False)
        exact.unit, exact.description = column.unit, column.description
        table[name] = exact
    return note_renamed(table)


def _declared(text: str, form: str) -> Table:
    """Return a table whose form says the type of each column."""
    return missing_as_nan(note_renamed(astropy_ascii.read(text, format=form, guess=False)))


def _ipac(text: str) -> Table:
    """Return an IPAC table; values that stand under a bar would be cut there."""
    lines = text.splitlines()
    header = next(line for line in lines if line.lstrip().startswith("|"))
    bars = [place for place, mark in enumerate(header) if mark == "|"]
    for number, line in enumerate(lines, 1):
        is_data = line.strip() and not line.startswith(("|", "\\"))
        if is_data and any(line[place : place + 1] not in ("", " ", "|") for place in bars):
            raise TargetError(f"line {number} has a value under one of the bars of the header")
    return _declared(text, "ipac")


def _bordered(text: str) -> Table:
    """Return a table with bars on both sides of each row, as TOPCAT and Markdown have it."""
    lines = [line.strip() for line in text.splitlines() if not re.fullmatch(r"[\s|+:=-]*", line)]
    return _table_of_block("\n".join(line.strip("|") for line in lines), None)


_MARKED: tuple[tuple[re.Pattern[str], Callable[[str], Table]], ...] = (
    (re.compile(r"\A\s*#\s*%ECSV"), partial(_declared, form="ecsv")),
    (re.compile(r"\A\s*\\begin\{deluxetable"), partial(_as_text, form="aastex")),
    (re.compile(r"\A\s*\\(begin|documentclass)"), partial(_as_text, form="latex")),
    (re.compile(r"\A\s*(\+[-=+]+\+[ ]*\n|\|.*\|[ ]*\n[ ]*[|+][-=:+| ]+\n)"), _bordered),
    (re.compile(r"\A\s*([ ]*\|.*\|[ ]*\n){5}|\A\s*([ ]*\|.*\|[ ]*(\n|\Z))+\Z"), _bordered),
    (re.compile(r"\A\s*(\\.*\n)*\s*\|"), _ipac),
    (re.compile(r"^\s*Byte-by-byte Description", re.MULTILINE), partial(_declared, form="mrt")),
    (re.compile(r"\A\s*#\s*1\s+\w+.*\n(#.*\n)*\s*[^#]"), partial(_as_text, form="sextractor")),
)


def _blocks(text: str) -> Sequence[tuple[str, str]]:
    """Return the tables of VizieR's and SkyServer's text, each with its name."""
    parts = re.split(r"(?m)^(?=#RESOURCE=|#Table)", text) if "\n#" in text else [text]
    filled = [part for part in parts if re.search(r"(?m)^[^#\s]", part)]
    if len(filled) < 2:
        return [("0", text)]
    found = (re.findall(r"(?m)^#Name:\s*(\S+)", part) for part in filled)
    return [
        (names[-1] if names else str(number), part)
        for number, (names, part) in enumerate(zip(found, filled, strict=True))
    ]


# ---------------------------------------------------------------------- separated values


def read_csv(text: str) -> Table:
    """Return the table in comma-separated values below a header, to the last digit."""
    header, _, body = text.partition("\n")
    layout = Layout(delimiter=",", names=split(header, ","), units=[], start=0, decimal_comma=False)
    return _table_of_body(body, layout)


def _table_of_block(text: str, columns: tuple[str, str] | None) -> Table:
    layout = find_layout(text, columns)
    body = text[layout.start :]
    if layout.delimiter == " ":
        body = body.replace("\t", " ")
    elif "#" in body:
        body = _without_comments(body, layout)
    return _table_of_body(_without_empty_end(body, layout.delimiter), layout)


def _table_of_body(body: str, layout: Layout) -> Table:
    names = unique_names(layout.names)
    table = _read_fast(body, layout, names)
    lost = None if table is None else _lost_columns(table, body, layout)
    if table is None or lost:
        table = _read_exact(body, layout, names)
    for name, unit in zip(names, layout.units, strict=False):
        if unit.strip() and parse_unit(unit) is not None:
            table[name].unit = parse_unit(unit)
    return note_repeated(missing_as_nan(table), layout.names)


def _without_empty_end(body: str, delimiter: str) -> str:
    """Return the data without the last rows if all their fields are empty, as Excel leaves them."""
    end = len(body)
    while (start := body.rfind("\n", 0, max(end - 1, 0)) + 1) < end:
        if body[start:end].strip(f"{delimiter} \t\n"):
            break
        end = start
    return body[:end]


_COMMENT = re.compile(r"^[ \t]*#.*(?:\n|\Z)", re.MULTILINE)


def _without_comments(body: str, layout: Layout) -> str:
    """Return the data without comments; one that could be a target is refused."""
    for found in _COMMENT.finditer(body):
        if len(split(found[0], layout.delimiter)) == len(layout.names) > 1:
            raise TargetError(
                f"the line {found[0].strip()!r} begins with #, and is a comment or a target: "
                "remove the line, or put the first field in quotes"
            )
    return _COMMENT.sub("", body)


_MISSING = ("", "null", "NULL")


def _read_fast(body: str, layout: Layout, names: Sequence[str]) -> Table | None:
    """Return what astropy's fast reader makes of it; None where that cannot know the types."""
    if layout.decimal_comma:
        return None
    delimiter = layout.delimiter
    form = {"\t": "tab", " ": "basic"}.get(delimiter, "csv")
    header = delimiter.join(f"c{number}" for number in range(len(names)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of integers beyond 63 bits, which are turned below
        table = astropy_ascii.read(
            f"{header}\n{body}", format=form, delimiter=delimiter, guess=False,
            fill_values=[(word, "0") for word in _MISSING],
        )  # fmt: skip
    table.rename_columns(table.colnames, list(names))
    table.meta.clear()
    return table


def _lost_columns(table: Table, body: str, layout: Layout) -> bool:
    """Return whether a value has lost what it had in the text: digits, or zeros in front."""
    for name in table.colnames:
        column = table[name]
        if column.dtype.kind == "f":
            values = np.ma.filled(column, 0.0)
            with np.errstate(invalid="ignore"):
                if np.any((np.abs(values) >= 2**53) & np.isfinite(values)):
                    return True
        if column.dtype.kind == "U" and _might_be_number(column):
            return True
    return _has_leading_zero(body, layout.delimiter)


def _might_be_number(column: Column) -> bool:
    """Return whether a column of text begins as one of large or padded numbers."""
    first = next((str(value) for value in column[:100].tolist() if value), "")
    return bool(re.fullmatch(rf"\s*(?:{_NUMBER})\s*", first))


_CHUNK = 1 << 20


def _has_leading_zero(body: str, delimiter: str) -> bool:
    """Return whether a field begins with a zero and another digit, or as hexadecimal."""
    data = np.frombuffer(f"\n{body}\n0".encode("latin-1", "replace"), dtype=np.uint8)
    before = np.isin(np.arange(256), list(f'{delimiter}\n" '.encode()))
    after = np.isin(np.arange(256), list(b"0123456789xX"))
    for start in range(0, len(data), _CHUNK):
        part = data[start : start + _CHUNK + 2]
        zeros = np.flatnonzero(part[1:-1] == ord("0"))
        if np.any(before[part[zeros]] & after[part[zeros + 2]]):
            return True
    return False


def _read_exact(body: str, layout: Layout, names: Sequence[str]) -> Table:
    """Return the table with every value read as text, and turned only where nothing is lost."""
    lines = body.split("\n")
    if layout.delimiter == " ":
        lines = [line.strip() for line in lines if not line.lstrip().startswith("#")]
    rows = csv.reader(
        (f"{line}\n" for line in lines if line.strip()),
        delimiter=layout.delimiter,
        skipinitialspace=layout.delimiter != "\t",
    )
    fields: list[list[str]] = []
    for number, row in enumerate(rows):
        if len(row) > len(names) or (layout.delimiter in " \t" and len(row) < len(names)):
            raise ValueError(f"row {number} has {len(row)} fields; there are {len(names)} columns")
        fields.append(row + [""] * (len(names) - len(row)))
    turned = list(zip(*fields, strict=True)) or [()] * len(names)
    columns = [_typed(texts, decimal_comma=layout.decimal_comma) for texts in turned]
    return Table(columns, names=list(names))


_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|[+-]?(?:nan|inf|NaN|Inf|NAN|INF)"
_INTEGERS = re.compile(r"(?:[+-]?\d+\n)*", re.ASCII)
_NUMBERS = re.compile(rf"(?:(?:{_NUMBER})\n)*", re.ASCII)
_COMMAS = re.compile(r"(?:[+-]?\d*,?\d+(?:[eE][+-]?\d+)?\n)*", re.ASCII)
_PADDED = re.compile(r"^[+-]?0\d+$", re.MULTILINE | re.ASCII)
_LONG = re.compile(r"^[+-]?\d{16,}$", re.MULTILINE | re.ASCII)


def _typed(texts: Sequence[str], *, decimal_comma: bool) -> Column:
    """Return a column of integers, floats or text, whichever keeps every digit."""
    stripped = [text.strip() for text in texts]
    present = [text for text in stripped if text not in _MISSING]
    lines = "".join(f"{text}\n" for text in present)
    mask = [text in _MISSING for text in stripped] if len(present) < len(stripped) else None
    if not present and stripped:
        return Column(np.full(len(stripped), np.nan))
    if not present or _PADDED.search(lines) or lines.count("\n") != len(present):
        return _masked_text(stripped, mask)
    if _INTEGERS.fullmatch(lines):
        return _integers(stripped, mask)
    if decimal_comma and _COMMAS.fullmatch(lines):
        stripped, lines = [text.replace(",", ".") for text in stripped], lines.replace(",", ".")
    if _NUMBERS.fullmatch(lines) and not _LONG.search(lines):
        gone = set(_MISSING)
        return Column(np.array([np.nan if text in gone else float(text) for text in stripped]))
    return _masked_text(stripped, mask)


def _integers(texts: Sequence[str], mask: Sequence[bool] | None) -> Column:
    numbers = [0 if text in _MISSING else int(text) for text in texts]
    low, high = min(numbers), max(numbers)
    if low < -(2**63) or high >= 2**64 or (low < 0 and high >= 2**63):
        return _masked_text(texts, mask)
    values = np.array(numbers, dtype=np.int64 if high < 2**63 else np.uint64)
    return Column(values) if mask is None else MaskedColumn(values, mask=mask)


def _masked_text(texts: Sequence[str], mask: Sequence[bool] | None) -> Column:
    if mask is None:
        return Column(np.array(texts, dtype=str))
    return MaskedColumn(np.array(texts, dtype=str), mask=mask)
