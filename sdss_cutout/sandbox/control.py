"""The sandbox's own routes: what it is, what it saw, and which faults are in force."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from sdss_cutout.sandbox.faults import Fault
from sdss_cutout.sandbox.site import home
from sdss_cutout.sandbox.wire import Answer, error_json, json_answer

if TYPE_CHECKING:
    from sdss_cutout.sandbox.request import Request
    from sdss_cutout.sandbox.server import Sandbox


def answer(sandbox: Sandbox, request: Request) -> Answer:
    """The sandbox's own routes, which no log shows."""
    match request.method, request.path:
        case "GET", "/":
            return home()
        case "GET", "/sandbox/requests":
            return json_answer(200, sandbox.counts)
        case "GET", "/sandbox/log":
            return json_answer(200, [asdict(record) for record in sandbox.requests])
        case "POST", "/sandbox/reset":
            sandbox.reset()
            return json_answer(200, {"reset": True})
        case "POST", "/sandbox/faults":
            return _post_faults(sandbox, request.body)
    return error_json(404, f"no such control route: {request.method} {request.path}")


def _post_faults(sandbox: Sandbox, posted: bytes) -> Answer:
    try:
        faults = [Fault(**spec) for spec in json.loads(posted)]
    except (ValueError, TypeError) as error:
        return error_json(400, str(error))
    sandbox.faults.replace(faults)
    return json_answer(200, {"faults": [fault.name for fault in faults]})
