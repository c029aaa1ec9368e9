"""Parquet files with the pictures inside, as Hugging Face, pandas and polars read them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from sdss_cutout._errors import RequestError
from sdss_cutout._export.format import Format, Sample, TrainingSet
from sdss_cutout._export.formats.arrow import arrow_array, arrow_type, binary_array, struct_array

__all__ = ["FORMAT"]

# Small row groups: the Hub's viewer reads whole ones, and so does a loader that shuffles.
_GROUP_ROWS = 1_000
_GROUP_BYTES = 4 * 1024**2
_SHARD_BYTES = 500 * 1024**2


def write(training_set: TrainingSet, path: Path) -> None:
    """Write ``data/{split}-NNNNN-of-NNNNN.parquet``."""
    (path / "data").mkdir(parents=True)
    writers = {split: _Shards(path / "data", split, training_set) for split in training_set.splits}
    try:
        for sample in training_set.samples():
            content, _, wcs = training_set.content(sample)
            writers[sample.split].add(sample, content, wcs)
        for writer in writers.values():
            writer.finish()
    finally:
        for writer in writers.values():
            writer.close()


class _Shards:
    """The files of one split."""

    def __init__(self, folder: Path, split: str, training_set: TrainingSet) -> None:
        self._folder = folder
        self._split = split
        self._columns = training_set.columns
        self._schema = _schema(training_set.columns)
        self._pending: list[tuple[int, bytes, bytes, bytes]] = []
        self._group_bytes = 0
        self._shard_bytes = 0
        self._writer: Any = None
        self._shards = 0

    def add(self, sample: Sample, content: bytes, wcs: str) -> None:
        """Take a picture, and write those that make a row group."""
        name = f"{sample.name}.jpg".encode()
        self._pending.append((sample.row, content, name, wcs.encode()))
        self._group_bytes += len(content) + len(wcs)
        if len(self._pending) >= _GROUP_ROWS or self._group_bytes >= _GROUP_BYTES:
            self._write_group()

    def _batch(self) -> Any:
        """Return what is pending in Arrow's form."""
        import pyarrow as pa

        rows, contents, names, wcs = zip(*self._pending, strict=True)
        image = [binary_array(contents, pa.binary()), binary_array(names, pa.string())]
        numbers = np.array(rows)
        arrays = [
            struct_array(self._schema.field("image").type, image),
            *(arrow_array(column, numbers) for column in self._columns),
            binary_array(wcs, pa.string()),
        ]
        return pa.RecordBatch.from_arrays(arrays, schema=self._schema)

    def _write_group(self) -> None:
        import pyarrow.parquet as pq

        if self._writer is None:
            self._writer = pq.ParquetWriter(
                self._part(self._shards),
                self._schema,
                compression=_compression(self._schema),
                use_dictionary=[name for name in self._schema.names if name != "image"],
                write_statistics=[name for name in self._schema.names if name != "image"],
                write_page_index=True,
            )
            self._shards += 1
        self._writer.write_batch(self._batch())
        self._shard_bytes += self._group_bytes
        self._pending, self._group_bytes = [], 0
        if self._shard_bytes >= _SHARD_BYTES:
            self.close()
            self._shard_bytes = 0

    def _part(self, number: int) -> Path:
        return self._folder / f"{self._split}-{number}.part"

    def finish(self) -> None:
        """Write what is left, and give the files the names that tell how many they are."""
        if self._pending:
            self._write_group()
        self.close()
        for number in range(self._shards):
            name = f"{self._split}-{number:05d}-of-{self._shards:05d}.parquet"
            self._part(number).rename(self._folder / name)

    def close(self) -> None:
        """Close the file that is being written."""
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.close()


def _schema(columns: Any) -> Any:
    """Return the Arrow schema, which tells Hugging Face's library that `image` is a picture."""
    import pyarrow as pa

    image = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    types = {column.name: arrow_type(column) for column in columns} | {"wcs": pa.string()}
    features: dict[str, Any] = {name: _feature(kind) for name, kind in types.items()}
    features = {"image": {"_type": "Image"}, **features}
    metadata = {"huggingface": json.dumps({"info": {"features": features}})}
    fields = [pa.field("image", image), *(pa.field(*item) for item in types.items())]
    return pa.schema(fields, metadata=metadata)


_HUGGING_FACE_NAMES = {"double": "float64", "float": "float32", "halffloat": "float16"}


def _feature(kind: Any) -> dict[str, Any]:
    if hasattr(kind, "value_type"):
        return {"feature": _feature(kind.value_type), "_type": "List"}
    return {"dtype": _HUGGING_FACE_NAMES.get(str(kind), str(kind)), "_type": "Value"}


def _compression(schema: Any) -> dict[str, str]:
    """Compress all but the pictures, which are compressed already."""
    return {"image.bytes": "NONE", "image.path": "ZSTD"} | {
        name: "ZSTD" for name in schema.names if name != "image"
    }


def check(training_set: TrainingSet) -> None:
    """Refuse where pyarrow is missing."""
    del training_set
    try:
        import pyarrow  # noqa: F401
    except ImportError as error:
        raise RequestError(
            "the format 'parquet' needs pyarrow: pip install 'sdss_cutout[parquet]'"
        ) from error


FORMAT = Format(
    name="parquet",
    write=write,
    check=check,
    data_files="data/{split}-*",
    opened_by="from datasets import load_dataset\nload_dataset(FOLDER)",
)
