"""How each fault is done to a request."""

from __future__ import annotations

import gzip
import re
import time
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sdss_cutout.sandbox import pictures, rules
from sdss_cutout.sandbox.faults import HOP, LOOP
from sdss_cutout.sandbox.sas import damage
from sdss_cutout.sandbox.sql import results
from sdss_cutout.sandbox.wire import Answer, Wire, error_json, html, http_date, json_answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from sdss_cutout.sandbox.faults import Fault

_BLOCK = bytes(2**16)
_SITE_PAGE = (
    "<!DOCTYPE html>\n<html>\n<head><title>SkyServer (SIMULATED)</title></head>\n<body>\n"
    "<div id='menu'><a href='#'>Home</a> <a href='#'>Tools</a></div>\n"
    "<h1>SQL Search</h1><p>Your query could not be run.</p>\n</body>\n</html>\n"
)


@dataclass(slots=True)
class Victim:
    """A request that is being hit, and the right answer to it."""

    wire: Wire
    target: str
    size: tuple[int, int]
    command: str
    right: Callable[[], Answer]


def commit(fault: Fault, victim: Victim) -> None:
    """Do to a request what a fault says."""
    make = _ANSWERS.get(fault.name)
    if make is not None:
        victim.wire.send(_ended(make(victim, fault.options), fault.options))
    else:
        _WIRE[fault.name](victim, fault.options)


def _ended(answer: Answer, options: dict[str, Any]) -> Answer:
    """An answer that says in one of the usual ways, or in none, that the connection ends."""
    if options["http10"]:
        answer.version = "HTTP/1.0"
    if options["close"]:
        answer.headers["Connection"] = "close"
    return answer


def hop(victim: Victim, count: int) -> Answer:
    """The next turn of a redirect loop."""
    bare = re.sub(rf"&?{LOOP}=\d+", "", victim.target)
    return _redirect(f"{bare}{'&' if '?' in bare else '?'}{LOOP}={count}")


def _redirect(location: str) -> Answer:
    return Answer(302, b"", "text/html", headers={"Location": location})


def _overload(_victim: Victim, options: dict[str, Any]) -> Answer:
    answer = html(503, rules.OVERLOAD_PAGE)
    if options["retry_after"] is not None:
        answer.headers["Retry-After"] = str(options["retry_after"])
    return answer


def _too_many(_victim: Victim, options: dict[str, Any]) -> Answer:
    seconds = options["retry_after"]
    # A date has no fractions: rounded up, it never means less than the seconds.
    value = http_date(time.time() + seconds + 0.999) if options["date"] else str(seconds)
    return html(429, "<h1>429 Too Many Requests</h1>\n", **{"Retry-After": value})


def _error_jpeg(victim: Victim, options: dict[str, Any]) -> Answer:
    body = pictures.text_picture(options["message"], *victim.size)
    reason = rules.DRAWING_REASON.format(message=options["message"].replace("\n", ". "))
    return Answer(500, body, reason=reason)


def _outside(status: int) -> Callable[[Victim, dict[str, Any]], Answer]:
    def make(victim: Victim, _options: dict[str, Any]) -> Answer:
        reason = rules.OUTSIDE_REASON if status == 404 else None
        return Answer(status, pictures.outside_picture(*victim.size), reason=reason)

    return make


def _changed(change: Callable[[bytes, dict[str, Any]], bytes]) -> Callable[..., Answer]:
    """The right answer with its body changed."""

    def make(victim: Victim, options: dict[str, Any]) -> Answer:
        answer = victim.right()
        answer.body = change(answer.body, options)
        return answer

    return make


def _cut(body: bytes, options: dict[str, Any]) -> bytes:
    return body[: int(len(body) * options["share_kept"])]


def _corrupt(body: bytes, _options: dict[str, Any]) -> bytes:
    """Overwrite part of the scan with ones: no Huffman code consists of ones alone."""
    middle = (max(body.rfind(b"\xff\xda"), 0) + len(body)) // 2
    damage = b"\xff\x00" * 32
    return body[:middle] + damage + body[middle + len(damage) :]


def _proxy(_victim: Victim, options: dict[str, Any]) -> Answer:
    return html(options["status"], "<html><body><h1>Proxy error</h1></body></html>\n")


def _wrong_type(victim: Victim, _options: dict[str, Any]) -> Answer:
    answer = victim.right()
    answer.content_type = "text/html"
    return answer


def _hop_once(victim: Victim, _options: dict[str, Any]) -> Answer:
    return _redirect(f"{victim.target}{'&' if '?' in victim.target else '?'}{HOP}=1")


def _bomb(_victim: Victim, options: dict[str, Any]) -> Answer:
    answer = Answer(200, _gzipped_zeros(options["size"]))
    answer.headers["Content-Encoding"] = "gzip"
    return answer


@lru_cache(maxsize=2)
def _gzipped_zeros(size: int) -> bytes:
    """A gzip of many members, so that making it is cheap."""
    member = min(size, 2**24)
    return gzip.compress(bytes(member), mtime=0) * max(1, size // member)


def _rate_limit(victim: Victim, _options: dict[str, Any]) -> Answer:
    return _csv(results.error_rows(rules.RATE_LIMIT_TEXT.format(query=victim.command)).as_csv())


def _csv(text: str) -> Answer:
    return Answer(200, text.encode(), "text/plain; charset=utf-8")


_ANSWERS: dict[str, Callable[[Victim, dict[str, Any]], Answer]] = {
    "service_unavailable": _overload,
    "too_many_requests": _too_many,
    "error_json": lambda _, options: error_json(500, options["message"]),
    "error_jpeg": _error_jpeg,
    "bad_request": lambda _, options: error_json(400, options["message"]),
    "html": lambda *_: html(200, _SITE_PAGE),
    "json": lambda *_: json_answer(200, {"status": "ok"}),
    "empty": lambda *_: Answer(200, b""),
    "wrong_type": _wrong_type,
    "redirect_loop": lambda victim, _: hop(victim, 1),
    "redirect_elsewhere": lambda _, options: _redirect(options["location"]),
    "redirect_same_host": _hop_once,
    "gzip_bomb": _bomb,
    "truncated": _changed(_cut),
    "truncated_with_eoi": _changed(lambda body, options: _cut(body, options) + b"\xff\xd9"),
    "corrupt": _changed(_corrupt),
    "other_size": _changed(lambda body, options: pictures.other_size(body, options["by"])),
    "blank": lambda victim, _: Answer(200, pictures.blank_picture(*victim.size)),
    "outside_200": _outside(200),
    "outside_404": _outside(404),
    "proxy_page": _proxy,
    "sql_html_200": lambda _, options: html(200, results.error_page(options["message"])),
    "sql_site_page_200": lambda *_: html(200, _SITE_PAGE),
    "sql_error_message": lambda _, options: _csv(results.error_rows(options["message"]).as_csv()),
    "sql_rate_limit": _rate_limit,
    "sql_error_json": lambda _, options: error_json(500, options["message"]),
    "frame_missing": lambda victim, _: damage.not_found(victim.target),
    **{name: _changed(change) for name, change in damage.CHANGES.items()},
}


def _reset_before(victim: Victim, _options: dict[str, Any]) -> None:
    victim.wire.reset()


def _begin(victim: Victim, options: dict[str, Any], answer: Answer, length: int | None) -> None:
    """Send the headers of an answer whose body the fault sends itself."""
    _ended(answer, options)
    ends = "Transfer-Encoding" in answer.headers or answer.ends_connection
    if length is None and not ends:
        answer.headers["Connection"] = "close"
    victim.wire.keep = victim.wire.keep and not answer.ends_connection
    victim.wire.write(answer.head(length))


def _half(victim: Victim, options: dict[str, Any], length: int | None) -> None:
    answer = victim.right()
    _begin(victim, options, answer, length)
    victim.wire.write(answer.body[: len(answer.body) // 2])


def _reset_in_body(victim: Victim, options: dict[str, Any]) -> None:
    _half(victim, options, -1)
    time.sleep(0.01)  # a reset at once could overtake the half that was sent
    victim.wire.reset()


def _short(victim: Victim, options: dict[str, Any]) -> None:
    victim.wire.hang_up()
    _half(victim, options, -1)


def _short_no_length(victim: Victim, options: dict[str, Any]) -> None:
    victim.wire.hang_up()
    _half(victim, options, None)


def _broken_chunks(victim: Victim, options: dict[str, Any]) -> None:
    answer = victim.right()
    answer.headers["Transfer-Encoding"] = "chunked"
    half = answer.body[: len(answer.body) // 2]
    victim.wire.hang_up()
    _begin(victim, options, answer, None)
    victim.wire.write(b"%x\r\n%b\r\nno size\r\n" % (len(half), half))


def _drip(wire: Wire, data: bytes, delay: float) -> None:
    for position in range(len(data)):
        wire.write(data[position : position + 1])
        wire.wait(delay)


def _slow_body(victim: Victim, options: dict[str, Any]) -> None:
    answer = victim.right()
    _begin(victim, options, answer, -1 if options["length"] else None)
    _drip(victim.wire, answer.body[:-1], options["delay"])
    victim.wire.status(answer.status)
    victim.wire.last()
    victim.wire.write(answer.body[-1:])


def _slow_headers(victim: Victim, options: dict[str, Any]) -> None:
    answer = _ended(victim.right(), options)
    victim.wire.keep = victim.wire.keep and not answer.ends_connection
    _drip(victim.wire, answer.head(), options["delay"])
    victim.wire.status(answer.status)
    victim.wire.last()
    victim.wire.write(answer.body)


def _silence(victim: Victim, _options: dict[str, Any]) -> None:
    victim.wire.wait(None)


def _huge(victim: Victim, options: dict[str, Any]) -> None:
    size, answer = options["size"], Answer(200, b"")
    # HTTP/1.0 knows no chunks: there the end of the connection ends the body.
    chunked = not (options["length"] or options["http10"])
    if chunked:
        answer.headers["Transfer-Encoding"] = "chunked"
    _begin(victim, options, answer, size if options["length"] else None)
    for start in range(0, size, len(_BLOCK)):
        block = _BLOCK[: size - start]
        victim.wire.write(b"%x\r\n%b\r\n" % (len(block), block) if chunked else block)
    victim.wire.status(200)
    victim.wire.last()
    victim.wire.write(b"0\r\n\r\n" if chunked else b"")


def _delay(victim: Victim, options: dict[str, Any]) -> None:
    victim.wire.wait(options["seconds"])
    victim.wire.send(_ended(victim.right(), options))


_WIRE: dict[str, Callable[[Victim, dict[str, Any]], None]] = {
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
