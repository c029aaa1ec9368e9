"""What SkyServer is: releases, paths, limits, letters. Facts only, each with its source.

Sources are named as in the evidence this project keeps: ``S`` is SkyServer's own code
(https://github.com/sciserver/SkyServerWS), ``H`` its help pages, ``U`` what users reported.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["SKYSERVER", "ImageService", "Limits", "explore_url", "navigate_url"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one picture may be: sizes in pixels, scales in arcsec per pixel, both inclusive."""

    min_size: int
    max_size: int
    min_scale: float
    max_scale: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Tiles:
    """The images that pictures are resampled from, stored at zoom levels of powers of two."""

    pixels_per_degree: int
    max_zoom: int

    def pixel_at(self, scale: float) -> float:
        """Return the size in arcsec of the source pixels of a picture of this scale.

        S: ImgCutout.cs; the server goes up a zoom level while the picture is drawn at half the
        tiles' scale or less.
        """
        zoom, image_scale = 0, 3600.0 / scale / self.pixels_per_degree
        while zoom < self.max_zoom and image_scale <= 0.5:
            zoom, image_scale = zoom + 1, image_scale * 2
        return 3600.0 / self.pixels_per_degree * 2**zoom


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageService:
    """The facts about one image service."""

    name: str
    picture_path: str
    first_release: int
    last_release: int
    default_scale: float
    default_size: int
    limits: Limits
    limits_with_2mass: Limits
    tiles: Tiles
    tiles_of_2mass: Tiles
    overlays: Mapping[str, str]
    sql_per_minute: int
    outside_phrase: str

    def __reduce__(self) -> str:
        # By name: a million requests that travel to an executor's workers share these facts.
        return "SKYSERVER"

    def limits_for(self, overlays: str) -> Limits:
        """Return the limits that hold with these overlay letters."""
        return self.limits_with_2mass if "X" in overlays else self.limits

    def source_pixel(self, scale: float, overlays: str) -> float:
        """Return the size in arcsec of the pixels that a picture is resampled from."""
        return (self.tiles_of_2mass if "X" in overlays else self.tiles).pixel_at(scale)


SKYSERVER = ImageService(
    name="SkyServer ImgCutout",
    # S: getJpegController.cs, the route that every release from DR12 to DR19 answers.
    picture_path="/dr{release}/SkyServerWS/ImgCutout/getjpeg",
    # U: dr12 to dr19 answer on skyserver.sdss.org; mirrors of older ones go back to DR7.
    first_release=7,
    last_release=19,
    # S: getJpegController.cs, the server's own default scale, SDSS's natural pixel.
    default_scale=0.396127,
    default_size=200,
    # S: ImgCutout.cs validateInput. Beyond these the server clips silently.
    limits=Limits(min_size=64, max_size=2048, min_scale=0.015, max_scale=2400.0),
    limits_with_2mass=Limits(min_size=250, max_size=3601, min_scale=0.015, max_scale=60.0),
    # S: SdssConstants.cs, PixelsPerDegree and MaxZoom.
    tiles=Tiles(pixels_per_degree=9089, max_zoom=4),
    tiles_of_2mass=Tiles(pixels_per_degree=5120, max_zoom=1),
    # S: ImgCutout.cs. The help also lists R (ruler), which the code does not read.
    overlays={
        "A": "apogee",
        "B": "boxes",
        "F": "fields",
        "G": "grid",
        "I": "invert",
        "L": "label",
        "M": "masks",
        "O": "outlines",
        "P": "photometric",
        "Q": "plates",
        "S": "spectra",
        "T": "targets",
        "X": "2mass",
    },
    # H: Limits.aspx, written for the search tools.
    sql_per_minute=60,
    # S: getJpegController.cs and ImgCutout.cs: the 404's reason phrase ends in "is outside the
    # SDSS footprint.", with X in "… the 2MASS footprint.".
    outside_phrase="is outside the",
)


def navigate_url(base_url: str, release: int, ra: float, dec: float) -> str:
    """Return SkyServer's Navigate page for a position in degrees.

    The pages moved from ``en/tools/chart/navi.aspx`` to ``VisualTools/navi`` with DR17 (U: links
    in public code, https://github.com/skyportal/skyportal among them).
    """
    page = "VisualTools/navi" if release >= 17 else "en/tools/chart/navi.aspx"
    return f"{base_url}/dr{release}/{page}?ra={_plain(ra)}&dec={_plain(dec)}"


def _plain(degrees: float) -> str:
    """Return a number as text without an exponent."""
    text = f"{degrees:.10f}".rstrip("0")
    return f"{text}0" if text.endswith(".") else text


def explore_url(base_url: str, release: int, objid: int) -> str:
    """Return SkyServer's Explore page for an object (S: RadialSearch.cs up to DR16; U: later)."""
    page = "VisualTools/explore/summary" if release >= 17 else "en/tools/explore/summary.aspx"
    return f"{base_url}/dr{release}/{page}?id={objid}"
