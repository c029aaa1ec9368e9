"""Files that appear whole under their names, or not at all: the one atomic writer."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from filelock import FileLock, Timeout

from sdss_cutout._errors import StoreError

__all__ = [
    "atomic_path",
    "remove_stale_scratch",
    "scratch_folder",
    "scratch_of_run",
    "translated",
    "write_files",
    "write_whole",
]

_PREFIX = ".run-"

# Between a scratch folder and its lock lie microseconds; a folder without one is left for so long.
_LOCK_SECONDS = 60.0


@contextlib.contextmanager
def translated(directory: Path) -> Iterator[None]:
    """Turn what the file system refuses into a `StoreError`."""
    try:
        yield
    except OSError as error:
        where = error.filename2 or error.filename or directory
        raise StoreError(f"{where}: {error.strerror or error}") from error


def write_files(directory: Path | str, scratch: Path | str, contents: Mapping[str, bytes]) -> None:
    """Write files in ``scratch``, then move them to their names, one by one in this order.

    Both folders are on one file system, so that the moves are atomic. Not flushed to the disk one
    by one (that costs five times the rest): the next run notices by the checksum what a power
    failure took.
    """
    for name, content in contents.items():
        _write(f"{scratch}/{name}", content)
    for name in contents:
        _move(f"{scratch}/{name}", f"{directory}/{name}")


# How often a move is tried again, and after how many seconds.
_MOVE_AGAIN, _MOVE_PAUSE = 20, 0.05


def _move(source: str | Path, target: str | Path) -> None:
    """Move a file to its name, in place of what is there.

    Windows refuses that while another program has the file open, as virus scanners and indexers do
    for moments.
    """
    for _ in range(_MOVE_AGAIN):
        try:
            os.replace(source, target)
        except PermissionError:
            if not _REFUSES_OPEN_FILES:
                raise
            time.sleep(_MOVE_PAUSE)
        else:
            return
    os.replace(source, target)


_REFUSES_OPEN_FILES = os.name == "nt"


def _write(path: str, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | _BINARY, 0o666)
    try:
        written = os.write(descriptor, content)
        while written < len(content):  # a nearly full disk takes a part, then refuses
            written += os.write(descriptor, content[written:])
    finally:
        os.close(descriptor)


_BINARY = getattr(os, "O_BINARY", 0)


def write_whole(path: Path, content: bytes) -> None:
    """Write one file beside its place, then move it there."""
    with scratch_folder(path.parent) as scratch:
        write_files(path.parent, scratch, {path.name: content})


@contextlib.contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Give a path to write to, and move what was written to its name at the end.

    What a killed process has left in the same folder is removed.

    Raises
    ------
    StoreError
        If the file cannot be written; what was there stays.
    """
    with translated(path.parent), scratch_folder(path.parent) as scratch:
        remove_stale_scratch(path.parent)
        part = scratch / path.name
        yield part
        _move(part, path)


# ------------------------------------------------------------------------- scratch folders


@contextlib.contextmanager
def scratch_folder(directory: Path) -> Iterator[Path]:
    """Make a hidden folder in a directory, and remove it at the end.

    It holds a lock, which ends with this process, however that ends: a killed process leaves a
    folder that `remove_stale_scratch` can tell from one in use.
    """
    folder = scratch_of_run(directory, secrets.token_hex(8))
    folder.mkdir()
    lock = FileLock(folder / "lock")
    try:
        lock.acquire(timeout=10)
        yield folder
    finally:
        lock.release()
        shutil.rmtree(folder, ignore_errors=True)


def scratch_of_run(directory: Path, run: str) -> Path:
    """Return the scratch folder of a run."""
    return directory / f"{_PREFIX}{run}"


def remove_stale_scratch(directory: Path) -> set[str]:
    """Remove the folders of killed runs, and return the runs that are still alive."""
    with os.scandir(directory) as entries:
        folders = [Path(e.path) for e in entries if e.name.startswith(_PREFIX)]
    return {f.name.removeprefix(_PREFIX) for f in folders if not _removed_if_stale(f)}


def _removed_if_stale(folder: Path) -> bool:
    path = folder / "lock"
    try:
        if not path.exists() and time.time() - folder.stat().st_mtime < _LOCK_SECONDS:
            return False
        lock = FileLock(path)
        lock.acquire(timeout=0)
    except Timeout:
        return False
    except FileNotFoundError:  # its run has just removed it
        return True
    lock.release()
    shutil.rmtree(folder, ignore_errors=True)
    return True
