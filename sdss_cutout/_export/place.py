"""A training set is written beside its place and moved there when it is whole."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from astropy import log
from filelock import FileLock, Timeout

from sdss_cutout._errors import RequestError, StoreError
from sdss_cutout._store.files import translated

__all__ = ["check_place", "link_or_write", "placed", "reserve"]

_PART = ".export-part-"
_LOCK, _SET = "lock", "set"
_STALE_AFTER = 60.0  # s; a folder younger than this may belong to an export that begins
_OF_A_DOWNLOAD = (".jpg", ".wcs", ".fits", ".sqlite", ".ecsv")


class PlaceTakenError(RequestError, StoreError):
    """There is something at the place already: a wrong request, and nowhere to write."""


MARK = "made with [sdss_cutout]"  # what the card of each of our folders says


def check_place(path: Path, files: Iterable[str], *, overwrite: bool) -> Path:
    """Return where a training set goes, if it may.

    Parameters
    ----------
    path : `~pathlib.Path`
        Where it is wanted.
    files : iterable of str
        The pictures that are exported, as far as they are in files.
    overwrite : bool
        Whether what is there may be replaced.

    Raises
    ------
    PlaceTakenError
        If it exists and may not be replaced.
    RequestError
        If replacing it would delete the pictures, or the folder that one is in.
    """
    path = path.expanduser().resolve()
    if not path.exists():
        return path
    if not overwrite:
        raise PlaceTakenError(f"{path} exists; give another path, or overwrite=True to replace it")
    folders = {Path(folder).resolve() for folder in {os.path.dirname(file) for file in files}}
    within = {folder for folder in folders if folder.is_relative_to(path)}
    if within or Path.cwd().is_relative_to(path) or Path.home().is_relative_to(path):
        what = "the pictures that are exported are" if within else "you are, or your home is,"
        raise RequestError(f"{path} cannot be replaced: {what} in it; give another path")
    if path.is_file() and path.parent in folders and path.suffix.lower() in _OF_A_DOWNLOAD:
        raise RequestError(f"{path} is a part of the download; give another path")
    return path


@contextlib.contextmanager
def placed(path: Path, *, overwrite: bool) -> Iterator[Path]:
    """Yield a path to write at, and move what is there to its place at the end.

    After an error, or an interruption, nothing of it is left, and what was at the place before is
    there still. What a killed process leaves behind is hidden, and removed by the next export.

    Raises
    ------
    StoreError
        If the file system refuses.
    """
    with translated(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_stale(path.parent)
        part = path.parent / f"{_PART}{secrets.token_hex(4)}"
        part.mkdir()
        try:
            with FileLock(part / _LOCK):
                yield part / _SET
                _move(part / _SET, path, part / "old", overwrite=overwrite)
        finally:
            shutil.rmtree(part, ignore_errors=True)


def _move(whole: Path, path: Path, old: Path, *, overwrite: bool) -> None:
    """Move what is whole to its place, and what was there before out of the way."""
    if not path.exists():
        whole.rename(path)
    elif not overwrite:
        raise StoreError(f"{path} exists; somebody else has made it in the meantime")
    elif path.is_file() and whole.is_file():
        whole.replace(path)
    else:
        path.rename(old)
        try:
            whole.rename(path)
        except BaseException:
            old.rename(path)
            raise
        _keep_foreign(old, path)


def _keep_foreign(old: Path, path: Path) -> None:
    """Keep what was replaced and is not a training set: nobody meant to delete it."""
    card = old / "README.md"
    if not old.is_dir() or not any(old.iterdir()):
        return
    if not (card.is_file() and MARK in card.read_text("utf-8", "replace")):
        kept = path.with_name(f"{path.name}.old-{secrets.token_hex(4)}")
        old.rename(kept)
        log.warning("%s was not a training set and is now %s", path, kept)


def _remove_stale(folder: Path) -> None:
    """Remove what exports left behind whose processes were killed."""
    for part in folder.glob(f"{_PART}*"):
        with contextlib.suppress(OSError, Timeout):
            if time.time() - part.stat().st_mtime > _STALE_AFTER:
                with FileLock(part / _LOCK, timeout=0):
                    _give_back(part)
                    shutil.rmtree(part, ignore_errors=True)


def _give_back(part: Path) -> None:
    """Keep what a killed export had moved out of the way."""
    if (part / "old").exists():
        (part / "old").rename(part.with_name(f"{part.name[1:]}-replaced"))


def link_or_write(source: Path | None, content: bytes, target: str) -> None:
    """Make a file of some content: a hard link to a file that has it, or a copy."""
    if source is not None:
        with contextlib.suppress(OSError):  # another file system, or one without hard links
            os.link(source, target)
            return
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    with open(descriptor, "wb") as file:
        file.write(content)


def reserve(folder: Path, nbytes: int) -> None:
    """Make sure that there is room for so many bytes.

    For libraries that do not survive a full disk: HDF5 ends the process.

    Raises
    ------
    StoreError
        If there is not.
    """
    free = shutil.disk_usage(folder).free
    if nbytes > free:
        raise StoreError(
            f"{folder.parent}: the training set takes {nbytes / 1e9:.2f} GB, and {free / 1e9:.2f} "
            "GB are free"
        )
    if hasattr(os, "posix_fallocate"):  # a quota, or a limit on the size of a file, shows here
        with translated(folder), open(folder / "reserved", "wb") as file:
            os.posix_fallocate(file.fileno(), 0, max(nbytes, 1))
        (folder / "reserved").unlink()
