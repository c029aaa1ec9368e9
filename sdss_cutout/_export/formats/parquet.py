"""Parquet files with the pictures inside, as Hugging Face, pandas and polars read them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sdss_cutout._errors import RequestError
from sdss_cutout._export.columns import ExportColumn
from sdss_cutout._export.format import Format, Sample, TrainingSet

__all__ = ["FORMAT"]

# Small row groups: the Hub's viewer reads whole ones, and so does a loader that shuffles.
_GROUP_ROWS = 1_000
_GROUP_BYTES = 4 * 1024**2
_SHARD_BYTES = 500 * 1024**2


def write(training_set: TrainingSet, path: Path) -> None:
    """Write ``data/{split}-NNNNN-of-NNNNN.parquet``."""
    (path / "data").mkdir(parents=True)
    schema = _schema(training_set.columns)
    writers = {split: _Shards(path / "data", split, schema) for split in training_set.splits}
    try:
        for sample in training_set.samples(ExportColumn.exact):
            content, _, wcs = training_set.content(sample)
            writers[sample.split].add(sample, content, wcs)
        for writer in writers.values():
            writer.finish()
    finally:
        for writer in writers.values():
            writer.close()


class _Shards:
    """The files of one split."""

    def __init__(self, folder: Path, split: str, schema: Any) -> None:
        self._folder = folder
        self._split = split
        self._schema = schema
        self._rows: list[dict[str, Any]] = []
        self._group_bytes = 0
        self._shard_bytes = 0
        self._writer: Any = None
        self._shards = 0

    def add(self, sample: Sample, content: bytes, wcs: str) -> None:
        """Take a picture, and write those that make a row group."""
        image = {"bytes": content, "path": f"{sample.name}.jpg"}
        self._rows.append({"image": image, **sample.values, "wcs": wcs})
        self._group_bytes += len(content) + len(wcs)
        if len(self._rows) >= _GROUP_ROWS or self._group_bytes >= _GROUP_BYTES:
            self._write_group()

    def _write_group(self) -> None:
        import pyarrow as pa
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
        self._writer.write_table(pa.Table.from_pylist(self._rows, schema=self._schema))
        self._shard_bytes += self._group_bytes
        self._rows, self._group_bytes = [], 0
        if self._shard_bytes >= _SHARD_BYTES:
            self.close()
            self._shard_bytes = 0

    def _part(self, number: int) -> Path:
        return self._folder / f"{self._split}-{number}.part"

    def finish(self) -> None:
        """Write what is left, and give the files the names that tell how many they are."""
        if self._rows:
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
    types = {column.name: _arrow_type(column) for column in columns} | {"wcs": pa.string()}
    features: dict[str, Any] = {name: _feature(kind) for name, kind in types.items()}
    features = {"image": {"_type": "Image"}, **features}
    metadata = {"huggingface": json.dumps({"info": {"features": features}})}
    fields = [pa.field("image", image), *(pa.field(*item) for item in types.items())]
    return pa.schema(fields, metadata=metadata)


def _arrow_type(column: ExportColumn) -> Any:
    import pyarrow as pa

    kind = pa.string() if column.is_text else pa.from_numpy_dtype(column.values.dtype)
    for _ in range(column.values.ndim - 1):
        kind = pa.list_(kind)
    return kind


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
