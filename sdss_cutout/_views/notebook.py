"""What lists and reports look like in a notebook: thumbnails, statuses and links."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable
from html import escape
from itertools import islice
from typing import TYPE_CHECKING

from sdss_cutout._errors import ImageError
from sdss_cutout._image.sidecar import asked_of, is_simulated

if TYPE_CHECKING:
    from sdss_cutout._results.cutout import Cutout
    from sdss_cutout._results.lists import CutoutList, DownloadReport

__all__ = ["list_html", "report_html"]

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


def list_html(cutouts: CutoutList) -> str:
    """Return what a notebook shows of a list."""
    return _html(repr(cutouts), cutouts, len(cutouts), "montage() draws them all")


def report_html(report: DownloadReport) -> str:
    """Return what a notebook shows of a report."""
    return _html(repr(report), report, len(report), "write_html() writes a page with them all")


def _html(heading: str, cutouts: Iterable[Cutout], length: int, advice: str) -> str:
    shown: list[Cutout] = []
    trouble = ""
    try:
        shown.extend(islice(cutouts, _MOST))
    except ImageError as error:  # files may be gone since; what is shown must not raise
        trouble = f"<p>{escape(str(error))}</p>"
    simulated = any(is_simulated(cutout.sidecar_bytes) for cutout in shown)
    rest = length - len(shown)
    parts = [
        f"<p><b>{escape(heading.strip('<>'))}</b></p>",
        "<p>Simulated pictures, not SDSS data.</p>" if simulated else "",
        "<div>" + "".join(map(_tile, shown)) + "</div>",
        trouble,
        f"<p>and {rest:,} more; {advice}</p>" if rest and not trouble else "",
    ]
    return "".join(parts)


def _tile(cutout: Cutout) -> str:
    name = escape(cutout.name)
    asked = asked_of(cutout.url)
    if asked is not None:
        link = escape(asked.navigate_url)
        name = f'<a href="{link}" target="_blank" rel="noopener noreferrer">{name}</a>'
    return f'<div style="{_TILE}">{_picture(cutout)}{name}<br>{escape(cutout.status)}</div>'


def _picture(cutout: Cutout) -> str:
    if not cutout.content:
        return f'<div style="{_BOX}" title="{escape(cutout.error)}">{escape(cutout.status)}</div>'
    data = base64.b64encode(_thumbnail(cutout.content)).decode("ascii")
    return (
        f'<img src="data:image/jpeg;base64,{data}" alt="{escape(cutout.name)}" '
        f'style="width:{_SIDE}px;height:{_SIDE}px;object-fit:contain;margin:0 auto">'
    )


def _thumbnail(content: bytes) -> bytes:
    from PIL import Image

    image = Image.open(io.BytesIO(content))
    image.draft("RGB", (_SIDE, _SIDE))
    image.thumbnail((_SIDE, _SIDE))
    small = io.BytesIO()
    image.save(small, "JPEG", quality=80)
    return small.getvalue()
