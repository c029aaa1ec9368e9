"""The uncertainty of pixels, against the data model's formula written out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from astropy.io import fits
from frames import FakeFrame, Strip
from scipy.interpolate import RegularGridInterpolator

from sdss_cutout._frames.frame import FrameKey, SkyModel, read_frame
from sdss_cutout._frames.noise import sky, uncertainty, variance
from sdss_cutout._service.sas import SAS

ALL = slice(None)


def test_uncertainties_of_a_real_frame_are_the_formula(shared_data):
    path = shared_data / "frame" / "frame-r-001000-1-0100.fits.bz2"
    frame = read_frame(
        path.read_bytes(), FrameKey(1000, "301", 1, 100, "r"), replace(SAS, shape=(100, 100))
    )
    with fits.open(path) as hdus:
        image, calibration = hdus[0].data.astype(float), hdus[1].data.astype(float)
        model = hdus[2].data[0]
        interpolate = RegularGridInterpolator(
            (np.arange(192), np.arange(256)), model["ALLSKY"].astype(float)
        )
        x = np.clip(model["XINTERP"][:100], 0, 255)
        y = np.clip(model["YINTERP"][:100], 0, 191)
        sky_counts = interpolate(np.stack(np.meshgrid(y, x, indexing="ij"), axis=-1))
    counts = image / calibration + sky_counts
    formula = calibration * np.sqrt(counts / 4.71 + 1.8225)
    ours = uncertainty(frame, ALL, ALL)
    assert ours.dtype == np.float32
    assert (ours == formula.astype(np.float32)).all()
    part = uncertainty(frame, slice(20, 30), slice(50, 90))
    assert (part == ours[20:30, 50:90]).all()


@pytest.mark.parametrize("shape", [(192, 256), (40, 256), (1, 1), (1, 7)])
def test_sky_beyond_the_edge_is_that_of_the_edge(shape):
    rng = np.random.default_rng(5)
    values = rng.uniform(100, 200, shape)
    model = SkyModel(values=values, x=(np.arange(2048) - 3.5) / 8, y=(np.arange(1489) + 4.5) / 8)
    found = sky(model, ALL, ALL)
    assert found.shape == (1489, 2048)
    assert (found[0, 0], found[-1, -1]) == pytest.approx(
        (np.interp(0.5625, range(shape[0]), values[:, 0]),
         np.interp(186.5625, range(shape[0]), values[:, -1]))
    )  # fmt: skip
    assert values.min() <= found.min() <= found.max() <= values.max()


def test_noise_scatters_as_it_is_said_to():
    strip = Strip(camcol=1, band="r", calibration=0.004)
    fake = FakeFrame(strip=strip, background=0.3, noise=np.random.default_rng(7))
    frame = read_frame(FakeFrame(strip=strip).content(), FrameKey(2000, "301", 1, 11, "r"), SAS)
    frame = replace(frame, image=fake.image())
    error = uncertainty(frame, slice(0, 300), slice(0, 300))
    residual = frame.image[:300, :300] - 0.3 * fake.areas()[:300]
    assert np.std(residual / error) == pytest.approx(1, abs=0.01)


def test_uncertainties_exist_where_pixels_are_far_below_the_sky():
    frame = read_frame(FakeFrame().content(), FrameKey(2000, "301", 1, 11, "r"), SAS)
    deep = replace(frame, image=np.full((1489, 2048), -10.0, ">f4"))
    assert uncertainty(deep, slice(0, 2), slice(0, 2)) == pytest.approx(0.005 * 1.8225**0.5)
    dead = replace(frame, calibration=np.zeros(2048, ">f4"))
    assert np.isnan(variance(dead, slice(0, 2), slice(0, 2))).all()
