"""Outcomes that are not our records: views take anything of the right shape."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from astropy.io import fits

from sdss_cutout import ImageError


@dataclass
class GonePicture:
    """A picture that was on disk, and whose file cannot be read any more."""

    name: str = "gone"
    status: str = "ok"
    error: str = ""
    url: str = ""
    sidecar_bytes: bytes = b""

    def in_memory(self):
        raise ImageError(f"{self.name}.jpg: No such file or directory")


@dataclass
class Composite:
    """A picture that is composed of arrays: red at the bottom, blue at the top."""

    name: str = "composite"
    status: str = "ok"
    error: str = ""
    url: str = ""
    header: fits.Header = field(default_factory=fits.Header)
    size: int = 80

    def in_memory(self):
        return self

    def to_rgb(self):
        if self.status not in ("ok", "kept"):
            raise ImageError(f"{self.name}: there is no picture")
        pixels = np.zeros((self.size, self.size, 3), np.uint8)
        pixels[: self.size // 2, :, 0] = 200
        pixels[self.size // 2 :, :, 2] = 200
        return pixels


class OutcomeList(list):
    """A list of outcomes."""

    def __repr__(self):
        return f"<a list of {len(self)}>"

    def iter_unread(self):
        return iter(self)
