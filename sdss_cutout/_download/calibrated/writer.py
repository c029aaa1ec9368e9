"""Writes calibrated cutouts into the directory of a download."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sdss_cutout._download.calibrated.plan import PlannedTarget
from sdss_cutout._download.calibrated.run import FrameSource
from sdss_cutout._download.executors import Note
from sdss_cutout._results.calibrated import CalibratedCutout
from sdss_cutout._results.outcome import Outcome
from sdss_cutout._results.target_result import told_by
from sdss_cutout._store.files import translated, write_files
from sdss_cutout._store.layout import paths_of
from sdss_cutout._transfer.classify import Answer
from sdss_cutout._transfer.early_end import EarlyEnd
from sdss_cutout._transfer.fetch import FetchSettings
from sdss_cutout._transfer.session import Session

__all__ = ["CalibratedWriter"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibratedWriter:
    """Writes cutouts into a directory; plain data, so that it travels to other processes.

    Attributes
    ----------
    directory : str
        Where the cutouts go.
    scratch : str
        A folder in it, where files are written before they are moved to their names.
    frames : FrameSource
        Where the frames come from.
    """

    directory: str
    scratch: str
    frames: FrameSource

    def fetch(
        self,
        targets: Sequence[PlannedTarget],
        session: Session,
        settings: FetchSettings,
        note: Note,
    ) -> list[Outcome]:
        """Cut and write targets, in a worker of an executor."""

        def finish(index: int, cutout: CalibratedCutout, answer: Answer) -> Outcome:
            outcome = self.write(index, cutout, answer)
            note(outcome, unreachable=answer.unreachable)
            return outcome

        made = self.frames.make(
            iter(targets), finish, session=session, settings=settings, early_end=EarlyEnd()
        )
        return list(made)

    def write(self, index: int, cutout: CalibratedCutout, _answer: Answer) -> Outcome:
        """Write the cutout, if there are data, and return the outcome.

        Raises
        ------
        StoreError
            If the file cannot be written.
        """
        if cutout.has_data:
            file = paths_of("", cutout.name, bands=cutout.bands)[0].removeprefix("/")
            with translated(Path(self.directory)):
                write_files(self.directory, self.scratch, {file: cutout.content})
        return outcome_of_cutout(index, cutout)


def outcome_of_cutout(index: int, cutout: CalibratedCutout) -> Outcome:
    """Return what came of a target, without its data."""
    return Outcome(index=index, source_sha256=cutout.sha256, **told_by(cutout))
