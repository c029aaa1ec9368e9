"""Several runs on one directory: which are alive, and which of them fetches what."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sdss_cutout._store.files import remove_stale_scratch
from sdss_cutout._store.manifest import Manifest, ManifestEntry
from sdss_cutout._targets.names import fold_name

__all__ = ["SharedRun", "new_run"]

_LOOK_AGAIN_SECONDS = 0.2


def new_run() -> str:
    """Return the identifier of a new run."""
    return secrets.token_hex(8)


class SharedRun:
    """One run among those that work on a directory; every method but `release` is one transaction.

    Each run holds a lock on its scratch folder, which ends with its process, however that ends.

    Parameters
    ----------
    directory : `~pathlib.Path`
        The directory.
    manifest : Manifest
        Its manifest.
    run : str
        This run's identifier, that of its scratch folder.
    """

    def __init__(self, directory: Path, manifest: Manifest, run: str) -> None:
        self._directory = directory
        self._manifest = manifest
        self._run = run
        with manifest.transaction():
            self._remove_stale_runs()
            manifest.register_run(run)

    def end(self) -> None:
        """Unregister this run."""
        with self._manifest.transaction():
            self._manifest.unregister_run(self._run)

    def _remove_stale_runs(self) -> None:
        alive = remove_stale_scratch(self._directory)
        for run in set(self._manifest.runs()) - alive:
            self._manifest.unregister_run(run)

    def first_conflict(
        self, names: Sequence[str], urls: Sequence[str], *, overwrite: bool
    ) -> int | None:
        """Announce what this run is going to fetch; one that overwrites conflicts with no other.

        Returns
        -------
        int or None
            The first of these targets that another run fetches under the same name for a
            different request; then nothing is announced.
        """
        keys, hashes = _hashes(map(fold_name, names)), _hashes(urls)
        with self._manifest.transaction():
            others = [] if overwrite else self._manifest.plans_of_others(self._run)
            for other_keys, other_urls in others:
                rows = _differing(keys, hashes, _from_blob(other_keys), _from_blob(other_urls))
                if len(rows):
                    return int(rows.min())
            self._manifest.plan(self._run, keys.tobytes(), hashes.tobytes())
        return None

    def claim(self, names: Sequence[str]) -> tuple[set[str], dict[str, ManifestEntry]]:
        """Claim targets for this run.

        Returns
        -------
        ours : set of str
            Those that this run is to fetch now.
        entries : dict
            What the manifest says of those, by name.
        """
        with self._manifest.transaction():
            ours = self._manifest.claim(self._run, names)
            entries = self._manifest.lookup(list(ours))
        return ours, {entry.name: entry for entry in entries.values()}

    def release(self, names: Iterable[str]) -> None:
        """Give claims up, for targets that are finished; within the caller's transaction."""
        self._manifest.unclaim(self._run, names)

    def wait_for_others(self, names: Sequence[str]) -> tuple[set[str], dict[str, ManifestEntry]]:
        """Wait until other runs have finished some of these targets, or have left them.

        Returns
        -------
        ours, entries
            As `claim` returns them.
        """
        while True:
            with self._manifest.transaction():
                self._remove_stale_runs()
            ours, entries = self.claim(names)
            if ours:
                return ours, entries
            time.sleep(_LOOK_AGAIN_SECONDS)


def _hashes(texts: Iterable[str]) -> NDArray[np.int64]:
    """Return hashes of texts that are the same in every process."""
    digests = b"".join(
        hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        for text in texts
    )
    return np.frombuffer(digests, np.int64)


def _from_blob(blob: bytes) -> NDArray[np.int64]:
    return np.frombuffer(blob, np.int64)


def _differing(
    keys: NDArray[np.int64],
    urls: NDArray[np.int64],
    other_keys: NDArray[np.int64],
    other_urls: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Return the rows whose key the others have with another URL."""
    _, rows, other_rows = np.intersect1d(keys, other_keys, return_indices=True)
    return np.asarray(rows[urls[rows] != other_urls[other_rows]])
