"""What the workers of a run are to do next, and how many of them are of use."""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from sdss_cutout._request.request import CutoutRequest
from sdss_cutout._transfer.classify import Answer, Request, Response

__all__ = ["Attempt", "FetchTask", "Task", "WorkQueue", "Workload"]

R = TypeVar("R", bound=Request)
Q = TypeVar("Q")

# Tasks that stand ready for the workers, and failed ones that wait for their next attempt: more
# are not taken from the list, so that a server that is down does not fill the memory.
_MOST_READY = 256
_MOST_DELAYED = 2_000

# Responses that wait to be classified. Without them a server that takes 50 ms is kept waiting for
# 3 ms at 8 connections, and for 5 ms at 16.
_MOST_RESPONSES = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchTask(Generic[Q]):
    """One target's request; ``index`` is its row."""

    index: int
    name: str
    request: Q


if TYPE_CHECKING:
    Task = FetchTask[CutoutRequest]  # one target's picture
else:
    Task = FetchTask  # instances of a parametrised class cannot be frozen and have slots


@dataclass(slots=True)
class Attempt(Generic[R]):
    """A task with what has been done for it.

    Attributes
    ----------
    task : FetchTask
        What is asked for.
    number : int
        Attempts so far, this one included once it is sent.
    redirects : tuple of str
        The URLs that this attempt was redirected to.
    sent_at : float
        When its last request was sent.
    response : Response or None
        What came, until it is classified.
    answer : Answer or None
        What the last response meant.
    """

    task: FetchTask[R]
    number: int = 0
    redirects: tuple[str, ...] = ()
    sent_at: float = 0.0
    response: Response | None = None
    answer: Answer | None = None

    @property
    def url(self) -> str:
        """Where the request goes."""
        return self.redirects[-1] if self.redirects else self.task.request.url


class WorkQueue(Generic[R]):
    """Responses to classify, attempts that may be sent, and those that wait for their time.

    Parameters
    ----------
    connections : int
        Attempts that may be under way at the same time.
    workers : int
        How many workers may take something.
    clock : callable, optional
        The time in seconds.
    """

    def __init__(
        self, connections: int, workers: int, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.closed = threading.Event()
        self._clock = clock
        self._connections = connections
        self._free = connections
        self._workers = workers
        lock = threading.Lock()
        self._changed = threading.Condition(lock)
        self._wanted = threading.Condition(lock)  # waited for by workers that are too many
        self._responses: deque[Attempt[R]] = deque()
        self._ready: deque[Attempt[R]] = deque()
        self._delayed: list[tuple[float, int, Attempt[R]]] = []
        self._number = itertools.count()  # equal times must not compare the attempts

    def room(self) -> int:
        """Return how many attempts to add now: not all at once, as results may be there."""
        if len(self._delayed) >= _MOST_DELAYED:
            return 0
        return max(0, min(_MOST_READY - len(self._ready), 2 * self._connections))

    def is_backlogged(self) -> bool:
        """Return whether many attempts are ready."""
        return len(self._ready) > _MOST_READY // 2

    def set_workers(self, workers: int) -> None:
        """Let only so many workers take something."""
        with self._wanted:
            self._workers = workers
            self._wanted.notify_all()
            self._changed.notify_all()  # those that are no longer wanted must not take a call

    def put(self, attempt: Attempt[R], delay: float = 0.0) -> None:
        """Add an attempt that may be sent, or may be after some seconds."""
        with self._changed:
            if delay > 0:
                due = self._clock() + delay
                heapq.heappush(self._delayed, (due, next(self._number), attempt))
            else:
                self._ready.append(attempt)
            self._changed.notify()

    def end_delays(self) -> None:
        """Let the attempts that wait for their time be taken at once."""
        with self._changed:
            self._ready.extend(attempt for _, _, attempt in sorted(self._delayed))
            self._delayed.clear()
            self._changed.notify_all()

    def get(self, worker: int) -> Attempt[R] | None:
        """Wait for an attempt to work on and return it; None once the queue is closed.

        One without a response is to be sent, over a connection that is its own until it is given
        back with `release`.
        """
        with self._changed:
            while not self.closed.is_set():
                if worker >= self._workers:
                    self._wanted.wait()
                elif attempt := self._next():
                    return attempt
                else:
                    due = self._delayed[0][0] if self._delayed and self._free else None
                    self._changed.wait(None if due is None else max(0.0, due - self._clock()))
        return None

    def _next(self) -> Attempt[R] | None:
        # The server comes first, so that it has something to do meanwhile.
        if self._free and len(self._responses) < _MOST_RESPONSES:
            attempt = None
            if self._delayed and self._delayed[0][0] <= self._clock():
                attempt = heapq.heappop(self._delayed)[2]
            elif self._ready:
                attempt = self._ready.popleft()
            if attempt is not None:
                self._free -= 1
                return attempt
        return self._responses.popleft() if self._responses else None

    def release(self, answered: Attempt[R] | None = None) -> None:
        """Give a connection back, and an attempt with its response, to be classified."""
        with self._changed:
            self._free += 1
            if answered is not None:
                self._responses.append(answered)
            self._changed.notify()

    def close(self) -> None:
        """Let all workers end."""
        with self._changed:
            self.closed.set()
            self._changed.notify_all()
            self._wanted.notify_all()


class Workload:
    """How many workers are of use.

    Python runs one thread at a time. Where the server takes long, all workers are needed; where
    it is fast, one or two keep a processor busy, and more of them only compete for the
    interpreter: with 8 connections to a server without delay they cost 1.44 ms of CPU per picture
    instead of 0.90, and 1.8 s instead of 1.2 s for 1,500 pictures.
    """

    _LOOK_EVERY = 0.05
    _FULL, _SLACK = 0.9, 0.7

    def __init__(self, most: int) -> None:
        self.useful = most
        self.rate = 0.0  # results per second
        self.cpu = [0.0] * most  # seconds that each worker has worked
        self._most = most
        self._cpu_before = 0.0
        self._looked_at = time.monotonic()
        self._results = 0

    @property
    def look_again_after(self) -> float | None:
        """Seconds after which to look again, where more workers might be of use."""
        return None if self.useful == self._most else self._LOOK_EVERY

    def note(self, results: int) -> bool:
        """Note results; return whether the number of useful workers has changed."""
        self._results += results
        elapsed = time.monotonic() - self._looked_at
        if elapsed < self._LOOK_EVERY:
            return False
        before, cpu = self.useful, sum(self.cpu)
        share, step = (cpu - self._cpu_before) / elapsed, max(1, before // 4)
        if share > self._FULL:
            self.useful = max(1, before - step)
        elif share < self._SLACK:
            self.useful = min(self._most, before + step)
        self.rate = self._results / elapsed
        self._results, self._cpu_before = 0, cpu
        self._looked_at += elapsed
        return self.useful != before
