"""Many requests, with a transport that does what the test says."""

from __future__ import annotations

import threading
from collections import Counter

import numpy as np
import pytest
from astropy.coordinates import SkyCoord

from sdss_cutout import _fetch
from sdss_cutout._answer import Answer, Kind
from sdss_cutout._fetch import FetchSettings, Task, fetch
from sdss_cutout._pace import Pace
from sdss_cutout._request import build_requests, check_site
from sdss_cutout._targets import read_targets

PICTURE = Answer(kind=Kind.PICTURE, status=200, content=b"picture")
FAULT = Answer(kind=Kind.FAULT, message="fault")


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch):
    monkeypatch.setattr(_fetch, "_FIRST_WAIT", 0.001)


class FakeTransport:
    """Answers by row: a list of answers, the last of which stays."""

    def __init__(self, **answers):
        self.answers = answers
        self.sent = Counter()
        self.under_way = self.most_under_way = 0
        self.lock = threading.Lock()

    def send(self, request):
        with self.lock:
            self.under_way += 1
            self.most_under_way = max(self.most_under_way, self.under_way)
            row = f"row{int(request.ra)}"
            number = self.sent[request.url]
            self.sent[request.url] += 1
        answers = self.answers.get(row, [PICTURE])
        with self.lock:
            self.under_way -= 1
        return answers[min(number, len(answers) - 1)]

    def abort(self):
        pass


def tasks(count):
    targets = read_targets(SkyCoord(np.arange(count), np.zeros(count), unit="deg"))
    requests = build_requests(targets, check_site("http://127.0.0.1", 17))
    for index, request in enumerate(requests):
        yield Task(index=index, name=str(index), request=request)


def run(transport, count=10, connections=4, max_attempts=3, rate=100_000.0, finish=None):
    settings = FetchSettings(
        max_connections=connections, max_rate=rate, max_attempts=max_attempts, timeout=5.0
    )
    finish = finish or (lambda task, answer, attempts: (task.index, answer, attempts))
    return fetch(tasks(count), transport, Pace(rate), settings, finish)


def by_row(results):
    return {index: (answer, attempts) for index, answer, attempts in results}


def test_every_task_has_one_result():
    transport = FakeTransport()
    results = list(run(transport, count=300))
    assert sorted(index for index, _, _ in results) == list(range(300))
    assert set(transport.sent.values()) == {1}


@pytest.mark.parametrize("connections", [1, 3, 8])
def test_no_more_requests_under_way_than_connections(connections):
    transport = FakeTransport()
    list(run(transport, count=200, connections=connections))
    assert transport.most_under_way <= connections


def test_no_more_threads_than_tasks():
    before = threading.active_count()
    seen = []
    list(run(FakeTransport(), 2, 8, finish=lambda *_: seen.append(threading.active_count())))
    assert max(seen) <= before + 2


def test_a_fault_is_tried_again_and_others_go_on():
    transport = FakeTransport(row3=[FAULT, FAULT, PICTURE], row5=[FAULT])
    found = by_row(run(transport, max_attempts=3))
    assert len(found) == 10
    assert found[3] == (PICTURE, 3)
    assert found[5] == (FAULT, 3)
    assert found[0] == (PICTURE, 1)


@pytest.mark.parametrize("kind", [Kind.OUTSIDE, Kind.REFUSED])
def test_what_cannot_get_better_is_not_tried_again(kind):
    answer = Answer(kind=kind, message="no")
    assert by_row(run(FakeTransport(row0=[answer])))[0] == (answer, 1)


def test_overload_slows_the_pace_and_success_restores_it():
    pace = Pace(100_000.0)
    settings = FetchSettings(max_connections=1, max_rate=1e5, max_attempts=3, timeout=5.0)
    overload = Answer(kind=Kind.OVERLOAD, status=503, message="503")
    transport = FakeTransport(row0=[overload, PICTURE])
    rates = []

    def finish(task, answer, attempts):
        rates.append(pace.rate)

    list(fetch(tasks(200), transport, pace, settings, finish))
    assert min(rates) < 60_000
    assert pace.rate == 100_000


def test_a_longer_silence_than_is_waited_for_ends_all_targets_at_once():
    ban = Answer(kind=Kind.OVERLOAD, status=429, message="429 Too Many Requests", retry_after=3600)
    transport = FakeTransport(row0=[ban])
    found = by_row(run(transport, count=20, connections=1))
    assert {answer.kind for answer, _ in found.values()} == {Kind.REFUSED}
    assert sum(transport.sent.values()) == 1
    assert found[0][0].message == (
        "429 Too Many Requests; the server asks for 3600 s of silence (Retry-After), more than "
        "the 600 s that are waited for; try again later"
    )


def test_redirects_are_followed_up_to_a_limit():
    def redirect(url):
        return Answer(kind=Kind.REDIRECT, status=302, location=url)

    class Redirecting(FakeTransport):
        def send(self, request):
            self.sent[request.url] += 1
            hops = int(request.url.rpartition("#")[2]) if "#" in request.url else 0
            base = request.url.partition("#")[0]
            if request.ra == 0 and hops == 5:
                return PICTURE
            return redirect(f"{base}#{hops + 1}")

    found = by_row(run(Redirecting(), count=2, max_attempts=2))
    assert found[0] == (PICTURE, 1)
    assert found[1][0].message == "more than 5 redirects, one after the other"
    assert found[1][1] == 2


def test_an_error_in_the_results_ends_the_run_and_its_threads():
    before = threading.active_count()

    def finish(task, answer, attempts):
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        list(run(FakeTransport(), finish=finish))
    assert threading.active_count() == before


def test_leaving_early_ends_the_threads_and_what_is_under_way():
    aborted = []

    class Endless(FakeTransport):
        def __init__(self):
            super().__init__()
            self.ended = threading.Event()

        def send(self, request):
            if request.ra > 0:
                self.ended.wait(30)
            return PICTURE

        def abort(self):
            aborted.append(True)
            self.ended.set()

    before = threading.active_count()
    results = run(Endless(), count=8, connections=4)
    next(results)
    results.close()
    assert aborted
    assert threading.active_count() == before


def test_the_list_is_taken_little_by_little():
    taken = []

    def source():
        for task in tasks(5_000):
            taken.append(task.index)
            yield task

    settings = FetchSettings(max_connections=2, max_rate=1e5, max_attempts=1, timeout=5.0)
    results = fetch(source(), FakeTransport(), Pace(1e5), settings, lambda *_: None)
    next(results)
    assert len(taken) < 1_500
    results.close()
