"""The faults that there are, and which requests each of them is injected into."""

from __future__ import annotations

import hashlib
import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote_plus

from sdss_cutout.sandbox.sas.damage import TABLE as _FRAME_TABLE

# Every fault that sends headers can end the connection with its response, in either way.
_ENDINGS: dict[str, Any] = {"close": False, "http10": False}
# name: (what happens, its own options with their defaults)
_TABLE: dict[str, tuple[str, dict[str, Any]]] = {
    "service_unavailable": ("503 with the overload page", {"retry_after": None}),
    "too_many_requests": (
        "429 with Retry-After, in seconds or as an HTTP date",
        {"retry_after": 1, "date": False},
    ),
    "error_json": ("500 with the server's JSON error", {"message": "Internal error"}),
    "error_jpeg": ("500 with a valid JPEG of the message", {"message": "Drawing failed"}),
    "bad_request": ("400 with the server's JSON error", {"message": "Bad parameters"}),
    "reset_before_answer": ("the connection is reset before anything is sent", {}),
    "reset_in_body": ("the connection is reset in the middle of the body", {}),
    "short_body": ("half a body, with the Content-Length of the whole", {}),
    "short_body_no_length": ("half a body, no Content-Length, then the connection ends", {}),
    "broken_chunking": ("chunked, and the second chunk's size is not a number", {}),
    "html": ("200 with a page of HTML", {}),
    "json": ("200 with JSON", {}),
    "empty": ("200 with an empty body", {}),
    "slow_body": (
        "the body comes slowly, a byte every `delay` seconds",
        {"delay": 0.2, "length": True},
    ),
    "slow_headers": ("the headers come slowly, a byte every `delay` seconds", {"delay": 0.2}),
    "silence": ("nothing is sent until the client closes the connection", {}),
    "wrong_type": ("the correct body as text/html", {}),
    "redirect_loop": ("302 to the same URL, again and again", {}),
    "redirect_elsewhere": (
        "302 to another host",
        {"location": "http://elsewhere.invalid/picture.jpg"},
    ),
    "redirect_same_host": ("302 to the same host once, then the correct response", {}),
    "huge_body": ("200 with `size` bytes", {"size": 2**30, "length": False}),
    "gzip_bomb": ("200, gzip, `size` bytes when decompressed", {"size": 2**30}),
    "truncated": ("a JPEG cut short, its Content-Length right for the cut", {"share_kept": 0.6}),
    "truncated_with_eoi": ("the same with the end marker put back", {"share_kept": 0.6}),
    "corrupt": ("a JPEG with bytes in the scan overwritten", {}),
    "other_size": ("a correct JPEG, wider by `by` pixels", {"by": 8}),
    "blank": ("a uniformly black JPEG without text", {}),
    "outside_200": ("the outside picture, black with text, as 200", {}),
    "outside_404": ("the outside picture as 404", {}),
    "delay": ("the correct response after `seconds`", {"seconds": 0.2}),
    "proxy_page": ("a proxy's HTML page with `status`", {"status": 503}),
    "sql_html_200": ("200 with the page titled Skyserver Error", {"message": "SQL error"}),
    "sql_site_page_200": ("200 with a whole page of the site", {}),
    "sql_error_message": ("200 CSV of one column error_message", {"message": "Error in query"}),
    "sql_rate_limit": ("200 CSV with the text of the limit of 60 queries per minute", {}),
    "sql_error_json": ("500 with the server's JSON error", {"message": "Query failed"}),
    **_FRAME_TABLE,
}
_WITHOUT_HEADERS = {"reset_before_answer", "silence"}
ALL_FAULTS: dict[str, str] = {name: text for name, (text, _) in _TABLE.items()}
"""Every fault's name and what it does."""
PICTURE_FAULTS: dict[str, str] = {
    name: text for name, text in ALL_FAULTS.items() if not name.startswith(("sql_", "frame_"))
}
"""Those for pictures."""
SQL_FAULTS: dict[str, str] = {
    name: text for name, text in ALL_FAULTS.items() if name.startswith("sql_")
}
"""Those for queries only; most of the others can be used too, with ``route="sql"``."""
FRAME_FAULTS: dict[str, str] = {name: text for name, (text, _) in _FRAME_TABLE.items()}
"""Those for frames only; most of the others can be used too, with ``route="frame"``."""
ROUTES = ("picture", "sql", "frame", "fields", "any")
# Parameters that mark a redirect that was followed.
REDIRECTED, REDIRECT_LOOP = "_sandbox_redirected", "_sandbox_redirect_loop"


class Fault:
    """One kind of fault, and the requests that it is injected into.

    Parameters
    ----------
    name : str
        One of ``ALL_FAULTS``.
    times : int, optional
        How often each distinct URL gets the fault; without it, every time.
    share : float
        The part of the URLs that gets it. Which they are depends on nothing but the URL.
    route : {"picture", "sql", "frame", "fields", "any"}, optional
        By default "sql" for the faults of queries, "frame" for those of frames, else "picture".
    match : str, optional
        Only for requests whose decoded query string contains this; for frames, whose path does.
    **options
        Options of the fault itself, as `fault_options` lists them. All faults that send headers
        take ``close=True``, for a response with ``Connection: close``, and ``http10=True``, for
        one in HTTP/1.0; the connection ends after either.

    Examples
    --------
    >>> from sdss_cutout.sandbox import Fault
    >>> Fault("service_unavailable", times=1, share=0.5)
    Fault('service_unavailable', times=1, share=0.5)
    >>> Fault("slow_body", delay=0.05, close=True)
    Fault('slow_body', delay=0.05, close=True)
    """

    __slots__ = ("match", "name", "options", "route", "share", "times")

    name: str
    times: int | None
    share: float
    route: str
    match: str | None
    options: dict[str, Any]

    def __init__(
        self, name: str, times: int | None = None, share: float = 1.0,
        route: str | None = None, match: str | None = None, **options: Any,
    ) -> None:  # fmt: skip
        if name not in _TABLE:
            raise ValueError(f"{name!r} is not a fault; the faults are {', '.join(_TABLE)}")
        unknown = set(options) - set(fault_options(name))
        if unknown:
            raise ValueError(
                f"{sorted(unknown)} are not options of the fault {name!r}; "
                f"its options are {sorted(fault_options(name))}"
            )
        self.name, self.times, self.share, self.match = name, times, share, match
        kind = name.partition("_")[0]
        self.route = route or (kind if kind in ("sql", "frame") else "picture")
        if self.route not in ROUTES:
            raise ValueError(f"{route!r} is not a route; the routes are {', '.join(ROUTES)}")
        self.options = fault_options(name) | options

    def __repr__(self) -> str:
        given = {"times": self.times, "share": self.share, "match": self.match} | self.options
        usual = {"times": None, "share": 1.0, "match": None} | fault_options(self.name)
        arguments = [f"{name}={value!r}" for name, value in given.items() if value != usual[name]]
        return f"Fault({', '.join([repr(self.name), *arguments])})"

    def applies_to(self, kind: str, target: str) -> bool:
        """Whether the fault is for a request of a route and a URL.

        Parameters
        ----------
        kind : {"picture", "sql", "frame", "fields"}
            The route.
        target : str
            The path and query of the URL.

        Returns
        -------
        bool

        Examples
        --------
        >>> from sdss_cutout.sandbox import Fault
        >>> Fault("html", match="ra=20.1").applies_to("picture", "/getjpeg?ra=20.1&dec=0.5")
        True
        """
        if self.route not in ("any", kind):
            return False
        text = target if kind == "frame" else target.partition("?")[2]
        if self.match is not None and self.match not in unquote_plus(text):
            return False
        return self.share >= 1 or _part(target) < self.share


def _part(target: str) -> float:
    """A number from 0 to 1 that depends on the URL (a CRC is uneven on such similar URLs)."""
    digest = hashlib.blake2b(target.encode("utf-8", "replace"), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def fault_options(name: str) -> dict[str, Any]:
    """The options of a fault with their defaults.

    Parameters
    ----------
    name : str
        One of ``ALL_FAULTS``.

    Returns
    -------
    dict
        Keyword arguments for `Fault`.

    Examples
    --------
    >>> from sdss_cutout.sandbox import fault_options
    >>> fault_options("slow_body")
    {'delay': 0.2, 'length': True, 'close': False, 'http10': False}
    """
    return _TABLE[name][1] | ({} if name in _WITHOUT_HEADERS else _ENDINGS)


def fault_variants(name: str) -> list[dict[str, Any]]:
    """The ways in which the response of a fault can end the connection.

    Parameters
    ----------
    name : str
        One of ``ALL_FAULTS``.

    Returns
    -------
    list of dict
        Options for `Fault`; the first is empty: the connection stays open, if the fault allows it.

    Examples
    --------
    >>> from sdss_cutout.sandbox import fault_variants
    >>> fault_variants("slow_body")
    [{}, {'close': True}, {'http10': True}, {'length': False}]
    """
    usual = fault_options(name)
    names = [option for option in ("close", "http10", "length") if option in usual]
    return [{}] + [{option: not usual[option]} for option in names]


@dataclass(slots=True)
class FaultBook:
    """The faults in force, and how often each was injected for each URL."""

    faults: list[Fault] = field(default_factory=list)
    _counts: Counter[tuple[int, int]] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, fault: Fault) -> None:
        """Add a fault after those that are in force."""
        with self._lock:
            self.faults.append(fault)

    def replace(self, faults: list[Fault]) -> None:
        """Replace all faults, and start counting again."""
        with self._lock:
            self.faults = list(faults)
            self._counts.clear()

    def choose(self, kind: str, target: str) -> Fault | None:
        """The first fault for this request, which is counted."""
        if not self.faults:
            return None
        with self._lock:
            for number, fault in enumerate(self.faults):
                if fault.applies_to(kind, target) and self._count(number, fault, target):
                    return fault
        return None

    def _count(self, number: int, fault: Fault, target: str) -> bool:
        if fault.times is None:
            return True
        key = (number, hash(target))  # one number per URL: a long run has 100,000s of them
        if self._counts[key] >= fault.times:
            return False
        self._counts[key] += 1
        return True
