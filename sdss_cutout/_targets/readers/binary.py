"""FITS, HDF5 and NumPy files."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import Any

import numpy as np
from astropy.io import fits
from astropy.table import Table

from sdss_cutout._errors import TargetError
from sdss_cutout._targets.readers.source import (
    Content,
    TableSource,
    missing_as_nan,
)

__all__ = ["read_fits", "read_hdf5", "read_npy", "table_of_hdu"]

# Keywords that say in which frame coordinates are; a table may leave them to the primary header.
_FRAME_KEYWORDS = ("RADESYS", "RADECSYS", "EQUINOX")


def read_fits(content: Content) -> tuple[TableSource, ...]:
    """Return the tables in a FITS file."""
    with _open(content) as hdus:
        return tuple(
            TableSource(
                name=hdu.name or str(number),
                number=str(number),
                colnames=list(hdu.columns.names),
                read=partial(_table_of, content, number),
            )
            for number, hdu in enumerate(hdus)
            if isinstance(hdu, fits.BinTableHDU | fits.TableHDU)
        )


def _open(content: Content) -> fits.HDUList:
    return fits.open(content.source(), memmap=False, character_as_bytes=True)


def _table_of(content: Content, number: int) -> Table:
    with _open(content) as hdus:
        table = table_of_hdu(hdus[number])
        primary = hdus[0].header
        if not set(_FRAME_KEYWORDS) & set(table.meta):
            table.meta.update({key: primary[key] for key in _FRAME_KEYWORDS if key in primary})
    return table


def table_of_hdu(hdu: fits.BinTableHDU) -> Table:
    """Return the table in an HDU; what is NaN there stays NaN."""
    if twice := [name for name, count in Counter(hdu.columns.names).items() if count > 1]:
        raise TargetError(f"the column {twice[0]!r} is there more than once; keep one of them")
    table = Table.read(hdu, format="fits", unit_parse_strict="silent", mask_invalid=False)
    return missing_as_nan(table)


def read_hdf5(content: Content) -> tuple[TableSource, ...]:
    """Return the tables in an HDF5 file, which are data sets with named fields."""
    import h5py

    found: dict[str, list[str]] = {}

    def note(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset) and item.dtype.names:
            found[name] = list(item.dtype.names)

    with h5py.File(content.source(), "r") as file:
        file.visititems(note)
        if not found and "pandas_version" in _attributes(file):
            raise ValueError("pandas wrote it; read it with pandas.read_hdf and give the DataFrame")
    return tuple(
        TableSource(
            name=name,
            number=str(number),
            colnames=names,
            read=partial(_table_of_hdf5, content, name),
        )
        for number, (name, names) in enumerate(found.items())
    )


def _attributes(file: Any) -> set[str]:
    found: set[str] = set()
    file.visititems(lambda _, item: found.update(item.attrs))
    return found


def _table_of_hdf5(content: Content, name: str) -> Table:
    return missing_as_nan(
        Table.read(content.source(), format="hdf5", path=name, character_as_bytes=False)
    )


def read_npy(content: Content) -> tuple[TableSource, ...]:
    """Return the table in a file of NumPy: a record array."""
    array = np.load(content.source(), allow_pickle=False)
    if array.dtype.names is None:
        raise ValueError("it is an array without column names; make a table of it")
    table = Table(array)
    return (TableSource(name="0", number="0", colnames=table.colnames, read=lambda: table),)
