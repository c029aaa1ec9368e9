"""The colour composite: which band is which colour, and how bright."""

from __future__ import annotations

import numpy as np
import pytest

from sdss_cutout._frames.colour import to_rgb

FLAT = np.zeros((2, 3))


def formula(i, r, g):
    """As published: scales, an offset, and the asinh of the mean."""
    red, green, blue = 1.0 * i + 0.02, 1.3 * r + 0.02, 2.5 * g + 0.02
    mean = (red + green + blue) / 3
    stretch = np.arcsinh(1.5 * 20 * mean) / np.sqrt(20) / mean
    colours = np.array([red, green, blue]) * stretch
    return np.rint(255 * colours / max(colours.max(), 1)).astype(int)


@pytest.mark.parametrize("fluxes", [(0.0, 0, 0), (0.1, 0.05, 0.02), (3, 2, 1), (5000, 100, 100)])
def test_three_bands_follow_the_published_formula(fluxes):
    i, r, g = fluxes
    rgb = to_rgb({"g": FLAT + g, "r": FLAT + r, "i": FLAT + i})
    assert (rgb.shape, rgb.dtype) == ((2, 3, 3), np.uint8)
    assert (rgb == formula(i, r, g)).all()


def test_ugriz_is_shown_by_i_r_and_g():
    images = {band: FLAT + n / 10 for n, band in enumerate("gri")}
    more = images | {"u": FLAT + 50, "z": FLAT + 50}
    assert (to_rgb(more) == to_rgb(images)).all()


def test_other_bands_go_by_wavelength():
    red, green, blue = to_rgb({"z": FLAT + 1, "u": FLAT, "r": FLAT})[0, 0]
    assert red > green == blue
    red, green, blue = to_rgb({"g": FLAT + 1, "r": FLAT})[0, 0]
    assert blue > green > red
    one = to_rgb({"u": FLAT + 0.3})[0, 0]
    assert len(set(one.tolist())) == 1
    assert (one == to_rgb({"r": FLAT + 0.3})[0, 0]).all()


@pytest.mark.parametrize("bands", ["u", "gz", "gri", "ugri", "ugriz"])
def test_what_is_missing_is_black(bands):
    images = {band: np.full((2, 2), 0.5, np.float32) for band in bands}
    images[bands[0] if bands[0] != "u" or len(bands) == 1 else "g"][0, 1] = np.nan
    rgb = to_rgb(images)
    assert (rgb[0, 1] == 0).all()
    assert (rgb[0, 0] > 0).all()


def test_negative_sky_is_dark_and_colours_do_not_depend_on_the_pixel():
    assert (to_rgb({"r": FLAT - 1}) == 0).all()
    fine = to_rgb({"r": FLAT + 0.4 / 16}, pixel_area=1 / 16)
    assert (fine == to_rgb({"r": FLAT + 0.4})).all()


def test_bands_of_different_grids_are_brought_together():
    """A star that is half a pixel off in one band has no coloured edges."""
    y, x = np.indices((40, 40))

    def star(at_x, at_y):
        return np.exp(-((x - at_x) ** 2 + (y - at_y) ** 2) / 18)

    places = {"g": (20.0, 20.0), "r": (20.4, 19.7), "i": (19.6, 20.5)}
    factors = {"g": 1 / 2.5, "r": 1 / 1.3, "i": 1.0}
    images = {band: factors[band] * star(*place) for band, place in places.items()}
    apart, together = to_rgb(images), to_rgb(images, places=places)
    hue = np.ptp(apart.astype(int), axis=-1).max(), np.ptp(together.astype(int), axis=-1).max()
    assert hue[0] > 8 * hue[1]
    assert (to_rgb(images, places=dict.fromkeys("gri", (1.0, 1.0))) == apart).all()
    images["g"][0, :] = np.nan
    assert (to_rgb(images, places=places)[0] == 0).all()
