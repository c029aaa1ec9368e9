"""A server with one thread per connection, which reads requests and has them answered."""

from __future__ import annotations

import contextlib
import socket
import threading
from http.server import BaseHTTPRequestHandler
from socketserver import TCPServer
from typing import TYPE_CHECKING, Any, cast

from sdss_cutout.sandbox.http.request import Request
from sdss_cutout.sandbox.http.response import SERVER, Response

if TYPE_CHECKING:
    from collections.abc import Callable

    # Writes the response to a request; returns whether another may follow.
    Respond = Callable[[Request, socket.socket], bool]

MOST_POSTED = 2**20  # bytes of a body that are read


class Server(TCPServer):
    """Listens at an address, and calls ``respond`` for each request."""

    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], respond: Respond) -> None:
        self.respond = respond
        self._open: dict[socket.socket, threading.Thread] = {}
        self._lock = threading.Lock()
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Start a thread for a connection."""
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
            # Clients that close the connection in the middle are normal here.
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
    """Reads the requests of one connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request.parse(self.command, self.path, self._read_body(), headers)
        if not cast("Server", self.server).respond(request, self.connection):
            self.close_connection = True

    do_POST = do_HEAD = do_PUT = do_DELETE = do_GET  # noqa: N815

    def _read_body(self) -> bytes:
        """The body of a POST: if it is not read, it is taken for the next request."""
        length = self.headers.get("Content-Length", "0")
        size = int(length) if length.isdigit() else 0
        if size > MOST_POSTED:
            self.close_connection = True
            return b""
        return self.rfile.read(size)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Respond to what is not valid HTTP."""
        del explain
        self.close_connection = True
        response = Response(
            code, (message or "").encode(), "text/plain", headers={"Connection": "close"}
        )
        self.wfile.write(response.head() + response.body)

    def log_message(self, *_: Any) -> None:
        """Print nothing."""

    def version_string(self) -> str:
        """The value of the ``Server`` header."""
        return SERVER
