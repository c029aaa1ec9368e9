"""What an HTTP response means: the same rules for every kind of body, and those for pictures.

Pure. Another kind of body has its own `Classifier`, which calls `classify_response` with a check
of the body.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Protocol
from urllib.parse import SplitResult, urljoin, urlsplit

from sdss_cutout._errors import ImageError
from sdss_cutout._image.jpeg import check_jpeg, is_painted_black
from sdss_cutout._request.request import CutoutRequest
from sdss_cutout._transfer.error_text import error_text, one_line

__all__ = [
    "Answer",
    "Classifier",
    "Kind",
    "Request",
    "Response",
    "classify_picture",
    "classify_response",
    "fault",
]


class Kind(enum.Enum):
    """What came of one attempt."""

    OK = "ok"
    OUTSIDE = "outside"
    REFUSED = "refused"  # asking again would not help
    FAULT = "fault"
    OVERLOAD = "overload"  # a fault in which the server asks to be asked less
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
        What is wrong, in one line; empty if nothing is.
    content : bytes
        The checked body, empty unless the kind is ``OK``.
    value : object
        What a classifier has made of the body, where that is of use.
    coverage : float
        The part of a picture that shows sky.
    origin : str
        What the server calls itself.
    retry_after : float or None
        Seconds that the server asks to wait.
    location : str
        Where a redirect points to.
    unreachable : bool
        Whether no connection to the server could be made.
    """

    kind: Kind
    status: int = 0
    reason: str = ""
    message: str = ""
    content: bytes = b""
    value: Any = None
    coverage: float = 0.0
    origin: str = ""
    retry_after: float | None = None
    location: str = ""
    unreachable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """What came over the wire, not classified yet.

    Attributes
    ----------
    url : str
        What was asked for; another than the request's after a redirect.
    status : int
        HTTP status, 0 if none came.
    reason : str
        The status line's reason phrase.
    headers : mapping of str to str
        By name, without regard to case.
    content : bytes
        The body, as it came.
    failure : str
        Why no complete response came, in one line; empty if one did.
    unreachable : bool
        Whether that is because no connection could be made.
    """

    url: str = ""
    status: int = 0
    reason: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes = b""
    failure: str = ""
    unreachable: bool = False


class Request(Protocol):
    """What is asked for: by GET, or by POST if it has a ``form`` that is not empty."""

    @property
    def url(self) -> str:
        """The URL."""
        ...

    @property
    def largest_body(self) -> int:
        """No right answer has more bytes than this."""
        ...


class Classifier(Protocol):
    """Says what a response to a request means."""

    def __call__(self, request: Any, response: Response, /) -> Answer:
        """Return the answer; never raise for what a server may send."""
        ...


def fault(message: str, *, status: int = 0, unreachable: bool = False) -> Answer:
    """Return the answer for an attempt without a usable result."""
    return Answer(
        kind=Kind.FAULT, message=one_line(message), status=status, unreachable=unreachable
    )


# --------------------------------------------------------------------------------- any body


def classify_response(response: Response, check_body: Callable[[bytes], Answer]) -> Answer:
    """Return what a response means, whatever kind of body was asked for.

    Parameters
    ----------
    response : Response
        What came.
    check_body : callable
        Returns what a complete body with status 200 means.
    """
    status, headers = response.status, response.headers
    if response.failure:
        return fault(response.failure, status=status, unreachable=response.unreachable)
    if status == 200:
        answer = _incomplete(headers, response.content) or check_body(response.content)
        return replace(answer, status=200, origin=_origin(response))
    if 300 <= status < 400 and "Location" in headers:
        return _classify_redirect(response.url, status, headers["Location"])
    kind = {400: Kind.REFUSED, 429: Kind.OVERLOAD, 503: Kind.OVERLOAD}.get(status, Kind.FAULT)
    status_line = one_line(f"{status} {response.reason}")
    words = error_text(response.content).removeprefix(status_line).strip()
    adds = words and words.lower() not in status_line.lower()
    return Answer(
        kind=kind,
        status=status,
        reason=one_line(response.reason),
        message=f"{status_line}: {words}" if adds else status_line,
        origin=_origin(response),
        retry_after=_retry_after(headers.get("Retry-After", "")),
    )


def _origin(response: Response) -> str:
    return one_line(response.headers.get("Server", ""))


def _incomplete(headers: Mapping[str, str], content: bytes) -> Answer | None:
    """Return what is wrong with a body before it is looked into."""
    coding = headers.get("Content-Encoding", "identity").strip().lower()
    if coding not in ("identity", ""):
        # None was asked for, and unpacking it could fill the memory.
        return fault(f"200 with the content coding {coding!r} that was not asked for")
    expected = headers.get("Content-Length", "")
    if re.fullmatch(r"[0-9]{1,18}", expected) and int(expected) != len(content):
        return fault(f"the body broke off: {len(content)} of {expected} bytes came")
    return None if content else fault("200 with an empty body")


def _classify_redirect(url: str, status: int, location: str) -> Answer:
    try:
        here, there = urlsplit(url), urlsplit(urljoin(url, location))
        origins = _scheme_host_port(here), _scheme_host_port(there)
    except ValueError:
        return fault(f"{status}: redirected to {location!r}, not a valid URL", status=status)
    # Passwords stay with the server that they are meant for; another port is another server.
    bare = there._replace(netloc=there.netloc.rpartition("@")[2].lower())
    host = here.hostname
    upgrade = origins == (("http", host, 80), ("https", host, 443))
    if upgrade or origins[0] == origins[1]:
        return Answer(kind=Kind.REDIRECT, status=status, location=bare.geturl())
    elsewhere = f"{bare.scheme}://{bare.netloc}"
    return fault(f"{status}: redirected to {elsewhere}, which is not followed", status=status)


def _scheme_host_port(url: SplitResult) -> tuple[str, str | None, int | None]:
    return url.scheme, url.hostname, url.port or {"http": 80, "https": 443}.get(url.scheme)


def _retry_after(value: str) -> float | None:
    """Return the seconds in a Retry-After header, in either of its two forms (RFC 9110, 10.2.3)."""
    if not value:
        return None
    from urllib3 import Retry  # here, as it would slow down every import of the package
    from urllib3.exceptions import InvalidHeader

    retry = Retry()
    # Newer versions cut longer delays to six hours; ours are named to the user.
    retry.retry_after_max = _LONGEST_DELAY
    try:
        return float(min(retry.parse_retry_after(value), _LONGEST_DELAY))
    except (InvalidHeader, ValueError, OverflowError):
        return None


_LONGEST_DELAY = 10**9


# --------------------------------------------------------------------------------- pictures


def classify_picture(request: CutoutRequest, response: Response) -> Answer:
    """Return what this response to the request for a picture means.

    Neither the content type nor a body that decodes proves a picture, as the server sends JPEGs
    with 404 and 500 too (S: getJpegController.cs). The status does, and then the size.
    """
    if response.status == 404 and not response.failure and _means_outside(request, response):
        return replace(_OUTSIDE, status=404, origin=_origin(response))
    return classify_response(response, partial(_check_picture, request))


_OUTSIDE = Answer(kind=Kind.OUTSIDE, message="no SDSS imaging here")


def _check_picture(request: CutoutRequest, content: bytes) -> Answer:
    try:
        coverage = check_jpeg(content, request.width, request.height)
        if coverage < 1 and is_painted_black(content):
            return _OUTSIDE
    except ImageError as error:
        words = "" if content.startswith(b"\xff\xd8") else error_text(content)
        return fault(f"200, but {error}{': ' if words else ''}{words}")
    return Answer(kind=Kind.OK, content=content, coverage=coverage)


def _means_outside(request: CutoutRequest, response: Response) -> bool:
    if request.service.outside_phrase in response.reason.lower():
        return True
    # HTTP/2 and some proxies drop the reason phrase; the black picture still comes.
    try:
        check_jpeg(response.content, request.width, request.height)
        return is_painted_black(response.content)
    except ImageError:
        return False
