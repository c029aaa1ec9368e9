"""Targets with their names and requests: what travels between the client's rooms."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from astropy.table import Table
from numpy.typing import NDArray

from sdss_cutout._request.request import RequestBatch
from sdss_cutout._targets.targets import Targets

__all__ = ["Part"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Some consecutive targets with their names and requests."""

    targets: Targets
    names: list[str]
    requests: RequestBatch

    @property
    def first_row(self) -> int:
        """Row of the first target in the whole list."""
        return self.targets.first_row

    def take(self, rows: NDArray[np.int64] | slice, *, first_row: int) -> Part:
        """Return some of the targets, numbered from ``first_row``."""
        return Part(
            targets=self.targets.take(rows, first_row=first_row),
            names=np.asarray(self.names, dtype=object)[rows].tolist(),
            requests=self.requests.part(rows),
        )

    def bare(self) -> Part:
        """Return the part without the columns that came with its targets."""
        return replace(self, targets=replace(self.targets, table=Table()))
