"""What views need of the results that they show; the results themselves are a later layer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from astropy.coordinates import SkyCoord
    from astropy.io.fits import Header
    from astropy.wcs import WCS
    from numpy.typing import NDArray

__all__ = ["WITH_PICTURE", "Composite", "Outcome", "Outcomes", "Picture", "SkyPicture"]

# The statuses of targets that have a picture.
WITH_PICTURE = ("ok", "kept")


class Outcome(Protocol):
    """The outcome of one target, whether or not there is a picture."""

    @property
    def name(self) -> str:
        """The target's name."""

    @property
    def status(self) -> str:
        """``ok``, ``kept``, ``outside`` or ``failed``."""

    @property
    def error(self) -> str:
        """The reason why there is no picture."""

    @property
    def url(self) -> str:
        """The URL of the request."""


class Picture(Outcome, Protocol):
    """The outcome of a target whose picture is a JPEG."""

    @property
    def content(self) -> bytes:
        """The JPEG; empty if there is none. A file that cannot be read is an `ImageError`."""

    @property
    def sidecar_bytes(self) -> bytes:
        """The FITS header beside it."""

    def in_memory(self) -> Picture:
        """Return the same, read from its file if it was not; raises `ImageError` likewise."""


class Composite(Outcome, Protocol):
    """The outcome of a target whose picture is composed of arrays."""

    def to_rgb(self) -> NDArray[np.uint8]:
        """Return the pixels, shape ``(ny, nx, 3)``; row 0 is at the bottom, as in FITS."""

    @property
    def header(self) -> Header:
        """The FITS header."""

    def in_memory(self) -> Composite:
        """Return the same, read from its file if it was not; raises `ImageError` likewise."""


class SkyPicture(Protocol):
    """A picture with its place on the sky."""

    @property
    def name(self) -> str:
        """The target's name."""

    @property
    def coord(self) -> SkyCoord:
        """The target's position."""

    @property
    def data(self) -> NDArray[np.uint8]:
        """The pixels, shape ``(ny, nx, 3)``; row 0 is at the top."""

    @property
    def wcs(self) -> WCS:
        """The WCS of the pixels."""

    @property
    def header(self) -> Header:
        """The FITS header, with ``RELEASE`` and ``OVERLAYS``."""

    @property
    def sidecar_bytes(self) -> bytes:
        """The same header as bytes."""

    @property
    def coverage(self) -> float:
        """The part of the picture that has imaging."""


class Outcomes(Protocol):
    """A list of outcomes, or a report."""

    def __len__(self) -> int: ...

    def iter_unread(self) -> Iterator[Picture | Composite]:
        """Go through them without reading the pictures that are on disk."""
