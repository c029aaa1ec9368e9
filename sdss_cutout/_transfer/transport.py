"""One request becomes one response. The only room that imports requests."""

from __future__ import annotations

import contextlib
import http.client
import importlib.metadata
import platform
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import requests
import urllib3
from requests.adapters import HTTPAdapter

from sdss_cutout._request.request import CutoutRequest
from sdss_cutout._transfer.classify import Response, largest_body

__all__ = ["HTTPTransport", "Transport", "bounded"]

USER_AGENT = (
    f"sdss_cutout/{importlib.metadata.version('sdss_cutout')} "
    f"python-requests/{importlib.metadata.version('requests')} Python/{platform.python_version()}"
)


class Transport(Protocol):
    """What sends a request; a fake one in tests is a few lines."""

    def send(self, request: CutoutRequest) -> Response:
        """Send one request and return what came; never raise for what the world does."""
        ...

    def abort(self) -> None:
        """End all attempts that are under way."""
        ...


class HTTPTransport:
    """Sends requests over pooled connections, each attempt within one bound on its time.

    Parameters
    ----------
    url : str
        Any URL of the server, for proxies and certificates, which are looked up once.
    connections : int
        How many connections to keep.
    timeout : float
        Seconds that one attempt may take as a whole, from the connection to the last byte.
    auth : tuple of str, optional
        User and password.
    """

    def __init__(
        self,
        url: str,
        *,
        connections: int,
        timeout: float,
        auth: tuple[str, str] | None = None,
    ) -> None:
        self._timeout = timeout
        self._watchdog = _Watchdog()
        self._adapter = _WatchedAdapter(self._watchdog, connections)
        with requests.Session() as session:
            # Coded bodies are not asked for: JPEG does not shrink, and unpacking is a risk.
            session.headers.clear()
            session.headers.update({"User-Agent": USER_AGENT, "Accept-Encoding": "identity"})
            session.auth = auth
            prepared = session.prepare_request(requests.Request("GET", url))
            self._headers: dict[str, Any] = dict(prepared.headers)
            settings = session.merge_environment_settings(url, {}, True, None, None)
        self._settings = {key: settings[key] for key in ("proxies", "verify", "cert")}
        # The watchdog is the one to end a read that takes too long, and to say so.
        self._socket_timeout = urllib3.Timeout(connect=timeout, read=timeout + 1)
        self._routes: dict[tuple[str, str], _Route] = {}

    def __enter__(self) -> HTTPTransport:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End what is under way and close the connections."""
        self._watchdog.stop()
        for route in self._routes.values():
            route.pool.close()  # urllib3 would leave that to the garbage collector
        self._adapter.close()

    def abort(self) -> None:
        """End all attempts that are under way; they become faults."""
        self._watchdog.abort()

    def send(self, request: CutoutRequest) -> Response:
        """Send one request; whatever happens to it becomes a `Response`."""
        with self._watchdog.attempt(self._timeout) as attempt:
            try:
                response = self._exchange(request.url, largest_body(request))
            except _TRANSLATED as error:
                return Response(failure=attempt.ended_by or _translate(error))
            except UnicodeError as error:
                return Response(failure=f"the answer's headers cannot be read: {error}")
        if attempt.ended_by:  # which can look like the end of a body without a length
            return Response(failure=attempt.ended_by)
        return response

    def _exchange(self, url: str, most: int) -> Response:
        scheme, _, host, path = url.split("/", 3)
        route = self._routes.get((scheme, host)) or self._find_route(scheme, host)
        # Straight to urllib3: the adapter's own `send` looks up proxies and certificates anew
        # and dresses each answer as a Response, which doubles the cost of a request (300 against
        # 570 microseconds).
        raw = route.pool.urlopen(
            "GET",
            url if route.absolute else f"/{path}",
            headers=self._headers,
            redirect=False,
            assert_same_host=False,
            preload_content=False,
            decode_content=False,
            retries=_NO_RETRIES,
            timeout=self._socket_timeout,
        )
        whole = False
        try:
            content = raw.read(most + 1, decode_content=False)
            whole = len(content) <= most
        finally:
            # What is not read to its end cannot carry another answer.
            (raw.release_conn if whole else raw.close)()
        if not whole:
            return Response(
                status=raw.status,
                failure=f"{raw.status} with a body of more than {most} bytes, which no picture of "
                "this size has",
            )
        return Response(
            status=raw.status, reason=str(raw.reason or ""), headers=raw.headers, content=content
        )

    def _find_route(self, scheme: str, host: str) -> _Route:
        """Ask requests how a host is reached: through which proxy, trusting which certificates."""
        url = f"{scheme}//{host}/"
        prepared = requests.Request("GET", url).prepare()
        proxies, verify, cert = (self._settings[key] for key in ("proxies", "verify", "cert"))
        pool = self._adapter.get_connection_with_tls_context(
            prepared, verify, proxies=proxies, cert=cert
        )
        self._adapter.cert_verify(pool, url, verify, cert)
        absolute = self._adapter.request_url(prepared, proxies) == url
        route = self._routes[scheme, host] = _Route(pool, absolute=absolute)
        return route


@dataclass(frozen=True, slots=True)
class _Route:
    """The connections to a host; some proxies are told the absolute URL."""

    pool: urllib3.HTTPConnectionPool
    absolute: bool


# As in requests' own adapter: attempts are counted elsewhere.
_NO_RETRIES = urllib3.Retry(0, read=False)


@contextlib.contextmanager
def bounded(
    session: requests.Session, timeout: float, auth: tuple[str, str] | None
) -> Iterator[None]:
    """Bound everything that a session does within the context to so many seconds.

    For astroquery's session: it gets our user agent and credentials too.
    """
    watchdog = _Watchdog()
    session.headers["User-Agent"] = f"{USER_AGENT} {session.headers['User-Agent']}"
    session.auth = auth
    for scheme in ("http://", "https://"):
        session.mount(scheme, _WatchedAdapter(watchdog, 1))
    try:
        with watchdog.attempt(timeout) as attempt:
            try:
                yield
            except _TRANSLATED as error:
                if getattr(error, "response", None) is not None:
                    raise
                raise OSError(attempt.ended_by or _translate(error)) from error
    finally:
        watchdog.stop()
        session.close()


# What the libraries below raise when the world misbehaves.
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


# The first that fits any of the causes, so that the more telling ones stand before the others.
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


# ----------------------------------------------------------------------- bound on time


class _Attempt:
    """One attempt's deadline and, once known, its connection."""

    def __init__(self, watchdog: _Watchdog, seconds: float) -> None:
        self._watchdog = watchdog
        self._seconds = seconds
        self.deadline = time.monotonic() + seconds
        self.connection: Any = None
        self.ended_by = ""

    def __enter__(self) -> _Attempt:
        self._watchdog.watch(self)
        return self

    def __exit__(self, *_: object) -> None:
        self._watchdog.forget()

    def end(self, why: str) -> None:
        """Shut the socket down, which wakes the thread that reads from it."""
        self.ended_by = why
        sock = getattr(self.connection, "sock", None)
        if isinstance(sock, socket.socket):
            with contextlib.suppress(OSError):  # closed already
                # Not SSLSocket's own method, which would pull the rug from under its reader.
                socket.socket.shutdown(sock, socket.SHUT_RDWR)

    def check(self, now: float) -> None:
        if self.ended_by:
            self.end(self.ended_by)  # the connection may have come only now
        elif now >= self.deadline:
            self.end(f"no whole answer came within {self._seconds:g} s")


class _Watchdog:
    """Ends attempts at their deadline.

    The ``timeout`` of requests bounds one read of the socket: a server that sends a byte now
    and then, be it of its headers, holds a thread for ever. One thread looks after all attempts.
    """

    _LOOK_EVERY = 0.1

    def __init__(self) -> None:
        self._attempts: dict[int, _Attempt] = {}
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def attempt(self, seconds: float) -> _Attempt:
        """Return a context within which an attempt may take this long."""
        return _Attempt(self, seconds)

    def watch(self, attempt: _Attempt) -> None:
        """Begin to look after an attempt of this thread."""
        self._attempts[threading.get_ident()] = attempt
        if self._thread is None:
            with self._lock:
                if self._thread is None:
                    self._thread = threading.Thread(
                        target=self._look, name="sdss_cutout-watchdog", daemon=True
                    )
                    self._thread.start()

    def connected(self, connection: Any) -> None:
        """Note the connection that this thread's attempt has got."""
        attempt = self._attempts.get(threading.get_ident())
        if attempt is not None:
            attempt.connection = connection

    def forget(self) -> None:
        """Let this thread's attempt go."""
        self._attempts.pop(threading.get_ident(), None)

    def abort(self) -> None:
        """End all attempts now."""
        for attempt in list(self._attempts.values()):
            attempt.end("the run was ended")

    def stop(self) -> None:
        """End all attempts and the thread."""
        self.abort()
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()

    def _look(self) -> None:
        while not self._stopped.wait(self._LOOK_EVERY):
            now = time.monotonic()
            for attempt in list(self._attempts.values()):
                attempt.check(now)


class _WatchedAdapter(HTTPAdapter):
    """An adapter whose pools tell the watchdog which connection a thread uses."""

    def __init__(self, watchdog: _Watchdog, connections: int) -> None:
        self._pools = {
            scheme: type(f"Watched{pool.__name__}", (_WatchedPool, pool), {"watchdog": watchdog})
            for scheme, pool in (
                ("http", urllib3.HTTPConnectionPool),
                ("https", urllib3.HTTPSConnectionPool),
            )
        }
        super().__init__(pool_maxsize=connections, max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = self._pools

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **kwargs)
        if not proxy.lower().startswith("socks"):
            manager.pool_classes_by_scheme = self._pools
        return manager


class _WatchedPool:
    watchdog: _Watchdog

    def _get_conn(self, timeout: float | None = None) -> Any:
        connection = super()._get_conn(timeout)  # type: ignore[misc]
        self.watchdog.connected(connection)
        return connection
