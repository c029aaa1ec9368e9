"""Units in the spellings of catalogues: the right angle, or refused."""

from __future__ import annotations

import astropy.units as u
import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Column, QTable, Table
from astropy.utils.exceptions import AstropyUserWarning
from hypothesis import given
from hypothesis import strategies as st

from sdss_cutout import SDSSCutouts, TargetError
from sdss_cutout._targets.targets import read_targets
from sdss_cutout._targets.units import parse_unit

EXPECTED = (150.5, 2.25)
SPELLINGS = {
    u.deg: [
        "deg", "degs", "degree", "degrees", "DEG", "DEGREE", "Degrees", "[deg]", "(deg)", " deg ",
        "'deg'", "\u00b0", "Deg.", "decimal degrees",
    ],
    u.rad: ["rad", "radian", "radians", "RADIANS", "Rad"],
    u.hourangle: ["h", "hr", "hour", "hours", "HOURS", "hourangle", '"h:m:s"', "hms"],
    u.arcmin: ["arcmin", "arcminutes", "ARCMIN"],
    u.arcsec: ["arcsec", "arcseconds", "Arcsec"],
}  # fmt: skip
CASES = [(unit, text) for unit, texts in SPELLINGS.items() for text in texts]


def table_in(unit, ra_text, dec_text="deg"):
    table = Table({"ra": [(EXPECTED[0] * u.deg).to_value(unit)], "dec": [EXPECTED[1]]})
    table["ra"].unit = u.Unit(ra_text, parse_strict="silent")
    table["dec"].unit = dec_text
    return table


def position(targets, **options):
    read = read_targets(targets, **options)
    return read.ra[0], read.dec[0]


@pytest.mark.parametrize(("unit", "text"), CASES)
def test_spellings(unit, text):
    assert parse_unit(text) == unit
    assert position(table_in(unit, text)) == pytest.approx(EXPECTED, abs=1e-9)


@pytest.mark.parametrize(("unit", "text"), [c for c in CASES if c[1].isascii()])
def test_spellings_in_fits(unit, text, tmp_path):
    columns = [
        fits.Column("RA", "D", unit=text, array=[(EXPECTED[0] * u.deg).to_value(unit)]),
        fits.Column("DEC", "D", unit="degrees", array=[EXPECTED[1]]),
    ]
    fits.BinTableHDU.from_columns(columns).writeto(tmp_path / "a.fits")
    assert position(tmp_path / "a.fits") == pytest.approx(EXPECTED, abs=1e-9)


@pytest.mark.parametrize("text", ["m", "pix", "s", "degg", "deg/s", "mag", "K", "deg deg"])
def test_what_is_no_angle(text):
    with pytest.raises(TargetError, match="which is not a unit of an angle; allowed are deg, hour"):
        read_targets(table_in(u.deg, text))


def test_hours_are_no_unit_of_a_declination():
    for unit in ("h", "hours", u.hour):
        table = Table({"ra": [1.0], "dec": Column([2.0], unit=unit)})
        with pytest.raises(TargetError, match="which is not a unit of a declination; allowed are "):
            read_targets(table)
    assert position(QTable({"ra": [1.0], "dec": [0.15] * u.hourangle})) == pytest.approx((1, 2.25))


def test_time_of_one_hour_is_an_hour_of_angle():
    assert position(Table({"ra": Column([1.5], unit=u.h), "dec": [2.0]})) == (22.5, 2)


@given(st.text(max_size=10) | st.sampled_from(["deg", "rad", "h"]).flatmap(
    lambda word: st.lists(st.sampled_from([str.upper, str.lower, str.title]), max_size=1).map(
        lambda change: change[0](word) if change else word
    )
))  # fmt: skip
def test_any_unit_is_an_angle_or_refused(text):
    unit = parse_unit(text)
    assert unit is None or np.isfinite(unit.to(u.deg))


# ------------------------------------------------------------------------------- --ra-unit


@pytest.mark.parametrize(
    ("ra", "dec", "ra_unit", "expected"),
    [
        ([1.5], [2.0], "hour", (22.5, 2)),
        (["1.5"], ["2.0"], "hour", (22.5, 2)),
        (["01:30:00"], ["2.0"], "hour", (22.5, 2)),
        (["10:30:00"], ["2.0"], "deg", (10.5, 2)),
        ([1.5], [2.0], "deg", (1.5, 2)),
    ],
)
def test_the_unit_of_the_right_ascension_can_be_said(ra, dec, ra_unit, expected):
    assert position(Table({"ra": ra, "dec": dec}), ra_unit=ra_unit) == pytest.approx(expected)


def test_radians_are_taken_for_both_with_a_warning():
    table = Table({"ra": [np.radians(150.5)], "dec": [np.radians(2.25)]})
    with pytest.warns(AstropyUserWarning, match="'dec' has no unit and is taken as rad"):
        assert position(table, ra_unit="rad") == pytest.approx(EXPECTED)
    table = Table({"ra": [np.radians(150.5)], "dec": [2.25]})
    with pytest.warns(AstropyUserWarning, match="'dec' has no unit and is taken as deg"):
        assert position(table, ra_unit="rad") == pytest.approx(EXPECTED)
    table["dec"].unit = "deg"
    assert position(table, ra_unit="rad") == pytest.approx(EXPECTED)


def test_what_is_said_wins_over_a_wrong_unit():
    table = Table({"ra": Column([1.5], unit="deg"), "dec": [2.0]})
    assert position(table, ra_unit="hour") == (22.5, 2)


def test_other_units_cannot_be_said():
    with pytest.raises(TargetError, match=r"^ra_unit = 'arcsec' is not one of deg, hour, rad"):
        read_targets(Table({"ra": [1.0], "dec": [2.0]}), ra_unit="arcsec")
    with pytest.raises(TargetError, match="is not a valid angle"):
        read_targets(Table({"ra": ["10:30:00"], "dec": [2.0]}), ra_unit="rad")


def test_hours_are_noticed():
    table = Table({"ra": [1.3, 12.5, 23.0], "dec": [-60.0, 0.0, 70.0]})
    with pytest.warns(
        AstropyUserWarning, match="all values of 'ra' are within 0..24 while the dec"
    ):
        read_targets(table)
    table["ra"] = table["ra"].astype(str)
    with pytest.warns(AstropyUserWarning, match="if these are hours, say so with --ra-unit hour"):
        SDSSCutouts().url(table)


@pytest.mark.parametrize(
    "table",
    [
        Table({"ra": [1.3, 12.5, 23.0], "dec": [-6.0, 0.0, 7.0]}),
        Table({"ra": [1.3, 12.5, 230.0], "dec": [-60.0, 0.0, 70.0]}),
        Table({"ra": Column([1.3, 12.5, 23.0], unit="deg"), "dec": [-60.0, 0.0, 70.0]}),
        Table({"ra": [1.3, 12.5], "dec": [-60.0, 70.0]}),
    ],
    ids=["near the equator", "beyond 24", "said to be degrees", "two targets"],
)
def test_degrees_are_not_taken_for_hours(table):
    assert read_targets(table).ra.tolist() == table["ra"].tolist()
    assert read_targets(table, ra_unit="deg").ra.tolist() == table["ra"].tolist()
