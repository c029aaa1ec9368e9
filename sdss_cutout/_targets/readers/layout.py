"""Finds out how a table in text is laid out: separator, header, comments, units.

In this order: a line ``sep=;`` says the separator. The header is the first line that names
coordinates; else the comment above the first data, if it has a word for each field; else the first
line, if it is not data itself. The separator is that of the header: tab, ``;``, ``|``, ``,`` or
blanks. Below the header, a line of units and a line of dashes are skipped.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sdss_cutout._errors import TargetError
from sdss_cutout._targets.columns import find_pair, listed
from sdss_cutout._targets.text import (
    could_be_name,
    is_angle,
    position_from_text,
)
from sdss_cutout._targets.units import parse_unit

__all__ = ["Layout", "find_layout", "list_of_texts"]

_DELIMITERS = ("\t", ";", "|", ",", " ")

# Lines that are looked at to find out about all of them.
_SAMPLE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How the values of a table are written.

    Attributes
    ----------
    delimiter : str
        Between the fields; a blank stands for any number of blanks and tabs.
    names : list of str
        The columns; ``ra``, ``dec`` and ``col3`` where there is no header.
    units : list of str
        The line of units, empty if there is none.
    start : int
        Where the data begin in the text.
    decimal_comma : bool
        Whether numbers have a comma for a point.
    """

    delimiter: str
    names: list[str]
    units: list[str]
    start: int
    decimal_comma: bool


@dataclass(frozen=True, slots=True)
class _Line:
    """A line and where it begins and ends in the text."""

    text: str
    start: int
    end: int

    @property
    def is_comment(self) -> bool:
        return self.text.lstrip().startswith("#")


def _lines(text: str) -> Iterator[_Line]:
    """Yield the lines that are not blank."""
    start = 0
    while start < len(text):
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        if text[start:end].strip():
            yield _Line(text[start:end], start, min(end + 1, len(text)))
        start = end + 1


def _sample(text: str) -> tuple[str, list[_Line], list[_Line]]:
    """Return the separator that a first line says, the comments above the data, and the data."""
    said = ""
    comments: list[_Line] = []
    data: list[_Line] = []
    for number, line in enumerate(_lines(text)):
        if number == 0 and (found := _SEPARATOR.fullmatch(line.text)):
            said = found[1]
        elif line.is_comment:
            if not data:
                comments.append(line)
        else:
            data.append(line)
        if len(data) >= _SAMPLE:
            break
    return said, comments, data


_SEPARATOR = re.compile(r"\s*\"?sep=(.)\"?\s*", re.IGNORECASE)


def split(line: str, delimiter: str) -> list[str]:
    """Return the fields of a line, without quotes and blanks around them."""
    if delimiter == " ":
        line = line.replace("\t", " ").strip()
    try:
        [fields] = csv.reader([line], delimiter=delimiter, skipinitialspace=delimiter != "\t")
    except (csv.Error, ValueError):
        return [line]
    return [field.strip() for field in fields]


# --------------------------------------------------------------------------------- layout


def find_layout(text: str, columns: tuple[str, str] | None) -> Layout:
    """Return the layout of a table in text.

    Raises
    ------
    TargetError
        If the first line is data, and which columns are the coordinates cannot be told.
    """
    said, comments, data = _sample(text)
    if not data:
        raise TargetError("it is empty" if not comments else "it has comments only, and no data")
    delimiters = (said,) if said else _DELIMITERS
    for number, line in enumerate(data):
        for delimiter in delimiters:
            fields = split(line.text, delimiter)
            if len(fields) > 1 and _names_coordinates(fields, columns):
                _refuse_data_above(data[:number], delimiter, len(fields))
                return _below_header(fields, data[number + 1 :], line.end, delimiter)
    delimiter = _best_delimiter(data, delimiters)
    first = split(data[0].text, delimiter)
    commented = _commented_header(comments, len(first), delimiter)
    if commented and _is_data(first):
        return _below_header(commented, data, data[0].start, delimiter)
    if _is_data(first):
        return _without_header(first, data, delimiter, columns)
    return _below_header(first, data[1:], data[0].end, delimiter)


def _refuse_data_above(lines: Sequence[_Line], delimiter: str, count: int) -> None:
    for line in lines:
        fields = split(line.text, delimiter)
        if len(fields) == count and _is_data(fields):
            raise TargetError(
                f"a line of data is above the header: {line.text.strip()!r}; the header must be "
                "above all data"
            )


def _names_coordinates(fields: Sequence[str], columns: tuple[str, str] | None) -> bool:
    """Return whether these are names of columns, among them those of the coordinates."""
    if columns is None:
        return find_pair(list(dict.fromkeys(fields))) is not None
    wanted = {name.lower() for name in columns}
    return wanted <= {field.lower() for field in fields} and not any(map(is_angle, wanted))


def _is_data(fields: Sequence[str]) -> bool:
    return any(is_angle(field) or _COMMA_NUMBER.fullmatch(field) for field in fields)


def _best_delimiter(data: Sequence[_Line], delimiters: Sequence[str]) -> str:
    """Return the first separator that gives all lines the same number of fields, at least two."""
    for delimiter in delimiters:
        counts = {len(split(line.text, delimiter)) for line in data}
        if len(counts) == 1 and counts != {1}:
            return delimiter
    several = [d for d in delimiters if len(split(data[0].text, d)) > 1]
    return several[0] if several else ","


def _commented_header(comments: Sequence[_Line], count: int, delimiter: str) -> list[str] | None:
    """Return the names in the last comment that has one for each field."""
    for comment in reversed(comments):
        line = comment.text.lstrip().lstrip("#")
        for candidate in (delimiter, *_DELIMITERS):
            fields = split(line, candidate)
            is_header = len(fields) == count and all(fields) and not _is_data(fields)
            if is_header and (count > 2 or any(map(_OF_POSITION.search, fields))):
                return fields
    return None


# Of two words over two columns these mean a position, in whatever frame; others are a remark.
_OF_POSITION = re.compile(r"ra|de|lon|lat|alpha|delta|az|alt|^[xylb]$", re.IGNORECASE)


def _below_header(
    names: Sequence[str], data: Sequence[_Line], start: int, delimiter: str
) -> Layout:
    units: list[str] = []
    rest = list(data)
    dashes = next((n for n, line in enumerate(rest[:2]) if _is_rule(line.text)), None)
    if dashes is not None:
        if dashes == 1:
            units = split(rest[0].text, delimiter)
        start, rest = rest[dashes].end, rest[dashes + 1 :]
    elif rest and _is_units(names, found := split(rest[0].text, delimiter)):
        units, start, rest = found, rest[0].end, rest[1:]
    return Layout(
        delimiter=delimiter,
        names=list(names),
        units=units,
        start=start,
        decimal_comma=_has_decimal_comma(rest, delimiter),
    )


def _is_rule(line: str) -> bool:
    return re.fullmatch(r"[\s|;,+-]*-{2,}[\s|;,+-]*", line) is not None


def _is_units(names: Sequence[str], fields: Sequence[str]) -> bool:
    """Return whether a line has units of angles where the coordinates should be."""
    pair = find_pair(list(dict.fromkeys(names)))
    if pair is None or len(fields) != len(names):
        return False
    values = [fields[list(names).index(name)] for name in pair]
    return all(value and parse_unit(value) is not None for value in values)


_COMMA_NUMBER = re.compile(r"[+-]?\d+,\d+(?:[eE][+-]?\d+)?", re.ASCII)
_POINT_NUMBER = re.compile(r"[+-]?\d*\.\d+(?:[eE][+-]?\d+)?", re.ASCII)


def _has_decimal_comma(data: Sequence[_Line], delimiter: str) -> bool:
    fields = [field for line in data for field in split(line.text, delimiter)]
    return (
        delimiter != ","
        and any(map(_COMMA_NUMBER.fullmatch, fields))
        and not any(map(_POINT_NUMBER.fullmatch, fields))
    ) or (delimiter == "," and _quoted_commas(fields))


def _quoted_commas(fields: Sequence[str]) -> bool:
    """Return whether fields that had to be quoted for their comma are numbers that need it."""
    return any(
        _COMMA_NUMBER.fullmatch(field) and len(field.rpartition(",")[2]) != 3 for field in fields
    ) and not any(map(_POINT_NUMBER.fullmatch, fields))


# ------------------------------------------------------------------------- without header


def _without_header(
    first: Sequence[str],
    data: Sequence[_Line],
    delimiter: str,
    columns: tuple[str, str] | None,
) -> Layout:
    names = [f"col{number}" for number in range(1, len(first) + 1)]
    decimal_comma = _has_decimal_comma(data, delimiter)
    if columns is None:
        ra, dec = _positions_without_header(first, data, delimiter, decimal_comma=decimal_comma)
        names[ra], names[dec] = "ra", "dec"
    return Layout(
        delimiter=delimiter, names=names, units=[], start=data[0].start, decimal_comma=decimal_comma
    )


def _positions_without_header(
    first: Sequence[str], data: Sequence[_Line], delimiter: str, *, decimal_comma: bool
) -> tuple[int, int]:
    """Return the numbers of the two columns that hold angles; refused if there are more."""
    rows = [split(line.text, delimiter) for line in data]
    if decimal_comma:
        rows = [[field.replace(",", ".") for field in row] for row in rows]
    angles = [
        number
        for number in range(len(first))
        if all(number < len(row) and is_angle(row[number]) for row in rows)
    ]
    numbered = list(first) in ([str(n) for n in range(k, k + len(first))] for k in (0, 1))
    neighbours = len(angles) == 2 and angles[1] == angles[0] + 1
    if neighbours and not numbered and _in_range(rows, angles[0]):
        return angles[0], angles[1]
    raise TargetError(
        f"the first line is data, not a header: {listed(first)}. Write a line with the names of "
        "the columns above it, such as id,ra,dec; or count the columns on the command line, as "
        "--ra col2 --dec col3"
    )


def _in_range(rows: Sequence[Sequence[str]], ra: int) -> bool:
    for row in rows:
        position = position_from_text(f"{row[ra]}, {row[ra + 1]}")
        if position is None or not (0 <= position[0] <= 360 and abs(position[1]) <= 90):
            return False
    return True


# -------------------------------------------------------------------------- list of texts

_LIST_HEADERS = {"name", "names", "object", "objects", "target", "targets", "source", "id"}


def list_of_texts(text: str, columns: tuple[str, str] | None) -> list[str] | None:
    """Return the lines of a text where each is a position or an object's name, else None."""
    said, _, data = _sample(text)
    if said or columns is not None or not data or _has_header(data):
        return None
    first = data[0].text.strip()
    if first.strip('"').lower() in _LIST_HEADERS:
        data = data[1:]
    lines = [_unquoted(line.text) for line in data]
    if not lines or not all(map(_is_text_target, lines)) or _is_unknown_table(lines):
        return None
    wanted = (line for line in _lines(text) if line.start >= data[0].start)
    return [_unquoted(line.text) for line in wanted if not line.is_comment]


def _unquoted(line: str) -> str:
    line = line.strip().rstrip(",;").strip()
    return line[1:-1].strip() if len(line) > 1 and line[0] == line[-1] == '"' else line


def _has_header(data: Sequence[_Line]) -> bool:
    return any(
        _names_coordinates(split(line.text, delimiter), None)
        for line in data
        for delimiter in _DELIMITERS
    )


def _is_text_target(line: str) -> bool:
    return position_from_text(line) is not None or could_be_name(line)


def _is_unknown_table(lines: Sequence[str]) -> bool:
    """Return whether these are rather columns: of two angles, or below names not known here."""
    fields = [line.split() for line in lines]
    counts = {len(row) for row in fields}
    for delimiter in "\t;|, ":
        rows = [split(line, delimiter) for line in lines]
        if all(len(row) == 2 and is_angle(row[0]) and is_angle(row[1]) for row in rows):
            return True
    below_names = not _is_data(fields[0]) and len(fields) > 1 and all(map(_is_data, fields[1:]))
    if len(counts) == 1 and counts != {1} and below_names:
        return True
    several = [sum(map(is_angle, row)) > 1 for row in fields]
    positions = [position_from_text(line) is not None for line in lines]
    return any(s and not p for s, p in zip(several, positions, strict=True))
