"""Writes a figure as PNG or JPEG below the size that observatories take, or as PDF."""

from __future__ import annotations

import functools
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sdss_cutout._errors import RequestError
from sdss_cutout._store.files import atomic_path

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from numpy.typing import NDArray
    from PIL.Image import Image

__all__ = ["SLIT_COLOR", "STAR_COLOR", "check_chart_path", "write_chart"]

# The colours of what is not grey.
STAR_COLOR, SLIT_COLOR = "#0b4ea2", "#b00020"

_SUFFIXES = (".pdf", ".png", ".jpg", ".jpeg")
# ESO takes charts of at most 1 MB; SALT wants at least 500 pixels on a side.
_LARGEST = 1_000_000
_FINEST, _COARSEST = 200, 80  # dots per inch


def check_chart_path(path: str | Path) -> Path:
    """Return the path of a chart; one of another kind is refused."""
    file = Path(path).expanduser()
    if file.suffix.lower() not in _SUFFIXES:
        raise RequestError(
            f"{str(path)!r} is not a valid path of a chart; expected a name that ends in "
            ".pdf, .png or .jpg"
        )
    return file


def write_chart(figure: Figure, path: Path) -> None:
    """Write a figure in the format of the path's suffix.

    Raises
    ------
    StoreError
        If the file cannot be written.
    """
    content = _pdf(figure) if path.suffix.lower() == ".pdf" else _picture(figure, path.suffix)
    with atomic_path(path) as part:
        part.write_bytes(content)


def _pdf(figure: Figure) -> bytes:
    import matplotlib as mpl

    file = io.BytesIO()
    with mpl.rc_context({"pdf.fonttype": 42}):  # whole fonts, so that text can be searched
        figure.savefig(file, format="pdf")
    return file.getvalue()


def _picture(figure: Figure, suffix: str) -> bytes:
    """Return the figure as fine as the limit allows."""
    encode = _png if suffix.lower() == ".png" else _jpeg
    dpi, content = _FINEST, encode(_rendered(figure, _FINEST), _FINEST)
    while len(content) > _LARGEST and dpi > _COARSEST:
        dpi = max(int(0.95 * dpi * (_LARGEST / len(content)) ** 0.5), _COARSEST)
        content = encode(_rendered(figure, dpi), dpi)
    return content


def _rendered(figure: Figure, dpi: int) -> Image:
    from PIL import Image

    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=dpi, pil_kwargs={"compress_level": 1})
    return Image.open(file).convert("RGB")


def _png(image: Image, dpi: int) -> bytes:
    """Return a PNG with the palette of a chart, which takes a third of the space."""
    from PIL import Image

    palette = _palette()
    pixels = np.asarray(image)
    indices = pixels[:, :, 0] // 2  # right for what is grey
    colored = np.ptp(pixels, axis=2) > 0
    colors, inverse = np.unique(pixels[colored], axis=0, return_inverse=True)
    distances = np.abs(colors[:, None].astype(int) - palette).sum(axis=2)
    indices[colored] = distances.argmin(axis=1).astype(np.uint8)[inverse.reshape(-1)]
    reduced = Image.fromarray(indices, "P")
    reduced.putpalette(palette.astype(np.uint8).tobytes())
    return _encoded(reduced, "PNG", dpi)


@functools.cache
def _palette() -> NDArray[np.int64]:
    """Return the colours of a chart: 128 greys, and shades of its blue and its red."""
    greys = np.arange(128) * 255 // 127
    colors = [np.stack([greys] * 3, axis=1)]
    for color in (STAR_COLOR, SLIT_COLOR):
        ink = np.array([int(color[n : n + 2], 16) for n in (1, 3, 5)])
        depth = np.linspace(0.1, 1, 32)[:, None]
        colors.append((255 - depth * (255 - ink)).astype(np.int64))
    return np.concatenate(colors)


def _jpeg(image: Image, dpi: int) -> bytes:
    return _encoded(image, "JPEG", dpi, quality=92, subsampling=0)


def _encoded(image: Image, kind: str, dpi: int, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, dpi=(dpi, dpi), **options)
    return file.getvalue()
