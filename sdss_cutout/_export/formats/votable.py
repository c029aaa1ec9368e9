"""A VOTable with links to the pictures, for TOPCAT, Aladin and other tools of the VO."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from astropy.io.votable import from_table
from astropy.io.votable.tree import Info
from astropy.table import MaskedColumn, Table
from numpy.typing import NDArray

from sdss_cutout._export.card import provenance
from sdss_cutout._export.columns import ExportColumn
from sdss_cutout._export.format import Format, TrainingSet

__all__ = ["FORMAT"]

_VO_INTEGERS = (np.uint8, np.int16, np.int32)
_UCDS = {
    "name": "meta.id;meta.main",
    "ra": "pos.eq.ra;meta.main",
    "dec": "pos.eq.dec;meta.main",
    "access_url": "meta.ref.url",
    "url": "meta.ref.url",
    "scale": "phys.angSize;instr.pixel",
}


def write(training_set: TrainingSet, path: Path) -> None:
    """Write the columns, with ``access_url``, a link to the picture's file or to SkyServer."""
    rows = training_set.rows
    table = Table()
    for column in training_set.columns:
        if 0 in column.values.shape[1:]:
            continue
        values = MaskedColumn(_storable(column, rows), mask=column.missing[rows])
        values.unit, values.description = column.unit or None, column.description or None
        table[column.name] = values
    for _ in training_set.samples():  # each is counted
        pass
    table["access_url"] = _links(training_set)
    table["access_format"] = np.full(len(rows), "image/jpeg")
    votable = from_table(table)
    for field in votable.get_first_table().fields:
        field.ucd = _UCDS.get(field.name)
    for name, text in provenance(training_set).items():
        votable.infos.append(Info(name=name, value=text))
    votable.to_xml(str(path))


def _storable(column: ExportColumn, rows: NDArray[np.int64]) -> NDArray[Any]:
    """Return values of a type that VOTable has: of unsigned integers it has bytes only."""
    values = column.values[rows]
    if column.is_text:
        return np.char.decode(values, "utf-8")
    if values.dtype.kind not in "iu" or values.dtype in _VO_INTEGERS:
        return values
    if values.size and values.max() > np.iinfo(np.int64).max:
        return values.astype(str)
    return values.astype(np.int64)


def _links(training_set: TrainingSet) -> list[str]:
    links = []
    wanted = set(training_set.rows.tolist())
    texts = zip(training_set.table.texts("path"), training_set.table.texts("url"), strict=True)
    for row, (path, url) in enumerate(texts):
        if row in wanted:
            links.append(Path(path).resolve().as_uri() if path else url)
    return links


FORMAT = Format(
    name="votable",
    write=write,
    is_file=True,
    has_splits=False,
    own_columns=("access_url", "access_format"),
)
