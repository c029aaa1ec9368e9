"""One HDF5 file: the pictures as arrays, and a dataset per column.

HDF5 ends the process after a full disk, so the room is made sure of before a file is opened.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from astropy.table import MaskedColumn, Table
from numpy.typing import NDArray

from sdss_cutout._errors import ImageError, RequestError
from sdss_cutout._export.card import provenance
from sdss_cutout._export.columns import ExportColumn
from sdss_cutout._export.format import Format, Sample, TrainingSet
from sdss_cutout._export.formats.multimodal import CalibratedImages
from sdss_cutout._export.place import reserve
from sdss_cutout._image.jpeg import decode_jpeg

__all__ = ["FORMAT"]

_ROWS_AT_ONCE = 4_096
_BYTES_AT_ONCE = 4 * 1024**2
_COLUMNS_BYTES = 8_000  # per picture: its header, its row, and what HDF5 adds


def write(training_set: TrainingSet, path: Path) -> None:
    """Write a group per split."""
    import h5py

    kind = CalibratedImages if training_set.bands else _Images
    shape = _shape(training_set)
    reserve(path.parent, len(training_set) * (kind.nbytes(training_set, shape) + _COLUMNS_BYTES))
    with h5py.File(path, "w") as file:
        images = {}
        for split in training_set.splits:
            group, rows = file.create_group(split), training_set.rows_of(split)
            for column in training_set.columns:
                _write_column(group, column, rows)
            _write_table(group, training_set.columns, rows)
            images[split] = kind(group, training_set, rows, shape)
        for sample in training_set.samples():
            images[sample.split].add(sample)
        for writer in images.values():
            writer.finish()
        for name, text in provenance(training_set).items():
            file.attrs[name] = text


class _Images:
    """The pictures of one split."""

    def __init__(
        self,
        group: Any,
        training_set: TrainingSet,
        rows: NDArray[np.int64],
        shape: tuple[int, int],
    ) -> None:
        import h5py

        self._training_set = training_set
        self._shape = (*shape, 3)
        self._images = group.create_dataset("images", (len(rows), *self._shape), "u1")
        self._images.attrs["description"] = "red, green, blue; row 0 is north, x grows to the west"
        self._wcs = group.create_dataset("wcs", len(rows), h5py.string_dtype())
        self._wcs.attrs["description"] = "FITS header of each picture, a card per line"
        self._written = 0
        self._pending: list[tuple[NDArray[np.uint8], str]] = []

    @staticmethod
    def nbytes(training_set: TrainingSet, shape: tuple[int, int]) -> int:
        """Return how many bytes one picture takes."""
        del training_set
        return 3 * shape[0] * shape[1]

    def add(self, sample: Sample) -> None:
        """Take the next picture."""
        content, _, wcs = self._training_set.content(sample)
        pixels = decode_jpeg(content)
        if pixels.shape != self._shape:
            raise ImageError(
                f"target {sample.row} ({sample.name!r}): the picture has the shape {pixels.shape}, "
                f"and the table says {self._shape}"
            )
        self._pending.append((pixels, wcs))
        if len(self._pending) * pixels.size >= _BYTES_AT_ONCE:
            self.finish()

    def finish(self) -> None:
        """Write what was taken: many pictures at once take half the time."""
        if self._pending:
            pixels, wcs = zip(*self._pending, strict=True)
            rows = slice(self._written, self._written + len(wcs))
            self._images[rows] = np.stack(pixels)
            self._wcs[rows] = list(wcs)
            self._written += len(wcs)
            self._pending.clear()


# ------------------------------------------------------------------------------- columns


def _write_column(group: Any, column: ExportColumn, rows: NDArray[np.int64]) -> None:
    """Write a column, and with ``.mask`` behind its name where values are missing."""
    values, missing = column.values[rows], column.missing[rows]
    if column.is_text:
        values = np.where(missing, b"", values)
    elif values.dtype.kind == "f":
        values = np.where(missing, np.nan, values).astype(values.dtype)
    options = {"compression": "gzip", "shuffle": True} if values.size else {}
    dataset = group.create_dataset(column.name, data=values, **options)
    for key in ("unit", "description"):
        if text := getattr(column, key):
            dataset.attrs[key] = text
    if column.missing[rows].any():
        group.create_dataset(f"{column.name}.mask", data=missing, **options)


def _write_table(group: Any, columns: Sequence[ExportColumn], rows: NDArray[np.int64]) -> None:
    """Write the columns as one dataset more, which ``Table.read`` takes for a table.

    Astropy writes a table of one row; its description of the columns holds for all rows, which are
    then put in its place bit by bit.
    """
    columns = [column for column in columns if 0 not in column.values.shape[1:]]
    _template(group, columns).write(group, path="table", serialize_meta=True)
    names = group["table"].dtype.names
    del group["table"]
    fields = [(name, group[name].dtype, group[name].shape[1:]) for name in names]
    table = group.create_dataset("table", len(rows), np.dtype(fields), compression="gzip")
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        part = np.zeros(min(_ROWS_AT_ONCE, len(rows) - start), table.dtype)
        for name in names:
            part[name] = group[name][start : start + len(part)]
        table[start : start + len(part)] = part


def _template(group: Any, columns: Sequence[ExportColumn]) -> Table:
    """Return a table of one row, with something masked where something is missing."""
    template = Table()
    for column in columns:
        masked = f"{column.name}.mask" in group
        one = column.values[:1]
        one = np.char.decode(one, "utf-8") if column.is_text else one
        values = MaskedColumn(one, mask=np.full(one.shape, masked))
        template[column.name] = values if masked else values.filled()
        template[column.name].unit = column.unit or None
        template[column.name].description = column.description or None
    return template


# ------------------------------------------------------------------------------- refusals


def check(training_set: TrainingSet) -> None:
    """Refuse pictures of several sizes, and where h5py is missing."""
    _shape(training_set)
    try:
        import h5py  # noqa: F401
    except ImportError as error:
        raise RequestError(
            "the format 'hdf5' needs h5py: pip install 'sdss_cutout[hdf5]'"
        ) from error


def _shape(training_set: TrainingSet) -> tuple[int, int]:
    """Return height and width of all pictures."""
    table, rows = training_set.table, training_set.rows
    sides = (table[name].values[rows].tolist() for name in ("height", "width"))
    sizes = Counter(zip(*sides, strict=True))
    if len(sizes) > 1:
        (height, width), count = sizes.most_common(1)[0]
        raise RequestError(
            f"the pictures have {len(sizes)} sizes, and an array in HDF5 has one. Export those of "
            f'one size, as report[report.table["width"] == {width}] ({count} are {width} x '
            f"{height}); get all of them in one size, with fov= in place of scale=; or use the "
            "format 'parquet', 'webdataset' or 'imagefolder'"
        )
    return next(iter(sizes))


FORMAT = Format(
    name="hdf5",
    write=write,
    check=check,
    is_file=True,
    own_columns=("images", "table"),
    forbidden="/",
    calibrated=True,
)
