"""What a directory has, and what its manifest says of the pictures in it: a million in 300 MB."""

from __future__ import annotations

import itertools
import os
from array import array
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sdss_cutout._files import PICTURE, SIDECAR, translated

__all__ = ["BOTH_FILES", "HAS_PICTURE", "Index", "Kept"]

HAS_PICTURE, HAS_SIDECAR = 1, 2
BOTH_FILES = HAS_PICTURE | HAS_SIDECAR
_BITS = 2


class Kept(NamedTuple):
    """Pictures that are there, in columns."""

    rows: NDArray[np.int64]
    coverage: NDArray[np.float32]
    nbytes: NDArray[np.int64]
    sha256: NDArray[np.uint8]


class Index:
    """Which files there are, from one look at the directory, and the records that were noted.

    Parameters
    ----------
    directory : `~pathlib.Path`
        Where the pictures are.

    Raises
    ------
    StoreError
        If it cannot be read.
    """

    def __init__(self, directory: Path) -> None:
        # A name's files in the two lowest bits, and above them the number of its record, from 1.
        self._names: dict[str, int] = {}
        self._url_hashes = array("q")
        self._coverage = array("f")
        self._nbytes = array("q")
        self._sha256 = bytearray()
        with translated(directory), os.scandir(directory) as entries:
            for entry in entries:
                stem, suffix = entry.name[:-_SUFFIX], entry.name[-_SUFFIX:]
                if suffix == PICTURE:
                    self._names[stem] = self._names.get(stem, 0) | HAS_PICTURE
                elif suffix == SIDECAR:
                    self._names[stem] = self._names.get(stem, 0) | HAS_SIDECAR

    def __len__(self) -> int:
        return len(self._names)

    def files(self, name: str) -> int:
        """Return which files a name has."""
        return self._names.get(name, 0) & BOTH_FILES

    def has_any(self, names: Iterable[str]) -> bool:
        """Return whether there is a file of any of these names."""
        return not self._names.keys().isdisjoint(names)

    def note(self, records: Iterable[tuple[str, str, float, int, str]]) -> None:
        """Note name, URL, coverage, size and checksum of pictures."""
        files, waiting = self._names, iter(records)
        while batch := list(itertools.islice(waiting, _BATCH)):
            names, urls, coverage, nbytes, sha256 = zip(*batch, strict=True)
            for number, name in enumerate(names, len(self._nbytes) + 1):
                if files.get(name) == BOTH_FILES:
                    files[name] = number << _BITS | BOTH_FILES
            self._url_hashes.extend(map(hash, urls))
            self._coverage.extend(coverage)
            self._nbytes.extend(nbytes)
            self._sha256 += bytes.fromhex("".join(sha256))

    def kept(self, names: Sequence[str], urls: Sequence[str]) -> Kept:
        """Return those targets that have both files and a record of the same request."""
        found = np.fromiter(map(self._names.get, names, itertools.repeat(0)), np.int64, len(names))
        rows = np.flatnonzero(found >> _BITS)
        records = (found[rows] >> _BITS) - 1
        hashes = np.fromiter(map(hash, urls), np.int64, len(urls))
        same = np.frombuffer(self._url_hashes, np.int64)[records] == hashes[rows]
        rows, records = rows[same], records[same]
        return Kept(
            rows=rows,
            coverage=np.frombuffer(self._coverage, np.float32)[records],
            nbytes=np.frombuffer(self._nbytes, np.int64)[records],
            sha256=np.frombuffer(self._sha256, np.uint8).reshape(-1, 32)[records],
        )


_SUFFIX = len(PICTURE)
_BATCH = 1_000
