"""Connections, log, control routes, and an end without remains."""

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from sdss_cutout.sandbox import Fault, Sandbox


def test_the_log_tells_what_was_asked(sandbox, ask):
    before = time.monotonic()
    ask.session.headers["User-Agent"] = "tester/1"
    ask.picture(ra=20, dec=0)
    ask.picture(ra=280, dec=0)
    ask.sql("SELECT 1 AS x")
    one, two = sandbox.picture_requests
    assert (one.status, two.status) == (200, 404)
    assert one.query == {"ra": "20", "dec": "0"}
    assert one.user_agent == "tester/1"
    assert before < one.time < two.time < time.monotonic()
    assert [record.kind for record in sandbox.requests] == ["picture", "picture", "sql"]
    assert len(sandbox.sql_requests) == 1
    with pytest.raises(AttributeError):
        one.status = 500


def test_control_routes_are_not_logged(sandbox, ask):
    ask.picture(ra=20, dec=0)
    url = sandbox.base_url + "/sandbox/"
    counts = ask.session.get(url + "requests").json()
    assert (counts["pictures"], counts["by_status"], counts["max_in_flight"]) == (1, {"200": 1}, 1)
    (entry,) = ask.session.get(url + "log").json()
    assert entry["status"] == 200
    assert "SIMULATED" in ask.session.get(sandbox.base_url).text
    faults = [{"name": "html", "times": 1}]
    assert ask.session.post(url + "faults", json=faults).json() == {"faults": ["html"]}
    assert b"<html" in ask.picture(ra=20, dec=0).content
    assert ask.session.post(url + "faults", json=[{"name": "x"}]).status_code == 400
    assert ask.session.post(url + "nothing").status_code == 404
    assert ask.session.post(url + "reset").status_code == 200
    assert sandbox.requests == []


def test_connections_are_kept(sandbox, ask):
    for _ in range(3):
        ask.picture(ra=20, dec=0)
    adapter = ask.session.get_adapter(sandbox.base_url)
    (pool,) = (adapter.poolmanager.pools[key] for key in adapter.poolmanager.pools.keys())  # noqa: SIM118
    assert pool.num_connections == 1


def test_in_flight_is_what_the_client_has_open(sandbox):
    sandbox.inject(Fault("delay", seconds=0.03))
    url = sandbox.base_url + "/dr17/SkyServerWS/ImgCutout/getjpeg?dec=0&ra="
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda ra: requests.get(f"{url}{ra}", timeout=9).status_code, range(12)))
    assert 2 <= sandbox.max_in_flight <= 4


def test_clients_that_give_up_are_not_in_flight(sandbox):
    sandbox.inject(Fault("silence"))
    url = sandbox.base_url + "/dr17/SkyServerWS/ImgCutout/getjpeg?ra=20&dec=0"
    for _ in range(5):
        with pytest.raises(requests.Timeout):
            requests.get(url, timeout=0.02)
    assert sandbox.max_in_flight == 1


def test_nothing_remains_after_closing():
    before = set(threading.enumerate())
    with Sandbox() as sandbox:
        session = requests.Session()
        url = sandbox.base_url + "/dr17/SkyServerWS/ImgCutout/getjpeg?ra=20&dec=0"
        assert session.get(url).status_code == 200  # and the connection stays open
    sandbox.close()  # twice is once
    assert set(threading.enumerate()) <= before
    with pytest.raises(requests.ConnectionError):
        requests.get(url, timeout=1)
    session.close()
    with Sandbox(sandbox.port) as again:
        assert again.base_url == sandbox.base_url


def test_nonsense_on_the_wire(sandbox):
    import socket

    for line in (b"nonsense\r\n\r\n", b"BREW /pot HTTP/1.1\r\n\r\n", b"GET"):
        with socket.create_connection(("127.0.0.1", sandbox.port), timeout=2) as connection:
            connection.sendall(line)
            connection.shutdown(socket.SHUT_WR)
            answer = connection.recv(1000)
            assert not answer or answer.startswith(b"HTTP/1.1 ")
    assert requests.get(sandbox.base_url, timeout=2).status_code == 200


@pytest.mark.parametrize(
    "target",
    ["/[", "//", "*", "/dr999999/x", "/dr17/SkyServerWS/ImgCutout/getjpeg?ra=1&dec=%ff&scale=nan"]
    + [
        "/dr17/SkyServerWS/SearchTools/SqlSearch?cmd=" + command
        for command in (
            "%00",
            "select+zeroblob(9e8)",
            "select+x%2731%27",
            "select+1e999",
            "(" * 999,
        )
    ]
    + [
        "/dr17/SkyServerWS/ImgCutout/getjpeg?ra=20&dec=0&query=" + query
        for query in ("SR(1,--2)", "%00", "SELECT", "ra+dec%0Ax+1", "select+x%2731%27+as+ra")
    ],
)
def test_odd_requests_do_not_hurt(sandbox, target):
    connection = http.client.HTTPConnection("127.0.0.1", sandbox.port, timeout=9)
    for _ in range(2):  # the second on the same connection: nothing of the first is left over
        connection.putrequest("GET", target)
        connection.endheaders()
        answer = connection.getresponse()
        answer.read()
        assert answer.status in (200, 400, 404, 500)
    connection.close()


def test_fast_mode():
    with Sandbox(fast=True) as sandbox, requests.Session() as session:
        url = sandbox.base_url + "/dr17/SkyServerWS/ImgCutout/getjpeg?dec=0&width=70&height=90&ra="
        sandbox.inject(Fault("error_json", times=1, match="ra=7"))
        answers = [session.get(f"{url}{ra}") for ra in range(10)]
        assert [answer.status_code for answer in answers].count(500) == 1
        assert answers[0].content == answers[1].content
        assert b"SIMULATED" in answers[0].content
        assert sandbox.requests == []
        assert sandbox.counts["by_status"] == {"200": 9, "500": 1}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_as_a_process(tmp_path, number):
    ready = tmp_path / "ready.json"
    code = f"from sdss_cutout.sandbox import serve; serve(0, {str(ready)!r}, fast=True)"
    process = subprocess.Popen(
        [sys.executable, "-Werror", "-c", code], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )  # fmt: skip
    while not ready.exists():
        assert process.poll() is None
        time.sleep(0.01)
    base_url = json.loads(ready.read_text())["base_url"]
    assert requests.get(base_url + "/sandbox/requests", timeout=5).json()["pictures"] == 0
    os.kill(process.pid, number)
    output, _ = process.communicate(timeout=5)
    assert (process.returncode, output) == (0, b"")
