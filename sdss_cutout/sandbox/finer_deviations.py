"""Facts that can be broken one by one where others break several at once."""

from __future__ import annotations

import bz2
import io
import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from astropy.io import fits
from PIL import Image

from sdss_cutout.sandbox.deviations import Deviation, of_status
from sdss_cutout.sandbox.http.response import Response, error_json, html
from sdss_cutout.sandbox.pictures import jpeg

if TYPE_CHECKING:
    from collections.abc import Callable

    from sdss_cutout.sandbox.http.request import Request
    from sdss_cutout.sandbox.rules import PictureRequest

    Redraw = Callable[[Request, PictureRequest], PictureRequest]
    Change = Callable[[Request, Response], Response]

OTHER_SCALE_LIMITS = (0.05, 60.0)
STAR_DISPLACEMENT = 1.5  # arcsec


def _letters(change: Callable[[str], str]) -> Redraw:
    """Change the letters of the overlays that are drawn."""
    return lambda _, wanted: replace(wanted, opt=change(wanted.opt))


def _narrow_scales(least: float, most: float) -> Redraw:
    return lambda _, wanted: replace(wanted, scale=max(least, min(most, wanted.scale)))


def _displaced(_request: Request, wanted: PictureRequest) -> PictureRequest:
    """Move the sky in pictures that are finer than the survey's pixels, but for the marks."""
    if wanted.scale >= 0.3 or wanted.query:
        return wanted
    return replace(wanted, dec=wanted.dec + STAR_DISPLACEMENT / 3600)


def _cross_aside(request: Request, response: Response) -> Response:
    """Move everything one pixel to the right and down where there is a grid."""
    if (
        request.route == "picture"
        and response.status == 200
        and "G" in request.query.get("opt", "")
    ):
        with Image.open(io.BytesIO(response.body)) as image:
            pixels = np.roll(np.asarray(image.convert("RGB")), (1, 1), axis=(0, 1))
        response.body = jpeg.jpeg(Image.fromarray(pixels))
    return response


def _without_reason(response: Response) -> Response:
    response.reason = "Not Found"
    return response


def _replaced(pattern: bytes, by: bytes) -> Callable[[Response], Response]:
    def change(response: Response) -> Response:
        response.body = re.sub(pattern, by, response.body)
        return response

    return change


def _no_polygons(request: Request) -> Response | None:
    is_meant = "fPolygonsContainingPointEq" in request.command
    return error_json(500, "Invalid object name 'sdssPolygons'.") if is_meant else None


def _field_columns(request: Request, response: Response) -> Response:
    if request.last_part == "fieldarray":
        response.body = response.body.replace(b'"fieldId"', b'"id"')
    return response


def _centres_elsewhere(request: Request, response: Response) -> Response:
    if request.last_part == "fieldarray" and response.body.lstrip().startswith(b"["):
        tables = json.loads(response.body)
        for row in tables[0]["Rows"]:
            row["dec"] += 0.5
        response.body = json.dumps(tables).encode()
    return response


def _no_urls(request: Request) -> Response | None:
    return html(404, "<h1>404 Not Found</h1>\n") if request.last_part == "urlsoffields" else None


def _frame(change: Callable[[fits.HDUList], None]) -> Change:
    """Change frames; their pixels, which take the longest to compress, become zero."""

    def edited(response: Response) -> Response:
        unpacked = io.BytesIO(bz2.decompress(response.body))
        with fits.open(unpacked, memmap=False) as hdus:
            hdus[0].data = np.zeros_like(hdus[0].data)
            change(hdus)
            out = io.BytesIO()
            hdus.writeto(out)
        response.body = bz2.compress(out.getvalue())
        return response

    return of_status("frame", 200, edited)


def _keyword(key: str, change: Callable[[object], object]) -> Callable[[fits.HDUList], None]:
    def edit(hdus: fits.HDUList) -> None:
        hdus[0].header[key] = change(hdus[0].header[key])

    return edit


def _fewer_indices(hdus: fits.HDUList) -> None:
    row = hdus[2].data[0]
    kept = {"ALLSKY": row["ALLSKY"], "XINTERP": row["XINTERP"][:-8], "YINTERP": row["YINTERP"]}
    columns = [
        fits.Column(name, f"{values.size}E", dim=str(values.shape[::-1]), array=values[None])
        for name, values in kept.items()
    ]
    hdus[2] = fits.BinTableHDU.from_columns(columns)


def _half_a_pixel_off(hdus: fits.HDUList) -> None:
    for axis in (1, 2):
        hdus[0].header[f"CRPIX{axis}"] += 0.5


def _stretched(hdus: fits.HDUList) -> None:
    for element in ("CD1_1", "CD1_2", "CD2_1", "CD2_2"):
        hdus[0].header[element] *= 1.002


FINER_DEVIATIONS: dict[str, Deviation] = {
    "min-scale": Deviation(
        text="scales below 0.05 arcsec per pixel are drawn at 0.05",
        redraw=_narrow_scales(OTHER_SCALE_LIMITS[0], 1e5),
    ),
    "max-scale": Deviation(
        text="scales above 60 arcsec per pixel are drawn at 60",
        redraw=_narrow_scales(0.0, OTHER_SCALE_LIMITS[1]),
    ),
    "cross-place": Deviation(
        text="a picture with a grid is one pixel to the right and down", change=_cross_aside
    ),
    "star-place": Deviation(
        text="pictures finer than 0.3 arcsec per pixel are displaced by 1.5 arcsec",
        redraw=_displaced,
    ),
    "outside-reason": Deviation(
        text="where there is no imaging, the reason phrase is Not Found",
        change=of_status("picture", 404, _without_reason),
    ),
    "bad-request-status": Deviation(
        text="wrong parameters are answered with 500",
        change=of_status("picture", 400, lambda old: replace(old, status=500)),
    ),
    "overlay-grid": Deviation(
        text="the letter G changes nothing", redraw=_letters(lambda opt: opt.replace("G", ""))
    ),
    "overlay-label": Deviation(
        text="the letter L changes nothing", redraw=_letters(lambda opt: opt.replace("L", ""))
    ),
    "overlay-invert": Deviation(
        text="the letter I changes nothing", redraw=_letters(lambda opt: opt.replace("I", ""))
    ),
    "overlay-ruler": Deviation(
        text="the letter R draws a grid", redraw=_letters(lambda opt: opt.replace("R", "G"))
    ),
    "mark-list": Deviation(
        text="lists of positions are not marked",
        redraw=lambda _, wanted: replace(wanted, query="") if wanted.query[:2] == "ra" else wanted,
    ),
    "sql-columns": Deviation(
        text="x_results.aspx names the columns otherwise",
        change=of_status("results_page", 200, _replaced(rb"\A#Table1\nobjID,", b"#Table1\nid,")),
    ),
    "sql-primary-field": Deviation(
        text="SQL has no polygons of primary fields", respond=_no_polygons
    ),
    "field-columns": Deviation(
        text="FieldArray has no fieldId", change=_field_columns
    ),
    "field-centres": Deviation(
        text="FieldArray has the centres of fields half a degree to the north",
        change=_centres_elsewhere,
    ),
    "field-paths": Deviation(
        text="the searches for fields name other paths of frames",
        change=of_status("fields", 200, _replaced(rb"/photoObj/frames/", b"/photoObj/frames-new/")),
    ),
    "field-urls": Deviation(text="UrlsOfFields is not found", respond=_no_urls),
    "frame-unit": Deviation(
        text="frames are in counts", change=_frame(_keyword("BUNIT", lambda _: "count"))
    ),
    "frame-calibration": Deviation(
        text="a frame's NMGY is twice the mean of its calibrations",
        change=_frame(_keyword("NMGY", lambda value: 2 * float(str(value)))),
    ),
    "frame-sky": Deviation(
        text="a frame's sky has fewer indices than columns", change=_frame(_fewer_indices)
    ),
    "frame-index": Deviation(
        text="a frame's WCS is half a pixel off in rows and columns",
        change=_frame(_half_a_pixel_off),
    ),
    "frame-wcs": Deviation(
        text="a frame's WCS is stretched by 0.2 percent", change=_frame(_stretched)
    ),
}  # fmt: skip
