"""Calibrated cutouts in the workers of an executor: fields are searched here, frames cut there."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor

from sdss_cutout._download.calibrated.cut import without_fields
from sdss_cutout._download.calibrated.plan import CalibratedTask, PlannedTarget
from sdss_cutout._download.calibrated.run import CalibratedSource
from sdss_cutout._download.calibrated.writer import CalibratedWriter, outcome_of_cutout
from sdss_cutout._download.executors import distribute
from sdss_cutout._frames.frame import FrameKey
from sdss_cutout._results.outcome import Outcome
from sdss_cutout._transfer.early_end import EarlyEnd

__all__ = ["distribute_calibrated"]


def distribute_calibrated(
    tasks: Iterator[CalibratedTask],
    *,
    executor: Executor,
    source: CalibratedSource,
    writer: CalibratedWriter,
) -> Iterator[Outcome]:
    """Yield the outcomes of all tasks, whose frames are fetched and cut by an executor's workers.

    Workers that see the cache under the same path share its frames.

    Parameters
    ----------
    tasks : iterator of CalibratedTask
        Taken in the calling thread.
    executor : `concurrent.futures.Executor`
        Its workers see the writer's directory under the same path.
    source : CalibratedSource
        Searches the fields; its limits hold for all workers together.
    writer : CalibratedWriter
        Cuts and writes.
    """
    aside: deque[Outcome] = deque()

    def planned() -> Iterator[PlannedTarget]:
        early_end = EarlyEnd()
        for target in source.planned(tasks, early_end):
            if isinstance(target, PlannedTarget):
                yield target
            else:
                early_end.note(target.index, target.answer, is_last=True)
                aside.append(outcome_of_cutout(target.index, without_fields(target)))

    for outcome in distribute(
        planned(), executor=executor, session=source.frame_session,
        settings=source.frame_settings, writer=writer, together=_field_of, cost=_Cost(),
    ):  # fmt: skip
        while aside:
            yield aside.popleft()
        yield outcome
    yield from aside


def _field_of(target: PlannedTarget) -> object:
    return target.fields[0].strip, target.fields[0].field


class _Cost:
    """Counts the frames that nobody has been asked for yet."""

    def __init__(self) -> None:
        self._seen: set[FrameKey] = set()

    def __call__(self, targets: Sequence[PlannedTarget]) -> int:
        keys = {key for target in targets for key in target.frames()} - self._seen
        self._seen |= keys
        return len(keys)
