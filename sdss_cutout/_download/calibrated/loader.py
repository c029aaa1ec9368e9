"""Gives frames as they are needed, from memory, the cache or the archive; each fetched once."""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

from sdss_cutout._errors import ImageError
from sdss_cutout._frames.frame import Frame, FrameKey
from sdss_cutout._service.sas import FrameArchive
from sdss_cutout._store.frame_cache import FrameCache
from sdss_cutout._transfer.classify import Answer, Kind
from sdss_cutout._transfer.frames.classify import FrameRequest, decode_frame
from sdss_cutout._transfer.on_demand import OnDemandFetcher

__all__ = ["FrameLoader", "LoadedFrame", "MissingFrame"]


class LoadedFrame(NamedTuple):
    """A frame, and how many requests it took."""

    frame: Frame
    attempts: int


class MissingFrame(Exception):  # noqa: N818  # never leaves this package
    """A frame cannot be had."""

    def __init__(self, key: FrameKey, answer: Answer, attempts: int) -> None:
        super().__init__(f"{key}: {answer.message}")
        self.key = key
        self.answer = answer
        self.attempts = attempts


class FrameLoader:
    """Loads frames in threads; a context manager.

    Parameters
    ----------
    fetcher : OnDemandFetcher
        Asks the archive.
    cache : FrameCache
        Keeps the files.
    root : str
        The root of the archive.
    release : int
        SDSS data release.
    archive : FrameArchive
        The facts about frames.
    threads : int
        Frames that are loaded at the same time.
    """

    def __init__(
        self,
        fetcher: OnDemandFetcher[FrameRequest],
        cache: FrameCache,
        *,
        root: str,
        release: int,
        archive: FrameArchive,
        threads: int,
    ) -> None:
        self._fetcher = fetcher
        self._cache = cache
        self._root = root
        self._release = release
        self._archive = archive
        self._lock = threading.Lock()
        self._frames: OrderedDict[FrameKey, Future[LoadedFrame]] = OrderedDict()
        self._missing: dict[FrameKey, MissingFrame] = {}
        self._pinned: Counter[FrameKey] = Counter()
        self._most = 1
        self._closed = threading.Event()
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="sdss_cutout-frames")

    def __enter__(self) -> FrameLoader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End what is under way."""
        self._closed.set()
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._fetcher.close()
        self._threads.shutdown(wait=True)

    def hold(self, frames: int) -> None:
        """Hold at least so many frames in memory, beside those in use."""
        self._most = max(self._most, frames)

    def prefetch(self, key: FrameKey) -> None:
        """Begin to load a frame that will be needed soon."""
        self._future(key)

    def pin(self, keys: Sequence[FrameKey]) -> None:
        """Hold frames until they are unpinned."""
        with self._lock:
            self._pinned.update(keys)

    def unpin(self, keys: Sequence[FrameKey]) -> None:
        """Let go of frames."""
        with self._lock:
            self._pinned.subtract(keys)
            self._pinned += Counter()  # without those that are zero
            self._forget_oldest()

    def load(self, keys: Sequence[FrameKey]) -> list[LoadedFrame]:
        """Return frames, in the order of their keys.

        Raises
        ------
        MissingFrame
            If one of them cannot be had; it is not asked for again.
        """
        return [future.result() for future in [self._future(key) for key in keys]]

    def _future(self, key: FrameKey) -> Future[LoadedFrame]:
        with self._lock:
            future = self._frames.get(key)
            if future is None:
                future = self._frames[key] = self._threads.submit(self._load, key)
            self._frames.move_to_end(key)
            self._forget_oldest()
        return future

    def _forget_oldest(self) -> None:
        for key in list(self._frames):
            if len(self._frames) <= self._most:
                return
            if self._frames[key].done() and key not in self._pinned:
                del self._frames[key]

    def _load(self, key: FrameKey) -> LoadedFrame:
        if key in self._missing:
            raise self._missing[key]
        url = key.url(self._root, self._archive, self._release)
        request = FrameRequest(url=url, key=key, archive=self._archive)
        if (frame := self._cached(request)) is not None:
            return LoadedFrame(frame, 0)
        with self._cache.locked(url, self._closed.is_set):
            if (frame := self._cached(request)) is not None:  # another process has fetched it
                return LoadedFrame(frame, 0)
            return self._fetch(request)

    def _cached(self, request: FrameRequest) -> Frame | None:
        content = self._cache.read(request.url)
        if content is None:
            return None
        try:
            return decode_frame(content, request)
        except ImageError:  # it was damaged since; what is fetched takes its place
            return None

    def _fetch(self, request: FrameRequest) -> LoadedFrame:
        key = request.key
        answer, attempts = self._fetcher.submit(str(key), request).result()
        if answer.kind is not Kind.OK:
            self._missing[key] = MissingFrame(key, answer, attempts)
            raise self._missing[key]
        self._cache.write(request.url, answer.content)
        frame: Frame = answer.value
        return LoadedFrame(frame, attempts)
