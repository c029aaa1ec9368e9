"""``manifest.ecsv``: the manifest as a table, the input columns first, written row by row."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from astropy.table.meta import get_header_from_yaml

from sdss_cutout._results.columns import MANIFEST_COLUMNS, RESULT_COLUMNS, ResultColumn
from sdss_cutout._store.manifest import Manifest, ManifestEntry

__all__ = ["write_manifest_table"]


def write_manifest_table(manifest: Manifest, path: Path) -> None:
    """Write the manifest as ECSV; row by row, as there may be millions.

    Of our columns that `RESULT_COLUMNS` has not, such as ``ra`` and ``dec``, those are left out
    whose names an input column bears.

    Parameters
    ----------
    manifest : Manifest
        What is written.
    path : `~pathlib.Path`
        The file; it is not written atomically.
    """
    headers = manifest.input_tables()
    input_lines, input_names = _merged_header(list(headers.values()))
    columns = _beside(input_names)
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(_header(input_lines, columns))
        writer = csv.writer(file, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
        writer.writerow([*input_names, *(column.name for column in columns)])
        names_of = {number: _names(header) for number, header in headers.items()}
        places = {name: place for place, name in enumerate(input_names)}
        ours = [ManifestEntry._fields.index(column.name) for column in columns]
        for entry in manifest.entries():
            row: list[Any] = [None] * len(input_names)
            for name, value in _input_values(entry, names_of):
                row[places[name]] = json.dumps(value) if isinstance(value, list) else value
            writer.writerow([*row, *(entry[place] for place in ours)])


def _beside(input_names: Sequence[str]) -> list[ResultColumn]:
    result_columns = set(RESULT_COLUMNS)
    return [c for c in MANIFEST_COLUMNS if c in result_columns or c.name not in input_names]


def _input_values(
    entry: ManifestEntry, names_of: dict[int, list[str]]
) -> Iterator[tuple[str, Any]]:
    if entry.input_table is not None and entry.input_values:
        names = names_of[entry.input_table]
        yield from zip(names, json.loads(entry.input_values), strict=True)


# ------------------------------------------------------------------------------- the header


def _header(input_lines: list[str], columns: Sequence[ResultColumn]) -> str:
    """Return the header that astropy writes for these columns.

    By hand, as astropy takes 20 ms for it, which is the time of dozens of pictures.
    """
    lines = input_lines or [*_HEAD, *_FOOT]
    start = lines.index("datatype:") + 1
    end = next((n for n in range(start, len(lines)) if _TOP_KEY.match(lines[n])), len(lines))
    lines = lines[:end] + list(map(_declaration, columns)) + lines[end:]
    return "".join(f"# {line}\n" for line in lines)


_TOP_KEY = re.compile(r"[A-Za-z_]+:|%")
_ECSV_TYPES = {"U": "string", "i8": "int64", "f8": "float64"}


def _declaration(column: ResultColumn) -> str:
    unit = f"unit: {column.unit}, " if column.unit else ""
    kind = _ECSV_TYPES[column.dtype]
    description = json.dumps(column.description)
    return f"- {{name: {column.name}, {unit}datatype: {kind}, description: {description}}}"


def _merged_header(headers: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the header lines and the names of the input columns of all lists together.

    Lists with the same columns share a header. Where lists differ, a column that not all of them
    declare alike is text.
    """
    if len(headers) == 1:
        return _lines(headers[0]), _names(headers[0])
    declared: dict[str, set[str]] = {}
    for header in headers:
        for name, declaration in _declarations(header).items():
            declared.setdefault(name, set()).add(declaration)
    if not declared:
        return [], []
    as_text = {name: f"- {json.dumps({'name': name, 'datatype': 'string'})}" for name in declared}
    lines = [found.pop() if len(found) == 1 else as_text[name] for name, found in declared.items()]
    return [*_HEAD, *lines, *_FOOT], list(as_text)


_HEAD, _FOOT = ("%ECSV 1.0", "---", "datatype:"), ("delimiter: ','", "schema: astropy-2.0")


def _lines(header: str) -> list[str]:
    """Return the comment lines of an ECSV header, without their marks."""
    return [line[2:] for line in header.splitlines() if line.startswith("# ")]


def _names(header: str) -> list[str]:
    return next(csv.reader([header.splitlines()[-1]]))


def _declarations(header: str) -> dict[str, str]:
    """Return a line of YAML for each column of a header; what is not a plain number is text."""
    lines = {}
    for column in get_header_from_yaml(_lines(header)[1:])["datatype"]:
        name = column["name"]
        is_number = "subtype" not in column and column["datatype"] in _NUMBERS
        kept = {"name": name, "datatype": column["datatype"] if is_number else "string"}
        kept |= {key: column[key] for key in ("unit", "description") if key in column}
        kept = {key: str(value) for key, value in kept.items()}
        lines[name] = f"- {json.dumps(kept)}"  # JSON is YAML
    return lines


_NUMBERS = {"bool", *(f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64))}
_NUMBERS |= {"float16", "float32", "float64"}
