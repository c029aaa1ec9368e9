"""What is read of sidecars and URLs without astropy is what astropy and the client say."""

from __future__ import annotations

import pytest
from astropy.coordinates import SkyCoord
from astropy.io import fits

from sdss_cutout import SDSSCutouts
from sdss_cutout._image.sidecar import LinearWCS, is_simulated, parse_header, parse_url


def sidecar(**cards):
    header = fits.Header(
        {
            "CTYPE1": "RA---SIN", "CTYPE2": "DEC--SIN", "CRVAL1": 150.0, "CRVAL2": -1e-05,
            "CRPIX1": 91.0, "CRPIX2": 61.5, "CD1_1": -1e-4, "CD1_2": 0.0, "CD2_1": 0.0,
            "CD2_2": -2e-4, "LONPOLE": 180.0,
        }
    )  # fmt: skip
    header.update(cards)
    return header.tostring().encode()


def test_the_wcs_is_the_headers():
    assert parse_header(sidecar()) == LinearWCS(
        150.0, -1e-05, 91.0, 61.5, -1e-4, 0.0, 0.0, -2e-4, "SIN"
    )
    assert parse_header(sidecar(CTYPE1="RA---TAN", CTYPE2="DEC--TAN")).projection == "TAN"


def test_a_real_sidecar_is_understood(client):
    cutout = client.get(SkyCoord(150.0, 30.0, unit="deg"), width=100, height=81)
    wcs, header = parse_header(cutout.sidecar_bytes), cutout.header
    for value, key in zip(
        wcs, ["CRVAL1", "CRVAL2", "CRPIX1", "CRPIX2", "CD1_1", "CD1_2", "CD2_1", "CD2_2"],
        strict=False,
    ):  # fmt: skip
        assert value == header[key]
    assert is_simulated(cutout.sidecar_bytes)


@pytest.mark.parametrize(
    "cards",
    [
        {"CTYPE1": "RA---ZEA", "CTYPE2": "DEC--ZEA"},
        {"CTYPE1": "RA---TAN-SIP", "CTYPE2": "DEC--TAN-SIP"},
        {"CTYPE1": "DEC--SIN", "CTYPE2": "RA---SIN"},
        {"LONPOLE": 0.0},
        {"CD1_1": "text"},
    ],
)
def test_what_is_not_understood_is_left(cards):
    assert parse_header(sidecar(**cards)) is None


def test_what_is_missing_is_left():
    assert parse_header(b"") is None
    assert (
        parse_header(fits.Header({"CTYPE1": "RA---SIN", "CTYPE2": "DEC--SIN"}).tostring().encode())
        is None
    )


def test_only_the_origin_tells_that_a_picture_is_simulated():
    assert is_simulated(sidecar(ORIGIN="a sandbox, SIMULATED"))
    assert is_simulated(sidecar(ORIGIN="long " * 15 + "SIMULATED"))  # in a CONTINUE card
    assert not is_simulated(sidecar(ORIGIN="SkyServer", OBJECT="SIMULATED"))
    assert not is_simulated(b"")


@pytest.mark.parametrize("release", [12, 17])
def test_a_url_has_the_release_and_the_position(release):
    client = SDSSCutouts(release, base_url="https://mirror.example/sky")
    target = SkyCoord(150.25, -1e-5, unit="deg")
    parsed = parse_url(client.url(target))
    assert parsed == ("https://mirror.example/sky", release, 150.25, -1e-5)
    assert parsed.navigate_url == client.navigate_url(target)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "javascript:alert(1)//dr17/SkyServerWS/ImgCutout/getjpeg?ra=1&dec=2",
        "https://h/dr17/SkyServerWS/ImgCutout/getjpeg?ra=1",
        "https://h/dr17/SkyServerWS/ImgCutout/getjpeg?ra=x&dec=2",
        "https://h/other?ra=1&dec=2",
    ],
)
def test_another_url_tells_nothing(url):
    assert parse_url(url) is None
