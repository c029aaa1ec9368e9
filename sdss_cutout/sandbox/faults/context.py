"""What a fault needs to know, and what all faults can do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from sdss_cutout.sandbox.http.response import Response, ResponseWriter


@dataclass(slots=True)
class FaultContext:
    """What a fault needs to know of the request that it is injected into.

    Attributes
    ----------
    size : tuple of int
        Width and height of the picture that was requested.
    correct_response : callable
        Makes the response that the request would have without the fault.
    """

    writer: ResponseWriter
    target: str
    size: tuple[int, int]
    command: str
    correct_response: Callable[[], Response]


def with_ending(response: Response, options: dict[str, Any]) -> Response:
    """Let a response end the connection, if the options say so."""
    if options["http10"]:
        response.version = "HTTP/1.0"
    if options["close"]:
        response.headers["Connection"] = "close"
    return response
