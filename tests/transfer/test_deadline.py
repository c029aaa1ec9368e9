"""The bound on the whole of an attempt, whatever takes so long."""

from __future__ import annotations

import socket
import threading
import time

import pytest
from astropy.coordinates import SkyCoord

from sdss_cutout import QueryError, SDSSCutouts, ServiceError
from sdss_cutout._transfer.deadline import Deadline, Watchdog, current_deadline
from sdss_cutout.sandbox import Fault, StalledServer

HERE = SkyCoord(19, 0.5, unit="deg")


def seconds_of(base_url, match, **settings):
    """Fail, and return how long that took."""
    settings = {"timeout": 0.5, "max_attempts": 1} | settings
    client = SDSSCutouts(base_url=base_url, show_progress=False, **settings)
    started = time.monotonic()
    with pytest.raises(ServiceError, match=match):
        client.get(HERE, size=64)
    return time.monotonic() - started


@pytest.fixture
def silent():
    with StalledServer("connect") as server:
        yield server


def test_a_silent_address(silent):
    assert seconds_of(silent.base_url, r"could not be reached (within 0\.5 s|in time)") < 5


def test_many_silent_addresses_take_no_longer_than_one(silent, monkeypatch):
    address = socket.getaddrinfo("127.0.0.1", silent.port, type=socket.SOCK_STREAM)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: address * 40)
    assert (
        seconds_of("http://skyserver.invalid", r"could not be reached (within 0\.5 s|in time)") < 10
    )


def test_a_slow_resolver(monkeypatch):
    over = threading.Event()

    def resolve(*_, **__):
        over.wait(60)
        raise socket.gaierror("no such name")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    try:
        assert (
            seconds_of("http://skyserver.invalid", r"could not be reached (within 0\.5 s|in time)")
            < 30
        )
    finally:
        over.set()


@pytest.mark.parametrize("stage", ["handshake", "slow_handshake"])
def test_a_handshake_that_never_ends(stage):
    with StalledServer(stage) as server:
        assert seconds_of(server.base_url, r"could not be reached (within 0\.5 s|in time)") < 30


@pytest.mark.parametrize("variant", [{}, {"close": True}, {"http10": True}, {"length": False}])
def test_a_list_does_not_wait_for_bodies_that_drip(sandbox, variant):
    sandbox.inject(Fault("slow_body", **variant))
    targets = SkyCoord([19, 20, 21, 22, 23, 24, 25, 26], [0] * 8, unit="deg")
    client = SDSSCutouts(
        base_url=sandbox.base_url, timeout=0.5, max_attempts=1, max_rate=1e4, show_progress=False
    )
    started = time.monotonic()
    cutouts = client.get(targets, size=64)
    assert time.monotonic() - started < 30
    assert set(cutouts.table["error"]) == {"the response was incomplete after 0.5 s"}


def test_slow_queries_are_bounded_too(sandbox):
    sandbox.inject(Fault("slow_body", route="sql", close=True))
    client = SDSSCutouts(base_url=sandbox.base_url, timeout=0.5, max_attempts=1)
    with pytest.raises(QueryError, match=r"incomplete after 0\.5 s"):
        client.query_sql("SELECT TOP 5 objID, ra, dec FROM Galaxy")


# ------------------------------------------------------------------------------- the parts


def test_a_connection_that_comes_too_late_is_closed():
    go_on, closed = threading.Event(), threading.Event()
    deadline = Deadline(0.01)
    with pytest.raises(TimeoutError, match=r"could not be reached within 0\.01 s"):
        deadline.connect(lambda: go_on.wait(60), closed.set)
    assert not closed.is_set()
    go_on.set()
    assert closed.wait(10)
    assert not deadline.connected


def test_what_connecting_raises_is_raised():
    def refuse():
        raise ConnectionRefusedError

    with pytest.raises(ConnectionRefusedError):
        Deadline(60).connect(refuse, refuse)


def test_ending_an_attempt_wakes_the_thread_that_connects():
    go_on, begun, raised = threading.Event(), threading.Event(), []
    deadline = Deadline(60)

    def connect():
        begun.set()
        go_on.wait(60)

    def work():
        try:
            deadline.connect(connect, lambda: None)
        except TimeoutError as error:
            raised.append(str(error))

    thread = threading.Thread(target=work)
    thread.start()
    begun.wait(10)
    deadline.end("the run was ended")
    thread.join(10)
    assert raised == ["the run was ended"]
    go_on.set()


def test_ending_an_attempt_wakes_the_thread_that_reads():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        deadline = Deadline(60)
        deadline.attach(ours)
        file = ours.makefile("rb")
        ours.close()  # as http.client does once the headers say that the connection will end
        deadline.end("enough")
        assert file.read() == b""
        file.close()
    deadline.end("once more")  # closed already
    assert deadline.ended_by == "enough"


def test_the_watchdog_ends_what_is_due(monkeypatch):
    monkeypatch.setattr(Watchdog, "_LOOK_EVERY", 0.001)
    watchdog = Watchdog()
    ours, theirs = socket.socketpair()
    with ours, theirs, watchdog.attempt(0.01) as deadline:
        assert current_deadline() is deadline
        deadline.attach(ours)
        assert ours.recv(1) == b""
        assert deadline.ended_by == "the response was incomplete after 0.01 s"
    with pytest.raises(AttributeError):
        current_deadline()  # this thread makes no attempt
    watchdog.stop()
    watchdog.join()
    assert not watchdog._thread.is_alive()


def test_stopping_ends_all_attempts():
    watchdog = Watchdog()
    with watchdog.attempt(60) as deadline:
        watchdog.stop()
        assert deadline.ended_by == "the run was ended"
        with pytest.raises(TimeoutError, match="the run was ended"):
            deadline.connect(lambda: threading.Event().wait(0.2), lambda: None)
    watchdog.join()


@pytest.mark.parametrize("begins", ["before the end", "after the end"])
def test_no_attempt_outlives_the_end_of_its_run(begins):
    watchdog = Watchdog()
    if begins == "after the end":  # its worker had been told to go on just before
        watchdog.stop()
    ours, theirs = socket.socketpair()
    with ours, theirs, watchdog.attempt(60) as deadline:
        ours.settimeout(10)
        if begins == "before the end":  # as far as the connection, which is not there yet
            watchdog.stop()
        deadline.attach(ours)
        assert ours.recv(1) == b""
        assert deadline.ended_by == "the run was ended"
    watchdog.join()
