"""Targets with their fields become cutouts: frames are loaded ahead of those that are cut."""

from __future__ import annotations

import itertools
import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import replace
from typing import Protocol, TypeVar

from sdss_cutout._download.calibrated.loader import FrameLoader, MissingFrame
from sdss_cutout._download.calibrated.plan import PlannedTarget, Unplanned
from sdss_cutout._frames.cutout import make_images
from sdss_cutout._frames.frame import Frame, FrameKey
from sdss_cutout._results.calibrated import (
    CalibratedCutout,
    calibrated_cutout_of_images,
    calibrated_cutout_of_outcome,
)
from sdss_cutout._results.outcome import outcome_of_answer
from sdss_cutout._transfer.classify import Answer, Kind
from sdss_cutout._transfer.early_end import EarlyEnd

__all__ = ["CutoutMaker", "Finish", "without_fields"]

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

# Threads that cut. Native cutouts wait for frames, mosaics for the processor.
_MOST_CUTTERS = 4

# Targets that stand ready, so that the frames of the next ones can be loaded ahead.
_READY = 100

# Frames that are loaded before a target needs them, and that are held for the next targets.
_MOST_AHEAD, _MOST_HELD = 6, 24


class Finish(Protocol[T_co]):
    """Makes the result of a target; called in a thread."""

    def __call__(self, index: int, cutout: CalibratedCutout, answer: Answer, /) -> T_co:
        """Return what comes of a cutout, and of the last answer of a server."""
        ...


class CutoutMaker:
    """Cuts targets in threads.

    Parameters
    ----------
    loader : FrameLoader
        Gives the frames.
    creator : str
        This package and its version.
    early_end : EarlyEnd
        Tells when a run ends because nothing can be reached.
    """

    def __init__(self, loader: FrameLoader, *, creator: str, early_end: EarlyEnd) -> None:
        self._loader = loader
        self._creator = creator
        self._early_end = early_end
        self._cutters = max(2, min(os.cpu_count() or 1, _MOST_CUTTERS))

    def make(self, targets: Iterable[PlannedTarget | Unplanned], finish: Finish[T]) -> Iterator[T]:
        """Yield the results, in the order in which they end.

        Parameters
        ----------
        targets : iterable of PlannedTarget or Unplanned
            Taken one by one in the calling thread, ahead of the work.
        finish : Finish
            Makes the results.

        Raises
        ------
        Exception
            Whatever ``targets`` or ``finish`` raise; everything under way is ended before.
        """
        queue = _Lookahead(iter(targets), self._loader, self._early_end)
        under_way: set[Future[T]] = set()
        threads = ThreadPoolExecutor(self._cutters, thread_name_prefix="sdss_cutout-cut")
        try:
            while True:
                for target in itertools.islice(queue, self._cutters + 1 - len(under_way)):
                    under_way.add(threads.submit(self._make, target, finish))
                if not under_way:
                    return
                done, under_way = wait(under_way, return_when=FIRST_COMPLETED)
                yield from [future.result() for future in done]
        finally:
            self._loader.close()
            threads.shutdown(cancel_futures=True)

    # -------------------------------------------------------------------------- in the threads

    def _make(self, target: PlannedTarget | Unplanned, finish: Finish[T]) -> T:
        cutout, answer = self._cutout(target)
        self._loader.unpin(_pinned(target))
        self._early_end.note(target.index, answer, is_last=True)
        return finish(target.index, cutout, answer)

    def _cutout(self, target: PlannedTarget | Unplanned) -> tuple[CalibratedCutout, Answer]:
        """Return a target's cutout, and the answer that decided it."""
        if isinstance(target, Unplanned):
            return without_fields(target), target.answer
        if self._early_end.reason:
            answer = self._early_end.answer()
            return _without_data(target, answer, answer.message, 0), answer
        load = _Load(self._loader, target.attempts)
        try:
            images = make_images(target.request, target.fields, load)
        except MissingFrame as missing:
            attempts = max(load.attempts, missing.attempts)
            message = _context(missing.answer, str(missing.key), missing.attempts)
            return _without_data(target, missing.answer, message, attempts), missing.answer
        cutout = calibrated_cutout_of_images(
            target.name, target.request, images, attempts=load.attempts, creator=self._creator
        )
        return cutout, Answer(kind=Kind.OK)


class _Load:
    """The function that gives frames to a target, which counts the attempts that they took."""

    def __init__(self, loader: FrameLoader, attempts: int) -> None:
        self._loader = loader
        self.attempts = attempts

    def __call__(self, keys: Sequence[FrameKey]) -> list[Frame]:
        loaded = self._loader.load(keys)
        self.attempts = max([self.attempts, *(one.attempts for one in loaded)])
        return [one.frame for one in loaded]


def _context(answer: Answer, what: str, attempts: int) -> str:
    """Return what went wrong, with what it was asked for if it was."""
    asked = attempts and answer.kind is not Kind.OUTSIDE
    return f"{what}: {answer.message}" if asked else answer.message


def without_fields(target: Unplanned) -> CalibratedCutout:
    """Return the cutout of a target that has no fields, or whose search has failed."""
    message = _context(target.answer, "the search for its fields", target.attempts)
    return _without_data(target, target.answer, message, target.attempts)


def _without_data(
    target: PlannedTarget | Unplanned, answer: Answer, message: str, attempts: int
) -> CalibratedCutout:
    outcome = outcome_of_answer(
        target.index, target.name, replace(answer, message=message), attempts
    )
    return calibrated_cutout_of_outcome(outcome, target.request)


class _Lookahead:
    """Gives targets one by one, and has the frames of the next ones loaded meanwhile."""

    def __init__(
        self, source: Iterator[PlannedTarget | Unplanned], loader: FrameLoader, early_end: EarlyEnd
    ) -> None:
        self._source = source
        self._loader = loader
        self._early_end = early_end
        self._ready: deque[PlannedTarget | Unplanned] = deque()

    def __iter__(self) -> Iterator[PlannedTarget | Unplanned]:
        return self

    def __next__(self) -> PlannedTarget | Unplanned:
        self._ready.extend(itertools.islice(self._source, _READY - len(self._ready)))
        if not self._ready:
            raise StopIteration
        target = self._ready.popleft()
        if isinstance(target, PlannedTarget) and not self._early_end.reason:
            count = min(len(target.frames()), _MOST_HELD)
            self._loader.hold(max(2 * len(target.request.bands), count) + _MOST_AHEAD)
            self._loader.pin(_pinned(target))
            for key in itertools.islice(self._next_frames(target), count + _MOST_AHEAD):
                self._loader.prefetch(key)
        return target

    def _next_frames(self, target: PlannedTarget) -> Iterator[FrameKey]:
        """Yield the frames of a target and of those behind it, each once."""
        seen: set[FrameKey] = set()
        for each in (target, *self._ready):
            for key in each.frames() if isinstance(each, PlannedTarget) else ():
                if key not in seen:
                    seen.add(key)
                    yield key


def _pinned(target: PlannedTarget | Unplanned) -> list[FrameKey]:
    """Return the frames that are held until a target is cut; a large mosaic has too many."""
    return target.frames()[:_MOST_HELD] if isinstance(target, PlannedTarget) else []
