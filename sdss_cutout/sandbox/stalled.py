"""A server that stalls before it gets as far as HTTP."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

STAGES: dict[str, str] = {
    "connect": "the TCP connection is never established: no answer to the first packet",
    "handshake": "the connection is established, and nothing is ever sent on it",
    "slow_handshake": "the TLS handshake comes a byte every `delay` seconds, and never ends",
}
_FILLERS = 16  # connections that fill the queue; 2 are enough on Linux
# The beginning of a TLS record of 16 kB with a server's hello: the client waits for the rest.
_RECORD_HEAD = b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc\x03\x03"


class StalledServer:
    """A server on the loopback interface that never gets as far as HTTP.

    Parameters
    ----------
    stage : {"connect", "handshake", "slow_handshake"}
        Where it stalls: while connecting, after connecting, or in a slow TLS handshake.
    delay : float
        Seconds between two bytes of the slow handshake.

    Attributes
    ----------
    port : int
        The port of 127.0.0.1 that it listens on.

    Examples
    --------
    >>> from astropy.coordinates import SkyCoord
    >>> from sdss_cutout import SDSSCutouts
    >>> from sdss_cutout.sandbox import StalledServer
    >>> with StalledServer("handshake") as server:
    ...     client = SDSSCutouts(base_url=server.base_url, timeout=0.2, max_attempts=1)
    ...     report = client.get(SkyCoord([19.0], [0.0], unit="deg"))
    >>> report[0].status
    'failed'
    """

    port: int

    def __init__(self, stage: str = "connect", *, delay: float = 0.05) -> None:
        if stage not in STAGES:
            raise ValueError(f"stage {stage!r} is not one of {', '.join(STAGES)}")
        self._stage, self._delay = stage, delay
        self._closed = threading.Event()
        self._connections: list[socket.socket] = []
        self._listener = socket.create_server(
            ("127.0.0.1", 0), backlog=0 if stage == "connect" else 64
        )
        self.port = int(self._listener.getsockname()[1])
        self._thread: threading.Thread | None = None
        if stage == "connect":
            self._fill_queue()
        elif stage == "slow_handshake":
            self._thread = threading.Thread(target=self._drip, name="stalled-server", daemon=True)
            self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self.close()

    @property
    def base_url(self) -> str:
        """The server's root URL: HTTPS if the handshake stalls."""
        scheme = "http" if self._stage == "connect" else "https"
        return f"{scheme}://127.0.0.1:{self.port}"

    def close(self) -> None:
        """End all connections and stop listening. May be called twice.

        Examples
        --------
        >>> from sdss_cutout.sandbox import StalledServer
        >>> server = StalledServer()
        >>> server.close()
        """
        self._closed.set()
        if self._thread is not None:
            self._thread.join()
        for connection in self._connections:
            connection.close()
        self._listener.close()

    def _fill_queue(self) -> None:
        """Connect until the queue of the listener is full: it drops what comes after."""
        for _ in range(_FILLERS):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", self.port))
            self._connections.append(filler)
            if not select.select([], [filler], [], 0.05)[1]:
                return
        self.close()
        raise OSError("this system does not let the queue of a listener fill up")

    def _drip(self) -> None:
        """Send the next byte on every connection, again and again."""
        self._listener.setblocking(False)
        sent: dict[socket.socket, int] = {}
        while not self._closed.wait(self._delay):
            with contextlib.suppress(BlockingIOError):
                connection, _ = self._listener.accept()
                self._connections.append(connection)
                sent[connection] = 0
            for connection, count in list(sent.items()):
                byte = _RECORD_HEAD[count : count + 1] or b"\x00"
                try:
                    connection.send(byte)
                except OSError:
                    del sent[connection]
                else:
                    sent[connection] = count + 1
