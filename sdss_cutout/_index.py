"""What a directory has, and what its manifest says of the pictures in it, for a million of them.

Names and URLs are held as their 64-bit hashes, in sorted arrays: a dict of a million names takes
ten times the memory, and longer to fill than the directory to read. That two of a million differ
and have the same hash, for the name and for the URL, does not happen.
"""

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
        pictures, sidecars = array("q"), array("q")
        with translated(directory), os.scandir(directory) as entries:
            for entry in entries:
                name = entry.name
                if name.endswith(PICTURE):
                    pictures.append(hash(name[: -len(PICTURE)]))
                elif name.endswith(SIDECAR):
                    sidecars.append(hash(name[: -len(SIDECAR)]))
        self._pictures = np.sort(np.array(pictures, np.int64))
        self._sidecars = np.sort(np.array(sidecars, np.int64))
        self.note(())

    def __len__(self) -> int:
        return len(self._pictures)

    def files(self, name: str) -> int:
        """Return which files a name has."""
        hashes = np.array([hash(name)])
        has_picture, has_sidecar = _among(hashes, self._pictures), _among(hashes, self._sidecars)
        return HAS_PICTURE * int(has_picture[0]) | HAS_SIDECAR * int(has_sidecar[0])

    def has_any(self, names: Sequence[str]) -> bool:
        """Return whether there is a file of any of these names."""
        hashes = _hashes(names)
        return bool(_among(hashes, self._pictures).any() or _among(hashes, self._sidecars).any())

    def note(self, records: Iterable[tuple[str, str, float, int, str]]) -> None:
        """Note name, URL, coverage, size and checksum of pictures, in place of those before."""
        names, urls, sizes = array("q"), array("q"), array("q")
        coverages, checksums = array("f"), bytearray()
        waiting = iter(records)
        while batch := list(itertools.islice(waiting, 1_000)):
            name, url, coverage, nbytes, sha256 = zip(*batch, strict=True)
            names.extend(map(hash, name))
            urls.extend(map(hash, url))
            coverages.extend(coverage)
            sizes.extend(nbytes)
            checksums += bytes.fromhex("".join(sha256))
        # Only the names are put in order; the others are reached through their places.
        hashes = np.array(names, np.int64)
        self._places = np.argsort(hashes)
        self._names = hashes[self._places]
        self._urls = np.frombuffer(urls, np.int64)
        self._coverage = np.frombuffer(coverages, np.float32)
        self._nbytes = np.frombuffer(sizes, np.int64)
        self._sha256 = np.frombuffer(checksums, np.uint8).reshape(-1, 32)

    def kept(self, names: Sequence[str], urls: Sequence[str]) -> Kept:
        """Return those targets that have both files and a record of the same request."""
        hashes = _hashes(names)
        # In order, neighbours are found beside each other: twice as fast among a million.
        order = np.argsort(hashes)
        hashes = hashes[order]
        there = _among(hashes, self._names)
        there &= _among(hashes, self._pictures) & _among(hashes, self._sidecars)
        rows = order[there]
        places = self._places[np.searchsorted(self._names, hashes[there])]
        same = self._urls[places] == _hashes(urls)[rows]
        rows, places = rows[same], places[same]
        back = np.argsort(rows)
        rows, places = rows[back], places[back]
        return Kept(rows, self._coverage[places], self._nbytes[places], self._sha256[places])


def _hashes(texts: Sequence[str]) -> NDArray[np.int64]:
    return np.fromiter(map(hash, texts), np.int64, len(texts))


def _among(values: NDArray[np.int64], some: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which of the values are in a sorted array."""
    if not len(some):
        return np.zeros(len(values), dtype=bool)
    places = np.searchsorted(some, values)
    return np.asarray(some[np.minimum(places, len(some) - 1)] == values)
