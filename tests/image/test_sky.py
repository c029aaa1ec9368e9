"""The WCS against the sky: stars that the sandbox draws by its own formula, found by centroid."""

from __future__ import annotations

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.wcs import WCS

from sdss_cutout import Cutout

# Field, its centre, scale in arcsec per pixel, width and height.
FIELDS = {
    "54 arcsec": (22.5, 0.4, 0.3, 180, 180),
    "54 arcsec, offset": (16.1, -1.1, 0.3, 180, 180),
    "rectangle": (22.5, 0.4, 0.396127, 300, 120),
    "upright rectangle": (22.5, 0.4, 0.396127, 120, 301),
    "across RA 0": (359.9995, 0.5, 0.6, 400, 400),
    "dec 89": (40.0, 89.0, 2.0, 600, 600),
    "dec 89.95": (200.0, 89.95, 2.0, 600, 600),
    "north pole": (0.0, 90.0, 2.0, 600, 600),
    "south pole": (77.0, -90.0, 2.0, 600, 600),
    "10 degrees": (180.0, 40.0, 36000 / 2048, 2048, 2048),
    "10 degrees at dec 65": (150.0, 65.0, 36000 / 1024, 1024, 700),
}
TOLERANCE = 0.15


@pytest.fixture(scope="module")
def sky(running_sandbox):
    """Where the sandbox's objects are."""
    return running_sandbox.sky


@pytest.fixture(scope="module")
def cutouts(running_sandbox, tmp_path_factory):
    """Each field as it lies on disk, fetched once."""
    from sdss_cutout import SDSSCutouts

    client = SDSSCutouts(base_url=running_sandbox.base_url, show_progress=False, max_rate=1000)
    found = {}
    for name, (ra, dec, scale, width, height) in FIELDS.items():
        target = SkyCoord(*_bright_star(running_sandbox.sky, ra, dec, scale, width), unit="deg")
        # Not the star itself: it shall not stand where a wrong scale or projection is right.
        away = 0.31 * min(width, height) * scale * u.arcsec
        moved = target.directional_offset_by(50 * u.deg, away)
        moved = target if abs(dec) == 90 else moved
        cutout = client.get(
            SkyCoord(ra, dec, unit="deg") if scale > 1 else moved,
            scale=scale * u.arcsec / u.pix, width=width, height=height, names=name,
        )  # fmt: skip
        found[name] = cutout.save(tmp_path_factory.mktemp("sky"))
    return found


def _bright_star(sky, ra, dec, scale, width):
    found = sky.near(ra, dec, max(0.3, width * scale / 7200), 14.0 if scale > 10 else np.inf)
    stars = found[(found["kind"] == "star") & (found["r"] > 12) & (found["r"] < 19)]
    star = stars[np.argmin(stars["r"])]
    return star["ra"], star["dec"]


def centroid(data, x, y, reach):
    """Return the centre of light around a pixel, or None near the edge."""
    column, row = round(x), round(y)
    box = data[row - reach : row + reach + 1, column - reach : column + reach + 1].astype(float)
    if box.shape != (2 * reach + 1,) * 2:
        return None
    box = np.clip(box - np.median(data) - 12, 0, None)
    steps = np.arange(-reach, reach + 1)
    return (
        column + (box.sum(axis=0) * steps).sum() / box.sum(),
        row + (box.sum(axis=1) * steps).sum() / box.sum(),
    )


def lonely_stars(sky, cutout, reach):
    """Return positions of bright stars without a neighbour that would pull their centroid."""
    request = cutout.request
    radius = np.hypot(request.width, request.height) * request.scale / 7200
    # Wide fields show bright stars only; all others would take long to make.
    found = sky.near(request.ra, request.dec, radius, 14.0 if request.scale > 10 else np.inf)
    limit = np.sort(found["r"])[min(len(found) - 1, 6_000)]
    found = found[found["r"] <= limit]
    stars = found[(found["kind"] == "star")]
    stars = stars[np.argsort(stars["r"])][:60]
    coords = SkyCoord(stars["ra"], stars["dec"], unit="deg")
    everything = SkyCoord(found["ra"], found["dec"], unit="deg")
    if len(found) == 1:
        return coords
    cosines = coords.cartesian.xyz.value.T @ everything.cartesian.xyz.value
    nearest = np.arccos(np.clip(np.sort(cosines, axis=1)[:, -2], -1, 1)) * u.rad  # but itself
    return coords[nearest > 1.5 * reach * request.scale * u.arcsec]


def offsets(sky, cutout, wcs):
    """Return centroid minus prediction, in pixels, of each usable star: shape (n, 2)."""
    reach = 9
    # Brightness alone: JPEG keeps the colours at half the resolution.
    grey = cutout.data @ np.array([0.299, 0.587, 0.114])
    found = []
    for x, y in zip(*wcs.world_to_pixel(lonely_stars(sky, cutout, reach)), strict=True):
        if not (np.isfinite(x) and np.isfinite(y)):
            continue
        inside = reach < x < grey.shape[1] - reach and reach < y < grey.shape[0] - reach
        if inside and grey[round(y), round(x)] > np.median(grey) + 50:
            measured = centroid(grey, x, y, reach)
            if measured is not None:
                found.append((measured[0] - x, measured[1] - y))
    return np.array(found)


def worst_of_most(found):
    """Return the largest offset of the best four fifths: some have an extended neighbour."""
    return np.quantile(np.abs(found).max(axis=1), 0.8)


@pytest.mark.filterwarnings("ignore:The WCS transformation has more axes")
@pytest.mark.parametrize("field", FIELDS)
def test_stars_are_where_the_sidecar_puts_them(sky, cutouts, field):
    found = offsets(sky, cutouts[field], WCS(str(cutouts[field].sidecar)))
    assert len(found) >= 1
    assert worst_of_most(found) < TOLERANCE


@pytest.mark.parametrize("field", ["10 degrees", "10 degrees at dec 65"])
def test_tan_instead_of_sin_fails_that_test(sky, cutouts, field):
    header = cutouts[field].header
    header["CTYPE1"], header["CTYPE2"] = "RA---TAN", "DEC--TAN"
    del header["NAXIS"]
    found = offsets(sky, cutouts[field], WCS(header))
    assert len(found) == 0 or worst_of_most(found) > 5 * TOLERANCE


@pytest.mark.parametrize("change", [("CRPIX1", 0.5), ("CRPIX2", -0.5)])
def test_half_a_pixel_fails_that_test(sky, cutouts, change):
    key, shift = change
    header = cutouts["10 degrees"].header
    header[key] += shift
    del header["NAXIS"]
    assert worst_of_most(offsets(sky, cutouts["10 degrees"], WCS(header))) > TOLERANCE


def test_many_targets_have_each_its_own(client, sandbox):
    coords = SkyCoord([20.0, 359.9999, 40.0], [0.0, 0.5, 89.0], unit="deg")
    scales = [0.3, 0.5, 2.0] * u.arcsec / u.pix
    for cutout, coord, scale in zip(client.get(coords, scale=scales), coords, scales, strict=True):
        x, y = cutout.wcs.world_to_pixel(coord)
        assert (x, y) == pytest.approx((100, 100), abs=1e-6)
        measured = cutout.wcs.proj_plane_pixel_scales()[0].to_value(u.arcsec)
        assert measured == pytest.approx(scale.value)


def test_read_gives_back_what_was_saved(cutouts):
    for cutout in cutouts.values():
        again = Cutout.read(cutout.path)
        assert again.header == cutout.header
        assert again.request == cutout.request
        assert again.status == "kept"
        assert np.array_equal(again.data, cutout.data)
