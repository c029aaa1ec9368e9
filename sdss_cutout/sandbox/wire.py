"""Answers, and the wire under them that faults can maltreat."""

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


class GoneError(OSError):
    """The client left, or the sandbox closes."""


@dataclass(slots=True)
class Answer:
    """What an HTTP server says."""

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


def html(status: int, text: str, **headers: str) -> Answer:
    """A page."""
    return Answer(status, text.encode(), "text/html; charset=utf-8", headers=headers)


def json_answer(status: int, value: Any) -> Answer:
    """A value as JSON."""
    return Answer(status, json.dumps(value).encode(), "application/json; charset=utf-8")


def error_json(status: int, message: str) -> Answer:
    """The server's JSON error (S: CustomFilter.cs)."""
    return json_answer(
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


def listens(connection: socket.socket) -> bool:
    """Whether the other side of a connection is still there."""
    try:
        readable = select.select([connection], [], [], 0)[0]
        return not readable or bool(connection.recv(1, socket.MSG_PEEK))
    except (OSError, ValueError):
        return False


class Wire:
    """One connection while one answer is sent on it.

    Parameters
    ----------
    connection : socket.socket
        Where the client listens.
    on_status : callable
        Told the status before it is sent, and 0 if sending it failed.
    on_last : callable
        Called before the client can know that this was all.
    """

    def __init__(
        self,
        connection: socket.socket,
        on_status: Callable[[int], None],
        on_last: Callable[[], None],
    ) -> None:
        self.connection = connection
        self.status, self.last = on_status, on_last
        self.keep = True  # whether another request may follow

    def send(self, answer: Answer) -> None:
        """Send a whole answer in one piece."""
        data = answer.head() + answer.body
        self.keep = self.keep and not answer.ends_connection
        self.status(answer.status)
        self.last()
        try:
            self.write(data)
        except GoneError:
            self.status(0)
            raise

    def write(self, data: bytes) -> None:
        """Send bytes."""
        try:
            self.connection.sendall(data)
        except OSError as error:
            self.keep = False
            raise GoneError(str(error)) from error

    def wait(self, seconds: float | None) -> None:
        """Pass time, but not longer than anybody listens."""
        end = None if seconds is None else time.monotonic() + seconds
        while end is None or end > time.monotonic():
            left = None if end is None else max(0.0, end - time.monotonic())
            try:
                readable = select.select([self.connection], [], [], left)[0]
                if readable and not self.connection.recv(1, socket.MSG_PEEK):
                    raise GoneError("the other side left")
            except (OSError, ValueError) as error:
                self.keep = False
                raise GoneError(str(error)) from error
            if readable:  # a client that already sends its next request still listens
                time.sleep(min(0.05, left if left is not None else 0.05))

    def hang_up(self) -> None:
        """End the connection in order after what is sent next."""
        self.last()
        self.keep = False

    def reset(self) -> None:
        """End it with a RST: closing a socket that must not linger."""
        self.last()
        self.keep = False
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
