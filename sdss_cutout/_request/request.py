"""Position and geometry become a request, and a request a URL. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from sdss_cutout._request.batch import Batch
from sdss_cutout._request.geometry import pixel_geometry, refuse_beyond_limits
from sdss_cutout._request.numbers import number_texts, sent_positions
from sdss_cutout._request.options import RequestOptions
from sdss_cutout._request.overlays import mark_text, overlay_letters
from sdss_cutout._request.site import Site
from sdss_cutout._service.skyserver import ImageService
from sdss_cutout._targets.targets import Targets

__all__ = ["CutoutRequest", "RequestBatch", "build_requests"]


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
class RequestBatch(Batch[CutoutRequest]):
    """The requests for pictures of many targets.

    Attributes
    ----------
    overlays : str
        SkyServer's letters.
    tail : str
        The part of the URL that is the same for all.
    """

    overlays: str
    tail: str

    def _request(self, url: str, values: dict[str, Any]) -> CutoutRequest:
        site = self.site
        return CutoutRequest(
            **values, overlays=self.overlays, release=site.release, url=url, service=site.service
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
