"""Injects a fault into the response to a request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdss_cutout.sandbox.faults.context import with_ending
from sdss_cutout.sandbox.faults.delivery import DELIVERIES
from sdss_cutout.sandbox.faults.responses import RESPONSES

if TYPE_CHECKING:
    from sdss_cutout.sandbox.faults.context import FaultContext
    from sdss_cutout.sandbox.faults.table import Fault


def inject_fault(fault: Fault, context: FaultContext) -> None:
    """Respond to a request as a fault says."""
    make = RESPONSES.get(fault.name)
    if make is not None:
        context.writer.send(with_ending(make(context, fault.options), fault.options))
    else:
        DELIVERIES[fault.name](context, fault.options)
