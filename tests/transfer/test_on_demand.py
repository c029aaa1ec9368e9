"""Tasks that threads ask for one by one."""

from __future__ import annotations

import threading
from concurrent.futures import CancelledError, ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from sdss_cutout._transfer.classify import Answer, Kind, Response
from sdss_cutout._transfer.fetch import FetchSettings
from sdss_cutout._transfer.session import Session

SETTINGS = FetchSettings(max_connections=2, max_rate=1e6, max_attempts=3, timeout=5.0)


@dataclass(frozen=True)
class Asked:
    url: str
    largest_body: int = 100


class Echo:
    """Answers with the URL, as soon as it may."""

    def __init__(self):
        self.may = threading.Event()
        self.may.set()
        self.under_way = 0
        self.most = 0
        self._lock = threading.Lock()

    def send(self, url, request, deadline, auth):
        with self._lock:
            self.under_way += 1
            self.most = max(self.most, self.under_way)
        while not self.may.wait(0.01) and not deadline.ended_by:
            pass
        with self._lock:
            self.under_way -= 1
        return Response(url=url, status=200, content=url.encode())

    def close(self):
        pass


def classify(_request, response):
    return Answer(kind=Kind.OK, content=response.content)


def test_each_thread_gets_what_it_asked_for():
    echo = Echo()
    with (
        Session(transport=echo).on_demand(SETTINGS, classify) as fetcher,
        ThreadPoolExecutor(8) as threads,
    ):
        urls = [f"http://x/{k}" for k in range(100)]
        got = list(threads.map(lambda url: fetcher.submit("x", Asked(url)).result(), urls))
    assert [fetched.answer.content.decode() for fetched in got] == urls
    assert {fetched.attempts for fetched in got} == {1}
    assert echo.most <= 2


def test_closing_cancels_what_is_under_way():
    echo = Echo()
    echo.may.clear()
    fetcher = Session(transport=echo).on_demand(SETTINGS, classify)
    futures = [fetcher.submit("x", Asked(f"http://x/{k}")) for k in range(5)]
    fetcher.close()
    fetcher.close()
    for future in futures:
        if not future.cancelled():
            assert future.result().answer.content  # it was answered before
    assert any(future.cancelled() for future in futures)
    with pytest.raises(CancelledError):
        fetcher.submit("x", Asked("http://x/late")).result()
    assert not [t for t in threading.enumerate() if t.name == "sdss_cutout-on-demand"]


def test_an_error_in_a_worker_reaches_whoever_waits():
    def wrong(_request, _response):
        raise RuntimeError("a bug")

    with Session(transport=Echo()).on_demand(SETTINGS, wrong) as fetcher:
        future = fetcher.submit("x", Asked("http://x/1"))
        with pytest.raises(RuntimeError, match="a bug"):
            future.result(5)
        with pytest.raises(RuntimeError, match="a bug"):
            fetcher.submit("x", Asked("http://x/2"))
