"""Many requests become answers: bounded, paced, retried. Knows nothing of files.

Worker threads take tasks from a line. A task whose attempt failed goes back into the line with
a time before which it may not run again, so that no connection waits for it.
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

from sdss_cutout._answer import Answer, Kind, fault
from sdss_cutout._pace import LONGEST_WAIT, Pace
from sdss_cutout._request import CutoutRequest
from sdss_cutout._transport import Transport

__all__ = ["FetchSettings", "Task", "fetch"]

T = TypeVar("T")

# Tasks that stand ready for the workers, and failed ones that wait for their next attempt: more
# are not taken from the list, so that a server that is down does not fill the memory.
_READY = 256
_LATER = 2_000

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
        unfinished, exhausted = 0, False
        while True:
            while not exhausted and crew.line.has_room():
                task = next(source, None)
                if task is None:
                    exhausted = True
                else:
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
    """A task with the attempts it has had."""

    task: Task
    attempts: int = 0
    retry: RetryCallState | None = None


@dataclass(frozen=True, slots=True)
class _Done(Generic[T]):
    result: T | None = None
    error: BaseException | None = None


class _Line:
    """Where tries wait: those that are ready, in order, and those that have a time to wait for."""

    def __init__(self, workers: int) -> None:
        self.closed = threading.Event()
        self._workers = workers
        lock = threading.Lock()
        self._changed = threading.Condition(lock)
        self._wanted = threading.Condition(lock)  # waited for by workers that are too many
        self._ready: deque[_Try] = deque()
        self._later: list[tuple[float, int, _Try]] = []
        self._number = itertools.count()  # equal times must not compare the tries

    def has_room(self) -> bool:
        return len(self._ready) < _READY and len(self._later) < _LATER

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
        """Return the next try that may run, when there is one; None once the line is closed."""
        with self._changed:
            while not self.closed.is_set():
                if worker >= self._workers:
                    self._wanted.wait()
                    continue
                wait = self._later[0][0] - time.monotonic() if self._later else None
                if wait is not None and wait <= 0:
                    return heapq.heappop(self._later)[2]
                if self._ready:
                    return self._ready.popleft()
                self._changed.wait(wait)
        return None

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
        self.line = _Line(settings.max_connections)
        self._load = _Load(settings.max_connections)
        self._transport = transport
        self._pace = pace
        self._settings = settings
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
        if len(self._threads) < self._settings.max_connections:
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
                answer = self._attempt(a_try)
                if answer is not None:
                    self._done.put(_Done(self._finish(a_try.task, answer, a_try.attempts)))
            except BaseException as error:
                self._done.put(_Done(error=error))
            self._load.cpu[number] = time.thread_time()

    def _attempt(self, a_try: _Try) -> Answer | None:
        """Return the last answer, or None if the task has gone back into the line."""
        answer = self._ask(a_try)
        if answer.kind not in (Kind.FAULT, Kind.OVERLOAD) or self.line.closed.is_set():
            return answer
        if a_try.retry is None:
            a_try.retry = RetryCallState(self._retrying, None, (), {})
        self._retrying.begin()  # its statistics are this thread's, the last try was another's
        a_try.retry.set_result(answer)
        step = self._retrying.iter(a_try.retry)
        if not isinstance(step, DoSleep):
            return answer
        a_try.retry.prepare_for_next_attempt()
        self.line.put(a_try, delay=float(step))
        return None

    def _ask(self, a_try: _Try) -> Answer:
        """Send one attempt, when the pace lets it go, and follow the server's own redirects."""
        request = a_try.task.request
        for hop in range(_MOST_REDIRECTS + 1):
            silence = self._pace.wait(self.line.closed)
            if self.line.closed.is_set():
                return fault("the run was ended")
            if silence:
                return _too_long(silence)
            a_try.attempts += hop == 0
            answer = self._transport.send(request)
            if answer.kind is Kind.OVERLOAD:
                self._pace.distress(answer.retry_after)
                if (answer.retry_after or 0) > LONGEST_WAIT:
                    return _too_long(answer.retry_after or 0, answer)
            elif answer.kind in (Kind.PICTURE, Kind.OUTSIDE):
                self._pace.relief()
            if answer.kind is not Kind.REDIRECT:
                return answer
            request = replace(request, url=answer.location)
        return fault(f"more than {_MOST_REDIRECTS} redirects, one after the other")


def _too_long(seconds: float, answer: Answer | None = None) -> Answer:
    said = f"{answer.message}; " if answer else ""
    return Answer(
        kind=Kind.REFUSED,
        status=answer.status if answer else 0,
        message=f"{said}the server asks for {seconds:.0f} s of silence (Retry-After), more than "
        f"the {LONGEST_WAIT:.0f} s that are waited for; try again later",
    )
