"""Offset stars: bright, alone, within the picture, and their offsets right."""

from __future__ import annotations

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.table import MaskedColumn, Table
from astropy.wcs import WCS
from hypothesis import given
from hypothesis import strategies as st

from sdss_cutout._views.chart.offset_stars import choose_offset_stars, offset_star_query

TARGET = SkyCoord(150.0, 30.0, unit="deg")
SIZE = (600, 500)
SCALE = 0.5  # arcsec per pixel


@pytest.fixture
def wcs():
    return field(TARGET)


def field(target):
    sky = WCS(naxis=2)
    sky.wcs.ctype = ["RA---SIN", "DEC--SIN"]
    sky.wcs.crval = [target.ra.deg, target.dec.deg]
    sky.wcs.crpix = [SIZE[0] / 2 + 1, SIZE[1] / 2 + 1]
    sky.wcs.cd = [[-SCALE / 3600, 0], [0, -SCALE / 3600]]
    return sky


def catalogue(wcs, rows):
    """Return objects from tuples of x, y, r and, if they are not clean stars, more columns."""
    objects = []
    for x, y, r, *more in rows:
        sky = wcs.pixel_to_world(x, y)
        row = {"objID": 1, "ra": sky.ra.deg, "dec": sky.dec.deg, "type": 6, "clean": 1}
        row |= {"psfMag_g": r + 0.5, "psfMag_r": r, "psfMag_i": r - 0.2}
        objects.append(row | (more[0] if more else {}))
    return Table(rows=objects)


def chosen_places(wcs, rows, count=5):
    stars = choose_offset_stars(catalogue(wcs, rows), TARGET, wcs, SIZE, count)
    x, y = wcs.world_to_pixel(SkyCoord(stars["ra"], stars["dec"]))
    return [(round(float(a)), round(float(b))) for a, b in zip(x, y, strict=True)]


def test_the_brightest_come_first(wcs):
    places = chosen_places(wcs, [(100, 100, 18.0), (200, 100, 15.0), (100, 200, 16.0)])
    assert places == [(200, 100), (100, 200), (100, 100)]


def test_letters_and_magnitudes_go_with_them(wcs):
    stars = choose_offset_stars(
        catalogue(wcs, [(100, 100, 18.0), (200, 100, 15.0)]), TARGET, wcs, SIZE, 5
    )
    assert stars["letter"].tolist() == ["A", "B"]
    assert stars["r"].tolist() == [15.0, 18.0]
    assert stars["g"].tolist() == [15.5, 18.5]
    assert stars["i"].tolist() == pytest.approx([14.8, 17.8])


@pytest.mark.parametrize(
    "other",
    [
        (105, 100, 16.0),  # as bright, 2.5 arcsec away
        (100, 109, 17.4),
        (105, 100, 16.0, {"type": 3, "clean": 0}),  # a galaxy disturbs as well
    ],
)
def test_a_star_with_a_neighbour_is_passed_over(wcs, other):
    assert chosen_places(wcs, [(100, 100, 15.0), other, (300, 100, 18.0)]) == [(300, 100)]


@pytest.mark.parametrize("other", [(105, 100, 17.6), (113, 100, 15.0)])
def test_a_faint_or_distant_neighbour_does_not_matter(wcs, other):
    assert (100, 100) in chosen_places(wcs, [(100, 100, 15.0), other])


@pytest.mark.parametrize(
    "row",
    [
        (100, 100, 21.1),
        (100, 100, 16.0, {"type": 3}),
        (100, 100, 16.0, {"clean": 0}),  # saturated, for example
        (100, 100, 16.0, {"psfMag_g": -9999.0}),
        (-20, 100, 16.0),
        (100, 505, 16.0),
        (5, 100, 16.0),  # its circle would be cut
        (310, 255, 16.0),  # under the target's mark
        (60, 470, 16.0),  # under the scale bar
        (560, 460, 16.0),  # under the compass
    ],
)
def test_what_does_not_serve_is_passed_over(wcs, row):
    assert chosen_places(wcs, [row, (300, 100, 18.0)]) == [(300, 100)]


def test_missing_values_are_passed_over(wcs):
    objects = catalogue(wcs, [(100, 100, 15.0), (300, 100, 18.0)])
    objects["clean"] = MaskedColumn(objects["clean"], mask=[True, False])
    stars = choose_offset_stars(objects, TARGET, wcs, SIZE, 5)
    assert stars["r"].tolist() == [18.0]


def test_circles_of_two_stars_do_not_overlap(wcs):
    assert len(chosen_places(wcs, [(100, 100, 15.0), (125, 100, 16.0)])) == 1


def test_no_more_than_are_wanted(wcs):
    rows = [(50 + 90 * n, 100, 15.0 + n / 10) for n in range(6)]
    assert len(chosen_places(wcs, rows, count=3)) == 3


def test_an_empty_catalogue_has_no_stars(wcs):
    objects = catalogue(wcs, [(100, 100, 15.0)])[:0]
    assert len(choose_offset_stars(objects, TARGET, wcs, SIZE, 5)) == 0


@given(ra=st.floats(0, 359.99), dec=st.floats(-85, 85), x=st.floats(30, 250), y=st.floats(30, 220))
def test_offsets_lead_from_the_star_to_the_target(ra, dec, x, y):
    target = SkyCoord(ra, dec, unit="deg")
    sky = field(target)
    [star] = choose_offset_stars(catalogue(sky, [(x, y, 15.0)]), target, sky, SIZE, 1)

    # The orthographic projection around the star, written out.
    a0, d0, a, d = np.radians([star["ra"], star["dec"], ra, dec])
    east = np.cos(d) * np.sin(a - a0)
    north = np.cos(d0) * np.sin(d) - np.sin(d0) * np.cos(d) * np.cos(a - a0)
    assert star["east"] == pytest.approx(np.degrees(east) * 3600, abs=0.01)
    assert star["north"] == pytest.approx(np.degrees(north) * 3600, abs=0.01)


def test_the_query_asks_for_what_is_around_the_target(client):
    star = client.query_sql("SELECT TOP 1 ra, dec FROM Star WHERE r BETWEEN 15 AND 16")[0]
    coord = SkyCoord(star["ra"], star["dec"], unit="deg")

    objects = client.query_sql(offset_star_query(coord, 5 * u.arcmin))

    sky = SkyCoord(objects["ra"], objects["dec"], unit="deg")
    assert sky.separation(coord).max() <= 5 * u.arcmin
    assert sky.separation(coord).min() < 1 * u.arcsec
    assert set(objects["type"]) == {3, 6}
    assert np.all(np.diff(objects["psfMag_r"]) >= 0)
    assert {"clean", "psfMag_g", "psfMag_i"} <= set(objects.colnames)


def test_the_query_does_not_ask_for_a_whole_sky():
    assert ", 15.000) AS n" in offset_star_query(TARGET, 60 * u.deg)
