"""Quantities from text, lists and masked columns: the right scale, or refused."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import astropy.units as u
import numpy as np
import pandas as pd
import pytest
from astropy.coordinates import SkyCoord
from astropy.table import MaskedColumn, QTable, Table
from astropy.utils.masked import Masked
from hypothesis import given
from hypothesis import strategies as st

from sdss_cutout import RequestError, SDSSCutouts
from sdss_cutout._targets.files import read_table

CLIENT = SDSSCutouts()
ONE = SkyCoord(19.5, -0.25, unit="deg")
TWO = SkyCoord([1, 2], [3, 4], unit="deg")
SCALE = u.arcsec / u.pix


def geometry(targets=ONE, **options):
    urls = CLIENT.url(targets, **options)
    queries = [parse_qs(urlsplit(url).query) for url in ([urls] if isinstance(urls, str) else urls)]
    return [(float(q["scale"][0]), int(q["width"][0])) for q in queries]


def refused(targets=ONE, **options):
    with pytest.raises(RequestError) as caught:
        CLIENT.url(targets, **options)
    assert str(caught.value).isprintable()
    return str(caught.value)


@pytest.mark.parametrize(
    "text",
    ["1arcmin", "1 arcmin", " 1.0 arcmin ", "60arcsec", "60 arcseconds", "1ARCMIN", "1e0 arcminute",
     "0.016666666666666666deg", "0.016666666666666666 degrees", "+1arcmin"],
)  # fmt: skip
def test_a_field_of_view_in_text(text):
    assert geometry(fov=text, size=150) == [(0.4, 150)]


NOT_ANGLES = [
    "2'", "1arcmn", "0:01:00", "1", "", "arcmin", "1 m", "1 pix", "1h", "1e", "1,5arcmin",
    "1 arcmin 2",
    "one arcmin", "1arcmin/pix", "1 arcmin2", "0d1m", "1\narcmin", "\u0661arcmin",
]  # fmt: skip


@pytest.mark.parametrize("text", NOT_ANGLES)
def test_what_is_no_field_of_view(text):
    assert refused(fov=text) == (
        f"fov = {text!r} is not a valid angle; it must be a number with a unit, such as '1arcmin', "
        "'90 arcsec' or '0.1deg'"
    )
    assert "is not a valid angle" in refused(TWO, fov=["1arcmin", text])


@given(st.text(max_size=12) | st.from_regex(r"[0-9.]{1,4} ?[a-z'\"]{1,6}", fullmatch=True))
def test_any_text_is_the_angle_that_astropy_reads_or_refused(text):
    try:
        [(scale, width)] = geometry(fov=text, size=100)
    except RequestError:
        return
    assert scale * width == pytest.approx(
        u.Quantity(text.strip().lower()).to_value(u.arcsec), rel=1e-6
    )


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"fov": [1 * u.arcmin, 90 * u.arcsec]}, [(0.396127, 151), (0.396127, 227)]),
        ({"fov": (1 * u.arcmin, 90 * u.arcsec)}, [(0.396127, 151), (0.396127, 227)]),
        ({"fov": ["1arcmin", "90 arcsec"]}, [(0.396127, 151), (0.396127, 227)]),
        ({"fov": ["1arcmin", 90 * u.arcsec]}, [(0.396127, 151), (0.396127, 227)]),
        ({"scale": [0.3 * SCALE, 0.005 * u.arcmin / u.pix]}, [(0.3, 200), (0.3, 200)]),
        ({"size": [100 * u.pix, 120 * u.pix]}, [(0.396127, 100), (0.396127, 120)]),
        (
            {"width": [100, 120], "height": [90 * u.pix, 80 * u.pix]},
            [(0.396127, 100), (0.396127, 120)],
        ),
    ],
)
def test_lists_of_quantities(options, expected):
    assert geometry(TWO, **options) == expected


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"fov": [1 * u.arcmin, 90]}, "fov is a list that cannot be one Quantity: "),
        ({"fov": [1 * u.arcmin, 90 * u.m]}, "fov is a list that cannot be one Quantity: "),
        ({"scale": [1 * SCALE, None]}, "scale is a list that cannot be one Quantity: "),
        ({"scale": [1 * SCALE, np.ma.masked]}, "target 1: scale is masked; a value is needed"),
        ({"size": [np.ma.masked] * 2}, "width is masked; a value is needed (2 such targets: 0, 1)"),
        ({"fov": [1 * u.arcmin] * 3}, "fov has the shape (3,); expected a scalar or an array of "),
        (
            {"scale": [[0.3, 0.4]] * SCALE},
            "scale has the shape (1, 2); expected a scalar or an arr",
        ),
        ({"scale": [0.3, np.nan] * SCALE}, "target 1: scale = nan arcsec/pix is outside"),
        (
            {"fov": [-1, -2] * u.arcsec},
            "target 0: fov = -1.0 arcsec is not a positive angle (2 such ",
        ),
    ],
)
def test_other_lists_are_refused(options, said):
    assert said in refused(TWO, **options).replace("size is", "width is")


# ----------------------------------------------------------------------------- lost masks

MASKED = "is masked; a value is needed"


def targets(**columns):
    count = len(next(iter(columns.values())))
    return Table({"ra": np.arange(count) + 1.0, "dec": np.zeros(count), **columns})


def radii(beneath=0.0, kind=np.float64):
    """Three radii, of which one is missing, with something beneath the mask."""
    return targets(r90=MaskedColumn(np.array([12, beneath, 20], kind), mask=[False, True, False]))


RECIPES = {
    "as documented": lambda r: {"scale": 0.02 * r * u.arcsec / u.pix},
    "the other way": lambda r: {"scale": r * 0.02 * u.arcsec / u.pix},
    "unit first": lambda r: {"scale": r * u.arcsec / u.pix * 0.02},
    "quantity": lambda r: {"scale": 0.02 * r.quantity * u.arcsec / u.pix},
    "Quantity": lambda r: {"scale": u.Quantity(0.02 * r, u.arcsec / u.pix)},
    "shift": lambda r: {"scale": (0.02 * r) << (u.arcsec / u.pix)},
    "divided": lambda r: {"scale": r / 50 * u.arcsec / u.pix},
    "with an offset": lambda r: {"scale": (0.02 * r + 0.05) * u.arcsec / u.pix},
    "an offset first": lambda r: {"scale": (0.05 + 0.02 * r) * u.arcsec / u.pix},
    "field": lambda r: {"fov": 5 * r * u.arcsec},
    "field, size": lambda r: {"fov": 5 * r * u.arcsec, "size": 100},
    "field in minutes": lambda r: {"fov": (5 * r * u.arcsec).to(u.arcmin)},
    "size": lambda r: {"size": 10 * r * u.pix},
    "width": lambda r: {"width": 10 * r * u.pix, "height": 100},
    "column with mask": lambda r: {"size": 10 * r},
}  # fmt: skip


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("beneath", [0.0, 15.0, 1e20, np.nan])
@pytest.mark.parametrize("rows", [slice(None), slice(0, 2)], ids=["three", "two"])
def test_no_arithmetic_hides_a_missing_value(recipe, beneath, rows):
    if "offset" in recipe and rows.stop == 2:
        return  # one point, and a number that could as well be meant: nothing tells these apart
    table = radii(beneath)[rows]
    said = refused(table, **RECIPES[recipe](table["r90"]))
    assert said.startswith("target 1: ")
    whole = table[~table["r90"].mask]
    assert len(geometry(whole, **RECIPES[recipe](whole["r90"]))) == len(whole)


def test_the_message_names_the_column_and_its_advice_works():
    table = radii()
    said = refused(table, scale=0.02 * table["r90"] * u.arcsec / u.pix)
    assert said == (
        f"target 1: scale {MASKED}. It comes from column 'r90', which loses its mask when it is "
        "multiplied by a unit: leave these rows out, fill the column in the table, or give a scalar"
    )
    table["r90"] = table["r90"].filled(10.0)
    assert geometry(table, scale=0.02 * table["r90"] * u.arcsec / u.pix)[1] == (0.2, 200)


def test_a_column_of_which_all_is_missing():
    table = targets(r90=MaskedColumn([12.0, 20.0], mask=[True, True]))
    for some in (table, table[:1]):
        scale = 0.02 * some["r90"] * u.arcsec / u.pix
        assert refused(some, scale=scale).startswith(f"target 0: scale {MASKED}")
    assert len(geometry(table, scale=0.3 * SCALE)) == 2
    assert len(geometry(table, scale=[0.3, 0.4] * SCALE)) == 2


def test_whole_numbers_and_units_of_the_column():
    table = radii(kind=np.int64)
    assert MASKED in refused(table, scale=0.02 * table["r90"] * u.arcsec / u.pix)
    table["r90"].unit = "arcsec"
    for scale in (0.02 * table["r90"] / u.pix, 0.02 * table["r90"].quantity / u.pix):
        assert refused(table, scale=scale).startswith("target 1: ")
    assert MASKED in refused(QTable(table), scale=0.02 * QTable(table)["r90"] / u.pix)


def test_rows_that_are_missing_are_counted():
    table = targets(r90=MaskedColumn([12.0, 0, 20, 0], mask=[0, 1, 0, 1]))
    said = refused(table, scale=0.02 * table["r90"] * u.arcsec / u.pix)
    assert said.startswith(f"target 1: scale {MASKED} (2 such targets: 1, 3). It comes from")


@pytest.mark.parametrize(
    "options",
    [
        {"scale": [0.3, 0.4, 0.5] * SCALE},
        {"scale": [0.3, 0.3, 0.3] * SCALE},
        {"fov": [1, 2, 3] * u.arcmin},
        {"size": [100, 110, 120]},
        {"scale": 0.3 * SCALE},
    ],
)
def test_what_does_not_come_from_the_column_is_used(options):
    assert len(geometry(radii(), **options)) == 3
    filled = 0.02 * radii()["r90"].filled(15.0) * u.arcsec / u.pix
    assert geometry(radii(), scale=filled)[1] == (0.3, 200)


@given(
    # Apart by more than rounding, or there is no telling what they were multiplied by.
    st.lists(st.floats(5, 50), min_size=3, max_size=8, unique_by=lambda value: round(value, 3)),
    st.data(),
    st.sampled_from([lambda r: 0.02 * r, lambda r: r * 0.02, lambda r: 0.02 * r + 0.1]),
)
def test_a_missing_value_never_becomes_a_scale(values, data, formula):
    count = len(values)
    mask = data.draw(st.lists(st.booleans(), min_size=count, max_size=count))
    table = targets(r=MaskedColumn(values, mask=mask))
    if mask.count(False) < 2:
        return
    scale = formula(table["r"]) * u.arcsec / u.pix
    if any(mask):
        assert refused(table, scale=scale).startswith(f"target {mask.index(True)}: ")
    else:
        assert len(geometry(table, scale=scale)) == count


def test_what_readers_hand_out_cannot_lead_there(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("ra,dec,r90\n20.5,0.5,12.0\n20.6,0.5,\n")
    table = read_table(path)
    here = SkyCoord(table["ra"], table["dec"], unit="deg")  # no table to compare with
    for scale in (0.02 * table["r90"] * u.arcsec / u.pix, 0.02 * table["r90"].quantity * SCALE):
        assert refused(here, scale=scale).startswith("target 1: scale = nan arcsec/pix is outside")


@pytest.mark.parametrize("form", ["csv", "ecsv", "fits", "parquet"])
def test_columns_of_whole_numbers_that_are_all_missing(tmp_path, form):
    if form == "parquet":
        pytest.importorskip("pyarrow")
    table = targets(r90=MaskedColumn([12, 20], mask=[True, True]))
    path = tmp_path / f"a.{form}"
    table.write(path)
    read = read_table(path)
    here = SkyCoord(read["ra"], read["dec"], unit="deg")
    scale = 0.02 * read["r90"] * u.arcsec / u.pix
    assert refused(here, scale=scale).startswith("target 0: scale = nan arcsec/pix is outside") or (
        "scale = nan" in refused(here, scale=scale)
    )


def test_masked_quantities_and_pandas():
    masked = Masked([0.3, 0.4] * SCALE, mask=[True, False])
    assert refused(TWO, scale=masked).startswith(f"target 0: scale {MASKED}")
    frame = pd.DataFrame({"ra": [1.0, 2], "dec": [3.0, 4], "r": [12.0, None]})
    scale = 0.02 * frame["r"].to_numpy() * u.arcsec / u.pix
    assert refused(frame, scale=scale).startswith("target 1: scale = nan arcsec/pix is outside")
