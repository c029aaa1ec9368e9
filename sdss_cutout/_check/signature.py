"""How a JPEG was written: its JFIF header, quality and subsampling. Pure."""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass

from PIL import Image, UnidentifiedImageError

__all__ = ["SKYSERVER_SIGNATURE", "Signature", "read_signature"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """How a JPEG was written.

    Attributes
    ----------
    jfif : str
        Version, or empty where there is no JFIF header.
    dpi : tuple of int
        Across and down.
    quality : int
        At which the standard tables are the ones in it; 0 where none is.
    subsampling : str
        Of the colours: ``"4:2:0"``, ``"4:4:4"``, or the factors.
    exif : bool
        Whether there is EXIF.
    """

    jfif: str
    dpi: tuple[int, int]
    quality: int
    subsampling: str
    exif: bool

    def __str__(self) -> str:
        return (
            f"JFIF {self.jfif or 'none'}, {self.dpi[0]} x {self.dpi[1]} dpi, "
            f"quality {self.quality or 'of other tables'}, {self.subsampling}, "
            f"{'EXIF' if self.exif else 'no EXIF'}"
        )


SKYSERVER_SIGNATURE = Signature(
    jfif="1.01", dpi=(96, 96), quality=75, subsampling="4:2:0", exif=False
)


def read_signature(content: bytes) -> Signature | None:
    """Return how a JPEG was written, or None if it is none."""
    try:
        with Image.open(io.BytesIO(content), formats=["JPEG"]) as image:
            tables = [list(table) for table in image.quantization.values()]  # type: ignore[attr-defined]
            factors = [(layer[1], layer[2]) for layer in image.layer]  # type: ignore[attr-defined]
            major, minor = divmod(int(image.info.get("jfif", 0)), 256)
            density = image.info.get("jfif_density", (0, 0))
            is_dpi = image.info.get("jfif_unit") == 1
            return Signature(
                jfif=f"{major}.{minor:02d}" if major else "",
                dpi=(int(density[0]), int(density[1])) if is_dpi else (0, 0),
                quality=_quality(tables),
                subsampling=_SUBSAMPLING.get(tuple(factors), str(factors)),
                exif="exif" in image.info,
            )
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, struct.error):
        return None


_SUBSAMPLING: dict[tuple[tuple[int, int], ...], str] = {
    ((2, 2), (1, 1), (1, 1)): "4:2:0",
    ((2, 1), (1, 1), (1, 1)): "4:2:2",
    ((1, 1), (1, 1), (1, 1)): "4:4:4",
}

# The first row of the standard's tables for luminance and chrominance (ITU T.81, annex K), in
# the order of rows.
_STANDARD = ((16, 11, 10, 16, 24, 40, 51, 61), (17, 18, 24, 47, 99, 99, 99, 99))


def _quality(tables: list[list[int]]) -> int:
    """Return the quality at which the standard tables have these first rows."""
    rows = tuple(tuple(table[:8]) for table in tables)
    return next((q for q in range(100, 0, -1) if _scaled(q) == rows), 0)


def _scaled(quality: int) -> tuple[tuple[int, ...], ...]:
    """Return the first rows at a quality, as libjpeg and GDI+ scale them."""
    percent = 5000 // quality if quality < 50 else 200 - 2 * quality
    return tuple(
        tuple(min(255, max(1, (value * percent + 50) // 100)) for value in row) for row in _STANDARD
    )
