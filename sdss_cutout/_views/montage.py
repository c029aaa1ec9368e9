"""Draws many pictures side by side: as a figure, and as a PNG of any length."""

from __future__ import annotations

import collections
import functools
import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from astropy.table import Column, Table

from sdss_cutout._config import whole_number
from sdss_cutout._errors import RequestError
from sdss_cutout._progress import summarise
from sdss_cutout._store.files import atomic_path
from sdss_cutout._views.display import Tile, tile_of
from sdss_cutout._views.png import check_png_size, write_png
from sdss_cutout._views.protocols import Outcomes
from sdss_cutout._views.text import SMALLEST, elided, text_width

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from PIL.Image import Image
    from PIL.ImageFont import FreeTypeFont

__all__ = ["montage_figure", "order_of", "titles_of", "write_montage"]


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
        return [_value_text(value) for value in _column(table, titles, "titles").tolist()]
    if len(titles) != len(table):
        raise RequestError(f"titles has {len(titles)} texts for {len(table)} targets")
    return [str(title) for title in titles]


def _column(table: Table, name: str, option: str) -> Column:
    if name not in table.colnames:
        raise RequestError(
            f"{option} = {name!r} is not a column; there are {', '.join(table.colnames)}"
        )
    return table[name]


def _value_text(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.5g}" if isinstance(value, float) else str(value)


# --------------------------------------------------------------------------------- as a figure

_DPI = 100
_GAP = 0.05  # between tiles, in units of a tile's side
_TITLE_INCHES = 0.2


def montage_figure(
    cutouts: Outcomes,
    table: Table,
    *,
    ncols: int = 10,
    titles: str | Sequence[str] | None = "name",
    order: str | None = None,
    reverse: bool = False,
    tile: float = 1.2,
) -> Figure:
    """Draw the cutouts side by side; see `CutoutList.montage`."""
    ncols = min(whole_number("ncols", ncols), max(len(table), 1))
    texts = titles_of(table, titles)
    place = {row: number for number, row in enumerate(order_of(table, order, reverse=reverse))}
    nrows = max(-(-len(table) // ncols), 1)
    # A tile is 1 wide and high; its title stands under it.
    step = 1 + (_TITLE_INCHES / tile if any(texts) else 0.0) + _GAP
    figure, ax = _paper((1 + _GAP) * ncols, step * nrows + _GAP, tile)
    size = _font_size(texts, tile)
    # Pictures are drawn twice as fine as the screen, for print.
    for row, cutout in enumerate(cutouts.iter_unread()):
        line, column = divmod(place[row], ncols)
        left, top = column * (1 + _GAP) + _GAP / 2, line * step + _GAP
        bottom = _draw_tile(ax, tile_of(cutout, int(2 * tile * _DPI)), left, top)
        ax.text(
            left + 0.5, bottom + _GAP / 2, elided(texts[row], _room(tile) / size), fontsize=size,
            ha="center", va="top", parse_math=False,
        )  # fmt: skip
    return figure


def _paper(width: float, height: float, tile: float) -> tuple[Figure, Axes]:
    """Return a new figure and its axes, in units of a tile; y runs down."""
    from matplotlib import pyplot

    figure = pyplot.figure(figsize=(width * tile, height * tile), dpi=_DPI)
    ax = figure.add_axes((0, 0, 1, 1))
    ax.set(xlim=(0, width), ylim=(height, 0))
    ax.axis("off")
    return figure, ax


def _draw_tile(ax: Axes, tile: Tile, left: float, top: float) -> float:
    """Draw a picture into the square below ``top``, or the status in its place.

    Return where its lower edge is.
    """
    from matplotlib.patches import Rectangle

    if tile.image is not None:
        width, height = (n / max(tile.image.size) for n in tile.image.size)
        x, y = left + (1 - width) / 2, top + (1 - height) / 2
        pixels = np.asarray(tile.image)
        ax.imshow(pixels, extent=(x, x + width, y + height, y), aspect="auto")
        if tile.is_simulated:
            ax.text(x + 0.04, y + height - 0.04, "simulated", fontsize=4.5, color="0.75")
        return y + height
    style = _STYLES.get(tile.word, _WRONG)
    ax.add_patch(Rectangle((left, top), 1, 1, **style))
    ax.text(
        left + 0.5, top + 0.5, tile.word, ha="center", va="center", fontsize=8,
        color=style["edgecolor"], bbox={"facecolor": style["facecolor"], "linewidth": 0, "pad": 2},
    )  # fmt: skip
    return top + 1


# Distinguished by their words and hatching as well as by colour.
_STYLES: dict[str, dict[str, Any]] = {
    "outside": {"facecolor": "0.93", "edgecolor": "0.35", "linewidth": 0.6},
}
_WRONG: dict[str, Any] = {
    "facecolor": "#fbe9e7", "edgecolor": "#a02010", "linewidth": 0.6, "hatch": "////",
}  # fmt: skip


def _font_size(texts: Sequence[str], tile: float) -> float:
    """Return the size at which the longest title fits, within what can be read."""
    widest = max(map(text_width, texts), default=0.0)
    return float(np.clip(_room(tile) / max(widest, 1.0), SMALLEST, 9.0))


def _room(tile: float) -> float:
    """Return the width for a title in points; small letters are drawn a little too wide."""
    return 0.96 * 72 * tile


# ------------------------------------------------------------------------------------ as a PNG

_FOOT, _CAPTION = 24, 14  # pixels


def write_montage(
    cutouts: Outcomes,
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
        The file; replaced if it exists.
    ncols : int, optional
        Tiles per line; by default as many as make the whole a square, ten at least.
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
    tile = whole_number("tile", tile)
    ncols = whole_number("ncols", ncols) if ncols is not None else max(10, round(count**0.5))
    ncols = max(min(ncols, count), 1)
    caption = _CAPTION if titles is not None else 0
    nrows = max(-(-count // ncols), 1)
    width, height = ncols * tile, nrows * (tile + caption) + _FOOT
    check_png_size(width, height)
    strips = _strips(cutouts, titles, ncols=ncols, tile=tile, caption=caption)
    with atomic_path(path) as part, part.open("wb") as file:
        write_png(file, width, height, strips)
    return path


def _strips(
    cutouts: Outcomes, titles: Sequence[str] | None, *, ncols: int, tile: int, caption: int
) -> Iterator[Image]:
    """Yield the lines of tiles, and a foot that says what they are."""
    words: collections.Counter[str] = collections.Counter()
    simulated = False
    rest = cutouts.iter_unread()
    for first in range(0, max(len(cutouts), 1), ncols):
        tiles = []
        for cutout in itertools.islice(rest, ncols):
            tiles.append(tile_of(cutout, max(tile - 2, 1)))  # black skies would run together
            words[tiles[-1].word or cutout.status] += 1
        simulated = simulated or any(picture.is_simulated for picture in tiles)
        texts = [] if titles is None else titles[first : first + ncols]
        yield _strip(tiles, texts, ncols * tile, tile, caption)
    yield _foot(words, simulated, ncols * tile)


def _strip(
    tiles: Sequence[Tile], titles: Sequence[str], width: int, tile: int, caption: int
) -> Image:
    from PIL import Image, ImageDraw

    strip = Image.new("RGB", (width, tile + caption), _PAPER)
    draw = ImageDraw.Draw(strip)
    for column, picture in enumerate(tiles):
        _paste(strip, picture, column * tile, tile)
    for column, title in enumerate(titles):
        _write_title(draw, title, column * tile, tile)
    return strip


def _foot(words: collections.Counter[str], simulated: bool, width: int) -> Image:
    from PIL import Image, ImageDraw

    foot = Image.new("RGB", (width, _FOOT), _PAPER)
    text = f"{words.total()}: {summarise(words)}"
    text += " (SIMULATED, not SDSS data)" if simulated else ""
    ImageDraw.Draw(foot).text((6, 5), text, fill=_INK, font=_font(12))
    return foot


_PAPER, _INK = (24, 24, 27), (225, 225, 230)
_FILLS = {"outside": (58, 58, 64)}
_WRONG_FILL = (110, 30, 24)


def _paste(strip: Image, picture: Tile, left: int, tile: int) -> None:
    from PIL import ImageDraw

    if picture.image is not None:
        image = picture.image
        strip.paste(image, (left + (tile - image.width) // 2, (tile - image.height) // 2))
        return
    draw = ImageDraw.Draw(strip)
    fill = _FILLS.get(picture.word, _WRONG_FILL)
    draw.rectangle((left, 0, left + tile - 1, tile - 1), fill=fill, outline=_PAPER)
    font = _font(min(0.8 * tile / text_width(picture.word), tile / 6))
    draw.text((left + tile / 2, tile / 2), picture.word, fill=_INK, anchor="mm", font=font)


def _write_title(draw: Any, title: str, left: int, tile: int) -> None:
    room = tile - 2
    size = float(np.clip(room / max(text_width(title), 1.0), 7, 11))
    place = (left + tile / 2, tile + _CAPTION / 2)
    draw.text(place, elided(title, room / size), fill=_INK, anchor="mm", font=_font(size))


def _font(size: float) -> FreeTypeFont:
    """Return Matplotlib's font, which has more letters than Pillow's own."""
    return _font_of_size(max(int(2 * size) / 2, 4.0))


@functools.cache
def _font_of_size(size: float) -> FreeTypeFont:
    import matplotlib as mpl
    from PIL import ImageFont

    return ImageFont.truetype(f"{mpl.get_data_path()}/fonts/ttf/DejaVuSans.ttf", size)
