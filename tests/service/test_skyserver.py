"""The facts about SkyServer, and the links to its pages."""

from __future__ import annotations

import pytest
from astropy.coordinates import SkyCoord
from astropy.table import Table

from sdss_cutout import SDSSCutouts, TargetError
from sdss_cutout._service.skyserver import SKYSERVER

TILE = 3600 / 9089


@pytest.mark.parametrize(
    ("scale", "zoom"),
    [(0.015, 0), (0.2, 0), (0.396127, 0), (0.4, 0), (0.792, 0), (0.793, 1), (1.58, 1), (1.59, 2),
     (3.2, 3), (6.34, 4), (2400, 4)],
)  # fmt: skip
def test_source_pixels_double_with_each_zoom_level(scale, zoom):
    assert SKYSERVER.source_pixel(scale, "GL") == pytest.approx(TILE * 2**zoom)


def test_2mass_has_its_own_tiles_and_limits():
    assert SKYSERVER.source_pixel(0.4, "X") == pytest.approx(3600 / 5120)
    assert SKYSERVER.source_pixel(60, "GX") == pytest.approx(2 * 3600 / 5120)
    assert SKYSERVER.limits_for("GX").max_size == 3601
    assert SKYSERVER.limits_for("G").max_size == 2048


@pytest.mark.parametrize(
    ("release", "pages"),
    [
        (16, ("en/tools/chart/navi.aspx", "en/tools/explore/summary.aspx")),
        (17, ("VisualTools/navi", "VisualTools/explore/summary")),
    ],
)
def test_links_to_pages(release, pages):
    client = SDSSCutouts(release, base_url="https://user:secret@example.org/")
    root = f"https://example.org/dr{release}"
    target = SkyCoord(1e-5, -1.5, unit="deg")
    assert client.navigate_url(target) == f"{root}/{pages[0]}?ra=0.00001&dec=-1.5"
    for objid in (2**64 - 1, str(2**64 - 1)):
        assert client.explore_url(objid) == f"{root}/{pages[1]}?id=18446744073709551615"


@pytest.mark.parametrize(
    ("objid", "message"),
    [
        (1.2376e18, "objid = 1.2376e+18 is not a whole number"),
        ("1e18", "objid = '1e18' is not a whole number"),
        ("١٢", "objid = '١٢' is not a whole number"),
        ("", "objid = '' is not a whole number"),
        (True, "objid = True is not a whole number"),
        (None, "objid = None is not a whole number"),
        (-1, "objid = -1 is outside 0..2**64 - 1"),
        (2**64, "objid = 18446744073709551616 is outside 0..2**64 - 1"),
    ],
)
def test_bad_objids_are_refused(objid, message):
    with pytest.raises(TargetError) as caught:
        SDSSCutouts().explore_url(objid)
    assert str(caught.value) == message


def test_navigate_takes_one_target():
    with pytest.raises(TargetError) as caught:
        SDSSCutouts().navigate_url(Table({"ra": [1.0, 2.0], "dec": [3.0, 4.0]}))
    assert str(caught.value) == "navigate_url takes one target, not 2"
