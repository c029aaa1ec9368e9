"""Draws scale bar and compass, on a plot or on a finding chart."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import astropy.units as u
import numpy as np
from astropy.coordinates import SkyCoord
from astropy.wcs import WCS
from astropy.wcs.utils import proj_plane_pixel_scales

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

__all__ = [
    "Ink", "angle_text", "axes_points", "draw_compass", "draw_scale_bar", "draw_text",
    "round_angle",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ink:
    """The colour of lines and text over a picture, and of the outline that makes them legible."""

    color: str = "white"
    outline: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.6)

    def effects(self, size: float = 10.0) -> list[Any]:
        """Return Matplotlib's path effects for the outline, beside a font of this size."""
        from matplotlib import patheffects

        return [patheffects.withStroke(linewidth=0.3 * size, foreground=self.outline)]


def axes_points(ax: Axes) -> tuple[float, float]:
    """Return width and height of the axes in points, as they are laid out now."""
    ax.apply_aspect()
    box = ax.get_window_extent()
    return 72 * box.width / ax.figure.dpi, 72 * box.height / ax.figure.dpi


def draw_text(
    ax: Axes, text: str, place: tuple[float, float], ink: Ink, size: float, **style: Any
) -> None:
    """Write a text at a place in units of the axes."""
    ax.text(
        *place, text, transform=ax.transAxes, color=ink.color, path_effects=ink.effects(size),
        size=size, parse_math=False, **style,
    )  # fmt: skip


# ------------------------------------------------------------------------------------ scale bar


def round_angle(limit: u.Quantity) -> u.Quantity:
    """Return the largest round angle that is not above the limit."""
    for unit, steps in _ROUND:
        below = [step for step in steps if step * unit <= limit * (1 + 1e-9)]
        if below:
            return below[-1] * unit
    power = np.floor(np.log10(limit.to_value(u.arcsec)))
    return 10.0**power * u.arcsec


_ROUND = (
    (u.deg, (1, 2, 5, 10, 15, 20, 30, 45)),
    (u.arcmin, (1, 2, 5, 10, 20, 30)),
    (u.arcsec, (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30)),
)


def angle_text(angle: u.Quantity) -> str:
    """Return an angle as it is written beside a scale bar."""
    symbol = {u.deg: "\N{DEGREE SIGN}", u.arcmin: "\N{PRIME}", u.arcsec: "\N{DOUBLE PRIME}"}
    return f"{angle.value:g}{symbol[angle.unit]}"


def draw_scale_bar(
    ax: Axes,
    wcs: WCS,
    width: int,
    ink: Ink,
    size: float,
    label: Callable[[u.Quantity], str] = angle_text,
) -> None:
    """Draw a bar of a round length, which is true at the middle of the picture."""
    from matplotlib.font_manager import FontProperties
    from mpl_toolkits.axes_grid1.anchored_artists import AnchoredSizeBar

    scale = proj_plane_pixel_scales(wcs)[0] * u.deg
    angle = round_angle(scale * width / 3)
    pixels = float((angle / scale).to_value(u.dimensionless_unscaled))
    bar = AnchoredSizeBar(
        ax.transData, pixels, label(angle), "lower left", color=ink.color, frameon=False,
        pad=0, borderpad=0.8, sep=0.3 * size, label_top=True,
        fontproperties=FontProperties(size=size),
    )  # fmt: skip
    effects = ink.effects(size)
    bar.size_bar.get_children()[0].set(linewidth=max(size / 5, 1), path_effects=effects)
    bar.txt_label.get_children()[0].set(path_effects=effects)
    ax.add_artist(bar)


# -------------------------------------------------------------------------------------- compass


def draw_compass(ax: Axes, wcs: WCS, size: tuple[int, int], ink: Ink, arm: float) -> None:
    """Draw where north and east are at the middle of the picture, in the lower right corner.

    ``arm`` is the length of the arrows in points.
    """
    from matplotlib.transforms import ScaledTranslation

    vectors = _directions(wcs, size, top_first=ax.yaxis_inverted())
    # The arrows start where all of them, whatever way they point, stay within the axes.
    margin = 0.45 * arm
    right = -margin - arm * max(0.0, *vectors[:, 0])
    up = margin + arm * max(0.0, *-vectors[:, 1])
    start = ax.transAxes + ScaledTranslation(right / 72, up / 72, ax.figure.dpi_scale_trans)
    text_size = float(np.clip(0.35 * arm, 7, 10))
    effects = ink.effects(text_size)
    for letter, (x, y) in zip("NE", vectors, strict=True):
        ax.annotate(
            letter, xy=(1, 0), xycoords=start, xytext=(arm * x, arm * y),
            textcoords="offset points", color=ink.color, ha="center", va="center",
            size=text_size, weight="bold", path_effects=effects,
            arrowprops={
                "arrowstyle": "<|-", "color": ink.color, "shrinkA": 0.1 * text_size, "shrinkB": 0,
                "mutation_scale": 0.3 * arm, "path_effects": effects,
            },
        )  # fmt: skip


def _directions(wcs: WCS, size: tuple[int, int], *, top_first: bool) -> NDArray[np.float64]:
    """Return the unit vectors to the north and to the east, each as right and up on paper."""
    x0, y0 = (n / 2 for n in size)
    middle = wcs.pixel_to_world(x0, y0)
    step = proj_plane_pixel_scales(wcs)[0] * u.deg
    ends = SkyCoord(
        [middle.directional_offset_by(angle, step) for angle in (0 * u.deg, 90 * u.deg)]
    )
    x, y = wcs.world_to_pixel(ends)
    vectors = np.stack([x - x0, y0 - y if top_first else y - y0], axis=1)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
