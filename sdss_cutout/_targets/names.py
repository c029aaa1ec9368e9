"""File stems for targets: default IAU names, and which other names are exact, safe and unique."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pathvalidate import ValidationError, validate_filename

from sdss_cutout._errors import TargetError
from sdss_cutout._targets.rows import more_rows

__all__ = ["Names", "fold_name", "iau_names", "name_texts", "number_repeats", "refuse_bad_names"]

# A file system gives a name 255 bytes; the suffix and the temporary file's additions need some.
MAX_NAME_BYTES = 200

# Positions come as binary fractions: 05.60 s can arrive as 05.5999999999. A value that is
# within this part of the last digit of the next one has reached it.
_LAST_DIGIT_TOLERANCE = 1e-5

# Decides most names at once; what it does not match is looked at in full.
_PLAINLY_SAFE = re.compile(rf"(?:[A-Za-z0-9_+-]{{1,{MAX_NAME_BYTES}}}\n)*")

# Identifiers beyond this have lost digits when they come as floating-point numbers.
_LARGEST_EXACT_FLOAT = 2**53 - 1

# What pathvalidate does not know of: Windows' console devices, and that it takes no notice of
# spaces before the suffix.
_DEVICES = {"CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"} | {
    f"{port}{digit}" for port in ("COM", "LPT") for digit in "0123456789\N{SUPERSCRIPT ONE}"
    "\N{SUPERSCRIPT TWO}\N{SUPERSCRIPT THREE}"
}  # fmt: skip


_FOLDED_DEVICES = {device.casefold() for device in _DEVICES}

# Names as text; whole numbers wait until they are needed as such.
Names = Sequence[str] | NDArray[np.integer[Any]]


def iau_names(ra: NDArray[np.float64], dec: NDArray[np.float64]) -> list[str]:
    """Return names such as ``J011605.60-000053.6`` for ICRS positions in degrees.

    Digits are cut off, not rounded, as the IAU asks
    (https://cds.unistra.fr/Dic/iau-spec.html, "Designation"), so that a name never points
    beyond the position that it was made from.
    """
    centiseconds = _cut(ra * 24_000.0) % 8_640_000
    deciarcsec = np.minimum(_cut(np.abs(dec) * 36_000.0), 3_240_000)
    seconds, arcsec = centiseconds // 100, deciarcsec // 10
    # All names at once, as rows of letters: nine times as fast as one after the other.
    text = np.tile(np.frombuffer(b"J000000.00+000000.0", dtype=np.uint8), (len(ra), 1))
    _add_digits(text, 1, 2, seconds // 3600)
    _add_digits(text, 3, 2, seconds // 60 % 60)
    _add_digits(text, 5, 2, seconds % 60)
    _add_digits(text, 8, 2, centiseconds % 100)
    text[dec < 0, 10] = ord("-")
    _add_digits(text, 11, 2, arcsec // 3600)
    _add_digits(text, 13, 2, arcsec // 60 % 60)
    _add_digits(text, 15, 2, arcsec % 60)
    _add_digits(text, 18, 1, deciarcsec % 10)
    names: list[str] = text.view(f"S{text.shape[1]}").ravel().astype(str).tolist()
    return names


def _add_digits(
    text: NDArray[np.uint8], column: int, count: int, values: NDArray[np.int64]
) -> None:
    """Write numbers over zeros."""
    for place in range(count):
        text[:, column + place] += (values // 10 ** (count - 1 - place) % 10).astype(np.uint8)


def _cut(value: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.floor(value + _LAST_DIGIT_TOLERANCE).astype(np.int64)


def number_repeats(names: Iterable[str], seen: dict[str, int]) -> list[str]:
    """Return the names, the second of a kind with ``_2``, the third with ``_3``."""
    names = list(names)
    new = dict.fromkeys(names, 1)
    if len(new) == len(names) and seen.keys().isdisjoint(new):  # as nearly always
        seen.update(new)
        return names
    numbered = []
    for name in names:
        count = seen[name] = seen.get(name, 0) + 1
        numbered.append(name if count == 1 else f"{name}_{count}")
    return numbered


# What a message offers where names cannot be used: it works for every list.
_FROM_POSITIONS = "names from the positions (names='IAU', or --names IAU)"
_ANOTHER_COLUMN = "use another column (names='COLUMN', or --names COLUMN)"


def _where(column: str | None, rows: Sequence[int]) -> str:
    return f"target {rows[0]}: " + (f"column {column!r}: " if column else "")


# -------------------------------------------------------------------------- text of names


def name_texts(given: Any, *, column: str | None, first_row: int) -> Names:
    """Return a column or list of names as text, identifiers to the last digit.

    Blanks around a name are dropped; whole numbers stay an array.

    Raises
    ------
    TargetError
        If a name is missing, or has lost digits.
    """
    mask = getattr(given, "mask", False)
    masked = np.flatnonzero(not callable(mask) and mask)  # pandas has a method mask
    if len(masked):
        _refuse((masked + first_row).tolist(), column, "its name is masked; a name is needed")
    values = np.asarray(given) if hasattr(given, "dtype") else None
    if values is not None and values.ndim == 1 and values.dtype.kind in "iu":
        return values
    if values is not None and values.ndim == 1 and values.dtype.kind == "U":
        return list(map(str.strip, values.tolist()))
    listed = list(given) if values is None else values.tolist()
    problems: dict[str, list[int]] = {}
    texts = [_text_of(value, problems, row) for row, value in enumerate(listed, first_row)]
    for problem, rows in problems.items():
        _refuse(rows, column, problem.format(listed[rows[0] - first_row]))
    return texts


def _refuse(rows: Sequence[int], column: str | None, problem: str) -> None:
    ways_on = f"{_ANOTHER_COLUMN if column else 'give other names'}, or {_FROM_POSITIONS}"
    raise TargetError(f"{_where(column, rows)}{problem}{more_rows(rows)}; {ways_on}")


_LOST = "the name {!r} came as a floating-point number and has lost digits"
_NOT_WHOLE = "the name {!r} is a number that is not whole"
_MISSING = "its name is missing; a name is needed"
_NO_NAME = "its name is {!r}; a name of text, or a whole number, is needed"


def _text_of(value: Any, problems: dict[str, list[int]], row: int) -> str:
    """Return the text of one name, or note what is wrong with it."""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "backslashreplace")
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, int | np.integer) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, Decimal) and value == value.to_integral_value():
        return str(int(value))
    if problem := _problem_of(value):
        problems.setdefault(problem, []).append(row)
        return ""
    return str(int(value))


def _problem_of(value: Any) -> str:
    """Return what is wrong with a name that is neither text nor an integer."""
    if value is None or value is np.ma.masked or str(value) in ("<NA>", "NaT", "nan"):
        return _MISSING
    if not isinstance(value, float | np.floating):
        return _NO_NAME
    if not float(value).is_integer():
        return _NOT_WHOLE
    return _LOST if abs(float(value)) > _LARGEST_EXACT_FLOAT else ""


# ------------------------------------------------------------------------ safe and unique


def refuse_bad_names(
    names: Names,
    *,
    seen: set[str] | None = None,
    column: str | None = None,
    first_row: int = 0,
) -> None:
    """Raise `TargetError` for names that are not safe file names everywhere, or not unique.

    Parameters
    ----------
    names : sequence of str or array of int
        The names of consecutive targets.
    seen : set of str, optional
        Names of earlier targets, folded; these are added.
    column : str, optional
        Where they come from, for the message.
    first_row : int, optional
        Row number of the first target, for the message.
    """
    if isinstance(names, np.ndarray):
        if seen is None and _all_differ(names):  # and whole numbers are safe
            return
        names = list(map(str, names.tolist()))
    lines = "".join([f"{name}\n" for name in names])
    if lines.count("\n") != len(names) or not _PLAINLY_SAFE.fullmatch(lines):
        _refuse_unsafe(names, column, first_row)
    folded = lines.casefold().split("\n")[:-1] if lines.isascii() else list(map(fold_name, names))
    new = set(folded)
    if not _FOLDED_DEVICES.isdisjoint(new):
        _refuse_unsafe(names, column, first_row)
    if len(new) < len(folded) or (seen and not seen.isdisjoint(new)):
        _refuse_repeats(names, folded, seen or set(), column, first_row)
    if seen is not None:
        seen |= new


def _all_differ(numbers: NDArray[np.integer[Any]]) -> bool:
    """Return whether no number is there twice; catalogues are often in their order."""
    return bool(np.all(numbers[1:] > numbers[:-1])) or len(np.unique(numbers)) == len(numbers)


def _refuse_unsafe(names: Sequence[str], column: str | None, first_row: int) -> None:
    bad = {row: why for row, name in enumerate(names, first_row) if (why := _why_unsafe(name))}
    if bad:
        rows = list(bad)
        name = names[rows[0] - first_row]
        _refuse(
            rows, column, f"the name {name!r} is not a safe file name: {bad[rows[0]]}. Allowed are "
            "letters, digits and marks such as _ + - . that every file system takes, up to "
            f"{MAX_NAME_BYTES} bytes"
        )  # fmt: skip


def _refuse_repeats(
    names: Sequence[str], folded: Sequence[str], seen: set[str], column: str | None, first_row: int
) -> None:
    """Refuse names that were there before; see `fold_name`."""
    first: dict[str, int | None] = dict.fromkeys(seen)
    repeats: list[int] = []
    owner: int | None = None
    for row, key in enumerate(folded, first_row):
        if key in first:
            owner = owner if repeats else first[key]
            repeats.append(row)
        else:
            first[key] = row
    name = names[repeats[0] - first_row]
    whose = "an earlier target" if owner is None else f"target {owner}"
    _refuse(
        repeats, column, f"the name {name!r} is taken by {whose} already, at least in another case"
    )


def _why_unsafe(name: str) -> str:
    if not name.strip():
        return "it is empty"
    if len(name.encode("utf-8", "replace")) > MAX_NAME_BYTES:
        return f"it is longer than {MAX_NAME_BYTES} bytes"
    if not name.isprintable():
        return "it has a character that is not printable"
    if name[0] in ". " or name[-1] in ". ":
        return "it begins or ends with a dot or a space"
    if name.partition(".")[0].rstrip().upper() in _DEVICES:
        return "it is the name of a device on Windows"
    try:
        validate_filename(name, platform="universal")
        validate_filename(f"{name}.jpg", platform="universal")
    except ValidationError as error:
        return str(error.description or error.reason.description).rstrip(".")
    return ""


def fold_name(name: str) -> str:
    """Return a name as the least careful file system compares it.

    File systems differ in whether ``a.jpg`` and ``A.jpg``, or the composed and the decomposed
    form of an accent, are one file.
    """
    if name.isascii():
        return name.casefold()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
