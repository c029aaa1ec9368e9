"""The log of the sandbox's requests."""

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
    """One request as the sandbox received it.

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
        As sent; 0 if the response was cut, or has not been sent yet.
    fault : str or None
        The fault that was injected.
    user_agent : str
        What the client calls itself.

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
    """Records of requests; with ``counters_only`` just their numbers, for very long runs."""

    def __init__(self, *, counters_only: bool = False) -> None:
        self._counters_only = counters_only
        self._lock = threading.Lock()
        self._numbers = itertools.count()
        self.clear()

    def clear(self) -> None:
        """Delete all records; requests that are being answered are not recorded any more."""
        with self._lock:
            self._records: dict[int, RequestRecord] = {}
            self._counts: Counter[str] = Counter()
            self._statuses: Counter[int] = Counter()
            self._open: dict[int, int] = {}  # the status of each so far
            self._in_flight: dict[str, dict[int, Callable[[], bool]]] = {
                "picture": {},
                "frame": {},
            }
            self._most_in_flight: Counter[str] = Counter()

    def begin(self, record: RequestRecord, is_connected: Callable[[], bool]) -> int:
        """Record a request, and return its number.

        ``is_connected`` tells whether its client has not closed the connection.
        """
        with self._lock:
            number = next(self._numbers)
            self._counts[record.kind] += 1
            self._statuses[0] += 1
            self._open[number] = 0
            if not self._counters_only:
                self._records[number] = record
            if record.kind in self._in_flight:
                self._in_flight[record.kind][number] = is_connected
                self._count_in_flight(record.kind)
            return number

    def _count_in_flight(self, kind: str) -> None:
        if len(self._in_flight[kind]) <= self._most_in_flight[kind]:
            return
        # A client that gave up may be back before the thread of its old request notices.
        connected = sum(is_connected() for is_connected in self._in_flight[kind].values())
        self._most_in_flight[kind] = max(self._most_in_flight[kind], connected)

    def set_status(self, number: int, status: int, fault: str | None) -> None:
        """Record the status that is sent, before the client can know the end of the response."""
        with self._lock:
            if number not in self._open:
                return
            self._statuses[self._open[number]] -= 1
            self._statuses[status] += 1
            self._open[number] = status
            if number in self._records:
                self._records[number] = replace(self._records[number], status=status, fault=fault)

    def finish_response(self, number: int) -> None:
        """Record that a request is no longer in flight, before the client can know it."""
        with self._lock:
            for requests in self._in_flight.values():
                requests.pop(number, None)

    def end(self, number: int) -> None:
        """Record that nothing more is sent for a request."""
        self.finish_response(number)
        with self._lock:
            self._open.pop(number, None)

    @property
    def records(self) -> list[RequestRecord]:
        """All records in the order of arrival."""
        with self._lock:
            return list(self._records.values())

    def max_in_flight(self, kind: str) -> int:
        """The most requests for pictures, or for frames, that were in flight at one time."""
        return self._most_in_flight[kind]

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
                "max_in_flight": self._most_in_flight["picture"],
            }
