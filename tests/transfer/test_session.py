"""What a client owns for its lifetime: rate, Retry-After, connections."""

from __future__ import annotations

import contextlib
import itertools
import os
import pickle
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from jpegs import GOOD

from sdss_cutout import SDSSCutouts, ServiceError, conf
from sdss_cutout._request.options import RequestOptions
from sdss_cutout._request.request import build_requests
from sdss_cutout._request.site import check_site
from sdss_cutout._targets.targets import read_targets
from sdss_cutout._transfer.classify import Response
from sdss_cutout._transfer.fetch import FetchSettings, Task
from sdss_cutout._transfer.session import Session
from sdss_cutout.sandbox import Fault, Sandbox

PICTURE = Response(status=200, reason="OK", content=GOOD)
SETTINGS = FetchSettings(max_connections=8, max_rate=1e6, max_attempts=1, timeout=5.0)


def target(number):
    return SkyCoord(19 + number / 10, 0.5, unit="deg")


def client_of(sandbox, **settings):
    return SDSSCutouts(base_url=sandbox.base_url, show_progress=False, **settings)


@pytest.fixture
def connections(sandbox, monkeypatch):
    """The client's address of each connection that the sandbox has accepted."""
    accepted = []
    process_request = sandbox._server.process_request

    def noting(request, address):
        accepted.append(address)
        process_request(request, address)

    monkeypatch.setattr(sandbox._server, "process_request", noting)
    return accepted


def tasks(count):
    targets = read_targets(SkyCoord(np.arange(count), np.zeros(count), unit="deg"))
    requests = build_requests(targets, check_site("http://127.0.0.1", 17), RequestOptions(size=120))
    return [Task(index=i, name=str(i), request=request) for i, request in enumerate(requests)]


def index_of(task, answer, attempts):
    return task.index


# ----------------------------------------------------------------------------------- the rate


@contextlib.contextmanager
def spaced(sandbox, count, rate):
    """Expect so many requests within the context, none of which comes before its time."""
    began = time.monotonic()
    yield
    times = sorted(record.time for record in sandbox.picture_requests)
    assert len(times) == count
    # Any of them may be late; that must not let others come early.
    early = [began + number / rate - at for number, at in enumerate(times)]
    assert max(early) < 0.005


def test_calls_one_after_the_other_keep_the_rate(sandbox):
    client = client_of(sandbox, max_rate=25)
    with spaced(sandbox, 10, 25):
        for number in range(10):
            client.get(target(number), size=64)


def test_eight_threads_and_a_loop_keep_the_rate_together(sandbox):
    client = client_of(sandbox, max_rate=40)
    with spaced(sandbox, 22, 40), ThreadPoolExecutor(8) as threads:
        futures = [threads.submit(client.get, target(number), size=64) for number in range(16)]
        for number in range(16, 22):
            client.get(target(number), size=64)
    assert {future.result().status for future in futures} == {"ok"}


def test_a_list_does_not_begin_with_a_burst(sandbox):
    with spaced(sandbox, 10, 50):
        client_of(sandbox, max_rate=50).get(SkyCoord(np.arange(19, 29), np.zeros(10), unit="deg"))


def test_settings_may_change_between_calls(sandbox):
    client = client_of(sandbox, max_rate=0.001)
    client.get(target(0), size=64)
    client.max_rate, client.max_attempts, client.timeout = 1_000, 1, 0.3
    sandbox.inject(Fault("silence"))
    with pytest.raises(ServiceError, match=r"incomplete after 0\.3 s") as caught:
        client.get(target(1), size=64)
    assert caught.value.attempts == 1


def test_the_configuration_is_read_at_each_call(sandbox):
    client = SDSSCutouts(max_rate=1_000, show_progress=False)
    with Sandbox() as other, conf.set_temp("base_url", sandbox.base_url):
        client.get(target(0), size=64)
        conf.base_url = other.base_url
        client.get(target(1), size=64)
        client.get(target(2), size=64)
        assert len(other.picture_requests) == 2
    assert len(sandbox.picture_requests) == 1


# --------------------------------------------------------------------------------- Retry-After


def test_the_next_call_waits_for_what_the_server_asked_for(sandbox):
    sandbox.inject(Fault("too_many_requests", times=1, match="ra=19.0", retry_after=1))
    client = client_of(sandbox, max_rate=1_000, max_attempts=1)
    with pytest.raises(ServiceError, match="429"):
        client.get(target(0), size=64)
    assert client.get(target(1), size=64).status == "ok"
    refused, answered = sandbox.picture_requests
    assert answered.time - refused.time >= 0.99


def test_the_next_call_ends_at_once_where_the_delay_is_too_long(sandbox):
    sandbox.inject(Fault("service_unavailable", times=1, match="ra=19.0", retry_after=3600))
    client = client_of(sandbox, max_rate=1_000)
    with pytest.raises(ServiceError, match="Retry-After"):
        client.get(target(0), size=64)
    cutouts = client.get(SkyCoord([20, 21], [0, 0], unit="deg"), size=64)
    assert set(cutouts.table["status"]) == {"failed"}
    assert all("Retry-After), more than the 600 s" in error for error in cutouts.table["error"])
    assert set(cutouts.table["attempts"]) == {0}
    assert len(sandbox.picture_requests) == 1


# --------------------------------------------------------------------------------- connections


def test_connections_are_kept_between_calls(sandbox, connections):
    client = client_of(sandbox, max_rate=1_000, max_connections=2)
    for number in range(6):
        client.get(target(number), size=64)
    client.get(SkyCoord(np.arange(30, 42), np.zeros(12), unit="deg"), size=64)
    client.query_sql("SELECT TOP 2 objID, ra, dec FROM Galaxy")
    assert len(connections) <= 2


def test_closing_opens_new_connections_at_the_next_call(sandbox, connections):
    with client_of(sandbox, max_rate=1_000) as client:
        client.get(target(0), size=64)
    client.get(target(1), size=64)
    client.close()
    client.close()
    assert len(connections) == 2


def test_a_client_that_is_never_closed_gives_no_warning(sandbox):
    script = f"""
import gc
from astropy.coordinates import SkyCoord
from sdss_cutout import SDSSCutouts
def script():
    client = SDSSCutouts(base_url={sandbox.base_url!r}, max_rate=1000, show_progress=False)
    for ra in (19, 20):
        client.get(SkyCoord(ra, 0, unit="deg"), size=64)
    return client
script()
gc.collect()
client = script()
"""
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error::ResourceWarning", "-c", script],
        check=True,
        capture_output=True,
        text=True,
    )
    assert "ResourceWarning" not in done.stderr
    assert "Exception ignored" not in done.stderr


def test_a_client_pickles_with_its_settings_only(sandbox, connections):
    client = client_of(sandbox, max_rate=7, max_connections=3)
    client.get(target(0), size=64)
    again = pickle.loads(pickle.dumps(client))
    assert (again.max_rate, again.max_connections, again.base_url) == (7, 3, sandbox.base_url)
    assert again.get(target(1), size=64).status == "ok"
    assert len(connections) == 2


def test_a_fork_does_not_use_its_parents_connections(sandbox, connections, monkeypatch):
    client = client_of(sandbox, max_rate=1_000)
    client.get(target(0), size=64)
    monkeypatch.setattr(os, "getpid", lambda: -1)
    client.get(target(1), size=64)
    assert len(connections) == 2


class Counting:
    """A transport that counts what is under way, and gives more than that the time to come."""

    def __init__(self, limit):
        self.limit = limit
        self.lock = threading.Lock()
        self.under_way = self.most = 0
        self.beyond = threading.Event()

    def send(self, url, request, deadline, auth):
        with self.lock:
            self.under_way += 1
            self.most = max(self.most, self.under_way)
            if self.under_way > self.limit:
                self.beyond.set()
        self.beyond.wait(0.02)
        with self.lock:
            self.under_way -= 1
        return PICTURE

    def close(self):
        pass


def test_runs_at_the_same_time_share_the_connections():
    transport = Counting(limit=8)
    session = Session(transport=transport)
    with ThreadPoolExecutor(4) as threads:
        runs = [
            threads.submit(lambda: list(session.fetch(tasks(30), index_of, SETTINGS)))
            for _ in range(4)
        ]
    assert [sorted(run.result()) for run in runs] == [list(range(30))] * 4
    assert 1 < transport.most <= 8


def test_limits_that_are_fixed_hold_whatever_the_settings_say():
    transport = Counting(limit=4)
    session = Session(max_rate=1e5, max_connections=4, transport=transport)
    assert len(list(session.fetch(tasks(30), index_of, SETTINGS))) == 30
    assert 1 < transport.most <= 4
    assert session.limiter.rate == 1e5
    assert Session(max_rate=2.0).limiter_for(SETTINGS).rate == 2.0


def test_a_run_that_is_given_up_lets_the_others_go_on():
    session = Session(transport=Counting(limit=8))
    given_up = session.fetch(itertools.cycle(tasks(30)), index_of, SETTINGS)
    next(given_up)
    results = []
    other = threading.Thread(
        target=lambda: results.extend(session.fetch(tasks(30), index_of, SETTINGS))
    )
    other.start()
    given_up.close()
    other.join(20)
    assert sorted(results) == list(range(30))


def test_the_first_come_are_the_first_served():
    session = Session(transport=Counting(limit=1))
    settings = FetchSettings(max_connections=1, max_rate=200, max_attempts=1, timeout=5.0)
    endless = session.fetch(itertools.cycle(tasks(50)), index_of, settings)
    next(endless)
    assert list(session.fetch(tasks(3), index_of, settings)) == [0, 1, 2]
    endless.close()


def test_more_connections_can_be_kept_later(sandbox, connections):
    client = client_of(sandbox, max_rate=1_000, max_connections=1)
    client.close()  # nothing is open yet
    client.get(target(0), size=64)
    client.max_connections = 20
    for number in range(1, 4):
        client.get(target(number), size=64)
    assert len(connections) == 2
