"""File stems: the IAU's names, and which given names are safe everywhere."""

from __future__ import annotations

import re
import unicodedata
from decimal import ROUND_DOWN, Decimal
from pathlib import Path

import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.table import Table
from hypothesis import example, given
from hypothesis import strategies as st

from sdss_cutout import SDSSCutouts, TargetError
from sdss_cutout._targets.names import iau_names, number_repeats, refuse_bad_names
from sdss_cutout._targets.targets import read_targets

ALLOWED = (
    "Allowed are letters, digits and marks such as _ + - . that every file system takes, "
    "up to 200 bytes"
)
WAYS_ON = "give other names, or names from the positions (names='IAU', or --names IAU)"
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
        ("a. ", EDGE),
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
        f"target 1: the name {name.strip()!r} is not a safe file name: {why}. {ALLOWED}; {WAYS_ON}"
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
        refuse_bad_names(["other", *pair])
    assert str(caught.value) == (
        f"target 2: the name {pair[1]!r} is taken by target 1 already, at least in another case; "
        f"{WAYS_ON}"
    )


def test_repeats_are_found_across_parts_of_a_list():
    seen = set()
    refuse_bad_names(["a", "b"], seen=seen)
    with pytest.raises(TargetError, match=r"^target 7: the name 'B' is taken by an earlier target"):
        refuse_bad_names(["B"], seen=seen, first_row=7)
    refuse_bad_names(np.array([1, 2]), seen=seen)
    with pytest.raises(TargetError, match=r"^target 9: the name '2' is taken by an earlier target"):
        refuse_bad_names(np.array([2]), seen=seen, first_row=9)


@given(st.text(max_size=30) | st.from_regex(r"[A-Za-z0-9 ._$+-]{1,20}", fullmatch=True))
@example("a.b ")
@example("é")
def test_an_accepted_name_is_a_file_and_its_own_stem(tmp_path_factory, name):
    try:
        refuse_bad_names([name])
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


# ------------------------------------------------------------------------------- ways on

LISTED = {"ra": [1.0, 2.0, 3.0], "dec": [4.0, 5.0, 6.0]}
UNUSABLE = {
    "digits lost": [1.23765e18, 1.23765e18, 2.0],
    "repeated": ["A", "b", "a"],
    "unsafe": ["a/b", "c", "d"],
    "missing": np.ma.MaskedArray(["a", "b", "c"], mask=[False, True, True]),
    "empty": ["a", " ", ""],
    "no name": [1.5, 2.5, 3.0],
}


@pytest.mark.parametrize("kind", UNUSABLE)
def test_a_column_that_cannot_serve_is_named_with_the_ways_on(kind):
    table = Table({"objid": UNUSABLE[kind], "good": [7, 8, 9], **LISTED})
    with pytest.raises(TargetError) as caught:
        read_targets(table)
    said = str(caught.value)
    assert re.match(r"target [012]: column 'objid': ", said)
    assert said.endswith(
        "; use another column (names='COLUMN', or --names COLUMN), or names from the positions "
        "(names='IAU', or --names IAU)"
    )
    assert read_targets(table, names="good").names() == ["7", "8", "9"]
    assert read_targets(table, names="IAU").names()[0] == "J000400.00+040000.0"


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ([1.23765e18] * 2 + [3.0], "lost digits (2 such targets: 0, 1); "),
        (
            ["a", "a", "A"],
            "the name 'a' is taken by target 0 already, at least in another case (2 su",
        ),
        (["a/", "b/", "c"], "up to 200 bytes (2 such targets: 0, 1); give other names, or "),
        ([None, "b", None], "its name is missing; a name is needed (2 such targets: 0, 2); "),
    ],
)
def test_all_bad_names_are_counted(names, said):
    with pytest.raises(TargetError) as caught:
        read_targets(Table(LISTED), names=names)
    assert said in str(caught.value)


def test_iau_is_for_any_target():
    coords = SkyCoord([1, 2], [3, 4], unit="deg")
    for targets in (coords, coords[0], Table({"id": [1], "ra": [1.0], "dec": [3.0]})):
        assert read_targets(targets, names="IAU").names()[0] == "J000400.00+030000.0"


def test_blanks_around_names_are_dropped():
    for names in (
        [" 7 ", "8\t", " NGC 1 "],
        [b" 7 ", b"8", b"NGC 1"],
        np.array([" 7", "8 ", "NGC 1"]),
    ):
        assert read_targets(Table({"id": names, **LISTED})).names() == ["7", "8", "NGC 1"]
    with pytest.raises(TargetError, match="the name '7' is taken by target 0 already"):
        read_targets(Table({"id": ["7", " 7", "8"], **LISTED}))


@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=5))
def test_whole_numbers_are_unique_or_refused(numbers):
    count = len(numbers)
    table = Table({"id": np.array(numbers), "ra": np.zeros(count), "dec": np.zeros(count)})
    if len(set(numbers)) == count:
        assert read_targets(table).names() == list(map(str, numbers))
    else:
        with pytest.raises(TargetError, match="is taken by target"):
            read_targets(table)
