"""Many requests become answers: bounded, paced, retried. Knows nothing of files.

Worker threads take tasks from a line, one at a time for each connection. A task whose attempt
failed goes back into the line with a time before which it may not run again, so that no connection
waits for it. Nor does one wait for a picture to be looked into and written: its answer goes into
the line too, and the worker asks for the next picture first.
"""

from __future__ import annotations

import heapq
import itertools
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from tenacity import (
    DoSleep,
    RetryCallState,
    Retrying,
    retry_always,
    stop_after_attempt,
    wait_exponential_jitter,
)

from sdss_cutout._request.request import CutoutRequest
from sdss_cutout._transfer.classify import Answer, Kind, Response, classify, fault
from sdss_cutout._transfer.rate_limiter import LONGEST_WAIT, Pace
from sdss_cutout._transfer.transport import Transport

__all__ = ["FetchSettings", "Task", "fetch"]

T = TypeVar("T")

# Tasks that stand ready for the workers, and failed ones that wait for their next attempt: more
# are not taken from the list, so that a server that is down does not fill the memory.
_READY = 256
_LATER = 2_000

# Answers that stand ready to be looked into, and the workers that do so while all others wait for
# the server. Without them a server that takes 50 ms is kept waiting for 3 ms at 8 connections, and
# for 5 ms at 16.
_ANSWERED = 16
_BESIDE = 2

# Above so many results a second they are taken in batches, every so many seconds.
_TOGETHER_ABOVE, _TOGETHER = 100.0, 0.005

_MOST_REDIRECTS = 5
_FIRST_WAIT, _LONGEST_BACKOFF = 0.5, 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchSettings:
    """How hard the server may be asked.

    Attributes
    ----------
    max_connections : int
        Requests under way at the same time.
    max_rate : float
        Requests a second, of all connections together.
    max_attempts : int
        Requests for one target before it is given up.
    timeout : float
        Seconds that one attempt may take as a whole.
    """

    max_connections: int
    max_rate: float
    max_attempts: int
    timeout: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One target's request; ``index`` is its row."""

    index: int
    name: str
    request: CutoutRequest


def fetch(
    tasks: Iterable[Task],
    transport: Transport,
    pace: Pace,
    settings: FetchSettings,
    finish: Callable[[Task, Answer, int], T],
) -> Iterator[T]:
    """Yield what ``finish`` makes of each task's last answer, in the order in which they end.

    Parameters
    ----------
    tasks : iterable of Task
        Taken one by one in the calling thread, a little ahead of the work.
    transport : Transport
        Sends one request.
    pace : Pace
        Says when a request may go.
    settings : FetchSettings
        The bounds.
    finish : callable
        Called in a worker thread with the task, its last answer and the number of attempts.

    Raises
    ------
    Exception
        Whatever ``tasks`` or ``finish`` raise; everything under way is ended before.
    """
    crew = _Crew(transport, pace, settings, finish)
    source = iter(tasks)
    try:
        unfinished = 0
        while True:
            for task in itertools.islice(source, crew.line.room()):
                crew.add(task)
                unfinished += 1
            if not unfinished:
                return
            for result in crew.results():
                unfinished -= 1
                yield result
    finally:
        crew.dismiss()


@dataclass(slots=True)
class _Try:
    """A task with what has been done for it."""

    task: Task
    redirects: tuple[str, ...] = ()  # the URLs that this attempt was sent on to
    response: Response | None = None
    attempts: int = 0
    retry: RetryCallState | None = None

    @property
    def request(self) -> CutoutRequest:
        request = self.task.request
        return replace(request, url=self.redirects[-1]) if self.redirects else request


@dataclass(frozen=True, slots=True)
class _Done(Generic[T]):
    result: T | None = None
    error: BaseException | None = None


class _Line:
    """What the workers are to do: answers to look into, tries that may be sent, and later ones."""

    def __init__(self, connections: int, workers: int) -> None:
        self.closed = threading.Event()
        self._connections = connections
        self._free = connections
        self._workers = workers
        lock = threading.Lock()
        self._changed = threading.Condition(lock)
        self._wanted = threading.Condition(lock)  # waited for by workers that are too many
        self._answered: deque[_Try] = deque()
        self._ready: deque[_Try] = deque()
        self._later: list[tuple[float, int, _Try]] = []
        self._number = itertools.count()  # equal times must not compare the tries

    def room(self) -> int:
        """Return how many tries to add now: not all at once, as results may be there."""
        if len(self._later) >= _LATER:
            return 0
        return max(0, min(_READY - len(self._ready), 2 * self._connections))

    def is_long(self) -> bool:
        return len(self._ready) > _READY // 2

    def want(self, workers: int) -> None:
        """Let only so many workers take tries."""
        with self._wanted:
            self._workers = workers
            self._wanted.notify_all()
            self._changed.notify_all()  # those that are no longer wanted must not take a call

    def put(self, a_try: _Try, delay: float = 0.0) -> None:
        with self._changed:
            if delay > 0:
                due = time.monotonic() + delay
                heapq.heappush(self._later, (due, next(self._number), a_try))
            else:
                self._ready.append(a_try)
            self._changed.notify()

    def take(self, worker: int) -> _Try | None:
        """Wait for a try to work on and return it; None once the line is closed.

        One without a response is to be sent, over a connection that is its own until it is given
        back with `release`.
        """
        with self._changed:
            while not self.closed.is_set():
                if worker >= self._workers:
                    self._wanted.wait()
                elif a_try := self._next():
                    return a_try
                else:
                    due = self._later[0][0] if self._later and self._free else None
                    self._changed.wait(None if due is None else due - time.monotonic())
        return None

    def _next(self) -> _Try | None:
        # The server comes first, so that it has something to do meanwhile.
        if self._free and len(self._answered) < _ANSWERED:
            a_try = None
            if self._later and self._later[0][0] <= time.monotonic():
                a_try = heapq.heappop(self._later)[2]
            elif self._ready:
                a_try = self._ready.popleft()
            if a_try is not None:
                self._free -= 1
                return a_try
        return self._answered.popleft() if self._answered else None

    def release(self, answered: _Try | None = None) -> None:
        """Give a connection back, and a try with its response to whoever can look into it."""
        with self._changed:
            self._free += 1
            if answered is not None:
                self._answered.append(answered)
            self._changed.notify()

    def close(self) -> None:
        with self._changed:
            self.closed.set()
            self._changed.notify_all()
            self._wanted.notify_all()


class _Load:
    """How many workers are of use.

    Python runs one thread at a time. Where the server takes long, all workers are needed; where
    it is fast, one or two keep a processor busy, and more of them only fight over whose turn it
    is: at 8 connections to a server without delay that cost as much as the work itself.
    """

    _LOOK_EVERY = 0.05
    _FULL, _SLACK = 0.9, 0.7

    def __init__(self, most: int) -> None:
        self.useful = most
        self.rate = 0.0  # results a second
        self.cpu = [0.0] * most  # seconds that each worker has worked
        self._most = most
        self._cpu_before = 0.0
        self._looked_at = time.monotonic()
        self._results = 0

    @property
    def patience(self) -> float | None:
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


class _Crew(Generic[T]):
    """The worker threads and what they share."""

    def __init__(
        self,
        transport: Transport,
        pace: Pace,
        settings: FetchSettings,
        finish: Callable[[Task, Answer, int], T],
    ) -> None:
        self._most_workers = settings.max_connections + _BESIDE
        self.line = _Line(settings.max_connections, self._most_workers)
        self._load = _Load(self._most_workers)
        self._transport = transport
        self._pace = pace
        self._finish = finish
        self._done: queue.SimpleQueue[_Done[T]] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._retrying = Retrying(
            retry=retry_always,
            stop=stop_after_attempt(settings.max_attempts),
            wait=wait_exponential_jitter(
                multiplier=_FIRST_WAIT, max=_LONGEST_BACKOFF, jitter=_FIRST_WAIT
            ),
            retry_error_callback=lambda _: None,
        )

    def add(self, task: Task) -> None:
        """Put a task into the line, and a worker beside it while there are too few."""
        self.line.put(_Try(task))
        if len(self._threads) < self._most_workers:
            number = len(self._threads)
            self._threads.append(
                threading.Thread(
                    target=self._work, args=(number,), name=f"sdss_cutout-{number}", daemon=True
                )
            )
            self._threads[-1].start()

    def results(self) -> Iterator[T]:
        """Wait for a result, then yield it and all others that are there."""
        if self._load.rate > _TOGETHER_ABOVE and self.line.is_long():
            # Else this thread would wake up, and stop a worker, for each of them.
            time.sleep(_TOGETHER)
        results = [self._next()]
        while not self._done.empty():
            results.append(self._done.get())
        if self._load.note(len(results)):
            self.line.want(self._load.useful)
        for done in results:
            if done.error is not None:
                raise done.error
            yield done.result  # type: ignore[misc]

    def _next(self) -> _Done[T]:
        """Wait for a result; meanwhile, let more workers in if those at work only wait."""
        while True:
            try:
                return self._done.get(timeout=self._load.patience)
            except queue.Empty:
                if self._load.note(0):
                    self.line.want(self._load.useful)

    def dismiss(self) -> None:
        """End what is under way and wait for the threads."""
        self.line.close()
        self._transport.abort()
        for thread in self._threads:
            thread.join()

    def _work(self, number: int) -> None:
        while (a_try := self.line.take(number)) is not None:
            try:
                if a_try.response is None:
                    self._ask(a_try)
                else:
                    self._look_into(a_try, a_try.response)
            except BaseException as error:
                self._done.put(_Done(error=error))
            self._load.cpu[number] = time.thread_time()

    def _ask(self, a_try: _Try) -> None:
        """Send one attempt, when the pace lets it go."""
        silence = self._pace.wait(self.line.closed)
        if silence:
            self._conclude(a_try, _too_long(silence))
        elif not self.line.closed.is_set():
            a_try.attempts += not a_try.redirects
            response = self._transport.send(a_try.request)
            if response.status == 200:
                a_try.response = response
                self.line.release(a_try)
                return
            # Before another request goes: the server may have asked for patience.
            self._look_into(a_try, response)
        self.line.release()

    def _look_into(self, a_try: _Try, response: Response) -> None:
        a_try.response = None
        answer = classify(a_try.request, response)
        if answer.kind is Kind.REDIRECT:
            if len(a_try.redirects) < _MOST_REDIRECTS:
                a_try.redirects += (answer.location,)
                self.line.put(a_try)
                return
            answer = fault(f"more than {_MOST_REDIRECTS} redirects, one after the other")
        elif answer.kind is Kind.OVERLOAD:
            self._pace.distress(answer.retry_after)
            if (answer.retry_after or 0) > LONGEST_WAIT:
                answer = _too_long(answer.retry_after or 0, answer)
        elif answer.kind in (Kind.PICTURE, Kind.OUTSIDE):
            self._pace.relief()
        self._conclude(a_try, answer)

    def _conclude(self, a_try: _Try, answer: Answer) -> None:
        """Put the task back into the line, or finish it if this is its last answer."""
        may_improve = answer.kind in (Kind.FAULT, Kind.OVERLOAD) and not self.line.closed.is_set()
        delay = self._delay(a_try, answer) if may_improve else None
        if delay is None:
            self._done.put(_Done(self._finish(a_try.task, answer, a_try.attempts)))
        else:
            a_try.redirects = ()
            self.line.put(a_try, delay=delay)

    def _delay(self, a_try: _Try, answer: Answer) -> float | None:
        """Return the seconds until the next attempt, None if there is to be none."""
        if a_try.retry is None:
            a_try.retry = RetryCallState(self._retrying, None, (), {})
        self._retrying.begin()  # its statistics are this thread's, the last try was another's
        a_try.retry.set_result(answer)
        step = self._retrying.iter(a_try.retry)
        if not isinstance(step, DoSleep):
            return None
        a_try.retry.prepare_for_next_attempt()
        return float(step)


def _too_long(seconds: float, answer: Answer | None = None) -> Answer:
    said = f"{answer.message}; " if answer else ""
    return Answer(
        kind=Kind.REFUSED,
        status=answer.status if answer else 0,
        message=f"{said}the server asks for {seconds:.0f} s of silence (Retry-After), more than "
        f"the {LONGEST_WAIT:.0f} s that are waited for; try again later",
    )
