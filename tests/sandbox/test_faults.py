"""Each fault as a client sees it."""

import gzip
import http.client
import io
import json
import re
import socket
import time
from email.utils import parsedate_to_datetime
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sdss_cutout.sandbox import (
    ALL_FAULTS,
    PICTURE_FAULTS,
    SQL_FAULTS,
    Fault,
    Sandbox,
    fault_options,
    fault_variants,
)

from .conftest import decoded

PATH = "/dr17/SkyServerWS/ImgCutout/getjpeg?ra=20&dec=0&width=64&height=64"
SQL_PATH = "/dr17/SkyServerWS/SearchTools/SqlSearch?cmd=SELECT+TOP+1+ra+FROM+Star&format=csv"


def raw(sandbox, path=PATH, most=10**6, timeout=5.0, ask_to_close=True):
    """Everything a server sends on one connection, and whether it ended in a reset."""
    lines = [f"GET {path} HTTP/1.1", "Host: x"] + ["Connection: close"] * ask_to_close
    with socket.create_connection(("127.0.0.1", sandbox.port), timeout=timeout) as connection:
        connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        data = b""
        try:
            while len(data) < most and (block := connection.recv(65536)):
                data += block
        except ConnectionResetError:
            return data, True
    return data, False


def taken_apart(data):
    head, _, body = data.partition(b"\r\n\r\n")
    status, *lines = head.decode("latin-1").split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    return int(status.split()[1]), headers, body


def hit(sandbox, name, path=PATH, **options):
    sandbox.inject(Fault(name, **options))
    return taken_apart(raw(sandbox, path)[0])


def right(sandbox):
    return taken_apart(raw(sandbox)[0])[2]


def test_service_unavailable(sandbox):
    status, headers, body = hit(sandbox, "service_unavailable", retry_after=3)
    assert (status, headers["Retry-After"]) == (503, "3")
    assert b"No server is available to handle this request." in body


def test_too_many_requests(sandbox):
    status, headers, _ = hit(sandbox, "too_many_requests", retry_after=7)
    assert (status, headers["Retry-After"]) == (429, "7")
    sandbox.reset()
    _, headers, _ = hit(sandbox, "too_many_requests", retry_after=7, date=True)
    assert 6 < parsedate_to_datetime(headers["Retry-After"]).timestamp() - time.time() < 9


@pytest.mark.parametrize(
    ("name", "path", "code"),
    [("error_json", PATH, 500), ("bad_request", PATH, 400), ("sql_error_json", SQL_PATH, 500)],
)
def test_json_errors(sandbox, name, path, code):
    status, _, body = hit(sandbox, name, path, message="words")
    assert (status, json.loads(body)["ErrorCode"]) == (code, code)
    assert json.loads(body)["ErrorMessage"] == "words"


@pytest.mark.parametrize(
    ("name", "code"), [("error_jpeg", 500), ("outside_404", 404), ("outside_200", 200)]
)
def test_pictures_with_text(sandbox, name, code):
    status, headers, body = hit(sandbox, name)
    assert (status, headers["Content-Type"]) == (code, "image/jpeg")
    assert decoded(body).shape == (64, 64, 3)
    assert decoded(body).max() > 100


def test_reset_before_answer(sandbox):
    sandbox.inject(Fault("reset_before_answer"))
    assert raw(sandbox) == (b"", True)
    assert sandbox.requests[0].status == 0
    assert sandbox.requests[0].fault == "reset_before_answer"


def test_reset_in_body(sandbox):
    whole = right(sandbox)
    sandbox.inject(Fault("reset_in_body"))
    data, was_reset = raw(sandbox)
    status, _, body = taken_apart(data)
    assert was_reset
    assert status == 200
    assert len(body) == len(whole) // 2


@pytest.mark.parametrize("name", ["short_body", "short_body_no_length"])
def test_short_bodies(sandbox, name):
    whole = right(sandbox)
    _, headers, body = hit(sandbox, name)
    assert body == whole[: len(whole) // 2]
    assert headers.get("Content-Length") == (str(len(whole)) if name == "short_body" else None)


def test_broken_chunking(sandbox):
    _, headers, body = hit(sandbox, "broken_chunking")
    assert headers["Transfer-Encoding"] == "chunked"
    assert body.endswith(b"no size\r\n")


@pytest.mark.parametrize(
    ("name", "beginning", "kind"),
    [("html", b"<!DOCTYPE html>", "text/html"), ("json", b"{", "application/json")],
)
def test_other_things_as_200(sandbox, name, beginning, kind):
    status, headers, body = hit(sandbox, name)
    assert status == 200
    assert body.startswith(beginning)
    assert headers["Content-Type"].startswith(kind)


def test_empty(sandbox):
    status, headers, body = hit(sandbox, "empty")
    assert (status, headers["Content-Length"], body) == (200, "0", b"")


@pytest.mark.parametrize("name", ["slow_body", "slow_headers"])
def test_drips(sandbox, name):
    sandbox.inject(Fault(name, delay=0.01))
    start = time.monotonic()
    data, _ = raw(sandbox, most=1 if name == "slow_headers" else 200)
    assert data.startswith(b"H")
    assert time.monotonic() - start < 3
    sandbox.reset()
    whole = right(sandbox)
    sandbox.inject(Fault(name, delay=0.0))
    assert taken_apart(raw(sandbox)[0])[2] == whole


# Quick forms of those that would take long.
QUICK = {
    "slow_body": {"delay": 0.0},
    "slow_headers": {"delay": 0.0},
    "delay": {"seconds": 0.0},
    "huge_body": {"size": 10_000},
    "gzip_bomb": {"size": 10_000},
}
WITH_ENDING = [
    (name, variant)
    for name in PICTURE_FAULTS | SQL_FAULTS
    for variant in fault_variants(name)
    if variant and variant != {"length": True}
]


@pytest.mark.parametrize(("name", "variant"), WITH_ENDING)
def test_an_answer_that_ends_the_connection(sandbox, name, variant):
    path = SQL_PATH if name.startswith("sql_") else PATH
    sandbox.inject(Fault(name, **QUICK.get(name, {}), **variant))
    # The client does not ask for the end: the answer itself must say it, and keep its word.
    data, _ = raw(sandbox, path, ask_to_close=False)
    _, headers, _ = taken_apart(data)
    says_close = headers.get("Connection") == "close"
    assert data.startswith(b"HTTP/1.0 " if "http10" in variant else b"HTTP/1.1 ")
    assert says_close or "http10" in variant
    if variant == {"length": False}:
        assert "Content-Length" not in headers
    sandbox.reset()


def test_a_body_drips_though_the_connection_is_to_be_closed(sandbox):
    whole = right(sandbox)
    for variant in fault_variants("slow_body"):
        sandbox.reset()
        sandbox.inject(Fault("slow_body", delay=0.0, **variant))
        assert taken_apart(raw(sandbox)[0])[2] == whole
        sandbox.reset()
        sandbox.inject(Fault("slow_body", delay=30.0, **variant))
        with pytest.raises(TimeoutError):
            raw(sandbox, timeout=0.1)


def test_huge_body_in_http_1_0_has_no_chunks(sandbox):
    sandbox.inject(Fault("huge_body", size=100_000, http10=True))
    _, headers, body = taken_apart(raw(sandbox)[0])
    assert "Transfer-Encoding" not in headers
    assert body == bytes(100_000)


def test_silence_lasts_until_the_client_leaves(sandbox):
    sandbox.inject(Fault("silence"))
    with pytest.raises(TimeoutError):
        raw(sandbox, timeout=0.05)


def test_wrong_type(sandbox):
    whole = right(sandbox)
    _, headers, body = hit(sandbox, "wrong_type")
    assert (headers["Content-Type"], body) == ("text/html", whole)


def test_redirects(sandbox, ask):
    location = hit(sandbox, "redirect_elsewhere", location="http://a.invalid/b")[1]["Location"]
    assert location == "http://a.invalid/b"
    sandbox.reset()
    sandbox.inject(Fault("redirect_same_host"))
    followed = ask.picture(ra=20, dec=0)
    assert followed.status_code == 200
    assert len(followed.history) == 1
    sandbox.reset()
    sandbox.inject(Fault("redirect_loop", times=1))
    path = PATH
    for _ in range(5):
        status, headers, _ = taken_apart(raw(sandbox, path)[0])
        assert status == 302
        path = headers["Location"]
    assert taken_apart(raw(sandbox)[0])[0] == 200


@pytest.mark.parametrize("length", [True, False])
def test_huge_body_stops_when_the_client_leaves(sandbox, length):
    sandbox.inject(Fault("huge_body", length=length))
    data, _ = raw(sandbox, most=10**6)
    _, headers, body = taken_apart(data)
    assert len(body) > 900_000
    assert headers.get("Content-Length") == (str(2**30) if length else None)
    sandbox.reset()
    sandbox.inject(Fault("huge_body", size=100_000, length=length))
    connection = http.client.HTTPConnection("127.0.0.1", sandbox.port)
    connection.request("GET", PATH)
    assert len(connection.getresponse().read()) == 100_000
    connection.close()


def test_gzip_bomb(sandbox):
    _, headers, body = hit(sandbox, "gzip_bomb", size=2**25)
    assert headers["Content-Encoding"] == "gzip"
    assert len(body) < 2**17
    assert len(gzip.decompress(body)) == 2**25


@pytest.mark.parametrize("name", ["truncated", "truncated_with_eoi", "corrupt"])
def test_damaged_pictures_are_whole_answers(sandbox, name):
    whole = right(sandbox)
    status, headers, body = hit(sandbox, name)
    assert (status, int(headers["Content-Length"])) == (200, len(body))
    assert body != whole
    assert body.endswith(b"\xff\xd9") == (name != "truncated")
    assert body.startswith(whole[:300])


def test_other_size(sandbox):
    assert decoded(hit(sandbox, "other_size", by=5)[2]).shape == (64, 69, 3)


def test_blank(sandbox):
    assert not decoded(hit(sandbox, "blank")[2]).any()


def test_delay(sandbox):
    start = time.monotonic()
    assert hit(sandbox, "delay", seconds=0.05)[0] == 200
    assert time.monotonic() - start >= 0.05


def test_proxy_page(sandbox):
    assert hit(sandbox, "proxy_page", status=400)[0] == 400


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("sql_html_200", "<title>Skyserver Error</title>"),
        ("sql_site_page_200", "<!DOCTYPE html>"),
        ("sql_error_message", "#Table1\nerror_message\n"),
        ("sql_rate_limit", "Maximum 60 queries allowed per minute. Rejected query: SELECT TOP 1"),
    ],
)
def test_forms_of_sql_errors(sandbox, name, words):
    status, _, body = hit(sandbox, name, SQL_PATH)
    assert status == 200
    assert words in body.decode()
    assert sandbox.sql_requests[0].fault == name


def test_every_fault_has_a_test_here():
    source = Path(__file__).read_text(encoding="utf-8")
    assert all(re.search(rf'"{name}"', source) for name in PICTURE_FAULTS)
    assert set(PICTURE_FAULTS) < set(ALL_FAULTS)


def test_times_counts_each_target(sandbox, ask):
    sandbox.inject(Fault("service_unavailable", times=2))
    codes = [ask.picture(ra=ra, dec=0).status_code for ra in (20, 21, 20, 20, 21, 21)]
    assert codes == [503, 503, 503, 200, 503, 200]


def test_a_fault_shows_what_was_set():
    fault = Fault("delay", times=2, seconds=1.5, close=True)
    assert repr(fault) == "Fault('delay', times=2, seconds=1.5, close=True)"


def test_share_depends_on_the_target_alone(sandbox, ask):
    sandbox.inject(Fault("error_json", share=0.3))
    first = [ask.picture(ra=20 + k / 100, dec=0, width=64).status_code for k in range(60)]
    again = [ask.picture(ra=20 + k / 100, dec=0, width=64).status_code for k in range(60)]
    assert first == again
    assert 5 < first.count(500) < 32
    fault = Fault("error_json", share=0.02)
    hits = sum(fault.applies_to("picture", f"/x?ra={100 + k / 1000}&dec=20") for k in range(20_000))
    assert 300 < hits < 500


def test_match_and_route_and_order(sandbox, ask):
    sandbox.inject(Fault("error_json", match="ra=20&"), Fault("proxy_page", times=1))
    assert ask.picture(ra=20, dec=0).status_code == 500
    assert ask.picture(ra=21, dec=0).status_code == 503
    assert ask.picture(ra=21, dec=0).status_code == 200
    assert ask.sql("SELECT 1 AS x").status_code == 200
    sandbox.inject(Fault("empty", route="sql"))
    assert ask.sql("SELECT 1 AS x").content == b""


def test_wrong_faults_are_refused():
    with pytest.raises(ValueError, match="'fire' is not a fault"):
        Fault("fire")
    with pytest.raises(ValueError, match="not options of the fault"):
        Fault("html", loud=True)
    with pytest.raises(ValueError, match="'air' is not a route"):
        Fault("html", route="air")
    assert fault_options("delay") == {"seconds": 0.2, "close": False, "http10": False}
    with pytest.raises(ValueError, match="not options of the fault"):
        Fault("silence", close=True)


def test_strict_decoders_see_the_corruption(sandbox):
    body = hit(sandbox, "corrupt")[2]
    simplejpeg = pytest.importorskip("simplejpeg")
    with pytest.raises(ValueError, match=r"(?i)corrupt|huffman|premature"):
        simplejpeg.decode_jpeg(body, strict=True)
    with Image.open(io.BytesIO(body)) as image:
        assert np.asarray(image).shape == (64, 64, 3)


def test_closing_does_not_wait_for_faults():
    sandbox = Sandbox()
    sandbox.inject(Fault("silence", match="ra=20&"), Fault("slow_body", delay=60))
    clients = [socket.create_connection(("127.0.0.1", sandbox.port)) for _ in range(4)]
    for client, ra in zip(clients, (20, 20, 21, 22), strict=True):
        client.sendall(PATH.replace("20", str(ra)).join(("GET ", " HTTP/1.1\r\n\r\n")).encode())
    while len(sandbox.requests) < 4:
        time.sleep(0.002)
    start = time.monotonic()
    sandbox.close()
    assert time.monotonic() - start < 1
    for client in clients:
        client.close()
