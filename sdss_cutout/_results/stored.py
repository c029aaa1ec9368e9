"""The cutouts of targets whose pictures are in a directory, held as columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, overload

import numpy as np
from numpy.typing import NDArray

from sdss_cutout._request.calibrated import CalibratedRequest
from sdss_cutout._request.chunk import AnyRequest
from sdss_cutout._results.calibrated import CalibratedCutout, calibrated_cutout_of_outcome
from sdss_cutout._results.cutout import Cutout, cutout_of_outcome
from sdss_cutout._results.outcome import KEPT, OK, Outcome, Outcomes
from sdss_cutout._store.layout import paths_of

__all__ = ["AnyCutout", "Requests", "StoredCutouts", "stored_cutout"]

AnyCutout = Cutout | CalibratedCutout


def stored_cutout(outcome: Outcome, request: AnyRequest, directory: Path) -> AnyCutout:
    """Return the cutout of an outcome, which is read from its file when it is needed."""
    bands = request.bands if isinstance(request, CalibratedRequest) else ""
    path = None
    if outcome.status in (OK, KEPT):
        path = Path(paths_of(directory, outcome.name, bands=bands)[0])
    if isinstance(request, CalibratedRequest):
        return calibrated_cutout_of_outcome(outcome, request, path=path)
    return cutout_of_outcome(outcome, request, path=path)


class Requests(Protocol):
    """The requests for many targets: `RequestBatch`, or what a manifest has recorded."""

    @property
    def width(self) -> Sequence[int] | NDArray[np.int64]: ...
    @property
    def height(self) -> Sequence[int] | NDArray[np.int64]: ...
    @property
    def scale(self) -> Sequence[float] | NDArray[np.float64]: ...
    def __len__(self) -> int: ...
    def __getitem__(self, row: int, /) -> AnyRequest: ...
    def urls(self) -> list[str]: ...
    def bands_of_all(self) -> list[str]: ...
    def take(self, rows: NDArray[np.int64], /) -> Requests: ...


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StoredCutouts(Sequence[Any]):
    """Cutouts that are read from their files, and checked, when they are asked for.

    Attributes
    ----------
    directory : `~pathlib.Path`
        Where the pictures are, an absolute path.
    names : sequence of str
        The targets' names.
    requests : Requests
        What was asked for.
    outcomes : Outcomes
        What came of it.
    """

    directory: Path
    names: Sequence[str]
    requests: Requests
    outcomes: Outcomes

    def __len__(self) -> int:
        return len(self.names)

    @overload
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> StoredCutouts: ...
    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return self.take(np.arange(len(self))[index])
        return self.unread(range(len(self))[index]).in_memory()

    def __iter__(self) -> Iterator[Any]:
        return (self.unread(row).in_memory() for row in range(len(self)))

    def unread(self, row: int) -> Any:
        """Return a cutout whose file is read when its content is asked for."""
        outcome = self.outcomes.outcome(row, self.names[row])
        return stored_cutout(outcome, self.requests[row], self.directory)

    def take(self, rows: NDArray[np.int64]) -> StoredCutouts:
        """Return the cutouts of some rows, in this order."""
        return StoredCutouts(
            directory=self.directory,
            names=[self.names[row] for row in rows.tolist()],
            requests=self.requests.take(rows),
            outcomes=self.outcomes.take(rows.tolist()),
        )

    def columns(self) -> dict[str, Sequence[Any]]:
        """Return the values of the result columns."""
        columns = dict(self.outcomes.columns())
        files = [
            paths_of(self.directory, name, bands=bands) if status in (OK, KEPT) else ("", "")
            for name, status, bands in zip(
                self.names, columns["status"], self.requests.bands_of_all(), strict=True
            )
        ]
        paths, sidecars = zip(*files, strict=True) if files else ((), ())
        requests = self.requests
        ours: dict[str, Any] = {
            "name": self.names, "path": paths, "sidecar": sidecars, "url": requests.urls(),
            "width": requests.width, "height": requests.height, "scale": requests.scale,
        }  # fmt: skip
        return columns | ours
