"""Manifest entries: made from requests, read from sidecars, and turned back into requests."""

from __future__ import annotations

import hashlib
from pathlib import Path

from sdss_cutout._image.header import Provenance, request_of_header
from sdss_cutout._request.request import CutoutRequest
from sdss_cutout._service.skyserver import SKYSERVER
from sdss_cutout._store.manifest import ManifestEntry
from sdss_cutout._store.pictures import measure_picture, read_picture
from sdss_cutout._targets.names import fold_name

__all__ = ["entry_of_file", "new_entry", "provenance_of_entry", "request_of_entry"]


def new_entry(
    request: CutoutRequest,
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
    return ManifestEntry(
        key=fold_name(name), name=name, status=status, url=request.url, ra=request.ra,
        dec=request.dec, width=request.width, height=request.height, scale=request.scale,
        overlays=request.overlays, bands="", release=request.release, coverage=coverage,
        nbytes=nbytes, sha256=sha256, source_sha256=source_sha256, attempts=attempts, error=error,
        origin=origin, date=date, input_table=input_table, input_values=input_values, row=row,
    )  # fmt: skip


def entry_of_file(path: Path, *, row: int) -> ManifestEntry:
    """Return the entry for a picture that a killed run wrote and did not record.

    Raises
    ------
    ImageError
        If the picture or its sidecar is missing, damaged, or not ours.
    """
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


def request_of_entry(entry: ManifestEntry) -> CutoutRequest:
    """Return the request that an entry describes."""
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
