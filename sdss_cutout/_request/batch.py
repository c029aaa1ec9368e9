"""Requests for many targets, held as columns: what pictures and calibrated data share. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from sdss_cutout._request.site import Site

__all__ = ["Batch", "columns_of", "concatenate"]

R = TypeVar("R")
B = TypeVar("B", bound="Batch[Any]")

_COLUMNS = ("ra", "dec", "scale", "width", "height")


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch(Generic[R]):
    """The requests for many targets, held as columns so that a million of them stay small.

    Attributes
    ----------
    ra, dec, scale : ndarray of float, shape (n,)
        ICRS degrees; arcsec per pixel.
    width, height : ndarray of int, shape (n,)
        Pixels.
    site : Site
        Which server and release.
    """

    ra: NDArray[np.float64]
    dec: NDArray[np.float64]
    scale: NDArray[np.float64]
    width: NDArray[np.int64]
    height: NDArray[np.int64]
    site: Site

    def __len__(self) -> int:
        return len(self.ra)

    def __iter__(self) -> Iterator[R]:
        columns = [getattr(self, name).tolist() for name in _COLUMNS]
        for url, *values in zip(self.urls(), *columns, strict=True):
            yield self._request(url, dict(zip(_COLUMNS, values, strict=True)))

    def __getitem__(self, row: int) -> R:
        [request] = self.take(np.array([row]))
        return request

    def _request(self, url: str, values: dict[str, Any]) -> R:
        """Return one request, from its URL and its values of the columns."""
        raise NotImplementedError

    def urls(self) -> list[str]:
        """Return the URLs, in the targets' order."""
        raise NotImplementedError

    def take(self: B, rows: slice | NDArray[np.int64]) -> B:
        """Return the requests of some rows."""
        return replace(self, **{name: getattr(self, name)[rows] for name in _COLUMNS})


def columns_of(requests: Sequence[Any]) -> dict[str, NDArray[Any]]:
    """Return the columns of a batch of these requests."""
    return {name: np.array([getattr(one, name) for one in requests]) for name in _COLUMNS}


def concatenate(batches: Sequence[B]) -> B:
    """Return the requests of several batches that differ in their targets only."""
    columns: dict[str, Any] = {
        name: _joined([getattr(batch, name) for batch in batches]) for name in _COLUMNS
    }
    return replace(batches[0], **columns)


def _joined(arrays: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """Return concatenated arrays; one value for all targets stays one in memory."""
    firsts = {array[0].item() for array in arrays if len(array)}
    if len(firsts) == 1 and not any(any(array.strides) for array in arrays if len(array)):
        return np.broadcast_to(next(a[0] for a in arrays if len(a)), sum(map(len, arrays)))
    return np.concatenate(arrays) if len(arrays) > 1 else arrays[0]
