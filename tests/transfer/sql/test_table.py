"""CSV that answers a query: identifiers to the last digit, and no error taken for a table."""

from __future__ import annotations

import contextlib

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import example, given

from sdss_cutout import QueryError
from sdss_cutout._transfer.classify import Kind, Response
from sdss_cutout._transfer.sql.query import classify_table
from sdss_cutout._transfer.sql.table import read_table

LARGE = 2**63 + 12345


def table_of(*rows, header="objID,ra"):
    return read_table("\n".join(["#Table1", header, *rows]).encode())


def test_identifiers_are_exact_and_without_a_sign():
    table = table_of(f"{LARGE},1.5", "1237648704585662641,2.5")
    assert table["objID"].tolist() == [LARGE, 1237648704585662641]
    assert table["objID"].dtype == np.uint64
    assert table_of("12,1.5")["objID"].dtype == np.uint64


@pytest.mark.parametrize("name", ["objID", "specObjID", "plateID", "id", "bestObjID"])
def test_signed_identifiers_stay_signed(name):
    table = table_of("-1,1.5", "1237648704585662641,2.5", header=f"{name},ra")
    assert table[name].tolist() == [-1, 1237648704585662641]


def test_numbers_with_a_fraction_stay_what_they_are():
    table = table_of("12.7,1.5", "3,2.5", header="id,ra")
    assert table["id"].tolist() == [12.7, 3.0]


def test_what_no_integer_type_holds_stays_text():
    assert table_of("-1,1.5", f"{LARGE},2.5")["objID"].tolist() == ["-1", str(LARGE)]
    assert table_of(f"{2**64},1.5")["objID"].tolist() == [str(2**64)]


def test_large_numbers_of_any_name_are_exact():
    table = table_of(f"{LARGE},7", f"8,{LARGE}", header="mask,other")
    assert table["mask"].tolist() == [LARGE, 8]
    assert table["other"].tolist() == [7, LARGE]


def test_missing_identifiers_are_masked():
    for missing in ("", "null"):
        table = table_of(f"{LARGE},1.5", f"{missing},2.5")
        assert table["objID"].tolist() == [LARGE, None]
        assert table["objID"].dtype == np.uint64
        assert table_of("5,1.5", f"{missing},2.5")["objID"].tolist() == [5, None]


def test_columns_of_an_answer():
    table = read_table(
        b"#Table1\nobjID,ra,thingId,parentID,z,plate,class,bestObjID,mixed\n"
        b"1237646648345100821,1.5,-1,0,,266,STAR,1237646648345100822,1237646648345100823\n"
        b"18446744073709551615,2,-9999,1237646648345100821,0.5,null,,,1.5\n"
    )
    assert table["objID"].tolist() == [1237646648345100821, 2**64 - 1]
    assert table["thingId"].tolist() == [-1, -9999]
    assert table["parentID"].tolist() == [0, 1237646648345100821]
    assert np.isnan(table["z"]).tolist() == [True, False]
    assert not hasattr(table["z"], "mask")
    assert table["plate"].tolist() == [266, None]
    assert table["class"].tolist() == ["STAR", None]
    assert table["bestObjID"].tolist() == [1237646648345100822, None]
    assert table["mixed"].tolist() == ["1237646648345100823", "1.5"]
    assert {table[name].dtype.kind for name in ("objID", "bestObjID")} == {"u"}


def test_text_stays_text():
    table = table_of("GALAXY,007", "STAR,x", header="class,id")
    assert table["class"].tolist() == ["GALAXY", "STAR"]
    assert table["id"].tolist() == ["007", "x"]


def test_no_rows():
    table = table_of()
    assert (len(table), table.colnames) == (0, ["objID", "ra"])


def test_bytes_that_are_not_utf_8():
    assert read_table(b"name,ra\ncaf\xe9,1\n")["name"][0] == "caf\xe9"


def test_the_real_servers_answers(shared_data):
    table = read_table((shared_data / "responses" / "hubblevision_sdss_data_dr18.csv").read_bytes())
    assert table["objID"][0] == 1237648704585662641
    assert table["objID"].dtype == np.uint64
    assert table["zErr"][0] == pytest.approx(3.49601e-05)
    other = read_table((shared_data / "responses" / "astroquery_xid_im.txt").read_bytes())
    assert other["objid"][0] == 1237653651835781245


@example(b"\x00")
@given(st.one_of(st.binary(max_size=400), st.text(max_size=200).map(str.encode)))
def test_any_answer_is_a_table_or_a_query_error(content):
    answer = classify_table(None, Response(status=200, content=content))
    if answer.kind is not Kind.OK:
        assert answer.message.isprintable()
        return
    with contextlib.suppress(QueryError):
        assert len(read_table(content).colnames) >= 1


@given(st.lists(st.integers(-(2**63), 2**64 - 1), min_size=1, max_size=8))
def test_integers_are_what_was_sent(values):
    table = table_of(*(f"{value},1.5" for value in values))
    assert [int(value) for value in table["objID"]] == values
