"""What every answer that SkyServer, or what stands between, can give means."""

from __future__ import annotations

import email.utils
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jpegs import GOOD, jpeg, noise
from PIL import Image, ImageDraw

from sdss_cutout._request.request import CutoutRequest
from sdss_cutout._service.skyserver import SKYSERVER
from sdss_cutout._transfer.classify import Kind, Response, classify_picture

REQUEST = CutoutRequest(
    ra=10.0, dec=20.0, scale=0.4, width=120, height=120, overlays="", release=17,
    url="https://sky.example:8443/dr17/getjpeg?ra=10.0", service=SKYSERVER,
)  # fmt: skip
OUTSIDE = "NOT FOUND. Requested (ra, dec) is outside the SDSS footprint."
PAGE_503 = (
    b"<html><body><h1>503 Service Unavailable</h1>\n"
    b"No server is available to handle this request.\n</body></html>"
)
ERROR_400 = (
    b'{"ErrorCode":400,"ErrorType":"BadRequest","ErrorMessage":"dec is missing",'
    b'"LogMessageID":"x","LogTime":"y"}'
)


def painted(text, size=120):
    image = Image.new("RGB", (size, size))
    ImageDraw.Draw(image).text((5, 50), text, fill="white")
    return jpeg(image)


BLACK = painted("outside the\nfootprint")


def answer(status, content=b"", reason="", **headers):
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    response = Response(
        url=REQUEST.url, status=status, reason=reason, headers=named, content=content
    )
    found = classify_picture(REQUEST, response)
    assert found.message.isprintable()
    assert found.status == status
    return found


def test_a_picture():
    found = answer(200, GOOD, "OK", Server="Microsoft-IIS/10.0", Content_Length=str(len(GOOD)))
    assert (found.kind, found.content, found.coverage) == (Kind.OK, GOOD, 1.0)
    assert (found.message, found.origin) == ("", "Microsoft-IIS/10.0")


@pytest.mark.parametrize("kind", ["text/html", "application/json", ""])
def test_the_content_type_is_not_what_counts(kind):
    assert answer(200, GOOD, Content_Type=kind).kind is Kind.OK
    assert answer(200, b"<html>", Content_Type="image/jpeg").kind is Kind.FAULT


@pytest.mark.parametrize(
    ("status", "content", "reason"),
    [
        (404, BLACK, OUTSIDE),
        (404, b"", OUTSIDE),
        (404, b"<html>not found</html>", OUTSIDE.upper()),
        (404, BLACK, "Not Found"),
        (404, BLACK, ""),
        (404, BLACK, "Requested (ra, dec) is outside the 2MASS footprint."),
        (200, BLACK, "OK"),
    ],
)
def test_outside(status, content, reason):
    found = answer(status, content, reason)
    assert (found.kind, found.message) == (Kind.OUTSIDE, "no SDSS imaging here")
    assert found.content == b""


@pytest.mark.parametrize(
    ("content", "reason", "message"),
    [
        (b"<html><title>404</title><h1>No such page</h1></html>", "Not Found",
         "404 Not Found: No such page"),
        (b"", "Not Found", "404 Not Found"),
        (GOOD, "", "404"),
        (painted("outside", 200), "", "404"),
    ],
)  # fmt: skip
def test_a_404_of_another_cause_is_a_fault(content, reason, message):
    found = answer(404, content, reason)
    assert (found.kind, found.message) == (Kind.FAULT, message)


@pytest.mark.parametrize(
    ("status", "content", "reason", "kind", "message"),
    [
        (400, ERROR_400, "Bad Request", Kind.REFUSED, "400 Bad Request: dec is missing"),
        (400, b"<p>bad</p>", "Bad Request", Kind.REFUSED, "400 Bad Request"),
        (400, b'{"errormessage": "no\\nway"}', "", Kind.REFUSED, "400: no way"),
        (400, b'{"other": 1}', "", Kind.REFUSED, '400: {"other": 1}'),
        (500, GOOD, "Internal error in tile 7", Kind.FAULT, "500 Internal error in tile 7"),
        (500, b"", "", Kind.FAULT, "500"),
        (405, b"", "Method Not Allowed", Kind.FAULT, "405 Method Not Allowed"),
        (429, b"slow down", "", Kind.OVERLOAD, "429: slow down"),
        (503, PAGE_503, "Service Unavailable", Kind.OVERLOAD,
         "503 Service Unavailable: No server is available to handle this request."),
        (302, b"", "Found", Kind.FAULT, "302 Found"),
        (204, b"", "No Content", Kind.FAULT, "204 No Content"),
        (500, b"Oops at http://user:p@ss@inner.example/x", "", Kind.FAULT,
         "500: Oops at http://inner.example/x"),
        (500, b"\x1b[31mred\x07\xff", "a\x1b[0mb", Kind.FAULT, "500 a [0mb: [31mred \ufffd"),
    ],
)  # fmt: skip
def test_errors(status, content, reason, kind, message):
    found = answer(status, content, reason)
    assert (found.kind, found.message) == (kind, message)
    assert found.reason.isprintable()
    assert found.content == b""


@pytest.mark.parametrize(
    ("content", "headers", "message"),
    [
        (b"", {}, "200 with an empty body"),
        (GOOD, {"Content_Length": "9999"}, f"the body broke off: {len(GOOD)} of 9999 bytes came"),
        (GOOD[:500], {"Content_Length": str(len(GOOD))},
         f"the body broke off: 500 of {len(GOOD)} bytes came"),
        (GOOD, {"Content_Encoding": "gzip"},
         "200 with the content coding 'gzip' that was not asked for"),
        (b"<html><title>Skyserver Error</title></html>", {},
         "200, but what came is not a JPEG: it begins with b'<html><title>Sky': Skyserver Error"),
        (ERROR_400, {},
         "200, but what came is not a JPEG: it begins with b'{\"ErrorCode\":400': dec is missing"),
        (jpeg(noise(64, 64)), {}, "200, but the picture is 64 x 64 pixels, not 120 x 120"),
        (jpeg(np.zeros((120, 120, 3), np.uint8)), {},
         "200, but the picture is blank: all its pixels are black"),
        (GOOD[:-200], {},
         "200, but the picture is cut or corrupt: Premature end of JPEG file"),
    ],
)  # fmt: skip
def test_a_200_without_the_picture_is_a_fault(content, headers, message):
    found = answer(200, content, **headers)
    assert (found.kind, found.message) == (Kind.FAULT, message)


@pytest.mark.parametrize("length", ["", "x", "-1", "²", "9" * 5000, f"{len(GOOD)}"])
def test_odd_lengths_are_not_taken_for_truth(length):
    assert answer(200, GOOD, Content_Length=length).kind is Kind.OK


@pytest.mark.parametrize("coding", ["", "identity", " Identity "])
def test_no_coding(coding):
    assert answer(200, GOOD, Content_Encoding=coding).kind is Kind.OK


ROOT = "https://sky.example:8443"


@pytest.mark.parametrize(
    ("here", "location", "target"),
    [
        (f"{ROOT}/a", "/b?c=1", f"{ROOT}/b?c=1"),
        (f"{ROOT}/a", f"{ROOT}/b", f"{ROOT}/b"),
        (f"{ROOT}/a", "https://SKY.example:8443/b", f"{ROOT}/b"),
        (f"{ROOT}/a", "https://u:secret@sky.example:8443/b", f"{ROOT}/b"),
        ("http://sky.example/a", "https://sky.example/b", "https://sky.example/b"),
        (f"{ROOT}/a", "https://sky.example:08443/b", "https://sky.example:08443/b"),
        ("https://sky.example/a", "https://sky.example:443/b", "https://sky.example:443/b"),
        ("http://sky.example:80/a", "https://sky.example:443/b", "https://sky.example:443/b"),
    ],
)
def test_redirects_that_are_followed(here, location, target):
    moved = Response(url=here, status=301, reason="Moved", headers={"Location": location})
    found = classify_picture(REQUEST, moved)
    assert (found.kind, found.location) == (Kind.REDIRECT, target)


@pytest.mark.parametrize(
    ("location", "elsewhere"),
    [
        ("https://evil.example/x", "https://evil.example"),
        ("//evil.example/x", "https://evil.example"),
        ("http://sky.example:8443/x", "http://sky.example:8443"),
        ("https://sky.example/x", "https://sky.example"),
        ("ftp://sky.example:8443/x", "ftp://sky.example:8443"),
        ("https://u:secret@evil.example/", "https://evil.example"),
        ("https://sky.example:8443@evil.example/", "https://evil.example"),
        ("javascript:alert(1)", "javascript://"),
    ],
)
def test_redirects_to_elsewhere_are_faults(location, elsewhere):
    found = answer(302, Location=location)
    assert found.kind is Kind.FAULT
    assert found.message == f"302: redirected to {elsewhere}, which is not followed"


@pytest.mark.parametrize(
    ("here", "location", "elsewhere"),
    [
        ("http://sky.example:8080/a", "https://sky.example:8443/b", "https://sky.example:8443"),
        ("http://sky.example:8080/a", "https://sky.example/b", "https://sky.example"),
        ("http://sky.example/a", "https://sky.example:8443/b", "https://sky.example:8443"),
        ("http://sky.example/a", "http://sky.example:8080/b", "http://sky.example:8080"),
        ("https://sky.example/a", "http://sky.example/b", "http://sky.example"),
    ],
)
def test_another_port_or_scheme_is_another_server(here, location, elsewhere):
    moved = Response(url=here, status=302, headers={"Location": location})
    found = classify_picture(REQUEST, moved)
    assert found.kind is Kind.FAULT
    assert found.message == f"302: redirected to {elsewhere}, which is not followed"


def test_a_redirect_to_nonsense_is_a_fault():
    assert answer(302, Location="http://[").message == (
        "302: redirected to 'http://[', not a valid URL"
    )


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("120", 120), ("0", 0), (" 5 ", 5), ("9" * 400, 1e9), ("Wed, 21 Oct 2015 07:28:00 GMT", 0),
     ("", None), ("-1", None), ("1.5", None), ("soon", None), ("²", None), ("\u0663", None),
     ("Wed, 21 Oct 99999 07:28:00 GMT", None)],
)  # fmt: skip
def test_retry_after(value, seconds):
    assert answer(503, Retry_After=value).retry_after == seconds


@pytest.mark.parametrize("zone", ["GMT", "-0000", "+0000"])
def test_retry_after_as_a_date(zone, monkeypatch):
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        date = email.utils.formatdate(time.time() + 3600).removesuffix("-0000").strip()
        assert answer(429, Retry_After=f"{date} {zone}").retry_after == pytest.approx(3600, abs=5)
    finally:
        monkeypatch.undo()
        time.tzset()


TEXT = st.text(st.characters(codec="latin-1"), max_size=60)
NAMES = st.sampled_from(
    ["Server", "Location", "Retry-After", "Content-Length", "Content-Encoding", "Content-Type"]
)
BODIES = (
    st.binary(max_size=200)
    | st.sampled_from([GOOD, BLACK, PAGE_503, ERROR_400])
    | st.builds(lambda size, junk: GOOD[:size] + junk, st.integers(0, len(GOOD)), st.binary())
)


@given(
    st.sampled_from([200, 204, 301, 302, 400, 404, 429, 500, 503]) | st.integers(100, 599),
    TEXT,
    st.dictionaries(NAMES, TEXT | st.from_regex(r"https?://[\[\]@:/a-z0-9]*", fullmatch=True)),
    BODIES,
)
def test_nothing_a_server_sends_raises(status, reason, headers, content):
    response = Response(
        url=REQUEST.url, status=status, reason=reason, headers=headers, content=content
    )
    found = classify_picture(REQUEST, response)
    for text in (found.message, found.reason, found.origin):
        assert text.isprintable()
    assert bool(found.content) == (found.kind is Kind.OK)
    assert found.message or found.kind in (Kind.OK, Kind.REDIRECT)
