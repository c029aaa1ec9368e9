"""SQL: identifiers to the last digit, and no error page taken for a table."""

from __future__ import annotations

import contextlib
import re

import astropy.units as u
import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import example, given

from sdss_cutout import QueryError, RequestError, SDSSCutouts
from sdss_cutout._transfer import sql as _catalog
from sdss_cutout.sandbox import SQL_FAULTS, Fault

QUERY = "SELECT TOP 5 objID, ra, dec, r FROM Galaxy WHERE r < 17"


@pytest.fixture
def client(sandbox):
    return SDSSCutouts(base_url=sandbox.base_url, max_attempts=1, timeout=5)


def test_columns_and_types(client):
    table = client.query_sql(QUERY)
    assert table.colnames == ["objID", "ra", "dec", "r"]
    assert table["objID"].dtype == np.uint64
    assert table["ra"].dtype.kind == "f"
    assert np.all(table["r"] < 17)


def test_identifiers_are_exact(client, sandbox):
    table = client.query_sql(QUERY)
    for row in table:
        truth = sandbox.sky.near(row["ra"], row["dec"], 1 / 3600)
        assert row["objID"] in truth["objid"]


def test_joins_and_functions(client):
    joined = client.query_sql(
        "SELECT TOP 5 p.objID, s.specObjID, p.ra, p.dec, s.z, s.class "
        "FROM PhotoObj p JOIN SpecObj s ON s.bestObjID = p.objID WHERE s.class = 'GALAXY'"
    )
    assert joined["specObjID"].dtype == np.uint64
    assert set(joined["class"]) == {"GALAXY"}
    near = client.query_sql(
        "SELECT p.objID, p.ra, p.dec FROM dbo.fGetNearbyObjEq(22.0, 0.5, 3) n "
        "JOIN PhotoObj p ON n.objID = p.objID"
    )
    assert len(near) > 1


def test_no_rows_are_an_empty_table(client, tmp_path):
    table = client.query_sql("SELECT objID, ra, dec FROM Galaxy WHERE r < -5")
    assert len(table) == 0
    assert table.colnames == ["objID", "ra", "dec"]
    report = client.download_sql("SELECT objID, ra, dec FROM Galaxy WHERE r < -5", tmp_path)
    assert len(report) == 0


@pytest.mark.parametrize("fault", SQL_FAULTS)
def test_every_form_of_error_is_an_error(client, sandbox, fault):
    sandbox.inject(Fault(fault, route="sql"))
    with pytest.raises(QueryError) as caught:
        client.query_sql(QUERY)
    message = str(caught.value)
    assert 5 < len(message) < 400
    assert "\n" not in message
    assert not re.search("<[a-z/!]", message)


def test_the_servers_words_are_kept(client, sandbox):
    sandbox.inject(Fault("sql_rate_limit", route="sql"))
    with pytest.raises(QueryError, match="Maximum 60 queries allowed per minute"):
        client.query_sql(QUERY)
    sandbox.reset()
    with pytest.raises(QueryError, match=r"(?i)nonsense"):
        client.query_sql("SELECT nonsense FROM Galaxy")


def test_an_overloaded_server_is_asked_again(sandbox, monkeypatch):
    sandbox.inject(Fault("service_unavailable", times=1, route="sql"))
    client = SDSSCutouts(base_url=sandbox.base_url, max_attempts=3)
    assert len(client.query_sql(QUERY)) == 5
    assert [record.status for record in sandbox.sql_requests] == [503, 200]


def test_an_error_in_the_query_is_not_asked_again(sandbox):
    with pytest.raises(QueryError):
        SDSSCutouts(base_url=sandbox.base_url).query_sql("SELECT nonsense FROM Galaxy")
    assert len(sandbox.sql_requests) == 1


def test_a_server_that_never_answers(sandbox):
    sandbox.inject(Fault("silence", route="sql"))
    client = SDSSCutouts(base_url=sandbox.base_url, timeout=0.5, max_attempts=1)
    with pytest.raises(QueryError, match=r"no whole answer came within 0\.5 s"):
        client.query_sql(QUERY)


@pytest.mark.parametrize("sql", ["", "  ", None, 5, "-- only a comment", "/* a */ ;\n", ";"])
def test_what_is_no_query_is_refused(client, sandbox, sql):
    with pytest.raises(QueryError, match="is not an SQL query"):
        client.query_sql(sql)
    assert not sandbox.requests


def test_the_real_servers_answers(shared_data):
    text = (shared_data / "responses" / "hubblevision_sdss_data_dr18.csv").read_text()
    table = _catalog._table(text)
    assert table["objID"][0] == 1237648704585662641
    assert table["objID"].dtype == np.uint64
    assert table["zErr"][0] == pytest.approx(3.49601e-05)
    other = _catalog._table((shared_data / "responses" / "astroquery_xid_im.txt").read_text())
    assert other["objid"][0] == 1237653651835781245


@example(b"\x00")
@given(st.one_of(st.binary(max_size=400), st.text(max_size=200).map(str.encode)))
def test_any_answer_is_a_table_or_a_query_error(content):
    if words := _catalog._error_page(content):
        assert words.isprintable()
        return
    with contextlib.suppress(QueryError):
        assert len(_catalog._table(content.decode("utf-8", "replace")).colnames) >= 1


CLEANED = [
    ("-- bright\nSELECT 1 -- Petrosian?\nFROM t;\n", "SELECT 1 FROM t"),
    ("SELECT 'a--b', \"c--d\", [e--f] ; ;", "SELECT 'a--b', \"c--d\", [e--f]"),
    ("SELECT 'it''s -- ;' ;", "SELECT 'it''s -- ;'"),
    ("/* a /* nested */ b */SELECT 1/2-3", "SELECT 1/2-3"),
    ("SELECT '/*' AS x /* y */", "SELECT '/*' AS x"),
    ("SELECT\r\n\n\t1", "SELECT 1"),
    ("\ufeffSELECT 1", "SELECT 1"),
    ("SELECT 'a;b';", "SELECT 'a;b'"),
    ("SELECT 1; SELECT 2;", "SELECT 1; SELECT 2"),
    ("SELECT a-b, -c FROM t", "SELECT a-b, -c FROM t"),
    ("SELECT 'open -- ;", "SELECT 'open --"),
]


@pytest.mark.parametrize(("sql", "cleaned"), CLEANED)
def test_a_query_as_pasted_is_cleaned(sql, cleaned):
    assert _catalog.clean_sql(sql) == cleaned
    assert _catalog.clean_sql(cleaned) == cleaned


@given(st.text("a'\"[]-/*; \n", max_size=20))
def test_cleaning_keeps_quotes_and_ends(sql):
    cleaned = _catalog.clean_sql(f"{sql}")
    assert not cleaned.endswith((";", " ", "\n"))
    assert _catalog.clean_sql(f"-- it's\n/* \"[ */{sql};") == cleaned


@pytest.mark.parametrize(
    "sql",
    [
        f"-- bright ones\n{QUERY} -- Petrosian?",
        f"{QUERY};\n",
        f"/* two\n   lines */\n{QUERY}\n;\n",
        QUERY + " AND 'a--b' = 'a--b'",
        QUERY.replace(" ", "\n"),
    ],
)
def test_queries_as_pasted_are_answered(client, sql):
    assert len(client.query_sql(sql)) == 5


def test_columns_of_an_answer():
    table = _catalog._table(
        "#Table1\nobjID,ra,thingId,parentID,z,plate,class,bestObjID,mixed\n"
        "1237646648345100821,1.5,-1,0,,266,STAR,1237646648345100822,1237646648345100823\n"
        "18446744073709551615,2,-9999,1237646648345100821,0.5,null,,,1.5\n"
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


def test_a_missing_radius_never_becomes_a_scale(client):
    sql = (
        "SELECT TOP 400 p.objID, p.ra, p.dec, 100 * s.z AS r90 FROM PhotoObj p "
        "LEFT JOIN SpecObj s ON s.bestObjID = p.objID WHERE p.r < 17"
    )
    table = client.query_sql(sql)
    missing = np.isnan(table["r90"])
    good = ~missing & (table["r90"] > 0.75) & (table["r90"] < 900)
    rows = [np.flatnonzero(good)[0], np.flatnonzero(missing)[0]]
    two = table[rows]
    for scale in (
        0.02 * two["r90"] * u.arcsec / u.pix,
        0.02 * two["r90"].quantity * u.arcsec / u.pix,
    ):
        with pytest.raises(RequestError, match=r"^target 1: scale = nan arcsec/pix is outside"):
            client.url(two, scale=scale)
