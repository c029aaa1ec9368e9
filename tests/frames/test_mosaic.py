"""Mosaics: flux, places, seams and uncertainties, against stars and skies that are known."""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pytest
from frames import FakeFrame, Strip
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import least_squares
from scipy.special import erf

from sdss_cutout import RequestError
from sdss_cutout._frames.frame import FrameKey, read_frame
from sdss_cutout._frames.mosaic import Grid, make_mosaic
from sdss_cutout._frames.noise import uncertainty
from sdss_cutout._service.sas import SAS

STRIP = Strip(incl=33.0, mu=359.9, nu=0.4)


def frame_of(strip=STRIP, number=12, **options):
    fake = FakeFrame(strip=strip, number=number, **options)
    bare = FakeFrame(strip=strip, number=number).content()  # what compresses in a moment
    key = FrameKey(strip.run, "301", strip.camcol, number, strip.band)
    return replace(read_frame(bare, key, SAS), image=fake.image().astype(">f4"))


def grid_at(ra, dec, scale, side):
    size = max(round(side / scale), 8)
    return Grid(
        ra=float(ra), dec=float(dec), scale=scale, width=size, height=size + 1, native_scale=0.396
    )


def moments(image):
    """Flux and centre of what is in an image."""
    data = image.data.astype(float)
    y, x = np.indices(data.shape)
    return data.sum(), (data * x).sum() / data.sum(), (data * y).sum() / data.sum()


def fitted(image, scale):
    """Flux and centre of the star whose light, summed over each pixel, is that in an image."""
    sigma = np.sqrt(1.3**2 / 8 / np.log(2) + 0.396**2 / 12) / scale
    height, width = image.data.shape

    def model(parameters):
        flux, x, y = parameters
        columns, rows = (
            np.diff(erf((np.arange(size + 1) - 0.5 - at) / sigma / 2**0.5) / 2)
            for size, at in ((width, x), (height, y))
        )
        return (flux * np.outer(rows, columns) - image.data).ravel()

    return least_squares(model, moments(image)).x


SCALES = [0.1, 0.2, 0.3, 0.396, 0.396127, 0.4, 0.5, 0.7, 0.8, 1.0, 1.3, 2.0]


@pytest.fixture(scope="module")
def star():
    ra, dec = STRIP.sky_of(12, 700.37, 600.21)
    return ra, dec, frame_of(stars=((ra, dec, 100.0),))


@pytest.mark.parametrize("scale", SCALES)
def test_a_star_keeps_its_flux_and_its_place(star, scale):
    ra, dec, frame = star
    image = make_mosaic([frame], grid_at(ra + 0.0001, dec - 0.0001, scale, 24))
    flux, x, y = moments(image)
    assert flux == pytest.approx(100, rel=1e-4)
    if scale > 0.9:  # where a star has a few pixels only, their mean is not its place
        _, x, y = fitted(image, scale)
    assert np.hypot(*np.subtract(image.wcs.all_world2pix(ra, dec, 0), (x, y))) < 0.005
    assert image.coverage == 1


@settings(max_examples=25)
@given(st.floats(0.1, 2), st.floats(0, 1), st.floats(0, 1))
def test_any_scale_and_place_between_pixels_will_do(star, scale, right, up):
    ra, dec, frame = star
    place = ra + right * scale / 3600, dec + up * scale / 3600
    flux, _, _ = moments(make_mosaic([frame], grid_at(*place, scale, 24)))
    assert flux == pytest.approx(100, rel=4e-4)


@pytest.mark.parametrize("scale", [0.2, 0.396, 1.0])
def test_a_star_keeps_its_width(star, scale):
    """Its second moment is that of the star, of the frame's pixel, and of the mosaic's."""
    ra, dec, frame = star
    image = make_mosaic([frame], grid_at(ra, dec, scale, 24))
    flux, x, _ = moments(image)
    columns = np.indices(image.data.shape)[1]
    found = (image.data * (columns - x) ** 2).sum() / flux * scale**2
    samples = grid_at(ra, dec, scale, 24).samples
    pixel = scale**2 / 12 * (1 - 1 / samples**2)
    assert found == pytest.approx((1.3**2 / 8 / np.log(2)) + 0.396**2 / 12 + pixel, rel=0.01)


def test_a_surface_keeps_its_brightness():
    """Frames' pixels differ in area by 0.1 %; each is taken for what it is."""
    strip = STRIP.moved(dcol=(0.0, 0.001, -1e-6, 0.0))
    frame = frame_of(strip, background=1.0)
    middle = strip.sky_of(12, 300, 744)
    for scale in (0.3, 1.0):
        image = make_mosaic([frame], grid_at(*middle, scale, 60))
        assert np.abs(image.data / scale**2 - 1).max() < 2e-5
    assert np.ptp(frame.image[0]) / frame.image[0].mean() > 1e-3


# -------------------------------------------------------------------------------------------- seams


def seam(image, scale):
    """The largest deviation from an even surface of brightness 1."""
    assert image.coverage == 1
    return np.abs(image.data / scale**2 - 1).max()


@pytest.mark.parametrize("scale", [0.3, 0.4, 1.1])
def test_there_is_no_step_between_fields(scale):
    frames = [frame_of(number=n, background=1.0) for n in (12, 13)]
    image = make_mosaic(frames, grid_at(*STRIP.sky_of(12, 900, 1489), scale, 50))
    assert seam(image, scale) < 1e-5
    assert [source.key.field for source in image.sources] == [12, 13]


@pytest.mark.parametrize("scale", [0.3, 0.4, 1.1])
def test_there_is_no_step_between_runs(scale):
    other = Strip(run=3000, camcol=4, incl=34.0, mu=359.8, nu=-0.5)
    x, y = 2040.0, 700.0
    middle = STRIP.sky_of(12, x, y)
    for _ in range(3):  # until the other run has this edge in the middle of its columns
        at = other.pixel_of(11, *middle)
        other = other.moved(nu=other.nu + (at[0] - 1000) * 0.396 / 3600)
    number = 11 + int(at[1] // 1361)
    frames = [
        frame_of(background=1.0),
        frame_of(other, number, background=1.0),
        frame_of(other, number + 1, background=1.0),
    ]
    image = make_mosaic(frames, grid_at(*middle, scale, 50))
    assert seam(image, scale) < 2e-5
    assert {source.key.run for source in image.sources} == {2000, 3000}


@pytest.mark.parametrize("scale", [0.2, 0.396, 1.0])
@pytest.mark.parametrize("y", [1488.9, 1479.0, 1425.0])
def test_a_star_on_the_edge_of_a_field_is_whole(scale, y):
    ra, dec = STRIP.sky_of(12, 700.4, y)
    frames = [frame_of(number=n, stars=((ra, dec, 100.0),)) for n in (12, 13)]
    image = make_mosaic(frames, grid_at(ra, dec, scale, 20))
    flux, x, y = moments(image)
    assert flux == pytest.approx(100, rel=2e-4)
    assert np.hypot(*np.subtract(image.wcs.all_world2pix(ra, dec, 0), (x, y))) < 0.002


@pytest.mark.parametrize(
    "strip",
    [
        Strip(incl=0.0, mu=359.95, nu=-0.1),
        Strip(incl=90.0, mu=183.8, nu=0.0),
        Strip(incl=90.0, mu=184.95, nu=-0.1),
        Strip(incl=-90.0, mu=184.95, nu=-0.1),
    ],
    ids=["RA 0", "dec 89", "north pole", "south pole"],
)
def test_stars_at_odd_places(strip):
    ra, dec = strip.sky_of(11, 900.3, 500.7)
    image = make_mosaic([frame_of(strip, 11, stars=((ra, dec, 10.0),))], grid_at(ra, dec, 0.4, 60))
    flux, x, y = moments(image)
    assert flux == pytest.approx(10, rel=1e-4)
    assert np.hypot(*np.subtract(image.wcs.all_world2pix(ra, dec, 0), (x, y))) < 0.002


# ------------------------------------------------------------------------------- what is missing


def test_what_no_frame_has_is_masked(star):
    ra, dec = STRIP.sky_of(12, 2047.5, 700)
    image = make_mosaic([star[2]], grid_at(ra, dec, 0.4, 40))
    assert image.coverage == pytest.approx(0.5, abs=0.02)
    assert np.array_equal(np.isnan(image.data), np.isnan(image.uncertainty))
    x, y = np.meshgrid(*map(np.arange, image.data.shape[::-1]))
    inside = star[2].astrometry.sky_to_pixel(*image.wcs.all_pix2world(x, y, 0))[0] < 2047.5
    assert np.array_equal(inside, np.isfinite(image.data))


def test_a_frame_elsewhere_adds_nothing(star):
    ra, dec, frame = star
    far = frame_of(Strip(run=4000, incl=33.0, mu=179.9))
    image = make_mosaic([far, frame], grid_at(ra, dec, 0.4, 40))
    assert [source.key.run for source in image.sources] == [2000]
    alone = make_mosaic([far], grid_at(ra, dec, 0.4, 40))
    assert (alone.coverage, alone.sources) == (0.0, ())


def test_blocks_make_no_difference(star, monkeypatch):
    ra, dec, frame = star
    grid = grid_at(ra, dec, 0.5, 24)
    whole = make_mosaic([frame], grid)
    monkeypatch.setattr("sdss_cutout._frames.mosaic._SAMPLES", 700)
    parts = make_mosaic([frame], grid)
    assert np.allclose(parts.data, whole.data, rtol=1e-5, atol=1e-6)


# ------------------------------------------------------------------------------------------ noise


@pytest.mark.parametrize("scale", [0.2, 0.396, 0.6, 1.5])
def test_noise_scatters_as_it_is_said_to(scale):
    frame = frame_of(noise=np.random.default_rng(1))
    middle = STRIP.sky_of(12, 1000, 700)
    image = make_mosaic([frame], grid_at(*middle, scale, 60 if scale < 1 else 200))
    assert np.std(image.data / image.uncertainty) == pytest.approx(1, abs=0.04)
    beside = np.mean(image.data[1:] * image.data[:-1]) / np.mean(image.data**2)
    assert image.notes["NOISCORR"][0] == pytest.approx(beside, abs=0.05)


@pytest.mark.parametrize("scale", [0.2, 0.396, 1.5])
def test_sums_are_as_uncertain_as_the_header_says(scale):
    """A large sum has the uncertainty of the frame's pixels in it."""
    frame = frame_of()
    middle = STRIP.sky_of(12, 1000, 700)
    image = make_mosaic([frame], grid_at(*middle, scale, 80))
    sigma = np.sqrt((image.uncertainty.astype(float) ** 2).sum()) * image.notes["NOISFACT"][0]
    pixels = image.data.size * (scale / 0.396) ** 2
    there = uncertainty(frame, slice(700, 701), slice(1000, 1001)).item()
    assert sigma == pytest.approx(there * np.sqrt(pixels), rel=0.01)


def test_reproject_is_asked_for_by_name(star, monkeypatch):
    monkeypatch.setitem(sys.modules, "reproject", None)
    with pytest.raises(RequestError, match=r'pip install "sdss_cutout\[calibrated\]"'):
        make_mosaic([star[2]], grid_at(star[0], star[1], 0.4, 10))
