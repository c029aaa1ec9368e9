"""Parquet, DataFrames and record arrays: every identifier exact, every passenger kept."""

from __future__ import annotations

import datetime
import decimal

import astropy.units as u
import numpy as np
import pandas as pd
import pytest
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.table import MaskedColumn, QTable, Table

from sdss_cutout import TargetError
from sdss_cutout._targets.targets import read_targets

BIG = 1237646648345100821
POSITION = {"ra": [20.5, 20.75], "dec": [0.5, -0.5]}


@pytest.fixture
def written(tmp_path):
    """Write columns as Parquet, Feather or both with pyarrow, and return the paths."""
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    feather = pytest.importorskip("pyarrow.feather")

    def write(**columns):
        table = pa.table({**POSITION, **columns})
        parquet.write_table(table, tmp_path / "a.parquet")
        feather.write_feather(table, tmp_path / "a.feather")
        return tmp_path / "a.parquet", tmp_path / "a.feather", table

    return write


def test_columns_of_every_type_travel_along(written):
    pa = pytest.importorskip("pyarrow")
    columns = {
        "whole": pa.array([None, BIG], pa.int64()),
        "unsigned": pa.array([2**64 - 1, None], pa.uint64()),
        "small": pa.array([1, None], pa.int8()),
        "text": pa.array(["a", None]),
        "large": pa.array([None, "b"], pa.large_string()),
        "flag": pa.array([True, None]),
        "category": pa.array(["GALAXY", None]).dictionary_encode(),
        "code": pa.array([5, 7], pa.int64()).dictionary_encode(),
        "single": pa.array([1.5, None], pa.float32()),
        "struct": pa.array([{"a": 1}, None]),
        "list": pa.array([[1, BIG], None]),
        "binary": pa.array([b"\xff\xd8", None]),
        "decimal": pa.array([decimal.Decimal(BIG), None], pa.decimal128(20, 0)),
        "day": pa.array([datetime.date(2020, 1, 2), None]),
        "time": pa.array([datetime.datetime(2020, 1, 2, 3), None]),
        "nothing": pa.nulls(2),
    }
    for given in written(**columns):
        table = read_targets(given).table
        assert table.colnames == [*POSITION, *columns]
        assert table["whole"].tolist() == [None, BIG]
        assert table["unsigned"].tolist() == [2**64 - 1, None]
        assert table["small"].tolist() == [1, None]
        assert table["text"].tolist() == ["a", None]
        assert table["large"].tolist() == [None, "b"]
        assert table["flag"].tolist() == [True, None]
        assert table["category"].tolist() == ["GALAXY", None]
        assert table["code"].tolist() == [5, 7]
        assert table["struct"].tolist() == [{"a": 1}, None]
        assert table["list"].tolist() == [[1, BIG], None]
        assert table["binary"].tolist() == [b"\xff\xd8", None]
        assert table["decimal"].tolist() == [BIG, None]
        assert str(table["day"][0]) == "2020-01-02"
        assert np.isnat(table["time"][1])
        assert np.isnan(table["single"][1])
        assert not hasattr(table["single"], "mask")


@pytest.mark.parametrize("values", [[BIG, 7], ["007", "b"], [" 7 ", "8"], [2**64 - 1, 0]])
def test_identifiers(written, values):
    pa = pytest.importorskip("pyarrow")
    wanted = [str(value).strip() for value in values]
    column = pa.array(values, pa.uint64() if 2**64 - 1 in values else None)
    for given in written(objid=column):
        assert read_targets(given).names() == wanted


def test_text_beyond_a_chunk_and_empty_tables(tmp_path):
    pa = pytest.importorskip("pyarrow")
    chunks = pa.chunked_array([["a", None], [], ["b", "a"]])
    table = pa.table(
        {"ra": [1.0] * 4, "dec": [2.0] * 4, "t": chunks, "c": chunks.dictionary_encode()}
    )
    for name in ("t", "c"):
        assert read_targets(table).table[name].tolist() == ["a", None, "b", "a"]
    assert len(read_targets(table.slice(0, 0))) == 0


def test_text_in_several_row_groups(tmp_path):
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    words = [f"target {row}" for row in range(400)] + ["", None, "\u03b1", "x" * 50]
    count = len(words)
    table = pa.table({"ra": np.arange(count) / 10, "dec": np.zeros(count), "t": words})
    for options in ({}, {"use_dictionary": False}, {"dictionary_pagesize_limit": 100}):
        parquet.write_table(table, tmp_path / "a.parquet", row_group_size=50, **options)
        assert read_targets(tmp_path / "a.parquet").table["t"].tolist() == words
    assert read_targets(table).table["t"].tolist() == words


def test_columns_that_are_there_twice(tmp_path):
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    for names, said in ((["ra", "dec", "ra"], "'ra', 'ra'"), (["ra", "dec", "RA"], "'ra', 'RA'")):
        table = pa.table([[1.0], [2.0], [3.0]], names=names)
        parquet.write_table(table, tmp_path / "a.parquet")
        with pytest.raises(TargetError, match=f"is there more than once: {said}; keep one"):
            read_targets(tmp_path / "a.parquet")
    table = pa.table([[1.0], [2.0], [3.0], [4]], names=["ra", "dec", "z", "z"])
    assert read_targets(table).table.colnames == ["ra", "dec", "z", "z_1"]


def test_what_astropy_wrote_as_parquet(tmp_path):
    pytest.importorskip("pyarrow")
    coords = SkyCoord([1, 2], [3, 4], unit="deg", frame="galactic")
    QTable({"id": [1, 2], "c": coords, "r": [1, 2] * u.arcsec}).write(tmp_path / "a.parquet")
    targets = read_targets(tmp_path / "a.parquet")
    assert np.allclose(targets.ra, coords.icrs.ra.deg)
    assert targets.table["r"].unit == u.arcsec


# ------------------------------------------------------------------------------ DataFrames


def test_a_named_index_is_a_column():
    frame = pd.DataFrame({**POSITION, "z": [0.1, 0.2]}, index=pd.Index([BIG, 7], name="objid"))
    targets = read_targets(frame)
    assert targets.names() == [str(BIG), "7"]
    assert targets.table.colnames == ["objid", "ra", "dec", "z"]
    assert read_targets(frame, names="objid").names() == [str(BIG), "7"]
    assert frame.index.name == "objid"


def test_other_indices():
    frame = pd.DataFrame({**POSITION, "z": [0.1, 0.2]})
    assert read_targets(frame.set_index(["ra", "dec"])).ra.tolist() == POSITION["ra"]
    assert read_targets(frame.set_index(pd.Index([5, 7]))).table.colnames == ["ra", "dec", "z"]
    levels = pd.MultiIndex.from_arrays([[1, 2], ["a", "b"]], names=[None, "id"])
    assert read_targets(frame.set_index(levels)).names() == ["a", "b"]
    assert read_targets(frame.set_index(levels)).table.colnames == ["id", "ra", "dec", "z"]
    with pytest.raises(TargetError, match="the DataFrame has the column 'ra' more than once"):
        read_targets(frame.set_index(pd.Index([1, 2], name="ra")))


def test_an_index_that_parquet_kept(tmp_path):
    pytest.importorskip("pyarrow")
    frame = pd.DataFrame(POSITION, index=pd.Index([BIG, 7], name="objid"))
    frame.to_parquet(tmp_path / "a.parquet")
    assert read_targets(tmp_path / "a.parquet").names() == [str(BIG), "7"]
    frame.rename_axis(None).to_parquet(tmp_path / "a.parquet")
    assert read_targets(tmp_path / "a.parquet").table.colnames == ["ra", "dec"]


def test_missing_values_of_pandas():
    frame = pd.DataFrame(
        {
            **POSITION,
            "a": pd.array([BIG, None], dtype="Int64"),
            "b": pd.array([True, None], dtype="boolean"),
            "c": pd.array([1.5, None], dtype="Float64"),
            "d": pd.Categorical(["x", None]),
            "e": ["x", None],
            "f": [1.5, np.nan],
        }
    )
    table = read_targets(frame).table
    assert table["a"].tolist() == [BIG, None]
    assert table["b"].tolist() == [True, None]
    assert table["d"].tolist() == ["x", None]
    assert table["e"].tolist() == ["x", None]
    for name in "cf":
        assert np.isnan(table[name]).tolist() == [False, True]
        assert not hasattr(table[name], "mask")


def test_polars():
    polars = pytest.importorskip("polars")
    pytest.importorskip("pyarrow")
    frame = polars.DataFrame({"objid": [BIG, 7], **POSITION, "t": ["a", None]})
    frame = frame.with_columns(c=polars.col("t").cast(polars.Categorical))
    targets = read_targets(frame)
    assert targets.names() == [str(BIG), "7"]
    assert targets.table["t"].tolist() == targets.table["c"].tolist() == ["a", None]


# --------------------------------------------------------------------------- record arrays

RECORDS = np.array(
    [(BIG, 20.5, 0.5, b" a "), (7, 20.75, -0.5, b"b")],
    dtype=[("objid", ">i8"), ("ra", ">f8"), ("dec", ">f4"), ("s", "S5")],
)


@pytest.mark.parametrize(
    "given", [RECORDS, RECORDS.view(np.recarray), RECORDS.astype(RECORDS.dtype)]
)
def test_record_arrays(given):
    targets = read_targets(given)
    assert targets.ra.tolist() == POSITION["ra"]
    assert targets.ra.dtype == np.float64
    assert targets.names() == [str(BIG), "7"]
    assert read_targets(given, names="s").names() == ["a", "b"]


def test_data_of_a_fits_table(tmp_path):
    table = Table({"objid": np.array([2**63 + 5, 3], np.uint64), **POSITION, "flag": [True, False]})
    table["n"] = MaskedColumn([1, 2], mask=[False, True])
    table["ra"] = (table["ra"] / 15).astype(np.float32)
    written = fits.BinTableHDU(table)
    written.columns["ra"].unit = "hours"
    written.writeto(tmp_path / "a.fits")
    with fits.open(tmp_path / "a.fits") as hdus:
        for given in (hdus[1].data, hdus[1], hdus[1].data[:]):
            targets = read_targets(given)
            assert targets.names() == [str(2**63 + 5), "3"]
            assert targets.ra.tolist() == pytest.approx(POSITION["ra"], abs=1e-5)
            assert targets.table["flag"].tolist() == [True, False]
            assert targets.table["n"].tolist() == [1, None]


def test_other_arrays_are_refused():
    with pytest.raises(
        TargetError, match=r"a record array of shape \(1, 2\) is not a list of targ"
    ):
        read_targets(RECORDS.reshape(1, 2))
    with pytest.raises(
        TargetError, match="targets of type ndarray are not understood; allowed are"
    ):
        read_targets(np.array([1.0, 2.0]))


def test_one_record_is_one_target(tmp_path):
    for record in (RECORDS[0], RECORDS.view(np.recarray)[0]):
        targets = read_targets(record)
        assert targets.scalar
        assert targets.names() == [str(BIG)]
    Table(RECORDS).write(tmp_path / "a.fits")
    with fits.open(tmp_path / "a.fits") as hdus:
        targets = read_targets(hdus[1].data[1])
        assert targets.scalar
        assert targets.ra.tolist() == [20.75]


def test_columns_of_text_are_lists_of_text():
    frame = pd.DataFrame({"where": ["150.0 2.2", "10:00:00 -02:12:00"]})
    for column in (frame["where"], Table.from_pandas(frame)["where"]):
        assert read_targets(column).dec.tolist() == pytest.approx([2.2, -2.2])
    with pytest.raises(TargetError, match="targets of type Series are not understood"):
        read_targets(pd.Series([1.0, 2.0]))
