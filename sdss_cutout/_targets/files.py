"""Tables from anything: files that astropy or pandas reads, and DataFrames."""

from __future__ import annotations

import os
import re
import sys
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

from astropy.table import Table
from astropy.utils.data import get_readable_fileobj

from sdss_cutout._errors import TargetError

__all__ = ["is_dataframe", "looks_like_path", "read_table", "table_of"]

# What astropy is told about a suffix; it cannot tell all formats from the file's first bytes.
_FORMATS = {
    ".csv": "ascii.csv",
    ".ecsv": "ascii.ecsv",
    ".tsv": "ascii.tab",
    ".txt": "ascii",
    ".dat": "ascii",
    ".fits": "fits",
    ".fit": "fits",
    ".vot": "votable",
    ".votable": "votable",
    ".xml": "votable",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".hdf5": "hdf5",
    ".h5": "hdf5",
}


def looks_like_path(text: str) -> bool:
    """Return whether a string names a file rather than an object on the sky."""
    separators = [os.sep, *([os.altsep] if os.altsep else [])]
    return any(s in text for s in separators) or _suffix(text) in _FORMATS


def _suffix(path: str | Path) -> str:
    name = Path(path).name.lower()
    for packed in (".gz", ".bz2", ".xz"):
        name = name.removesuffix(packed)
    return Path(name).suffix


def read_table(path: str | Path) -> Table:
    """Return the table in a file.

    Raises
    ------
    TargetError
        If there is no such file, or it holds no table.
    """
    path = Path(path)
    _refuse_no_file(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # foreign files: their units' spelling is not our news
            return _read(path, _FORMATS.get(_suffix(path)))
    except ImportError as error:
        raise TargetError(
            f"{path} cannot be read without a package that is not installed ({error}); "
            "pip install 'sdss_cutout[tables]'"
        ) from error
    except Exception as error:
        first_line = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise TargetError(f"{path} is not a table that can be read: {first_line}") from error


def _refuse_no_file(path: Path) -> None:
    try:
        is_file, is_directory = path.is_file(), path.is_dir()
    except OSError as error:
        raise TargetError(f"{path} cannot be read: {error.strerror}") from error
    if not is_file:
        what = "is a directory" if is_directory else "does not exist"
        raise TargetError(f"{path} {what}; a file with a table is needed")


def _read(path: Path, form: str | None) -> Table:
    if form is None or not form.startswith("ascii") or form == "ascii.ecsv":
        return Table.read(path, format=form)
    # Spreadsheets put a byte order mark before the first column's name, SkyServer a line #Table1.
    with get_readable_fileobj(path, encoding="utf-8-sig") as file:
        lines = file.read().split("\n")
    return Table.read(lines[bool(re.fullmatch(r"#Table\d+", lines[0])) :], format=form)


def is_dataframe(given: Any) -> bool:
    """Return whether this is a pandas DataFrame, without importing pandas to find out."""
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(given, pandas.DataFrame)


def table_of(frame: Any) -> Table:
    """Return a DataFrame as a table."""
    names = [str(name) for name in frame.columns]
    if twice := [name for name, count in Counter(names).items() if count > 1]:
        raise TargetError(f"the DataFrame has the column {twice[0]!r} more than once")
    try:
        return Table.from_pandas(frame.set_axis(names, axis="columns"))
    except (ValueError, TypeError) as error:
        raise TargetError(f"the DataFrame cannot be turned into a table: {error}") from error
