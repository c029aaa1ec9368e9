"""Position and geometry become a request, and a request a URL. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from sdss_cutout._request.geometry import pixel_geometry, refuse_beyond_limits
from sdss_cutout._request.numbers import number_texts, sent_positions
from sdss_cutout._request.options import RequestOptions
from sdss_cutout._request.overlays import mark_text, overlay_letters
from sdss_cutout._request.site import Site
from sdss_cutout._service.skyserver import ImageService
from sdss_cutout._targets.targets import Targets

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

B = TypeVar("B", bound="DataclassInstance")  # a batch, of pictures or of calibrated data

__all__ = ["CutoutRequest", "RequestBatch", "build_requests", "concatenate"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CutoutRequest:
    """One picture, as the server is asked for it.

    Attributes
    ----------
    ra, dec : float
        ICRS position of the reference pixel, degrees.
    scale : float
        Arcsec per pixel.
    width, height : int
        Pixels.
    overlays : str
        SkyServer's letters.
    release : int
        SDSS data release.
    url : str
        The URL that asks for all of this.
    service : ImageService
        The facts about the service that is asked.
    """

    ra: float
    dec: float
    scale: float
    width: int
    height: int
    overlays: str
    release: int
    url: str
    service: ImageService = field(repr=False, compare=False)

    @property
    def largest_body(self) -> int:
        """More bytes than any JPEG of this size has: those of its bare pixels, and a header."""
        return 3 * self.width * self.height + 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestBatch:
    """The requests for many targets, held as columns so that a million of them stay small.

    Attributes
    ----------
    ra, dec, scale : ndarray of float, shape (n,)
        ICRS degrees; arcsec per pixel.
    width, height : ndarray of int, shape (n,)
        Pixels.
    overlays : str
        SkyServer's letters.
    tail : str
        The part of the URL that is the same for all.
    site : Site
        Which server and release.
    """

    ra: NDArray[np.float64]
    dec: NDArray[np.float64]
    scale: NDArray[np.float64]
    width: NDArray[np.int64]
    height: NDArray[np.int64]
    overlays: str
    tail: str
    site: Site

    def __len__(self) -> int:
        return len(self.ra)

    def __iter__(self) -> Iterator[CutoutRequest]:
        columns = (self.ra, self.dec, self.scale, self.width, self.height)
        for url, *values in zip(self.urls(), *(c.tolist() for c in columns), strict=True):
            ra, dec, scale, width, height = values
            yield CutoutRequest(
                ra=ra,
                dec=dec,
                scale=scale,
                width=width,
                height=height,
                overlays=self.overlays,
                release=self.site.release,
                url=url,
                service=self.site.service,
            )

    def bands_of_all(self) -> list[str]:
        """Return the bands of each target: none, these are pictures."""
        return [""] * len(self)

    def in_order_of_work(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return rows in the order in which they are best fetched: the targets'."""
        return rows

    def urls(self) -> list[str]:
        """Return the URLs, in the targets' order."""
        head, tail = f"{self.site.picture_url}?ra=", self.tail
        columns = (self.ra, self.dec, self.scale, self.width, self.height)
        return [
            f"{head}{ra}&dec={dec}&scale={scale}&width={width}&height={height}{tail}"
            for ra, dec, scale, width, height in zip(*map(number_texts, columns), strict=True)
        ]

    def __getitem__(self, row: int) -> CutoutRequest:
        [request] = self.take(np.array([row]))
        return request

    def take(self, rows: slice | NDArray[np.int64]) -> RequestBatch:
        """Return the requests of some rows."""
        return RequestBatch(
            ra=self.ra[rows],
            dec=self.dec[rows],
            scale=self.scale[rows],
            width=self.width[rows],
            height=self.height[rows],
            overlays=self.overlays,
            tail=self.tail,
            site=self.site,
        )


def concatenate(batches: Sequence[B]) -> B:
    """Return the requests of several batches that differ in their targets only."""
    columns: dict[str, Any] = {
        name: _joined([getattr(batch, name) for batch in batches])
        for name in ("ra", "dec", "scale", "width", "height")
    }
    return replace(batches[0], **columns)


def _joined(arrays: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """Return concatenated arrays; one value for all targets stays one in memory."""
    firsts = {array[0].item() for array in arrays if len(array)}
    if len(firsts) == 1 and not any(any(array.strides) for array in arrays if len(array)):
        return np.broadcast_to(next(a[0] for a in arrays if len(a)), sum(map(len, arrays)))
    return np.concatenate(arrays) if len(arrays) > 1 else arrays[0]


def build_requests(targets: Targets, site: Site, options: RequestOptions) -> RequestBatch:
    """Return the requests for these targets.

    Raises
    ------
    RequestError
        If an option cannot be used for one of the targets.
    """
    letters = overlay_letters(options.overlays, site.service)
    geometry = pixel_geometry(targets, site.service, options)
    refuse_beyond_limits(geometry, letters, site.service, targets)
    parameters = [("opt", letters), ("query", mark_text(options.mark))]
    ra, dec = sent_positions(targets)
    return RequestBatch(
        ra=ra,
        dec=dec,
        overlays=letters,
        tail="".join(f"&{key}={quote(value, safe='')}" for key, value in parameters if value),
        site=site,
        **geometry,
    )
