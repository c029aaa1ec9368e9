"""What an HTTP answer means for the picture that was asked for. Pure."""

from __future__ import annotations

import datetime
import email.utils
import enum
import html
import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urljoin, urlsplit

from sdss_cutout._errors import ImageError
from sdss_cutout._image.jpeg import check_jpeg, is_painted_black
from sdss_cutout._request.request import CutoutRequest
from sdss_cutout._service.skyserver import SKYSERVER

__all__ = [
    "Answer",
    "Kind",
    "Response",
    "classify",
    "fault",
    "largest_body",
    "one_line",
    "words_of",
]


class Kind(enum.Enum):
    """What came of one attempt."""

    PICTURE = "picture"
    OUTSIDE = "outside"
    REFUSED = "refused"  # asking again would not help
    FAULT = "fault"
    OVERLOAD = "overload"  # a fault in which the server asks for patience
    REDIRECT = "redirect"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One attempt's outcome.

    Attributes
    ----------
    kind : Kind
        What it means.
    status : int
        HTTP status, 0 if there was none.
    reason : str
        The status line's reason phrase.
    message : str
        What is wrong, in one line; empty for a picture.
    content : bytes
        The picture, empty unless this is one.
    coverage : float
        The part of the picture that shows sky.
    origin : str
        What the server calls itself.
    retry_after : float or None
        Seconds of silence that the server asks for.
    location : str
        Where a redirect points to.
    """

    kind: Kind
    status: int = 0
    reason: str = ""
    message: str = ""
    content: bytes = b""
    coverage: float = 0.0
    origin: str = ""
    retry_after: float | None = None
    location: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """What came over the wire, not looked into yet.

    Attributes
    ----------
    status : int
        HTTP status, 0 if none came.
    reason : str
        The status line's reason phrase.
    headers : mapping of str to str
        By name, without regard to case.
    content : bytes
        The body, as it came.
    failure : str
        Why no whole answer came, in one line; empty if one did.
    """

    status: int = 0
    reason: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes = b""
    failure: str = ""


def fault(message: str, **details: int | str) -> Answer:
    """Return the answer for an attempt that brought nothing usable."""
    return Answer(kind=Kind.FAULT, message=one_line(message), **details)  # type: ignore[arg-type]


def largest_body(request: CutoutRequest) -> int:
    """Return more bytes than any JPEG of this size has: that of its bare pixels, and a header."""
    return 3 * request.width * request.height + 65_536


def classify(request: CutoutRequest, response: Response) -> Answer:
    """Return what this response to this request means.

    Neither the content type nor a body that decodes proves a picture, as the server sends JPEGs
    with 404 and 500 too (S: getJpegController.cs). The status does, and then the size.
    """
    status, reason, content = response.status, response.reason, response.content
    headers = response.headers
    if response.failure:
        return fault(response.failure, status=status)
    origin = one_line(headers.get("Server", ""))
    if status == 200:
        return _classify_body(request, headers, content, origin)
    if 300 <= status < 400 and "Location" in headers:
        return _classify_redirect(request, status, headers["Location"])
    if status == 404 and _means_outside(request, reason, content):
        return Answer(kind=Kind.OUTSIDE, status=status, message=_OUTSIDE, origin=origin)
    kind = {400: Kind.REFUSED, 429: Kind.OVERLOAD, 503: Kind.OVERLOAD}.get(status, Kind.FAULT)
    said = one_line(f"{status} {reason}")
    words = words_of(content).removeprefix(said).strip()
    return Answer(
        kind=kind,
        status=status,
        reason=one_line(reason),
        message=f"{said}: {words}" if words and words.lower() not in said.lower() else said,
        origin=origin,
        retry_after=_retry_after(headers.get("Retry-After", "")),
    )


_OUTSIDE = "no SDSS imaging here"


def _classify_body(
    request: CutoutRequest, headers: Mapping[str, str], content: bytes, origin: str
) -> Answer:
    coding = headers.get("Content-Encoding", "identity").strip().lower()
    if coding not in ("identity", ""):
        # None was asked for, and unpacking it could fill the memory.
        return fault(f"200 with the content coding {coding!r} that was not asked for", status=200)
    expected = headers.get("Content-Length", "")
    if re.fullmatch(r"[0-9]{1,18}", expected) and int(expected) != len(content):
        return fault(f"the body broke off: {len(content)} of {expected} bytes came", status=200)
    if not content:
        return fault("200 with an empty body", status=200)
    try:
        coverage = check_jpeg(content, request.width, request.height)
        if coverage < 1 and is_painted_black(content):
            return Answer(kind=Kind.OUTSIDE, status=200, message=_OUTSIDE, origin=origin)
    except ImageError as error:
        said = "" if content.startswith(b"\xff\xd8") else words_of(content)
        return fault(f"200, but {error}{': ' if said else ''}{said}", status=200)
    return Answer(kind=Kind.PICTURE, status=200, content=content, coverage=coverage, origin=origin)


def _means_outside(request: CutoutRequest, reason: str, content: bytes) -> bool:
    if SKYSERVER.outside_phrase in reason.lower():
        return True
    # HTTP/2 and some proxies drop the reason phrase; the black picture still comes.
    try:
        check_jpeg(content, request.width, request.height)
        return is_painted_black(content)
    except ImageError:
        return False


def _classify_redirect(request: CutoutRequest, status: int, location: str) -> Answer:
    try:
        here, there = urlsplit(request.url), urlsplit(urljoin(request.url, location))
    except ValueError:
        return fault(f"{status}: redirected to {location!r}, which is no URL", status=status)
    # Passwords stay with the server that they were given for.
    here, there = (s._replace(netloc=s.netloc.rpartition("@")[2].lower()) for s in (here, there))
    schemes = here.scheme, there.scheme
    upgraded = here.hostname == there.hostname and schemes == ("http", "https")
    if upgraded or (here.netloc == there.netloc and here.scheme == there.scheme):
        return Answer(kind=Kind.REDIRECT, status=status, location=there.geturl())
    elsewhere = f"{there.scheme}://{there.netloc}"
    return fault(f"{status}: redirected to {elsewhere}, which is not followed", status=status)


def _retry_after(value: str) -> float | None:
    """Return the seconds in a Retry-After header, in either of its two forms (RFC 9110, 10.2.3)."""
    value = value.strip()
    if re.fullmatch(r"[0-9]+", value):
        return min(float(value), _LONGEST_SILENCE)
    try:
        date = email.utils.parsedate_to_datetime(value)
        # Without a zone it is UTC, as every HTTP date is.
        date = date if date.tzinfo else date.replace(tzinfo=datetime.UTC)
        return max(0.0, date.timestamp() - time.time())
    except (ValueError, TypeError, OverflowError):
        return None


_LONGEST_SILENCE = 1e9


def words_of(content: bytes) -> str:
    """Return what an error page says, as one line of text."""
    if content.startswith(b"\xff\xd8"):
        return ""
    text = content[:65_536].decode("utf-8", "replace").strip()
    return one_line(_json_message(text) or _page_message(text))


def _json_message(text: str) -> str:
    """Return the ErrorMessage of SkyServer's JSON (S: CustomFilter.cs)."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return ""
    if not isinstance(found, dict):
        return ""
    return next((str(v) for k, v in found.items() if k.lower() == "errormessage"), "")


def _page_message(text: str) -> str:
    shown, title, hidden, in_title = [], [], "", False
    for piece in re.split(r"(<[^<>]*>)", text):
        if tag := _TAG.match(piece):
            closes, name = bool(tag[1]), tag[2].lower()
            if name == "title":
                in_title = not closes
            elif name == "body" or (closes and name == hidden):
                hidden = ""
            elif not (closes or hidden):
                hidden = name
        elif in_title:
            title.append(piece)
        elif not (hidden or (piece.startswith("<") and piece.endswith(">"))):
            shown.append(piece)
    return html.unescape(" ".join(shown)).strip() or html.unescape("".join(title))


_TAG = re.compile(r"<(/?)(script|style|head|title|body)\b[^<>]*>", re.IGNORECASE)


_LONGEST_LINE = 300


def one_line(text: str) -> str:
    """Return foreign text as one short printable line, safe on a terminal, without passwords."""
    short = " ".join(text.split())[: 10 * _LONGEST_LINE]
    printable = "".join(c if c.isprintable() else " " for c in short)
    line = re.sub(r"://[^/\s]*@", "://", " ".join(printable.split()))
    return line if len(line) <= _LONGEST_LINE else f"{line[: _LONGEST_LINE - 1]}…"
