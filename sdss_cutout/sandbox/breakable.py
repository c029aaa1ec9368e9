"""All facts of the real server that the sandbox can break."""

from __future__ import annotations

from sdss_cutout.sandbox.deviations import DEVIATIONS, Deviation
from sdss_cutout.sandbox.finer_deviations import FINER_DEVIATIONS

ALL_DEVIATIONS: dict[str, Deviation] = DEVIATIONS | FINER_DEVIATIONS
BREAKABLE_FACTS: dict[str, str] = {fact: entry.text for fact, entry in ALL_DEVIATIONS.items()}
"""The facts that `Sandbox.break_fact` can break, each with what the sandbox then does."""
