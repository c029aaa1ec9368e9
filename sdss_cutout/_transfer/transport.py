"""Sends one request and returns its response; the only module that talks HTTP."""

from __future__ import annotations

import functools
import http.client
import importlib.metadata
import platform
import socket
import threading
from dataclasses import dataclass
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection

from sdss_cutout._transfer.classify import Request, Response
from sdss_cutout._transfer.deadline import Deadline, current_deadline

__all__ = ["USER_AGENT", "HTTPTransport"]

USER_AGENT = (
    f"sdss_cutout/{importlib.metadata.version('sdss_cutout')} "
    f"python-requests/{importlib.metadata.version('requests')} Python/{platform.python_version()}"
)

# A body is read in pieces, so that a server that does not say its length cannot make us reserve
# the most that is allowed; pictures come in one.
_PIECE = 1 << 20


class HTTPTransport:
    """Sends requests over connections that are kept, each attempt within its deadline.

    Parameters
    ----------
    connections : int
        How many connections to a server to keep.
    """

    def __init__(self, connections: int) -> None:
        self._adapter = _BoundedAdapter(pool_maxsize=connections, max_retries=0)
        self._routes: dict[tuple[str, str, tuple[str, str] | None], _Route] = {}
        self._lock = threading.Lock()

    def close(self) -> None:
        """Close the connections that are not in use; a later request opens new ones."""
        with self._lock:
            for route in self._routes.values():
                route.pool.close()  # urllib3 would leave that to the garbage collector
            self._routes = {}
            self._adapter.close()

    def send(
        self, url: str, request: Request, deadline: Deadline, auth: tuple[str, str] | None
    ) -> Response:
        """Send a request; every outcome, failures too, is a `Response`."""
        try:
            response = self._exchange(url, request, deadline, auth)
        except _TRANSLATED as error:
            failure = deadline.ended_by or _translate(error)
        except UnicodeError as error:
            failure = f"the answer's headers cannot be read: {error}"
        else:
            if not deadline.ended_by:  # which can look like the end of a body without a length
                return response
            failure = deadline.ended_by
        return Response(url=url, failure=failure, unreachable=not deadline.connected)

    def _exchange(
        self, url: str, request: Request, deadline: Deadline, auth: tuple[str, str] | None
    ) -> Response:
        most, form = request.largest_body, getattr(request, "form", "")
        scheme, _, host, path = url.split("/", 3)
        route = self._routes.get((scheme, host, auth)) or self._find_route(scheme, host, auth)
        # Straight to urllib3: the adapter's own `send` looks up proxies and certificates again
        # and wraps each answer as a Response, which doubles the cost of a request (300 against
        # 570 microseconds).
        raw = route.pool.urlopen(
            "POST" if form else "GET",
            url if route.absolute else f"/{path}",
            body=form or None,
            headers=route.headers | _FORM if form else route.headers,
            redirect=False,
            assert_same_host=False,
            preload_content=False,
            decode_content=False,
            retries=_NO_RETRIES,
            timeout=_socket_timeout(deadline.seconds),
        )
        deadline.connected = True  # over connections of other kinds, too
        complete = False
        try:
            content = _read(raw, most)
            complete = len(content) <= most
        finally:
            # What is not read to its end cannot carry another answer.
            (raw.release_conn if complete else raw.close)()
        if not complete:
            failure = f"{raw.status} with a body of more than {most} bytes, the most to be expected"
            return Response(url=url, status=raw.status, failure=failure)
        return Response(
            url=url,
            status=raw.status,
            reason=str(raw.reason or ""),
            headers=raw.headers,
            content=content,
        )

    def _find_route(self, scheme: str, host: str, auth: tuple[str, str] | None) -> _Route:
        """Ask requests how a host is reached: through which proxy, trusting which certificates."""
        url = f"{scheme}//{host}/"
        with self._lock, requests.Session() as session:
            # Coded bodies are not asked for: JPEG does not shrink, and unpacking is a risk.
            session.headers.clear()
            session.headers.update({"User-Agent": USER_AGENT, "Accept-Encoding": "identity"})
            session.auth = auth
            prepared = session.prepare_request(requests.Request("GET", url))
            settings = session.merge_environment_settings(url, {}, True, None, None)
            proxies, verify, cert = (settings[key] for key in ("proxies", "verify", "cert"))
            pool = self._adapter.get_connection_with_tls_context(
                prepared, verify, proxies=proxies, cert=cert
            )
            self._adapter.cert_verify(pool, url, verify, cert)
            absolute = self._adapter.request_url(prepared, proxies) == url
            route = _Route(pool, dict(prepared.headers), absolute=absolute)
            self._routes[scheme, host, auth] = route
        return route


@dataclass(frozen=True, slots=True)
class _Route:
    """The connections to a host, and the headers it gets; some proxies need the absolute URL."""

    pool: urllib3.HTTPConnectionPool
    headers: dict[str, Any]
    absolute: bool


_FORM = {"Content-Type": "application/x-www-form-urlencoded"}

# As in requests' own adapter: attempts are counted elsewhere.
_NO_RETRIES = urllib3.Retry(0, read=False)


@functools.lru_cache(maxsize=8)
def _socket_timeout(seconds: float) -> urllib3.Timeout:
    # The deadline is to end a read that takes too long, and to say so.
    return urllib3.Timeout(connect=seconds, read=seconds + 1)


def _read(raw: urllib3.BaseHTTPResponse, most: int) -> bytes:
    """Read a body, or one byte more of it than is allowed."""
    piece = raw.read(min(_PIECE, most + 1), decode_content=False)
    if len(piece) < _PIECE:
        return piece
    pieces, size = [piece], len(piece)
    while size <= most and (piece := raw.read(min(_PIECE, most + 1 - size), decode_content=False)):
        pieces.append(piece)
        size += len(piece)
    return b"".join(pieces)


# ------------------------------------------------------------------------- bounded connections


class _Bounded:
    """A connection that is opened within the deadline of the attempt, and tells it its socket."""

    sock: socket.socket | None

    def connect(self) -> None:
        deadline = current_deadline()
        deadline.connect(super().connect, self.close)  # type: ignore[misc, attr-defined]
        deadline.attach(self.sock)

    def request(self, *args: Any, **kwargs: Any) -> None:
        if self.sock is not None:
            current_deadline().attach(self.sock)
        super().request(*args, **kwargs)  # type: ignore[misc]


class _BoundedHTTPConnection(_Bounded, HTTPConnection):
    pass


class _BoundedHTTPSConnection(_Bounded, HTTPSConnection):
    pass


# What records and replays conversations, as VCR does, puts a class of its own in urllib3's place.
# It is looked up when a connection is made, and then takes the place of ours too.


class _HTTPPool(urllib3.HTTPConnectionPool):
    @property
    def ConnectionCls(self) -> Any:  # type: ignore[override]  # noqa: N802
        current = urllib3.HTTPConnectionPool.ConnectionCls
        return _BoundedHTTPConnection if current is HTTPConnection else current


class _HTTPSPool(urllib3.HTTPSConnectionPool):
    @property
    def ConnectionCls(self) -> Any:  # type: ignore[override]  # noqa: N802
        current = urllib3.HTTPSConnectionPool.ConnectionCls
        return _BoundedHTTPSConnection if current is HTTPSConnection else current


_POOLS = {"http": _HTTPPool, "https": _HTTPSPool}


class _BoundedAdapter(HTTPAdapter):
    """requests' adapter with pools of bounded connections."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **kwargs)
        if not proxy.lower().startswith("socks"):
            manager.pool_classes_by_scheme = _POOLS
        return manager


# ------------------------------------------------------------------------- failures in words

# What the libraries below raise for what servers and networks do.
_TRANSLATED = (
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    urllib3.exceptions.ProxySchemeUnsupported,
    http.client.HTTPException,
    OSError,
)


def _translate(error: BaseException) -> str:
    """Return one plain line for a foreign exception."""
    causes = list(_causes(error))
    for kind, text in _PLAIN:
        if any(isinstance(cause, kind) for cause in causes):
            return text
    return f"{type(causes[-1]).__name__}: {causes[-1]}"


def _causes(error: BaseException) -> list[BaseException]:
    """Return the exception and those it wraps, outermost first."""
    found: list[BaseException] = []
    queue = [error]
    while queue:
        current = queue.pop(0)
        if current not in found:
            found.append(current)
            inner = [current.__cause__, current.__context__, getattr(current, "reason", None)]
            queue += [e for e in (*inner, *current.args) if isinstance(e, BaseException)]
    return found


# The first that fits any of the causes, so the more telling ones stand before the others.
_PLAIN: tuple[tuple[type[BaseException], str], ...] = (
    (socket.gaierror, "the server's name could not be resolved"),
    (urllib3.exceptions.NameResolutionError, "the server's name could not be resolved"),
    (ConnectionRefusedError, "the connection was refused"),
    (requests.exceptions.SSLError, "the server's certificate or encryption could not be verified"),
    (urllib3.exceptions.SSLError, "the server's certificate or encryption could not be verified"),
    (requests.exceptions.ProxyError, "the proxy could not be reached or refused"),
    (urllib3.exceptions.ProxyError, "the proxy could not be reached or refused"),
    (http.client.RemoteDisconnected, "the server closed the connection without an answer"),
    (ConnectionResetError, "the connection was reset"),
    (BrokenPipeError, "the connection was reset"),
    (ConnectionAbortedError, "the connection was reset"),
    (requests.exceptions.ConnectTimeout, "the server could not be reached in time"),
    (urllib3.exceptions.ConnectTimeoutError, "the server could not be reached in time"),
    (urllib3.exceptions.InvalidChunkLength, "the body broke off: its chunks are damaged"),
    (urllib3.exceptions.IncompleteRead, "the body broke off"),
    (http.client.IncompleteRead, "the body broke off"),
    (http.client.BadStatusLine, "the answer is not HTTP"),
    (TimeoutError, "no answer came in time"),
    (urllib3.exceptions.TimeoutError, "no answer came in time"),
)
