"""Fetches tasks one by one, as threads ask for them, within the limits of a session."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from typing import Generic, NamedTuple, Protocol, TypeVar

from sdss_cutout._transfer.classify import Answer, Request
from sdss_cutout._transfer.fetch import Finisher, WorkerPool
from sdss_cutout._transfer.work_queue import FetchTask

__all__ = ["Fetched", "OnDemandFetcher"]

R = TypeVar("R", bound=Request)


class Fetched(NamedTuple):
    """The last answer to a task, and how many attempts it took."""

    answer: Answer
    attempts: int


class MakePool(Protocol[R]):
    """Makes the workers of an `OnDemandFetcher`."""

    def __call__(self, finish: Finisher[R, None], /) -> WorkerPool[R, None]:
        """Return a pool of workers that calls ``finish`` with what it has fetched."""
        ...


class OnDemandFetcher(Generic[R]):
    """Gives the last answer to each task as a future; a context manager.

    `fetch` takes tasks from one list and yields in one thread; this is for many threads that each
    need something now, and go on with it themselves.

    Parameters
    ----------
    make_pool : MakePool
        Makes its workers.
    """

    def __init__(self, make_pool: MakePool[R]) -> None:
        self._lock = threading.Lock()
        self._futures: dict[int, Future[Fetched]] = {}
        self._count = 0
        self._error: BaseException | None = None
        self._closed = False
        self._pool = make_pool(self._finish)
        self._watcher = threading.Thread(
            target=self._watch, name="sdss_cutout-on-demand", daemon=True
        )
        self._watcher.start()

    def __enter__(self) -> OnDemandFetcher[R]:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def submit(self, name: str, request: R) -> Future[Fetched]:
        """Ask for something, from any thread."""
        future: Future[Fetched] = Future()
        with self._lock:
            if self._error is not None:
                raise self._error
            if self._closed:
                future.cancel()
                return future
            index, self._count = self._count, self._count + 1
            self._futures[index] = future
            self._pool.add(FetchTask(index=index, name=name, request=request))
        return future

    def close(self) -> None:
        """End what is under way, and cancel what was asked for."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
        self._pool.shutdown()
        self._pool.wake()
        self._watcher.join()
        for future in self._taken():
            future.cancel()

    def _taken(self) -> list[Future[Fetched]]:
        with self._lock:
            futures, self._futures = list(self._futures.values()), {}
        return futures

    def _finish(self, task: FetchTask[R], answer: Answer, attempts: int) -> None:
        with self._lock:
            future = self._futures.pop(task.index, None)
        if future is not None:
            future.set_result(Fetched(answer, attempts))

    def _watch(self) -> None:
        """Pass on what goes wrong in a worker; without this a thread would wait for ever."""
        while not self._closed:
            try:
                for _ in self._pool.results():
                    pass
            except BaseException as error:
                with self._lock:
                    self._error = error
                for future in self._taken():
                    future.set_exception(error)
