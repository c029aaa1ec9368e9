"""Files that appear whole under their names, or not at all."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from sdss_cutout._errors import StoreError

__all__ = [
    "PICTURE", "SIDECAR", "atomic_path", "place_pair", "translated", "write_pair", "write_whole",
]  # fmt: skip

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


@contextlib.contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside a file, and move it to its name if all went well.

    What a killed process has left of the same file is removed: its name holds the number of the
    process, which is not running any more.
    """
    _remove_leftovers(path)
    part = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}.part")
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _remove_leftovers(path: Path) -> None:
    pattern = re.compile(rf"\.{re.escape(path.name)}\.(\d+)-[0-9a-f]{{8}}\.part")
    with contextlib.suppress(OSError):
        for other in path.parent.iterdir():
            found = pattern.fullmatch(other.name)
            if found and not _is_running(int(found[1])):
                other.unlink(missing_ok=True)


def _is_running(process: int) -> bool:
    if sys.platform == "win32":  # signal 0 would end a process there
        return process == os.getpid()
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def write_whole(path: Path, content: bytes) -> None:
    """Write one file beside its place, then move it there."""
    with tempfile.TemporaryDirectory(prefix=".part-", dir=path.parent) as scratch:
        part = Path(scratch, path.name)
        part.write_bytes(content)
        part.replace(path)
