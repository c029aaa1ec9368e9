"""Targets with their names and requests: what travels through the client, chunk by chunk."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from astropy.table import Table
from numpy.typing import NDArray

from sdss_cutout._request.calibrated import CalibratedBatch, CalibratedRequest
from sdss_cutout._request.request import CutoutRequest, RequestBatch
from sdss_cutout._targets.targets import Targets

__all__ = ["AnyBatch", "AnyRequest", "TargetChunk", "split"]

AnyBatch = RequestBatch | CalibratedBatch
AnyRequest = CutoutRequest | CalibratedRequest

# Targets that are named, planned and looked up together.
_CHUNK = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetChunk:
    """Some consecutive targets with their names and requests."""

    targets: Targets
    names: list[str]
    requests: AnyBatch

    def __len__(self) -> int:
        return len(self.names)

    @property
    def first_row(self) -> int:
        """Row of the first target in the whole list."""
        return self.targets.first_row

    @property
    def bands(self) -> str:
        """The bands of calibrated cutouts; empty for pictures."""
        return self.requests.bands if isinstance(self.requests, CalibratedBatch) else ""

    def take(self, rows: NDArray[np.int64] | slice, *, first_row: int) -> TargetChunk:
        """Return some of the targets, numbered from ``first_row``."""
        return TargetChunk(
            targets=self.targets.take(rows, first_row=first_row),
            names=np.asarray(self.names, dtype=object)[rows].tolist(),
            requests=self.requests.take(rows),
        )

    def without_input_columns(self) -> TargetChunk:
        """Return the chunk without the columns that came with its targets."""
        return replace(self, targets=replace(self.targets, table=Table()))


def split(targets: Targets, requests: AnyBatch) -> Iterator[TargetChunk]:
    """Yield a list of targets with their names and requests, chunk by chunk."""
    names = targets.names()
    for start in range(0, len(targets), _CHUNK):
        rows = slice(start, start + _CHUNK)
        yield TargetChunk(
            targets=targets.take(rows, first_row=start),
            names=names[rows],
            requests=requests.take(rows),
        )
