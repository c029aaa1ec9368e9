"""From targets to files: what is there is planned around, what is missing fetched and recorded."""

from __future__ import annotations

import itertools
from array import array
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sdss_cutout._request.chunk import Part
from sdss_cutout._results.input_columns import beside_ours, header_text, row_texts
from sdss_cutout._results.outcome import KEPT, Outcome, Outcomes
from sdss_cutout._store.manifest import Entry
from sdss_cutout._store.store import Store, entry_of, known_outcome
from sdss_cutout._transfer.fetch import Task

__all__ = ["Watch", "download"]

# Targets are claimed in small groups, so that two runs on one directory share the work.
_CLAIMED_TOGETHER = 50


# Told of each outcome, with the part that its target is of.
Watch = Callable[[Part, Outcome], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Planned:
    """A part and those of its rows that are to be fetched."""

    part: Part
    todo: array[int]


def download(
    parts: Iterable[Part],
    store: Store,
    fetch: Callable[[Iterator[Task]], Iterator[Outcome]],
    count: Callable[[str, int], None],
    watch: Watch | None,
    *,
    plan_first: bool,
) -> Outcomes:
    """Bring all targets to an outcome and return these.

    Parameters
    ----------
    parts : iterable of Part
        The targets.
    store : Store
        The directory.
    fetch : callable
        Turns tasks into outcomes.
    count : callable
        Is told how many targets have come to which status.
    watch : callable or None
        Is told of each outcome, as it comes, with the part that its target is of.
    plan_first : bool
        Whether everything is planned, and so refused if need be, before anything is sent; a
        stream is planned part by part.
    """
    run = _Run(store, count, watch)
    planned: Iterable[_Planned] = map(run.plan, parts)
    if plan_first:
        planned = list(planned)
    run.drive(fetch, run.tasks(planned))
    while run.deferred:
        run.drive(fetch, run.freed())
    return run.outcomes


@dataclass(frozen=True, slots=True)
class _Item:
    """A task with its target's own columns, as the manifest keeps them."""

    part: Part
    task: Task
    given: int | None
    extra: str


class _Run:
    """The state of one download: outcomes so far, and what is under way."""

    def __init__(
        self, store: Store, count: Callable[[str, int], None], watch: Watch | None
    ) -> None:
        self.outcomes = Outcomes()
        self.deferred: list[_Item] = []
        self._store = store
        self._count = count
        self._watch = watch
        self._under_way: dict[int, _Item] = {}

    def plan(self, part: Part) -> _Planned:
        """Note what is known of a part, and return it with what is left to do."""
        if not len(self.outcomes):
            self._store.begin(part.names)
        self.outcomes.extend(len(part.names))
        urls, first = part.requests.urls(), part.first_row
        left = self._without_kept(part, urls)
        known = self._store.plan(
            [part.names[row] for row in left],
            [urls[row] for row in left],
            [first + row for row in left],
        )
        todo = array("q")
        for row, entry in zip(left, known, strict=True):
            if entry is None:
                todo.append(row)
            else:
                self._finish(part, known_outcome(first + row, entry))
        self._give_columns(part, {row: e for row, e in zip(left, known, strict=True) if e})
        return _Planned(part=part, todo=todo)

    def _give_columns(self, part: Part, known: dict[int, Entry]) -> None:
        """Record the columns of targets that are known without: a killed run had no time to."""
        bare = [row for row, entry in known.items() if not entry.extra]
        if bare and part.targets.table.colnames:
            given, extras = self._given(part, np.asarray(bare))
            for row, extra in zip(bare, extras, strict=True):
                self._store.record(known[row]._replace(given=given, extra=extra))

    def _without_kept(self, part: Part, urls: list[str]) -> list[int]:
        """Note the targets of a part that plainly need nothing; return the rows of the others."""
        kept = self._store.kept(part.names, urls)
        if kept is None:
            return list(range(len(urls)))
        self.outcomes.put_kept(part.first_row + kept.rows, kept.coverage, kept.nbytes, kept.sha256)
        self._count(KEPT, len(kept.rows))
        if self._watch is not None:
            for row in kept.rows.tolist():
                index = part.first_row + row
                self._watch(part, self.outcomes.outcome(index, part.names[row]))
        return np.setdiff1d(np.arange(len(urls)), kept.rows, assume_unique=True).tolist()

    def tasks(self, planned: Iterable[_Planned]) -> Iterator[Task]:
        """Yield what is to be fetched and is not another run's."""
        for plan in planned:
            items = self._items(plan)
            while group := list(itertools.islice(items, _CLAIMED_TOGETHER)):
                yield from self._claimed(group, self._store.claim)

    def freed(self) -> Iterator[Task]:
        """Yield what other runs have left undone, after waiting for them."""
        waiting, self.deferred = self.deferred, []
        yield from self._claimed(waiting, self._store.wait_for_others)

    def _items(self, plan: _Planned) -> Iterator[_Item]:
        if not plan.todo:
            return
        part, rows = plan.part, np.frombuffer(plan.todo, dtype=np.int64)
        given, extras = self._given(part, rows)
        for row, request, extra in zip(
            rows.tolist(), part.requests.part(rows), extras, strict=True
        ):
            task = Task(index=part.first_row + row, name=part.names[row], request=request)
            yield _Item(part, task, given, extra)

    def _given(self, part: Part, rows: NDArray[np.int64]) -> tuple[int | None, list[str]]:
        """Return the targets' own columns, as the manifest keeps them."""
        if not part.targets.table.colnames:
            return None, [""] * len(rows)
        table = beside_ours(part.targets.table[rows])
        return self._store.input_id(header_text(table)), row_texts(table)

    def _claimed(self, items: list[_Item], claim: Callable[..., Any]) -> Iterator[Task]:
        mine, finished = claim([item.task.name for item in items])
        for item in items:
            task = item.task
            if task.name in mine:
                self._under_way[task.index] = item
                yield task
            elif task.name in finished:
                self._finish(item.part, known_outcome(task.index, finished[task.name]))
            else:
                self.deferred.append(item)

    def drive(
        self, fetch: Callable[[Iterator[Task]], Iterator[Outcome]], tasks: Iterator[Task]
    ) -> None:
        """Fetch the tasks and record what comes of them."""
        for outcome in fetch(tasks):
            item = self._under_way.pop(outcome.index)
            entry = entry_of(
                item.task.request,
                outcome,
                given=item.given,
                extra=item.extra,
                row=self._store.row_of(outcome.index),
            )
            self._store.record(entry)
            self._finish(item.part, outcome)
        self._store.flush()

    def _finish(self, part: Part, outcome: Outcome) -> None:
        self.outcomes.put(outcome)
        self._count(outcome.status, 1)
        if self._watch is not None:
            self._watch(part, outcome)
