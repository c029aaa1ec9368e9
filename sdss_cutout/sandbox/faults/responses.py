"""Faults that are a wrong response, sent correctly."""

from __future__ import annotations

import gzip
import re
import time
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sdss_cutout.sandbox import rules
from sdss_cutout.sandbox.faults.table import REDIRECT_LOOP, REDIRECTED
from sdss_cutout.sandbox.http.response import (
    Response,
    error_json,
    html,
    http_date,
    json_response,
)
from sdss_cutout.sandbox.pictures import jpeg
from sdss_cutout.sandbox.sas import damage
from sdss_cutout.sandbox.sql import results

if TYPE_CHECKING:
    from collections.abc import Callable

    from sdss_cutout.sandbox.faults.context import FaultContext

_SITE_PAGE = (
    "<!DOCTYPE html>\n<html>\n<head><title>SkyServer (SIMULATED)</title></head>\n<body>\n"
    "<div id='menu'><a href='#'>Home</a> <a href='#'>Tools</a></div>\n"
    "<h1>SQL Search</h1><p>Your query could not be run.</p>\n</body>\n</html>\n"
)


def redirect_again(context: FaultContext, count: int) -> Response:
    """The next step of a redirect loop."""
    bare = re.sub(rf"&?{REDIRECT_LOOP}=\d+", "", context.target)
    return _redirect(f"{bare}{'&' if '?' in bare else '?'}{REDIRECT_LOOP}={count}")


def _redirect(location: str) -> Response:
    return Response(302, b"", "text/html", headers={"Location": location})


def _overload(_context: FaultContext, options: dict[str, Any]) -> Response:
    response = html(503, rules.OVERLOAD_PAGE)
    if options["retry_after"] is not None:
        response.headers["Retry-After"] = str(options["retry_after"])
    return response


def _too_many(_context: FaultContext, options: dict[str, Any]) -> Response:
    seconds = options["retry_after"]
    # A date has no fractions: rounded up, it never means less than the seconds.
    value = http_date(time.time() + seconds + 0.999) if options["date"] else str(seconds)
    return html(429, "<h1>429 Too Many Requests</h1>\n", **{"Retry-After": value})


def _error_jpeg(context: FaultContext, options: dict[str, Any]) -> Response:
    body = jpeg.text_picture(options["message"], *context.size)
    reason = rules.DRAWING_REASON.format(message=options["message"].replace("\n", ". "))
    return Response(500, body, reason=reason)


def _outside(status: int) -> Callable[[FaultContext, dict[str, Any]], Response]:
    def make(context: FaultContext, _options: dict[str, Any]) -> Response:
        reason = rules.OUTSIDE_REASON if status == 404 else None
        return Response(status, jpeg.outside_picture(*context.size), reason=reason)

    return make


def _changed(change: Callable[[bytes, dict[str, Any]], bytes]) -> Callable[..., Response]:
    """The correct response with its body changed."""

    def make(context: FaultContext, options: dict[str, Any]) -> Response:
        response = context.correct_response()
        response.body = change(response.body, options)
        return response

    return make


def _cut(body: bytes, options: dict[str, Any]) -> bytes:
    return body[: int(len(body) * options["share_kept"])]


def _corrupt(body: bytes, _options: dict[str, Any]) -> bytes:
    """Overwrite part of the scan with ones: no Huffman code consists of ones alone."""
    middle = (max(body.rfind(b"\xff\xda"), 0) + len(body)) // 2
    ones = b"\xff\x00" * 32
    return body[:middle] + ones + body[middle + len(ones) :]


def _proxy(_context: FaultContext, options: dict[str, Any]) -> Response:
    return html(options["status"], "<html><body><h1>Proxy error</h1></body></html>\n")


def _wrong_type(context: FaultContext, _options: dict[str, Any]) -> Response:
    response = context.correct_response()
    response.content_type = "text/html"
    return response


def _redirect_once(context: FaultContext, _options: dict[str, Any]) -> Response:
    target = context.target
    return _redirect(f"{target}{'&' if '?' in target else '?'}{REDIRECTED}=1")


def _bomb(_context: FaultContext, options: dict[str, Any]) -> Response:
    response = Response(200, _gzipped_zeros(options["size"]))
    response.headers["Content-Encoding"] = "gzip"
    return response


@lru_cache(maxsize=2)
def _gzipped_zeros(size: int) -> bytes:
    """A gzip of many members, so that making it is cheap."""
    member = min(size, 2**24)
    return gzip.compress(bytes(member), mtime=0) * max(1, size // member)


def _rate_limit(context: FaultContext, _options: dict[str, Any]) -> Response:
    return _csv(results.error_rows(rules.RATE_LIMIT_TEXT.format(query=context.command)).as_csv())


def _csv(text: str) -> Response:
    return Response(200, text.encode(), "text/plain; charset=utf-8")


RESPONSES: dict[str, Callable[[FaultContext, dict[str, Any]], Response]] = {
    "service_unavailable": _overload,
    "too_many_requests": _too_many,
    "error_json": lambda _, options: error_json(500, options["message"]),
    "error_jpeg": _error_jpeg,
    "bad_request": lambda _, options: error_json(400, options["message"]),
    "html": lambda *_: html(200, _SITE_PAGE),
    "json": lambda *_: json_response(200, {"status": "ok"}),
    "empty": lambda *_: Response(200, b""),
    "wrong_type": _wrong_type,
    "redirect_loop": lambda context, _: redirect_again(context, 1),
    "redirect_elsewhere": lambda _, options: _redirect(options["location"]),
    "redirect_same_host": _redirect_once,
    "gzip_bomb": _bomb,
    "truncated": _changed(_cut),
    "truncated_with_eoi": _changed(lambda body, options: _cut(body, options) + b"\xff\xd9"),
    "corrupt": _changed(_corrupt),
    "other_size": _changed(lambda body, options: jpeg.other_size(body, options["by"])),
    "blank": lambda context, _: Response(200, jpeg.blank_picture(*context.size)),
    "outside_200": _outside(200),
    "outside_404": _outside(404),
    "proxy_page": _proxy,
    "sql_html_200": lambda _, options: html(200, results.error_page(options["message"])),
    "sql_site_page_200": lambda *_: html(200, _SITE_PAGE),
    "sql_error_message": lambda _, options: _csv(results.error_rows(options["message"]).as_csv()),
    "sql_rate_limit": _rate_limit,
    "sql_error_json": lambda _, options: error_json(500, options["message"]),
    "frame_missing": lambda context, _: damage.not_found(context.target),
    **{name: _changed(change) for name, change in damage.CHANGES.items()},
}
