"""Fetching in the workers of an executor: other processes, or other machines.

Targets are sent in chunks. Rate and connections are divided into shares, and each chunk under way
holds one, so all workers together stay within the limits, however many there are. Before a chunk is
sent, the client's limiter reserves as many tokens as it has targets, and says when it may begin.
What its worker learns of the server comes back with its outcomes, and is passed on to the next. A
chunk's outcomes are noted in a journal beside its files as they come: a worker that does the chunk
again, because its first worker was lost, goes on from there.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import tempfile
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    CancelledError,
    Executor,
    Future,
    wait,
)
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Protocol

from sdss_cutout._errors import StoreError
from sdss_cutout._results.outcome import FAILED, Outcome, timestamp
from sdss_cutout._store.files import translated
from sdss_cutout._transfer.classify import fault
from sdss_cutout._transfer.early_end import EarlyEnd
from sdss_cutout._transfer.error_text import one_line
from sdss_cutout._transfer.fetch import FetchSettings
from sdss_cutout._transfer.rate_limiter import LimiterState, RateLimiter
from sdss_cutout._transfer.session import Session

__all__ = ["ChunkWriter", "Note", "distribute"]

# How often a chunk is begun before its targets are given up.
_MOST_TRIES = 3

# A chunk is about so many seconds of its share's rate, and never more than so many targets: what
# comes of them is recorded, and shown, when it ends. The first ones are small, so that a short
# list is spread too.
_CHUNK_SECONDS, _CHUNK_MOST, _CHUNK_FIRST = 10.0, 200, 8

_WORKERS_IF_UNKNOWN = 4


class Target(Protocol):
    """What a worker needs to know of a target; it pickles."""

    @property
    def index(self) -> int:
        """The target's row."""

    @property
    def name(self) -> str:
        """The target's name."""


class Note(Protocol):
    """Is told of an outcome as soon as its files are written, in whichever thread."""

    def __call__(self, outcome: Outcome, *, unreachable: bool) -> None:
        """Take note of an outcome, and whether no connection to the server came about."""
        ...


class ChunkWriter(Protocol):
    """Fetches and writes the targets of a chunk, in a worker; a dataclass that pickles."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def directory(self) -> str:
        """Where the files go."""

    @property
    def scratch(self) -> str:
        """A folder in it, where files are written before they are moved to their names."""

    def fetch(
        self, targets: Sequence[Any], session: Session, settings: FetchSettings, note: Note
    ) -> list[Outcome]:
        """Return the outcomes of targets, after having told ``note`` of each."""
        ...


def distribute(
    tasks: Iterator[Target],
    *,
    executor: Executor,
    session: Session,
    settings: FetchSettings,
    writer: ChunkWriter,
    together: Callable[[Any], object] | None = None,
    cost: Callable[[Sequence[Any]], int] = len,
) -> Iterator[Outcome]:
    """Yield the outcomes of all tasks, fetched and written by an executor's workers.

    A server that is overloaded slows the share of the worker that it tells so; the others hear of
    it with their next chunk. Workers that are at work when the caller gives up end with their next
    picture, as the folder in which they write is gone.

    Parameters
    ----------
    tasks : iterator of Target
        Taken in the calling thread, a chunk for each free share.
    executor : `concurrent.futures.Executor`
        Its workers see the writer's directory under the same path.
    session : Session
        The client's, whose limits hold for all workers together.
    settings : FetchSettings
        The bounds for all workers together.
    writer : ChunkWriter
        Fetches and writes.
    together : callable, optional
        Targets for which this returns the same, one behind the other, are a chunk.
    cost : callable, optional
        How many requests a chunk surely needs; one per target by default.

    Raises
    ------
    Exception
        Whatever a worker raises, but for the loss of the worker itself: then its chunk is done
        again, and ends ``failed`` if that happens too often.
    """
    folders = {"directory": writer.directory, "scratch": writer.scratch}
    writer = replace(writer, **{name: os.path.abspath(path) for name, path in folders.items()})
    free = deque(_shares(settings, _workers_of(executor)))
    fresh, again = _chunks(tasks, len(free), settings.max_rate, together), deque[_Chunk]()
    under_way: dict[Future[_ChunkResult], tuple[_Chunk, FetchSettings]] = {}
    limiter, early_end = session.limiter_for(settings), EarlyEnd()
    try:
        while True:
            while free and (chunk := again.popleft() if again else next(fresh, None)):
                if early_end.reason:
                    yield from _failed(chunk.tasks, early_end.answer().message)
                    continue
                share = free.popleft()
                chunk.cost = cost(chunk.tasks)
                under_way[_submit(executor, chunk, share, limiter, writer)] = chunk, share
            if not under_way:
                return
            for future in wait(under_way, return_when=FIRST_COMPLETED).done:
                chunk, share = under_way.pop(future)
                free.append(share)
                if (loss := _loss_of(future)) is None:
                    result = future.result()
                    _learn(result, chunk, limiter, early_end)
                    yield from result.outcomes
                elif chunk.tries < _MOST_TRIES:
                    again.append(chunk)
                else:
                    yield from _given_up(chunk, writer, loss)
    finally:
        for future in under_way:
            future.cancel()


# ------------------------------------------------------------------------ the coordinator


@dataclass(slots=True)
class _Chunk:
    number: int
    tasks: list[Any]
    tries: int = 0
    cost: int = 0  # requests that it surely needs


def _workers_of(executor: Executor) -> int:
    """Return how many chunks an executor can work on at the same time, as far as it tells."""
    workers = getattr(executor, "_max_workers", None)  # the standard library's, loky's
    client = getattr(executor, "_client", None)  # Dask's
    if client is not None and hasattr(client, "nthreads"):
        workers = sum(client.nthreads().values())
    return workers if isinstance(workers, int) and workers > 0 else _WORKERS_IF_UNKNOWN


def _shares(settings: FetchSettings, workers: int) -> list[FetchSettings]:
    """Cut the budget into shares of at least one connection, whose sum is the budget."""
    count = min(workers, settings.max_connections)
    each, rest = divmod(settings.max_connections, count)
    connections_of = [each + (number < rest) for number in range(count)]
    return [
        replace(
            settings,
            max_connections=connections,
            max_rate=settings.max_rate * connections / settings.max_connections,
        )
        for connections in connections_of
    ]


def _chunks(
    tasks: Iterator[Any],
    shares: int,
    max_rate: float,
    together: Callable[[Any], object] | None = None,
) -> Iterator[_Chunk]:
    if together is not None:
        yield from _groups(tasks, together)
        return
    most = int(min(max(max_rate / shares * _CHUNK_SECONDS, 1), _CHUNK_MOST))
    for number in itertools.count():
        size = min(most, _CHUNK_FIRST * 2 ** min(number // shares, 10))
        chunk = list(itertools.islice(tasks, size))
        if not chunk:
            return
        yield _Chunk(number, chunk)


def _groups(tasks: Iterator[Any], together: Callable[[Any], object]) -> Iterator[_Chunk]:
    numbers = itertools.count()
    for _, group in itertools.groupby(tasks, together):
        while chunk := list(itertools.islice(group, _CHUNK_MOST)):
            yield _Chunk(next(numbers), chunk)


def _submit(
    executor: Executor,
    chunk: _Chunk,
    share: FetchSettings,
    limiter: RateLimiter,
    writer: ChunkWriter,
) -> Future[_ChunkResult]:
    chunk.tries += 1
    due_after = limiter.reserve(chunk.cost)
    state = replace(limiter.state(), due_after=due_after)
    try:
        return executor.submit(_work, chunk, share, state, writer)
    except BrokenExecutor as error:  # a pool that has lost a process stays unusable
        chunk.tries = _MOST_TRIES
        future: Future[_ChunkResult] = Future()
        future.set_exception(error)
        return future


def _learn(result: _ChunkResult, chunk: _Chunk, limiter: RateLimiter, early_end: EarlyEnd) -> None:
    """Take over what a worker has learned of the server."""
    limiter.merge(result.state)
    # Attempts beyond those that it surely needed have not been paid for yet.
    limiter.reserve(max(0, result.state.taken - chunk.cost))
    for outcome in result.outcomes:
        answer = fault(outcome.error, unreachable=outcome.index in result.unreachable)
        early_end.note(outcome.index, answer, is_last=True)


def _loss_of(future: Future[_ChunkResult]) -> BaseException | None:
    """Return the error that means a lost worker; None for an error of the work itself."""
    try:
        error = future.exception()
    except CancelledError as cancelled:
        return cancelled
    # Dask's own errors, as KilledWorker; Dask is not imported for their sake.
    from_dask = type(error).__module__.partition(".")[0] == "distributed"
    return error if isinstance(error, BrokenExecutor | CancelledError) or from_dask else None


def _given_up(chunk: _Chunk, writer: ChunkWriter, loss: BaseException) -> Iterator[Outcome]:
    done = _Journal(writer, chunk.number).read()
    yield from done.values()
    why = f"the executor lost its worker ({type(loss).__name__}: {loss}); run again to go on"
    yield from _failed([task for task in chunk.tasks if task.index not in done], why)


def _failed(tasks: Sequence[Target], why: str) -> Iterator[Outcome]:
    date = timestamp()
    for task in tasks:
        yield Outcome(
            index=task.index, name=task.name, status=FAILED, error=one_line(why), date=date
        )


# ------------------------------------------------------------------------------ the worker


class _Journal:
    """The outcomes of a chunk, a line each, written as they come."""

    def __init__(self, writer: ChunkWriter, number: int) -> None:
        self._path = Path(writer.scratch, f"chunk-{number}.jsonl")

    def read(self) -> dict[int, Outcome]:
        """Return what is noted; a line that was cut by the loss of its worker is left out."""
        outcomes = {}
        with contextlib.suppress(FileNotFoundError):
            for line in self._path.read_text(encoding="utf-8").splitlines():
                with contextlib.suppress(ValueError, TypeError):
                    outcome = Outcome(**json.loads(line))
                    outcomes[outcome.index] = outcome
        return outcomes

    def note(self, outcome: Outcome) -> None:
        # One write, at the end: lines of several threads or workers do not mix. The newline goes
        # first, so that a cut line spoils no other.
        line = f"\n{json.dumps(asdict(outcome))}".encode()
        with self._path.open("ab", buffering=0) as file:
            file.write(line)


@dataclass(frozen=True, slots=True)
class _ChunkResult:
    """What comes back from a worker: outcomes, and what it has learned of the server."""

    outcomes: list[Outcome]
    state: LimiterState
    unreachable: frozenset[int]  # targets for which no connection could be made


def _work(
    chunk: _Chunk, share: FetchSettings, state: LimiterState, writer: ChunkWriter
) -> _ChunkResult:
    """Fetch a chunk's targets, in a worker, but for those that are done already."""
    if not os.path.isdir(writer.scratch):
        raise StoreError(
            f"{writer.directory} is not, for a worker of the executor, the directory of this run "
            "(or the run was ended); all workers must see it under this path"
        )
    with translated(Path(writer.directory)):
        # A folder of one's own: a worker that was given up as lost may still be writing.
        scratch = tempfile.mkdtemp(
            prefix=f"chunk-{chunk.number}-{chunk.tries}-", dir=writer.scratch
        )
    own_writer = replace(writer, scratch=scratch)
    journal = _Journal(writer, chunk.number)
    # Also at the first try, as some executors begin lost work again by themselves.
    done = journal.read()
    not_reached: set[int] = set()

    def note(outcome: Outcome, *, unreachable: bool) -> None:
        with translated(Path(writer.directory)):
            journal.note(outcome)
        if unreachable:
            not_reached.add(outcome.index)

    left = [task for task in chunk.tasks if task.index not in done]
    with Session(state=state) as session:
        fetched = own_writer.fetch(left, session, share, note)
        learned = session.limiter.state()
    with contextlib.suppress(OSError):
        os.rmdir(scratch)
    return _ChunkResult([*done.values(), *fetched], learned, frozenset(not_reached))
