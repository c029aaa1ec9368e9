"""Position and geometry become a URL; what the server would clip or misread is refused."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import astropy.units as u
import numpy as np
import pandas as pd
import pytest
from astropy.coordinates import SkyCoord
from astropy.table import Column, MaskedColumn, QTable, Table
from astropy.utils.masked import Masked
from hypothesis import given
from hypothesis import strategies as st

from sdss_cutout import RequestError, SDSSCutouts, conf

ONE = SkyCoord(19.5, -0.25, unit="deg")
TWO = SkyCoord([1, 2], [3, 4], unit="deg")
SCALE = u.arcsec / u.pix
CLIENT = SDSSCutouts()


def asked(targets=ONE, **options):
    """What a URL asks for, as the server reads it."""
    urls = CLIENT.url(targets, **options)
    found = [
        {k: v[0] for k, v in parse_qs(urlsplit(url).query, strict_parsing=True).items()}
        for url in ([urls] if isinstance(urls, str) else urls)
    ]
    return found[0] if isinstance(urls, str) else found


def geometry(targets=ONE, **options):
    found = asked(targets, **options)
    rows = [
        (float(q["scale"]), int(q["width"]), int(q["height"]))
        for q in ([found] if isinstance(found, dict) else found)
    ]
    return rows[0] if isinstance(found, dict) else rows


def refused(targets=ONE, **options):
    with pytest.raises(RequestError) as caught:
        CLIENT.url(targets, **options)
    assert str(caught.value).isprintable()
    return str(caught.value)


def test_the_whole_url():
    assert CLIENT.url(ONE, overlays="GL", mark="SR(10,20)") == (
        "https://skyserver.sdss.org/dr17/SkyServerWS/ImgCutout/getjpeg?ra=19.5&dec=-0.25"
        "&scale=0.396127&width=200&height=200&opt=GL&query=SR%2810%2C20%29"
    )


NATURAL = 0.396127


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, (NATURAL, 200, 200)),
        ({"size": 180}, (NATURAL, 180, 180)),
        ({"size": 180 * u.pix}, (NATURAL, 180, 180)),
        ({"size": 180.0}, (NATURAL, 180, 180)),
        ({"size": np.int16(180)}, (NATURAL, 180, 180)),
        ({"width": 300, "height": 120}, (NATURAL, 300, 120)),
        ({"width": 300}, (NATURAL, 300, 300)),
        ({"height": 120}, (NATURAL, 120, 120)),
        ({"scale": 0.3 * SCALE}, (0.3, 200, 200)),
        ({"scale": 0.005 * u.arcmin / u.pix}, (0.3, 200, 200)),
        ({"scale": 2.5 * u.pix / u.arcsec}, (0.4, 200, 200)),
        ({"scale": 9000 * u.pix / u.deg}, (0.4, 200, 200)),
        ({"scale": 0.3 * SCALE, "size": 180}, (0.3, 180, 180)),
        ({"scale": 0.3 * SCALE, "width": 180, "height": 90}, (0.3, 180, 90)),
        ({"fov": 1 * u.arcmin, "size": 150}, (0.4, 150, 150)),
        ({"fov": 60 * u.arcsec, "width": 150, "height": 90}, (0.4, 150, 90)),
        ({"fov": 1 * u.arcmin}, (NATURAL, 151, 151)),
        ({"fov": 1 * u.arcmin, "height": 100}, (NATURAL, 151, 100)),
        ({"fov": 1 * u.arcmin, "scale": 0.4 * SCALE}, (0.4, 150, 150)),
        ({"fov": 1 * u.arcmin, "scale": 0.4 * SCALE, "height": 70}, (0.4, 150, 70)),
        ({"fov": 60.1 * u.arcsec, "scale": 0.4 * SCALE}, (0.4, 150, 150)),
        ({"fov": 60.3 * u.arcsec, "scale": 0.4 * SCALE}, (0.4, 151, 151)),
        ({"scale": 1 / 3 * SCALE}, (0.3333333333, 200, 200)),
    ],
)
def test_any_two_fix_the_third(options, expected):
    assert geometry(**options) == expected


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"size": [100, 150]}, [(NATURAL, 100, 100), (NATURAL, 150, 150)]),
        ({"scale": [0.3, 0.4] * SCALE}, [(0.3, 200, 200), (0.4, 200, 200)]),
        ({"scale": Column([0.3, 0.4], unit=SCALE)}, [(0.3, 200, 200), (0.4, 200, 200)]),
        ({"fov": [1, 2] * u.arcmin, "size": 300}, [(0.2, 300, 300), (0.4, 300, 300)]),
        ({"fov": 1 * u.arcmin, "size": [100, 150]}, [(0.6, 100, 100), (0.4, 150, 150)]),
        ({"fov": [1, 2] * u.arcmin, "scale": 0.6 * SCALE}, [(0.6, 100, 100), (0.6, 200, 200)]),
        (
            {"width": [100, 150], "height": [90, 80] * u.pix},
            [(NATURAL, 100, 90), (NATURAL, 150, 80)],
        ),
        ({"size": pd.Series([100, 150])}, [(NATURAL, 100, 100), (NATURAL, 150, 150)]),
    ],
)
def test_arrays_have_one_value_a_target(options, expected):
    assert geometry(TWO, **options) == expected


def test_scale_from_a_column_of_the_table():
    table = QTable({"ra": [1, 2] * u.deg, "dec": [3, 4] * u.deg, "petroR90_r": [10, 20] * u.arcsec})
    assert geometry(table, scale=0.02 * table["petroR90_r"] / u.pix) == [
        (0.2, 200, 200),
        (0.4, 200, 200),
    ]


PER_PIXEL = "it must be an angle per pixel such as 0.3 * u.arcsec / u.pix"
WHOLE = "is not a whole number of pixels"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"scale": 0.3 * SCALE, "fov": 1 * u.arcmin, "size": 200},
            "any two of scale, fov and the width in pixels fix the third; give two",
        ),
        (
            {"size": 100, "width": 100},
            "size is both width and height; give either size or those two",
        ),
        ({"scale": 0.3}, f"scale = 0.3 has no unit; {PER_PIXEL}"),
        ({"scale": "0.3"}, f"scale = '0.3' has no unit; {PER_PIXEL}"),
        ({"scale": 0.3 * u.arcsec}, f"scale has the unit 'arcsec'; {PER_PIXEL}"),
        ({"scale": u.Quantity(0.3)}, f"scale has the unit ''; {PER_PIXEL}"),
        ({"fov": 60}, "fov = 60 has no unit; it must be an angle such as 1 * u.arcmin"),
        ({"fov": 1 * u.m}, "fov has the unit 'm'; it must be an angle such as 1 * u.arcmin"),
        (
            {"size": 1 * u.arcmin},
            "width has the unit 'arcmin'; it must be whole pixels: an int, or 200 * u.pix",
        ),
        ({"size": 100.5}, f"width = 100.5 {WHOLE}"),
        ({"size": 100.5 * u.pix}, f"width = 100.5 {WHOLE}"),
        ({"size": np.nan}, f"width = nan {WHOLE}"),
        ({"height": np.inf}, f"width = inf {WHOLE}"),
        ({"size": True}, f"width = True {WHOLE}"),
        ({"size": "200"}, f"width = '200' {WHOLE}"),
        ({"fov": -1 * u.arcsec}, "fov = -1.0 arcsec is not a positive angle"),
        ({"fov": np.nan * u.arcsec}, "fov = nan arcsec is not a positive angle"),
        ({"fov": -1 * u.arcsec, "size": 99}, "fov = -1.0 arcsec is not a positive angle"),
        (
            {"fov": 1 * u.arcmin, "scale": -0.4 * SCALE},
            "scale = -0.4 arcsec is not a positive angle",
        ),
        ({"size": [100]}, None),
        (
            {"size": [100, 200]},
            "width has the shape (2,); expected a scalar or an array of shape (1,)",
        ),
    ],
)
def test_bad_geometry_is_refused(options, message):
    if message is None:
        assert geometry(**options) == (NATURAL, 100, 100)
    else:
        assert refused(**options) == message


LIMITS = {
    "": {"size": (64, 2048), "scale": (0.015, 2400.0)},
    "X": {"size": (250, 3601), "scale": (0.015, 60.0)},
}


@pytest.mark.parametrize("letters", LIMITS)
@pytest.mark.parametrize("side", ["width", "height"])
def test_limits_of_sizes(letters, side):
    low, high = LIMITS[letters]["size"]
    note = " with overlay X" if letters else ""
    for value in (low, high):
        other = {"width": low, "height": low} | {side: value}
        assert int(asked(overlays=letters, **other)[side]) == value
    for value in (low - 1, high + 1, 0, -1, 10**6):
        other = {"width": low, "height": low} | {side: value}
        assert refused(overlays=letters, **other) == (
            f"{side} = {value} pix is outside {low}..{high} pix, the limits of the service{note}"
        )


@pytest.mark.parametrize("letters", LIMITS)
def test_limits_of_scales(letters):
    low, high = LIMITS[letters]["scale"]
    note = " with overlay X" if letters else ""
    for value in (low, high):
        assert geometry(overlays=letters, size=300, scale=value * SCALE)[0] == value
    for value in (0.0149, high + 0.1, 0.0, -1.0, np.nan, np.inf):
        assert refused(overlays=letters, size=300, scale=value * SCALE) == (
            f"scale = {value} arcsec/pix is outside {low}..{high} arcsec/pix, "
            f"the limits of the service{note}"
        )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"size": [100, 2049]},
            "target 1: width = 2049 pix is outside 64..2048 pix, the limits of the service",
        ),
        (
            {"fov": [1, 0.1] * u.arcmin},
            "target 1: width = 15 pix is outside 64..2048 pix, the limits of the service",
        ),
        ({"fov": [60, -1] * u.arcsec}, "target 1: fov = -1.0 arcsec is not a positive angle"),
        (
            {"scale": MaskedColumn([0.3, 0.4], mask=[False, True], unit=SCALE)},
            "target 1: scale is masked; a value is needed",
        ),
        (
            {"scale": 1 / Masked([0.3, 0.4] * SCALE, mask=[True, False])},
            "target 0: scale is masked; a value is needed",
        ),
        (
            {"fov": MaskedColumn([1, 2], mask=[False, True], unit="arcmin")},
            "target 1: fov is masked; a value is needed",
        ),
        (
            {"size": MaskedColumn([100, 200], mask=[False, True])},
            "target 1: width is masked; a value is needed",
        ),
        (
            {"size": [100, 200, 300]},
            "width has the shape (3,); expected a scalar or an array of shape (2,)",
        ),
        (
            {"fov": [1, 2]},
            "fov = an array of 2 values has no unit; it must be an angle such as 1 * u.arcmin",
        ),
        ({"size": [100.5, 100]}, f"width = an array of 2 values {WHOLE}"),
    ],
)
def test_bad_values_of_one_target_name_its_row(options, message):
    assert refused(TWO, **options) == message


ANGLES = st.sampled_from([u.deg, u.arcmin, u.arcsec, u.rad, u.mas, u.hourangle])


@given(st.integers(160, 20_000), ANGLES, st.integers(64, 2048), st.integers(-9000, 9000), ANGLES)
def test_the_same_sky_in_other_units_is_the_same_url(tenths, unit, size, dec, other):
    """Scales of 0.016 to 2 arcsec/pix, fields of as many arcsec times ten."""
    scale = tenths / 10_000 * u.arcsec
    here = SkyCoord(19.5 * u.deg, dec / 100 * u.deg)
    there = SkyCoord((19.5 * u.deg).to(other), (dec / 100 * u.deg).to(other))
    inverse = 1 / (scale.to(unit) / u.pix)
    expected = CLIENT.url(here, scale=scale / u.pix, size=size)
    assert CLIENT.url(there, scale=scale.to(unit) / u.pix, size=size) == expected
    assert CLIENT.url(there, scale=inverse, size=size) == expected
    fov = scale * size
    assert CLIENT.url(there, fov=fov.to(unit), size=size) == CLIENT.url(here, fov=fov, size=size)
    half = 40.2 * u.arcsec  # 100.5 pixels
    assert CLIENT.url(there, fov=half.to(unit), scale=0.4 * SCALE) == CLIENT.url(
        here, fov=half, scale=0.4 * SCALE
    )


@given(st.floats(0, 360), st.floats(-90, 90), st.floats(0.015, 2400), st.integers(64, 2048))
def test_numbers_arrive_as_they_were(ra, dec, scale, size):
    query = asked(Table({"ra": [ra], "dec": [dec]}), scale=scale * SCALE, size=size)[0]
    assert not any(mark in text for text in query.values() for mark in "eE+")
    assert abs((float(query["ra"]) - ra + 180) % 360 - 180) <= 6e-11
    assert float(query["dec"]) == pytest.approx(dec, abs=6e-11)
    assert float(query["scale"]) == pytest.approx(scale, abs=6e-11)
    assert (query["width"], query["height"]) == (str(size), str(size))
    assert query["dec"] != "-0.0"


@pytest.mark.parametrize(
    ("overlays", "letters"),
    [
        ("GL", "GL"), ("gl", "GL"), ("LGL", "LG"), ("grid", "G"), ("GRID", "G"), ("2mass", "X"),
        (["grid", "label"], "GL"), (["Grid", "l"], "GL"), (("spectra",), "S"),
        (["apogee", "boxes", "fields", "grid", "invert", "label", "masks", "outlines",
          "photometric", "plates", "spectra", "targets", "2mass"], "ABFGILMOPQSTX"),
    ],
)  # fmt: skip
def test_overlays(overlays, letters):
    assert asked(overlays=overlays, size=300)["opt"] == letters


KNOWN = (
    "A (apogee), B (boxes), F (fields), G (grid), I (invert), L (label), M (masks), O (outlines), "
    "P (photometric), Q (plates), S (spectra), T (targets), X (2mass)"
)


@pytest.mark.parametrize(
    ("overlays", "unknown"),
    [("GR", "R"), ("C", "C"), ("grids", "r"), (["grid", "ruler"], "ruler"), ("G,L", ","), ([1], 1)],
)
def test_unknown_overlays_are_refused(overlays, unknown):
    assert refused(overlays=overlays) == (
        f"overlay {str(unknown)!r} is not known; allowed are {KNOWN}"
    )
    assert refused(overlays=5) == "overlays = 5 are neither letters nor a list of names"


@pytest.mark.parametrize("nothing", [None, "", []])
def test_no_overlays_are_not_sent(nothing):
    assert "opt" not in asked(overlays=nothing)


SQL = "SELECT TOP 5 ra, dec\nFROM Star WHERE r < 20 AND name = 'a&b;c+d%'"


@pytest.mark.parametrize(
    ("mark", "query"),
    [
        ("SR(10,20)", "SR(10,20)"),
        (" ga( -1.5 ,\t20 )", "GA(-1.5,20)"),
        (SQL, SQL),
        (f"  {SQL.lower()}", SQL.lower()),
        (ONE, "ra dec\n19.5 -0.25"),
        ([ONE, ONE.galactic], "ra dec\n19.5 -0.25\n19.5 -0.25"),
        (SkyCoord(1e-5, -1e-6, unit="deg"), "ra dec\n0.00001 -0.000001"),
        (Table({"id": [1, 1], "RA": [1.0, 2.0], "Dec": [3.0, 4.0]}), "ra dec\n1.0 3.0\n2.0 4.0"),
        (pd.DataFrame({"ra": [1.0], "dec": [3.0]}), "ra dec\n1.0 3.0"),
        (TWO[0], "ra dec\n1.0 3.0"),
    ],
    ids=["filter", "loose filter", "SQL", "sql", "one", "list", "small", "Table", "frame", "item"],
)
def test_marks(mark, query):
    assert asked(mark=mark)["query"] == query


def nonsense(mark):
    return (
        f"mark = {mark!r} is not understood; allowed are positions, SQL that selects ra and dec, "
        "or a filter: S, G or P, a band of UGRIZA, and limits, as SR(10,20)"
    )


@pytest.mark.parametrize(
    ("mark", "message"),
    [
        *((text, nonsense(text)) for text in ("", "SR(10)", "XR(1,2)", "SY(1,2)", "selected")),
        *(
            (text, nonsense(text))
            for text in ("SR(a,b)", "SR(1,2);DROP", "SR(\u0661,\u0662)", "SR(1e3,2)")
        ),
        (
            Table({"ra": [1.0, 2.0], "dec": [3.0, 91.0]}),
            "mark: target 1: dec = 91.0 deg is outside -90..90",
        ),
        (
            [1, 2],
            "mark: target 0: 1 is not a scalar SkyCoord; a sequence of targets holds scalar "
            "coordinates "
            "or texts only; for numbers, SkyCoord(ra, dec, unit='deg')",
        ),
    ],
)
def test_bad_marks_are_refused(mark, message):
    assert refused(mark=mark) == message


@pytest.mark.parametrize("release", [7, 12, np.int64(17), 19])
def test_releases(release):
    assert SDSSCutouts(release).url(ONE).startswith(f"https://skyserver.sdss.org/dr{release}/Sky")
    with conf.set_temp("data_release", int(release)):
        assert f"/dr{release}/" in SDSSCutouts().url(ONE)


@pytest.mark.parametrize(
    ("release", "message"),
    [
        (6, "is outside 7..19, the releases that SkyServer ImgCutout is known to serve"),
        (20, "is outside 7..19, the releases that SkyServer ImgCutout is known to serve"),
        ("17", "is not a whole number"),
        (17.0, "is not a whole number"),
        (True, "is not a whole number"),
    ],
)
def test_bad_releases_are_refused(release, message):
    with pytest.raises(RequestError) as caught:
        SDSSCutouts(release)
    assert str(caught.value) == f"data_release = {release!r} {message}"


@pytest.mark.parametrize(
    ("base_url", "root"),
    [
        ("https://example.org", "https://example.org"),
        ("https://example.org//", "https://example.org"),
        ("http://127.0.0.1:8080/sky", "http://127.0.0.1:8080/sky"),
        ("http://[::1]:80", "http://[::1]:80"),
        ("HTTPS://example.org", "https://example.org"),
        ("https://user:secret@example.org/", "https://example.org"),
        ("https://user:p@ss@example.org", "https://example.org"),
        ("https://us%40er:p%3A%2Fss@example.org", "https://example.org"),
    ],
)
def test_base_urls(base_url, root):
    client = SDSSCutouts(base_url=base_url)
    assert client.url(ONE).startswith(f"{root}/dr17/SkyServerWS/ImgCutout/getjpeg?ra=")
    assert repr(client) == f"<SDSSCutouts of DR17 at {root}>"
    with conf.set_temp("base_url", base_url):
        assert SDSSCutouts().url(ONE) == client.url(ONE)


@pytest.mark.parametrize(
    "base_url",
    ["", "example.org", "ftp://u:secret@example.org", "https://", "https://u:secret@", "https://[::1",
     "https://h:port", "https://h:99999", "https://h:0", "https://h?x=1", "https://h#f",
     "https://h/ a", "https://ho\nst", "https://h/\x1b[0m", "https://h\\x", b"https://h", 5],
)  # fmt: skip
def test_bad_base_urls_are_refused(base_url):
    with pytest.raises(RequestError) as caught:
        SDSSCutouts(base_url=base_url)
    message = str(caught.value)
    assert message.startswith("base_url = ")
    assert message.endswith(" is not a URL such as https://skyserver.sdss.org")
    assert message.isprintable()
    assert "secret" not in message
