"""What the sandbox remembers of its requests."""

from __future__ import annotations

import itertools
import threading
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRecord:
    """One request as the sandbox saw it.

    Attributes
    ----------
    time : float
        Arrival, of the monotonic clock.
    kind : str
        "picture", "sql", "frame", "fields" or "other".
    method, path : str
        As sent.
    query : dict
        Decoded parameters, of the URL and of a form.
    status : int
        As sent; 0 when the answer was cut or has not been given yet.
    fault : str or None
        The fault that hit it.
    user_agent : str
        Who asked.

    Examples
    --------
    >>> from astropy.coordinates import SkyCoord
    >>> from sdss_cutout import SDSSCutouts
    >>> from sdss_cutout.sandbox import Sandbox
    >>> with Sandbox() as sandbox:
    ...     client = SDSSCutouts(base_url=sandbox.base_url)
    ...     cutout = client.get(SkyCoord(19.0, 0.0, unit="deg"), size=64)
    ...     [record] = sandbox.requests
    >>> record.kind, record.status, record.query["width"]
    ('picture', 200, '64')
    """

    time: float
    kind: str
    method: str
    path: str
    query: dict[str, str]
    status: int
    fault: str | None
    user_agent: str


class RequestLog:
    """Records, or with ``counters_only`` their numbers alone, for very long runs."""

    def __init__(self, *, counters_only: bool = False) -> None:
        self._counters_only = counters_only
        self._lock = threading.Lock()
        self._numbers = itertools.count()
        self.clear()

    def clear(self) -> None:
        """Forget everything; what is under way now leaves no trace."""
        with self._lock:
            self._records: dict[int, RequestRecord] = {}
            self._counts: Counter[str] = Counter()
            self._statuses: Counter[int] = Counter()
            self._under_way: dict[int, int] = {}  # the status that was noted so far
            self._flying: dict[str, dict[int, Callable[[], bool]]] = {"picture": {}, "frame": {}}
            self._most_flying: Counter[str] = Counter()

    def begin(self, record: RequestRecord, alive: Callable[[], bool]) -> int:
        """Note an arrival; ``alive`` tells whether its client still listens."""
        with self._lock:
            number = next(self._numbers)
            self._counts[record.kind] += 1
            self._statuses[0] += 1
            self._under_way[number] = 0
            if not self._counters_only:
                self._records[number] = record
            if record.kind in self._flying:
                self._flying[record.kind][number] = alive
                self._note_flying(record.kind)
            return number

    def _note_flying(self, kind: str) -> None:
        if len(self._flying[kind]) <= self._most_flying[kind]:
            return
        # A client that gave up may be back before the thread of its old request notices.
        living = sum(alive() for alive in self._flying[kind].values())
        self._most_flying[kind] = max(self._most_flying[kind], living)

    def _drop(self, number: int) -> None:
        for flying in self._flying.values():
            flying.pop(number, None)

    def settle(self, number: int, status: int, fault: str | None) -> None:
        """Note what is sent, before the client can see the end of it."""
        with self._lock:
            if number not in self._under_way:
                return
            self._statuses[self._under_way[number]] -= 1
            self._statuses[status] += 1
            self._under_way[number] = status
            if number in self._records:
                self._records[number] = replace(self._records[number], status=status, fault=fault)

    def land(self, number: int) -> None:
        """Note that the request is under way no more, before the client can know it."""
        with self._lock:
            self._drop(number)

    def end(self, number: int) -> None:
        """Note that the exchange is over."""
        with self._lock:
            self._drop(number)
            self._under_way.pop(number, None)

    @property
    def records(self) -> list[RequestRecord]:
        """All records in the order of arrival."""
        with self._lock:
            return list(self._records.values())

    def max_in_flight(self, kind: str) -> int:
        """The most requests for pictures, or for frames, that were under way at one time."""
        return self._most_flying[kind]

    def counts(self) -> dict[str, Any]:
        """Numbers of requests by kind and by status."""
        with self._lock:
            return {
                "pictures": self._counts["picture"],
                "sql": self._counts["sql"],
                "frames": self._counts["frame"],
                "fields": self._counts["fields"],
                "other": self._counts["other"],
                "by_status": {str(status): n for status, n in sorted(self._statuses.items()) if n},
                "max_in_flight": self._most_flying["picture"],
            }
