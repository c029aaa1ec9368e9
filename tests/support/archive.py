"""Frames of the sandbox by way of HTTP, and truth that shares nothing with its formulas."""

from __future__ import annotations

import bz2
import io

import numpy as np
import requests
from astropy.io import fits

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
