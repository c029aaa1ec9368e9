"""Draws a picture the right way up, with coordinates, scale bar, compass and name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import astropy.units as u
import numpy as np
from astropy.coordinates import SkyCoord
from astropy.wcs import WCS
from astropy.wcs.utils import proj_plane_pixel_scales

from sdss_cutout._errors import RequestError
from sdss_cutout._image.sidecar import is_simulated
from sdss_cutout._targets.targets import read_positions
from sdss_cutout._views.annotate import Ink, axes_points, draw_compass, draw_scale_bar, draw_text
from sdss_cutout._views.protocols import SkyPicture
from sdss_cutout._views.text import fit_title

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.image import AxesImage
    from numpy.typing import NDArray

__all__ = ["plot_picture", "plot_pixels", "show_picture", "show_pixels"]

# The longer side of a figure, and what the other has at least.
_INCHES, _LEAST_INCHES = 6.0, 2.5
_INK = Ink()


def plot_picture(picture: SkyPicture, ax: Axes | None = None, *, mark: Any = None) -> Axes:
    """Draw a picture; see `Cutout.plot`."""
    return plot_pixels(
        picture.data,
        picture.wcs,
        ax,
        top_first=True,
        title=picture.name,
        simulated=is_simulated(picture.sidecar_bytes),
        mark=mark,
    )


def show_picture(picture: SkyPicture, ax: Axes) -> AxesImage:
    """Draw the pixels and nothing else; see `Cutout.imshow`."""
    return show_pixels(picture.data, picture.wcs, ax, top_first=True)


def plot_pixels(
    pixels: NDArray[Any],
    wcs: WCS,
    ax: Axes | None = None,
    *,
    top_first: bool,
    title: str,
    simulated: bool = False,
    mark: Any = None,
    **style: Any,
) -> Axes:
    """Draw an array with coordinates, scale bar, compass and title.

    Parameters
    ----------
    pixels : ndarray
        Shape ``(ny, nx)`` or ``(ny, nx, 3)``.
    wcs : `~astropy.wcs.WCS`
        Of the pixels.
    ax : `~matplotlib.axes.Axes`, optional
        Where to draw; by default in a new figure.
    top_first : bool
        Whether row 0 is drawn at the top, as of a JPEG, or at the bottom, as of a FITS image.
    title : str
        The text above the picture.
    simulated : bool, optional
        Whether to say that this is not SDSS data.
    mark : targets, optional
        Positions to mark.
    **style
        For `matplotlib.axes.Axes.imshow`: colour map, norm.
    """
    height, width = pixels.shape[:2]
    is_ours = ax is None
    ax = _new_axes(wcs, height / width) if ax is None else ax
    show_pixels(pixels, wcs, ax, top_first=top_first, **style)
    points = min(axes_points(ax))
    _label_axes(ax, wcs, (width, height), labelled=is_ours or points >= _LABELS_FROM)
    _draw_title(ax, title)
    if mark is not None:
        _draw_marks(ax, wcs, mark, (width, height), points)
    draw_scale_bar(ax, wcs, width, _INK, _between(4 + 0.03 * points, 4.5, 10))
    if points >= _COMPASS_FROM:
        draw_compass(ax, wcs, (width, height), _INK, _between(0.09 * points, 18, 32))
    if simulated:
        size = _between(4 + 0.02 * points, 4, 10)
        draw_text(ax, "simulated", (0.97, 0.97), _INK, size, ha="right", va="top")
    return ax


# Points across the axes. In smaller ones a compass would hide the picture, and the coordinates
# beside it would run together.
_COMPASS_FROM, _LABELS_FROM = 110.0, 140.0


def _between(value: float, lowest: float, highest: float) -> float:
    return float(np.clip(value, lowest, highest))


def show_pixels(
    pixels: NDArray[Any], wcs: WCS, ax: Axes, *, top_first: bool, **style: Any
) -> AxesImage:
    """Draw an array the right way up; a `WCSAxes` takes its WCS."""
    from astropy.visualization.wcsaxes import WCSAxes

    _check_axes(ax)
    if isinstance(ax, WCSAxes) and not _is_same(ax.wcs, wcs):
        ax.reset_wcs(wcs)
    height, width = pixels.shape[:2]
    # WCSAxes refuses origin="upper"; turning the axis puts row 0 at the top all the same.
    image = ax.imshow(pixels, origin="lower", **style)
    bottom, top = -0.5, height - 0.5
    ax.set_xlim(-0.5, width - 0.5)
    ax.set_ylim((top, bottom) if top_first else (bottom, top))
    return image


def _is_same(one: Any, other: WCS) -> bool:
    return isinstance(one, WCS) and one.wcs.compare(other.wcs)


def _new_axes(wcs: WCS, aspect: float) -> Axes:
    from matplotlib import pyplot

    width, height = (_INCHES * side / max(1.0, aspect) for side in (1.0, aspect))
    size = (max(width, _LEAST_INCHES), max(height, _LEAST_INCHES))
    figure = pyplot.figure(figsize=size, layout="constrained")
    return figure.add_subplot(projection=wcs)


def _check_axes(ax: Any) -> None:
    """Refuse what pixels cannot be drawn on."""
    from astropy.visualization.wcsaxes import WCSAxes
    from matplotlib.axes import Axes

    if isinstance(ax, WCSAxes) or (isinstance(ax, Axes) and ax.name == "rectilinear"):
        return
    what = type(ax).__name__
    if isinstance(ax, np.ndarray):
        what = f"an array of shape {ax.shape}; give one of its elements, such as ax.flat[0]"
    raise RequestError(
        f"ax is not valid: {what}; expected a WCSAxes, as "
        "figure.add_subplot(projection=cutout.wcs) makes it, or Axes, as plt.subplots() makes them"
    )


def _label_axes(ax: Axes, wcs: WCS, size: tuple[int, int], *, labelled: bool) -> None:
    from astropy.visualization.wcsaxes import WCSAxes

    if not isinstance(ax, WCSAxes):
        ax.set(xticks=[], yticks=[])
        return
    if not labelled:
        for coordinate in ax.coords:
            coordinate.set_ticks_visible(False)
            coordinate.set_ticklabel_visible(False)
            coordinate.set_axislabel_visibility_rule("ticks")
        return
    ra, dec = ax.coords
    ra.set_axislabel("RA (ICRS)")
    dec.set_axislabel("Dec (ICRS)")
    # Else those that astropy puts at the top run into the title.
    for coordinate, side in zip((ra, dec), _label_sides(wcs), strict=True):
        coordinate.set_ticklabel_position(side)
        coordinate.set_axislabel_position(side)
        coordinate.set_ticks(direction="out", number=4)
        coordinate.set_ticklabel(exclude_overlapping=True)
    if min(size) * proj_plane_pixel_scales(wcs)[0] > _WIDE:
        ax.coords.grid(color="white", alpha=0.25)


def _label_sides(wcs: WCS) -> str:
    """Return the sides for right ascension and declination: those that their lines cross."""
    along_x, along_y = np.abs(wcs.pixel_scale_matrix[0])
    return "bl" if along_x >= along_y else "lb"


# Degrees from which the meridians are seen to run together.
_WIDE = 1.0


def _draw_title(ax: Axes, title: str) -> None:
    """Write the title as large as it fits beside the titles of a grid's other axes."""
    width, _ = axes_points(ax)
    lines, size = fit_title(title, _TITLE_WIDTH * width, float(ax.title.get_fontsize()))
    pad = 10 if width > _LABELS_FROM else 3
    ax.set_title(lines, size=size, pad=pad, parse_math=False)  # a name may hold dollar signs


# A title may be a little wider than its axes: there are gaps between those of a grid.
_TITLE_WIDTH = 1.05


def _draw_marks(ax: Axes, wcs: WCS, mark: Any, size: tuple[int, int], points: float) -> None:
    targets = read_positions(mark)
    positions = SkyCoord(targets.ra, targets.dec, unit="deg")
    middle = wcs.pixel_to_world((size[0] - 1) / 2, (size[1] - 1) / 2)
    # An orthographic picture shows one half of the sky; the other half would fall onto it.
    positions = positions[positions.separation(middle) < 90 * u.deg]
    x, y = np.atleast_1d(*wcs.world_to_pixel(positions))
    inside = (x > -0.5) & (x < size[0] - 0.5) & (y > -0.5) & (y < size[1] - 0.5)
    diameter = _between(0.035 * points, 4, 11)
    ax.scatter(
        x[inside], y[inside], s=diameter**2, facecolors="none", edgecolors="#ffb000",
        linewidths=max(diameter / 9, 0.6), path_effects=_INK.effects(diameter),
    )  # fmt: skip
