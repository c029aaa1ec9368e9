"""Which pictures overlap: every pair tried, by the WCS of their sidecars."""

from __future__ import annotations

import numpy as np
from astropy.wcs import WCS


def positions(picture, points, margin):
    """Unit vectors of points all over a picture, corners included, by its sidecar's WCS."""
    width, height = picture.request.width, picture.request.height
    header = picture.header
    del header["NAXIS"]
    x, y = np.meshgrid(
        np.linspace(-0.5 - margin, width - 0.5 + margin, points),
        np.linspace(-0.5 - margin, height - 0.5 + margin, points),
    )
    ra, dec = np.radians(WCS(header).all_pix2world(x.ravel(), y.ravel(), 0))
    return np.stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)], axis=1)


def contains(picture, vectors, margin):
    """Whether points lie in a picture: SIN written out, from where the header says it is."""
    header = picture.header
    ra, dec = np.radians(header["CRVAL1"]), np.radians(header["CRVAL2"])
    x, y, z = vectors.T
    east = -x * np.sin(ra) + y * np.cos(ra)
    north = z * np.cos(dec) - (x * np.cos(ra) + y * np.sin(ra)) * np.sin(dec)
    front = (x * np.cos(ra) + y * np.sin(ra)) * np.cos(dec) + z * np.sin(dec) > 0
    pixel = np.radians(picture.request.scale / 3600)
    column = picture.request.width / 2 - east / pixel
    row = picture.request.height / 2 - north / pixel
    return (
        front
        & (column >= -0.5 - margin) & (column <= picture.request.width - 0.5 + margin)
        & (row >= -0.5 - margin) & (row <= picture.request.height - 0.5 + margin)
    )  # fmt: skip


def overlapping_pairs(pictures, *, margin=0.0, points=17):
    """All pairs of pictures of which one holds a point of the other."""
    vectors = [positions(p, points, margin) for p in pictures]
    centres = np.array([v.mean(axis=0) for v in vectors])
    reach = np.array(
        [np.linalg.norm(v - c, axis=1).max() for v, c in zip(vectors, centres, strict=True)]
    )
    found = set()
    for a, picture in enumerate(pictures):
        near = np.linalg.norm(centres - centres[a], axis=1) < 1.01 * (reach[a] + reach)
        for b in np.flatnonzero(near).tolist():
            if a != b and contains(picture, vectors[b], margin).any():
                found.add((min(a, b), max(a, b)))
    return found


def components_of(count, pairs):
    """Connected components, one pair after the other."""
    number = list(range(count))
    for a, b in pairs:
        if number[a] != number[b]:
            old, new = max(number[a], number[b]), min(number[a], number[b])
            number = [new if n == old else n for n in number]
    return np.array(number)
