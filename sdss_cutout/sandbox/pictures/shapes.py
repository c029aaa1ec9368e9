"""Brightness profiles of stars and galaxies.

Everything is in nanomaggies per native survey pixel, so that zooming leaves colours as they are.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Image = NDArray[np.float32]

SEEING = 1.3  # FWHM in arcsec
LEAST_FWHM = 2.5  # pixels: so that a centroid works at any scale
MOFFAT = 3.5
NATIVE_AREA = 0.396127**2  # square arcsec of a survey pixel
THRESHOLD = 0.002  # fainter than this is lost in the noise
BULGE_COLOURS = np.array([10**0.16, 1.0, 10**-0.33])  # i, r, g of an old population
_MOFFAT_AREA = math.pi * (1 / (2 * math.sqrt(2 ** (1 / MOFFAT) - 1))) ** 2 / (MOFFAT - 1)
_DEV, _DEV_AREA = (
    7.669,
    22.67,
)  # de Vaucouleurs' exponent, and its whole flux over re**2 * I(re)/e**-7.669


def fluxes(table: NDArray[np.void], fainter: float) -> NDArray[np.float64]:
    """Flux in i, r and g, the bands that make red, green and blue, one row per object."""
    magnitudes = np.stack([table["i"], table["r"], table["g"]], axis=-1).astype(float)
    return np.asarray(10.0 ** (0.4 * (22.5 - fainter - magnitudes)))


def star_profile(scale: float) -> tuple[float, float]:
    """Width of the Moffat profile in pixels, and the peak of a star of unit flux.

    A star keeps its peak when the picture is too coarse for the seeing: it would drown else.
    """
    fwhm = max(SEEING / scale, LEAST_FWHM)
    return fwhm / (2 * math.sqrt(2 ** (1 / MOFFAT) - 1)), NATIVE_AREA / (SEEING**2 * _MOFFAT_AREA)


def star_reach(peak: float, width: float) -> float:
    """Distance in pixels at which a star is lost in the noise."""
    return width * math.sqrt(max(peak / THRESHOLD, 1.5) ** (1 / MOFFAT) - 1)


def star(dx: Image, dy: Image, width: float) -> Image:
    """A star of peak 1."""
    spread = (dx * dx + dy * dy) / np.float32(width * width)
    return np.asarray((1 + spread) ** np.float32(-MOFFAT), dtype="f4")


def galaxy_reach(row: Any, scale: float) -> float:
    """Distance in pixels beyond which a galaxy is not drawn."""
    reach = row["petroR90_r"] * (1.6 if row["bulge"] > 0.5 else 1.9) + 2 * SEEING
    return float(reach) / scale + 2 * LEAST_FWHM


def galaxy(along: Image, across: Image, row: Any, flux: NDArray[np.float64], scale: float) -> Image:
    """A disc with a bulge, (ny, nx, 3), from pixel distances along its axes."""
    half, axis = float(row["petroR50_r"]) / scale, float(row["ab"])
    core = max(0.45 * SEEING / scale, 0.5 * LEAST_FWHM)  # softens the middle, as seeing does
    half_seen = math.hypot(half, 0.3 * core)
    axis = math.sqrt((axis * half_seen) ** 2 + (0.6 * core) ** 2) / math.hypot(
        half_seen, 0.6 * core
    )
    round_across: Image = np.asarray(across / np.float32(axis), dtype="f4")
    radius: Image = np.sqrt(along**2 + round_across**2 + np.float32(0.5 * core) ** 2)
    area = (half * scale) ** 2 * axis / NATIVE_AREA
    old = np.minimum(flux[1] * float(row["bulge"]) * BULGE_COLOURS, 0.98 * flux)
    disc = _disc(
        np.asarray(radius / np.float32(half_seen / 1.678)),
        along,
        np.asarray(round_across, "f4"),
        row,
    )
    size = half_seen * (1.0 if row["bulge"] > 0.5 else 0.35)  # the bulge of a disc is small
    bulge = np.exp(np.float32(-_DEV) * (np.sqrt(np.sqrt(radius / np.float32(size)))))
    disc_peak = (flux - old) / (2 * math.pi * area / 1.678**2)
    bulge_peak = old * math.exp(_DEV) / (_DEV_AREA * area * (size / half_seen) ** 2)
    light = disc[..., None] * disc_peak.astype("f4") + bulge[..., None] * bulge_peak.astype("f4")
    return light * _edge(radius, half, row)


def _disc(radius: Image, along: Image, across: Image, row: Any) -> Image:
    disc: Image = np.exp(-radius)
    if row["arms"] == 0:
        return disc
    turn = 2 * np.arctan2(across, along) - _winding(row["arms"]) * np.log(radius + 0.3)
    strength = abs(row["arms"]) * np.clip(radius - 0.4, 0, 1)
    arms: Image = disc * (1 + strength * np.cos(turn, dtype="f4"))
    return arms


def _winding(arms: float) -> float:
    """How tightly the arms turn, and which way round: strong arms are open ones."""
    return math.copysign(7.0 - 4.0 * abs(float(arms)), arms)


def _edge(radius: Image, half: float, row: Any) -> Image:
    """Fade to nothing before the stamp ends: a step would show as a box."""
    end = float(row["petroR90_r"] / row["petroR50_r"]) * (1.5 if row["bulge"] > 0.5 else 1.8)
    faded = np.clip((end - radius / np.float32(max(half, 1e-6))) / np.float32(0.4 * end), 0, 1)
    return faded[..., None].astype("f4")
