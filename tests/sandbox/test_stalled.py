"""Servers that stall before HTTP begins."""

import socket
import ssl
import time

import pytest

from sdss_cutout.sandbox import StalledServer


def test_no_connection_is_established():
    with StalledServer("connect") as server:
        assert server.base_url == f"http://127.0.0.1:{server.port}"
        for _ in range(3):
            with pytest.raises(TimeoutError):
                connect(server, timeout=0.05)
    with pytest.raises(ConnectionRefusedError):
        connect(server)


def connect(server, timeout=5.0):
    return socket.create_connection(("127.0.0.1", server.port), timeout=timeout)


@pytest.mark.parametrize("stage", ["handshake", "slow_handshake"])
def test_no_handshake_is_finished(stage):
    context = ssl.create_default_context()
    with StalledServer(stage, delay=0.005) as server:
        assert server.base_url.startswith("https://")
        with connect(server, timeout=0.1) as client, pytest.raises(TimeoutError):
            context.wrap_socket(client, server_hostname="localhost")


def test_a_slow_handshake_sends_something_all_the_time():
    with StalledServer("slow_handshake", delay=0.001) as server, connect(server) as client:
        received = b""
        while len(received) < 20:
            received += client.recv(1)
    assert received.startswith(b"\x16\x03\x03")


def test_closing_is_quick_and_can_be_repeated():
    server = StalledServer("slow_handshake", delay=0.01)
    start = time.monotonic()
    server.close()
    server.close()
    assert time.monotonic() - start < 5


def test_a_wrong_stage_is_refused():
    with pytest.raises(ValueError, match="'dns' is not one of connect, handshake"):
        StalledServer("dns")
