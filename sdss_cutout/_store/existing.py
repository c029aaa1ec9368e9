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

from sdss_cutout._store.files import PICTURE, SIDECAR, translated

__all__ = ["Index", "Kept"]

_SUFFIX_LENGTH = len(PICTURE)  # and of the sidecar's


class Files(NamedTuple):
    """Which files a name has."""

    picture: bool
    sidecar: bool


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
        there = {PICTURE: array("q"), SIDECAR: array("q")}
        with translated(directory), os.scandir(directory) as entries:
            for entry in entries:
                name = entry.name
                hashes = there.get(name[-_SUFFIX_LENGTH:])
                if hashes is not None:
                    hashes.append(hash(name[:-_SUFFIX_LENGTH]))
        self._pictures, self._sidecars = (np.sort(np.array(a, np.int64)) for a in there.values())
        self.note(())

    def __len__(self) -> int:
        return len(self._pictures)

    def files(self, name: str) -> Files:
        """Return which files a name has."""
        hashes = _hashes([name])
        return Files(
            picture=bool(_among(hashes, self._pictures)[0]),
            sidecar=bool(_among(hashes, self._sidecars)[0]),
        )

    def has_any(self, names: Sequence[str]) -> bool:
        """Return whether there is a file of any of these names."""
        hashes = _hashes(names)
        return bool(_among(hashes, self._pictures).any() or _among(hashes, self._sidecars).any())

    def note(self, records: Iterable[tuple[str, str, float, int, str]]) -> None:
        """Note name, URL, coverage, size and checksum of pictures, in place of those before.

        Only those that have both files are of use, and found by `kept`.
        """
        names, urls, sizes = array("q"), array("q"), array("q")
        coverages, checksums = array("f"), bytearray()
        waiting = iter(records)
        # Few enough that Python's collector of garbage is not called: a fifth of the time.
        while batch := list(itertools.islice(waiting, 500)):
            name, url, coverage, nbytes, sha256 = zip(*batch, strict=True)
            names.extend(map(hash, name))
            urls.extend(map(hash, url))
            coverages.extend(coverage)
            sizes.extend(nbytes)
            checksums += bytes.fromhex("".join(sha256))
        # Only the names are put in order; the others are reached through their places.
        hashes = np.array(names, np.int64)
        places = np.argsort(hashes)
        hashes = hashes[places]
        whole = _among(hashes, self._pictures) & _among(hashes, self._sidecars)
        self._names, self._places = hashes[whole], places[whole]
        self._urls = np.frombuffer(urls, np.int64)
        self._coverage = np.frombuffer(coverages, np.float32)
        self._nbytes = np.frombuffer(sizes, np.int64)
        self._sha256 = np.frombuffer(checksums, np.uint8).reshape(-1, 32)

    def kept(self, names: Sequence[str], urls: Sequence[str]) -> Kept:
        """Return those targets that have both files and a record of the same request."""
        hashes = _hashes(names)
        # In order, neighbours are found beside each other: twice as fast among a million.
        order = np.argsort(hashes)
        found, there = _find(hashes[order], self._names)
        rows, places = order[there], self._places[found[there]]
        same = self._urls[places] == _hashes(urls)[rows]
        rows, places = rows[same], places[same]
        back = np.argsort(rows)
        rows, places = rows[back], places[back]
        return Kept(rows, self._coverage[places], self._nbytes[places], self._sha256[places])


def _hashes(texts: Sequence[str]) -> NDArray[np.int64]:
    return np.fromiter(map(hash, texts), np.int64, len(texts))


def _find(
    values: NDArray[np.int64], some: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return where in a sorted array the values would be, and which of them are."""
    if not len(some):
        return np.zeros(len(values), np.int64), np.zeros(len(values), dtype=bool)
    places = np.minimum(np.searchsorted(some, values), len(some) - 1)
    return places, some[places] == values


def _among(values: NDArray[np.int64], some: NDArray[np.int64]) -> NDArray[np.bool_]:
    return _find(values, some)[1]
