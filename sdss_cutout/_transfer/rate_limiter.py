"""When the next request may go: evenly spaced, slower in distress, silent when told to wait."""

from __future__ import annotations

import math
import threading
import time

from pyrate_limiter import GCRA, Rate, RateItem, StateBucket

__all__ = ["LONGEST_WAIT", "Pace"]

# A server that asks for more silence than this ends its targets at once; a later run goes on.
LONGEST_WAIT = 600.0

# The rate halves at a sign of distress, at most once in this many seconds, because the requests
# that are already under way bring the same news again.
_HALVE_AT_MOST_EVERY = 1.0
_SLOWEST_PART = 1 / 64
# Requests that go well until a halved rate is whole again.
_RECOVERY_REQUESTS = 50

# The limiter's clock counts milliseconds; above this rate two requests may share one.
_SHARE_MILLISECOND_ABOVE = 500.0
_INTERVAL_MS = 1_000_000


class Pace:
    """One rate for all threads of a client.

    Every attempt takes a token, retries included. There is no burst: tokens come one by one
    (GCRA, by pyrate-limiter).

    Parameters
    ----------
    max_rate : float
        Requests a second.
    """

    def __init__(self, max_rate: float) -> None:
        self.max_rate = max_rate
        self._bucket = StateBucket([_rate(max_rate)], algorithm=GCRA())
        self._current = max_rate
        self._silent_until = 0.0
        self._halved_at = -math.inf
        self._turn = threading.Lock()
        self._state = threading.Lock()

    @property
    def rate(self) -> float:
        """The rate in force, requests a second."""
        return self._current

    def skip_first(self) -> None:
        """Take the token that is there, so that a series of short runs keeps the rate."""
        self._bucket.put(RateItem("request", self._bucket.now()))

    def wait(self, stopped: threading.Event) -> float:
        """Wait until a request may go.

        Returns
        -------
        float
            0, or the seconds of silence that the server has asked for where they are more than
            `LONGEST_WAIT`: then no request may go.
        """
        # One thread at a time waits for the token, the others for their turn: nobody polls.
        with self._turn:
            while not stopped.is_set():
                silence = self._silent_until - time.monotonic()
                if silence > LONGEST_WAIT:
                    return silence
                if silence > 0:
                    stopped.wait(silence)
                    continue
                item = RateItem("request", self._bucket.now())
                if self._bucket.put(item):
                    break
                stopped.wait(float(self._bucket.waiting(item)) / 1000)  # type: ignore[arg-type]
        return 0.0

    def distress(self, retry_after: float | None) -> None:
        """Note that the server is overloaded (429, 503) and what silence it asks for."""
        with self._state:
            now = time.monotonic()
            if retry_after is not None:
                self._silent_until = max(self._silent_until, now + retry_after)
            if now - self._halved_at >= _HALVE_AT_MOST_EVERY:
                self._halved_at = now
                self._set(max(self._current / 2, self.max_rate * _SLOWEST_PART))

    def relief(self) -> None:
        """Note a request that went well."""
        if self._current < self.max_rate:
            with self._state:
                self._set(min(self._current + self.max_rate / _RECOVERY_REQUESTS, self.max_rate))

    def _set(self, rate: float) -> None:
        self._current = rate
        self._bucket.rates = [_rate(rate)]


def _rate(per_second: float) -> Rate:
    limit = max(1, math.floor(per_second * _INTERVAL_MS / 1000))
    return Rate(limit, _INTERVAL_MS, burst=max(1, math.ceil(per_second / _SHARE_MILLISECOND_ABOVE)))
