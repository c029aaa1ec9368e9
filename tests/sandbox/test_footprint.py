"""The outline of the imaging, roughly SDSS's."""

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from sdss_cutout.sandbox.projection import equatorial, normal
from sdss_cutout.sandbox.sky import footprint

INSIDE = {
    "the article's galaxies": (20.13754, -0.06057132),
    "Stripe 82, west end": (301.0, 0.5),
    "Stripe 82, east end": (59.0, -1.2),
    "south cap": (2.02, 14.84),
    "south cap, south edge": (0.5235, -11.2106),
    "north cap, equator": (203.04, 0.01),
    "COSMOS": (150.1, 2.2),
    "SDSS's own example": (197.614456, 18.438169),
    "north cap, high declination": (258.25, 64.05),
    "north cap, middle": (180.0, 40.0),
}
OUTSIDE = {
    "galactic anticentre": (86.4, 28.9),
    "galactic centre": (266.4168, -29.0078),
    "galactic plane": (280.0, 0.0),
    "Magellanic Clouds": (80.0, -69.0),
    "far south": (0.0, -59.0),
    "high declination": (120.0, 80.0),
}


@pytest.mark.parametrize("place", INSIDE.values(), ids=INSIDE)
def test_where_sdss_has_imaging(place):
    assert footprint.covered(*place)
    assert footprint.margin(*place) > 0


@pytest.mark.parametrize("place", OUTSIDE.values(), ids=OUTSIDE)
def test_where_it_has_none(place):
    assert not footprint.covered(*place)
    assert footprint.margin(*place) < -1


@pytest.mark.parametrize("dec", [84.5, 89.95, 90, -89, -90])
def test_discs_at_the_poles_are_for_tests(dec):
    assert footprint.covered(200, dec)


def test_area_is_about_that_of_sdss():
    count = 200_000
    k = np.arange(count) + 0.5  # a spiral of points that share the sphere evenly
    ra, dec = np.degrees(k * np.pi * (1 + 5**0.5)) % 360, np.degrees(np.arcsin(1 - 2 * k / count))
    area = footprint.covered(ra, dec).mean() * 41_253
    assert area == pytest.approx(14_500, rel=0.03)


positions = st.tuples(st.floats(0, 360), st.floats(-90, 90))


@given(positions, st.floats(0, 3), st.floats(0, 360))
def test_the_margin_is_no_longer_than_the_way_to_the_edge(place, step, angle):
    ra, dec = place
    margin = footprint.margin(ra, dec)
    assert abs(margin) < 1e-9 or (margin > 0) == footprint.covered(ra, dec)
    east, north = normal(ra + 90, 0), normal(ra + 180, 90 - dec)
    turn, step = np.radians(angle), np.radians(step)
    along = np.cos(turn) * north + np.sin(turn) * east
    other = np.cos(step) * normal(ra, dec) + np.sin(step) * along
    if np.degrees(step) < abs(margin) - 1e-6:
        assert footprint.covered(*equatorial(other)) == (margin > 0)


@given(positions, st.floats(0.01, 20))
def test_what_is_near_is_judged_as_the_whole(place, radius):
    centre = normal(*place)
    rng = np.random.default_rng(1)
    shift = rng.standard_normal((50, 3)) * np.radians(radius) / 6
    vectors = centre + shift
    vectors /= np.linalg.norm(vectors, axis=-1, keepdims=True)
    vectors = vectors[np.degrees(np.arccos(np.clip(vectors @ centre, -1, 1))) < radius]
    near = footprint.covered_near(vectors, centre, radius)
    agree = near == footprint.covered(*equatorial(vectors))
    assert (agree | (np.abs(footprint.margins(vectors)) < 1e-9)).all()
