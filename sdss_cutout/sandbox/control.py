"""The sandbox's own routes: what it is, what was requested, and which faults are in force."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from sdss_cutout.sandbox.faults.table import Fault
from sdss_cutout.sandbox.http.response import Response, error_json, json_response
from sdss_cutout.sandbox.site import home

if TYPE_CHECKING:
    from sdss_cutout.sandbox.faults.table import FaultBook
    from sdss_cutout.sandbox.http.log import RequestLog
    from sdss_cutout.sandbox.http.request import Request


def answer(faults: FaultBook, log: RequestLog, request: Request) -> Response:
    """The response to a request for one of these routes, which are not logged."""
    match request.method, request.path:
        case "GET", "/":
            return home()
        case "GET", "/sandbox/requests":
            return json_response(200, log.counts())
        case "GET", "/sandbox/log":
            return json_response(200, [asdict(record) for record in log.records])
        case "POST", "/sandbox/reset":
            faults.replace([])
            log.clear()
            return json_response(200, {"reset": True})
        case "POST", "/sandbox/faults":
            return _post_faults(faults, request.body)
    return error_json(404, f"no such control route: {request.method} {request.path}")


def _post_faults(book: FaultBook, body: bytes) -> Response:
    try:
        faults = [Fault(**spec) for spec in json.loads(body)]
    except (ValueError, TypeError) as error:
        return error_json(400, str(error))
    book.replace(faults)
    return json_response(200, {"faults": [fault.name for fault in faults]})
