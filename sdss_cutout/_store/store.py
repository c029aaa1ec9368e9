"""The directory of a download: what is there, what is left to do, and how it is added to."""

from __future__ import annotations

import hashlib
import secrets
import shutil
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

from astropy import log
from filelock import FileLock, Timeout

from sdss_cutout._errors import StoreError, TargetError
from sdss_cutout._image.avm import embed_avm, has_avm, without_avm
from sdss_cutout._image.header import Provenance, header_of, sidecar_bytes
from sdss_cutout._request.request import CutoutRequest
from sdss_cutout._results.outcome import FAILED, KEPT, OK, OUTSIDE, Outcome
from sdss_cutout._store.existing import Index, Kept
from sdss_cutout._store.files import PICTURE, SIDECAR, place_pair, translated
from sdss_cutout._store.manifest import Entry, Manifest
from sdss_cutout._transfer.classify import Answer, Kind
from sdss_cutout._transfer.fetch import Task

__all__ = ["Keeper", "Store"]

MANIFEST, MANIFEST_ECSV = "manifest.sqlite", "manifest.ecsv"

# How long results may wait to be recorded together. A picture that is not yet recorded when a
# run is killed is found again by its sidecar; other outcomes are recorded at once.
_RECORD_EVERY = 0.5
_RECORD_AT_MOST = 1_000

_LOOK_AGAIN_EVERY = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeper:
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

    def keep(self, task: Task, answer: Answer, attempts: int) -> Outcome:
        """Write what came, and return the outcome."""
        date = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S")
        if answer.kind is not Kind.OK:
            return Outcome(
                index=task.index,
                name=task.name,
                status=OUTSIDE if answer.kind is Kind.OUTSIDE else FAILED,
                coverage=0.0 if answer.kind is Kind.OUTSIDE else float("nan"),
                attempts=attempts,
                error=answer.message,
                origin=answer.origin,
                date=date,
            )
        source_sha256 = hashlib.sha256(answer.content).hexdigest()
        provenance = Provenance(
            name=task.name, origin=answer.origin, date=date, sha256=source_sha256,
            creator=self.creator,
        )  # fmt: skip
        nbytes, sha256 = self.write(task.name, answer.content, task.request, provenance)
        return Outcome(
            index=task.index,
            name=task.name,
            status=OK,
            coverage=answer.coverage,
            nbytes=nbytes,
            sha256=sha256 or source_sha256,
            source_sha256=source_sha256,
            attempts=attempts,
            origin=answer.origin,
            date=date,
        )

    def write(
        self, name: str, content: bytes, request: CutoutRequest, provenance: Provenance
    ) -> tuple[int, str]:
        """Write the pair; return the picture's size, and its checksum where AVM changed it."""
        cards = sidecar_bytes(request, provenance)
        sha256 = ""
        if self.avm:
            content = embed_avm(content, header_of(cards))
            sha256 = hashlib.sha256(content).hexdigest()
        with translated(Path(self.directory)):
            place_pair(self.directory, self.scratch, name, content, cards)
        return len(content), sha256


class Store:
    """One run on one directory.

    Parameters
    ----------
    directory : str or `~pathlib.Path`
        Made if it does not exist.
    creator : str
        This package and its version.
    avm : bool
        Whether pictures carry an AVM block.
    overwrite : bool
        Whether to fetch again what is there.
    verify_up_to : int
        In a directory of more pictures than this, only their presence is checked.

    Raises
    ------
    StoreError
        If the directory or its manifest cannot be used.
    """

    def __init__(
        self,
        directory: str | Path,
        *,
        creator: str,
        avm: bool = False,
        overwrite: bool = False,
        verify_up_to: int = 10_000,
    ) -> None:
        self.directory = Path(directory)
        self._overwrite = overwrite
        self._run = secrets.token_hex(8)
        scratch = self.directory / f".run-{self._run}"
        self.keeper = Keeper(
            directory=str(self.directory), scratch=str(scratch), creator=creator, avm=avm
        )
        with translated(self.directory):
            self.directory.mkdir(parents=True, exist_ok=True)
        self.manifest = Manifest(self.directory / MANIFEST)
        self._changed = not (self.directory / MANIFEST_ECSV).exists()
        try:
            self._lock = FileLock(scratch / "lock")
            self._sign_on(scratch)
            self._there = Index(self.directory)
        except BaseException:
            self.manifest.close()
            raise
        self._verify = len(self._there) <= verify_up_to
        self._to_replace: set[str] = set()
        self._waiting: list[Entry] = []
        self._first_row = 0
        self._noted = 0
        self._recorded_at = time.monotonic()

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            if exc is None or not isinstance(exc, StoreError):
                self.flush()
                if self._changed:
                    with translated(self.directory):
                        self.manifest.write_ecsv(self.directory / MANIFEST_ECSV)
            self._sign_off()
        except StoreError:
            if exc is None:  # else the first error is the one to tell of
                raise
        finally:
            self.manifest.close()
            self._lock.release()
            shutil.rmtree(self.keeper.scratch, ignore_errors=True)

    # ------------------------------------------------------------------- sharing a directory

    def _sign_on(self, scratch: Path) -> None:
        """Add this run, and drop those whose processes are gone.

        Each run holds a lock on a file, which ends with its process, however it ends. The
        manifest's transaction keeps a run from being found between its folder and its lock.
        """
        with translated(self.directory), self.manifest.transaction():
            scratch.mkdir()
            self._lock.acquire(timeout=10)
            for run in self.manifest.runs():
                self._drop_if_dead(run)
            self.manifest.sign_on(self._run)

    def _sign_off(self) -> None:
        with self.manifest.transaction():
            self.manifest.sign_off(self._run)

    def _drop_if_dead(self, run: str) -> bool:
        folder = self.directory / f".run-{run}"
        if folder.exists():
            lock = FileLock(folder / "lock")
            try:
                lock.acquire(timeout=0)
            except Timeout:
                return False
            lock.release()
            shutil.rmtree(folder, ignore_errors=True)
        self.manifest.sign_off(run)
        return True

    def claim(self, names: Sequence[str]) -> tuple[set[str], dict[str, Entry]]:
        """Claim targets for this run.

        Returns
        -------
        mine : set of str
            Those that this run is to fetch.
        finished : dict
            Those that another run has finished since this one made its plan.
        """
        with translated(self.directory), self.manifest.transaction():
            mine = self.manifest.claim(self._run, names)
            finished = {} if self._overwrite else self._finished_since(mine)
            self.manifest.unclaim(self._run, finished)
        return mine - finished.keys(), finished

    def wait_for_others(self, names: Sequence[str]) -> tuple[set[str], dict[str, Entry]]:
        """Wait until other runs have finished some of these targets, or have left them.

        Returns
        -------
        mine, finished
            As `claim` returns them.
        """
        while True:
            with translated(self.directory), self.manifest.transaction():
                for run in self.manifest.runs():
                    if run != self._run:
                        self._drop_if_dead(run)
            mine, finished = self.claim(names)
            if mine or finished:
                return mine, finished
            time.sleep(_LOOK_AGAIN_EVERY)

    def _finished_since(self, names: Iterable[str]) -> dict[str, Entry]:
        found = self.manifest.lookup([name for name in names if name not in self._to_replace])
        return {name: entry for name, entry in found.items() if entry.status in (OK, OUTSIDE)}

    # ----------------------------------------------------------------------- what is left to do

    def begin(self, names: Sequence[str]) -> None:
        """Take the names of the first targets, which tell where the list stands in the manifest."""
        self._first_row = self.manifest.first_row(names)

    def row_of(self, index: int) -> int:
        """Return the row in the manifest of a target of this run."""
        return self._first_row + index

    def kept(self, names: Sequence[str], urls: Sequence[str]) -> Kept | None:
        """Return those targets that plainly need nothing, or None if there may be none such.

        In a large directory these are those with both files and a record of the same request;
        in a small one the files are looked into, which `plan` does.
        """
        if self._verify or self._overwrite:
            return None
        # One look-up for a short list; the whole manifest, read once, for one that goes on.
        if self._noted < 2:
            if not self._there.has_any(names):
                return None
            self._there.note(self.manifest.pictures(None if self._noted else names))
            self._noted += 1
        return self._there.kept(names, urls)

    def plan(
        self, names: Sequence[str], urls: Sequence[str], rows: Sequence[int]
    ) -> list[Entry | None]:
        """Return for each target what is known of it, or None where it is to be fetched.

        Raises
        ------
        TargetError
            If a name is taken by another request, or by a file that is not ours.
        """
        if self._overwrite:
            return [None] * len(names)
        entries = self.manifest.lookup(names)
        if not (entries or self._there.has_any(names)):
            return [None] * len(names)
        known: list[Entry | None] = []
        for row, name, url in zip(rows, names, urls, strict=True):
            entry = entries.get(name)
            if entry is not None and entry.status == OK:
                if entry.url != url:
                    raise TargetError(_taken(row, name, f"another request, {entry.url}"))
                known.append(self._checked(entry))
                if known[-1] is None:
                    self._to_replace.add(name)
            elif self._there.files(name).picture:
                known.append(self._adopted(row, name, url, entry))
            elif entry is not None and entry.status == OUTSIDE and entry.url == url:
                known.append(entry)
            else:
                known.append(None)
                if entry is not None and entry.url != url:
                    self._to_replace.add(name)
        return known

    def _checked(self, entry: Entry) -> Entry | None:
        """Return an entry whose files are whole, after mending what can be mended."""
        there = self._there.files(entry.name)
        if not there.picture:
            return None
        if there.sidecar and not self._verify:
            return entry
        with translated(self.directory):
            content = (self.directory / f"{entry.name}{PICTURE}").read_bytes()
        if hashlib.sha256(content).hexdigest() != entry.sha256:
            log.warning(
                "%s%s was altered since it was saved; fetching it again", entry.name, PICTURE
            )
            return None
        if self._sidecar_fits(entry) and has_avm(content) == self.keeper.avm:
            return entry
        return self._rewritten(entry, without_avm(content) if has_avm(content) else content)

    def _sidecar_fits(self, entry: Entry) -> bool:
        """Return whether the sidecar is there and tells of this picture.

        Its WCS may have been improved by its owner, so that its bytes may differ.
        """
        try:
            cards = (self.directory / f"{entry.name}{SIDECAR}").read_bytes()
            if cards == sidecar_bytes(*self._told_by(entry)):  # a thirtieth of the time
                return True
            return bool(header_of(cards)["SHA256"] == entry.source_sha256)
        except (OSError, ValueError, KeyError):
            return False

    def _rewritten(self, entry: Entry, content: bytes) -> Entry:
        """Write a picture that is there again, with its sidecar and as much AVM as is wanted."""
        nbytes, sha256 = self.keeper.write(entry.name, content, *self._told_by(entry))
        mended = entry._replace(nbytes=nbytes, sha256=sha256 or entry.source_sha256)
        self._put(mended)
        return mended

    def _told_by(self, entry: Entry) -> tuple[CutoutRequest, Provenance]:
        """Return what a sidecar of this client tells of a picture."""
        request = CutoutRequest(
            ra=entry.ra, dec=entry.dec, scale=entry.scale, width=entry.width, height=entry.height,
            overlays=entry.overlays, release=entry.release, url=entry.url,
        )  # fmt: skip
        provenance = Provenance(
            name=entry.name, origin=entry.origin, date=entry.date, sha256=entry.source_sha256,
            creator=self.keeper.creator,
        )  # fmt: skip
        return request, provenance

    def _adopted(self, row: int, name: str, url: str, entry: Entry | None) -> Entry | None:
        """Return the entry for a picture that a killed run wrote but did not record."""
        from sdss_cutout._errors import ImageError
        from sdss_cutout._results.cutout import Cutout

        try:
            cutout = Cutout.read(self.directory / f"{name}{PICTURE}")
            header = cutout.header
        except ImageError as error:
            if entry is not None:
                return None
            raise TargetError(_taken(row, name, f"a file that is not ours ({error})")) from error
        if cutout.url != url:
            raise TargetError(_taken(row, name, f"another request, {cutout.url}"))
        file_sha256 = hashlib.sha256(cutout.content).hexdigest()
        adopted = entry_of(
            cutout.request,
            Outcome(
                index=row, name=name, status=OK, coverage=cutout.coverage,
                nbytes=len(cutout.content), sha256=file_sha256, source_sha256=header["SHA256"],
                attempts=1, origin=header.get("ORIGIN", ""), date=header.get("DATE", ""),
            ),
            row=self.row_of(row),
        )  # fmt: skip
        self._put(adopted)
        return adopted

    # ------------------------------------------------------------------------------- recording

    def input_id(self, header: str) -> int:
        """Return the manifest's number for the header of a table of targets."""
        with self.manifest.transaction():
            return self.manifest.input_id(header)

    def record(self, entry: Entry) -> None:
        """Note an outcome; it is in the manifest soon, or at once where only that tells of it."""
        self._put(entry)
        waited = time.monotonic() - self._recorded_at
        if entry.status != OK or waited > _RECORD_EVERY or len(self._waiting) >= _RECORD_AT_MOST:
            self.flush()

    def _put(self, entry: Entry) -> None:
        self._waiting.append(entry)

    def flush(self) -> None:
        """Write what waits."""
        if self._waiting:
            with self.manifest.transaction():
                self.manifest.record(self._waiting)
                self.manifest.unclaim(self._run, [entry.name for entry in self._waiting])
            self._waiting.clear()
            self._changed = True
        self._recorded_at = time.monotonic()


def _taken(row: int, name: str, by: str) -> str:
    return (
        f"target {row} ({name!r}): {name}{PICTURE} is there already, from {by}; give another "
        "name or directory, or overwrite=True"
    )


def entry_of(
    request: CutoutRequest,
    outcome: Outcome,
    *,
    given: int | None = None,
    extra: str = "",
    row: int = 0,
) -> Entry:
    """Return the manifest's row for an outcome."""
    return Entry(
        name=outcome.name,
        status=outcome.status,
        url=request.url,
        ra=request.ra,
        dec=request.dec,
        width=request.width,
        height=request.height,
        scale=request.scale,
        overlays=request.overlays,
        release=request.release,
        coverage=None if outcome.status == FAILED else outcome.coverage,
        nbytes=outcome.nbytes,
        sha256=outcome.sha256,
        source_sha256=outcome.source_sha256,
        attempts=outcome.attempts,
        error=outcome.error,
        origin=outcome.origin,
        date=outcome.date,
        given=given,
        extra=extra,
        row=row,
    )


def known_outcome(index: int, entry: Entry) -> Outcome:
    """Return the outcome of a target that needs no request."""
    return Outcome(
        index=index,
        name=entry.name,
        status=KEPT if entry.status == OK else entry.status,
        coverage=0.0 if entry.coverage is None else entry.coverage,
        nbytes=entry.nbytes,
        sha256=entry.sha256,
        source_sha256=entry.source_sha256,
        attempts=0,
        error=entry.error,
        origin=entry.origin,
        date=entry.date,
    )
