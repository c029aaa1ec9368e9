"""The cutouts of targets whose pictures are in a directory, held as columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, overload

import numpy as np
from numpy.typing import NDArray

from sdss_cutout._request.request import CutoutRequest
from sdss_cutout._results.cutout import Cutout, cutout_of_outcome
from sdss_cutout._results.outcome import KEPT, OK, Outcomes
from sdss_cutout._store.layout import paths_of

__all__ = ["Requests", "StoredCutouts"]


class Requests(Protocol):
    """The requests for many targets: `RequestBatch`, or what a manifest has recorded."""

    @property
    def width(self) -> Sequence[int] | NDArray[np.int64]: ...
    @property
    def height(self) -> Sequence[int] | NDArray[np.int64]: ...
    @property
    def scale(self) -> Sequence[float] | NDArray[np.float64]: ...
    def __len__(self) -> int: ...
    def __getitem__(self, row: int, /) -> CutoutRequest: ...
    def urls(self) -> list[str]: ...
    def take(self, rows: NDArray[np.int64], /) -> Requests: ...


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StoredCutouts(Sequence[Cutout]):
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
    def __getitem__(self, index: int) -> Cutout: ...
    @overload
    def __getitem__(self, index: slice) -> StoredCutouts: ...
    def __getitem__(self, index: int | slice) -> Cutout | StoredCutouts:
        if isinstance(index, slice):
            return self.take(np.arange(len(self))[index])
        return self.unread(range(len(self))[index]).in_memory()

    def __iter__(self) -> Iterator[Cutout]:
        return (self.unread(row).in_memory() for row in range(len(self)))

    def unread(self, row: int) -> Cutout:
        """Return a cutout whose picture is read when its content is asked for."""
        name = self.names[row]
        outcome = self.outcomes.outcome(row, name)
        path = Path(paths_of(self.directory, name)[0]) if outcome.status in (OK, KEPT) else None
        return cutout_of_outcome(outcome, self.requests[row], path=path)

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
            paths_of(self.directory, name) if status in (OK, KEPT) else ("", "")
            for name, status in zip(self.names, columns["status"], strict=True)
        ]
        paths, sidecars = zip(*files, strict=True) if files else ((), ())
        requests = self.requests
        ours: dict[str, Any] = {
            "name": self.names, "path": paths, "sidecar": sidecars, "url": requests.urls(),
            "width": requests.width, "height": requests.height, "scale": requests.scale,
        }  # fmt: skip
        return columns | ours
