"""Faults in how a response is sent: cut, slow, endless, or not at all."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from sdss_cutout.sandbox.faults.context import with_ending
from sdss_cutout.sandbox.http.response import Response

if TYPE_CHECKING:
    from collections.abc import Callable

    from sdss_cutout.sandbox.faults.context import FaultContext
    from sdss_cutout.sandbox.http.response import ResponseWriter

_BLOCK = bytes(2**16)


def _reset_before(context: FaultContext, _options: dict[str, Any]) -> None:
    context.writer.reset()


def _begin(
    context: FaultContext, options: dict[str, Any], response: Response, length: int | None
) -> None:
    """Send the headers of a response whose body the fault sends itself."""
    with_ending(response, options)
    ends = "Transfer-Encoding" in response.headers or response.ends_connection
    if length is None and not ends:
        response.headers["Connection"] = "close"
    context.writer.keep_alive = context.writer.keep_alive and not response.ends_connection
    context.writer.write(response.head(length))


def _half(context: FaultContext, options: dict[str, Any], length: int | None) -> None:
    response = context.correct_response()
    _begin(context, options, response, length)
    context.writer.write(response.body[: len(response.body) // 2])


def _reset_in_body(context: FaultContext, options: dict[str, Any]) -> None:
    _half(context, options, -1)
    time.sleep(0.01)  # a reset at once could overtake the half that was sent
    context.writer.reset()


def _short(context: FaultContext, options: dict[str, Any]) -> None:
    context.writer.close_after()
    _half(context, options, -1)


def _short_no_length(context: FaultContext, options: dict[str, Any]) -> None:
    context.writer.close_after()
    _half(context, options, None)


def _broken_chunks(context: FaultContext, options: dict[str, Any]) -> None:
    response = context.correct_response()
    response.headers["Transfer-Encoding"] = "chunked"
    half = response.body[: len(response.body) // 2]
    context.writer.close_after()
    _begin(context, options, response, None)
    context.writer.write(b"%x\r\n%b\r\nno size\r\n" % (len(half), half))


def _drip(writer: ResponseWriter, data: bytes, delay: float) -> None:
    for position in range(len(data)):
        writer.write(data[position : position + 1])
        writer.wait(delay)


def _slow_body(context: FaultContext, options: dict[str, Any]) -> None:
    response = context.correct_response()
    _begin(context, options, response, -1 if options["length"] else None)
    _drip(context.writer, response.body[:-1], options["delay"])
    context.writer.on_status(response.status)
    context.writer.on_finish()
    context.writer.write(response.body[-1:])


def _slow_headers(context: FaultContext, options: dict[str, Any]) -> None:
    response = with_ending(context.correct_response(), options)
    context.writer.keep_alive = context.writer.keep_alive and not response.ends_connection
    _drip(context.writer, response.head(), options["delay"])
    context.writer.on_status(response.status)
    context.writer.on_finish()
    context.writer.write(response.body)


def _silence(context: FaultContext, _options: dict[str, Any]) -> None:
    context.writer.wait(None)


def _huge(context: FaultContext, options: dict[str, Any]) -> None:
    size, response = options["size"], Response(200, b"")
    # HTTP/1.0 knows no chunks: there the end of the connection ends the body.
    chunked = not (options["length"] or options["http10"])
    if chunked:
        response.headers["Transfer-Encoding"] = "chunked"
    _begin(context, options, response, size if options["length"] else None)
    for start in range(0, size, len(_BLOCK)):
        block = _BLOCK[: size - start]
        context.writer.write(b"%x\r\n%b\r\n" % (len(block), block) if chunked else block)
    context.writer.on_status(200)
    context.writer.on_finish()
    context.writer.write(b"0\r\n\r\n" if chunked else b"")


def _delay(context: FaultContext, options: dict[str, Any]) -> None:
    context.writer.wait(options["seconds"])
    context.writer.send(with_ending(context.correct_response(), options))


DELIVERIES: dict[str, Callable[[FaultContext, dict[str, Any]], None]] = {
    "reset_before_answer": _reset_before,
    "reset_in_body": _reset_in_body,
    "short_body": _short,
    "short_body_no_length": _short_no_length,
    "broken_chunking": _broken_chunks,
    "slow_body": _slow_body,
    "slow_headers": _slow_headers,
    "silence": _silence,
    "huge_body": _huge,
    "delay": _delay,
}
