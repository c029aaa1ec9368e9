"""Tar files, read in sequence: WebDataset.

The key of a sample is its files' name up to the first dot, so that a key must have none. Hugging
Face's reader knows a column's type by the first five samples.
"""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

from sdss_cutout._export.format import Format, TrainingSet

__all__ = ["FORMAT"]

_SHARD_PICTURES = 10_000
_SHARD_BYTES = 500 * 1024**2


def write(training_set: TrainingSet, path: Path) -> None:
    """Write ``{split}-NNNNNN.tar``, with ``KEY.jpg``, ``KEY.json`` and ``KEY.wcs`` per picture."""
    path.mkdir(parents=True)
    shards = {split: _Shards(path, split) for split in training_set.splits}
    try:
        for sample in training_set.samples(values=True):
            content, sidecar, wcs = training_set.content(sample)
            values = json.dumps({**sample.values, "wcs": wcs}, ensure_ascii=False)
            parts = {"jpg": content, "json": values.encode(), "wcs": sidecar}
            shards[sample.split].add(sample.name, parts)
    finally:
        for shard in shards.values():
            shard.close()


class _Shards:
    """The tar files of one split."""

    def __init__(self, folder: Path, split: str) -> None:
        self._folder = folder
        self._split = split
        self._keys: set[str] = set()
        self._tar: tarfile.TarFile | None = None
        self._shards = self._pictures = self._nbytes = 0

    def add(self, name: str, parts: dict[str, bytes]) -> None:
        """Write the files of one picture, which stand one after the other."""
        key = self._key(name)
        for suffix, content in parts.items():
            info = tarfile.TarInfo(f"{key}.{suffix}")
            info.size = len(content)
            self._open().addfile(info, io.BytesIO(content))
            self._nbytes += len(content)
        self._pictures += 1
        if self._pictures >= _SHARD_PICTURES or self._nbytes >= _SHARD_BYTES:
            self.close()

    def _key(self, name: str) -> str:
        """Return a name without dots that no other picture has."""
        plain = key = name.replace(".", "_")
        number = 1
        while key in self._keys:
            number += 1
            key = f"{plain}_{number}"
        self._keys.add(key)
        return key

    def _open(self) -> tarfile.TarFile:
        if self._tar is None:
            path = self._folder / f"{self._split}-{self._shards:06d}.tar"
            self._tar = tarfile.TarFile(path, "w")
            self._shards += 1
        return self._tar

    def close(self) -> None:
        """Close the file that is being written."""
        tar, self._tar = self._tar, None
        self._pictures = self._nbytes = 0
        if tar is not None:
            tar.close()


FORMAT = Format(
    name="webdataset",
    write=write,
    head=5,
    data_files="{split}-*.tar",
    opened_by='from datasets import load_dataset\nload_dataset("webdataset", data_dir=FOLDER)',
)
