"""Cutouts on the survey's own grid: pixels bit for bit, over the edges of fields."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from frames import COLUMNS, NEW_ROWS, ROWS, FakeFrame, Strip
from hypothesis import example, given
from hypothesis import strategies as st

from sdss_cutout._frames.astrometry import wcs_cards
from sdss_cutout._frames.frame import FrameKey, read_frame
from sdss_cutout._frames.native import Window, cut_native
from sdss_cutout._frames.noise import uncertainty
from sdss_cutout._request.calibrated import CalibratedRequest
from sdss_cutout._service.sas import SAS

STRIP = Strip(incl=30.0, mu=359.9)
NUMBERS = (11, 12, 13)
PAD = 600


@pytest.fixture(scope="module")
def frames():
    """Of noise, put in behind the file: it does not compress in a test's time."""
    rng, found = np.random.default_rng(3), {}
    for n in NUMBERS:
        content = FakeFrame(strip=STRIP, number=n).content()
        image = rng.normal(0, 0.03, (ROWS, COLUMNS)).astype(">f4")
        found[n] = replace(read_frame(content, FrameKey(2000, "301", 1, n, "r"), SAS), image=image)
    return found


@pytest.fixture(scope="module")
def run(frames):
    """The rows of the run as a whole, with the field 12 on top where fields overlap."""
    whole = np.full((2 * NEW_ROWS + ROWS, COLUMNS), np.nan, np.float32)
    for number in (11, 13, 12):
        start = (number - 11) * NEW_ROWS
        whole[start : start + ROWS] = frames[number].image
    return np.pad(whole, PAD, constant_values=np.nan)


def window_of(x, y, width, height):
    return Window(x=x, y=y, width=width, height=height, archive=SAS)


def cut(frames, x, y, width, height):
    window = window_of(x, y, width, height)
    return cut_native({n - 12: frame for n, frame in frames.items()}, window)


def test_the_target_is_in_the_middle(frames):
    for width, height in ((100, 100), (101, 64), (1, 1), (2, 3)):
        ra, dec = STRIP.sky_of(12, 700.3, 500.8)
        request = CalibratedRequest(
            ra=ra, dec=dec, width=width, height=height, bands="r", north_up=False, scale=0.396,
            release=17, url="",
        )  # fmt: skip
        window = Window.around(frames[12].astrometry, request)
        image = cut_native({0: frames[12]}, window)
        x, y = image.wcs.all_world2pix(ra, dec, 0)
        assert abs(x - (width - 1) / 2) <= 0.5
        assert abs(y - (height - 1) / 2) <= 0.5
        assert image.wcs.pixel_shape == (width, height)


def test_pixels_within_a_field_are_those_of_the_frame(frames):
    image = cut(frames, 300, 200, 150, 100)
    there = slice(200, 300), slice(300, 450)
    assert image.data.dtype == image.uncertainty.dtype == np.float32
    assert image.data.tobytes() == frames[12].image[there].astype(np.float32).tobytes()
    assert (image.uncertainty == uncertainty(frames[12], *there)).all()
    assert [source.key.field for source in image.sources] == [12]
    assert (image.coverage, image.origins) == (1.0, {"SIMULATED"})


@given(st.integers(-1600, 1500), st.integers(-50, 2040), st.integers(1, 1900), st.integers(1, 60))
@example(0, 0, 1489, 10)
@example(-1, 0, 1491, 10)
@example(1488, 2047, 2, 2)
def test_pixels_go_on_in_the_next_fields(frames, run, y, x, height, width):
    image = cut(frames, x, y, width, height)
    first = y + NEW_ROWS + PAD
    expected = run[first : first + height, x + PAD : x + PAD + width]
    assert np.array_equal(image.data, expected, equal_nan=True)
    assert np.array_equal(np.isnan(image.data), np.isnan(image.uncertainty))


def test_only_the_fields_that_are_needed_are_told_of(frames):
    assert [*window_of(0, 0, 9, ROWS).fields()] == [0]
    assert [*window_of(0, 0, 9, ROWS + 1).fields()] == [0, 1]
    assert [*window_of(0, -1, 9, 9).fields()] == [-1, 0]
    assert [*window_of(0, -NEW_ROWS - 1, 9, 9).fields()] == [-2, -1, 0]
    top = ROWS + NEW_ROWS
    assert [*window_of(0, top - 9, 9, 9).fields()] == [0, 1]
    assert [*window_of(0, top - 9, 9, 10).fields()] == [0, 1, 2]
    image = cut(frames, 0, 1400, 50, 200)
    assert [source.key.field for source in image.sources] == [12, 13]


def test_a_missing_field_is_masked(frames):
    window = window_of(0, 1400, 10, 200)
    image = cut_native({0: frames[12]}, window)
    assert np.isfinite(image.data[:89]).all()
    assert np.isnan(image.data[89:]).all()
    assert image.coverage == pytest.approx(89 / 200)


def test_the_wcs_is_right_in_every_field(frames):
    image = cut(frames, 900, -1300, 300, 4000)
    wcs = WCS(fits.Header.fromstring("".join(wcs_cards(image.wcs))))
    for number, y in ((11, 500), (12, 700), (13, 1000)):
        ra, dec = STRIP.sky_of(number, 1000.25, y + 0.5)
        found = wcs.all_world2pix(ra, dec, 0)
        expected = (100.25, y + 0.5 + (number - 12) * NEW_ROWS + 1300)
        assert np.hypot(*np.subtract(found, expected)) < 0.001
