"""Responses, and how they are written to a connection."""

from __future__ import annotations

import json
import re
import select
import socket
import struct
import time
from dataclasses import dataclass, field
from email.utils import formatdate
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

SERVER = "sdss_cutout-sandbox/SIMULATED"
_UNPRINTABLE = re.compile(r"[^\x20-\x7e]")


class DisconnectedError(OSError):
    """The client closed the connection, or the sandbox is closing."""


@dataclass(slots=True)
class Response:
    """What an HTTP server sends."""

    status: int
    body: bytes
    content_type: str = "image/jpeg"
    reason: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    version: str = "HTTP/1.1"

    @property
    def ends_connection(self) -> bool:
        """Whether a client must expect the connection to end after this."""
        return self.version == "HTTP/1.0" or self.headers.get("Connection") == "close"

    def head(self, length: int | None = -1) -> bytes:
        """Status line and headers; Content-Length is true for -1, left out for None."""
        reason = _UNPRINTABLE.sub("?", self.reason or HTTPStatus(self.status).phrase)
        lines = [f"{self.version} {self.status} {reason}", f"Server: {SERVER}"]
        lines.append(f"Date: {http_date(time.time())}")
        if self.content_type:
            lines.append(f"Content-Type: {self.content_type}")
        if length is not None:
            lines.append(f"Content-Length: {len(self.body) if length < 0 else length}")
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def html(status: int, text: str, **headers: str) -> Response:
    """A page."""
    return Response(status, text.encode(), "text/html; charset=utf-8", headers=headers)


def json_response(status: int, value: Any) -> Response:
    """A value as JSON."""
    return Response(status, json.dumps(value).encode(), "application/json; charset=utf-8")


def error_json(status: int, message: str) -> Response:
    """The server's JSON error (S: CustomFilter.cs)."""
    return json_response(
        status,
        {
            "ErrorCode": status,
            "ErrorType": HTTPStatus(status).phrase.replace(" ", ""),
            "ErrorMessage": message,
            "LogMessageID": None,
            "LogTime": "2000-01-01T00:00:00",
        },
    )


def http_date(when: float) -> str:
    """RFC 9110's form of a time."""
    return formatdate(when, usegmt=True)


def is_connected(connection: socket.socket) -> bool:
    """Whether the other side of a connection is still there."""
    try:
        readable = select.select([connection], [], [], 0)[0]
        return not readable or bool(connection.recv(1, socket.MSG_PEEK))
    except (OSError, ValueError):
        return False


class ResponseWriter:
    """Writes one response to a connection.

    Parameters
    ----------
    connection : socket.socket
        The connection to the client.
    on_status : callable
        Called with the status before it is sent, and with 0 if sending it failed.
    on_finish : callable
        Called before the client can know that the response is complete.

    Attributes
    ----------
    keep_alive : bool
        Whether another request may follow on the connection.
    """

    def __init__(
        self,
        connection: socket.socket,
        on_status: Callable[[int], None],
        on_finish: Callable[[], None],
    ) -> None:
        self._connection = connection
        self.on_status: Callable[[int], None] = on_status
        self.on_finish: Callable[[], None] = on_finish
        self.keep_alive: bool = True

    def send(self, response: Response) -> None:
        """Send a whole response in one piece."""
        data = response.head() + response.body
        self.keep_alive = self.keep_alive and not response.ends_connection
        self.on_status(response.status)
        self.on_finish()
        try:
            self.write(data)
        except DisconnectedError:
            self.on_status(0)
            raise

    def write(self, data: bytes) -> None:
        """Send bytes."""
        try:
            self._connection.sendall(data)
        except OSError as error:
            self.keep_alive = False
            raise DisconnectedError(str(error)) from error

    def wait(self, seconds: float | None) -> None:
        """Wait while the client is connected; without a limit if ``seconds`` is None."""
        end = None if seconds is None else time.monotonic() + seconds
        while end is None or end > time.monotonic():
            left = None if end is None else max(0.0, end - time.monotonic())
            try:
                readable = select.select([self._connection], [], [], left)[0]
                if readable and not self._connection.recv(1, socket.MSG_PEEK):
                    raise DisconnectedError("the client closed the connection")
            except (OSError, ValueError) as error:
                self.keep_alive = False
                raise DisconnectedError(str(error)) from error
            if readable:  # a client that already sends its next request is still connected
                time.sleep(min(0.05, left if left is not None else 0.05))

    def close_after(self) -> None:
        """Close the connection in order after what is written next."""
        self.on_finish()
        self.keep_alive = False

    def reset(self) -> None:
        """Close it with a TCP reset, which a socket that must not linger sends."""
        self.close_after()
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
