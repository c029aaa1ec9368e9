"""Slits: what is understood, and where the corners are."""

from __future__ import annotations

import re

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import Angle, SkyCoord
from hypothesis import given
from hypothesis import strategies as st

from sdss_cutout import RequestError
from sdss_cutout._views.chart.slit import Slit, read_slit

SLIT = Slit(length=120, width=1.5, angle=35)


@pytest.mark.parametrize(
    "slit",
    [
        "120x1.5@35",
        " 120 X 1.5 @ 35 ",
        "120.0\N{MULTIPLICATION SIGN}1.50@+35.",
        (2 * u.arcmin, 1.5 * u.arcsec, 35 * u.deg),
        [120 * u.arcsec, 1500 * u.mas, Angle("35d")],
    ],
)
def test_a_slit_is_read(slit):
    read = read_slit(slit)
    assert read.length == pytest.approx(SLIT.length)
    assert read.width == pytest.approx(SLIT.width)
    assert read.angle == pytest.approx(SLIT.angle)


def test_the_position_angle_may_be_negative():
    assert read_slit("10x1@-12.5").angle == -12.5


@pytest.mark.parametrize(
    "slit",
    [
        "", "120x1.5", "120@35", "120x1.5@", "120x-1.5@35", "axb@c", "1e3x1@0", "0x1@0", "10x0@0",
        "10x1@361", "99999x1@0", (120, 1.5, 35), (120 * u.arcsec, 1.5 * u.arcsec), 7, None,
        (1 * u.m, 1 * u.arcsec, 0 * u.deg), (np.nan * u.deg, 1 * u.arcsec, 0 * u.deg),
        (-1 * u.deg, 1 * u.arcsec, 0 * u.deg), ([1, 2] * u.deg, 1 * u.arcsec, 0 * u.deg),
    ],
)  # fmt: skip
def test_what_is_no_slit_is_refused_with_what_is_expected(slit):
    with pytest.raises(RequestError, match=re.escape(f"slit = {slit!r} is not valid")):
        read_slit(slit)


@given(
    ra=st.floats(0, 359.99), dec=st.floats(-89.5, 89.5), angle=st.floats(-180, 180),
    length=st.floats(2, 600),
)  # fmt: skip
def test_the_corners_are_where_astropy_s_angles_say(ra, dec, angle, length):
    centre = SkyCoord(ra, dec, unit="deg")
    slit = Slit(length=length, width=1.5, angle=angle)

    one, two, three, four = slit.corners(centre)

    assert one.separation(two).arcsec == pytest.approx(1.5, abs=1e-3)
    assert two.separation(three).arcsec == pytest.approx(length, rel=1e-5)
    ends = [SkyCoord([a, b]) for a, b in ((one, two), (three, four))]
    middles = [_middle(end) for end in ends]
    to_one = centre.position_angle(middles[0])
    assert Angle(to_one - angle * u.deg).wrap_at("180d").deg == pytest.approx(0, abs=0.05)
    back = centre.position_angle(middles[1])
    assert abs(Angle(to_one - back).wrap_at("180d").deg) == pytest.approx(180, abs=0.05)


def _middle(pair):
    return SkyCoord(pair.cartesian.mean(), representation_type="cartesian", frame="icrs")
