"""JPEG bodies as the server writes them, each of which says that it is simulated."""

from __future__ import annotations

import io
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from sdss_cutout.sandbox import rules
from sdss_cutout.sandbox.pictures import drawing, overlays

if TYPE_CHECKING:
    from collections.abc import Callable

    from sdss_cutout.sandbox.rules import PictureRequest
    from sdss_cutout.sandbox.sky.objects import Sky

    Query = Callable[[str], list[dict[str, object]]]

COMMENT = b"SIMULATED by sdss_cutout sandbox, not SDSS data"
FAST_SIDE = 64  # the fast mode's pictures are tiled from one of this size


def jpeg(image: Image.Image) -> bytes:
    """Encode with the real pictures' signature: quality 75, 4:2:0, JFIF 1.01, 96 dpi, no EXIF."""
    buffer = io.BytesIO()
    image.save(
        buffer, "JPEG", quality=75, subsampling="4:2:0", dpi=(96, 96), comment=COMMENT
    )  # fmt: skip
    return buffer.getvalue()


def sky_picture(sky: Sky, request: PictureRequest, query: Query) -> bytes:
    """The sky with its overlays."""
    image = Image.fromarray(drawing.draw(sky, request))
    return jpeg(overlays.add(image, sky, request, query))


@lru_cache(maxsize=64)
def text_picture(text: str, width: int, height: int) -> bytes:
    """Black with a text, as the server paints its messages (S: SDSSGraphicsEnv.cs)."""
    image = Image.new("RGB", (width, height))
    font = ImageFont.load_default(size=min(13.0, max(6.0, width / 30)))
    centre = (width / 2, height / 2)
    draw = ImageDraw.Draw(image)
    draw.multiline_text(
        centre, _folded(text, width, font), fill="white", font=font, anchor="mm", align="center"
    )  # fmt: skip
    return jpeg(image)


def _folded(text: str, width: int, font: ImageFont.ImageFont | ImageFont.FreeTypeFont) -> str:
    """Break a text into lines that fit the picture."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and font.getlength(longer) > 0.95 * width:
            lines.append(word)
        else:
            lines[-1] = longer
    return "\n".join(lines)


def blank_picture(width: int, height: int) -> bytes:
    """Uniform black without text."""
    return jpeg(Image.new("RGB", (width, height)))


def outside_picture(width: int, height: int) -> bytes:
    """What the server sends where it has no imaging."""
    return text_picture(rules.OUTSIDE_TEXT, width, height)


def mirrored(image: Image.Image) -> Image.Image:
    """With left and right exchanged."""
    return image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)


def other_size(body: bytes, by: int) -> bytes:
    """The same picture, wider by some pixels."""
    with Image.open(io.BytesIO(body)) as image:
        return jpeg(image.resize((max(1, image.width + by), image.height)))


@lru_cache(maxsize=32)
def fast_picture(width: int, height: int) -> bytes:
    """A picture of the right size that costs nothing to serve: the same for every position."""
    y, x = np.mgrid[:FAST_SIDE, :FAST_SIDE] - FAST_SIDE / 2
    light = 200 * np.exp(-(x * x + y * y) / 50.0)
    grain = np.random.default_rng(3).uniform(4, 12, (FAST_SIDE, FAST_SIDE, 3))
    tile = np.clip(grain + light[..., None], 0, 255).astype(np.uint8)
    rows, columns = np.arange(height) % FAST_SIDE, np.arange(width) % FAST_SIDE
    return jpeg(Image.fromarray(tile[rows[:, None], columns]))
