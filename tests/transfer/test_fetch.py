"""Many requests, with a transport that does what the test says."""

from __future__ import annotations

import threading
from collections import Counter

import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from jpegs import GOOD

from sdss_cutout._request.options import RequestOptions
from sdss_cutout._request.request import build_requests
from sdss_cutout._request.site import check_site
from sdss_cutout._targets.targets import read_targets
from sdss_cutout._transfer import next_step
from sdss_cutout._transfer.classify import Kind, Response
from sdss_cutout._transfer.early_end import EarlyEnd
from sdss_cutout._transfer.fetch import ConnectionLimit, FetchSettings, Task
from sdss_cutout._transfer.session import Session

PICTURE = Response(status=200, reason="OK", content=GOOD)
FAULT = Response(failure="the connection was reset")
DAMAGED = Response(status=200, reason="OK", content=GOOD[:-100])


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch):
    monkeypatch.setattr(next_step, "_FIRST_WAIT", 0.001)


class FakeTransport:
    """Answers by row: a list of responses, the last of which stays."""

    def __init__(self, **responses):
        self.responses = responses
        self.sent = Counter()
        self.lock = threading.Lock()

    def send(self, url, request, deadline, auth):
        with self.lock:
            number = self.sent[url]
            self.sent[url] += 1
        responses = self.responses.get(f"row{int(request.ra)}", [PICTURE])
        return responses[min(number, len(responses) - 1)]

    def close(self):
        pass


def tasks(count):
    targets = read_targets(SkyCoord(np.arange(count), np.zeros(count), unit="deg"))
    requests = build_requests(targets, check_site("http://127.0.0.1", 17), RequestOptions(size=120))
    for index, request in enumerate(requests):
        yield Task(index=index, name=str(index), request=request)


def run(transport, count=10, connections=4, max_attempts=3, rate=100_000.0, finish=None):
    settings = FetchSettings(
        max_connections=connections, max_rate=rate, max_attempts=max_attempts, timeout=5.0
    )
    finish = finish or (lambda task, answer, attempts: (task.index, answer, attempts))
    return Session(transport=transport).fetch(tasks(count), finish, settings)


def by_row(results):
    return {index: (answer, attempts) for index, answer, attempts in results}


def test_every_task_has_one_result():
    transport = FakeTransport()
    results = list(run(transport, count=300))
    assert sorted(index for index, _, _ in results) == list(range(300))
    assert set(transport.sent.values()) == {1}


@pytest.mark.parametrize("connections", [1, 3, 8, 200])
def test_as_many_requests_under_way_as_connections_and_no_more(connections):
    class Slow(FakeTransport):
        under_way = most = 0
        all_used = threading.Event()

        def send(self, url, request, deadline, auth):
            with self.lock:
                self.under_way += 1
                self.most = max(self.most, self.under_way)
                if self.under_way == connections:
                    self.all_used.set()
            self.all_used.wait(10)
            with self.lock:
                self.under_way -= 1
            return super().send(url, request, deadline, auth)

    transport = Slow()
    list(run(transport, count=400, connections=connections))
    assert transport.most == connections


def test_the_next_request_goes_while_a_picture_is_looked_into():
    class Noting(FakeTransport):
        second = threading.Event()

        def send(self, url, request, deadline, auth):
            if request.ra == 1:
                self.second.set()
            return super().send(url, request, deadline, auth)

    transport = Noting()
    seen = []

    def finish(task, answer, attempts):
        if task.index == 0:
            seen.append(transport.second.wait(10))

    list(run(transport, count=2, connections=1, finish=finish))
    assert seen == [True]


def test_no_more_threads_than_tasks():
    before = threading.active_count()
    seen = []
    list(run(FakeTransport(), 2, 8, finish=lambda *_: seen.append(threading.active_count())))
    assert max(seen) <= before + 2 + 1  # the last one watches over the deadlines


def test_a_fault_is_tried_again_and_others_go_on():
    transport = FakeTransport(
        row3=[FAULT, FAULT, PICTURE], row5=[FAULT], row6=[DAMAGED] * 2 + [PICTURE]
    )
    found = by_row(run(transport, max_attempts=3))
    assert len(found) == 10
    assert (found[3][0].content, found[3][1]) == (GOOD, 3)
    assert (found[5][0].kind, found[5][0].message, found[5][1]) == (Kind.FAULT, FAULT.failure, 3)
    assert (found[6][0].content, found[6][1]) == (GOOD, 3)
    assert (found[0][0].content, found[0][1]) == (GOOD, 1)


@pytest.mark.parametrize(
    ("response", "kind"),
    [
        (Response(status=404, reason="(ra, dec) is outside the SDSS footprint."), Kind.OUTSIDE),
        (Response(status=400, reason="Bad Request"), Kind.REFUSED),
    ],
)
def test_what_cannot_get_better_is_not_tried_again(response, kind):
    answer, attempts = by_row(run(FakeTransport(row0=[response])))[0]
    assert (answer.kind, attempts) == (kind, 1)


def test_overload_lowers_the_rate_and_success_restores_it():
    settings = FetchSettings(max_connections=1, max_rate=1e5, max_attempts=3, timeout=5.0)
    overload = Response(status=503, reason="Service Unavailable")
    session = Session(transport=FakeTransport(row0=[overload, PICTURE]))
    rates = []

    def finish(task, answer, attempts):
        rates.append(session.limiter.rate)

    list(session.fetch(tasks(200), finish, settings))
    assert min(rates) < 60_000
    assert session.limiter.rate == 100_000


def test_a_longer_delay_than_is_waited_for_ends_all_targets_at_once():
    ban = Response(status=429, reason="Too Many Requests", headers={"Retry-After": "3600"})
    transport = FakeTransport(row0=[ban])
    found = by_row(run(transport, count=20, connections=1))
    assert {answer.kind for answer, _ in found.values()} == {Kind.REFUSED}
    assert sum(transport.sent.values()) == 1
    assert found[0][0].message == (
        "429 Too Many Requests; the server asks for a delay of 3600 s (Retry-After), more "
        "than the 600 s that are waited for; try again later"
    )


def test_redirects_are_followed_up_to_a_limit():
    class Redirecting(FakeTransport):
        def send(self, url, request, deadline, auth):
            base, _, number = url.partition("#")
            if request.ra == 0 and number == "5":
                return PICTURE
            location = f"{base}#{int(number or 0) + 1}"
            return Response(url=url, status=302, headers={"Location": location})

    found = by_row(run(Redirecting(), count=2, max_attempts=2))
    assert (found[0][0].content, found[0][1]) == (GOOD, 1)
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
    ended = []

    class Endless(FakeTransport):
        def send(self, url, request, deadline, auth):
            if request.ra > 0:
                while not deadline.ended_by:
                    threading.Event().wait(0.01)
                ended.append(deadline.ended_by)
            return PICTURE

    before = threading.active_count()
    results = run(Endless(), count=8, connections=4)
    next(results)
    results.close()
    assert set(ended) == {"the run was ended"}
    assert threading.active_count() == before


def test_the_list_is_taken_little_by_little():
    taken = []

    def source():
        for task in tasks(5_000):
            taken.append(task.index)
            yield task

    settings = FetchSettings(max_connections=2, max_rate=1e5, max_attempts=1, timeout=5.0)
    results = Session(transport=FakeTransport()).fetch(source(), lambda *_: None, settings)
    next(results)
    assert len(taken) < 1_500
    results.close()


# ------------------------------------------------------------------------------- early end

REFUSED = Response(failure="the connection was refused", unreachable=True)


class Unreachable(FakeTransport):
    """No connection comes about, until so many requests were sent."""

    def __init__(self, until=None):
        super().__init__()
        self.until = until

    def send(self, url, request, deadline, auth):
        response = super().send(url, request, deadline, auth)
        with self.lock:
            reached = self.until is not None and sum(self.sent.values()) > self.until
        return response if reached else REFUSED


def test_a_dead_network_ends_the_run_after_twenty_targets():
    transport = Unreachable()
    found = by_row(run(transport, count=500, max_attempts=3))
    assert sorted(found) == list(range(500))
    tried = [attempts for answer, attempts in found.values() if attempts]
    assert 20 <= len(tried) < 100
    assert sum(attempts == 3 for attempts in tried) >= 20
    answer, attempts = found[499]
    assert (answer.kind, attempts) == (Kind.FAULT, 0)
    assert answer.message == (
        "not tried: the first 20 targets failed because the connection was refused; run again to "
        "go on"
    )
    assert found[0][0].message == "the connection was refused"


def test_a_dead_network_ends_the_run_after_some_seconds(monkeypatch):
    monkeypatch.setattr(EarlyEnd, "_SECONDS", 0.0)
    monkeypatch.setattr(next_step, "_FIRST_WAIT", 60.0)
    transport = Unreachable()
    found = by_row(run(transport, count=500, max_attempts=5))
    assert len(found) == 500
    assert 20 <= sum(transport.sent.values()) < 100


def test_a_short_interruption_does_not_end_the_run():
    # Some targets may have more bad luck than others, so there are many attempts.
    found = by_row(run(Unreachable(until=40), count=100, connections=8, max_attempts=60))
    assert {answer.kind for answer, _ in found.values()} == {Kind.OK}


def test_short_lists_have_all_their_attempts():
    transport = Unreachable()
    found = by_row(run(transport, count=19, max_attempts=3))
    assert {attempts for _, attempts in found.values()} == {3}
    assert sum(transport.sent.values()) == 57


def test_a_network_that_fails_later_does_not_end_the_run():
    class Once(FakeTransport):
        def send(self, url, request, deadline, auth):
            return PICTURE if request.ra == 0 else REFUSED

    found = by_row(run(Once(), count=100, connections=1, max_attempts=1))
    assert {attempts for _, attempts in found.values()} == {1}


# ------------------------------------------------------------------------- connection limit


def test_a_stopped_run_does_not_wait_for_a_connection():
    limit, running, stopped = ConnectionLimit(1), threading.Event(), threading.Event()
    assert limit.acquire(running)
    granted = []
    waiting = [
        threading.Thread(target=lambda event=event: granted.append((event, limit.acquire(event))))
        for event in (stopped, running)
    ]
    for thread in waiting:
        thread.start()
    stopped.set()
    limit.wake()
    waiting[0].join(10)
    assert granted == [(stopped, False)]
    limit.release()
    waiting[1].join(10)
    assert granted[1:] == [(running, True)]


def test_a_larger_limit_lets_others_in():
    limit, running = ConnectionLimit(1), threading.Event()
    limit.acquire(running)
    waiting = threading.Thread(target=limit.acquire, args=(running,))
    waiting.start()
    limit.set_most(2)
    waiting.join(10)
    assert not waiting.is_alive()
