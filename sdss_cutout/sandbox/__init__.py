"""A stand-in SkyServer for tests, documentation and demonstrations. SIMULATED: no SDSS data."""

from sdss_cutout.sandbox.breakable import BREAKABLE_FACTS
from sdss_cutout.sandbox.faults.table import (
    ALL_FAULTS,
    FRAME_FAULTS,
    PICTURE_FAULTS,
    SQL_FAULTS,
    Fault,
    fault_options,
    fault_variants,
)
from sdss_cutout.sandbox.http.log import RequestRecord
from sdss_cutout.sandbox.server import Sandbox
from sdss_cutout.sandbox.serving import serve
from sdss_cutout.sandbox.stalled import StalledServer

__all__ = [
    "ALL_FAULTS",
    "BREAKABLE_FACTS",
    "FRAME_FAULTS",
    "PICTURE_FAULTS",
    "SQL_FAULTS",
    "Fault",
    "RequestRecord",
    "Sandbox",
    "StalledServer",
    "fault_options",
    "fault_variants",
    "serve",
]
