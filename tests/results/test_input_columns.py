"""The columns that came with the targets survive the manifest."""

from __future__ import annotations

import json

import astropy.units as u
import numpy as np
import pandas as pd
import pytest
from astropy.coordinates import SkyCoord
from astropy.table import Column, MaskedColumn, QTable, Table
from astropy.time import Time
from astropy.utils.masked import Masked
from hypothesis import given
from hypothesis import strategies as st

from sdss_cutout._results.columns import beside_ours
from sdss_cutout._results.input_columns import from_text, header_text, row_texts


def through_text(table):
    return from_text(header_text(table), [json.loads(text) for text in row_texts(table)])


NAT = pd.to_datetime(["2020-01-01", None])


@pytest.mark.parametrize(
    "table",
    [
        Table({"objid": np.array([2**64 - 1, 2**63 + 5, 0], np.uint64)}),
        Table({"objid": [2**53 + 1, -(2**63)]}),
        Table({"a": [0.1, 1e-300, np.inf, -np.inf]}),
        Table({"a": np.float32([0.1, 0.2])}),
        Table({"a": [True, False]}),
        Table({"a": ["plain", "x, \"y\" 'z'", "é 銀", "two\nlines"]}),
        Table({"a": MaskedColumn([1, 2], mask=[True, False])}),
        Table({"a": MaskedColumn(["x", "y"], mask=[False, True])}),
        Table({"a": MaskedColumn([0.5, 1.5], mask=[True, False])}),
        Table({"a": [[1, 2], [3, 4]], "b": [[0.5, 1], [2, 3]]}),
        Table({"x,y": [1], "with space": [2], "é": [3]}),
        Table({"a": Column([1, 2], unit="arcsec", description="radius, of sorts")}),
        Table({"a": np.zeros(0), "s": np.zeros(0, "U3")}),
        Table({"a": np.array([(1, 2.5)], dtype=[("x", int), ("y", float)])}),
    ],
    ids=lambda table: ",".join(str(column.dtype) for column in table.columns.values()),
)
def test_columns_come_back_as_they_were(table):
    back = through_text(table)
    assert back.colnames == table.colnames
    for name in table.colnames:
        assert back[name].dtype.kind == table[name].dtype.kind
        assert back[name].tolist() == table[name].tolist()
        assert back[name].unit == table[name].unit
        assert back[name].description == table[name].description


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (np.array([None, "b"], object), [None, "b"]),
        (np.array([{"a": 1}, 2**70], object), ["{'a': 1}", str(2**70)]),
        (np.array([1j, 2.0]), ["1j", "(2+0j)"]),
        (np.array(["2020-01-01"], "M8[D]"), ["2020-01-01"]),
        ([b"x", b"\xff"], ["x", "\ufffd"]),
    ],
    ids=["None", "objects", "complex", "dates", "bytes"],
)
def test_what_has_no_form_of_its_own_is_kept_as_text(column, expected):
    assert through_text(Table({"a": column}))["a"].tolist() == expected


def test_mixin_columns_come_back():
    here = SkyCoord([1, 2], [3, 4], unit="deg")
    table = QTable({"c": here, "t": Time([2000.0, 2001.0], format="jyear")})
    table["r"] = Masked([1, 2] * u.arcsec, mask=[False, True])
    back = through_text(table)
    assert here.separation(back["c"]).max() < 1e-9 * u.deg
    assert np.allclose(back["t"].jyear, [2000, 2001])
    assert back["r"].unit == u.arcsec
    assert back["r"].tolist() == [1, None]


@pytest.mark.parametrize("rows", [0, 1, 2])
def test_a_data_frame_with_dates(rows):
    frame = pd.DataFrame({"k": pd.Categorical(["x", "y"]), "d": NAT, "s": ["a", None]})[:rows]
    back = through_text(Table.from_pandas(frame))
    assert len(back) == rows
    assert [str(day)[:10] for day in back["d"][:1]] == ["2020-01-01"][:rows]
    assert back["d"].mask.tolist() == [False, True][:rows]


def test_no_columns():
    assert header_text(Table()) == ""
    assert row_texts(Table()) == []


@given(
    st.lists(
        st.tuples(
            st.integers(0, 2**64 - 1),
            st.floats(allow_nan=False),
            st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1),
        ),
        min_size=1,
    )
)
def test_any_values_come_back(rows):
    ids, floats, texts = zip(*rows, strict=True)
    table = Table({"id": np.array(ids, np.uint64), "f": list(floats), "s": list(texts)})
    back = through_text(table)
    assert [tuple(row) for row in back] == [tuple(row) for row in table]


def test_columns_with_our_names_are_renamed_beside_ours():
    table = Table(
        {"name": ["a"], "z": [1], "input_name": ["b"], "sha256": ["c"]}, meta={"from": "x"}
    )
    found = beside_ours(table)
    assert found.colnames == ["input_input_name", "z", "input_name", "input_sha256"]
    assert found["input_input_name"][0] == "a"
    assert (table.colnames, table.meta) == (["name", "z", "input_name", "sha256"], {"from": "x"})
    assert table["name"].name == "name"
