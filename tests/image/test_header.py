"""The header and the WCS, against the server's own formula and against real pictures."""

from __future__ import annotations

import re

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS, FITSFixedWarning
from hypothesis import example, given
from hypothesis import strategies as st

from sdss_cutout._image.header import (
    Provenance,
    make_sidecar,
    read_header,
    request_of_header,
    wcs_of_header,
)
from sdss_cutout._image.jpeg import decode_jpeg
from sdss_cutout._request.request import CutoutRequest
from sdss_cutout._service.skyserver import SKYSERVER

PROVENANCE = Provenance(
    name="7050", origin="SIMULATED", date="2026-01-02T03:04:05", sha256="ab" * 32, creator="test 1"
)
TILE = 3600 / 9089


def request(ra=10.0, dec=20.0, scale=0.4, width=200, height=200, overlays="", url="http://h/x"):
    return CutoutRequest(
        ra=ra, dec=dec, scale=scale, width=width, height=height, overlays=overlays, release=17,
        url=url, service=SKYSERVER,
    )  # fmt: skip


def sidecar(url="http://h/x", **provenance):
    fields = {name: getattr(PROVENANCE, name) for name in Provenance.__slots__}
    return make_sidecar(request(url=url), Provenance(**(fields | provenance)))


def wcs(asked):
    return wcs_of_header(read_header(make_sidecar(asked, PROVENANCE)))


def vector(ra, dec):
    ra, dec = np.deg2rad(ra), np.deg2rad(dec)
    return np.array([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)])


def servers_pixel(asked, ra, dec):
    """Where the server draws a position: its own formula (S: projection.cs), indices from 0."""
    ra0, dec0 = np.deg2rad(asked.ra), np.deg2rad(asked.dec)
    west = np.array([np.sin(ra0), -np.cos(ra0), 0])
    north = np.array([-np.sin(dec0) * np.cos(ra0), -np.sin(dec0) * np.sin(ra0), np.cos(dec0)])
    ppr = 180 * 3600 / np.pi / asked.scale
    r = vector(ra, dec)
    # North is up, rows count from the top; the west is on the right, east on the left.
    return asked.width / 2 + ppr * (west @ r), asked.height / 2 - ppr * (north @ r)


def positions_in(asked, count=60):
    """Positions spread over the picture, found without any WCS: by small steps of the vectors."""
    rng = np.random.default_rng(5)
    ra0, dec0 = np.deg2rad(asked.ra), np.deg2rad(asked.dec)
    east = np.array([-np.sin(ra0), np.cos(ra0), 0])
    north = np.array([-np.sin(dec0) * np.cos(ra0), -np.sin(dec0) * np.sin(ra0), np.cos(dec0)])
    reach = np.deg2rad(asked.scale * asked.width / 3600 / 2)
    x, y = rng.uniform(-reach, reach, (2, count))
    r = vector(asked.ra, asked.dec)[:, None] + np.outer(east, x) + np.outer(north, y)
    r /= np.linalg.norm(r, axis=0)
    return np.rad2deg(np.arctan2(r[1], r[0])) % 360, np.rad2deg(np.arcsin(r[2]))


def worst_error(asked, projection="SIN"):
    world = positions_in(asked)
    header = read_header(make_sidecar(asked, PROVENANCE))
    header["CTYPE1"], header["CTYPE2"] = f"RA---{projection}", f"DEC--{projection}"
    found = wcs_of_header(header).all_world2pix(*world, 0)
    return np.abs(np.subtract(found, servers_pixel(asked, *world))).max()


PLACES = [
    request(),
    request(width=300, height=120),
    request(width=181, height=97),
    request(ra=0.0, scale=10, width=2048, height=2048),
    request(ra=359.9999, dec=-0.01, scale=0.3, width=180),
    request(dec=89.0, scale=60, width=600, height=600),
    request(ra=200.0, dec=89.9999),
    request(ra=123.0, dec=90.0),
    request(ra=0.0, dec=90.0, scale=30, width=1000, height=600),
    request(ra=321.0, dec=-90.0),
    request(ra=45.0, dec=-89.5, scale=20),
    request(scale=60, width=2048, height=2048),
]


@pytest.mark.parametrize("asked", PLACES, ids=lambda r: f"{r.ra},{r.dec},{r.scale},{r.width}")
def test_positions_are_where_the_server_draws_them(asked):
    assert worst_error(asked) < 1e-6


@pytest.mark.parametrize(
    ("asked", "error"),
    [(request(scale=10, width=2048, height=2048), 0.5), (request(scale=60, width=600), 0.5)],
)
def test_tan_would_be_wrong(asked, error):
    assert worst_error(asked, "TAN") > error
    assert worst_error(asked, "SIN") < 1e-6


@given(
    st.floats(0, 359.9999999999), st.floats(-90, 90), st.floats(0.015, 60), st.integers(64, 2048),
    st.integers(64, 2048),
)  # fmt: skip
@example(0.0, 90.0, 60.0, 2048, 2048)
@example(0.0, -90.0, 0.015, 64, 64)
@example(359.9999999999, 0.0, 1.0, 64, 2048)
def test_pixels_and_positions_go_to_and_fro(ra, dec, scale, width, height):
    found = wcs(request(ra=ra, dec=dec, scale=scale, width=width, height=height))
    x, y = np.array([0, width / 2, width - 1.0]), np.array([0, height / 2, height - 1.0])
    back = found.all_world2pix(*found.all_pix2world(x, y, 0), 0)
    # Near the pole, degrees of right ascension hold fewer digits of a pixel.
    assert np.allclose(back, [x, y], rtol=0, atol=1e-5 / scale**0.5)
    middle = vector(*found.all_pix2world(width / 2, height / 2, 0))
    assert np.allclose(middle, vector(ra, dec), rtol=0, atol=1e-13)


def test_the_header_says_what_the_contract_says():
    header = read_header(make_sidecar(request(width=301, height=120, overlays="GL"), PROVENANCE))
    assert {key: header[key] for key in header} == {
        "SIMPLE": True, "BITPIX": 8, "NAXIS": 0, "IMAGEW": 301, "IMAGEH": 120, "WCSAXES": 2,
        "CTYPE1": "RA---SIN", "CTYPE2": "DEC--SIN", "CUNIT1": "deg", "CUNIT2": "deg",
        "CRPIX1": 151.5, "CRPIX2": 61.0, "CRVAL1": 10.0, "CRVAL2": 20.0,
        "CD1_1": pytest.approx(-0.4 / 3600, rel=1e-12), "CD1_2": 0.0, "CD2_1": 0.0,
        "CD2_2": pytest.approx(-0.4 / 3600, rel=1e-12), "LONPOLE": 180.0, "RADESYS": "ICRS",
        "CSYER1": pytest.approx(TILE / 7200), "CSYER2": pytest.approx(TILE / 7200),
        "SCALE": 0.4, "OVERLAYS": "GL", "RELEASE": 17, "OBJECT": "7050", "ORIGIN": "SIMULATED",
        "DATE": "2026-01-02T03:04:05", "CREATOR": "test 1", "SHA256": "ab" * 32,
        "URL": "http://h/x",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("scale", "zoom"), [(0.015, 0), (0.4, 0), (0.792, 0), (0.8, 1), (1.6, 2), (7, 4), (2400, 4)]
)
def test_the_systematic_error_is_half_a_source_pixel(scale, zoom):
    header = read_header(make_sidecar(request(scale=scale), PROVENANCE))
    assert header["CSYER1"] == header["CSYER2"] == pytest.approx(TILE * 2**zoom / 2 / 3600)


@pytest.mark.parametrize("dec", [90.0, -90.0, 89.999999])
def test_north_is_up_at_the_poles(dec):
    """The limit of the neighbourhood: the meridian of CRVAL1 runs straight through."""
    asked = request(ra=40.0, dec=dec)
    x, y = wcs(asked).all_world2pix(40.0, dec - np.sign(dec) * 0.005, 0)
    assert (x, np.sign(y - 100)) == (pytest.approx(100, abs=1e-5), np.sign(dec))


URLS = [
    "http://h/?" + "x" * count for count in (40, 57, 58, 59, 66, 67, 68, 122, 133, 134, 500, 4000)
] + [
    "http://h/" + "'" * 70,
    "http://h/x" + "'" * 70,
    "http://h/" + "a&''" * 60,
    "http://h/&",
    "http://h/" + "&" * 150 + "x",
]


@pytest.mark.parametrize("url", URLS, ids=len)
def test_sidecars_are_valid_fits(tmp_path, url):
    content = sidecar(url)
    path = tmp_path / "x.wcs"
    path.write_bytes(content)
    assert len(content) % 2880 == 0
    with fits.open(path, checksum=True) as hdus:
        hdus.verify("exception")
        assert len(hdus) == 1
        assert hdus[0].header["URL"] == url
    assert request_of_header(read_header(content)) == request(url=url)


@given(st.text(max_size=200), st.text(st.characters(codec="ascii"), max_size=200))
@example("O'Neill's", "'" * 99)
@example("銀河é", "trailing &")
def test_any_name_and_origin_make_a_valid_header(name, origin):
    header = read_header(sidecar(name=name, origin=origin))
    for key, text in (("OBJECT", name), ("ORIGIN", origin)):
        plain = re.sub(r"[^ -~]", "?", text).rstrip()
        # astropy takes a long text's last "&" for the mark that more follows.
        assert header[key].rstrip() in {plain, plain.removesuffix("&")}
    for card in header.cards:
        card.verify("exception")


def test_the_file_opens_as_a_wcs(tmp_path):
    path = tmp_path / "x.wcs"
    path.write_bytes(sidecar())
    with pytest.warns(FITSFixedWarning, match="has more axes"):  # NAXIS is 0, as there are no data
        opened = WCS(str(path))
    assert opened.all_pix2world(100, 100, 0) == pytest.approx((10, 20))
    ours = wcs(request(width=300, height=120))
    assert (ours.pixel_shape, ours.array_shape) == ((300, 120), (120, 300))


def replaced(key, text):
    return re.sub(rb"%-8s=.{70}" % key, b"%-8s= %-70s" % (key, text), sidecar())


DAMAGED = [
    b"",
    b"x",
    b"\xff" * 2880,
    b" " * 2880,
    sidecar()[:-1],
    sidecar()[:1000],
    sidecar("http://h/" + "x" * 2000)[:2880],
    sidecar() + b"x" * 2880,
    sidecar().replace(b"SCALE ", b"SCALX "),
    replaced(b"CRVAL1", b"'ten'"),
    replaced(b"CRVAL1", b"1..5"),
    replaced(b"IMAGEW", b""),
]


@pytest.mark.parametrize("content", DAMAGED, ids=range(len(DAMAGED)))
def test_damaged_sidecars_are_told(content):
    with pytest.raises(ValueError, match=r"header|card"):
        read_header(content)


@pytest.mark.filterwarnings("ignore::astropy.utils.exceptions.AstropyUserWarning")
@given(st.integers(0, len(sidecar()) - 1), st.integers(0, 255))
def test_a_changed_byte_raises_nothing_but_value_error(place, byte):
    content = bytearray(sidecar())
    content[place] = byte
    try:
        request_of_header(read_header(bytes(content)))
    except ValueError:
        return


def test_real_galaxies_are_where_the_wcs_puts_them(shared_data):
    """Of 19 pictures, each of a galaxy at the place that was asked for.

    The middle of their offsets lies within the systematic error that the header states and what
    the mean of the centroids is uncertain by.
    """
    offsets = []
    for path in sorted((shared_data / "real_dr12").glob("*.jpg")):
        ra, dec = map(float, re.match(r"ra([\d.]+)_dec([-\d.]+)_", path.name).groups())
        asked = request(ra=ra, dec=dec, scale=0.2, width=120, height=120)
        expected = wcs(asked).all_world2pix(ra, dec, 0)
        offsets.append(centroid(decode_jpeg(path.read_bytes()), expected) - expected)
    assert len(offsets) == 19
    error = read_header(make_sidecar(asked, PROVENANCE))["CSYER1"] * 3600 / 0.2
    spread = np.std(offsets, axis=0) / np.sqrt(19)
    assert (np.abs(np.median(offsets, axis=0)) < error + 3 * spread).all()
    assert (spread < 0.3).all()


def centroid(pixels, start, radius=8):
    """Centroid of the light above the sky, in a circle that follows it."""
    light = pixels.sum(axis=2).astype(float)
    light = np.clip(light - np.percentile(light, 60), 0, None)
    rows, columns = np.indices(light.shape)
    x, y = start
    for _ in range(20):
        near = light * (np.hypot(columns - x, rows - y) < radius)
        x, y = (near * columns).sum() / near.sum(), (near * rows).sum() / near.sum()
    return np.array([x, y])
