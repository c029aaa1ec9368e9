"""Has each request logged and answered, with the faults that are in force."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from sdss_cutout.sandbox import control
from sdss_cutout.sandbox.faults.context import FaultContext
from sdss_cutout.sandbox.faults.inject import inject_fault
from sdss_cutout.sandbox.faults.responses import redirect_again
from sdss_cutout.sandbox.faults.table import REDIRECT_LOOP, REDIRECTED, FaultBook
from sdss_cutout.sandbox.http.log import RequestLog, RequestRecord
from sdss_cutout.sandbox.http.response import (
    DisconnectedError,
    ResponseWriter,
    error_json,
    is_connected,
)

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from sdss_cutout.sandbox.faults.table import Fault
    from sdss_cutout.sandbox.http.request import Request
    from sdss_cutout.sandbox.site import Site


class Responder:
    """Answers the requests of all connections.

    Attributes
    ----------
    faults : FaultBook
        The faults in force.
    log : RequestLog
        What was requested.
    """

    def __init__(self, site: Site, *, counters_only: bool) -> None:
        self._site = site
        self.faults: FaultBook = FaultBook()
        self.log: RequestLog = RequestLog(counters_only=counters_only)

    def respond(self, request: Request, connection: socket.socket) -> bool:
        """Write the response to a request; return whether another may follow."""
        if request.route != "control":
            return self._respond_and_log(request, connection)
        writer = ResponseWriter(connection, lambda _: None, lambda: None)
        return _write(writer, lambda: writer.send(control.answer(self.faults, self.log, request)))

    def _respond_and_log(self, request: Request, connection: socket.socket) -> bool:
        fault, name = _chosen(self.faults, request)
        record = RequestRecord(
            time=time.monotonic(), kind=request.kind, method=request.method, path=request.path,
            query=request.fields, status=0, fault=name,
            user_agent=request.headers.get("user-agent", ""),
        )  # fmt: skip
        log = self.log
        number = log.begin(record, lambda: is_connected(connection))
        writer = ResponseWriter(
            connection,
            on_status=lambda status: log.set_status(number, status, name),
            on_finish=lambda: log.finish_response(number),
        )
        try:
            return _write(writer, lambda: self._answer(request, fault, writer))
        finally:
            log.end(number)

    def _answer(self, request: Request, fault: Fault | None, writer: ResponseWriter) -> None:
        context = FaultContext(
            writer=writer, target=request.target,
            size=self._site.size_of(request) if fault else (0, 0),
            command=request.command, correct_response=lambda: self._site.answer(request),
        )  # fmt: skip
        if REDIRECT_LOOP in request.query:
            writer.send(redirect_again(context, int(request.query[REDIRECT_LOOP]) + 1))
        elif fault is None:
            writer.send(self._site.answer(request))
        else:
            inject_fault(fault, context)


def _write(writer: ResponseWriter, send: Callable[[], None]) -> bool:
    """Send a response; an error of the sandbox itself is a response, too."""
    try:
        send()
    except DisconnectedError:
        return False
    except Exception as error:
        writer.send(error_json(500, f"{type(error).__name__}: {error}"))
        raise
    return writer.keep_alive


def _chosen(book: FaultBook, request: Request) -> tuple[Fault | None, str | None]:
    """The fault for a request; none for those that follow one of the sandbox's redirects."""
    if REDIRECT_LOOP in request.query:
        return None, "redirect_loop"
    fault = None if REDIRECTED in request.query else book.choose(request.kind, request.target)
    return fault, fault.name if fault else None
