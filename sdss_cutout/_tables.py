"""Tables from anything: files that astropy or pandas reads, and DataFrames."""

from __future__ import annotations

import os
import sys
import warnings
from pathlib import Path
from typing import Any

from astropy.table import Table

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
    ".fits.gz": "fits",
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
    return next((s for s in _FORMATS if s.count(".") > 1 and name.endswith(s)), Path(name).suffix)


def read_table(path: str | Path) -> Table:
    """Return the table in a file.

    Raises
    ------
    TargetError
        If there is no such file, or it holds no table.
    """
    path = Path(path)
    if not path.is_file():
        what = "is a directory" if path.is_dir() else "does not exist"
        raise TargetError(f"{path} {what}; a file with a table is needed")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # foreign files: their units' spelling is not our news
            return Table.read(path, format=_FORMATS.get(_suffix(path)))
    except ImportError as error:
        raise TargetError(
            f"{path} cannot be read without {error.name}; pip install 'sdss_cutout[tables]'"
        ) from error
    except Exception as error:
        first_line = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise TargetError(f"{path} is not a table that can be read: {first_line}") from error


def is_dataframe(given: Any) -> bool:
    """Return whether this is a pandas DataFrame, without importing pandas to find out."""
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(given, pandas.DataFrame)


def table_of(frame: Any) -> Table:
    """Return a DataFrame as a table."""
    return Table.from_pandas(frame)
