"""Frames of the sandbox by way of HTTP, and truth that shares nothing with its formulas."""

from __future__ import annotations

import bz2
import io
from dataclasses import replace
from functools import cache

import numpy as np
import requests
from astropy.coordinates import SkyCoord
from astropy.io import fits

from sdss_cutout import SDSSCutouts, conf
from sdss_cutout._service.sas import SAS

SMALL = (256, 300)


def asked(sandbox, url):
    """A frame as the archive sends it, with the real archive's root in its URL."""
    url = url.replace("https://data.sdss.org/sas", sandbox.frames_url)
    answer = requests.get(url, timeout=30)
    assert answer.status_code == 200, url
    return fits.open(io.BytesIO(bz2.decompress(answer.content)), memmap=False)


def frame_url(field, band, root="https://data.sdss.org/sas/dr17/eboss"):
    run, camcol, number = field.run.number, field.camcol, field.number
    return (
        f"{root}/photoObj/frames/301/{run}/{camcol}/"
        f"frame-{band}-{run:06d}-{camcol}-{number:04d}.fits.bz2"
    )


class DocumentedAsTrans:
    """The astrometry of a frame's table, in the words of SDSS's documentation.

    rowm = row + dRow0 + dRow1 col + ..., mu = a + b rowm + c colm, and
    sin(dec) = sin(mu - node) cos(nu) sin(incl) + sin(nu) cos(incl).
    """

    def __init__(self, table):
        self.t = {name.lower(): table[name][0] for name in table.dtype.names}

    def sky(self, x, y):
        """Position of 0-based pixels, for objects of colour 0."""
        t, row, col = self.t, np.asarray(y) + 0.5, np.asarray(x) + 0.5
        rowm = row + sum(t[f"drow{k}"] * col**k for k in range(4))
        colm = col + sum(t[f"dcol{k}"] * col**k for k in range(4))
        mu = np.radians(t["a"] + t["b"] * rowm + t["c"] * colm - t["node"])
        nu = np.radians(t["d"] + t["e"] * rowm + t["f"] * colm)
        incl = np.radians(t["incl"])
        ra = np.arctan2(np.sin(mu) * np.cos(nu) * np.cos(incl) - np.sin(nu) * np.sin(incl),
                        np.cos(mu) * np.cos(nu))  # fmt: skip
        dec = np.arcsin(np.sin(mu) * np.cos(nu) * np.sin(incl) + np.sin(nu) * np.cos(incl))
        return (np.degrees(ra) + t["node"]) % 360, np.degrees(dec)

    def pixel(self, ra, dec, start=(0.0, 0.0)):
        """Where a position is, by Newton's method on the forward formula."""
        point = np.array(start, dtype=float)

        def miss(x, y):
            a, d = self.sky(x, y)
            return np.array(
                [((a - ra + 180) % 360 - 180) * np.cos(np.radians(dec)), d - dec]
            ).astype(float)

        for _ in range(12):
            here = miss(*point)
            slope = np.stack([miss(point[0] + 1, point[1]) - here,
                              miss(point[0], point[1] + 1) - here], axis=-1)  # fmt: skip
            point -= np.linalg.solve(slope, here)
        return point


def aperture(image, x, y, radius=9):
    """The sum around a place and the centroid, over whole pixels."""
    rows, columns = np.indices(image.shape)
    inside = np.hypot(columns - x, rows - y) <= radius
    weight = image * inside
    total = weight.sum(dtype=float)
    return total, (weight * columns).sum(dtype=float) / total, (weight * rows).sum() / total


def _nearest(star, x, y, shape, shared):
    return 0


def _from_ra_0(star, x, y, shape, shared):
    return abs((star["ra"] + 180) % 360 - 180)


def _from_middle(star, x, y, shape, shared):
    return abs(x - shape[1] / 2) + abs(y - shape[0] / 2)


def _from_row_edge(star, x, y, shape, shared):
    return abs(shape[0] - shared[0] / 2 - y) + 1000 * (abs(x / shape[1] - 0.5) > 0.3)


def _from_column_edge(star, x, y, shape, shared):
    return abs(shape[1] - shared[1] / 2 - x) + 1000 * (abs(y / shape[0] - 0.5) > 0.3)


# Where to look for a star, and how far each candidate is from what is wanted of it, given its
# pixel in the primary field, the frame's shape and the rows and columns that fields share.
_WANTED = {
    "middle": ((180.0, 30.0, 0.6), _from_middle),
    "field edge": ((180.0, 30.0, 0.6), _from_row_edge),
    "column edge": ((180.0, 30.0, 0.6), _from_column_edge),
    "RA 0": ((0.0, 20.0, 0.3), _from_ra_0),
    "RA 0, many epochs": ((0.0, 0.2, 0.3), _from_ra_0),
    "dec 89": ((40.0, 89.0, 0.4), _nearest),
    "many epochs": ((19.0, -0.05, 0.4), _from_middle),
}  # fmt: skip
PLACES = list(_WANTED)


def single_stars(sky, ra, dec, radius):
    """Stars of r 15 to 18.5 without neighbours that would disturb them, nearest first."""
    near = sky.near(ra, dec, radius)
    where = SkyCoord(near["ra"], near["dec"], unit="deg")
    for k in np.flatnonzero((near["kind"] == "star") & (near["r"] > 15) & (near["r"] < 18.5)):
        apart = where[k].separation(where).arcsec
        apart[k] = np.inf
        if (apart > 14 + 4 * near["petroR90_r"]).all():
            yield near[k]


@cache
def star_at(sandbox, place):
    """A single star in the middle of a field, on an edge, at RA 0, at dec 89 and so on."""
    centre, distance = _WANTED[place]
    survey = sandbox.survey

    def badness(star):
        field = survey.primary(star["ra"], star["dec"])
        x, y = field.pixel_of(star["ra"], star["dec"])
        rows, cols = survey.shape
        shared = rows - field.run.step, cols * (1 - 1907 / 2048)
        return distance(star, float(x), float(y), survey.shape, shared)

    return min(single_stars(sandbox.sky, *centre), key=badness)


def where(sandbox, place):
    """The position of the star at a place."""
    star = star_at(sandbox, place)
    return float(star["ra"]), float(star["dec"])


# The facts about an archive whose frames are small, and that may be asked at any rate.
SMALL_ARCHIVE = replace(
    SAS, shape=SMALL, rows_per_field=round(SMALL[0] * 1361 / 1489), field_radius=1.4,
    max_rate=10_000.0,
)  # fmt: skip


def small_client(sandbox, **settings):
    """A client of a sandbox with small frames, as fast as it may be; sets ``conf.frames_url``."""
    conf.frames_url = sandbox.frames_url
    given = {"max_rate": 10_000.0, "show_progress": False} | settings
    client = SDSSCutouts(base_url=sandbox.base_url, **given)
    client._archive = SMALL_ARCHIVE
    return client
