"""Brings targets to calibrated cutouts, here or in the workers of an executor."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from sdss_cutout._download.calibrated.cut import CutoutMaker, Finish
from sdss_cutout._download.calibrated.loader import FrameLoader
from sdss_cutout._download.calibrated.plan import (
    CalibratedTask,
    PlannedTarget,
    TargetPlanner,
    Unplanned,
)
from sdss_cutout._request.site import Site
from sdss_cutout._service.sas import FrameArchive
from sdss_cutout._store.frame_cache import FrameCache
from sdss_cutout._transfer.early_end import EarlyEnd
from sdss_cutout._transfer.fetch import FetchSettings
from sdss_cutout._transfer.frames.classify import classify_frame
from sdss_cutout._transfer.session import Session

__all__ = ["CalibratedSource", "FrameSource"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameSource:
    """Where frames come from; plain data, so that it travels to other processes.

    Attributes
    ----------
    root : str
        The root of the archive.
    release : int
        SDSS data release.
    archive : FrameArchive
        The facts about frames.
    cache : `~pathlib.Path` or None
        The folder in which frames are kept.
    cache_bytes : float
        How large these may be together.
    creator : str
        This package and its version.
    """

    root: str
    release: int
    archive: FrameArchive
    cache: Path | None
    cache_bytes: float
    creator: str

    def make(
        self,
        targets: Iterator[PlannedTarget | Unplanned],
        finish: Finish[T],
        *,
        session: Session,
        settings: FetchSettings,
        early_end: EarlyEnd,
    ) -> Iterator[T]:
        """Yield what ``finish`` makes of each target's cutout, in the order in which they end.

        Parameters
        ----------
        targets : iterator of PlannedTarget or Unplanned
            Taken in the calling thread, ahead of the work.
        finish : Finish
            Called in a thread.
        session : Session
            Asks the archive.
        settings : FetchSettings
            The bounds for the archive.
        early_end : EarlyEnd
            Tells when a run ends because nothing can be reached.
        """
        loader = FrameLoader(
            session.on_demand(settings, classify_frame),
            FrameCache(self.cache, self.cache_bytes),
            root=self.root,
            release=self.release,
            archive=self.archive,
            threads=settings.max_connections + 2,
        )
        with loader:
            maker = CutoutMaker(loader, creator=self.creator, early_end=early_end)
            yield from maker.make(targets, finish)


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibratedSource:
    """Brings targets to calibrated cutouts.

    Attributes
    ----------
    site : Site
        The server that is searched.
    session, settings : Session, FetchSettings
        The way to it.
    frame_session, frame_settings : Session, FetchSettings
        The way to the archive of frames.
    frames : FrameSource
        Where the frames come from.
    """

    site: Site
    session: Session
    settings: FetchSettings
    frame_session: Session
    frame_settings: FetchSettings
    frames: FrameSource

    def make(self, tasks: Iterator[CalibratedTask], finish: Finish[T]) -> Iterator[T]:
        """Yield what ``finish`` makes of each task's cutout, in the order in which they end."""
        early_end = EarlyEnd()
        return self.frames.make(
            self.planned(tasks, early_end), finish, session=self.frame_session,
            settings=self.frame_settings, early_end=early_end,
        )  # fmt: skip

    def planned(
        self, tasks: Iterator[CalibratedTask], early_end: EarlyEnd
    ) -> Iterator[PlannedTarget | Unplanned]:
        """Yield each task's target with the fields that it needs."""
        planner = TargetPlanner(self.session, self.site, self.settings, early_end)
        return planner.plan(tasks)
