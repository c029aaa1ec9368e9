"""What the user asks for, beside the targets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import astropy.units as u

__all__ = ["RequestOptions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestOptions:
    """The options of `sdss_cutout.SDSSCutouts.get`, as the user passed them.

    Attributes
    ----------
    scale : `~astropy.units.Quantity` or None
        Angle per pixel, or its inverse; a scalar or one value per target.
    size, width, height : int, `~astropy.units.Quantity` or None
        Pixels.
    fov : `~astropy.units.Quantity`, str or None
        Angle across the width.
    overlays : str, sequence of str or None
        What the server draws over the picture.
    mark : targets, str or None
        What the server marks.
    bands : str or None
        Letters of ``ugriz``, for calibrated data in place of a picture.
    """

    scale: u.Quantity | None = None
    size: int | u.Quantity | None = None
    width: int | u.Quantity | None = None
    height: int | u.Quantity | None = None
    fov: u.Quantity | str | None = None
    overlays: str | Sequence[str] | None = None
    mark: Any = None
    bands: str | None = None
