"""Which files a directory has, and what its manifest says of them, for a million of them.

Names and URLs are held as their 64-bit hashes, in sorted arrays: a dict of a million names takes
ten times the memory, and longer to fill than the directory to read. That two of a million differ
and have the same hash, for the name and for the URL, does not happen.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import sys
import unicodedata
from array import array
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sdss_cutout._store.files import translated
from sdss_cutout._store.layout import FITS, PICTURE, SIDECAR, paths_of

__all__ = ["ExistingFiles", "FileSizes", "KeptPictures", "sizes_now"]

_HEADER_BLOCK = 2880  # a FITS header is a whole number of these (FITS 4.0, 3.3.1)


class FileSizes(NamedTuple):
    """The sizes in bytes of a target's files; None where there is no such file."""

    picture: int | None
    sidecar: int | None

    @property
    def has_whole_sidecar(self) -> bool:
        """Whether the sidecar has a size that a FITS header can have."""
        return bool(self.sidecar) and not (self.sidecar or 0) % _HEADER_BLOCK


def sizes_now(directory: Path, name: str, *, bands: str) -> FileSizes:
    """Return the sizes that a target's files have at this moment."""
    sizes: list[int | None] = [None, None]
    for place, path in enumerate(filter(None, paths_of(directory, name, bands=bands))):
        with contextlib.suppress(FileNotFoundError):
            sizes[place] = os.stat(path).st_size
    return FileSizes(*sizes)


class KeptPictures(NamedTuple):
    """Pictures that need nothing, in columns."""

    rows: NDArray[np.int64]
    coverage: NDArray[np.float32]
    nbytes: NDArray[np.int64]
    sha256: NDArray[np.uint8]


class _Sizes:
    """The sizes of the files with one suffix."""

    def __init__(self) -> None:
        self._hashes, self._sizes = array("q"), array("q")

    def add(self, stem: str, size: int) -> None:
        self._hashes.append(hash(_composed(stem) if _DECOMPOSES else stem))
        self._sizes.append(size)

    def sort(self) -> None:
        hashes = np.frombuffer(self._hashes, np.int64)
        order = np.argsort(hashes)
        self.hashes, self.sizes = hashes[order], np.frombuffer(self._sizes, np.int64)[order]

    def of(self, hashes: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return sizes by the hashes of names; -1 where there is no such file."""
        places, exist = _find(hashes, self.hashes)
        sizes = np.full(len(hashes), -1, np.int64)
        sizes[exist] = self.sizes[places[exist]]
        return sizes


class ExistingFiles:
    """Which files there are, from one look at the directory, and the records that were noted.

    Parameters
    ----------
    directory : `~pathlib.Path`
        Where the pictures are.
    picture : str
        The suffix of the pictures; FITS files have no sidecar.

    Raises
    ------
    StoreError
        If it cannot be read.
    """

    def __init__(self, directory: Path, *, picture: str = PICTURE) -> None:
        self._has_sidecars = picture != FITS
        self._pictures, self._sidecars = _Sizes(), _Sizes()
        by_suffix = {picture: self._pictures, SIDECAR: self._sidecars}
        with translated(directory), os.scandir(directory) as entries:
            for entry in entries:
                stem, dot, suffix = entry.name.rpartition(".")
                sizes = by_suffix.get(dot + suffix)
                if sizes is not None:
                    sizes.add(stem, entry.stat().st_size)
        self._pictures.sort()
        self._sidecars.sort()
        self.note(())

    def __len__(self) -> int:
        return len(self._pictures.hashes)

    def files(self, name: str) -> FileSizes:
        """Return the sizes of a target's files."""
        hashes = _hashes([name])
        sizes = (int(found.of(hashes)[0]) for found in (self._pictures, self._sidecars))
        return FileSizes(*(None if size < 0 else size for size in sizes))

    def has_any(self, names: Sequence[str]) -> bool:
        """Return whether there is a file of any of these names."""
        hashes = _hashes(names)
        return any((found.of(hashes) >= 0).any() for found in (self._pictures, self._sidecars))

    def note(self, records: Iterable[tuple[str, str, float, int, str]]) -> None:
        """Note name, URL, coverage, size and checksum of pictures, in place of those before.

        Only those whose files have the recorded size are of use, and found by `kept`.
        """
        names, urls, sizes = array("q"), array("q"), array("q")
        coverages, checksums = array("f"), bytearray()
        waiting = iter(records)
        # Few enough that Python's collector of garbage is not called: a fifth of the time.
        while batch := list(itertools.islice(waiting, 500)):
            name, url, coverage, nbytes, sha256 = zip(*batch, strict=True)
            names.extend(_each_hash(name))
            urls.extend(map(hash, url))
            coverages.extend(coverage)
            sizes.extend(nbytes)
            checksums += bytes.fromhex("".join(sha256))
        # Only the names are put in order; the others are reached through their places.
        hashes = np.array(names, np.int64)
        places = np.argsort(hashes)
        hashes = hashes[places]
        whole = self._pictures.of(hashes) == np.array(sizes, np.int64)[places]
        if self._has_sidecars:
            headers = self._sidecars.of(hashes)
            whole &= (headers > 0) & (headers % _HEADER_BLOCK == 0)
        self._names, self._places = hashes[whole], places[whole]
        self._urls = np.frombuffer(urls, np.int64)
        self._coverage = np.frombuffer(coverages, np.float32)
        self._nbytes = np.frombuffer(sizes, np.int64)
        self._sha256 = np.frombuffer(checksums, np.uint8).reshape(-1, 32)

    def kept(self, names: Sequence[str], urls: Sequence[str]) -> KeptPictures:
        """Return those targets whose files are as a record of the same request says."""
        hashes = _hashes(names)
        # In order, neighbours are found beside each other: twice as fast among a million.
        order = np.argsort(hashes)
        found, there = _find(hashes[order], self._names)
        rows, places = order[there], self._places[found[there]]
        same = self._urls[places] == _hashes(urls)[rows]
        rows, places = rows[same], places[same]
        back = np.argsort(rows)
        rows, places = rows[back], places[back]
        columns = (self._coverage[places], self._nbytes[places], self._sha256[places])
        return KeptPictures(rows, *columns)


def _hashes(texts: Sequence[str]) -> NDArray[np.int64]:
    return np.fromiter(_each_hash(texts), np.int64, len(texts))


def _each_hash(texts: Iterable[str]) -> Iterator[int]:
    return map(hash, map(_composed, texts) if _DECOMPOSES else texts)


# HFS+, of older macOS, gives names with accents back in another form than they were given in.
_DECOMPOSES = sys.platform == "darwin"


def _composed(text: str) -> str:
    """Return a name in the form in which it can be compared."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def _find(
    values: NDArray[np.int64], some: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return where in a sorted array the values would be, and which of them are."""
    if not len(some):
        return np.zeros(len(values), np.int64), np.zeros(len(values), dtype=bool)
    places = np.minimum(np.searchsorted(some, values), len(some) - 1)
    return places, some[places] == values
