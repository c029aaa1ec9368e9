"""The outcome of a target: one record, and the columns of a million."""

from __future__ import annotations

import copy
import hashlib
import math
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sdss_cutout._transfer.classify import Answer, Kind

__all__ = [
    "FAILED",
    "KEPT",
    "OK",
    "OUTSIDE",
    "Outcome",
    "Outcomes",
    "outcome_of_answer",
    "timestamp",
]

OK, KEPT, OUTSIDE, FAILED = "ok", "kept", "outside", "failed"
_STATUSES = ("", OK, KEPT, OUTSIDE, FAILED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The outcome of one target, without its picture; plain data that is sent between processes.

    Attributes
    ----------
    index : int
        The target's row.
    name : str
        The target's name.
    status : str
        ``ok``, ``kept``, ``outside`` or ``failed``.
    coverage : float
        The part of the picture that has imaging; NaN if that is not known.
    nbytes : int
        Size of the picture's file.
    sha256 : str
        Checksum of the picture's file, hexadecimal.
    source_sha256 : str
        Checksum of the bytes that the server sent.
    attempts : int
        Requests that were sent, in the run that fetched this.
    error : str
        What went wrong.
    origin, date : str
        What the server calls itself, and when it answered.
    http_status : int
        HTTP status of the last answer where there is no picture; 0 if there was none.
    reason : str
        Reason phrase of that answer.
    """

    index: int
    name: str
    status: str
    coverage: float = math.nan
    nbytes: int = 0
    sha256: str = ""
    source_sha256: str = ""
    attempts: int = 0
    error: str = ""
    origin: str = ""
    date: str = ""
    http_status: int = 0
    reason: str = ""

    def as_kept(self) -> Outcome:
        """Return the same for a picture that existed before."""
        return replace(self, status=KEPT)


def timestamp() -> str:
    """Return the time in UTC, as FITS headers have it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S")


def outcome_of_answer(index: int, name: str, answer: Answer, attempts: int) -> Outcome:
    """Return what a target's last answer means for it."""
    date = timestamp()
    if answer.kind is Kind.OK:
        sha256 = hashlib.sha256(answer.content).hexdigest()
        return Outcome(
            index=index, name=name, status=OK, coverage=answer.coverage,
            nbytes=len(answer.content), sha256=sha256, source_sha256=sha256, attempts=attempts,
            origin=answer.origin, date=date,
        )  # fmt: skip
    outside = answer.kind is Kind.OUTSIDE
    return Outcome(
        index=index, name=name, status=OUTSIDE if outside else FAILED,
        coverage=0.0 if outside else math.nan, attempts=attempts, error=answer.message,
        origin=answer.origin, date=date, http_status=answer.status, reason=answer.reason,
    )  # fmt: skip


# The arrays of `Outcomes`, and how many of their elements a target has.
_ARRAYS = (("_status", 1), ("_coverage", 1), ("_nbytes", 1), ("_attempts", 1), ("_sha256", 32))


class Outcomes:
    """The outcomes of a list of targets, in the targets' order, in about 50 bytes each."""

    def __init__(self, length: int = 0) -> None:
        self._status = array("B", bytes(length))
        self._coverage = array("f", [math.nan]) * length
        self._nbytes = array("q", bytes(8 * length))
        self._attempts = array("H", bytes(2 * length))
        self._sha256 = bytearray(32 * length)
        self._errors: dict[int, str] = {}

    def __len__(self) -> int:
        return len(self._status)

    def extend(self, length: int) -> None:
        """Make room for more targets, none of which has an outcome yet."""
        more = Outcomes(length)
        for name, _ in _ARRAYS:
            getattr(self, name).extend(getattr(more, name))

    def put(self, outcome: Outcome) -> None:
        """Note one target's outcome, at its row."""
        row = outcome.index
        self._status[row] = _STATUSES.index(outcome.status)
        self._coverage[row] = outcome.coverage
        self._nbytes[row] = outcome.nbytes
        self._attempts[row] = min(outcome.attempts, 65_535)
        self._sha256[32 * row : 32 * row + 32] = bytes.fromhex(outcome.sha256) or bytes(32)
        if outcome.error:
            self._errors[row] = outcome.error
        else:
            self._errors.pop(row, None)

    def put_kept(
        self,
        rows: NDArray[np.int64],
        coverage: NDArray[np.float32],
        nbytes: NDArray[np.int64],
        sha256: NDArray[np.uint8],
    ) -> None:
        """Note pictures that exist: `put` for many that have no outcome yet, in columns."""
        np.frombuffer(self._status, np.uint8)[rows] = _STATUSES.index(KEPT)
        np.frombuffer(self._coverage, np.float32)[rows] = coverage
        np.frombuffer(self._nbytes, np.int64)[rows] = nbytes
        np.frombuffer(self._sha256, np.uint8).reshape(-1, 32)[rows] = sha256

    def outcome(self, row: int, name: str) -> Outcome:
        """Return what is known of one target."""
        return Outcome(
            index=row,
            name=name,
            status=self.status(row),
            coverage=self._coverage[row],
            nbytes=self._nbytes[row],
            sha256=self._hex(row),
            attempts=self._attempts[row],
            error=self._errors.get(row, ""),
        )

    def copy(self) -> Outcomes:
        """Return the same outcomes in another object."""
        return copy.deepcopy(self)

    def take(self, rows: Sequence[int]) -> Outcomes:
        """Return the outcomes of some rows, in this order."""
        taken = Outcomes(len(rows))
        for row, other_row in enumerate(rows):
            taken.take_row(row, self, other_row)
        return taken

    def take_row(self, row: int, other: Outcomes, other_row: int) -> None:
        """Take one target's outcome from another list."""
        for name, size in _ARRAYS:
            ours, theirs = getattr(self, name), getattr(other, name)
            ours[size * row : size * (row + 1)] = theirs[size * other_row : size * (other_row + 1)]
        self._errors.pop(row, None)
        if other_row in other._errors:
            self._errors[row] = other._errors[other_row]

    def status(self, row: int) -> str:
        """Return one target's status; empty if it has none yet."""
        return _STATUSES[self._status[row]]

    def counts(self) -> dict[str, int]:
        """Return how many targets there are of each status."""
        return {s: self._status.count(n) for n, s in enumerate(_STATUSES) if s}

    def rows(self, status: str) -> list[int]:
        """Return the rows of this status."""
        wanted = _STATUSES.index(status)
        return [row for row, number in enumerate(self._status) if number == wanted]

    def columns(self) -> dict[str, Sequence[Any]]:
        """Return status, coverage, nbytes, sha256, attempts and error for all rows."""
        return {
            "status": [_STATUSES[number] for number in self._status],
            "coverage": self._coverage,
            "nbytes": self._nbytes,
            "sha256": [self._hex(row) for row in range(len(self))],
            "attempts": self._attempts,
            "error": [self._errors.get(row, "") for row in range(len(self))],
        }

    def _hex(self, row: int) -> str:
        digest = bytes(self._sha256[32 * row : 32 * row + 32])
        return digest.hex() if any(digest) else ""
