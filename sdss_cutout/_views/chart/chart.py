"""Draws finding charts: dark on light, with offset stars, slit, scale bar and compass.

What observatories ask of a chart is listed, line by line, in ``tests/views/test_chart.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import astropy.units as u
import numpy as np
from astropy import log
from astropy.coordinates import SkyCoord
from astropy.table import Table
from astropy.wcs import WCS
from astropy.wcs.utils import proj_plane_pixel_scales

from sdss_cutout._errors import CutoutError, RequestError
from sdss_cutout._image.sidecar import is_simulated
from sdss_cutout._views.annotate import Ink, draw_compass, draw_scale_bar
from sdss_cutout._views.chart.files import SLIT_COLOR, STAR_COLOR, check_chart_path, write_chart
from sdss_cutout._views.chart.offset_stars import (
    FAINTEST,
    MOST_STARS,
    choose_offset_stars,
    offset_star_query,
)
from sdss_cutout._views.chart.page import Page
from sdss_cutout._views.chart.slit import Slit, read_slit
from sdss_cutout._views.protocols import SkyPicture

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

__all__ = ["draw_chart", "make_chart"]

_INK = Ink("black", (1.0, 1.0, 1.0, 0.8))


def make_chart(
    picture: SkyPicture,
    path: str | Path | None,
    query: Callable[[str], Table],
    *,
    stars: int = 5,
    slit: Any = None,
    title: str | None = None,
    notes: str | Sequence[str] | None = None,
) -> Figure:
    """Find offset stars, draw the chart and write it; see `Cutout.chart`.

    ``query`` returns the rows that an SQL query selects. Where it raises a `CutoutError` the
    chart is drawn without offset stars, and says why.
    """
    file = None if path is None else check_chart_path(path)
    parsed_slit = None if slit is None else read_slit(slit)
    count = _star_count(stars)
    table, remark = _offset_stars(picture, query, count) if count else (None, "")
    figure = draw_chart(
        picture, table, slit=parsed_slit, title=title, notes=notes, remark=remark,
        managed=file is None,
    )  # fmt: skip
    if file is not None:
        write_chart(figure, file)
    return figure


def _star_count(stars: Any) -> int:
    whole = isinstance(stars, int | np.integer) and not isinstance(stars, bool)
    if not whole or not 0 <= stars <= MOST_STARS:
        raise RequestError(f"stars = {stars!r} is not a whole number from 0 to {MOST_STARS}")
    return int(stars)


def _offset_stars(
    picture: SkyPicture, query: Callable[[str], Table], count: int
) -> tuple[Table | None, str]:
    """Return the offset stars, and a remark if they are fewer."""
    height, width = picture.data.shape[:2]
    scale = proj_plane_pixel_scales(picture.wcs)[0] * u.deg
    radius = scale * np.hypot(width, height) / 2
    chosen = None
    try:
        objects = query(offset_star_query(picture.coord, radius))
        if len(objects):
            chosen = choose_offset_stars(
                objects, picture.coord, picture.wcs, (width, height), count
            )
    except CutoutError as error:
        log.warning("chart of %s: no offset stars, the query failed: %s", picture.name, error)
        return None, f"No offset stars: the catalogue query failed ({error})."
    number = 0 if chosen is None else len(chosen)
    if number == count:
        return chosen, ""
    remark = f"no other star here is isolated and has r < {FAINTEST:g}"
    return chosen, f"{number} of {count} offset stars: {remark}."


# ------------------------------------------------------------------------------------ drawing


def draw_chart(
    picture: SkyPicture,
    stars: Table | None = None,
    *,
    slit: Slit | None = None,
    title: str | None = None,
    notes: str | Sequence[str] | None = None,
    remark: str = "",
    managed: bool = True,
) -> Figure:
    """Draw a finding chart.

    Parameters
    ----------
    picture : Cutout
        The field, with the target in it.
    stars : `~astropy.table.Table`, optional
        The offset stars, as `choose_offset_stars` returns them.
    slit : Slit, optional
        The slit, centred on the target.
    title : str, optional
        In place of the target's name, which then stands below it.
    notes : str or sequence of str, optional
        Lines such as the run and the principal investigator.
    remark : str, optional
        A line below the chart.
    managed : bool, optional
        Whether pyplot knows the figure, and shows it.
    """
    pixels = picture.data
    height, width = pixels.shape[:2]
    simulated = is_simulated(picture.sidecar_bytes)
    page = Page(height / width)
    _write_head(page, picture, title, notes, simulated)
    page.place_picture()
    _write_foot(page, picture, stars, slit, remark, simulated)
    figure, ax = page.draw(managed=managed)
    overlays = str(picture.header.get("OVERLAYS", ""))
    _draw_field(ax, pixels, inverted="I" in overlays)
    _draw_marks(ax, picture.wcs, picture.coord, stars, slit, (width, height))
    draw_scale_bar(ax, picture.wcs, width, _INK, 10, label=_spelled)
    draw_compass(ax, picture.wcs, (width, height), _INK, 34)
    return figure


def _draw_field(ax: Axes, pixels: NDArray[np.uint8], *, inverted: bool) -> None:
    """Draw the picture dark on light: the sky white, the brightest black."""
    light = pixels.astype(np.float32).mean(axis=2)
    light = 255 - light if inverted else light
    sky = float(np.median(light))
    brightest = max(float(np.percentile(light, 99.7)), sky + 60)
    ax.imshow(light, cmap="gray_r", vmin=sky, vmax=brightest, origin="upper")
    ax.set(xticks=[], yticks=[])


def _draw_marks(
    ax: Axes,
    wcs: WCS,
    target: SkyCoord,
    stars: Table | None,
    slit: Slit | None,
    size: tuple[int, int],
) -> None:
    side = min(size)
    if slit is not None:
        _draw_slit(ax, wcs, target, slit)
    _draw_target(ax, wcs, target, side)
    x, _ = wcs.world_to_pixel(target)
    for star in [] if stars is None else stars:
        _draw_star(ax, wcs, star, size, float(x))


def _draw_target(ax: Axes, wcs: WCS, target: SkyCoord, side: int) -> None:
    from matplotlib.patches import Circle

    x, y = (float(value) for value in wcs.world_to_pixel(target))
    radius = 0.035 * side
    effects = _INK.effects()
    ax.add_patch(
        Circle((x, y), radius, fill=False, color=_INK.color, linewidth=1.3, path_effects=effects)
    )
    for right, down in ((1, 0), (-1, 0), (0, 1), (0, -1)):
        ends = np.array([1.0, 2.0]) * radius
        ax.plot(
            x + right * ends, y + down * ends, color=_INK.color, linewidth=1.3,
            path_effects=effects, scalex=False, scaley=False, gid="target",
        )  # fmt: skip


def _draw_star(ax: Axes, wcs: WCS, star: Any, size: tuple[int, int], target_x: float) -> None:
    from matplotlib.patches import Circle

    x, y = (float(v) for v in wcs.world_to_pixel(SkyCoord(star["ra"], star["dec"], unit="deg")))
    radius = 0.02 * min(size)
    effects = _INK.effects(8)
    ax.add_patch(
        Circle((x, y), radius, fill=False, color=STAR_COLOR, linewidth=1.2, path_effects=effects)
    )
    # The letter stands away from the target and the slit, but within the picture.
    right = 1 if x > target_x else -1
    if not 0.08 * size[0] < x < 0.92 * size[0]:
        right = -right
    ax.text(
        x + 1.25 * right * radius, y - 1.25 * radius, star["letter"], color=STAR_COLOR, size=11,
        weight="bold", ha="left" if right > 0 else "right", va="center", path_effects=effects,
        clip_on=True,
    )  # fmt: skip


def _draw_slit(ax: Axes, wcs: WCS, target: SkyCoord, slit: Slit) -> None:
    from matplotlib.patches import Polygon

    x, y = wcs.world_to_pixel(slit.corners(target))
    corners = np.stack([x, y], axis=1)
    ax.add_patch(
        Polygon(corners, fill=False, color=SLIT_COLOR, linewidth=1.1, path_effects=_INK.effects(7))
    )


# --------------------------------------------------------------------------------------- text


def _write_head(
    page: Page,
    picture: SkyPicture,
    title: str | None,
    notes: str | Sequence[str] | None,
    simulated: bool,
) -> None:
    page.write(title or picture.name, size=16, weight="bold", fitted=True)
    if title:
        page.write(picture.name, size=11, fitted=True)
    coord = picture.coord
    ra, dec = _sexagesimal(coord)
    degrees = f"{coord.ra.deg:.6f} {coord.dec.deg:+.6f} deg"
    page.write(f"RA {ra}   Dec {dec}   ICRS   ({degrees})", size=10)
    for line in _lines(notes):
        page.write(line, size=10)
    if simulated:
        page.write("SIMULATED, not SDSS data", size=11, weight="bold", color=SLIT_COLOR)


def _sexagesimal(coord: SkyCoord) -> tuple[str, str]:
    """Return right ascension and declination to a hundredth of an arcsec."""
    ra = coord.ra.to_string(u.hour, sep=":", precision=3, pad=True)
    dec = coord.dec.to_string(u.deg, sep=":", precision=2, pad=True, alwayssign=True)
    return ra, dec


def _lines(notes: str | Sequence[str] | None) -> list[str]:
    texts = [notes] if isinstance(notes, str) else list(notes or [])
    return [line for text in texts for line in str(text).splitlines() if line.strip()]


def _write_foot(
    page: Page,
    picture: SkyPicture,
    stars: Table | None,
    slit: Slit | None,
    remark: str,
    simulated: bool,
) -> None:
    page.write(_survey(picture, simulated), size=9)
    page.write(_field(picture), size=9)
    if slit is not None:
        page.write(f"Slit: {slit}", size=9, color=SLIT_COLOR)
    if stars is not None and len(stars):
        for line in _star_lines(stars):
            page.write(line, size=8.5, family="monospace", color=STAR_COLOR)
        page.write(_STAR_NOTE, size=7.5)
    if remark:
        page.write(remark, size=9, color=SLIT_COLOR)


def _survey(picture: SkyPicture, simulated: bool) -> str:
    """Return which survey and bands are shown, with their wavelengths."""
    release = picture.header.get("RELEASE", "")
    if "X" in str(picture.header.get("OVERLAYS", "")):
        survey, bands = "2MASS", "J, H, Ks (1.24, 1.66, 2.16 \N{MICRO SIGN}m)"
    else:
        # Effective wavelengths: SDSS's pages on the imaging camera.
        survey, bands = f"SDSS DR{release}", "g, r, i (469, 617, 748 nm)"
    what = f"Simulated picture in the form of {survey}" if simulated else survey
    return f"{what}: bands {bands}, dark on light"


def _field(picture: SkyPicture) -> str:
    scale = proj_plane_pixel_scales(picture.wcs)[0] * u.deg
    height, width = picture.data.shape[:2]
    unit = next((one for one in (u.deg, u.arcmin) if width * scale >= 1 * one), u.arcsec)
    sides = " \N{MULTIPLICATION SIGN} ".join(
        f"{(side * scale).to_value(unit):.4g}" for side in (width, height)
    )
    text = f"Field {sides} {unit}; north up, east left (position angle 0\N{DEGREE SIGN})"
    if picture.coverage < 0.995:
        text += f"; imaging covers {100 * picture.coverage:.0f}% of it"
    return text


_STAR_NOTE = (
    "Offsets: from the star to the target, on the sky (not in RA seconds). SDSS PSF magnitudes "
    "(AB); positions of SDSS's epoch, 1998 to 2009, without proper motion."
)


def _star_lines(stars: Table) -> list[str]:
    lines = ["   RA (ICRS)    Dec              g      r      i     offset to target, arcsec"]
    for star in stars:
        ra, dec = _sexagesimal(SkyCoord(star["ra"], star["dec"], unit="deg"))
        magnitudes = " ".join(f"{star[band]:6.2f}" for band in "gri")
        east, north = (f"{star[name]:+8.2f}" for name in ("east", "north"))
        lines.append(f"{star['letter']}  {ra} {dec} {magnitudes}  {east} E {north} N")
    return lines


def _spelled(angle: u.Quantity) -> str:
    """Return an angle with its unit in letters."""
    return f"{angle.value:g} {angle.unit}"
