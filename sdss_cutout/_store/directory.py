"""The directory of a download: what it has, what is left to do, and how it is added to."""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from astropy import log

from sdss_cutout._errors import StoreError
from sdss_cutout._image.avm import has_avm, without_avm
from sdss_cutout._image.header import make_sidecar
from sdss_cutout._store.decide import (
    FETCH,
    Action,
    Decision,
    Wanted,
    decide,
    decide_by_files,
    refusal,
)
from sdss_cutout._store.entries import entry_of_file, picture_request_of_entry, provenance_of_entry
from sdss_cutout._store.existing import ExistingFiles, FileSizes, KeptPictures, sizes_now
from sdss_cutout._store.files import scratch_folder, scratch_of_run, translated
from sdss_cutout._store.layout import (
    FITS,
    MANIFEST,
    MANIFEST_TABLE,
    PICTURE,
    directory_path,
    paths_of,
)
from sdss_cutout._store.manifest import Manifest, ManifestEntry
from sdss_cutout._store.pictures import Condition, Picture, condition_of, with_avm, write_picture
from sdss_cutout._store.sharing import SharedRun
from sdss_cutout._targets.names import fold_name

__all__ = ["DownloadDirectory", "existing_picture"]

# How long results may wait to be recorded together. A picture that is not yet recorded when a
# run is killed is found again by its sidecar; other outcomes are recorded at once.
_RECORD_SECONDS = 0.5
_RECORD_AT_MOST = 1_000


class DownloadDirectory:
    """One run on one directory; a context manager.

    Parameters
    ----------
    path : str or `~pathlib.Path`
        Made if it does not exist.
    creator : str
        This package and its version.
    bands : str
        The bands of calibrated cutouts; empty for pictures.
    avm : bool
        Whether pictures carry an AVM block.
    overwrite : bool
        Whether to fetch again what exists.
    verify_up_to : int
        In a directory of more pictures than this, their sizes are compared but not their bytes.

    Raises
    ------
    StoreError
        If the directory or its manifest cannot be used.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        creator: str,
        bands: str = "",
        avm: bool = False,
        overwrite: bool = False,
        verify_up_to: int = 10_000,
    ) -> None:
        self.path = directory_path(path).absolute()
        self._creator = creator
        self._bands = bands
        self._avm = avm
        self._overwrite = overwrite
        self._first_row = 0
        self._looks = 0
        self._to_replace: set[str] = set()
        self._waiting: list[ManifestEntry] = []
        self._recorded_at = time.monotonic()
        with contextlib.ExitStack() as stack, translated(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
            self.scratch = stack.enter_context(scratch_folder(self.path))
            self.manifest = Manifest(self.path / MANIFEST)
            stack.callback(self.manifest.close)
            run = self.scratch.name.removeprefix(scratch_of_run(self.path, "").name)
            self._shared = SharedRun(self.path, self.manifest, run)
            self._existing = ExistingFiles(self.path, picture=FITS if bands else PICTURE)
            self._verify = len(self._existing) <= verify_up_to
            self.changed = not (self.path / MANIFEST_TABLE).exists()
            self._stack = stack.pop_all()

    def __enter__(self) -> DownloadDirectory:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with self._stack:
            try:
                if not isinstance(exc, StoreError):
                    self.flush()
                self._shared.end()
            except StoreError:
                if exc is None:  # else the first error is the one to report
                    raise

    # ------------------------------------------------------------------------------ planning

    def begin(self, names: Sequence[str]) -> None:
        """Take the names of the first targets, which say where the list is in the manifest."""
        self._first_row = self.manifest.first_row(names)

    def row_of(self, index: int) -> int:
        """Return the row in the manifest of a target of this run."""
        return self._first_row + index

    def kept(self, names: Sequence[str], urls: Sequence[str]) -> KeptPictures | None:
        """Return those targets that certainly need nothing, or None if there are none.

        In a large directory these are those whose files have the sizes that a record of the same
        request says; in a small one `plan` looks into the files.
        """
        if self._verify or self._overwrite:
            return None
        # One look-up for a short list; the whole manifest, read once, for one that goes on.
        if self._looks < 2:
            if not self._existing.has_any(names):
                return None
            some = None if self._looks else names
            self._existing.note(self.manifest.pictures(some, avm=self._avm))
            self._looks += 1
        return self._existing.kept(names, urls)

    def plan(self, wanted: Sequence[Wanted]) -> list[Decision]:
        """Decide what is to be done for each target; nothing is changed.

        Raises
        ------
        TargetError
            If a name belongs to a different request, or to a file that is not ours.
        """
        if self._overwrite:
            return [FETCH] * len(wanted)
        names = [target.name for target in wanted]
        entries = self.manifest.lookup(names)
        if not (entries or self._existing.has_any(names)):
            return [FETCH] * len(wanted)
        with translated(self.path):
            return [
                decide(
                    target,
                    entries.get(fold_name(target.name)),
                    self._sizes(target.name, entries.get(fold_name(target.name))),
                    condition=self._condition,
                    read=self._read,
                )
                for target in wanted
            ]

    def _sizes(self, name: str, entry: ManifestEntry | None) -> FileSizes:
        """Return the sizes of a target's files.

        Another run may have written them since this one looked into the directory, and recorded
        them before it looked into the manifest.
        """
        sizes = self._existing.files(name)
        if entry is None or entry.status != "ok" or sizes.picture == entry.nbytes:
            return sizes
        return sizes_now(self.path, name, bands=self._bands)

    def _read(self, wanted: Wanted) -> ManifestEntry:
        return entry_of_file(self._picture(wanted.name), row=self.row_of(wanted.row))

    def _picture(self, name: str) -> Path:
        return Path(paths_of(self.path, name, bands=self._bands)[0])

    def _condition(self, entry: ManifestEntry) -> Condition:
        if self._bands:
            return self._condition_of_fits(entry)
        recorded_avm = entry.sha256 != entry.source_sha256
        sizes = self._existing.files(entry.name)
        if not self._verify and sizes.has_whole_sidecar and recorded_avm == self._avm:
            return Condition.WHOLE
        return condition_of(
            self._picture(entry.name),
            picture_request_of_entry(entry),
            provenance_of_entry(entry, self._creator),
            entry.sha256,
            avm=self._avm,
        )

    def _condition_of_fits(self, entry: ManifestEntry) -> Condition:
        """Return the condition of a file with the size that was recorded."""
        if self._verify:
            content = self._picture(entry.name).read_bytes()
            if hashlib.sha256(content).hexdigest() != entry.sha256:
                return Condition.ALTERED
        return Condition.WHOLE

    def announce(self, wanted: Sequence[Wanted]) -> None:
        """Tell other runs on this directory what this one is going to fetch.

        Raises
        ------
        TargetError
            If one of them is fetching a different request under the same name.
        """
        names, urls = [w.name for w in wanted], [w.url for w in wanted]
        row = self._shared.first_conflict(names, urls, overwrite=self._overwrite)
        if row is not None:
            raise refusal(
                wanted[row],
                "is being fetched at this moment by another run, for a different request",
            )

    # ------------------------------------------------------------------------------- acting

    def act(self, decision: Decision) -> ManifestEntry:
        """Do what was decided for a target that need not be fetched, and return its entry."""
        entry = decision.entry
        assert entry is not None
        if decision.action is Action.REPAIR:
            entry = self._repaired(entry)
        if decision.action is not Action.KEEP:
            self._waiting.append(entry)
        return entry

    def replace(self, name: str, decision: Decision) -> None:
        """Note a target that is to be fetched although the manifest has an entry for it."""
        if decision.warning:
            log.warning("%s", decision.warning)
        self._to_replace.add(name)

    def _repaired(self, entry: ManifestEntry) -> ManifestEntry:
        """Write a picture again, with its sidecar and as much AVM as is wanted."""
        with translated(self.path):
            content = self._picture(entry.name).read_bytes()
            content = without_avm(content) if has_avm(content) else content
            request, provenance = (
                picture_request_of_entry(entry),
                provenance_of_entry(entry, self._creator),
            )
            picture = Picture(content, make_sidecar(request, provenance))
            if self._avm:
                picture = with_avm(picture)
            write_picture(self.path, self.scratch, entry.name, picture)
        sha256 = hashlib.sha256(picture.content).hexdigest()
        return entry._replace(nbytes=len(picture.content), sha256=sha256)

    def claim(self, wanted: Sequence[Wanted]) -> tuple[set[str], dict[str, ManifestEntry]]:
        """Claim targets for this run.

        Returns
        -------
        ours : set of str
            The names that this run is to fetch now.
        finished : dict
            The entries of those that another run has finished since this one made its plan.
        """
        return self._without_finished(*self._shared.claim([w.name for w in wanted]))

    def wait_for_others(
        self, wanted: Sequence[Wanted]
    ) -> tuple[set[str], dict[str, ManifestEntry]]:
        """Wait until other runs have finished some of these targets, or have left them.

        Returns
        -------
        ours, finished
            As `claim` returns them.
        """
        return self._without_finished(*self._shared.wait_for_others([w.name for w in wanted]))

    def _without_finished(
        self, ours: set[str], entries: dict[str, ManifestEntry]
    ) -> tuple[set[str], dict[str, ManifestEntry]]:
        finished = {
            name: entry
            for name, entry in entries.items()
            if entry.status in ("ok", "outside") and not self._overwrite
            and name not in self._to_replace
        }  # fmt: skip
        if finished:
            with self.manifest.transaction():
                self._shared.release(finished)
        return ours - finished.keys(), finished

    # ------------------------------------------------------------------------------- recording

    def input_table_id(self, header: str) -> int:
        """Return the manifest's number for the header of a table of targets."""
        with self.manifest.transaction():
            return self.manifest.input_table_id(header)

    def record(self, entry: ManifestEntry) -> None:
        """Note an outcome; it is in the manifest soon, or at once if that is its only record."""
        self._waiting.append(entry)
        is_due = time.monotonic() - self._recorded_at > _RECORD_SECONDS
        if entry.status != "ok" or is_due or len(self._waiting) >= _RECORD_AT_MOST:
            self.flush()

    def flush(self) -> None:
        """Write what waits."""
        if self._waiting:
            with self.manifest.transaction():
                self.manifest.record(self._waiting)
                self._shared.release([entry.name for entry in self._waiting])
            self._waiting.clear()
            self.changed = True
        self._recorded_at = time.monotonic()


def existing_picture(wanted: Wanted, path: Path) -> Path | None:
    """Return the path of a picture if it exists, is whole, and is the one that is asked for.

    Raises
    ------
    TargetError
        If the file belongs to a different request, or is not ours.
    """
    if not path.exists():
        return None
    decide_by_files(wanted, None, lambda _: entry_of_file(path, row=wanted.row))
    return path
