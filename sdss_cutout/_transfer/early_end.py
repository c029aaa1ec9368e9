"""Ends a run early where no connection to the server can be made."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from sdss_cutout._transfer.classify import Answer, fault

__all__ = ["EarlyEnd"]


class EarlyEnd:
    """Notices that the first targets all fail for the same reason of connection.

    The run ends then, as the others would fail too. A short interruption does not end it: the
    first targets have all their attempts, or have been tried for some seconds at least.

    Parameters
    ----------
    clock : callable, optional
        The time in seconds.
    """

    _TARGETS = 20
    _SECONDS = 5.0

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.reason = ""  # why the run has ended; empty while it has not
        self._clock = clock
        self._lock = threading.Lock()
        self._undecided = True
        self._seen = ""
        self._began = 0.0
        self._failed: set[int] = set()
        self._given_up: set[int] = set()

    def note(self, index: int, answer: Answer, *, is_last: bool) -> bool:
        """Note the answer to a target's attempt; return whether the run ends with it."""
        if not self._undecided:
            return False
        with self._lock:
            if not answer.unreachable or self._seen not in ("", answer.message):
                self._undecided = False
                return False
            if not self._seen:
                self._seen, self._began = answer.message, self._clock()
            self._failed.add(index)
            if is_last:
                self._given_up.add(index)
            tried = self._clock() - self._began >= self._SECONDS
            if len(self._failed if tried else self._given_up) >= self._TARGETS:
                self.reason, self._undecided = self._seen, False
            return bool(self.reason)

    def answer(self) -> Answer:
        """Return the answer for a target that is not tried any more."""
        message = (
            f"not tried: the first {self._TARGETS} targets failed because {self.reason}; "
            "run again to go on"
        )
        return fault(message, unreachable=True)
