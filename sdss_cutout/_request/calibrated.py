"""What is asked for a calibrated cutout: a position, bands, and pixels of either kind. Pure.

Native pixels are the survey's own, on the grid of its frames; with a scale they are resampled to
a grid with north up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sdss_cutout._errors import RequestError
from sdss_cutout._request.batch import Batch, columns_of
from sdss_cutout._request.geometry import pixel_geometry, refuse_beyond_limits
from sdss_cutout._request.numbers import number_texts, sent_positions
from sdss_cutout._request.options import RequestOptions
from sdss_cutout._request.site import Site
from sdss_cutout._service.sas import BANDS, FIELD_SEARCH_PATH, SAS, FrameArchive
from sdss_cutout._targets.targets import Targets

__all__ = [
    "CalibratedBatch",
    "CalibratedRequest",
    "batch_of",
    "build_calibrated_requests",
    "cells_of",
    "check_bands",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibratedRequest:
    """One calibrated cutout.

    Attributes
    ----------
    ra, dec : float
        ICRS position of its middle, degrees.
    bands : str
        Letters of ``ugriz``, in the order in which they were asked for.
    north_up : bool
        Whether it is resampled to a grid with north up.
    scale : float
        Arcsec per pixel; nominal for native pixels.
    width, height : int
        Pixels.
    release : int
        SDSS data release.
    url : str
        The URL of the search for its fields; behind the ``#``, which is not sent, is the rest of
        what is asked for.
    archive : FrameArchive
        The facts about the archive of frames.
    """

    ra: float
    dec: float
    bands: str
    north_up: bool
    scale: float
    width: int
    height: int
    release: int
    url: str
    archive: FrameArchive = field(default=SAS, repr=False, compare=False)

    @property
    def radius(self) -> float:
        """The radius in arcmin within which the centres of all its fields lie."""
        return float(_radii(self.scale, self.width, self.height, self.archive))


def _radii(scale: Any, width: Any, height: Any, archive: FrameArchive) -> Any:
    """Return radii in arcmin, rounded up to what is as good for many targets."""
    half_diagonal = np.hypot(width, height) / 2 * scale / 60
    return np.round(np.ceil((half_diagonal + archive.field_radius) * 100) / 100, 2)


# Targets within a square of so many degrees share a search; it is about as large as a field.
_CELL = 0.25
# Targets are taken in the order of much smaller squares.
_FINE = 0.01


def cells_of(
    ra: NDArray[np.float64], dec: NDArray[np.float64], *, size: float = _CELL
) -> NDArray[np.float64]:
    """Return for each position the square of the sky in which it is: two numbers."""
    zones = np.floor(dec / size)
    across = np.cos(np.radians((zones + 0.5) * size))
    return np.stack([zones, np.floor(ra * np.maximum(across, 0) / size)])


def _along_curve(y: NDArray[np.float64], x: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return where squares are on a curve that visits neighbours soon after each other."""
    place = np.zeros(len(x), np.int64)
    for axis, numbers in enumerate((x, y - y.min(initial=0))):
        whole = numbers.astype(np.int64)
        for bit in range(16):  # which is Morton's order: the bits of both, in turns
            place |= ((whole >> bit) & 1) << (2 * bit + axis)
    return place


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibratedBatch(Batch[CalibratedRequest]):
    """The requests for calibrated data of many targets.

    Attributes
    ----------
    bands : str
        Letters of ``ugriz``.
    north_up : bool
        Whether they are resampled to a grid with north up.
    archive : FrameArchive
        The facts about the archive of frames.
    """

    bands: str
    north_up: bool
    archive: FrameArchive = SAS

    def _request(self, url: str, values: dict[str, Any]) -> CalibratedRequest:
        return CalibratedRequest(
            **values, bands=self.bands, north_up=self.north_up, release=self.site.release, url=url,
            archive=self.archive,
        )  # fmt: skip

    def radii(self) -> NDArray[np.float64]:
        """Return for each target the radius in arcmin within which its fields' centres lie."""
        return np.asarray(_radii(self.scale, self.width, self.height, self.archive))

    def bands_of_all(self) -> list[str]:
        """Return the bands of each target."""
        return [self.bands] * len(self)

    def in_order_of_work(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return rows in the order in which they are best fetched: neighbours together."""
        cells = cells_of(self.ra[rows], self.dec[rows], size=_FINE)
        return rows[np.argsort(_along_curve(*cells), kind="stable")]

    def urls(self) -> list[str]:
        """Return the URLs, in the targets' order."""
        head = self.site.base_url + FIELD_SEARCH_PATH.format(release=self.site.release)
        columns = (self.ra, self.dec, self.radii(), self.scale, self.width, self.height)
        texts = zip(*map(number_texts, columns), strict=True)
        return [
            f"{head}?ra={ra}&dec={dec}&radius={radius}&format=json#bands={self.bands}"
            + (f"&scale={scale}" if self.north_up else "")
            + f"&width={width}&height={height}"
            for ra, dec, radius, scale, width, height in texts
        ]


def batch_of(requests: Sequence[CalibratedRequest], site: Site) -> CalibratedBatch:
    """Return requests of the same bands and kind, at least one, as a batch."""
    first = requests[0]
    return CalibratedBatch(
        bands=first.bands, north_up=first.north_up, site=site, archive=first.archive,
        **columns_of(requests),
    )  # fmt: skip


def build_calibrated_requests(
    targets: Targets,
    site: Site,
    options: RequestOptions,
    bands: Any,
    *,
    avm: bool = False,
    archive: FrameArchive = SAS,
) -> CalibratedBatch:
    """Return the requests for these targets.

    Without ``scale`` the pixels are native; ``fov`` alone counts them with the frames' scale.

    Raises
    ------
    RequestError
        If an option cannot be used for one of the targets.
    """
    letters = check_bands(bands, overlays=options.overlays, mark=options.mark, avm=avm)
    if site.release < archive.first_release:
        raise RequestError(
            f"data_release = {site.release} is outside {archive.first_release}.."
            f"{archive.last_release}, the releases that {archive.name} has calibrated frames of"
        )
    geometry = pixel_geometry(targets, archive, options)
    refuse_beyond_limits(geometry, "", archive, targets)
    _refuse_too_wide(geometry, archive, targets)
    ra, dec = sent_positions(targets)
    return CalibratedBatch(
        ra=ra, dec=dec, bands=letters, north_up=_is_north_up(options), site=site, archive=archive,
        **geometry,
    )  # fmt: skip


def _is_north_up(options: RequestOptions) -> bool:
    has_width = options.size is not None or options.width is not None
    return options.scale is not None or (options.fov is not None and has_width)


def _refuse_too_wide(
    geometry: dict[str, NDArray[Any]], archive: FrameArchive, targets: Targets
) -> None:
    sides = np.maximum(geometry["width"], geometry["height"]) * geometry["scale"] / 60
    for row in np.flatnonzero(sides > archive.max_width)[:1]:
        raise RequestError(
            f"target {targets.first_row + row}: the cutout is {sides[row]:g} arcmin wide or high; "
            f"allowed are {archive.max_width:g} arcmin with bands"
        )


def check_bands(bands: Any, *, overlays: Any = None, mark: Any = None, avm: bool = False) -> str:
    """Return the bands, or raise `RequestError`.

    Parameters
    ----------
    bands : str
        Letters of ``ugriz``, each once, in any order.
    overlays, mark, avm : object, optional
        What goes with colour pictures only.
    """
    allowed = f"allowed are letters of {BANDS!r}, each once, such as bands='gri'"
    if not isinstance(bands, str):
        raise RequestError(f"bands = {bands!r} is not text; {allowed}")
    faults = [_fault(bands, band) for band in dict.fromkeys(bands)]
    if not bands or any(faults):
        raise RequestError("; ".join([f"bands = {bands!r}", *filter(None, faults), allowed]))
    for name, value in (("overlays", overlays), ("mark", mark), ("avm", avm or None)):
        if value is not None:
            raise RequestError(
                f"{name} goes with colour pictures; it cannot be used with bands = {bands!r}"
            )
    return bands


def _fault(bands: str, band: str) -> str:
    if band not in BANDS:
        return f"{band!r} is not a band"
    count = bands.count(band)
    return f"{band!r} is there {count} times" if count > 1 else ""
