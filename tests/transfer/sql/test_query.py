"""SQL: identifiers to the last digit, and no error page taken for a table."""

from __future__ import annotations

import re

import numpy as np
import pytest

from sdss_cutout import QueryError, SDSSCutouts
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
    with pytest.raises(QueryError, match=r"the response was incomplete after 0\.5 s"):
        client.query_sql(QUERY)


@pytest.mark.parametrize("sql", ["", "  ", None, 5])
def test_what_is_no_query_is_refused(client, sandbox, sql):
    with pytest.raises(QueryError, match="is not an SQL query"):
        client.query_sql(sql)
    assert not sandbox.requests
