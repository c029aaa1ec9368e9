"""Pictures of calibrated data for the contact sheet."""

from __future__ import annotations

import io

import astropy.units as u
import numpy as np
import pytest
from astropy.io.fits import Header
from astropy.wcs import WCS
from PIL import Image

from sdss_cutout._image.sidecar import is_simulated, parse_header
from sdss_cutout._views.preview import composite_preview

SHAPE = (90, 140)


class Data:
    """Calibrated data: one bright corner, at the bottom on the left, as FITS counts."""

    header = Header({"ORIGIN": "SIMULATED SAS"})

    def to_rgb(self):
        pixels = np.zeros((*SHAPE, 3), np.uint8)
        pixels[:20, :20] = 255
        return pixels


def sky_wcs(angle, flip):
    """Return a WCS with any rotation and either parity, and the distortion of a camera."""
    scale = 0.396 / 3600
    cosine, sine = scale * np.cos(angle), scale * np.sin(angle)
    header = Header(
        {
            "CTYPE1": "RA---TAN-SIP", "CTYPE2": "DEC--TAN-SIP", "CRVAL1": 185.0, "CRVAL2": 62.0,
            "CRPIX1": -300.0, "CRPIX2": 700.0, "CD1_1": -cosine * flip, "CD1_2": sine,
            "CD2_1": sine * flip, "CD2_2": cosine,
            "A_ORDER": 2, "A_2_0": 1e-7, "A_1_1": 2e-7, "B_ORDER": 2, "B_0_2": -1e-7,
        }
    )  # fmt: skip
    return WCS(header)


def test_the_picture_is_upright():
    preview = composite_preview(Data(), sky_wcs(0.0, 1))
    pixels = np.asarray(Image.open(io.BytesIO(preview.picture)))
    assert pixels.shape == (*SHAPE, 3)
    assert pixels[-10, 10].min() > 200
    assert pixels[10, 10].max() < 50
    assert is_simulated(preview.header)
    assert parse_header(preview.header).projection == "TAN"


@pytest.mark.parametrize("angle", [0.0, 1.9, -0.4])
@pytest.mark.parametrize("flip", [1, -1])
def test_its_wcs_is_that_of_the_data(angle, flip):
    wcs = sky_wcs(angle, flip)
    shown = WCS(Header.fromstring(composite_preview(Data(), wcs).header.decode()))
    height, width = SHAPE
    for x, y in [(0, 0), (width - 1, 0), (0, height - 1), (width - 1, height - 1), (70, 45)]:
        apart = shown.pixel_to_world(x, height - 1 - y).separation(wcs.pixel_to_world(x, y))
        assert apart < 0.02 * 0.396 * u.arcsec
