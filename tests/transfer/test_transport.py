"""Sending HTTP requests: proxies, certificates, and a limit for the whole of an attempt."""

from __future__ import annotations

import http.server
import inspect
import io
import random
import socket
import ssl
import threading
from dataclasses import dataclass

import numpy as np
import pytest
import requests
import simplejpeg
import trustme
import urllib3
from astropy.coordinates import SkyCoord

from sdss_cutout import SDSSCutouts, ServiceError
from sdss_cutout._transfer import transport as _transport
from sdss_cutout._transfer.deadline import Watchdog

HERE = SkyCoord(20, 0, unit="deg")
PICTURE = simplejpeg.encode_jpeg(
    np.random.default_rng(1).integers(5, 60, (64, 64, 3), dtype=np.uint8), quality=75
)


class PictureHandler(http.server.BaseHTTPRequestHandler):
    """Answers everything with one picture, and notes what was asked."""

    protocol_version = "HTTP/1.1"
    body = PICTURE

    def do_GET(self):
        self.server.seen.append((self.path, dict(self.headers)))
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    def do_POST(self):
        self.server.posted.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.do_GET()

    def log_message(self, *_):
        pass


@pytest.fixture
def serve():
    """Start servers on loopback; they end with the test."""
    running = []

    def start(context=None):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), PictureHandler)
        server.seen, server.posted = [], []
        server.handle_error = lambda *_: None  # a client that does not trust us hangs up
        if context is not None:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        running.append((server, thread))
        return server

    yield start
    for server, thread in running:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "REQUESTS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def client(base_url, **settings):
    return SDSSCutouts(
        base_url=base_url, max_attempts=1, max_connections=1, show_progress=False, **settings
    )


def test_proxies_are_respected(serve, monkeypatch):
    proxy = serve()
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.server_port}")
    client("http://skyserver.invalid").get(HERE, size=64)
    [(path, _)] = proxy.seen
    assert path.startswith("http://skyserver.invalid/dr17/SkyServerWS/ImgCutout/getjpeg?ra=20.0")


def test_a_proxy_that_is_not_there(monkeypatch):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    monkeypatch.setenv("http_proxy", f"http://user:secret@127.0.0.1:{port}")
    with pytest.raises(ServiceError) as caught:
        client("http://skyserver.invalid").get(HERE, size=64)
    assert "refused" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_certificates_are_verified_and_those_of_the_user_respected(serve, monkeypatch, tmp_path):
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    server = serve(context)
    base_url = f"https://127.0.0.1:{server.server_port}"
    with pytest.raises(ServiceError, match="certificate or encryption could not be verified"):
        client(base_url).get(HERE, size=64)
    bundle = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(bundle)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
    assert client(base_url).get(HERE, size=64).status == "ok"


def test_a_tls_server_that_falls_silent_is_left_in_time(monkeypatch, tmp_path):
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    bundle = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(bundle)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def drip():
            connection, _ = listener.accept()
            with context.wrap_socket(connection, server_side=True) as secure:
                secure.recv(4096)
                secure.sendall(b"HTTP/1.1 200 OK\r\n")
                try:
                    while not over.wait(0.05):
                        secure.sendall(b"X-Slow: yes\r\n")
                except OSError:
                    pass

        thread = threading.Thread(target=drip)
        thread.start()
        try:
            base_url = f"https://127.0.0.1:{listener.getsockname()[1]}"
            with pytest.raises(ServiceError, match=r"the response was incomplete after 0\.4 s"):
                client(base_url, timeout=0.4).get(HERE, size=64)
        finally:
            over.set()
            thread.join()


def test_credentials_become_a_header(serve):
    server = serve()
    client(f"http://user:pass%20word@127.0.0.1:{server.server_port}").get(HERE, size=64)
    [(path, headers)] = server.seen
    assert headers["Authorization"] == requests.auth._basic_auth_str("user", "pass word")
    assert "pass" not in path


def test_connections_are_used_again(serve):
    server = serve()
    accepted = []
    get_request = server.get_request
    server.get_request = lambda: accepted.append(1) or get_request()
    coords = SkyCoord([20, 21, 22, 23], [0, 0, 0, 0], unit="deg")
    client(f"http://127.0.0.1:{server.server_port}", max_rate=1000).get(coords, size=64)
    assert len(server.seen) == 4
    assert len(accepted) == 1


def test_no_coded_bodies_are_asked_for(serve):
    server = serve()
    client(f"http://127.0.0.1:{server.server_port}").get(HERE, size=64)
    assert server.seen[0][1]["Accept-Encoding"] == "identity"


@dataclass(frozen=True)
class Anything:
    """A request for anything of at most this size."""

    largest_body: int
    form: str = ""


def exchange(server, request):
    transport, watchdog = _transport.HTTPTransport(1), Watchdog()
    with watchdog.attempt(20) as deadline:
        response = transport.send(
            f"http://127.0.0.1:{server.server_port}/file?a=b", request, deadline, None
        )
    watchdog.stop()
    transport.close()
    return response


@pytest.mark.parametrize("size", [2**20 - 1, 2**20, 2**20 + 1, 5_000_000])
def test_large_bodies_come_whole(serve, monkeypatch, size):
    body = random.Random(size).randbytes(size)
    monkeypatch.setattr(PictureHandler, "body", body)
    response = exchange(serve(), Anything(size))
    assert response.content == body
    assert response.failure == ""
    assert exchange(serve(), Anything(size - 1)).failure == (
        f"200 with a body of more than {size - 1} bytes, the most to be expected"
    )


def test_a_form_is_posted(serve):
    server = serve()
    assert exchange(server, Anything(10_000, form="cmd=SELECT+1")).status == 200
    [(path, headers)] = server.seen
    assert path == "/file?a=b"
    assert headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert server.posted == [b"cmd=SELECT+1"]


def test_headers_that_cannot_be_read(serve, monkeypatch):
    def fail(*_args, **_kwargs):
        raise UnicodeDecodeError("ascii", b"", 0, 1, "odd")

    monkeypatch.setattr(urllib3.HTTPConnectionPool, "urlopen", fail)
    assert exchange(serve(), Anything(10)).failure.startswith("the answer's headers cannot be read")


def _exceptions(module):
    return [
        kind
        for _, kind in inspect.getmembers(module, inspect.isclass)
        if issubclass(kind, Exception)
        and not issubclass(kind, Warning)
        and kind.__module__.startswith(("requests.", "urllib3."))
    ]


@pytest.mark.parametrize(
    "kind",
    sorted({*_exceptions(requests.exceptions), *_exceptions(urllib3.exceptions)}, key=repr),
    ids=lambda kind: f"{kind.__module__}.{kind.__name__}",
)
def test_every_foreign_exception_is_translated(kind):
    error = kind.__new__(kind)
    Exception.__init__(error, "details")
    assert isinstance(error, _transport._TRANSLATED)
    text = _transport._translate(error)
    assert isinstance(text, str)
    assert text


def test_the_picture_is_what_the_server_sent(serve):
    server = serve()
    cutout = client(f"http://127.0.0.1:{server.server_port}").get(HERE, size=64)
    assert cutout.content == PICTURE
    assert cutout.data.shape == (64, 64, 3)
    assert io.BytesIO(cutout._repr_jpeg_()).read(2) == b"\xff\xd8"
