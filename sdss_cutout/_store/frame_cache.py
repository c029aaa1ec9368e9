"""Frames that were fetched, kept in a folder of bounded size that several processes share.

A frame is there under its name only whole. Who fetches one holds its lock, so that others wait for
it rather than fetch it too. The frames that were not used for longest are removed. Where the folder
cannot be used a run goes on without it.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from astropy import log
from filelock import FileLock, Timeout

from sdss_cutout._store.files import write_files

__all__ = ["FrameCache"]

_SUFFIX, _LOCK, _PARTS = ".fits.bz2", ".lock", "parts"

# A part of a file that is older was left by a process that was killed.
_PART_SECONDS = 3600.0

# How often a process that waits for another one looks whether it is to end.
_LOOK_SECONDS = 0.2


class FrameCache:
    """The frames in a folder.

    Parameters
    ----------
    folder : `~pathlib.Path` or None
        Where they are; made when the first is written. None keeps no frames.
    max_bytes : float
        How large all of them may be together.
    """

    def __init__(self, folder: Path | None, max_bytes: float) -> None:
        self._folder = folder if max_bytes > 0 else None
        self._max_bytes = max_bytes

    def _path(self, url: str) -> Path | None:
        """Return the file of a frame: frames of different servers are different."""
        if self._folder is None:
            return None
        stem = url.rpartition("/")[2].removesuffix(_SUFFIX)
        return self._folder / f"{stem}-{hashlib.sha256(url.encode()).hexdigest()[:16]}{_SUFFIX}"

    def read(self, url: str) -> bytes | None:
        """Return a frame's file, or None if it is not here."""
        path = self._path(url)
        if path is None:
            return None
        try:
            content = path.read_bytes()
        except OSError:
            return None
        with contextlib.suppress(OSError):
            os.utime(path)  # it was used
        return content

    def write(self, url: str, content: bytes) -> None:
        """Keep a frame's file, and remove those that there is no room for."""
        path = self._path(url)
        if path is None:
            return
        try:
            parts = path.parent / _PARTS
            parts.mkdir(parents=True, exist_ok=True)
            # Only who holds the lock of a frame writes it.
            write_files(path.parent, parts, {path.name: content})
            self._remove_old_parts(parts)
            self._remove_oldest()
        except OSError as error:
            self._give_up(error)

    def _remove_old_parts(self, parts: Path) -> None:
        """Remove what killed processes have left."""
        for part in parts.iterdir():
            with contextlib.suppress(FileNotFoundError):
                if time.time() - part.stat().st_mtime > _PART_SECONDS:
                    part.unlink()

    def _remove_oldest(self) -> None:
        assert self._folder is not None
        files = []
        with os.scandir(self._folder) as entries:
            for entry in entries:
                if entry.name.endswith(_SUFFIX):
                    with contextlib.suppress(FileNotFoundError):  # another process removes, too
                        found = entry.stat()
                        files.append((found.st_mtime_ns, found.st_size, entry.path))
        total = sum(size for _, size, _ in files)
        for _, size, path in sorted(files):
            if total <= self._max_bytes:
                break
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
            total -= size

    @contextlib.contextmanager
    def locked(self, url: str, is_over: Callable[[], bool]) -> Iterator[None]:
        """Hold the lock of a frame; wait for who has it, but no longer than until ``is_over``."""
        lock = self._lock(url)
        if lock is None:
            yield
            return
        try:
            while not is_over():
                with contextlib.suppress(Timeout):
                    lock.acquire(timeout=_LOOK_SECONDS)
                    break
        except OSError as error:  # a file system without locks
            self._give_up(error)
        try:
            yield
        finally:
            if lock.is_locked:
                # Whoever waits for a lock that is removed looks for the frame next, and finds it.
                with contextlib.suppress(OSError):
                    os.unlink(lock.lock_file)
                lock.release()

    def _lock(self, url: str) -> FileLock | None:
        path = self._path(url)
        if path is None:
            return None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            self._give_up(error)
            return None
        return FileLock(f"{path}{_LOCK}", thread_local=False)

    def _give_up(self, error: Exception) -> None:
        log.warning("frames are not kept in %s: %s", self._folder, error)
        self._folder = None
