"""The contact sheet: one page with all pictures, which opens from the disk."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import importlib.resources
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
from astropy.table import Column, Table
from astropy.table.serialize import represent_mixins_as_columns

from sdss_cutout._image.sidecar import Sky, asked_of, is_simulated, sky_of
from sdss_cutout._results.outcome import KEPT, OK
from sdss_cutout._store.files import translated, write_whole
from sdss_cutout._store.layout import SIDECAR

__all__ = ["write_sheet"]

# Where the files were on the machine that wrote the page is nobody's business.
_LEFT_OUT = ("path", "sidecar")

# Integers beyond this are not exact in JavaScript and travel as text.
_EXACT = 2**53


def write_sheet(directory: str | Path, table: Table, path: str | Path | None = None) -> Path:
    """Write a page with the pictures of a directory.

    It needs nothing but the files beside it: style, program and table are in the page.

    Parameters
    ----------
    directory : str or `~pathlib.Path`
        Where the pictures and sidecars are.
    table : `~astropy.table.Table`
        What is known of the targets, as `DownloadReport.table`.
    path : str or `~pathlib.Path`, optional
        The page; by default ``index.html`` in the directory.

    Returns
    -------
    `~pathlib.Path`
        The page.

    Raises
    ------
    StoreError
        If the page cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> from sdss_cutout import SDSSCutouts
    >>> from sdss_cutout._views.sheet import write_sheet
    >>> from sdss_cutout.sandbox import Sandbox
    >>> with Sandbox() as sandbox, tempfile.TemporaryDirectory() as folder:
    ...     client = SDSSCutouts(base_url=sandbox.base_url)
    ...     report = client.download_sql("SELECT TOP 2 objID, ra, dec FROM Galaxy", folder)
    ...     write_sheet(folder, report.table).name
    'index.html'
    """
    directory = Path(directory)
    page = directory / "index.html" if path is None else Path(path)
    sidecars = _sidecars(directory, table)
    text = _rendered(
        title=directory.resolve().name,
        count=len(table),
        pictures=sum(map(bool, sidecars)),
        simulated=sum(map(is_simulated, sidecars)),
        data={
            "columns": _columns(table),
            "pictures": _relative(directory, page.parent),
            "sky": _skies(sidecars),
            "asked": [_asked(url) for url in table["url"].tolist()],
        },
    )
    with translated(page.parent):
        write_whole(page, text.encode("utf-8", "replace"))
    return page


def _rendered(**values: Any) -> str:
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=PackageLoader("sdss_cutout._views"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates = importlib.resources.files("sdss_cutout._views") / "templates"
    style, program = (
        (templates / name).read_text("utf-8").strip() for name in ("sheet.css", "sheet.js")
    )
    return environment.get_template("sheet.html.jinja").render(
        **values,
        style=Markup(style),  # noqa: S704  # our own file
        program=Markup(program),  # noqa: S704
        program_hash=_csp_hash(program),
        style_hash=_csp_hash(style),
    )


def _csp_hash(text: str) -> str:
    """Return how a content security policy names the one script or style that may run."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _relative(directory: Path, start: Path) -> str:
    """Return how the page reaches the pictures, as a part of a URL."""
    relative = Path(os.path.relpath(directory, start)).as_posix()
    return "" if relative == "." else quote(relative) + "/"


def _sidecars(directory: Path, table: Table) -> list[bytes]:
    """Return the sidecars; empty where there is no picture, or none any more."""
    cards = []
    for name, status in zip(table["name"].tolist(), table["status"].tolist(), strict=True):
        cards.append(b"")
        if status in (OK, KEPT):
            with contextlib.suppress(OSError):
                cards[-1] = Path(directory, f"{name}{SIDECAR}").read_bytes()
    return cards


def _skies(sidecars: Sequence[bytes]) -> dict[str, list[Any]]:
    """Return the WCS of all pictures; most of each is the same for all, and given once."""
    frames: dict[tuple[Any, ...], int] = {}
    rows: list[list[float] | None] = []
    for cards in sidecars:
        sky = sky_of(cards)
        rows.append(None if sky is None else _in_frame(sky, frames))
    return {"frames": [list(frame) for frame in frames], "rows": rows}


def _in_frame(sky: Sky, frames: dict[tuple[Any, ...], int]) -> list[float]:
    number = frames.setdefault(sky[2:], len(frames))
    return [number, sky.ra, sky.dec]


def _asked(url: str) -> list[Any] | None:
    asked = asked_of(url)
    return None if asked is None else [asked.ra, asked.dec, asked.navigate_url]


# ------------------------------------------------------------------------------------- the columns


def _columns(table: Table) -> list[dict[str, Any]]:
    plain = represent_mixins_as_columns(table)
    return [_column(plain[name]) for name in plain.colnames if name not in _LEFT_OUT]


def _column(column: Column) -> dict[str, Any]:
    kind, values = _kind_and_values(column)
    unit = "" if column.unit is None else str(column.unit)
    return {"name": column.name, "unit": unit, "kind": kind, "values": values}


def _kind_and_values(column: Column) -> tuple[str, list[Any]]:
    """Return a column as JSON can hold it: missing values as null, identifiers as text."""
    values = column.data.tolist()
    if column.ndim > 1 or column.dtype.kind not in "iuf":
        return "text", [None if value is None else _text(value) for value in values]
    if column.dtype.kind == "f":
        # Single precision in its own digits: 0.1, not 0.10000000149011612.
        short = column.dtype.itemsize < 8 or column.name == "coverage"
        return "number", [_finite(v, short) for v in values]
    if any(abs(value) > _EXACT for value in values if value is not None):
        return "integer", [None if value is None else str(value) for value in values]
    return "number", values


def _finite(value: float | None, short: bool) -> float | str | None:
    if value is None or math.isnan(value):
        return None
    if math.isinf(value):
        return str(value).replace("inf", "Infinity")  # JSON has no word for it, JavaScript this
    return float(str(np.float32(value))) if short else value


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
