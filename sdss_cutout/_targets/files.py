"""Tables from files, pipes and open files: the format is told by the content.

The order in which formats are tried is that of `_FORMATS`; the first whose mark stands in the
first bytes reads the file, and what has no mark is text. The file's name plays no part.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import re
import warnings
import zipfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from astropy.table import Table

from sdss_cutout._errors import TargetError
from sdss_cutout._targets.columns import coordinate_mixin, find_pair, listed
from sdss_cutout._targets.readers import arrays, binary, text_table, votable
from sdss_cutout._targets.readers.source import Content, TableSource

__all__ = [
    "existing_file",
    "is_directory",
    "is_file_object",
    "looks_like_path",
    "read_file",
    "read_table",
]

# Suffixes by which a string names a file, also if there is none of that name. They do not tell
# the format.
_SUFFIXES = {
    ".arrow", ".asc", ".ascii", ".cat", ".csv", ".dat", ".db", ".ecsv", ".feather", ".fit", ".fits",
    ".fts", ".h5", ".hdf", ".hdf5", ".ipac", ".json", ".jsonl", ".lis", ".list", ".lst", ".mrt",
    ".npy", ".npz", ".ods", ".parquet", ".pq", ".rdb", ".reg", ".tab", ".tbl", ".tex", ".tsv",
    ".tst", ".txt", ".vot", ".votable", ".xls", ".xlsx", ".xml",
}  # fmt: skip
_COMPRESSIONS = (".gz", ".bz2", ".xz", ".zip", ".zst")


def looks_like_path(text: str) -> bool:
    """Return whether a string names a file rather than an object on the sky."""
    separators = [os.sep, *([os.altsep] if os.altsep else [])]
    return any(s in text for s in separators) or text.startswith("~") or _suffix(text) in _SUFFIXES


def _suffix(path: str) -> str:
    name = Path(_without_choice(path)[0]).name.lower()
    for packed in _COMPRESSIONS:
        name = name.removesuffix(packed)
    return Path(name).suffix


def existing_file(text: str | os.PathLike[str]) -> Path | None:
    """Return the path if there is something to read under this name: a file, a pipe, a device."""
    try:
        path = Path(text).expanduser()
        return path if path.exists() and not path.is_dir() else None
    except (OSError, ValueError, RuntimeError):  # too long, a zero byte, no such user
        return None


def is_directory(text: str) -> bool:
    """Return whether this names a directory."""
    try:
        return bool(text) and Path(text).expanduser().is_dir()
    except (OSError, ValueError, RuntimeError):
        return False


def is_file_object(given: Any) -> bool:
    """Return whether this is an open file."""
    return callable(getattr(given, "read", None))


def read_table(path: str | os.PathLike[str], columns: tuple[str, str] | None = None) -> Table:
    """Return the table in a file.

    Raises
    ------
    TargetError
        If there is no such file, or it holds no table.
    """
    content = read_file(path, columns=columns)
    if not isinstance(content, Table):
        raise TargetError(f"{path} is a list of positions or names, not a table")
    return content


def read_file(
    given: str | os.PathLike[str] | BinaryIO, *, columns: tuple[str, str] | None = None
) -> Table | list[str]:
    """Return the table in a file, or the lines where it is a list of positions or names.

    Parameters
    ----------
    given : path or open file
        ``path[2]`` and ``path[name]`` choose one of several tables.
    columns : tuple of str, optional
        The columns of the coordinates, where their names do not tell.

    Raises
    ------
    TargetError
        If there is no such file, or it holds no table.
    """
    if isinstance(given, str | os.PathLike):
        path, choice = _path_and_choice(os.fspath(given))
        content = _content_of_path(path)
    else:
        content, choice = _content_of_object(given), None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # how foreign files are spelled is not our news
            found = _read(content, columns)
            if isinstance(found, list):
                return found
            table = _one_table(content, found, choice, columns)
            table.meta["source"] = content.label
            return table
    except TargetError as error:
        # What readers say of the content alone is said of the file here.
        raise (
            error if content.label in str(error) else TargetError(f"{content.label}: {error}")
        ) from error
    except ImportError as error:
        package = getattr(error, "name", None) or str(error)
        raise TargetError(
            f"{content.label} cannot be read without the package {package}, which is not "
            f"installed; pip install {_PROVIDERS.get(package, package)}"
        ) from error
    except Exception as error:
        said = f"{content.label} is not a table that can be read: {_first_line(error)}"
        raise TargetError(said) from error


def _first_line(error: Exception) -> str:
    line = (str(error).strip() or type(error).__name__).splitlines()[0]
    if isinstance(
        error, LookupError | AttributeError | NameError
    ):  # these say nothing by themselves
        line = (
            f"it is damaged, or of a kind that is not known here ({type(error).__name__}: {line})"
        )
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in line)


_PROVIDERS = {
    "pyarrow": "'sdss_cutout[tables]'", "pandas": "'sdss_cutout[tables]'",
    "h5py": "'sdss_cutout[hdf5]'",
}  # fmt: skip


# ------------------------------------------------------------------------------- contents


_CHOICE = re.compile(r"(.+)\[([^\[\]]+)\]")


def _without_choice(text: str) -> tuple[str, str | None]:
    found = _CHOICE.fullmatch(text)
    return (found[1], found[2]) if found else (text, None)


def _path_and_choice(text: str) -> tuple[Path, str | None]:
    """Return a path, and which of its tables was named: a name with brackets may be a file's."""
    if existing_file(text) is None:
        bare, choice = _without_choice(text)
        if choice is not None and existing_file(bare) is not None:
            return Path(bare).expanduser(), choice
    try:
        return Path(text).expanduser(), None
    except RuntimeError as error:  # ~ without a home, or of somebody who is none
        raise TargetError(f"{text} cannot be read: {error}") from error


def _content_of_path(path: Path) -> Content:
    try:
        is_file, is_directory, exists = path.is_file(), path.is_dir(), path.exists()
    except (OSError, ValueError) as error:  # too long, a zero byte
        said = getattr(error, "strerror", None) or str(error)
        raise TargetError(f"{_printable(path)} cannot be read: {said}") from error
    if is_directory or not exists:
        what = "is a directory" if is_directory else "does not exist"
        raise TargetError(f"{_printable(path)} {what}; a file with a table is needed")
    try:
        if is_file:
            with path.open("rb") as file:
                head = file.read(_HEAD)
            if not _is_packed(head):
                return Content(label=str(path), head=head, path=path)
        return _content_of_bytes(str(path), path.read_bytes())
    except OSError as error:
        raise TargetError(
            f"{_printable(path)} cannot be read: {error.strerror or error}"
        ) from error


def _printable(path: Path) -> str:
    return str(path) if str(path).isprintable() else repr(str(path))


_HEAD = 4096


def _content_of_object(file: Any) -> Content:
    label = getattr(file, "name", None)
    label = label if isinstance(label, str) and label != "<stdin>" else "the standard input"
    try:
        data = file.read()
    except (OSError, ValueError) as error:
        raise TargetError(f"{label} cannot be read: {error}") from error
    return _content_of_bytes(label, data.encode() if isinstance(data, str) else bytes(data))


def _content_of_bytes(label: str, data: bytes) -> Content:
    try:
        data = _unpacked(data)
    except _UNPACKING_ERRORS as error:
        raise TargetError(f"{label} is not a table that can be read: {error}") from error
    return Content(label=label, head=data[:_HEAD], data=data)


# Of damaged archives, and of such as are locked or packed in another way.
_UNPACKING_ERRORS = (
    OSError, EOFError, ValueError, RuntimeError, zlib.error, lzma.LZMAError, zipfile.BadZipFile,
)  # fmt: skip

_PACKED: dict[bytes, Callable[[bytes], bytes]] = {
    b"\x1f\x8b": gzip.decompress,
    b"BZh": bz2.decompress,
    b"\xfd7zXZ\x00": lzma.decompress,
    b"PK\x03\x04": lambda data: _only_member(data),
}


def _is_packed(head: bytes) -> bool:
    return head.startswith(tuple(_PACKED))


def _unpacked(data: bytes) -> bytes:
    for mark, unpack in _PACKED.items():
        if data.startswith(mark):
            return unpack(data)
    return data


def _only_member(data: bytes) -> bytes:
    """Return the file in a ZIP archive; workbooks are archives too."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = [name for name in archive.namelist() if not name.endswith("/")]
        if {"[Content_Types].xml", "mimetype"} & set(names):
            raise OSError("it is a workbook; save the sheet as CSV, with the identifiers as text")
        if len(names) != 1:
            raise OSError(f"the archive holds {len(names)} files; unpack it and give one of them")
        return archive.read(names[0])


# -------------------------------------------------------------------------------- formats


@dataclass(frozen=True, slots=True)
class _Format:
    """How a format is told, and what reads it."""

    name: str
    pattern: re.Pattern[bytes]
    read: Callable[[Content], tuple[TableSource, ...]]


def _format(
    name: str, pattern: bytes, read: Callable[[Content], tuple[TableSource, ...]]
) -> _Format:
    return _Format(name, re.compile(pattern, re.DOTALL | re.IGNORECASE), read)


def _refuse(advice: str) -> Callable[[Content], tuple[TableSource, ...]]:
    def refuse(content: Content) -> tuple[TableSource, ...]:
        raise TargetError(f"{content.label} {advice}")

    return refuse


_FORMATS = (
    _format("FITS", rb"SIMPLE\s*=", binary.read_fits),
    _format("Parquet", rb"PAR1", arrays.read_parquet),
    _format("Arrow", rb"ARROW1", arrays.read_feather),
    _format("HDF5", rb"\x89HDF\r\n\x1a\n", binary.read_hdf5),
    _format("NumPy", rb"\x93NUMPY", binary.read_npy),
    _format("VOTable", rb"(\xef\xbb\xbf)?\s*<.*<(\w+:)?VOTABLE\b", votable.read_votable),
    _format("VOTable", rb"(\xef\xbb\xbf)?\s*<(\w+:)?VOTABLE\b", votable.read_votable),
    _format(
        "HTML", rb"(\xef\xbb\xbf)?\s*<(!doctype\s+)?html",
        _refuse("is not a table that can be read: it is a web page; download the table itself"),
    ),
    _format(
        "workbook", rb"\xd0\xcf\x11\xe0",
        _refuse("is not a table that can be read: it is a workbook; save the sheet as CSV"),
    ),
    _format(
        "SQLite", rb"SQLite format 3\x00",
        _refuse("is not a table that can be read: it is a database; export the table as CSV"),
    ),
    _format(
        "JPEG", rb"\xff\xd8\xff|\x89PNG|GIF8",
        _refuse("is not a table that can be read: it is a picture"),
    ),
    _format("JSON", rb"(\xef\xbb\xbf)?\s*(\[\s*)?\{", arrays.read_json),
)  # fmt: skip


def _read(content: Content, columns: tuple[str, str] | None) -> tuple[TableSource, ...] | list[str]:
    """Return the tables in a file, or its lines where it is a list of texts."""
    for candidate in _FORMATS:
        if candidate.pattern.match(content.head):
            return candidate.read(content)
    return text_table.read_text(content, columns)


def _one_table(
    content: Content,
    sources: Sequence[TableSource],
    choice: str | None,
    columns: tuple[str, str] | None,
) -> Table:
    """Return the table that was chosen, or else the one that has the coordinates."""
    if choice is not None:
        return _chosen(content, sources, choice)
    if not sources:
        raise TargetError(f"{content.label} holds no table")
    if len(sources) == 1:
        return sources[0].read()
    found = [source for source in sources if _has(source.colnames, columns)]
    if not found:
        found = [source for source in sources if coordinate_mixin(source.read()) is not None]
    if len(found) != 1:
        have = "none has" if not found else f"{len(found)} have"
        raise TargetError(
            f"{content.label} holds {len(sources)} tables, of which {have} the coordinates: "
            f"{listed(source.name for source in found or sources)}; choose one, as "
            f"'{content.label}[{(found or sources)[0].name}]'"
        )
    return found[0].read()


def _has(names: Sequence[str], columns: tuple[str, str] | None) -> bool:
    if columns is None:
        return find_pair(list(dict.fromkeys(names))) is not None
    return {name.lower() for name in columns} <= {name.lower() for name in names}


def _chosen(content: Content, sources: Sequence[TableSource], choice: str) -> Table:
    for source in sources:
        if choice.lower() in {key.lower() for key in (source.name, source.number, *source.aliases)}:
            return source.read()
    raise TargetError(
        f"{content.label} has no table {choice!r}; it has {listed(s.name for s in sources)}"
    )
