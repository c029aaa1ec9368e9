"""Writes the contact sheet: one page with all pictures, which opens from the disk.

The program of the page is in ``templates/*.js``, as modules that linters and type checkers
understand. A page opened from the disk may not import modules, so they are joined here into one
script.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import importlib.resources
import math
import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
from astropy.table import Column, Table
from astropy.table.serialize import represent_mixins_as_columns

from sdss_cutout._image.sidecar import LinearWCS, is_simulated, parse_header, parse_url
from sdss_cutout._service.skyserver import explore_url, navigate_url
from sdss_cutout._store.files import translated, write_whole
from sdss_cutout._store.layout import PAGE, PICTURE, paths_of
from sdss_cutout._views.preview import Preview
from sdss_cutout._views.protocols import WITH_PICTURE

__all__ = ["write_sheet"]

# The paths on the machine that wrote the page are private.
_LEFT_OUT = ("path", "sidecar")

# Columns about the download rather than the target; the reader of the page can make them visible.
_HIDDEN = ("url", "width", "height", "scale", "nbytes", "sha256", "attempts")

# The page has columns of these names of its own.
_RESERVED = ("mark", "comment")

# The page's modules, each after those that it needs while it is loaded.
_MODULES = (
    "dom", "controls", "press", "table", "csv", "classes", "marks", "filters", "tiles", "grid",
    "sky", "zoom", "viewer", "marking", "exchange", "editor", "gestures", "main",
)  # fmt: skip

# Integers beyond this are not exact in JavaScript and travel as text.
_EXACT = 2**53


def write_sheet(
    directory: str | Path,
    table: Table,
    path: str | Path | None = None,
    *,
    preview: Callable[[Path], Preview] | None = None,
) -> Path:
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
    preview : callable, optional
        Returns the `Preview` of a file that is not a JPEG; it becomes part of the page. Without
        it, such files are listed without a picture.

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
    page = directory / PAGE if path is None else Path(path)
    names, suffixes = table["name"].tolist(), _suffixes(table)
    previews = {} if preview is None else _previews(directory, names, suffixes, preview)
    headers = _headers(directory, names, suffixes, previews)
    sites: dict[tuple[str, int], int] = {}
    text = _rendered(
        title=directory.resolve().name,
        count=len(table),
        pictures=sum(map(bool, headers)),
        simulated=sum(map(is_simulated, headers)),
        data={
            "columns": _columns(table),
            "pictures": _relative(directory, page.parent),
            "suffixes": suffixes,
            "previews": {row: _data_url(shown.picture) for row, shown in previews.items()},
            "sky": _all_wcs(headers),
            "asked": [_requested(url, sites) for url in table["url"].tolist()],
            "sites": [_pages(*site) for site in sites],
        },
    )
    with translated(page.parent):
        write_whole(page, text.encode("utf-8", "replace"))
    return page


# ------------------------------------------------------------------------------------ the template


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
    style, program = _template("sheet.css").strip(), _program()
    return environment.get_template("sheet.html.jinja").render(
        **values,
        style=Markup(style),  # noqa: S704  # our own file
        program=Markup(program),  # noqa: S704
        program_hash=_csp_hash(program),
        style_hash=_csp_hash(style),
    )


def _template(name: str) -> str:
    return (importlib.resources.files("sdss_cutout._views") / "templates" / name).read_text("utf-8")


def _program() -> str:
    """Return the modules as one script in a scope of its own."""
    modules = "\n".join(_template(f"{name}.js") for name in _MODULES)
    statements = re.sub(r"^import [^;]+;\n|^export ", "", modules, flags=re.MULTILINE)
    return f'"use strict";\n(() => {{\n{statements}}})();'


def _csp_hash(text: str) -> str:
    """Return how a content security policy names the one script or style that may run."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _relative(directory: Path, start: Path) -> str:
    """Return how the page reaches the pictures, as a part of a URL."""
    relative = Path(os.path.relpath(directory, start)).as_posix()
    return "" if relative == "." else quote(relative) + "/"


# --------------------------------------------------------------------------------------- the files


def _suffixes(table: Table) -> list[str]:
    """Return the suffix of each target's file; empty where there is none."""
    paths = table["path"].tolist() if "path" in table.colnames else [""] * len(table)
    return [
        (Path(path).suffix or PICTURE) if status in WITH_PICTURE else ""
        for path, status in zip(paths, table["status"].tolist(), strict=True)
    ]


def _previews(
    directory: Path,
    names: Sequence[str],
    suffixes: Sequence[str],
    preview: Callable[[Path], Preview],
) -> dict[int, Preview]:
    """Return the previews of the files that are not JPEGs, by row."""
    return {
        row: preview(directory / f"{name}{suffix}")
        for row, (name, suffix) in enumerate(zip(names, suffixes, strict=True))
        if suffix not in ("", PICTURE)
    }


def _data_url(picture: bytes) -> str:
    kind = "png" if picture.startswith(b"\x89PNG") else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(picture).decode()}"


def _headers(
    directory: Path, names: Sequence[str], suffixes: Sequence[str], previews: dict[int, Preview]
) -> list[bytes]:
    """Return the WCS header of each picture; empty where there is none, or none any more."""
    headers = []
    for row, (name, suffix) in enumerate(zip(names, suffixes, strict=True)):
        headers.append(previews[row].header if row in previews else b"")
        if suffix == PICTURE:
            with contextlib.suppress(OSError):
                headers[-1] = Path(paths_of(directory, name)[1]).read_bytes()
    return headers


# ---------------------------------------------------------------------------------------- positions


def _all_wcs(sidecars: Sequence[bytes]) -> dict[str, list[Any]]:
    """Return the WCS of all pictures; what many have in common is written once."""
    frames: dict[tuple[Any, ...], int] = {}
    rows: list[list[float] | None] = []
    for sidecar in sidecars:
        wcs = parse_header(sidecar)
        rows.append(None if wcs is None else _in_frame(wcs, frames))
    return {"frames": [list(frame) for frame in frames], "rows": rows}


def _in_frame(wcs: LinearWCS, frames: dict[tuple[Any, ...], int]) -> list[float]:
    number = frames.setdefault(wcs[2:], len(frames))
    return [number, wcs.ra, wcs.dec]


def _requested(url: str, sites: dict[tuple[str, int], int]) -> list[Any] | None:
    """Return the number of the site and the position of a request."""
    parsed = parse_url(url)
    if parsed is None:
        return None
    number = sites.setdefault((parsed.base_url, parsed.release), len(sites))
    return [number, parsed.ra, parsed.dec]


def _pages(base_url: str, release: int) -> dict[str, str]:
    """Return SkyServer's pages without their parameters, which differ from row to row."""
    return {
        "navigate": navigate_url(base_url, release, 0.0, 0.0).partition("?")[0],
        "explore": explore_url(base_url, release, 0).partition("?")[0],
    }


# ------------------------------------------------------------------------------------- the columns


def _columns(table: Table) -> list[dict[str, Any]]:
    plain = represent_mixins_as_columns(table)
    return [_column(plain[name]) for name in plain.colnames if name not in _LEFT_OUT]


def _column(column: Column) -> dict[str, Any]:
    kind, values = _kind_and_values(column)
    return {
        "name": f"input_{column.name}" if column.name in _RESERVED else column.name,
        "unit": "" if column.unit is None else str(column.unit),
        "kind": kind,
        "visible": column.name not in _HIDDEN,
        "values": values,
    }


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
