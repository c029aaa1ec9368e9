"""Files that appear whole under their names, or not at all."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from sdss_cutout._errors import StoreError

__all__ = ["PICTURE", "SIDECAR", "place_pair", "translated", "write_pair", "write_whole"]

PICTURE, SIDECAR = ".jpg", ".wcs"


@contextlib.contextmanager
def translated(directory: Path) -> Iterator[None]:
    """Turn what the file system refuses into a `StoreError`."""
    try:
        yield
    except OSError as error:
        where = error.filename or directory
        raise StoreError(f"{where}: {error.strerror or error}") from error


def place_pair(
    directory: Path | str, scratch: Path | str, name: str, content: bytes, cards: bytes
) -> None:
    """Write a picture and its sidecar in ``scratch``, then move them to their names.

    The sidecar goes first: a picture under its final name always has one, and the sidecar says
    by the checksum which picture it belongs to. Both folders are on one file system, so that the
    moves are atomic. Not flushed to the disk one by one (that costs five times the rest): what a
    power failure takes is noticed by its checksum at the next run.
    """
    for suffix, data in ((SIDECAR, cards), (PICTURE, content)):
        part = f"{scratch}/{name}{suffix}"
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | _BINARY, 0o666)
        try:
            written = os.write(descriptor, data)
            while written < len(data):  # a nearly full disk takes a part, then refuses
                written += os.write(descriptor, data[written:])
        finally:
            os.close(descriptor)
    for suffix in (SIDECAR, PICTURE):
        os.replace(f"{scratch}/{name}{suffix}", f"{directory}/{name}{suffix}")


_BINARY = getattr(os, "O_BINARY", 0)


def write_pair(directory: Path, name: str, content: bytes, cards: bytes) -> tuple[Path, Path]:
    """Write a picture and its sidecar into a directory, which is made if need be.

    Raises
    ------
    StoreError
        If the files cannot be written.
    """
    with translated(directory):
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".part-", dir=directory) as scratch:
            place_pair(directory, scratch, name, content, cards)
    return directory / f"{name}{PICTURE}", directory / f"{name}{SIDECAR}"


def write_whole(path: Path, content: bytes) -> None:
    """Write one file beside its place, then move it there."""
    with tempfile.TemporaryDirectory(prefix=".part-", dir=path.parent) as scratch:
        part = Path(scratch, path.name)
        part.write_bytes(content)
        part.replace(path)
