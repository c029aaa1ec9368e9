"""Turns any picture, JPEG or arrays, into a small image for a montage or a notebook."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, NamedTuple

from sdss_cutout._errors import ImageError
from sdss_cutout._image.sidecar import looks_simulated
from sdss_cutout._views.protocols import WITH_PICTURE, Composite, Picture

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["Tile", "thumbnail", "tile_of"]

UNREADABLE = "unreadable"


class Tile(NamedTuple):
    """A picture as a small image, or the status and the reason to show in its place."""

    image: Image | None
    word: str = ""
    error: str = ""
    is_simulated: bool = False


def tile_of(picture: Picture | Composite, side: int) -> Tile:
    """Return a picture whose longer side is at most this long; never raises for a bad file."""
    try:
        picture = picture.in_memory()  # what is on disk is read once
        image = thumbnail(picture, side)
        if image is None:
            return Tile(None, picture.status, picture.error)
        return Tile(image, is_simulated=looks_simulated(picture))
    except ImageError as error:
        return Tile(None, UNREADABLE, str(error))


def thumbnail(picture: Picture | Composite, side: int) -> Image | None:
    """Return a picture whose longer side is at most this long, or None if there is none.

    Raises
    ------
    ImageError
        If it cannot be read.
    """
    from PIL import Image

    if hasattr(picture, "to_rgb"):
        if picture.status not in WITH_PICTURE:
            return None
        image: Image.Image = Image.fromarray(picture.to_rgb()[::-1])
    elif content := picture.content:
        image = _opened(picture.name, content, side)
    else:
        return None
    image.thumbnail((side, side), Image.Resampling.BILINEAR)  # never enlarges
    return image


def _opened(name: str, content: bytes, side: int) -> Image:
    """Return the picture in a JPEG, decoded no larger than need be."""
    from PIL import Image

    try:
        image = Image.open(io.BytesIO(content))
        image.draft("RGB", (side, side))
        image.load()
    except OSError as error:
        raise ImageError(f"{name}: the picture cannot be decoded: {error}") from error
    return image
