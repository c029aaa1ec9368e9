"""Requests for calibrated cutouts: bands, native pixels or a scale, and what is refused."""

from __future__ import annotations

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.table import Table

from sdss_cutout import RequestError
from sdss_cutout._request.calibrated import build_calibrated_requests, check_bands
from sdss_cutout._request.options import RequestOptions
from sdss_cutout._request.site import check_site
from sdss_cutout._targets.targets import read_targets

SITE = check_site("https://skyserver.sdss.org", 17)
SCALE = 0.5 * u.arcsec / u.pix


def build(targets=None, *, bands="gri", site=SITE, avm=False, **options):
    targets = SkyCoord(132.0, 12.0, unit="deg") if targets is None else targets
    return build_calibrated_requests(
        read_targets(targets), site, RequestOptions(**options), bands, avm=avm
    )


@pytest.mark.parametrize(
    ("options", "north_up", "scale", "width", "height"),
    [
        ({}, False, 0.396, 200, 200),
        ({"size": 64}, False, 0.396, 64, 64),
        ({"width": 30, "height": 40 * u.pix}, False, 0.396, 30, 40),
        ({"fov": 1 * u.arcmin}, False, 0.396, 152, 152),
        ({"fov": 1 * u.arcmin, "height": 10}, False, 0.396, 152, 10),
        ({"scale": SCALE}, True, 0.5, 200, 200),
        ({"scale": SCALE, "size": 50}, True, 0.5, 50, 50),
        ({"scale": SCALE, "fov": 1 * u.arcmin}, True, 0.5, 120, 120),
        ({"fov": 1 * u.arcmin, "size": 100}, True, 0.6, 100, 100),
        ({"fov": 60 * u.arcsec, "width": 100, "height": 7}, True, 0.6, 100, 7),
    ],
)
def test_a_scale_makes_it_north_up(options, north_up, scale, width, height):
    [request] = build(**options)
    assert (request.north_up, request.scale) == (north_up, pytest.approx(scale))
    assert (request.width, request.height, request.bands) == (width, height, "gri")


def test_the_url_finds_the_fields_and_tells_the_rest():
    head = "https://skyserver.sdss.org/dr17/SkyServerWS/SDSSFields/FieldArray"
    assert build(size=100).urls() == [
        f"{head}?ra=132.0&dec=12.0&radius=8.87&format=json#bands=gri&width=100&height=100"
    ]
    assert build(bands="z", size=100, scale=SCALE).urls() == [
        f"{head}?ra=132.0&dec=12.0&radius=8.99&format=json#bands=z&scale=0.5&width=100&height=100"
    ]


def test_the_radius_is_half_the_diagonal_and_what_a_field_reaches():
    [request] = build(width=300, height=400, scale=SCALE)
    assert request.radius == pytest.approx(250 * 0.5 / 60 + 8.4, abs=0.01)
    assert request.radius >= 250 * 0.5 / 60 + 8.4


def test_each_target_may_have_its_own_scale():
    table = Table({"ra": [10.0, 20.0], "dec": [1.0, 2.0]})
    batch = build(table, scale=np.array([0.2, 0.4]) * u.arcsec / u.pix)
    assert [request.scale for request in batch] == [0.2, 0.4]
    assert len(batch) == 2
    assert batch[1] == [*batch][1]
    assert [r.ra for r in batch.take(np.array([1, 0]))] == [20, 10]


@pytest.mark.parametrize("bands", ["u", "ugriz", "zirgu", "ri"])
def test_bands_stay_in_their_order(bands):
    assert check_bands(bands) == bands


@pytest.mark.parametrize(
    ("bands", "message"),
    [
        ("", "bands = ''; allowed are letters of 'ugriz', each once, such as bands='gri'"),
        ("grr", "bands = 'grr'; 'r' is there 2 times; allowed are letters of 'ugriz'"),
        ("gY", "bands = 'gY'; 'Y' is not a band; allowed are"),
        ("GRI", "bands = 'GRI'; 'G' is not a band; 'R' is not a band; 'I' is not a band; allowed"),
        ("g,r", "bands = 'g,r'; ',' is not a band; allowed are"),
        (["g", "r"], r"bands = \['g', 'r'\] is not text; allowed are"),
        (5, "bands = 5 is not text; allowed are"),
    ],
)
def test_other_bands_are_refused_by_name(bands, message):
    with pytest.raises(RequestError, match=message):
        build(bands=bands)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"overlays": "GL"}, "overlays goes with colour pictures; it cannot be used with bands ="),
        ({"mark": "SR(10,20)"}, "mark goes with colour pictures"),
        ({"avm": True}, "avm goes with colour pictures"),
        ({"size": 5000}, "width = 5000 pix is outside 1..4096 pix"),
        ({"size": 0}, "width = 0 pix is outside"),
        ({"scale": 20 * u.arcsec / u.pix}, "scale = 20.0 arcsec/pix is outside 0.05..10.0"),
        ({"scale": 5 * u.arcsec / u.pix, "size": 1000}, "the cutout is 83.3333 arcmin wide or h"),
        ({"scale": 0.3}, "scale = 0.3 has no unit"),
        ({"scale": SCALE, "size": 9, "fov": 1 * u.deg}, "any two of scale, fov and the width"),
        ({"site": check_site("http://h", 7)}, "data_release = 7 is outside 8..19, .* frames of"),
    ],
)
def test_what_cannot_be_made_is_refused(options, message):
    with pytest.raises(RequestError, match=message):
        build(**options)
