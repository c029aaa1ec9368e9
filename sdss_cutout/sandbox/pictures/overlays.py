"""The overlays of getjpeg's ``opt`` and ``query``, in the server's places and colours."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps

from sdss_cutout.sandbox import projection, rules
from sdss_cutout.sandbox.pictures import drawing
from sdss_cutout.sandbox.sql.functions import MOST_ARCMIN

if TYPE_CHECKING:
    from collections.abc import Callable

    from sdss_cutout.sandbox.rules import PictureRequest
    from sdss_cutout.sandbox.sky.objects import Patch, Sky

    Rows = list[dict[str, object]]
    Colour = str | tuple[int, ...]
    Query = Callable[[str], Rows]

# S: SDSSGraphicsEnv.cs, the pens
COLOURS: dict[str, str | tuple[int, ...]] = {
    "query": "fuchsia", "P": "dodgerblue", "S": "red", "T": "greenyellow", "B": (255, 0, 255),
    "O": (0, 255, 0), "F": "gray", "M": "tomato", "Q": "hotpink", "A": "seashell",
    "grid": "lightgreen", "text": "white",
}  # fmt: skip
RULER = {  # S: SDSSGraphicsEnv.cs drawRuler, arcminutes
    "0.5''": 1 / 120, "1''": 1 / 60, "2''": 2 / 60, "5''": 5 / 60, "10''": 1 / 6, "20''": 2 / 6,
    "1'": 1.0, "2'": 2.0, "5'": 5.0, "10'": 10.0, "20'": 20.0, "30'": 30.0,
    "1deg": 60.0, "1.5deg": 90.0, "2deg": 120.0,
}  # fmt: skip
FIELD_DEG = (0.15, 0.225)  # about a survey field
MOST_MARKS = 5000
_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)"
_FILTER = re.compile(rf"([SGP])(?:([UGRIZA])\(({_NUMBER}),({_NUMBER})\))?", re.ASCII)


def add(image: Image.Image, sky: Sky, request: PictureRequest, query: Query) -> Image.Image:
    """Draw what ``opt`` and ``query`` ask for, in the server's order."""
    pen = _Pen(image, request)
    letters = [letter for letter in "AFPSTBOMLQ" if letter in request.opt]
    if set(letters) - set("LFQ"):
        _mark_objects(pen, letters, _objects(sky, request))
    if "F" in letters:
        _fields(pen)
    if "Q" in letters:
        _plates(pen)
    for ra, dec in marked(request, query):
        pen.triangle(*pen.place(ra, dec), 7, COLOURS["query"])
    if "L" in letters:
        pen.text((10, 10), _label(request))
    if "G" in request.opt:
        _grid(pen)
    return ImageOps.invert(image) if "I" in request.opt else image


class _Pen:
    """Draws in pixels, knows where sky positions are."""

    def __init__(self, image: Image.Image, request: PictureRequest) -> None:
        self.request, self.width, self.height = request, image.width, image.height
        self.draw = ImageDraw.Draw(image)
        self.font = ImageFont.load_default(size=10)

    def place(self, ra: float, dec: float) -> tuple[float, float]:
        r = self.request
        x, y = projection.pixel_of_vectors(
            projection.normal(ra, dec), r.ra, r.dec, r.pixels_per_radian, r.width, r.height,
            gnomonic=r.gnomonic,
        )  # fmt: skip
        return float(x), float(y)

    def line(self, points: list[tuple[float, float]], colour: Colour) -> None:
        if not any(math.isnan(x) for x, _ in points):
            # To the nearest pixels: Pillow cuts fractions off, which is half a pixel to the left.
            self.draw.line([(round(x), round(y)) for x, y in points], fill=colour)

    def ring(self, x: float, y: float, radius: float, colour: Colour) -> None:
        self.ellipse(x, y, radius, 1.0, 0.0, colour, 24)

    def square(self, x: float, y: float, half: float, colour: Colour) -> None:
        corners = [(-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1)]
        self.line([(x + a * half, y + b * half) for a, b in corners], colour)

    def triangle(self, x: float, y: float, half: float, colour: Colour) -> None:
        corners = [(-1, -0.6), (1, -0.6), (0, 1), (-1, -0.6)]
        self.line([(x + a * half, y + b * half) for a, b in corners], colour)

    def ellipse(
        self, x: float, y: float, a: float, ab: float, phi: float, colour: Colour, sides: int
    ) -> None:
        turn = np.linspace(0, 2 * math.pi, sides + 1)
        along, across = a * np.cos(turn), a * ab * np.sin(turn)
        sine, cosine = math.sin(math.radians(phi)), math.cos(math.radians(phi))
        xs, ys = x - along * sine + across * cosine, y - along * cosine - across * sine
        self.line(list(zip(xs.tolist(), ys.tolist(), strict=True)), colour)

    def text(self, place: tuple[float, float], text: str) -> None:
        self.draw.multiline_text(place, text, fill=COLOURS["text"], font=self.font)


def _objects(sky: Sky, request: PictureRequest) -> Patch:
    limit = drawing.magnitude_limit(request.scale)
    return sky.patch(request.ra, request.dec, request.radius_deg, limit)


def _mark_objects(pen: _Pen, letters: list[str], patch: Patch) -> None:
    for row in patch.table[:MOST_MARKS]:
        x, y = pen.place(row["ra"], row["dec"])
        size = max(4.0, float(row["petroR90_r"]) * 1.3 / pen.request.scale)
        has_spectrum = row["specobjid"] > 0
        if "P" in letters:
            pen.ring(x, y, 4, COLOURS["P"])
        if "S" in letters and has_spectrum:
            pen.square(x, y, 5, COLOURS["S"])
        if "T" in letters and (has_spectrum or row["r"] < _target_limit(row["kind"])):
            pen.triangle(x, y, 6, COLOURS["T"])
        if "A" in letters and row["kind"] == "star" and row["r"] < 12:
            pen.ring(x, y, 8, COLOURS["A"])
        if "B" in letters:
            pen.square(x, y, size, COLOURS["B"])
        if "O" in letters:
            pen.ellipse(x, y, size, max(0.4, row["ab"]), row["phi"], COLOURS["O"], 14)
        if "M" in letters and row["kind"] == "star" and row["r"] < 15:
            pen.ellipse(x, y, 4 * size, 1.0, 0.0, COLOURS["M"], 8)


def _target_limit(kind: str) -> float:
    """The magnitude to which the synthetic survey would have aimed a fibre."""
    return 17.77 if kind == "galaxy" else 15.0


def _fields(pen: _Pen) -> None:
    """Outlines of synthetic fields, on a fixed raster of the sky."""
    height, width = FIELD_DEG
    request = pen.request
    if request.radius_deg > 3:
        return  # they would cover everything
    count = max(1, round(360 * math.cos(math.radians(request.dec)) / width))
    wide = 360.0 / count
    reach = round(request.radius_deg / height) + 2
    for down in range(-reach, reach + 1):
        low = (math.floor(request.dec / height) + down) * height
        if low < -90 or low + height > 90:
            continue
        for along in range(-reach, reach + 1):
            east = (math.floor(request.ra / wide) + along) * wide
            corners = [(0, 0), (1, 0), (1, 1), (0, 1), (0, 0)]
            points = [pen.place(east + a * wide, low + b * height) for a, b in corners]
            pen.line(points, COLOURS["F"])


def _plates(pen: _Pen) -> None:
    """Circles of synthetic plates: one on every second degree."""
    request = pen.request
    radius = rules.PLATE_RADIUS_DEG * 3600 / request.scale
    for step in (-2.0, 0.0, 2.0):
        dec = round(request.dec / 2) * 2 + step
        wide = 2.0 / max(0.05, math.cos(math.radians(dec)))
        for along in (-wide, 0.0, wide):
            x, y = pen.place(round(request.ra / wide) * wide + along, dec)
            pen.ellipse(x, y, radius, 1, 0, COLOURS["Q"], 360)


def _label(request: PictureRequest) -> str:
    return (
        f"SIMULATED\nra: {request.ra:.3f} dec: {request.dec:.3f}\n"
        f"scale: {request.scale:.4f} arcsec/pix"
    )


def _grid(pen: _Pen) -> None:
    """Cross, letters and ruler (S: SDSSGraphicsEnv.cs drawGrid, drawRuler)."""
    width, height = pen.width, pen.height
    x, y = width // 2, height // 2  # whole numbers, as there
    inner, outer = 0.05 * max(width, height), 0.125
    green = COLOURS["grid"]
    pen.line([(x, y - inner), (x, height * outer)], green)
    pen.line([(x, y + inner), (x, height * (1 - outer))], green)
    pen.line([(x - inner, y), (width * outer, y)], green)
    pen.line([(x + inner, y), (width * (1 - outer), y)], green)
    for letter, place in {
        "N": (x - 3, 16), "S": (x - 3, height - 32), "E": (16, y - 8), "W": (width - 32, y - 8),
    }.items():  # fmt: skip
        pen.text(place, letter)
    _ruler(pen)


def _ruler(pen: _Pen) -> None:
    extent = min(pen.width, pen.height) / 4
    lengths = {label: arcmin * 60 / pen.request.scale for label, arcmin in RULER.items()}
    fitting = [(size, label) for label, size in lengths.items() if size <= extent]
    size, label = max(fitting, default=(extent, ""))
    y = 80 if "L" in pen.request.opt else 35
    pen.line([(20, y), (20 + size, y)], COLOURS["grid"])
    for x in (20, 20 + size):
        pen.line([(x, y - 3), (x, y + 3)], COLOURS["grid"])
    pen.text((20, y - 16), label)


def marked(request: PictureRequest, query: Query) -> list[tuple[float, float]]:
    """Positions that ``query`` marks; a wrong one is ignored (S: ImgCutout.cs validateQuery).

    The server composes a message of the error, and shows it to nobody.
    """
    try:
        return _positions(_marked_rows(request, query, request.query.strip()))
    except (KeyError, ValueError) as error:
        if request.strict_marks:
            raise rules.DrawingError(f"Wrong mark query. {error}") from error
        return []


def _marked_rows(request: PictureRequest, query: Query, text: str) -> Rows:
    if not text:
        return []
    if "SELECT" in text.upper():
        return query(text)
    first = text.lower().splitlines()[0]
    if re.search(r"\bra\b", first) and re.search(r"\bdec\b", first):
        return _listed(text)
    return query(_filter_sql(request, text))


def _listed(text: str) -> Rows:
    lines = [re.sub(r"[;,\s]+", " ", line).split() for line in text.lower().splitlines()]
    head, *rest = [line for line in lines if line]
    return [dict(zip(head, line, strict=False)) for line in rest]


def _filter_sql(request: PictureRequest, text: str) -> str:
    """The SQL of a filter such as ``SR(10,20)``."""
    found = _FILTER.fullmatch(re.sub(r"\s", "", text.upper()))
    if found is None:
        raise ValueError(f"Wrong mark query. String in wrong format: {text}")
    kind, band, low, high = found.groups()
    table = {"P": "PhotoPrimary", "G": "Galaxy", "S": "Star"}[kind]
    bands = [] if band is None else list("ugriz") if band == "A" else [band.lower()]
    where = " OR ".join(f"p.{name} BETWEEN {float(low)} AND {float(high)}" for name in bands)
    radius = min(60 * request.radius_deg, MOST_ARCMIN)
    near = f"dbo.fGetNearbyObjEq({request.ra},{request.dec},{radius})"
    return (
        f"SELECT p.ra AS ra, p.dec AS dec FROM {near} n JOIN {table} p ON n.objID = p.objID"  # noqa: S608
        + (f" WHERE {where}" if where else "")
    )


def _positions(rows: Rows) -> list[tuple[float, float]]:
    lowered = [{name.lower(): value for name, value in row.items()} for row in rows[:MOST_MARKS]]
    return [(float(str(row["ra"])), float(str(row["dec"]))) for row in lowered]
