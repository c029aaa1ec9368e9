"""Manifest entries: made from requests, read from sidecars, and turned back into requests."""

from __future__ import annotations

import hashlib
from pathlib import Path

from sdss_cutout._errors import ImageError
from sdss_cutout._frames.hdus import check_hdus, request_of
from sdss_cutout._image.header import Provenance, request_of_header
from sdss_cutout._request.calibrated import CalibratedRequest
from sdss_cutout._request.chunk import AnyRequest
from sdss_cutout._request.request import CutoutRequest
from sdss_cutout._service.skyserver import SKYSERVER
from sdss_cutout._store.layout import FITS
from sdss_cutout._store.manifest import ManifestEntry
from sdss_cutout._store.pictures import measure_picture, read_picture
from sdss_cutout._targets.names import fold_name

__all__ = [
    "entry_of_file",
    "new_entry",
    "picture_request_of_entry",
    "provenance_of_entry",
    "request_of_entry",
]


def new_entry(
    request: AnyRequest,
    *,
    name: str,
    status: str,
    coverage: float | None,
    nbytes: int,
    sha256: str,
    source_sha256: str,
    attempts: int,
    error: str,
    origin: str,
    date: str,
    row: int,
    input_table: int | None = None,
    input_values: str = "",
) -> ManifestEntry:
    """Return the entry for the outcome of a request."""
    overlays, bands = _kind(request)
    return ManifestEntry(
        key=fold_name(name), name=name, status=status, url=request.url, ra=request.ra,
        dec=request.dec, width=request.width, height=request.height, scale=request.scale,
        overlays=overlays, bands=bands, release=request.release, coverage=coverage,
        nbytes=nbytes, sha256=sha256, source_sha256=source_sha256, attempts=attempts, error=error,
        origin=origin, date=date, input_table=input_table, input_values=input_values, row=row,
    )  # fmt: skip


def _kind(request: AnyRequest) -> tuple[str, str]:
    """Return the overlays of a picture, and the bands of calibrated data."""
    if isinstance(request, CalibratedRequest):
        return "", request.bands
    return request.overlays, ""


def entry_of_file(path: Path, *, row: int) -> ManifestEntry:
    """Return the entry for a file that a killed run wrote and did not record.

    Raises
    ------
    ImageError
        If the picture or its sidecar is missing, damaged, or not ours.
    """
    return (_of_fits if path.suffix == FITS else _of_picture)(path, row)


def _of_fits(path: Path, row: int) -> ManifestEntry:
    content = path.read_bytes()
    header = check_hdus(content)[0].header
    sha256 = hashlib.sha256(content).hexdigest()
    try:
        return new_entry(
            request_of(header),
            name=path.stem,
            status="ok",
            coverage=float(header["COVERAGE"]),
            nbytes=len(content),
            sha256=sha256,
            source_sha256=sha256,
            attempts=1,
            error="",
            origin=str(header["ORIGIN"]),
            date=str(header["DATE"]),
            row=row,
        )
    except KeyError as error:
        raise ImageError(f"{path}: it is not a calibrated cutout: {error}") from error


def _of_picture(path: Path, row: int) -> ManifestEntry:
    picture, header = read_picture(path)
    request = request_of_header(header)
    return new_entry(
        request,
        name=path.stem,
        status="ok",
        coverage=measure_picture(path, picture, request),
        nbytes=len(picture.content),
        sha256=hashlib.sha256(picture.content).hexdigest(),
        source_sha256=header["SHA256"],
        attempts=1,
        error="",
        origin=str(header.get("ORIGIN", "")),
        date=str(header.get("DATE", "")),
        row=row,
    )


def request_of_entry(entry: ManifestEntry) -> AnyRequest:
    """Return the request that an entry describes."""
    if entry.bands:
        return CalibratedRequest(
            ra=entry.ra, dec=entry.dec, scale=entry.scale, width=entry.width, height=entry.height,
            bands=entry.bands, north_up="&scale=" in entry.url.partition("#")[2],
            release=entry.release, url=entry.url,
        )  # fmt: skip
    return picture_request_of_entry(entry)


def picture_request_of_entry(entry: ManifestEntry) -> CutoutRequest:
    """Return the request for a picture that an entry describes."""
    return CutoutRequest(
        ra=entry.ra, dec=entry.dec, scale=entry.scale, width=entry.width, height=entry.height,
        overlays=entry.overlays, release=entry.release, url=entry.url,
        service=SKYSERVER,  # the one that manifests are written for
    )  # fmt: skip


def provenance_of_entry(entry: ManifestEntry, creator: str) -> Provenance:
    """Return what the sidecar of an entry's picture says of where it came from."""
    return Provenance(
        name=entry.name, origin=entry.origin, date=entry.date, sha256=entry.source_sha256,
        creator=creator,
    )  # fmt: skip
