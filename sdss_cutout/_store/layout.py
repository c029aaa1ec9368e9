"""Which files a download has, and what they are called: the one place that knows."""

from __future__ import annotations

from pathlib import Path

from sdss_cutout._errors import RequestError

__all__ = [
    "FITS",
    "MANIFEST",
    "MANIFEST_TABLE",
    "MONTAGE",
    "PAGE",
    "PICTURE",
    "SIDECAR",
    "directory_path",
    "paths_of",
    "place_of",
    "sidecar_of",
]

# Suffixes have one length, which lets a directory of a million files be read fast; FITS is apart.
PICTURE, SIDECAR, FITS = ".jpg", ".wcs", ".fits"
MANIFEST, MANIFEST_TABLE = "manifest.sqlite", "manifest.ecsv"
PAGE, MONTAGE = "index.html", "montage.png"


def paths_of(directory: Path | str, name: str, *, bands: str = "") -> tuple[str, str]:
    """Return the paths of a target's picture and sidecar; calibrated data have no sidecar."""
    stem = f"{directory}/{name}"
    return (f"{stem}{FITS}", "") if bands else (f"{stem}{PICTURE}", f"{stem}{SIDECAR}")


def sidecar_of(picture: Path) -> Path:
    """Return the path of the sidecar beside a picture."""
    return picture.with_name(f"{picture.stem}{SIDECAR}")


_OTHER_PICTURES = {
    ".bmp", ".fit", ".fits", ".gif", ".jpeg", ".pdf", ".png", ".svg", ".tif", ".tiff", ".wcs",
    ".webp",
}  # fmt: skip


def place_of(path: Path | str, name: str, *, bands: str = "") -> tuple[Path, str]:
    """Return the folder and the stem for one picture or calibrated cutout.

    ``path`` is a folder, or the cutout's own file where it ends in ``.jpg`` or ``.fits``.

    Raises
    ------
    RequestError
        If it is the name of another kind of file.
    """
    path = Path(path).expanduser()
    if path.suffix.lower() == (FITS if bands else PICTURE) and not path.is_dir():
        return path.parent, path.stem
    return directory_path(path), name


def directory_path(path: Path | str) -> Path:
    """Return the path of a folder for pictures, with ``~`` for the home directory.

    Raises
    ------
    RequestError
        If it is plainly the name of a file.
    """
    path = Path(path).expanduser()
    if path.suffix.lower() in {PICTURE, *_OTHER_PICTURES} and not path.is_dir():
        raise RequestError(
            f"{path} is the name of a file: give a directory, or for a single target a file whose "
            f"name ends in {PICTURE}, or in {FITS} for calibrated data"
        )
    return path
