"""Lists of pictures to export, made without a server, and readers of what was exported."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from astropy.coordinates import SkyCoord
from astropy.table import Column, Table
from jpegs import jpeg, noise

from sdss_cutout._image.header import Provenance, make_sidecar, read_header
from sdss_cutout._request.request import CutoutRequest
from sdss_cutout._service.skyserver import SKYSERVER

URL = (
    "https://skyserver.sdss.org/dr17/SkyServerWS/ImgCutout/getjpeg?ra={ra}&dec={dec}&scale={scale}"
    "&width={width}&height={height}"
)


@dataclass(frozen=True)
class Picture:
    """One outcome, with what an export needs of it."""

    request: CutoutRequest
    name: str
    status: str
    content: bytes
    sidecar_bytes: bytes
    path: Path | None = None

    @property
    def coord(self):
        return SkyCoord(self.request.ra, self.request.dec, unit="deg")

    @property
    def header(self):
        return read_header(self.sidecar_bytes)


class Pictures:
    """A list of outcomes and its table."""

    def __init__(self, pictures, columns):
        self.pictures = list(pictures)
        self.columns = columns

    def __len__(self):
        return len(self.pictures)

    def __iter__(self):
        return iter(self.pictures)

    def __getitem__(self, rows):
        columns = Table(self.columns, copy=False)
        return type(self)(self.pictures[rows], columns[rows] if columns.colnames else {})

    @property
    def table(self):
        table = self.columns.copy() if isinstance(self.columns, Table) else Table(self.columns)
        has = [p.status in ("ok", "kept") for p in self.pictures]
        texts = {
            "name": [p.name for p in self.pictures],
            "status": [p.status for p in self.pictures],
            "path": [str(p.path or "") for p in self.pictures],
            "sidecar": [str(p.path.with_suffix(".wcs")) if p.path else "" for p in self.pictures],
            "url": [p.request.url for p in self.pictures],
            "sha256": [
                hashlib.sha256(p.content).hexdigest() if there else ""
                for p, there in zip(self.pictures, has, strict=True)
            ],
            "error": ["" if there else "no SDSS imaging here" for there in has],
        }
        for name, values in texts.items():
            table[name] = np.array(values, dtype="U")
        for name, kind in (("width", "i8"), ("height", "i8"), ("scale", "f8")):
            table[name] = np.array([getattr(p.request, name) for p in self.pictures], dtype=kind)
        table["nbytes"] = Column(
            np.array([len(p.content) for p in self.pictures], dtype="i8"), unit="byte"
        )
        return table


_JPEGS = {}


def picture_bytes(name, width=64, height=64):
    """A JPEG of this size that no other name has: the name is in a comment."""
    if (width, height) not in _JPEGS:
        _JPEGS[width, height] = jpeg(noise(height, width))
    plain = _JPEGS[width, height]
    text = name.encode()
    return plain[:2] + b"\xff\xfe" + (len(text) + 2).to_bytes(2, "big") + text + plain[2:]


def make(ra, dec, columns=None, *, names=None, folder=None, size=64, scale=0.4, status="ok",
         origin="nginx"):  # fmt: skip
    """Pictures at positions in degrees; with a folder each is in a file, beside its sidecar."""
    count = len(ra)
    names = names or [f"t{number}" for number in range(count)]
    sizes, scales = np.broadcast_to(size, count), np.broadcast_to(scale, count)
    pictures = []
    for row, name in enumerate(names):
        numbers = {
            "ra": round(float(ra[row]), 10), "dec": round(float(dec[row]), 10),
            "scale": float(scales[row]), "width": int(sizes[row]), "height": int(sizes[row]),
        }  # fmt: skip
        request = CutoutRequest(
            overlays="", release=17, url=URL.format(**numbers), service=SKYSERVER, **numbers
        )
        outcome = status if isinstance(status, str) else status[row]
        content = sidecar = b""
        path = None
        if outcome in ("ok", "kept"):
            content = picture_bytes(name, request.width, request.height)
            provenance = Provenance(
                name=name, origin=origin, date="2026-01-01T00:00:00", creator="tests",
                sha256=hashlib.sha256(content).hexdigest(),
            )  # fmt: skip
            sidecar = make_sidecar(request, provenance)
            if folder is not None:
                folder.mkdir(parents=True, exist_ok=True)
                path = folder / f"{name}.jpg"
                path.write_bytes(content)
                path.with_suffix(".wcs").write_bytes(sidecar)
        pictures.append(Picture(request, name, outcome, content, sidecar, path))
    return Pictures(pictures, columns or {})


def row_of(count, **options):
    """Pictures that do not overlap, in a row."""
    return make(10 + np.arange(count) * 0.1, np.zeros(count), **options)
