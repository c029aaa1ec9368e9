"""Angles and positions in text: right, or refused."""

from __future__ import annotations

import contextlib
import re

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import Angle, SkyCoord
from astropy.coordinates.name_resolve import NameResolveError
from astropy.table import Table
from hypothesis import assume, example, given
from hypothesis import strategies as st

from sdss_cutout import SDSSCutouts, TargetError
from sdss_cutout._targets.targets import read_targets
from sdss_cutout._targets.text import angle_from_text, could_be_name, position_from_text

HOURS = {"number_unit": u.deg, "sexagesimal_unit": u.hourangle, "hours": True}
DEGREES = {"number_unit": u.deg, "sexagesimal_unit": u.deg, "hours": False}


@pytest.fixture
def no_resolver(monkeypatch):
    """A resolver that must not be asked; what was asked is in the list."""
    asked = []

    def refuse(name):
        asked.append(name)
        raise NameResolveError(f"Unable to find coordinates for name {name!r} using https://x/y?z")

    monkeypatch.setattr(SkyCoord, "from_name", refuse)
    return asked


@pytest.mark.parametrize(
    ("text", "degrees"),
    [
        ("10.5", 10.5), (" 10.5 ", 10.5), ("+ 10.5", 10.5), ("1.05e1", 10.5), (".5", 0.5),
        ("5.", 5),
        ("10.5d", 10.5), ("10.5 deg", 10.5), ("10.5\u00b0", 10.5), ("0.7h", 10.5),
        ("0.7 hour", 10.5),
        ("42:00:00", 630), ("0:42:00", 10.5), ("00 42 00", 10.5), ("0h42m", 10.5),
        ("0h42m0s", 10.5),
        ("0 h 42 m 0 s", 10.5), ("0:42", 10.5), ("00:41:60", 10.5), ("10d30m", 10.5),
        ("10\u00b030'00\"", 10.5), ("10\u00b030\u203200\u2033", 10.5), ("630'", 10.5),
        ("0.183259571459405rad", 10.5),
    ],
)  # fmt: skip
def test_right_ascensions(text, degrees):
    assert angle_from_text(text, **HOURS) == pytest.approx(degrees, abs=1e-9)


@pytest.mark.parametrize(
    ("text", "degrees"),
    [
        ("-0.5", -0.5), ("- 0.5", -0.5), ("\u22120.5", -0.5), ("\u20130.5", -0.5),
        ("-00:30:00", -0.5),
        ("-00 30 00", -0.5), ("-0d30m", -0.5), ("-0:30.5", -0.5083333333333333), ("+89:59:60", 90),
    ],
)  # fmt: skip
def test_declinations(text, degrees):
    assert angle_from_text(text, **DEGREES) == pytest.approx(degrees, abs=1e-9)


NO_ANGLES = [
    "10.5E", "10.5W", "10.5N", "1_0.5", "0x10", "1e", "e5", "10,5", "1d5", "10:61:00", "10:20:61",
    "10:20:30:40", "10:", ":10", "10:20.5:30", "10.5:20", "10 -20", "--10", "+-10", "abc", "10h20",
    "10m20s", "\u0661\u0662", "infinity", "inf", "10 kpc", "10:2a", "1/2", "10;20", "10h-20m",
]  # fmt: skip


@pytest.mark.parametrize("text", NO_ANGLES)
def test_what_is_no_angle_is_refused(text):
    table = Table({"ra": ["1.5", text], "dec": ["0", "0"]})
    with pytest.raises(TargetError, match=r"^target 1: ra = .* is not a valid angle"):
        read_targets(table)


def test_hours_make_no_declination():
    for text in ("2h", "2h30m", "2 hours"):
        with pytest.raises(TargetError, match="is not a valid angle"):
            read_targets(Table({"ra": ["1"], "dec": [text]}))


def test_a_decimal_comma_is_named():
    with pytest.raises(TargetError, match=r"'1,5' is not a valid angle \(a decimal comma\?"):
        read_targets(Table({"ra": ["1,5"], "dec": ["1,5"]}))


FIELDS = st.tuples(st.integers(0, 23), st.integers(0, 59), st.integers(0, 5999))


@given(FIELDS, st.sampled_from([":", " ", "hms", "h m s"]), st.sampled_from(["", "+", "-"]))
def test_sexagesimal_text_is_what_astropy_reads(fields, style, sign):
    hours, minutes, hundredths = fields
    seconds = f"{hundredths / 100:05.2f}"
    text = f"{sign}{hours:02d}:{minutes:02d}:{seconds}"
    written = {
        ":": text,
        " ": text.replace(":", " "),
        "hms": f"{sign}{hours}h{minutes}m{seconds}s",
        "h m s": f"{sign}{hours} h {minutes} m {seconds} s",
    }[style]
    expected = Angle(text, unit=u.hourangle).deg
    assert angle_from_text(written, **HOURS) == pytest.approx(expected, abs=1e-9)


@given(st.floats(-400, 400), st.sampled_from(["{!r}", "{:.6f}", "{:+.3e}", " {:.4f}\t"]))
def test_numbers_are_degrees_as_float_reads_them(value, form):
    text = form.format(value)
    assert angle_from_text(text, **HOURS) == pytest.approx(float(text), abs=1e-12)


ALPHABET = "0123456789+-.:,; hmsdeE'\"\u00b0\u2212\u2032J"


@given(st.text(ALPHABET, max_size=24) | st.text(max_size=12))
@example("10 20")
@example("1e5")
def test_any_text_is_a_right_angle_or_refused(text):
    try:
        ours = angle_from_text(text, **HOURS)
    except ValueError:
        return
    if not np.isfinite(ours):
        assert text.strip().lower() in ("", "nan") or "e" in text.lower()
        return
    cleaned = text.translate(str.maketrans("\u2212\u2032", "-'")).strip()
    with contextlib.suppress(ValueError):
        assert ours == pytest.approx(float(re.sub(r"^([+-]) +", r"\1", cleaned)))
        return
    unit = (
        u.hourangle if set(": ") & set(cleaned) and not set("hd\u00b0'\"") & set(cleaned) else None
    )
    try:
        theirs = Angle(cleaned.replace("- ", "-").replace("+ ", "+"), unit=unit).deg
    except (ValueError, TypeError, u.UnitsError):
        assume(False)
    assert ours == pytest.approx(theirs, abs=1e-9)


# ----------------------------------------------------------------------------- positions

POSITIONS = [
    "10:00:00 +02:12:00", "10:00:00+02:12:00", "10:00:00, +02:12:00", "10 00 00 +02 12 00",
    "10 00 00 02 12 00", "10h00m00s +02d12m00s", "10h00m00s+2d12m", "150.0 2.2", "150.0,2.2",
    "150.0, +2.2", "150 +2.2", "150+2.2", "(150.0, 2.2)", "[150.0; 2.2]", "150d 2.2d", "10h 2.2deg",
    "150.0\t2.2", "  150.0   2.2  ", "J100000.00+021200.0", "SDSS J100000.00+021200.0",
    "SDSSJ100000.00+021200.0", "1.5e2 2.2e0", "10:00 +02:12", "150\u00b0 +2\u00b012\u2032",
]  # fmt: skip


@pytest.mark.parametrize("text", POSITIONS)
def test_positions_as_text(text, no_resolver):
    assert position_from_text(text) == pytest.approx((150, 2.2), abs=1e-9)
    assert SDSSCutouts().url(text) == SDSSCutouts().url(SkyCoord(150, 2.2, unit="deg"))
    assert read_targets([text, text]).dec.tolist() == pytest.approx([2.2, 2.2])
    assert not no_resolver


@pytest.mark.parametrize("sign", ["-", "\u2212", "- "])
def test_southern_positions(sign):
    for ra in ("10:00:00", "150.0", "10h"):
        dec = "02:12:00" if ":" in ra else "2.2"
        assert position_from_text(f"{ra} {sign}{dec}") == pytest.approx((150, -2.2), abs=1e-9)
        assert position_from_text(f"{ra}{sign}{dec}") == pytest.approx((150, -2.2), abs=1e-9)
    assert position_from_text("J100000.00-001200.0") == pytest.approx((150, -0.2))


@given(st.floats(0, 359.99), st.floats(-90, 90), st.sampled_from([" ", ",", ", ", "\t", "  "]))
def test_numbers_in_text_are_their_position(ra, dec, separator):
    text = f"{ra!r}{separator}{dec!r}"
    assert position_from_text(text) == pytest.approx((ra, dec), abs=1e-12)


@given(st.floats(0, 359.99), st.floats(-89.9, 89.9))
def test_astropys_own_text_is_read_back(ra, dec):
    coords = SkyCoord(ra, dec, unit="deg")
    for style in ("hmsdms", "decimal"):
        back = SkyCoord(*position_from_text(coords.to_string(style, precision=9)), unit="deg")
        assert coords.separation(back).arcsec < 1e-3


BAD_POSITIONS = [
    "150.1", "4565", "10:00:00", "10h00m", "150,2 2,2", "1 2 3", "150.1 2.2 3.3", "10:61:00 +2",
    "10:00:00 +2h", "150.1 2.2 AGN1", "10.5E", "-", "+", "...", "ra=150 dec=2",
    "12h",
    "RA: 150.1, Dec: 2.2", "nan", "None", "http:", "x" * 101, "a\0b", "{'ra': 1}", "1;2;3", "?",
    "a|b",
]  # fmt: skip


@pytest.mark.parametrize("text", BAD_POSITIONS)
def test_what_is_neither_position_nor_name_asks_nobody(text, no_resolver):
    with pytest.raises(TargetError) as caught:
        read_targets(text)
    assert str(caught.value).isprintable()
    assert "is not a valid position or object name; allowed are forms such as" in str(caught.value)
    assert not no_resolver


@pytest.mark.parametrize("text", ["370 2", "150 91", "-5 2", "25:00:00 0", "150 -91"])
def test_positions_out_of_range(text, no_resolver):
    with pytest.raises(TargetError, match=r"^target 0: the position = .* deg is outside"):
        read_targets(text)
    assert not no_resolver


@given(st.text(ALPHABET + "NGC", max_size=30) | st.text(max_size=15))
def test_any_text_is_a_position_a_name_or_refused(text):
    position = position_from_text(text)
    if position is None:
        could_be_name(text)
    elif all(map(np.isfinite, position)):
        assert any(character.isdigit() for character in text)


# ---------------------------------------------------------------------------------- names


@pytest.mark.parametrize(
    "name",
    ["M 31", "NGC 4565", "3C 273", "47 Tuc", "PKS 0537-441", "1E 0657-56", "4C 05.34",
     "[HB89] 0716",
     "2MASS J10000000+0212000", "J1000+0212", "Barnard's star", "V* alf Ori", "\u03b1 Cen"],
)  # fmt: skip
def test_names_are_asked_for(name, monkeypatch):
    asked = []
    here = SkyCoord(1, 2, unit="deg")
    monkeypatch.setattr(SkyCoord, "from_name", lambda name: asked.append(name) or here)
    if "/" not in name:
        assert SDSSCutouts().url(f" {name} ") == SDSSCutouts().url(here)
        assert asked == [name]


def test_lists_of_names_and_positions(monkeypatch):
    monkeypatch.setattr(SkyCoord, "from_name", lambda name: SkyCoord(1, 2, unit="deg"))
    for given_list in (["M 31", "150 2.2"], ("M 31", "150 2.2"), np.array(["M 31", "150 2.2"])):
        targets = read_targets(given_list)
        assert targets.ra.tolist() == [1, 150]
        assert targets.table["target"].tolist() == ["M 31", "150 2.2"]
        assert targets.names() == ["J000400.00+020000.0", "J100000.00+021200.0"]


def test_unknown_names_are_counted(no_resolver):
    with pytest.raises(TargetError) as caught:
        read_targets(["1 2", "XX 1", "3 4", "XX 2"])
    assert str(caught.value) == (
        "target 1: the object name 'XX 1' could not be resolved: Unable to find coordinates for "
        "name 'XX 1' (2 such targets: 1, 3)"
    )
    assert no_resolver == ["XX 1", "XX 2"]


def test_a_resolver_out_of_reach_is_one_line_and_asked_once(monkeypatch):
    asked = []

    def away(name):
        asked.append(name)
        raise NameResolveError(
            "All Sesame queries failed. Unable to retrieve coordinates. See errors per URL below: "
            "\n https://cds.unistra.fr/x?M: [Errno -2] Name or service not known"
        )

    monkeypatch.setattr(SkyCoord, "from_name", away)
    with pytest.raises(TargetError) as caught:
        read_targets(["M 31", "M 33"])
    assert str(caught.value) == (
        "target 0: the object name 'M 31' could not be resolved: no name resolver could be reached "
        "(Name or service not known); a position such as '10:00:00 +02:12:00' needs none"
    ).replace("(Name", "([Errno -2] Name")
    assert asked == ["M 31"]
