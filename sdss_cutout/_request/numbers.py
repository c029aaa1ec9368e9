"""Formats numbers for URLs."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sdss_cutout._targets.targets import Targets

__all__ = ["DECIMALS", "number_texts", "sent_positions"]

# Positions and scales are sent with this many decimals: 0.4 micro-arcsec, far below anything
# that SDSS measures, but coarse enough that the last bit of a frame transformation, which differs
# between machines, does not turn the same target into another request.
DECIMALS = 10


def number_texts(values: NDArray[Any]) -> list[str]:
    """Return numbers as text, without exponents: whether the server reads them is not known."""
    if len(values) and not any(values.strides):
        return number_texts(values[:1].copy()) * len(values)
    texts = list(map(repr, values.tolist()))
    for row in np.flatnonzero(np.abs(values) < _EXPONENT_BELOW):
        texts[row] = np.format_float_positional(values[row], trim="0")
    return texts


# Python writes smaller numbers with an exponent.
_EXPONENT_BELOW = 1e-4


def sent_positions(targets: Targets) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the positions as they are sent, without -0.0 and 360.0."""
    return np.round(targets.ra, DECIMALS) % 360.0, np.round(targets.dec, DECIMALS) + 0.0
