"""SQL by both routes, through astroquery too."""

import csv
import io
import time

import numpy as np
import pytest
from astroquery.exceptions import RemoteServiceError
from astroquery.sdss import SDSS, conf

from sdss_cutout.sandbox.database import Catalogue, QueryTooLongError
from sdss_cutout.sandbox.sky import Sky


@pytest.fixture
def query(sandbox):
    """astroquery's own way to the sandbox."""
    with conf.set_temp("skyserver_baseurl", sandbox.base_url):
        yield lambda command, **options: SDSS.query_sql(command, cache=False, **options)


def rows(answer):
    assert answer.status_code == 200
    first, rest = answer.text.split("\n", 1)
    assert first == "#Table1"
    return list(csv.DictReader(io.StringIO(rest)))


def test_identifiers_come_exactly(sandbox, query):
    table = query("SELECT TOP 50 objID, ra, dec FROM Galaxy WHERE r < 17")
    assert len(table) == 50
    assert table["objID"].dtype == np.uint64
    for row in table[:5]:
        nearest = sandbox.sky.near(row["ra"], row["dec"], 0.001)[0]
        assert nearest["objid"] == row["objID"]
        assert nearest["kind"] == "galaxy"


@pytest.mark.parametrize("release", [8, 10, 12, 17, 19])
def test_every_release_that_astroquery_knows_a_path_for(query, release):
    assert len(query("select top 2 ra from Star", data_release=release)) == 2


def test_join_of_photometry_and_spectra(query):
    table = query(
        "SELECT TOP 20 p.objid, p.z AS magnitude, s.z, s.class, s.specobjid -- both have a z\n"
        "FROM PhotoObj AS p JOIN SpecObj AS s ON s.bestobjid = p.objid\n"
        "WHERE s.class = 'galaxy' AND s.z BETWEEN 0.05 AND 0.1 ORDER BY s.z DESC"
    )
    assert table.colnames == ["objid", "magnitude", "z", "class", "specobjid"]
    assert set(table["class"]) == {"GALAXY"}
    assert (np.diff(table["z"]) <= 0).all()
    assert table["z"].min() >= 0.05
    assert table["specobjid"].dtype == np.uint64


@pytest.mark.parametrize("place", [(19.02, -0.01), (200.0, 40.0), (359.999, 0.2), (40.0, 89.95)])
def test_nearby_objects_anywhere(sandbox, query, place):
    ra, dec = place
    table = query(
        f"SELECT p.objID, p.ra, p.dec, n.distance FROM dbo.fGetNearbyObjEq({ra},{dec},3) n "
        "JOIN PhotoObj p ON n.objID = p.objID"
    )
    truth = sandbox.sky.near(ra, dec, 3 / 60)
    assert set(table["objID"]) == set(truth["objid"])
    assert table["distance"].max() < 3
    nearest = query(f"SELECT * FROM fGetNearestObjEq({ra}, {dec}, 3)")
    assert nearest["objID"] == truth["objid"][0]


def test_what_one_query_pulls_in_does_not_show_in_the_next(ask):
    count = rows(ask.sql("SELECT count(*) AS n FROM PhotoObj"))
    inside = rows(
        ask.sql(
            "SELECT count(*) AS n FROM dbo.fGetNearbyObjEq(200,40,3) f "
            "JOIN PhotoObj p ON p.objid = f.objid"
        )
    )
    assert int(inside[0]["n"]) > 0
    assert rows(ask.sql("SELECT count(*) AS n FROM PhotoObj")) == count


def test_the_tables_hold_a_deep_patch_and_the_bright_sky(query):
    assert len(query("SELECT TOP 9999 ra FROM Galaxy WHERE r < 17 AND ra BETWEEN 15 AND 20")) > 100
    polar = query("SELECT ra, dec FROM PhotoPrimary WHERE dec > 89")
    assert len(polar) >= 2
    assert len(query("SELECT ra FROM Star WHERE ra > 359.9 OR ra < 0.1")) >= 2


def test_columns_are_called_as_they_were_written(ask):
    names = list(rows(ask.sql("SELECT TOP 1 p.OBJID, p.[ra], dec AS y, count(*) FROM Star p"))[0])
    assert names == ["OBJID", "ra", "y", "Column4"]
    names = list(rows(ask.sql("SELECT p.z, s.z FROM SpecObj s, PhotoObj p WHERE 1 = 1 AND "
                              "s.bestobjid = p.objid"))[0])  # fmt: skip
    assert names == ["z", "z1"]


def test_top_in_a_subquery(ask):
    assert len(rows(ask.sql("SELECT q.ra FROM (SELECT TOP 7 ra FROM Star) q"))) == 7


def test_json_keeps_whole_numbers(ask):
    (table,) = ask.sql("SELECT TOP 3 objid, ra FROM dbo.Star WITH (NOLOCK)", "json").json()
    assert table["TableName"] == "Table1"
    assert all(isinstance(row["objid"], int) for row in table["Rows"])


def test_no_rows_is_an_empty_table(ask, query):
    assert rows(ask.sql("SELECT ra FROM Star WHERE r > 50")) == []
    assert query("SELECT ra FROM Star WHERE r > 50") is None


REFUSED = {
    "delete": "DELETE FROM PhotoObj",
    "semicolon": "SELECT TOP 1 ra FROM Star; SELECT 1",
    "brackets": "SELECT TOP (5) ra FROM Star",
    "too many": "SELECT TOP 500001 ra FROM Star",
}


@pytest.mark.parametrize("command", REFUSED.values(), ids=REFUSED)
def test_what_the_rules_forbid_is_an_error_message(ask, query, command):
    (row,) = rows(ask.sql(command))
    assert list(row) == ["error_message"]
    with pytest.raises(RemoteServiceError, match="error_message"):
        query(command)


@pytest.mark.parametrize(
    "command",
    [
        "SELECT nothing FROM Star",
        "SELECT ra FRM Star",
        "SELECT ra INTO mydb.x FROM Star",
        "SELECT load_extension('x')",
        "SELECT ra FROM fGetNearbyObjEq(1, 2)",
    ],
)
def test_what_the_database_does_not_understand(ask, command):
    answer = ask.sql(command)
    assert answer.status_code == 500
    assert answer.json()["ErrorType"] == "InternalServerError"
    page = ask.session.get(
        ask.sandbox.base_url + "/dr17/en/tools/search/x_results.aspx",
        params={"cmd": command, "format": "csv", "searchtool": "SQL"},
    )
    assert page.status_code == 200
    assert "<title>Skyserver Error</title>" in page.text


def test_other_formats_are_refused(ask):
    assert ask.sql("SELECT 1", "fits").status_code == 400


def test_a_query_that_takes_too_long_is_stopped():
    catalogue = Catalogue(Sky(), time_limit=0.05)
    catalogue.run("SELECT 1", [], 1)
    start = time.monotonic()
    with pytest.raises(QueryTooLongError, match="time limit"):
        catalogue.run("SELECT count(*) FROM Star a, Star b, Star c WHERE a.ra > b.ra", [], 1)
    assert time.monotonic() - start < 10
    assert catalogue.run("SELECT 1 AS x", [], 1) == (["x"], [(1,)])
    catalogue.close()
