"""What follows an answer: the task is finished, tried again later, or sent to another URL. Pure."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace

from sdss_cutout._transfer.classify import Answer, Kind, fault
from sdss_cutout._transfer.rate_limiter import LONGEST_WAIT

__all__ = ["Finish", "Follow", "Retry", "Step", "delay_too_long", "next_step"]

_MOST_REDIRECTS = 5
_FIRST_WAIT, _LONGEST_BACKOFF = 0.5, 60.0


@dataclass(frozen=True, slots=True)
class Finish:
    """The task ends with this answer."""

    answer: Answer


@dataclass(frozen=True, slots=True)
class Retry:
    """The task is tried again after so many seconds."""

    after: float


@dataclass(frozen=True, slots=True)
class Follow:
    """The attempt goes on at another URL."""

    url: str


Step = Finish | Retry | Follow


def next_step(
    answer: Answer,
    *,
    attempts: int,
    redirects: int,
    max_attempts: int,
    jitter: Callable[[], float] = random.random,
) -> Step:
    """Return what follows an answer.

    Parameters
    ----------
    answer : Answer
        The answer to the last request.
    attempts : int
        Attempts so far, this one included.
    redirects : int
        How often this attempt has been redirected.
    max_attempts : int
        After so many attempts the task ends.
    jitter : callable
        Returns a number from 0 to 1, so that not all tasks are tried again at once.
    """
    if answer.kind is Kind.REDIRECT:
        if redirects < _MOST_REDIRECTS:
            return Follow(answer.location)
        answer = fault(f"more than {_MOST_REDIRECTS} redirects, one after the other")
    if answer.retry_after is not None and answer.retry_after > LONGEST_WAIT:
        return Finish(delay_too_long(answer.retry_after, answer))
    if answer.kind in (Kind.FAULT, Kind.OVERLOAD) and attempts < max_attempts:
        backoff = min(_FIRST_WAIT * 2.0 ** min(attempts - 1, 30), _LONGEST_BACKOFF)
        return Retry(backoff + _FIRST_WAIT * jitter())
    return Finish(answer)


def delay_too_long(seconds: float, answer: Answer | None = None) -> Answer:
    """Return the answer for a task that a long Retry-After ends."""
    message = (
        f"the server asks for a delay of {seconds:.0f} s (Retry-After), more than the "
        f"{LONGEST_WAIT:.0f} s that are waited for; try again later"
    )
    if answer is None:
        return Answer(kind=Kind.REFUSED, message=message)
    return replace(answer, kind=Kind.REFUSED, message=f"{answer.message}; {message}")
