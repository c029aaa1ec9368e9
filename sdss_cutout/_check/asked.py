"""The pictures that are asked for, and where the package says that things are in them. Pure.

The positions are known ones: near a target of the article that this project started from, the end
of Stripe 82, which leaves a wide picture almost empty, and the centre of the Galaxy.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, urlencode

import astropy.units as u
from astropy.coordinates import SkyCoord
from astropy.wcs import WCS

from sdss_cutout._image.header import Provenance, make_sidecar, read_header, wcs_of_header
from sdss_cutout._request.options import RequestOptions
from sdss_cutout._request.request import CutoutRequest, build_requests
from sdss_cutout._request.site import Site
from sdss_cutout._targets.targets import read_targets

__all__ = [
    "CLIPPED", "FIELD_RADIUS", "FIELD_RA_DEC", "GALACTIC_CENTRE", "PLAIN", "WIDE",
    "Geometry", "around_star", "cutout_request", "picture_url", "wcs_of",
]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Geometry:
    """A picture's position in degrees, arcsec per pixel, and size in pixels."""

    ra: float
    dec: float
    scale: float
    width: int
    height: int


# Sums of powers of 1/2, so that folding the declination over the pole and back is exact. Half an
# arcmin from target 7050 of the article.
PLAIN = Geometry(ra=20.125, dec=-0.0625, scale=0.4, width=256, height=192)
# Beyond the limits in everything.
CLIPPED = Geometry(ra=20.125, dec=-0.0625, scale=0.001, width=5000, height=20)
WIDE = Geometry(ra=59.0, dec=0.0, scale=100.0, width=512, height=64)
# Wide, as the server cuts its message off in narrow pictures (S: SDSSGraphicsEnv.cs).
GALACTIC_CENTRE = Geometry(ra=266.4, dec=-29.0, scale=0.4, width=320, height=128)
# The example of SkyServer's help page on fields; Stripe 82 would give a hundred epochs.
FIELD_RA_DEC, FIELD_RADIUS = (132.0, 12.0), 10.0


def around_star(ra: float, dec: float) -> Geometry:
    """Return a picture in which a star stands 10 arcsec west and 7 arcsec south of the middle.

    So it is found elsewhere if east and west, or the axes, were exchanged.
    """
    return Geometry(
        ra=round(ra + 10 / 3600, 6), dec=round(dec + 7 / 3600, 6), scale=0.2, width=256, height=192
    )


def picture_url(
    site: Site, geometry: Geometry, *, ra: object = None, dec: object = None, opt: str = "",
    query: str = "",
) -> str:  # fmt: skip
    """Return the URL of a picture, also of one that the client would refuse to ask for."""
    parameters = {
        "ra": geometry.ra if ra is None else ra, "dec": geometry.dec if dec is None else dec,
        "scale": geometry.scale, "width": geometry.width, "height": geometry.height,
    }  # fmt: skip
    parameters |= {key: text for key, text in (("opt", opt), ("query", query)) if text}
    return f"{site.picture_url}?{urlencode(parameters, quote_via=quote)}"


def cutout_request(site: Site, geometry: Geometry) -> CutoutRequest:
    """Return the request as the client makes it."""
    targets = read_targets(SkyCoord([geometry.ra], [geometry.dec], unit="deg"))
    options = RequestOptions(
        scale=geometry.scale * u.arcsec / u.pix, width=geometry.width, height=geometry.height
    )
    return build_requests(targets, site, options)[0]


def wcs_of(site: Site, geometry: Geometry) -> WCS:
    """Return the WCS that the package gives to a picture."""
    nothing = Provenance(name="", origin="", date="", sha256="", creator="")
    return wcs_of_header(read_header(make_sidecar(cutout_request(site, geometry), nothing)))
