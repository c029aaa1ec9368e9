"""Writes what an answer contained into the directory of a download."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sdss_cutout._download.executors import Note
from sdss_cutout._results.cutout import picture_of_answer
from sdss_cutout._results.outcome import OK, Outcome, outcome_of_answer
from sdss_cutout._store.files import translated
from sdss_cutout._store.pictures import with_avm, write_picture
from sdss_cutout._transfer.classify import Answer
from sdss_cutout._transfer.fetch import FetchSettings, Task
from sdss_cutout._transfer.session import Session

__all__ = ["PictureWriter"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureWriter:
    """Writes pictures into a directory; plain data, so that it travels to other processes.

    Attributes
    ----------
    directory : str
        Where the pictures go.
    scratch : str
        A folder in it, where files are written before they are moved to their names.
    creator : str
        This package and its version, for the sidecars.
    avm : bool
        Whether the pictures get an AVM block.
    """

    directory: str
    scratch: str
    creator: str
    avm: bool

    def fetch(
        self, targets: Sequence[Task], session: Session, settings: FetchSettings, note: Note
    ) -> list[Outcome]:
        """Fetch and write pictures, in a worker of an executor."""

        def finish(task: Task, answer: Answer, attempts: int) -> Outcome:
            outcome = self.write(task, answer, attempts)
            note(outcome, unreachable=answer.unreachable)
            return outcome

        return list(session.fetch(targets, finish, settings))

    def write(self, task: Task, answer: Answer, attempts: int) -> Outcome:
        """Write the picture, if one came, and return the outcome.

        Raises
        ------
        StoreError
            If the files cannot be written.
        """
        outcome = outcome_of_answer(task.index, task.name, answer, attempts)
        if outcome.status != OK:
            return outcome
        picture = picture_of_answer(answer.content, task.request, outcome, self.creator)
        if self.avm:
            picture = with_avm(picture)
            sha256 = hashlib.sha256(picture.content).hexdigest()
            outcome = replace(outcome, nbytes=len(picture.content), sha256=sha256)
        with translated(Path(self.directory)):
            write_picture(self.directory, self.scratch, task.name, picture)
        return outcome
