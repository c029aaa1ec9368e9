"""A picture and its sidecar as files: written, read back and checked against each other."""

from __future__ import annotations

import enum
import hashlib
from pathlib import Path
from typing import NamedTuple

from astropy.io import fits

from sdss_cutout._errors import ImageError
from sdss_cutout._image.avm import embed_avm, has_avm, without_avm
from sdss_cutout._image.header import Provenance, make_sidecar, read_header, request_of_header
from sdss_cutout._image.jpeg import check_jpeg
from sdss_cutout._request.request import CutoutRequest
from sdss_cutout._store.files import write_files
from sdss_cutout._store.layout import paths_of, sidecar_of

__all__ = [
    "Condition",
    "Picture",
    "condition_of",
    "measure_picture",
    "read_known_picture",
    "read_picture",
    "with_avm",
    "write_picture",
]


class Picture(NamedTuple):
    """A picture in memory: the JPEG and its sidecar."""

    content: bytes
    sidecar_bytes: bytes


def with_avm(picture: Picture) -> Picture:
    """Return the picture with its sky coordinates in the JPEG, too."""
    if has_avm(picture.content):
        return picture
    header = read_header(picture.sidecar_bytes)
    return picture._replace(content=embed_avm(picture.content, header))


def write_picture(directory: Path | str, scratch: Path | str, name: str, picture: Picture) -> None:
    """Write a picture and its sidecar to their names.

    The sidecar goes first: a picture under its final name always has one, and the sidecar says
    by the checksum which picture it belongs to.
    """
    path, sidecar = (file.removeprefix("/") for file in paths_of("", name))
    write_files(directory, scratch, {sidecar: picture.sidecar_bytes, path: picture.content})


def read_picture(path: Path) -> tuple[Picture, fits.Header]:
    """Return a picture with its sidecar and the header in it, if they belong together.

    Raises
    ------
    ImageError
        If one of them is missing, damaged or altered.
    """
    picture = _read_files(path)
    try:
        header = read_header(picture.sidecar_bytes)
    except (ValueError, KeyError) as error:
        raise ImageError(f"{sidecar_of(path)}: this is not a sidecar of ours: {error}") from error
    if hashlib.sha256(_as_served(picture.content)).hexdigest() != header["SHA256"]:
        raise ImageError(f"{path}: the picture is not the one that its sidecar describes (sha256)")
    return picture, header


def measure_picture(path: Path, picture: Picture, request: CutoutRequest) -> float:
    """Decode a picture that was read and return its coverage.

    Raises
    ------
    ImageError
        If it is damaged, or not of the size that its sidecar tells.
    """
    try:
        return check_jpeg(picture.content, request.width, request.height)
    except ImageError as error:
        raise ImageError(f"{path}: {error}") from error


def read_known_picture(path: Path, sha256: str) -> Picture:
    """Return a picture of which the checksum is known: it was measured when it came.

    The checksum takes a tenth of the time of decoding. Where it differs the picture may still be
    whole and the one that its sidecar describes: its owner may have added AVM.
    """
    picture = _read_files(path)
    found = hashlib.sha256(picture.content).hexdigest()
    if found != sha256 or found.encode() not in picture.sidecar_bytes:
        picture, header = read_picture(path)
        measure_picture(path, picture, request_of_header(header))
    return picture


def _read_files(path: Path) -> Picture:
    try:
        return Picture(path.read_bytes(), sidecar_of(path).read_bytes())
    except OSError as error:
        raise ImageError(f"{error.filename}: {error.strerror}") from error


def _as_served(content: bytes) -> bytes:
    return without_avm(content) if has_avm(content) else content


class Condition(enum.Enum):
    """The condition of a picture that a directory has already."""

    WHOLE = "whole"
    ALTERED = "altered"  # not the bytes that were recorded
    REPAIRABLE = "repairable"  # the picture is whole; its sidecar or its AVM block is not as wanted


def condition_of(
    path: Path, request: CutoutRequest, provenance: Provenance, sha256: str, *, avm: bool
) -> Condition:
    """Return the condition of a picture with this checksum, in a file that exists."""
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != sha256:
        return Condition.ALTERED
    fits_picture = _sidecar_fits(sidecar_of(path), request, provenance)
    return Condition.WHOLE if fits_picture and has_avm(content) == avm else Condition.REPAIRABLE


def _sidecar_fits(path: Path, request: CutoutRequest, provenance: Provenance) -> bool:
    """Return whether the sidecar exists and describes this picture.

    Its WCS may have been improved by its owner, so that its bytes may differ.
    """
    try:
        sidecar_bytes = path.read_bytes()
        if sidecar_bytes == make_sidecar(request, provenance):  # a thirtieth of the time
            return True
        return bool(read_header(sidecar_bytes)["SHA256"] == provenance.sha256)
    except (OSError, ValueError, KeyError):
        return False
