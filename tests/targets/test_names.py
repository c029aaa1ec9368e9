"""File stems: the IAU's names, and which given names are safe everywhere."""

from __future__ import annotations

import unicodedata
from decimal import ROUND_DOWN, Decimal
from pathlib import Path

import numpy as np
import pytest
from astropy.table import Table
from hypothesis import example, given
from hypothesis import strategies as st

from sdss_cutout import SDSSCutouts, TargetError
from sdss_cutout._targets.names import iau_names, number_repeats, refuse_repeats, refuse_unsafe
from sdss_cutout._targets.targets import read_targets

ALLOWED = (
    "Allowed are letters, digits and marks such as _ + - . that every file system takes, "
    "up to 200 bytes"
)
DEVICE = "it is the name of a device on Windows"
EDGE = "it begins or ends with a dot or a space"
UNPRINTABLE = "it has a character that is not printable"


def cut(value, step):
    return int((value / step).to_integral_value(ROUND_DOWN))


def exact_name(ra, dec):
    """The name by decimal arithmetic, digits cut off."""
    ticks = cut(ra * 240, Decimal("0.01")) % 8_640_000
    tenths = cut(abs(dec) * 3600, Decimal("0.1"))
    sign = "-" if dec < 0 else "+"
    return (
        f"J{ticks // 360000:02d}{ticks // 6000 % 60:02d}{ticks % 6000 // 100:02d}.{ticks % 100:02d}"
        f"{sign}{tenths // 36000:02d}{tenths // 600 % 60:02d}{tenths % 600 // 10:02d}.{tenths % 10}"
    )


@given(
    st.decimals(0, 360, places=8).filter(lambda ra: ra < 360),
    st.decimals(-90, 90, places=8),
)
@example(Decimal("19.023342"), Decimal("-0.014911"))
@example(Decimal("359.99999999"), Decimal("89.99999999"))
@example(Decimal("19.0"), Decimal("0.1"))
def test_iau_names_are_truncated(ra, dec):
    (name,) = iau_names(np.array([float(ra)]), np.array([float(dec)]))
    # Two hundred-thousandths of the last digit count as having reached it.
    nudge = Decimal("4e-10"), Decimal("2.7e-10").copy_sign(dec)
    assert name in {
        exact_name(ra, dec),
        exact_name(ra + nudge[0], dec),
        exact_name(ra, dec + nudge[1]),
        exact_name(ra + nudge[0], dec + nudge[1]),
    }


@pytest.mark.parametrize(
    ("ra", "dec", "name"),
    [
        (19.023342, -0.014911, "J011605.60-000053.6"),
        (0, 0, "J000000.00+000000.0"),
        (360, 90, "J000000.00+900000.0"),
        (359.9999999, -90, "J235959.99-900000.0"),
        (19.999999, 9.999999, "J011959.99+095959.9"),  # rounding would give J012000.00+100000.0
        (0.1 + 0.2, 0.7 - 0.1, "J000112.00+003600.0"),
        (10, -0.00001, "J004000.00-000000.0"),
    ],
)
def test_iau_name(ra, dec, name):
    assert iau_names(np.array([float(ra)]), np.array([float(dec)])) == [name]


def test_names_that_coincide_are_numbered():
    assert number_repeats(["a", "b", "a", "a"], {}) == ["a", "b", "a_2", "a_3"]
    table = Table({"ra": [1.0, 1.0, 1.0], "dec": [2.0, 2.0, 2.0]})
    first = "J000400.00+020000.0"
    assert read_targets(table).names() == [first, f"{first}_2", f"{first}_3"]


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "it is empty"),
        ("a/b", "invalid characters found"),
        ("a\\b", "invalid characters found"),
        ("C:a", "invalid characters found"),
        *((f"a{mark}", "invalid characters found") for mark in '<>:"|?*'),
        ("../up", EDGE),
        ("..", EDGE),
        (".hidden", EDGE),
        ("dot.", EDGE),
        (" a", EDGE),
        ("a ", EDGE),
        *((name, DEVICE) for name in ("con", "NUL", "Aux", "prn", "com1", "LPT9", "COM¹")),
        *((name, DEVICE) for name in ("con.tar", "nul.a.b", "CON .x", "conin$", "CONOUT$.x")),
        *((f"a{c}b", UNPRINTABLE) for c in "\0\n\r\t\x1b\x7f\x85\u200b\u202e\u2066\ufeff\u2028"),
        ("\ud800", UNPRINTABLE),
        ("x" * 201, "it is longer than 200 bytes"),
        ("é" * 101, "it is longer than 200 bytes"),
    ],
)
def test_unsafe_names_are_refused(name, why):
    targets = Table({"name": ["fine", name], "ra": [1.0, 2.0], "dec": [3.0, 4.0]})
    with pytest.raises(TargetError) as caught:
        SDSSCutouts().url(targets, names=["fine", name])
    assert str(caught.value) == (
        f"target 1: the name {name!r} is no safe file name: {why}. {ALLOWED}"
    )


@pytest.mark.parametrize(
    "name",
    ["7050", "NGC 4565", "J0116+00", "x" * 200, "é" * 100, "銀河", "e\u0301", "-1", "a.b", "CONE"],
)
def test_safe_names_are_kept_as_they_are(name):
    targets = Table({"name": [name], "ra": [1.0], "dec": [3.0]})
    assert read_targets(targets).names() == [name]


@pytest.mark.parametrize(
    "pair",
    [("a", "a"), ("NGC1", "ngc1"), ("é", "e\u0301"), ("É", "e\u0301"), ("STRASSE", "straße")],
)
def test_repeated_names_are_refused(pair):
    with pytest.raises(TargetError) as caught:
        refuse_repeats(["other", *pair], set())
    assert str(caught.value) == (
        f"target 2: the name {pair[1]!r} is there already, at least in another case; "
        "each target needs a name of its own"
    )


def test_repeats_are_found_across_parts_of_a_list():
    seen = set()
    refuse_repeats(["a", "b"], seen)
    with pytest.raises(TargetError, match=r"^target 7: the name 'B' is there already"):
        refuse_repeats(["B"], seen, first_row=7)


@given(st.text(max_size=30) | st.from_regex(r"[A-Za-z0-9 ._$+-]{1,20}", fullmatch=True))
@example("a.b ")
@example("é")
def test_an_accepted_name_is_a_file_and_its_own_stem(tmp_path_factory, name):
    try:
        refuse_unsafe([name])
    except TargetError:
        return
    folder = tmp_path_factory.getbasetemp() / "names"
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}.jpg"
    path.write_bytes(b"")
    (found,) = folder.iterdir()
    assert unicodedata.normalize("NFC", Path(found).stem) == unicodedata.normalize("NFC", name)
    assert path.parent == folder
    path.unlink()
