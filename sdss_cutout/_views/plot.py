"""A picture with its coordinates, scale bar, compass and name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import astropy.units as u
import numpy as np
from astropy.coordinates import SkyCoord
from astropy.wcs import WCS
from astropy.wcs.utils import proj_plane_pixel_scales

from sdss_cutout._image.sidecar import is_simulated
from sdss_cutout._targets.targets import read_targets

if TYPE_CHECKING:
    from astropy.visualization.wcsaxes import WCSAxes
    from numpy.typing import NDArray

    from sdss_cutout._results.cutout import Cutout

__all__ = ["plot_cutout", "round_angle"]

_INCHES, _LOWEST_INCHES = 6.0, 2.5


def plot_cutout(cutout: Cutout, ax: WCSAxes | None = None, *, mark: Any = None) -> WCSAxes:
    """Draw a cutout; see `Cutout.plot`."""
    pixels, wcs = cutout.data, cutout.wcs
    height, width = pixels.shape[:2]
    ax = _axes(ax, wcs, height / width)
    # WCSAxes refuses origin="upper"; turning the axis puts row 0 at the top all the same.
    ax.imshow(pixels, origin="lower")
    ax.set_xlim(-0.5, width - 0.5)
    ax.set_ylim(height - 0.5, -0.5)
    _label_axes(ax, wcs)
    ax.set_title(cutout.name, pad=10, parse_math=False)  # a name may hold dollar signs
    if mark is not None:
        _draw_marks(ax, wcs, mark, (width, height))
    _draw_scale_bar(ax, wcs, width)
    _draw_compass(ax, wcs, (width, height))
    if is_simulated(cutout.sidecar_bytes):
        _draw_text(ax, "simulated", (0.97, 0.97), ha="right", va="top")
    return ax


def _axes(ax: WCSAxes | None, wcs: WCS, aspect: float) -> WCSAxes:
    from astropy.visualization.wcsaxes import WCSAxes

    if ax is None:
        from matplotlib import pyplot

        size = (_INCHES, max(_INCHES * aspect, _LOWEST_INCHES))
        figure = pyplot.figure(figsize=size, layout="constrained")
        return figure.add_subplot(projection=wcs)
    if not isinstance(ax, WCSAxes):
        raise TypeError(
            f"ax is a {type(ax).__name__}, not a WCSAxes; "
            "plt.subplots(subplot_kw={'projection': cutout.wcs}) makes them"
        )
    ax.reset_wcs(wcs)
    return ax


def _label_axes(ax: WCSAxes, wcs: WCS) -> None:
    ra, dec = ax.coords
    ra.set_axislabel("RA (ICRS)")
    dec.set_axislabel("Dec (ICRS)")
    for coordinate in (ra, dec):
        coordinate.set_ticks(direction="out", number=4)
        coordinate.set_ticklabel(exclude_overlapping=True)
    if min(wcs.array_shape) * proj_plane_pixel_scales(wcs)[0] > _WIDE:
        ax.coords.grid(color="white", alpha=0.25)


# Degrees from which the meridians are seen to run together.
_WIDE = 1.0


# ------------------------------------------------------------------------------------ scale bar


def round_angle(limit: u.Quantity) -> u.Quantity:
    """Return the largest round angle that is not above the limit."""
    for unit, steps in _ROUND:
        below = [step for step in steps if step * unit <= limit]
        if below:
            return below[-1] * unit
    power = np.floor(np.log10(limit.to_value(u.arcsec)))
    return 10.0**power * u.arcsec


_ROUND = (
    (u.deg, (1, 2, 5, 10, 15, 20, 30, 45)),
    (u.arcmin, (1, 2, 5, 10, 20, 30)),
    (u.arcsec, (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30)),
)


def _draw_scale_bar(ax: WCSAxes, wcs: WCS, width: int) -> None:
    """Draw the bar; its length is that at the middle of the picture."""
    from mpl_toolkits.axes_grid1.anchored_artists import AnchoredSizeBar

    scale = proj_plane_pixel_scales(wcs)[0] * u.deg
    angle = round_angle(scale * width / 3)
    pixels = float((angle / scale).to_value(u.dimensionless_unscaled))
    bar = AnchoredSizeBar(
        ax.transData, pixels, angle_text(angle), "lower left", color="white", frameon=False,
        pad=0, borderpad=1, sep=4, label_top=True,
    )  # fmt: skip
    bar.size_bar.get_children()[0].set(linewidth=2, path_effects=_outline())
    bar.txt_label.get_children()[0].set(path_effects=_outline())
    ax.add_artist(bar)


def angle_text(angle: u.Quantity) -> str:
    """Return an angle as it is written beside a scale bar."""
    symbol = {u.deg: "\N{DEGREE SIGN}", u.arcmin: "\N{PRIME}", u.arcsec: "\N{DOUBLE PRIME}"}
    return f"{angle.value:g}{symbol[angle.unit]}"


# -------------------------------------------------------------------------------------- compass


def _draw_compass(ax: WCSAxes, wcs: WCS, size: tuple[int, int]) -> None:
    """Draw where north and east are, at the middle of the picture, in its lower right corner."""
    for letter, (right, up) in zip("NE", _directions(wcs, size), strict=True):
        ax.annotate(
            letter, xy=_COMPASS, xytext=(_ARM * right, _ARM * up), xycoords="axes fraction",
            textcoords="offset points", color="white", ha="center", va="center",
            path_effects=_outline(),
            arrowprops={
                "arrowstyle": "<|-", "color": "white", "shrinkA": 1, "shrinkB": 0,
                "path_effects": _outline(),
            },
        )  # fmt: skip


_COMPASS, _ARM = (0.93, 0.07), 32.0


def _directions(wcs: WCS, size: tuple[int, int]) -> NDArray[np.float64]:
    """Return the unit vectors to the north and to the east, each as right and up on paper."""
    column, row = (n / 2 for n in size)
    middle = wcs.pixel_to_world(column, row)
    step = proj_plane_pixel_scales(wcs)[0] * u.deg
    ends = SkyCoord(
        [middle.directional_offset_by(angle, step) for angle in (0 * u.deg, 90 * u.deg)]
    )
    x, y = wcs.world_to_pixel(ends)
    vectors = np.stack([x - column, row - y], axis=1)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


# ---------------------------------------------------------------------------------------- marks


def _draw_marks(ax: WCSAxes, wcs: WCS, mark: Any, size: tuple[int, int]) -> None:
    targets = read_targets(mark)
    positions = SkyCoord(targets.ra, targets.dec, unit="deg")
    middle = wcs.pixel_to_world((size[0] - 1) / 2, (size[1] - 1) / 2)
    # An orthographic picture shows one half of the sky; the other half would fall onto it.
    positions = positions[positions.separation(middle) < 90 * u.deg]
    x, y = np.atleast_1d(*wcs.world_to_pixel(positions))
    inside = (x > -0.5) & (x < size[0] - 0.5) & (y > -0.5) & (y < size[1] - 0.5)
    ax.scatter(x[inside], y[inside], s=120, facecolors="none", edgecolors="#ffb000", linewidths=1.2)


# ----------------------------------------------------------------------------------------- style


def _draw_text(ax: WCSAxes, text: str, where: tuple[float, float], **style: str) -> None:
    ax.text(*where, text, transform=ax.transAxes, color="white", path_effects=_outline(), **style)


def _outline() -> list[Any]:
    """Return what keeps white lines legible on a bright galaxy."""
    from matplotlib import patheffects

    return [patheffects.withStroke(linewidth=3, foreground=(0, 0, 0, 0.6))]
