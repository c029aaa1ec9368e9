"""The sandbox as a server on 127.0.0.1: connections, threads, log, faults, control routes."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler
from socketserver import TCPServer
from typing import TYPE_CHECKING, Any, cast

from sdss_cutout.sandbox import control, mischief, projection
from sdss_cutout.sandbox.faults import HOP, LOOP, Fault, FaultBook
from sdss_cutout.sandbox.log import RequestLog, RequestRecord
from sdss_cutout.sandbox.request import Request
from sdss_cutout.sandbox.site import Site
from sdss_cutout.sandbox.wire import (
    SERVER,
    Answer,
    GoneError,
    Wire,
    error_json,
    listens,
)

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from numpy.typing import ArrayLike

    from sdss_cutout.sandbox.sky import Sky
    from sdss_cutout.sandbox.survey.fields import Survey

MOST_POSTED = 2**20  # bytes that a control route reads


class Sandbox:
    """A stand-in SkyServer on 127.0.0.1, with a synthetic sky and faults on demand.

    Parameters
    ----------
    port : int
        0 takes any that is free.
    fast : bool
        Serve small pictures made beforehand, the same everywhere, and keep numbers of requests
        only: for tests of endurance.
    outside_status : {404, 200}
        How pictures without imaging are answered; servers before 2017-03 said 200.
    queries_per_minute : int, optional
        Refuse SQL beyond this number in any minute, as the real server does beyond 60.
    noise : bool
        Whether frames have noise. Without it their pixels are the exact light of the sources.
    frame_shape : tuple of int
        Rows and columns of a frame. Smaller ones than SDSS's are made faster; the whole survey's
        geometry is scaled down with them.

    Examples
    --------
    >>> from sdss_cutout.sandbox import Sandbox
    >>> with Sandbox() as sandbox:
    ...     sandbox.base_url.startswith("http://127.0.0.1:")
    True
    """

    def __init__(
        self, port: int = 0, *, fast: bool = False, outside_status: int = 404,
        queries_per_minute: int | None = None, noise: bool = True,
        frame_shape: tuple[int, int] = (1489, 2048),
    ) -> None:  # fmt: skip
        self.site = Site(
            fast=fast, outside_status=outside_status, queries_per_minute=queries_per_minute,
            noise=noise, frame_shape=frame_shape,
        )  # fmt: skip
        self.faults = FaultBook()
        self.log = RequestLog(counters_only=fast)
        self._server = _Server(("127.0.0.1", port), self)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="sandbox", daemon=True
        )
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self.close()

    def close(self) -> None:
        """Stop listening, end every connection, wait for every thread. May be called twice.

        Examples
        --------
        >>> from sdss_cutout.sandbox import Sandbox
        >>> sandbox = Sandbox()
        >>> sandbox.close()
        """
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self.site.catalogue.close()
        self._server.close_all()

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._server.server_address[1])

    @property
    def base_url(self) -> str:
        """What stands in place of ``https://skyserver.sdss.org``."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def frames_url(self) -> str:
        """What stands in place of ``https://data.sdss.org/sas``."""
        return f"{self.base_url}/sas"

    @property
    def survey(self) -> Survey:
        """The truth of runs and fields: ``survey.covering(ra, dec)``, the primary one first."""
        return self.site.archive.survey

    @property
    def sky(self) -> Sky:
        """The truth: ``sky.near(ra, dec, radius_deg)``."""
        return self.site.sky

    @property
    def requests(self) -> list[RequestRecord]:
        """All requests but those of the control routes; empty in fast mode."""
        return self.log.records

    @property
    def picture_requests(self) -> list[RequestRecord]:
        """Those for pictures."""
        return [record for record in self.requests if record.kind == "picture"]

    @property
    def sql_requests(self) -> list[RequestRecord]:
        """Those with queries."""
        return [record for record in self.requests if record.kind == "sql"]

    @property
    def frame_requests(self) -> list[RequestRecord]:
        """Those for frames."""
        return [record for record in self.requests if record.kind == "frame"]

    @property
    def field_requests(self) -> list[RequestRecord]:
        """Those that search for fields."""
        return [record for record in self.requests if record.kind == "fields"]

    @property
    def counts(self) -> dict[str, Any]:
        """Numbers of requests by kind and status, in fast mode too."""
        return self.log.counts()

    @property
    def max_in_flight(self) -> int:
        """The most picture requests that were under way at one time."""
        return self.log.max_in_flight("picture")

    @property
    def max_frames_in_flight(self) -> int:
        """The most frame requests that were under way at one time."""
        return self.log.max_in_flight("frame")

    def inject(self, *faults: Fault) -> None:
        """Put faults in force, after those that are; the first that fits a request hits it.

        Parameters
        ----------
        *faults : Fault
            What is to go wrong.

        Examples
        --------
        >>> from astropy.coordinates import SkyCoord
        >>> from sdss_cutout import SDSSCutouts
        >>> from sdss_cutout.sandbox import Fault, Sandbox
        >>> with Sandbox() as sandbox:
        ...     sandbox.inject(Fault("service_unavailable", times=1))
        ...     client = SDSSCutouts(base_url=sandbox.base_url)
        ...     client.get(SkyCoord(19.0, 0.0, unit="deg"), size=64).attempts
        2
        """
        for fault in faults:
            self.faults.add(fault)

    def reset(self) -> None:
        """Forget requests and faults.

        Examples
        --------
        >>> from sdss_cutout.sandbox import Sandbox
        >>> with Sandbox() as sandbox:
        ...     sandbox.reset()
        ...     sandbox.requests
        []
        """
        self.faults.replace([])
        self.log.clear()

    @staticmethod
    def pixel_of(
        ra: ArrayLike, dec: ArrayLike, ra0: float, dec0: float,
        scale: float, width: int, height: int,
    ) -> tuple[Any, Any]:  # fmt: skip
        """Where positions are in a picture, by the server's own formula.

        Parameters
        ----------
        ra, dec : array_like
            Positions in degrees.
        ra0, dec0 : float
            The requested position in degrees.
        scale : float
            Arcseconds per pixel.
        width, height : int
            Size of the picture in pixels.

        Returns
        -------
        tuple of ndarray or float
            The x and the y, 0-based. Centres of pixels have whole numbers; row 0 is the
            northern edge.

        Examples
        --------
        >>> from sdss_cutout.sandbox import Sandbox
        >>> x, y = Sandbox.pixel_of(19.0, 0.01, 19.0, 0.0, scale=0.4, width=200, height=200)
        >>> print(f"{x:.1f} {y:.1f}")
        100.0 10.0
        """
        return projection.pixel_of(ra, dec, ra0, dec0, scale, width, height)


class _Server(TCPServer):
    """One thread per connection; closing ends all of them."""

    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self._open: dict[socket.socket, threading.Thread] = {}
        self._lock = threading.Lock()
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        thread = threading.Thread(
            target=self._serve, args=(request, client_address), name="sandbox-connection",
            daemon=True,
        )  # fmt: skip
        thread.start()
        with self._lock:  # threads stay listed to their very end, so that closing waits for it
            self._open = {key: old for key, old in self._open.items() if old.is_alive()}
            self._open[request] = thread

    def _serve(self, request: socket.socket, client_address: Any) -> None:
        try:
            # A client that leaves in the middle is daily bread here, not worth a traceback.
            with contextlib.suppress(OSError):
                self.finish_request(request, client_address)
        finally:
            request.close()  # not shutdown_request: after a RST there must be no FIN

    def close_all(self) -> None:
        """Close the listening socket and every connection, and join the threads."""
        self.server_close()
        with self._lock:
            still_open = dict(self._open)
            for connection in still_open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        for thread in still_open.values():
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    """Reads requests of one connection and has them answered."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._exchange()

    do_POST = do_HEAD = do_PUT = do_DELETE = do_GET  # noqa: N815

    def _exchange(self) -> None:
        sandbox = cast("_Server", self.server).sandbox
        content_type = self.headers.get("Content-Type", "")
        request = Request.parse(self.command, self.path, self._read_posted(), content_type)
        if request.route == "control":
            wire = Wire(self.connection, lambda _: None, lambda: None)
            self._finish(wire, lambda: wire.send(control.answer(sandbox, request)))
            return
        self._logged(sandbox, request)

    def _logged(self, sandbox: Sandbox, request: Request) -> None:
        fault, name = _chosen(sandbox.faults, request)
        record = RequestRecord(
            time=time.monotonic(), kind=request.kind, method=request.method, path=request.path,
            query=request.fields, status=0, fault=name,
            user_agent=self.headers.get("User-Agent", ""),
        )  # fmt: skip
        log = sandbox.log
        number = log.begin(record, lambda: listens(self.connection))
        wire = Wire(
            self.connection,
            on_status=lambda status: log.settle(number, status, name),
            on_last=lambda: log.land(number),
        )
        try:
            self._finish(wire, lambda: _respond(sandbox.site, request, fault, wire))
        finally:
            log.end(number)

    def _finish(self, wire: Wire, work: Any) -> None:
        try:
            work()
        except GoneError:
            wire.keep = False
        except Exception as error:
            wire.keep = False
            wire.send(error_json(500, f"{type(error).__name__}: {error}"))
            raise
        if not wire.keep:
            self.close_connection = True

    def _read_posted(self) -> bytes:
        """The body of a POST: unread, it would be taken for the next request."""
        length = self.headers.get("Content-Length", "0")
        size = int(length) if length.isdigit() else 0
        if size > MOST_POSTED:
            self.close_connection = True
            return b""
        return self.rfile.read(size)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer what is no HTTP."""
        del explain
        self.close_connection = True
        answer = Answer(
            code, (message or "").encode(), "text/plain", headers={"Connection": "close"}
        )
        self.wfile.write(answer.head() + answer.body)

    def log_message(self, *_: Any) -> None:
        """Print nothing."""

    def version_string(self) -> str:
        """Say what this is."""
        return SERVER


def _chosen(book: FaultBook, request: Request) -> tuple[Fault | None, str | None]:
    """The fault that hits a request; those that follow our own redirects are not hit again."""
    if LOOP in request.query:
        return None, "redirect_loop"
    fault = None if HOP in request.query else book.choose(request.kind, request.target)
    return fault, fault.name if fault else None


def _respond(site: Site, request: Request, fault: Fault | None, wire: Wire) -> None:
    victim = mischief.Victim(
        wire=wire, target=request.target, size=site.size_of(request) if fault else (0, 0),
        command=request.command, right=lambda: site.answer(request),
    )  # fmt: skip
    if LOOP in request.query:
        wire.send(mischief.hop(victim, int(request.query[LOOP]) + 1))
    elif fault is None:
        wire.send(site.answer(request))
    else:
        mischief.commit(fault, victim)
