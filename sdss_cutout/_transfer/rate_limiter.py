"""Limits the request rate; slows down after 429 and 503 and honours Retry-After.

Requests are spaced evenly by virtual scheduling: each one moves the time of the next by the
interval that the rate in force asks for, so that there is never a burst.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["LONGEST_WAIT", "LimiterState", "QueryBudget", "RateLimiter"]

# A server that asks for a longer delay than this ends its targets at once; a later run goes on.
LONGEST_WAIT = 600.0

# The rate halves at a 429 or 503, at most once in so many seconds, and not for requests that were
# sent before it was halved: those say the same again.
_HALVE_AT_MOST_EVERY = 1.0
_SLOWEST = 1 / 64
# Requests that go well until a halved rate is whole again.
_RECOVERY_REQUESTS = 50

# What a thread that wakes up late may make up for, in seconds; else the rate would stay below what
# is allowed, the more so the higher it is.
_TOLERANCE = 0.002

# Waits for a change, or so many seconds; tests use a clock of their own instead.
Wait = Callable[[threading.Condition, float], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class LimiterState:
    """What one limiter tells another, which may be on another machine.

    Attributes
    ----------
    factor : float
        The part of the full rate that is in force.
    retry_after : float
        Seconds that are left of the delay that the server asks for.
    due_after : float
        Seconds until the next request is due.
    overloaded : bool
        Whether the server has said 429 or 503 to the requests of this limiter.
    taken : int
        How many tokens its requests have taken.
    """

    factor: float = 1.0
    retry_after: float = 0.0
    due_after: float = 0.0
    overloaded: bool = False
    taken: int = 0


class RateLimiter:
    """One request rate for all threads.

    Every attempt takes a token, retries included.

    Parameters
    ----------
    max_rate : float
        Requests per second.
    state : LimiterState, optional
        What another limiter for the same server knows.
    clock, wait : callable, optional
        The time in seconds, and what waits for it.
    """

    def __init__(
        self,
        max_rate: float,
        *,
        state: LimiterState | None = None,
        clock: Callable[[], float] = time.monotonic,
        wait: Wait = threading.Condition.wait,
    ) -> None:
        self._max_rate = max_rate
        self._clock = clock
        self._wait = wait
        self._changed = threading.Condition()
        self._first_is_waiting = False
        self._factor = 1.0
        self._overloaded = False
        self._taken = 0
        self._next = -math.inf  # when the next request is due
        self._delayed_until = -math.inf  # by Retry-After
        self._halved_at = -math.inf
        if state is not None:
            self._factor = state.factor
            self._delayed_until = clock() + state.retry_after
            self._next = clock() + state.due_after

    @property
    def rate(self) -> float:
        """The rate in force, requests per second."""
        return self._max_rate * self._factor

    def set_max_rate(self, max_rate: float) -> None:
        """Change the full rate; what the server has asked for stays in force."""
        with self._changed:
            if max_rate != self._max_rate:
                # A token that was taken at a slower rate must not hold up those at a faster one.
                due = self._next - self._clock()
                if due > 0:
                    self._next -= due - min(due, due * self._max_rate / max_rate)
                self._max_rate = max_rate
                self._changed.notify_all()

    # ------------------------------------------------------------------------------- tokens

    def reserve(self, count: int) -> float:
        """Take the next tokens; return the seconds until the first of them may be used."""
        with self._changed:
            delay = self._delay()
            self._take(count)
            return max(0.0, delay)

    def wait(self, stopped: threading.Event) -> float:
        """Wait until a request may go.

        Parameters
        ----------
        stopped : `threading.Event`
            Ends the waiting, together with `wake`.

        Returns
        -------
        float
            0, or the seconds of delay that the server has asked for where they are more than
            `LONGEST_WAIT`: then no request may go.
        """
        with self._changed:
            # One thread at a time waits for the time of the next token, the others for that
            # thread; no thread polls.
            while self._first_is_waiting and not stopped.is_set():
                self._changed.wait()
            if self._first_is_waiting:
                return 0.0
            self._first_is_waiting = True
            try:
                return self._wait_for_token(stopped)
            finally:
                self._first_is_waiting = False
                self._changed.notify()

    def _wait_for_token(self, stopped: threading.Event) -> float:
        while not stopped.is_set():
            asked = self._delayed_until - self._clock()
            if asked > LONGEST_WAIT:
                return asked
            delay = self._delay()
            if delay <= 0:
                self._take(1)
                break
            self._wait(self._changed, delay)
        return 0.0

    def _delay(self) -> float:
        """Return the seconds until the next token may be used."""
        return max(self._next, self._delayed_until) - self._clock()

    def _take(self, count: int) -> None:
        now, begin = self._clock(), max(self._next, self._delayed_until)
        if now - begin > _TOLERANCE:
            begin = now  # what was not used is not saved up
        self._next = begin + count / self.rate
        self._taken += count

    def wake(self) -> None:
        """Let those threads go whose run was stopped."""
        with self._changed:
            self._changed.notify_all()

    # ------------------------------------------------------------------------------ overload

    def on_overload(self, retry_after: float | None, *, sent_at: float) -> None:
        """Note that the server is overloaded (429, 503), and what delay it asks for.

        Parameters
        ----------
        retry_after : float or None
            The delay, in seconds.
        sent_at : float
            When the request was sent that was answered so, by the clock of this limiter.
        """
        with self._changed:
            now = self._clock()
            self._overloaded = True
            if retry_after is not None:
                self._delayed_until = max(self._delayed_until, now + retry_after)
            if sent_at >= self._halved_at and now - self._halved_at >= _HALVE_AT_MOST_EVERY:
                self._halved_at = now
                self._factor = max(self._factor / 2, _SLOWEST)

    def on_success(self) -> None:
        """Note a request that went well."""
        if self._factor < 1:
            with self._changed:
                self._factor = min(self._factor + 1 / _RECOVERY_REQUESTS, 1.0)

    def state(self) -> LimiterState:
        """Return what another limiter has to know."""
        with self._changed:
            return LimiterState(
                factor=self._factor,
                retry_after=max(0.0, self._delayed_until - self._clock()),
                due_after=max(0.0, self._delay()),
                overloaded=self._overloaded,
                taken=self._taken,
            )

    def merge(self, state: LimiterState) -> None:
        """Take over what another limiter, which had this one's state at first, has come to know."""
        with self._changed:
            self._delayed_until = max(self._delayed_until, self._clock() + state.retry_after)
            if state.overloaded:
                self._factor = min(self._factor, state.factor)
            else:
                self._factor = max(self._factor, state.factor)
            self._changed.notify_all()


class QueryBudget:
    """So many queries within a period: the next one waits until the oldest is past.

    Parameters
    ----------
    count : int
        Queries within the period.
    period : float
        Seconds.
    clock, wait : callable, optional
        The time in seconds, and what waits for it.
    """

    def __init__(
        self,
        count: int,
        period: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        wait: Wait = threading.Condition.wait,
    ) -> None:
        self._period = period
        self._clock = clock
        self._wait = wait
        self._changed = threading.Condition()
        self._sent_at: deque[float] = deque([-math.inf] * count, maxlen=count)

    def wait(self, stopped: threading.Event) -> None:
        """Wait until a query may go, or the run is stopped."""
        with self._changed:
            # While one waits, the lock is free.
            while not stopped.is_set():
                now = self._clock()
                delay = self._sent_at[0] + self._period - now
                if delay <= 0:
                    self._sent_at.append(now)
                    return
                self._wait(self._changed, delay)

    def wake(self) -> None:
        """Let those threads go whose run was stopped."""
        with self._changed:
            self._changed.notify_all()
