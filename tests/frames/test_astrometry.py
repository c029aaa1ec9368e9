"""Where the pixels of a frame are: against another formula, and the catalogue of a real field."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from frames import COLUMNS, ROWS, FakeFrame, Strip, vector
from hypothesis import example, given
from hypothesis import strategies as st

from sdss_cutout._frames.astrometry import (
    Astrometry,
    GreatCircle,
    LinearAstrometry,
    north_up_wcs,
    wcs_cards,
)  # fmt: skip
from sdss_cutout._frames.frame import FrameKey, read_frame
from sdss_cutout._service.sas import SAS

CUT = replace(SAS, shape=(100, 100))  # what is left of the real frame's image

Y, X = (axis.ravel() for axis in np.mgrid[0:ROWS:62, 0:COLUMNS:89].astype(float))

STRIPS = [
    Strip(),
    Strip(mu=359.99),
    Strip(mu=-0.1, incl=45),
    Strip(mu=185, incl=90, nu=-1.2),
    Strip(mu=184.9, incl=89.95),
    Strip(mu=275, incl=-67),
    Strip(mu=455, incl=12, slope=-0.002),
]


def astrometry_of(strip, number=11):
    terms = strip.a_to_f(number)
    return Astrometry(
        shape=(ROWS, COLUMNS),
        linear=LinearAstrometry(circle=GreatCircle(node=strip.node, incl=strip.incl), **terms),
        row_terms=strip.drow,
        column_terms=strip.dcol,
    )


def apart(one, other):
    """Arcsec between positions."""
    return np.linalg.norm(vector(*one) - vector(*other), axis=0) * 180 / np.pi * 3600


@pytest.mark.parametrize("strip", STRIPS, ids=range(len(STRIPS)))
def test_pixels_are_where_the_survey_has_them(strip):
    astrometry = astrometry_of(strip, 13)
    ra, dec = astrometry.pixel_to_sky(X, Y)
    assert apart((ra, dec), strip.sky_of(13, X, Y)).max() < 1e-7
    assert ((ra >= 0) & (ra < 360)).all()
    assert np.abs(np.subtract(astrometry.sky_to_pixel(ra, dec), (X, Y))).max() < 1e-7


@pytest.mark.parametrize("strip", STRIPS, ids=range(len(STRIPS)))
@pytest.mark.parametrize("rows", [(0, ROWS), (-3000, 4500)])
def test_the_wcs_is_right_to_a_thousandth_of_a_pixel(strip, rows):
    astrometry = astrometry_of(strip)
    y = np.interp(Y, (0, ROWS - 1), (rows[0], rows[1] - 1))
    wcs = astrometry.wcs(rows=rows)
    assert apart(wcs.all_pix2world(X, y, 0), strip.sky_of(11, X, y)).max() < 0.001 * 0.396
    # The file that is written says the same, and its inverse without iteration is as good.
    read = WCS(fits.Header.fromstring("".join(wcs_cards(wcs))))
    world = strip.sky_of(11, X, y)
    assert np.abs(np.subtract(read.all_world2pix(*world, 0), (X, y))).max() < 0.001
    plane = np.array(read.wcs_world2pix(*world, 1)).T - read.wcs.crpix
    there = np.array(read.sip_foc2pix(plane, 1)) - 1
    assert np.abs(there - np.transpose([X, y])).max() < 0.001


def test_a_position_elsewhere_is_no_pixel():
    x, y = astrometry_of(Strip()).sky_to_pixel([95.0, 275.0, 90.0], [60.0, -60.0, 0.0])
    assert np.isfinite([x, y]).all()
    inside = (np.abs(x - COLUMNS / 2) < COLUMNS / 2) & (np.abs(y - ROWS / 2) < ROWS / 2)
    assert not inside.any()


@given(st.floats(0, 360), st.floats(-90, 90), st.floats(0, 360), st.floats(-90, 90))
@example(0.0, 90.0, 95.0, 90.0)
@example(185.0, 0.0, 95.0, 90.0)
def test_great_circles_go_to_and_fro(ra, dec, node, incl):
    circle = GreatCircle(node=node, incl=incl)
    back = circle.to_sky(*circle.from_sky(ra, dec))
    assert apart(back, (ra, dec)) < 1e-7


def test_areas_are_those_of_the_pixels():
    """By the distances between neighbouring pixels in space."""
    frame = FakeFrame(strip=Strip(incl=10, nu=1.2), number=11)
    astrometry = astrometry_of(frame.strip)
    areas = astrometry.pixel_area(np.arange(COLUMNS), ROWS / 2) * 3600**2
    assert np.abs(areas / frame.areas() - 1).max() < 1e-5
    assert np.ptp(areas) / areas.mean() > 1e-4  # else the distortion would not be seen


@pytest.mark.parametrize("dec", [90.0, -90.0, 89.0, 0.0])
def test_north_is_up_and_east_left(dec):
    wcs = north_up_wcs(40.0, dec, scale=0.4, width=201, height=101)
    assert wcs.all_pix2world(100, 50, 0) == pytest.approx((40, dec), abs=1e-10)
    assert wcs.wcs.cd[1, 1] > 0 > wcs.wcs.cd[0, 0]
    step = 0.001 if dec < 90 else -0.001
    x, y = wcs.all_world2pix(40.0, dec + step, 0)
    assert (x, np.sign(y - 50)) == (pytest.approx(100, abs=1e-4), np.sign(step))
    assert (wcs.pixel_shape, wcs.array_shape) == ((201, 101), (101, 201))


# ----------------------------------------------------------------------------- the real frame


@pytest.fixture(scope="module")
def real(shared_data):
    path = shared_data / "frame" / "frame-r-001000-1-0100.fits.bz2"
    frame = read_frame(path.read_bytes(), FrameKey(1000, "301", 1, 100, "r"), CUT)
    header = fits.getheader(path)
    del header["RADECSYS"], header["DATE-OBS"]  # astropy has remarks on their forms
    return frame.astrometry, WCS(header)


def test_the_real_header_leaves_out_the_distortion(real):
    """Both have the same middle, which fixes the half pixel between index and survey."""
    astrometry, header = real
    world = astrometry.pixel_to_sky(X, Y)
    theirs = np.hypot(*np.subtract(header.all_world2pix(*world, 0), (X, Y)))
    ours = np.hypot(*np.subtract(astrometry.wcs().all_world2pix(*world, 0), (X, Y)))
    assert (np.median(theirs), theirs.max()) == pytest.approx((0.072, 0.34), abs=0.005)
    assert ours.max() < 0.001
    middle = astrometry.pixel_to_sky(1024, 744)
    assert apart(middle, (header.wcs.crval[0], header.wcs.crval[1])) < 0.003


def test_the_real_catalogue_agrees(real, shared_data):
    """All its sources are displaced alike, as this frame is older than its catalogue (DR8)."""
    astrometry, header = real
    with fits.open(shared_data / "frame" / "photoObj-001000-1-0100.fits") as hdus:
        catalogue = hdus[1].data
        world = catalogue["RA"], catalogue["DEC"]
        places = np.array([catalogue["COLC"][:, 2], catalogue["ROWC"][:, 2]]) - 0.5
    ours, theirs = (
        np.subtract(w.all_world2pix(*world, 0), places) for w in (astrometry.wcs(), header)
    )
    common = np.median(ours, axis=1)
    assert np.hypot(*common) * 0.396 == pytest.approx(0.21, abs=0.02)
    scatter, theirs_scatter = (
        np.hypot(*(found - np.median(found, axis=1)[:, None])) for found in (ours, theirs)
    )
    assert np.median(scatter) < 0.02
    assert scatter.max() < 0.05
    assert scatter.max() < theirs_scatter.max()
    # What the newer calibration changed is linear over this corner; the rest is distortion.
    terms = np.stack([np.ones_like(places[0]), *places], axis=1)
    rest = ours.T - terms @ np.linalg.lstsq(terms, ours.T, rcond=None)[0]
    assert np.hypot(*rest.T).max() < 0.001
