"""What is exported: pictures and their table."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from astropy.table import Table
from numpy.typing import NDArray

from sdss_cutout._errors import ImageError

__all__ = [
    "Picture",
    "PictureSource",
    "Positions",
    "content_of",
    "positions_of",
    "wcs_text",
]

OK, KEPT = "ok", "kept"


class Picture(Protocol):
    """One target's outcome, as far as an export needs it."""

    @property
    def name(self) -> str:
        """The target's name."""

    @property
    def path(self) -> Path | None:
        """The picture's file, if it has one."""

    @property
    def content(self) -> bytes:
        """The JPEG."""

    @property
    def sidecar_bytes(self) -> bytes:
        """The FITS header that belongs to it."""

    @property
    def request(self) -> Any:
        """What was asked for: ``ra`` and ``dec`` in degrees, ``release``."""


class PictureSource(Protocol):
    """A list of outcomes with its table, one row per target."""

    @property
    def table(self) -> Table:
        """One row per target: the input columns, then the results."""

    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[Any]: ...
    def __getitem__(self, rows: slice, /) -> Any: ...


def content_of(picture: Picture) -> tuple[bytes, bytes]:
    """Return a picture's bytes and its sidecar's.

    Raises
    ------
    ImageError
        If one of them is missing.
    """
    content, sidecar = picture.content, picture.sidecar_bytes
    if not (content and sidecar):
        raise ImageError(f"{picture.name}: the picture or its sidecar is missing")
    return content, sidecar


_CARD = 80
_OF_THE_FILE = ("SIMPLE  =", "BITPIX  =", "NAXIS   =")


def wcs_text(sidecar: bytes) -> str:
    """Return a sidecar's header as text, one card per line.

    Without the three cards that describe the file: a ``NAXIS`` of 0 would make astropy warn that
    the sky has more axes than the image.
    """
    text = sidecar.decode("ascii", "replace")
    cards = [text[start : start + _CARD].rstrip() for start in range(0, len(text), _CARD)]
    cards = cards[: cards.index("END")] if "END" in cards else cards
    return "\n".join(card for card in cards if not card.startswith(_OF_THE_FILE))


class Positions:
    """Where pictures are, and of which release: columns of n values, degrees."""

    def __init__(self, length: int) -> None:
        self.ra = np.full(length, np.nan)
        self.dec = np.full(length, np.nan)
        self.release = np.zeros(length, dtype=np.int64)


_NUMBER = r"=([-+0-9.eE]+)"
_POSITION = re.compile(rf"/dr(\d+)/.*[?&]ra{_NUMBER}&dec{_NUMBER}(?:&|$)", re.IGNORECASE)


def positions_of(source: PictureSource, urls: Iterable[str], rows: NDArray[np.int64]) -> Positions:
    """Return positions and releases of some rows: from the URLs, which is quick, where they tell.

    The table itself may have them in any frame or unit, or not at all.
    """
    positions = Positions(len(source))
    wanted, untold = set(rows.tolist()), set()
    for row, url in enumerate(urls):
        found = _POSITION.search(url)
        if found is not None:
            positions.release[row] = int(found[1])
            positions.ra[row], positions.dec[row] = float(found[2]), float(found[3])
        elif row in wanted:
            untold.add(row)
    for row, picture in enumerate(source) if untold else ():
        if row in untold:
            request = picture.request
            positions.ra[row], positions.dec[row] = request.ra, request.dec
            positions.release[row] = request.release
    return positions
