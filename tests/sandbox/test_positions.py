"""Stars are where an independent WCS, made by hand here, says they are."""

import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.wcs import WCS

CASES = {
    "54 arcsec": (0.3, 180, 180, 20.0, -0.5, 1.0),
    "rectangle": (0.3, 300, 120, 20.0, -0.5, 1.0),
    "odd size": (0.4, 201, 99, 200.0, 35.0, 1.0),
    "dec 89": (0.3, 180, 180, 80.0, 89.0, 0.3),
    "dec 89.9": (1.0, 300, 300, 40.0, 89.9, 0.1),
    "across RA 0": (0.3, 180, 180, 0.0, 0.2, 0.5),
    "10 degrees in 2048": (36000 / 2048, 2048, 2048, 20.0, 5.0, 0.0),
    "10 degrees in 200": (180.0, 200, 200, 20.0, 5.0, 0.0),
    "10 degrees at the pole": (36000 / 512, 512, 512, 100.0, 89.0, 0.0),
    "10 degrees across RA 0": (36000 / 512, 512, 512, 359.9, 12.0, 0.0),
}


def wcs_by_hand(ra, dec, scale, width, height, projection="SIN"):
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = [f"RA---{projection}", f"DEC--{projection}"]
    wcs.wcs.crval = [ra, dec]
    wcs.wcs.crpix = [width / 2 + 1, height / 2 + 1]
    wcs.wcs.cdelt = [-scale / 3600, -scale / 3600]  # row 0 is north, and x grows to the west
    return wcs


def centroid(grey, x, y, half=6):
    """Middle of the light above the sky, in a window that follows the star."""
    for _ in range(4):
        x0, y0 = round(x), round(y)
        part = grey[y0 - half : y0 + half + 1, x0 - half : x0 + half + 1]
        rows, columns = np.mgrid[y0 - half : y0 + half + 1, x0 - half : x0 + half + 1]
        weight = np.clip(part - 30, 0, None)
        weight *= np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * (half / 2) ** 2))
        x = (weight * columns).sum() / weight.sum()
        y = (weight * rows).sum() / weight.sum()
    return x, y


def isolated_stars(sandbox, scale, width, height, ra, dec, offset):
    """Stars in the picture, bright, and without neighbours that would pull the centroid."""
    radius = np.hypot(width, height) / 2 * scale / 3600
    limit = 13.5 if scale > 5 else np.inf
    near = sandbox.sky.near(ra, dec, radius * 1.1 + 0.02, limit=limit)
    x, y = sandbox.pixel_of(near["ra"], near["dec"], ra, dec, scale, width, height)
    for k, row in enumerate(near):
        others = np.hypot(x - x[k], y - y[k])
        others[k] = np.inf
        reach = near["petroR90_r"] / scale * 3
        fainter = near["r"] > row["r"] + 5
        clear = ((others > 16 + reach) | fainter).all()
        inside = 12 < x[k] < width - 12 and 12 < y[k] < height - 12
        if row["kind"] == "star" and row["r"] < (13 if scale > 5 else 19.5) and clear and inside:
            yield row


@pytest.mark.parametrize("case", CASES)
def test_centroids_agree_with_a_wcs_made_by_hand(sandbox, ask, case):
    scale, width, height, ra, dec, search = CASES[case]
    if search:  # look for a star that is worth a picture, and put it off the middle
        near = sandbox.sky.near(ra, dec, search, limit=17.5)
        star = near[near["kind"] == "star"][0]
        step = 20 * scale / 3600
        ra = (star["ra"] + step / np.cos(np.radians(star["dec"]))) % 360
        dec = min(star["dec"] + step / 2, 89.99)
    grey = ask.pixels(ra=ra, dec=dec, scale=scale, width=width, height=height).mean(axis=-1)
    wcs = wcs_by_hand(ra, dec, scale, width, height)
    stars = list(isolated_stars(sandbox, scale, width, height, ra, dec, search))
    assert stars
    for star in stars:
        x, y = map(float, wcs.world_to_pixel(SkyCoord(star["ra"], star["dec"], unit="deg")))
        half = 6 if scale > 1 else 9
        assert np.hypot(*np.subtract(centroid(grey, x, y, half), (x, y))) < 0.1


def test_the_gnomonic_projection_would_be_noticed(sandbox, ask):
    scale, width, height, ra, dec, _ = CASES["10 degrees in 2048"]
    sin, tan = (wcs_by_hand(ra, dec, scale, width, height, kind) for kind in ("SIN", "TAN"))
    corner = SkyCoord(ra - 4, dec + 4, unit="deg")
    assert np.hypot(*np.subtract(sin.world_to_pixel(corner), tan.world_to_pixel(corner))) > 1


def test_pixel_of_is_vectorised_and_knows_the_far_side(sandbox):
    x, y = sandbox.pixel_of([10, 10.1, 190], [0, 0.1, 0], 10, 0, 3.6, 200, 100)
    assert (x[0], y[0]) == pytest.approx((100, 50))
    assert x[1] == pytest.approx(100 - 100, abs=1e-3)  # east is left
    assert y[1] == pytest.approx(50 - 100, abs=1e-3)  # north is up
    assert np.isnan([x[2], y[2]]).all()
