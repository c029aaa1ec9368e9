"""Bounds the whole of one attempt, from the resolution of the name to the last byte of the body.

The ``timeout`` of requests bounds one address while connecting, and one read of the socket after
that: a name with several silent addresses takes a multiple of it, and a server that sends a byte
now and then keeps a thread busy for ever.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator

__all__ = ["Deadline", "Watchdog", "current_deadline"]

_current = threading.local()


def current_deadline() -> Deadline:
    """Return the deadline of the attempt that this thread makes."""
    deadline: Deadline = _current.deadline
    return deadline


class Deadline:
    """When one attempt must be over, and the means to end it.

    Parameters
    ----------
    seconds : float
        How long the attempt may take as a whole.

    Attributes
    ----------
    connected : bool
        Whether a connection to the server has been made.
    ended_by : str
        Why the attempt was ended before the response was complete; empty if it was not.
    """

    def __init__(self, seconds: float) -> None:
        self.connected = False
        self.ended_by = ""
        self.seconds = seconds
        self._at = time.monotonic() + seconds
        self._connecting: _Connecting | None = None
        self._socket: socket.socket | None = None

    def connect(self, connect: Callable[[], None], close: Callable[[], None]) -> None:
        """Open a connection within the time that is left.

        Parameters
        ----------
        connect : callable
            Opens the connection.
        close : callable
            Closes one that comes too late.

        Raises
        ------
        TimeoutError
            If there is none when the time is over, or when the attempt is ended.
        """
        self._connecting = connecting = _Connecting(connect, close)
        if not connecting.wait(0 if self.ended_by else self._at - time.monotonic()):
            self.ended_by = self.ended_by or (
                f"the server could not be reached within {self.seconds:g} s"
            )
            raise TimeoutError(self.ended_by)
        self._connecting = None

    def attach(self, sock: socket.socket | None) -> None:
        """Note the socket of the attempt's connection.

        It is kept here because http.client lets go of it once the headers say that the connection
        ends with the body, while the body is still being read from it.
        """
        self.connected = True
        self._socket = sock
        if self.ended_by:  # before there was a socket
            self.end(self.ended_by)

    def end(self, why: str) -> None:
        """End the attempt now: wake the thread that connects or reads."""
        self.ended_by = self.ended_by or why
        if self._connecting is not None:
            self._connecting.interrupt()
        if self._socket is not None:
            with contextlib.suppress(OSError):  # closed already
                # Not SSLSocket's own method, which drops the TLS state that its reader uses.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def check(self, now: float) -> None:
        """End the attempt if its time is over."""
        if self.ended_by:
            self.end(self.ended_by)  # the connection may have come only now
        elif now >= self._at and self._connecting is None:
            self.end(f"the response was incomplete after {self.seconds:g} s")


class _Connecting:
    """A connection that a thread of its own opens, as nothing else bounds that as a whole.

    Neither the resolution of a name can be interrupted, nor the list of addresses that are tried
    one by one. A thread that takes too long is left to itself, and closes what it then has opened.
    """

    def __init__(self, connect: Callable[[], None], close: Callable[[], None]) -> None:
        self._connect = connect
        self._close = close
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._done = self._abandoned = False
        self._error: BaseException | None = None
        threading.Thread(target=self._work, name="sdss_cutout-connect", daemon=True).start()

    def _work(self) -> None:
        try:
            self._connect()
        except BaseException as error:
            self._error = error
        with self._lock:
            self._done = True
        self._over.set()
        if self._abandoned:
            self._close()

    def wait(self, seconds: float) -> bool:
        """Wait for the connection; return whether it is there, or raise why it cannot be."""
        self._over.wait(max(0.0, seconds))
        with self._lock:
            self._abandoned = not self._done
        if self._done and self._error is not None:
            raise self._error
        return self._done

    def interrupt(self) -> None:
        """Let the thread go that waits."""
        self._over.set()


class Watchdog:
    """Ends the attempts of one run at their deadlines; one thread looks after all of them."""

    _LOOK_EVERY = 0.1

    def __init__(self) -> None:
        self._deadlines: dict[int, Deadline] = {}
        self._stopped = threading.Event()
        self._why = ""
        self._thread = threading.Thread(target=self._look, name="sdss_cutout-watchdog", daemon=True)
        self._thread.start()

    @contextlib.contextmanager
    def attempt(self, seconds: float) -> Iterator[Deadline]:
        """Return a context within which this thread makes an attempt that may take this long."""
        deadline = _current.deadline = Deadline(seconds)
        self._deadlines[threading.get_ident()] = deadline
        if self._stopped.is_set():
            deadline.end(self._why)
        try:
            yield deadline
        finally:
            del _current.deadline
            del self._deadlines[threading.get_ident()]

    def stop(self, why: str = "the run was ended") -> None:
        """End all attempts, and the thread that looks after them."""
        # First, as an attempt may begin at this moment: it is ended here, or where it begins.
        self._why = why
        self._stopped.set()
        for deadline in list(self._deadlines.values()):
            deadline.end(why)

    def join(self) -> None:
        """Wait for the thread."""
        self._thread.join()

    def _look(self) -> None:
        while not self._stopped.wait(self._LOOK_EVERY):
            now = time.monotonic()
            for deadline in list(self._deadlines.values()):
                deadline.check(now)
