"""Turns many requests into results, with limits and retries. Knows nothing of files.

Worker threads take attempts from a queue, one at a time for each connection. A task whose attempt
failed goes back into the queue with a time before which it may not run again, so that no connection
waits for it. Nor does one wait for a picture to be classified and written: its response goes into
the queue too, and the worker asks for the next picture first.
"""

from __future__ import annotations

import itertools
import queue
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from sdss_cutout._transfer.classify import Answer, Classifier, Kind, Request, Response
from sdss_cutout._transfer.deadline import Deadline, Watchdog
from sdss_cutout._transfer.early_end import EarlyEnd
from sdss_cutout._transfer.next_step import Finish, Follow, delay_too_long, next_step
from sdss_cutout._transfer.rate_limiter import QueryBudget, RateLimiter
from sdss_cutout._transfer.work_queue import Attempt, FetchTask, Task, Workload, WorkQueue

__all__ = [
    "ConnectionLimit",
    "FetchSettings",
    "FetchTask",
    "Finisher",
    "Task",
    "Transport",
    "WorkerPool",
    "fetch",
]

R = TypeVar("R", bound=Request)
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

# Workers that classify and write while all others wait for the server.
_CLASSIFYING_WORKERS = 2

# Above so many results per second they are taken in batches, every so many seconds.
_BATCH_ABOVE, _BATCH_EVERY = 100.0, 0.005


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchSettings:
    """How hard the server may be asked.

    Attributes
    ----------
    max_connections : int
        Requests under way at the same time.
    max_rate : float
        Requests per second, of all connections together.
    max_attempts : int
        Requests for one target before it is given up.
    timeout : float
        Seconds that one attempt may take as a whole.
    auth : tuple of str or None
        User and password for the server.
    """

    max_connections: int
    max_rate: float
    max_attempts: int
    timeout: float
    auth: tuple[str, str] | None = field(default=None, repr=False)


class Finisher(Protocol[R, T_co]):
    """Makes the result of a task; called in a worker thread."""

    def __call__(self, task: FetchTask[R], answer: Answer, attempts: int, /) -> T_co:
        """Return the result of the task, from its last answer and the number of attempts."""
        ...


class Transport(Protocol):
    """What sends a request; a fake one in tests is a few lines."""

    def send(
        self, url: str, request: Request, deadline: Deadline, auth: tuple[str, str] | None
    ) -> Response:
        """Send a request and return what came; never raise for what servers or networks do.

        Parameters
        ----------
        url : str
            Where to: the request's own URL, or where it was redirected to.
        request : Request
            What is asked for.
        deadline : Deadline
            The bound on the whole of the attempt.
        auth : tuple of str or None
            User and password.
        """
        ...

    def close(self) -> None:
        """Close the connections that are not in use."""
        ...


class ConnectionLimit:
    """How many requests may be under way, over all runs that share it; first come, first served."""

    def __init__(self, most: int = 1) -> None:
        self._changed = threading.Condition()
        self._most = most
        self._used = 0
        self._waiting: deque[object] = deque()

    def set_most(self, most: int) -> None:
        """Change the limit."""
        with self._changed:
            self._most = most
            self._changed.notify_all()

    def acquire(self, stopped: threading.Event) -> bool:
        """Wait for a connection; return False if the run is stopped before there is one."""
        turn = object()
        with self._changed:
            self._waiting.append(turn)
            while self._used >= self._most or self._waiting[0] is not turn:
                if stopped.is_set():
                    break
                self._changed.wait()
            granted = not stopped.is_set()
            self._used += granted
            self._waiting.remove(turn)
            if self._waiting:
                self._changed.notify_all()
            return granted

    def release(self) -> None:
        """Give a connection back."""
        with self._changed:
            self._used -= 1
            if self._waiting:
                self._changed.notify_all()

    def wake(self) -> None:
        """Let those threads go whose run was stopped."""
        with self._changed:
            self._changed.notify_all()


def fetch(
    tasks: Iterable[FetchTask[R]],
    finish: Finisher[R, T],
    settings: FetchSettings,
    classify: Classifier,
    *,
    transport: Transport,
    limiter: RateLimiter,
    connections: ConnectionLimit,
    budget: QueryBudget | None = None,
) -> Iterator[T]:
    """Yield what ``finish`` makes of each task's last answer, in the order in which they end.

    Parameters
    ----------
    tasks : iterable of Task
        Taken one by one in the calling thread, a little ahead of the work.
    finish : Finisher
        Called in a worker thread with the task, its last answer and the number of attempts.
    settings : FetchSettings
        The bounds.
    classify : Classifier
        Says what a response means.
    transport : Transport
        Sends one request.
    limiter : RateLimiter
        Says when a request may go.
    connections : ConnectionLimit
        What all runs of a session may have under way together.
    budget : QueryBudget, optional
        What each request needs a place in beforehand.

    Raises
    ------
    Exception
        Whatever ``tasks`` or ``finish`` raise; everything under way is ended before.
    """
    pool = WorkerPool(
        finish,
        settings,
        classify,
        transport=transport,
        limiter=limiter,
        connections=connections,
        budget=budget,
    )
    source = iter(tasks)
    try:
        unfinished = 0
        while True:
            for task in itertools.islice(source, pool.queue.room()):
                pool.add(task)
                unfinished += 1
            if not unfinished:
                return
            for result in pool.results():
                unfinished -= 1
                yield result
    finally:
        pool.shutdown()


@dataclass(frozen=True, slots=True)
class _Done(Generic[T]):
    result: T | None = None
    error: BaseException | None = None


class WorkerPool(Generic[R, T]):
    """The worker threads of one run and what they share."""

    def __init__(
        self,
        finish: Finisher[R, T],
        settings: FetchSettings,
        classify: Classifier,
        *,
        transport: Transport,
        limiter: RateLimiter,
        connections: ConnectionLimit,
        budget: QueryBudget | None,
    ) -> None:
        self._most_workers = settings.max_connections + _CLASSIFYING_WORKERS
        self.queue: WorkQueue[R] = WorkQueue(settings.max_connections, self._most_workers)
        self._workload = Workload(self._most_workers)
        self._early_end = EarlyEnd()
        self._watchdog = Watchdog()
        self._transport = transport
        self._limiter = limiter
        self._connections = connections
        self._budget = budget
        self._settings = settings
        self._classify = classify
        self._finish = finish
        self._done: queue.SimpleQueue[_Done[T] | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []

    def add(self, task: FetchTask[R]) -> None:
        """Put a task into the queue, and start a worker while there are too few."""
        self.queue.put(Attempt(task))
        if len(self._threads) < self._most_workers:
            number = len(self._threads)
            self._threads.append(
                threading.Thread(
                    target=self._work, args=(number,), name=f"sdss_cutout-{number}", daemon=True
                )
            )
            self._threads[-1].start()

    def results(self) -> Iterator[T]:
        """Wait for a result, then yield it and all others that are there.

        Nothing is yielded where more tasks can be added instead.
        """
        if self._workload.rate > _BATCH_ABOVE and self.queue.is_backlogged():
            # Else this thread would wake up, and stop a worker, for each of them.
            time.sleep(_BATCH_EVERY)
        results = [self._next_result()]
        while not self._done.empty():
            results.append(self._done.get())
        if self._workload.note(len(results)):
            self.queue.set_workers(self._workload.useful)
        for done in results:
            if done is None:
                continue
            if done.error is not None:
                raise done.error
            yield done.result  # type: ignore[misc]

    def _next_result(self) -> _Done[T] | None:
        """Wait for a result, or None where more tasks can be added.

        Meanwhile, more workers are let in if those at work only wait.
        """
        while True:
            try:
                return self._done.get(timeout=self._workload.look_again_after)
            except queue.Empty:
                if self._workload.note(0):
                    self.queue.set_workers(self._workload.useful)

    def wake(self) -> None:
        """Let `results` return, although there is none."""
        self._done.put(None)

    def shutdown(self) -> None:
        """End what is under way and wait for the threads."""
        self.queue.close()
        self._watchdog.stop()
        self._limiter.wake()
        self._connections.wake()
        if self._budget is not None:
            self._budget.wake()
        for thread in self._threads:
            thread.join()
        self._watchdog.join()

    # ------------------------------------------------------------------------ in the workers

    def _work(self, number: int) -> None:
        while (attempt := self.queue.get(number)) is not None:
            try:
                if attempt.response is None:
                    self._send(attempt)
                else:
                    self._finish_or_retry(attempt, self._answer(attempt, attempt.response))
            except BaseException as error:
                self._done.put(_Done(error=error))
            self._workload.cpu[number] = time.thread_time()

    def _send(self, attempt: Attempt[R]) -> None:
        """Make one attempt, when a connection is free and the rate allows it."""
        try:
            if self._early_end.reason:
                self._put_result(attempt, attempt.answer or self._early_end.answer())
                return
            if self._budget is not None:
                self._budget.wait(self.queue.closed)
            if self._connections.acquire(self.queue.closed):
                try:
                    self._send_when_due(attempt)
                finally:
                    self._connections.release()
        finally:
            self.queue.release(attempt if attempt.response is not None else None)

    def _send_when_due(self, attempt: Attempt[R]) -> None:
        if delay := self._limiter.wait(self.queue.closed):
            self._put_result(attempt, delay_too_long(delay))
        elif not self.queue.closed.is_set():
            attempt.number += not attempt.redirects
            attempt.sent_at = time.monotonic()
            with self._watchdog.attempt(self._settings.timeout) as deadline:
                response = self._transport.send(
                    attempt.url, attempt.task.request, deadline, self._settings.auth
                )
            if response.status == 200 and not response.failure:
                attempt.response = response
            else:
                # Before another request goes: the server may have asked for a delay.
                self._finish_or_retry(attempt, self._answer(attempt, response))

    def _answer(self, attempt: Attempt[R], response: Response) -> Answer:
        """Classify a response, and let the limiter know what it says."""
        attempt.response = None
        answer = self._classify(attempt.task.request, response)
        if answer.kind is Kind.OVERLOAD:
            self._limiter.on_overload(answer.retry_after, sent_at=attempt.sent_at)
        elif answer.kind in (Kind.OK, Kind.OUTSIDE):
            self._limiter.on_success()
        return answer

    def _finish_or_retry(self, attempt: Attempt[R], answer: Answer) -> None:
        """Put the attempt back into the queue, or finish its task."""
        step = next_step(
            answer,
            attempts=attempt.number,
            redirects=len(attempt.redirects),
            max_attempts=self._settings.max_attempts,
        )
        last = isinstance(step, Finish)
        if self._early_end.note(attempt.task.index, answer, is_last=last):
            self.queue.end_delays()
        if isinstance(step, Follow):
            attempt.redirects += (step.url,)
            self.queue.put(attempt)
        elif isinstance(step, Finish):
            self._put_result(attempt, step.answer)
        elif self.queue.closed.is_set() or self._early_end.reason:
            self._put_result(attempt, answer)
        else:
            attempt.redirects, attempt.answer = (), answer
            self.queue.put(attempt, delay=step.after)
            self._done.put(None)  # another task can have its turn meanwhile
            if self._early_end.reason:  # set by another worker, meanwhile
                self.queue.end_delays()  # type: ignore[unreachable]

    def _put_result(self, attempt: Attempt[R], answer: Answer) -> None:
        self._done.put(_Done(self._finish(attempt.task, answer, attempt.number)))
