"""Many pictures side by side: as a figure, and as a PNG of any length."""

from __future__ import annotations

import collections
import io
import struct
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

import numpy as np
from astropy.table import Column, Table

from sdss_cutout._errors import RequestError
from sdss_cutout._image.sidecar import is_simulated
from sdss_cutout._progress import summarise
from sdss_cutout._results.cutout import Cutout
from sdss_cutout._results.outcome import FAILED, OUTSIDE
from sdss_cutout._store.files import translated

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray
    from PIL.Image import Image

__all__ = ["montage_figure", "order_of", "titles_of", "write_montage"]


class Cutouts(Protocol):
    """A list of cutouts, or a report that reads them one by one."""

    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[Cutout]: ...


_SHOWN = {OUTSIDE: "outside", FAILED: "failed"}


def _shrunk(content: bytes, side: int) -> Image:
    """Return a picture whose longer side is this, read no larger than need be."""
    from PIL import Image

    image = Image.open(io.BytesIO(content))
    image.draft("RGB", (side, side))
    image.thumbnail((side, side), Image.Resampling.BILINEAR)  # never enlarges
    return image


# ------------------------------------------------------------------------------ columns of a table


def order_of(table: Table, order: str | None, *, reverse: bool = False) -> list[int]:
    """Return the rows in the order of a column; missing values come last."""
    rows = list(range(len(table)))
    if order is None:
        return rows[::-1] if reverse else rows
    values = _column(table, order, "order").tolist()
    known = [row for row in rows if values[row] is not None and values[row] == values[row]]
    missing = sorted(set(rows) - set(known))
    return sorted(known, key=values.__getitem__, reverse=reverse) + missing


def titles_of(table: Table, titles: str | Sequence[str] | None) -> list[str]:
    """Return the titles of the tiles."""
    if titles is None:
        return [""] * len(table)
    if isinstance(titles, str):
        return [_shown(value) for value in _column(table, titles, "titles").tolist()]
    if len(titles) != len(table):
        raise RequestError(f"titles has {len(titles)} texts for {len(table)} targets")
    return [str(title) for title in titles]


def _column(table: Table, name: str, option: str) -> Column:
    if name not in table.colnames:
        raise RequestError(
            f"{option} = {name!r} is not a column; there are {', '.join(table.colnames)}"
        )
    return table[name]


def _shown(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.5g}" if isinstance(value, float) else str(value)


def _whole(option: str, value: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
        raise RequestError(f"{option} = {value!r} is not a whole number of at least 1")
    return int(value)


# --------------------------------------------------------------------------------- as a figure

_DPI = 100
_TITLE_INCHES = 0.2


def montage_figure(
    cutouts: Cutouts,
    table: Table,
    *,
    ncols: int = 10,
    titles: str | Sequence[str] | None = "name",
    order: str | None = None,
    reverse: bool = False,
    tile: float = 1.2,
) -> Figure:
    """Draw the cutouts side by side; see `CutoutList.montage`."""
    from matplotlib import pyplot

    ncols = min(_whole("ncols", ncols), max(len(table), 1))
    texts = titles_of(table, titles)
    place = {row: number for number, row in enumerate(order_of(table, order, reverse=reverse))}
    nrows = max(-(-len(table) // ncols), 1)
    # A tile is 1 wide and high, its title stands above it.
    step = 1 + (_TITLE_INCHES / tile if any(texts) else 0.0) + _GAP
    figure = pyplot.figure(
        figsize=((1 + _GAP) * ncols * tile, (step * nrows + _GAP) * tile), dpi=_DPI
    )
    ax = figure.add_axes((0, 0, 1, 1))
    ax.set(xlim=(0, (1 + _GAP) * ncols), ylim=(step * nrows + _GAP, 0))
    ax.axis("off")
    size = _font_size(texts, tile)
    # Pictures are drawn twice as fine as the screen, for print.
    for row, cutout in enumerate(cutouts):
        line, column = divmod(place[row], ncols)
        left, bottom = column * (1 + _GAP) + _GAP / 2, (line + 1) * step
        _draw_tile(ax, cutout, left, bottom, side=int(2 * tile * _DPI))
        ax.text(
            left + 0.5, bottom - 1 - _GAP, _fitting(texts[row], tile, size), fontsize=size,
            ha="center", va="bottom", parse_math=False,
        )  # fmt: skip
    return figure


_GAP = 0.05


def _draw_tile(ax: Axes, cutout: Cutout, left: float, bottom: float, side: int) -> None:
    """Draw a picture into the square above ``bottom``, or what became of the target."""
    from matplotlib.patches import Rectangle

    if cutout.content:
        image = _shrunk(cutout.content, side)
        width, height = (n / max(image.size) for n in image.size)
        x, y = left + (1 - width) / 2, bottom - (1 - height) / 2
        ax.imshow(np.asarray(image), extent=(x, x + width, y, y - height), aspect="auto")
        if is_simulated(cutout.sidecar_bytes):
            ax.text(x + 0.04, y - 0.04, "simulated", fontsize=4.5, color="0.75")
        return
    style = _STYLES[cutout.status]
    ax.add_patch(Rectangle((left, bottom - 1), 1, 1, **style))
    ax.text(
        left + 0.5, bottom - 0.5, _SHOWN[cutout.status], ha="center", va="center", fontsize=8,
        color=style["edgecolor"], bbox={"facecolor": style["facecolor"], "linewidth": 0, "pad": 2},
    )  # fmt: skip


# Told apart by their words and hatching as well as by colour.
_STYLES: dict[str, dict[str, Any]] = {
    OUTSIDE: {"facecolor": "0.93", "edgecolor": "0.35", "linewidth": 0.6},
    FAILED: {"facecolor": "#fbe9e7", "edgecolor": "#a02010", "linewidth": 0.6, "hatch": "////"},
}

# Width of a letter, as a part of the size of the font.
_LETTER = 0.62


def _font_size(texts: Sequence[str], tile: float) -> float:
    longest = max(map(len, texts), default=1) or 1
    return float(np.clip(72 * tile / (_LETTER * longest), 4.5, 9.0))


def _fitting(text: str, tile: float, size: float) -> str:
    """Return the text, its middle left out if the tile is narrower."""
    room = max(int(72 * tile * (1 + _GAP) / (_LETTER * size)), 3)
    if len(text) <= room:
        return text
    head = (room - 1) // 2
    return f"{text[:head]}\N{HORIZONTAL ELLIPSIS}{text[len(text) - (room - 1 - head) :]}"


# ------------------------------------------------------------------------------------ as a PNG

_FOOT = 24
_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_LIMIT = 2**31 - 1


def write_montage(
    cutouts: Cutouts,
    path: str | Path,
    *,
    ncols: int | None = None,
    tile: int = 96,
    titles: Sequence[str] | None = None,
) -> Path:
    """Write the cutouts side by side as a PNG; one line of tiles is in memory at a time.

    Parameters
    ----------
    cutouts : CutoutList or DownloadReport
        Gone through once.
    path : str or `~pathlib.Path`
        The file; replaced if it is there.
    ncols : int, optional
        Tiles a line; by default as many as make the whole a square, ten at least.
    tile : int, optional
        Width and height of a tile in pixels.
    titles : sequence of str, optional
        A text below each tile.

    Returns
    -------
    `~pathlib.Path`
        The file.

    Raises
    ------
    ImageError
        If a picture cannot be read.
    StoreError
        If the file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from sdss_cutout import SDSSCutouts
    >>> from sdss_cutout._views.montage import write_montage
    >>> from sdss_cutout.sandbox import Sandbox
    >>> with Sandbox() as sandbox, tempfile.TemporaryDirectory() as folder:
    ...     client = SDSSCutouts(base_url=sandbox.base_url)
    ...     cutouts = client.get_sql("SELECT TOP 3 ra, dec FROM Galaxy WHERE r < 17", size=64)
    ...     write_montage(cutouts, Path(folder, "montage.png"), tile=64).name
    'montage.png'
    """
    path, count = Path(path), len(cutouts)
    tile = _whole("tile", tile)
    ncols = _whole("ncols", ncols) if ncols is not None else max(10, round(count**0.5))
    ncols = max(min(ncols, count), 1)
    caption = 14 if titles is not None else 0
    nrows = max(-(-count // ncols), 1)
    width, height = ncols * tile, nrows * (tile + caption) + _FOOT
    if max(width, height) > _PNG_LIMIT:
        raise RequestError(f"a PNG cannot have {width} x {height} pixels")
    part = path.with_name(f".{path.name}.part")
    with translated(path.parent):
        try:
            with part.open("wb") as file:
                strips = _strips(iter(cutouts), titles, ncols=ncols, tile=tile, caption=caption)
                _write_png(file, width, height, strips)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    return path


def _strips(
    cutouts: Iterator[Cutout],
    titles: Sequence[str] | None,
    *,
    ncols: int,
    tile: int,
    caption: int,
) -> Iterator[Image]:
    """Yield the lines of tiles, and a foot that says what they are."""
    from PIL import Image, ImageDraw

    counts: collections.Counter[str] = collections.Counter()
    simulated = False
    done = 0
    while True:
        strip = Image.new("RGB", (ncols * tile, tile + caption), _PAPER)
        draw = ImageDraw.Draw(strip)
        column = -1
        for column, cutout in zip(range(ncols), cutouts, strict=False):
            counts[cutout.status] += 1
            simulated = simulated or is_simulated(cutout.sidecar_bytes)
            _paste(strip, cutout, column * tile, tile)
            if titles is not None:
                _write_title(draw, titles[done + column], column * tile, tile)
        if column < 0 and done:
            break
        yield strip
        done += column + 1
        if column < ncols - 1:
            break
    foot = Image.new("RGB", (ncols * tile, _FOOT), _PAPER)
    text = f"{done}: {summarise(counts)}" + (" (SIMULATED, not SDSS data)" if simulated else "")
    ImageDraw.Draw(foot).text((6, 5), text, fill=_INK)
    yield foot


_PAPER, _INK = (24, 24, 27), (225, 225, 230)
_FILLS = {OUTSIDE: (58, 58, 64), FAILED: (110, 30, 24)}


def _paste(strip: Image, cutout: Cutout, left: int, tile: int) -> None:
    from PIL import ImageDraw

    if cutout.content:
        image = _shrunk(cutout.content, max(tile - 2, 1))  # black skies would run together
        strip.paste(image, (left + (tile - image.width) // 2, (tile - image.height) // 2))
        return
    draw = ImageDraw.Draw(strip)
    draw.rectangle((left, 0, left + tile - 1, tile - 1), fill=_FILLS[cutout.status], outline=_PAPER)
    draw.text(
        (left + tile / 2, tile / 2), _SHOWN[cutout.status], fill=_INK, anchor="mm",
        font_size=max(tile / 6, 6),
    )  # fmt: skip


def _write_title(draw: Any, text: str, left: int, tile: int) -> None:
    size = 10.0
    while size > 6 and draw.textlength(text, font_size=size) > tile - 2:
        size -= 1
    while text and draw.textlength(text, font_size=size) > tile - 2:
        text = text[:-1]
    draw.text((left + tile / 2, tile + 7), text, fill=_INK, anchor="mm", font_size=size)


def _write_png(file: BinaryIO, width: int, height: int, strips: Iterator[Image]) -> None:
    """Write a PNG (ISO/IEC 15948) from strips, which Pillow would want in memory all at once."""
    file.write(_PNG)
    file.write(_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)))
    packer = zlib.compressobj(1)
    for strip in strips:
        packed = packer.compress(_filtered(np.asarray(strip)))
        if packed:
            file.write(_chunk(b"IDAT", packed))
    file.write(_chunk(b"IDAT", packer.flush()))
    file.write(_chunk(b"IEND", b""))


def _filtered(pixels: NDArray[np.uint8]) -> bytes:
    """Return lines with PNG's filter 1: differences to the left compress better."""
    height, width, _ = pixels.shape
    lines = np.empty((height, 1 + 3 * width), np.uint8)
    lines[:, 0] = 1
    lines[:, 1:4] = pixels[:, 0]
    lines[:, 4:] = (pixels[:, 1:] - pixels[:, :-1]).reshape(height, -1)
    return lines.tobytes()


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
