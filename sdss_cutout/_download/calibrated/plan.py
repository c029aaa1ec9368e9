"""Which fields each target needs, from searches that targets share; targets field by field."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from astropy import log

from sdss_cutout._errors import QueryError
from sdss_cutout._frames.cutout import choose_fields
from sdss_cutout._frames.frame import FrameKey
from sdss_cutout._frames.selection import Field, strips_at
from sdss_cutout._request.calibrated import CalibratedRequest, batch_of
from sdss_cutout._request.field_search import (
    MAX_POSITIONS,
    FieldSearch,
    group_searches,
    primary_sql,
)
from sdss_cutout._request.site import Site
from sdss_cutout._transfer.classify import Answer, Kind
from sdss_cutout._transfer.early_end import EarlyEnd
from sdss_cutout._transfer.fetch import FetchSettings, FetchTask
from sdss_cutout._transfer.frames.classify import FieldSearchRequest, classify_fields
from sdss_cutout._transfer.on_demand import Fetched
from sdss_cutout._transfer.session import Session

__all__ = ["CalibratedTask", "PlannedTarget", "TargetPlanner", "Unplanned"]

CalibratedTask = FetchTask[CalibratedRequest]

# Targets that are looked up together, at first and later: enough that the fields of neighbours are
# done once, and at first few enough that two runs on one directory share the work.
_FIRST_TOGETHER, _TOGETHER = 50, 1000

_OUTSIDE = Answer(kind=Kind.OUTSIDE, message="no SDSS imaging here")


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedTarget:
    """A target and the fields it may need, that of its centre first; plain data."""

    index: int
    name: str
    request: CalibratedRequest
    fields: Sequence[Field]
    attempts: int

    def frames(self) -> list[FrameKey]:
        """Return the frames that it surely needs."""
        fields = self.fields if self.request.north_up else self.fields[:1]
        return [field.key(band) for band in self.request.bands for field in fields]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unplanned:
    """A target that needs no frames: it is outside, or its search has failed."""

    index: int
    name: str
    request: CalibratedRequest
    answer: Answer
    attempts: int


class TargetPlanner:
    """Asks SkyServer which fields there are.

    Parameters
    ----------
    session : Session
        Sends the searches.
    site : Site
        Which server and release.
    settings : FetchSettings
        The bounds.
    early_end : EarlyEnd
        Tells when a run ends because nothing can be reached.
    """

    def __init__(
        self, session: Session, site: Site, settings: FetchSettings, early_end: EarlyEnd
    ) -> None:
        self._session = session
        self._site = site
        self._settings = settings
        self._early_end = early_end
        self._knows_primary = True

    def plan(self, tasks: Iterator[CalibratedTask]) -> Iterator[PlannedTarget | Unplanned]:
        """Yield each target with its fields, some at a time, those of one field together."""
        count = _FIRST_TOGETHER
        while group := list(itertools.islice(tasks, count)):
            count = _TOGETHER
            if self._early_end.reason:
                answer = self._early_end.answer()
                yield from (_unplanned(task, Fetched(answer, 0)) for task in group)
            else:
                yield from self._planned(group)

    def _planned(self, tasks: Sequence[CalibratedTask]) -> list[PlannedTarget | Unplanned]:
        found = self._search(tasks)
        primaries = self._primaries(tasks, found)
        unplanned: list[PlannedTarget | Unplanned] = []
        planned = []
        for row, task in enumerate(tasks):
            answer, attempts = found[row]
            chosen = []
            if answer.kind is Kind.OK:
                chosen = choose_fields(task.request, answer.value, primary=primaries.get(row))
                answer = _OUTSIDE
            if chosen:
                planned.append(
                    PlannedTarget(
                        index=task.index, name=task.name, request=task.request, fields=chosen,
                        attempts=attempts,
                    )
                )  # fmt: skip
            else:
                unplanned.append(_unplanned(task, Fetched(answer, attempts)))
        planned.sort(key=lambda target: (target.fields[0].strip, target.fields[0].field))
        return unplanned + planned

    # ------------------------------------------------------------------------------- searches

    def _search(self, tasks: Sequence[CalibratedTask]) -> dict[int, Fetched]:
        """Return what the search for each target has brought, by its place in the list."""
        requests = [task.request for task in tasks]
        searches = group_searches(batch_of(requests, self._site))
        found: dict[int, Fetched] = {}
        for number, fetched in self._fetch(searches, requests):
            found |= dict.fromkeys(searches[number].rows.tolist(), fetched)
        return found

    def _fetch(
        self, searches: Sequence[FieldSearch], requests: Sequence[CalibratedRequest]
    ) -> Iterator[tuple[int, Fetched]]:
        archive = requests[0].archive
        tasks = (
            FetchTask(
                index=number,
                name="fields",
                request=FieldSearchRequest(url=search.url(self._site), archive=archive),
            )
            for number, search in enumerate(searches)
        )
        return self._session.fetch(tasks, _numbered, self._settings, classify_fields)

    # -------------------------------------------------------------------------- primary fields

    def _primaries(
        self, tasks: Sequence[CalibratedTask], found: dict[int, Fetched]
    ) -> dict[int, int]:
        """Return the primary field of those targets that several runs have, where it is known."""
        rows = [
            row
            for row, task in enumerate(tasks)
            if found[row].answer.kind is Kind.OK
            and len(strips_at(found[row].answer.value, task.request.ra, task.request.dec)) > 1
        ]
        primaries: dict[int, int] = {}
        for start in range(0, len(rows), MAX_POSITIONS):
            if self._knows_primary:
                some = rows[start : start + MAX_POSITIONS]
                primaries |= self._query([tasks[row].request for row in some], some)
        return primaries

    def _query(self, requests: Sequence[CalibratedRequest], rows: Sequence[int]) -> dict[int, int]:
        sql = primary_sql([r.ra for r in requests], [r.dec for r in requests])
        try:
            table = self._session.query_sql(sql, self._site, self._settings)
            return {
                rows[int(target)]: int(field)
                for target, field in zip(table["target"], table["primaryFieldID"], strict=True)
                if not np.ma.is_masked(field)
            }
        except (QueryError, KeyError, ValueError, IndexError) as error:
            # The search tells of the fields' primary areas, too, though not of their borders.
            log.warning(
                "the primary fields cannot be asked for (%s); the fields with the largest "
                "primary areas are used",
                error,
            )
            self._knows_primary = False
            return {}


def _numbered(task: FetchTask[FieldSearchRequest], answer: Answer, attempts: int) -> tuple[
    int, Fetched
]:  # fmt: skip
    return task.index, Fetched(answer, attempts)


def _unplanned(task: CalibratedTask, fetched: Fetched) -> Unplanned:
    answer, attempts = fetched
    return Unplanned(
        index=task.index, name=task.name, request=task.request, answer=answer, attempts=attempts
    )
