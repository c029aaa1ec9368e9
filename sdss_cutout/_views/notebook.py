"""Shows lists and reports in a notebook: thumbnails with names, statuses and links."""

from __future__ import annotations

import base64
import io
from html import escape
from itertools import islice
from typing import TYPE_CHECKING

from sdss_cutout._image.sidecar import parse_url
from sdss_cutout._views.display import Tile, thumbnail, tile_of
from sdss_cutout._views.protocols import Composite, Outcomes, Picture

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["list_html", "picture_png", "report_html"]

# A notebook keeps what it shows: 40 thumbnails are some 150 kB.
_MOST, _SIDE = 40, 96
_WIDTH = 124  # 19 digits of an objID, or an IAU name, on one line

# Colours that do on light and on dark paper, as notebooks have either.
_TILE = (
    f"display:inline-block;vertical-align:top;width:{_WIDTH}px;margin:3px;font-size:10px;"
    "line-height:1.3;text-align:center;overflow-wrap:anywhere"
)
_BOX = (
    f"display:flex;width:{_SIDE}px;height:{_SIDE}px;margin:0 auto;align-items:center;"
    "justify-content:center;border:1px dashed #888;box-sizing:border-box;font-weight:bold"
)


def list_html(cutouts: Outcomes) -> str:
    """Return what a notebook shows of a list."""
    return _html(cutouts, "montage() draws them all")


def report_html(report: Outcomes) -> str:
    """Return what a notebook shows of a report."""
    return _html(report, "write_html() writes a page with them all")


def _html(cutouts: Outcomes, advice: str) -> str:
    first = islice(cutouts.iter_unread(), _MOST)
    tiles = [(cutout, tile_of(cutout, _SIDE)) for cutout in first]
    simulated = any(tile.is_simulated for _, tile in tiles)
    rest = len(cutouts) - len(tiles)
    parts = [
        f"<p><b>{escape(repr(cutouts).strip('<>'))}</b></p>",
        "<p>Simulated pictures, not SDSS data.</p>" if simulated else "",
        "<div>" + "".join(_figure(cutout, tile) for cutout, tile in tiles) + "</div>",
        f"<p>and {rest:,} more; {advice}</p>" if rest else "",
    ]
    return "".join(parts)


def picture_png(picture: Picture | Composite) -> bytes | None:
    """Return what a notebook shows of a picture that is composed of arrays."""
    image = thumbnail(picture, _LARGEST)
    return None if image is None else _encoded(image, "PNG")


_LARGEST = 512


def _figure(cutout: Picture | Composite, tile: Tile) -> str:
    """Return the picture with its name and status below it."""
    name = escape(cutout.name)
    parsed = parse_url(cutout.url)
    if parsed is not None:
        link = escape(parsed.navigate_url)
        name = f'<a href="{link}" target="_blank" rel="noopener noreferrer">{name}</a>'
    status = "" if tile.word else f"<br>{escape(cutout.status)}"
    return f'<div style="{_TILE}">{_picture(cutout.name, tile)}{name}{status}</div>'


def _picture(name: str, tile: Tile) -> str:
    if tile.image is None:
        return f'<div style="{_BOX}" title="{escape(tile.error)}">{escape(tile.word)}</div>'
    data = base64.b64encode(_encoded(tile.image, "JPEG")).decode("ascii")
    # A block, as what is inline has the name beside it where the name is short.
    return (
        f'<img src="data:image/jpeg;base64,{data}" alt="{escape(name)}" '
        f'style="display:block;width:{_SIDE}px;height:{_SIDE}px;object-fit:contain;margin:0 auto">'
    )


def _encoded(image: Image, kind: str) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, quality=80)
    return file.getvalue()
