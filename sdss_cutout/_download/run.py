"""One run: what exists is planned around, what is missing is fetched and recorded."""

from __future__ import annotations

import contextlib
import itertools
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from sdss_cutout._errors import StoreError
from sdss_cutout._request.chunk import AnyRequest, TargetChunk
from sdss_cutout._results.columns import beside_ours
from sdss_cutout._results.directory import outcome_of_entry
from sdss_cutout._results.input_columns import header_text, row_texts
from sdss_cutout._results.manifest_table import write_manifest_table
from sdss_cutout._results.outcome import FAILED, OK, Outcome, Outcomes
from sdss_cutout._store.decide import Action, Decision, Wanted
from sdss_cutout._store.directory import DownloadDirectory
from sdss_cutout._store.entries import new_entry
from sdss_cutout._store.existing import KeptPictures
from sdss_cutout._store.files import translated
from sdss_cutout._store.layout import MANIFEST_TABLE, paths_of
from sdss_cutout._store.manifest import ManifestEntry
from sdss_cutout._transfer.fetch import FetchTask

__all__ = ["Fetch", "OnOutcome", "download"]

# A target with its request, for a picture or for calibrated data.
AnyTask = FetchTask[AnyRequest]

# Targets are claimed in small groups, so that two runs on one directory share the work.
_CLAIMED_TOGETHER = 50


class Fetch(Protocol):
    """Turns tasks into outcomes, here or in the workers of an executor."""

    def __call__(self, tasks: Iterator[AnyTask], /) -> Iterator[Outcome]:
        """Yield the outcomes as they come."""
        ...


class OnOutcome(Protocol):
    """Is called with the outcomes as they come, in the calling thread."""

    def many_kept(self, chunk: TargetChunk, rows: Sequence[int], outcomes: Outcomes) -> None:
        """Take note of pictures that exist already."""
        ...

    def one(self, chunk: TargetChunk, outcome: Outcome) -> None:
        """Take note of one outcome."""
        ...


def download(
    chunks: Iterable[TargetChunk],
    directory: DownloadDirectory,
    fetch: Fetch,
    on_outcome: OnOutcome,
    *,
    plan_first: bool,
) -> Outcomes:
    """Bring all targets to an outcome and return these.

    Parameters
    ----------
    chunks : iterable of TargetChunk
        The targets.
    directory : DownloadDirectory
        Where the pictures go.
    fetch : Fetch
        Turns tasks into outcomes.
    on_outcome : OnOutcome
        Is called with each outcome.
    plan_first : bool
        Whether everything is planned, and so refused if need be, before anything is sent or
        changed; a stream is planned chunk by chunk.
    """
    run = _Run(directory, on_outcome)
    with _table_at_the_end(directory):
        plans: Iterable[_Plan] = map(run.plan, chunks)
        if plan_first:
            plans = list(plans)
            for plan in plans:
                run.announce(plan)
        else:
            plans = map(run.announce, plans)
        run.drive(fetch, run.tasks(plans))
        while run.deferred:
            run.drive(fetch, run.freed())
    return run.outcomes


@contextlib.contextmanager
def _table_at_the_end(directory: DownloadDirectory) -> Iterator[None]:
    """Write ``manifest.ecsv`` when a run ends, however it ends, if the manifest has changed."""
    try:
        yield
    except StoreError:
        raise
    except BaseException:
        with contextlib.suppress(StoreError):  # the first error is the one to report
            _write_table(directory)
        raise
    _write_table(directory)


def _write_table(directory: DownloadDirectory) -> None:
    directory.flush()
    if directory.changed:
        with translated(directory.path):
            part = directory.scratch / MANIFEST_TABLE
            write_manifest_table(directory.manifest, part)
            part.replace(directory.path / MANIFEST_TABLE)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """What is to be done for a chunk; most targets of a long list are `kept` or `to_fetch`."""

    chunk: TargetChunk
    kept: KeptPictures | None
    decisions: dict[int, Decision]
    to_fetch: array[int]


@dataclass(frozen=True, slots=True)
class _Item:
    """A target under way, with its input columns as the manifest keeps them."""

    chunk: TargetChunk
    task: AnyTask
    input_table: int | None
    input_values: str

    @property
    def wanted(self) -> Wanted:
        task = self.task
        return _wanted(task.index, task.name, task.request.url, self.chunk.bands)


def _wanted(row: int, name: str, url: str, bands: str) -> Wanted:
    return Wanted(row, name, url, paths_of("", name, bands=bands)[0].removeprefix("/"))


@dataclass(slots=True)
class _Run:
    """The state of one download: outcomes so far, and what is under way."""

    directory: DownloadDirectory
    on_outcome: OnOutcome
    outcomes: Outcomes = field(default_factory=Outcomes)
    deferred: list[_Item] = field(default_factory=list)
    _under_way: dict[int, _Item] = field(default_factory=dict)
    _begun: bool = False

    # ------------------------------------------------------------------------------ planning

    def plan(self, chunk: TargetChunk) -> _Plan:
        """Decide what is to be done for each target; nothing is changed."""
        if not self._begun:
            self.directory.begin(chunk.names)
            self._begun = True
        urls, first = chunk.requests.urls(), chunk.first_row
        kept = self.directory.kept(chunk.names, urls)
        rows = np.arange(len(chunk))
        left = rows if kept is None else np.setdiff1d(rows, kept.rows, assume_unique=True)
        wanted = [
            _wanted(first + row, chunk.names[row], urls[row], chunk.bands) for row in left.tolist()
        ]
        decisions, to_fetch = {}, array("q")
        for row, decision in zip(left.tolist(), self.directory.plan(wanted), strict=True):
            if decision.action is Action.FETCH:
                to_fetch.append(row)
            if decision.entry is not None:
                decisions[row] = decision
        return _Plan(chunk=chunk, kept=kept, decisions=decisions, to_fetch=to_fetch)

    def announce(self, plan: _Plan) -> _Plan:
        """Tell other runs on the directory what this one is going to fetch."""
        chunk, rows = plan.chunk, np.frombuffer(plan.to_fetch, np.int64)
        if len(rows):
            urls = chunk.requests.take(rows).urls()
            self.directory.announce(
                [
                    _wanted(chunk.first_row + row, chunk.names[row], url, chunk.bands)
                    for row, url in zip(rows.tolist(), urls, strict=True)
                ]
            )
        return plan

    # ------------------------------------------------------------------------------- acting

    def tasks(self, plans: Iterable[_Plan]) -> Iterator[AnyTask]:
        """Do what was planned; yield what is to be fetched and is not another run's."""
        for plan in plans:
            self._act(plan)
            items = self._items(plan)
            while group := list(itertools.islice(items, _CLAIMED_TOGETHER)):
                yield from self._claimed(group, self.directory.claim)

    def freed(self) -> Iterator[AnyTask]:
        """Yield what other runs have left undone, after waiting for them."""
        waiting, self.deferred = self.deferred, []
        yield from self._claimed(waiting, self.directory.wait_for_others)

    def _act(self, plan: _Plan) -> None:
        """Note what needs no request, after repairing what can be repaired."""
        chunk, first = plan.chunk, plan.chunk.first_row
        self.outcomes.extend(len(chunk))
        if (kept := plan.kept) is not None and len(kept.rows):
            self.outcomes.put_kept(first + kept.rows, kept.coverage, kept.nbytes, kept.sha256)
            self.on_outcome.many_kept(chunk, kept.rows.tolist(), self.outcomes)
        bare = {}
        for row, decision in plan.decisions.items():
            if decision.action is Action.FETCH:
                self.directory.replace(chunk.names[row], decision)
                continue
            entry = self.directory.act(decision)
            self._finish(chunk, _known(first + row, entry))
            if not entry.input_values:
                bare[row] = entry
        self._give_columns(chunk, bare)

    def _give_columns(self, chunk: TargetChunk, bare: dict[int, ManifestEntry]) -> None:
        """Record the input columns of targets that are known without: a killed run had no time."""
        if bare and chunk.targets.table.colnames:
            number, values = self._input_values(chunk, np.array(list(bare)))
            for entry, text in zip(bare.values(), values, strict=True):
                self.directory.record(entry._replace(input_table=number, input_values=text))

    def _items(self, plan: _Plan) -> Iterator[_Item]:
        chunk, rows = plan.chunk, np.frombuffer(plan.to_fetch, np.int64)
        if not len(rows):
            return
        rows = chunk.requests.in_order_of_work(rows)
        number, values = self._input_values(chunk, rows)
        requests = chunk.requests.take(rows)
        each: Iterator[AnyRequest] = iter(requests)
        for row, request, text in zip(rows.tolist(), each, values, strict=True):
            task: AnyTask = FetchTask(
                index=chunk.first_row + row, name=chunk.names[row], request=request
            )
            yield _Item(chunk, task, number, text)

    def _input_values(
        self, chunk: TargetChunk, rows: NDArray[np.int64]
    ) -> tuple[int | None, list[str]]:
        """Return the input columns of some rows, as the manifest keeps them."""
        if not chunk.targets.table.colnames:
            return None, [""] * len(rows)
        table = beside_ours(chunk.targets.table[rows])
        return self.directory.input_table_id(header_text(table)), row_texts(table)

    def _claimed(
        self,
        items: list[_Item],
        claim: Callable[[Sequence[Wanted]], tuple[set[str], dict[str, ManifestEntry]]],
    ) -> Iterator[AnyTask]:
        ours, finished = claim([item.wanted for item in items])
        for item in items:
            task = item.task
            if task.name in ours:
                self._under_way[task.index] = item
                yield task
            elif task.name in finished:
                self._finish(item.chunk, _of_another_run(task, finished[task.name]))
            else:
                self.deferred.append(item)

    def drive(self, fetch: Fetch, tasks: Iterator[AnyTask]) -> None:
        """Fetch the tasks and record their outcomes."""
        for outcome in fetch(tasks):
            item = self._under_way.pop(outcome.index)
            self.directory.record(self._entry(item, outcome))
            self._finish(item.chunk, outcome)
        self.directory.flush()

    def _entry(self, item: _Item, outcome: Outcome) -> ManifestEntry:
        return new_entry(
            item.task.request,
            name=outcome.name,
            status=outcome.status,
            coverage=None if outcome.status == FAILED else outcome.coverage,
            nbytes=outcome.nbytes,
            sha256=outcome.sha256,
            source_sha256=outcome.source_sha256,
            attempts=outcome.attempts,
            error=outcome.error,
            origin=outcome.origin,
            date=outcome.date,
            row=self.directory.row_of(outcome.index),
            input_table=item.input_table,
            input_values=item.input_values,
        )

    def _finish(self, chunk: TargetChunk, outcome: Outcome) -> None:
        self.outcomes.put(outcome)
        self.on_outcome.one(chunk, outcome)


def _known(index: int, entry: ManifestEntry) -> Outcome:
    """Return the outcome of a target that needs no request."""
    found = outcome_of_entry(index, entry._replace(attempts=0))
    return found if found.status != OK else found.as_kept()


def _of_another_run(task: AnyTask, entry: ManifestEntry) -> Outcome:
    """Return the outcome of a target that another run has finished meanwhile."""
    if entry.url == task.request.url:
        return _known(task.index, entry)
    return Outcome(
        index=task.index,
        name=task.name,
        status=FAILED,
        error=f"another run has saved {task.name} for a different request, {entry.url}",
    )
