"""SQL by both routes, through astroquery too."""

import csv
import io
import re
import time
from xml.etree import ElementTree

import numpy as np
import pytest
import requests
from astroquery.exceptions import RemoteServiceError
from astroquery.sdss import SDSS, conf

from sdss_cutout.sandbox import Sandbox
from sdss_cutout.sandbox.sky.objects import Sky
from sdss_cutout.sandbox.sql import scope
from sdss_cutout.sandbox.sql.catalogue import Catalogue, QueryTooLongError

from .conftest import Asker


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


FIELDS = {
    "(180, +40)": (180.0, 40.0),
    "Stripe 82": (20.1, -0.1),
    "across two declinations' cells": (197.61, 18.5),
    "edge of the footprint": (10.0, -11.5),
    "high declination": (258.25, 64.05),
    "near the pole": (77.0, 89.7),
}


@pytest.mark.parametrize("place", FIELDS.values(), ids=FIELDS)
def test_sql_gives_exactly_what_pictures_draw(sandbox, query, place):
    ra, dec = place
    half = 0.1 / np.cos(np.radians(dec))
    truth = sandbox.sky.near(ra, dec, 0.16)
    inside = (np.abs(truth["ra"] - ra) <= half) & (np.abs(truth["dec"] - dec) <= 0.1)
    table = query(
        f"SELECT objID, ra, dec FROM PhotoObj WHERE ra BETWEEN {ra - half} AND {ra + half} "
        f"AND dec BETWEEN {dec - 0.1} AND {dec + 0.1}"
    )
    assert len(table) > 50
    assert sorted(table["objID"]) == sorted(truth["objid"][inside])
    circle = query(f"SELECT n.objID FROM dbo.fGetNearbyObjEq({ra}, {dec}, 6) n")
    assert set(table["objID"]) >= set(circle["objID"])
    rectangle = f"{ra - half}, {dec - 0.1}, {ra + half}, {dec + 0.1}"
    found = query(f"SELECT objID FROM fGetObjFromRectEq({rectangle})")
    assert sorted(found["objID"]) == sorted(table["objID"])
    galaxies = sandbox.sky.near(ra, dec, 0.05, limit=20)
    by_distance = query(
        "SELECT objID FROM PhotoObj "
        f"WHERE dbo.fDistanceArcMinEq({ra}, {dec}, ra, dec) < 3 AND r < 20"
    )
    assert sorted(by_distance["objID"]) == sorted(galaxies["objid"])


def test_across_ra_0(sandbox, query):
    table = query(
        "SELECT objID FROM Star WHERE (ra > 359.95 OR ra < 0.05) AND abs(dec - 15) < 0.05"
    )
    truth = sandbox.sky.near(0, 15, 0.1)
    near = (np.minimum(truth["ra"], 360 - truth["ra"]) < 0.05) & (np.abs(truth["dec"] - 15) < 0.05)
    assert sorted(table["objID"]) == sorted(truth["objid"][near & (truth["kind"] == "star")])
    assert len(table) > 5


def test_by_identifier(sandbox, query):
    near = sandbox.sky.near(180, 40, 0.2)
    galaxy = near[near["specobjid"] > 0][0]
    (row,) = query(f"SELECT * FROM PhotoObj WHERE objID = {galaxy['objid']}")
    assert row["ra"] == pytest.approx(galaxy["ra"], abs=1e-12)
    assert row["specObjID"] == galaxy["specobjid"]
    (spectrum,) = query(f"SELECT * FROM SpecObj WHERE specObjID = {row['specObjID']}")
    assert spectrum["bestObjID"] == galaxy["objid"]
    conditions = [f"{name} = {spectrum[name]}" for name in ("plate", "mjd", "fiberID")]
    (same,) = query(f"SELECT bestObjID FROM SpecObj WHERE {' AND '.join(conditions)}")
    assert same["bestObjID"] == galaxy["objid"]
    conditions = [f"{name} = {row[name]}" for name in ("run", "camcol", "field", "obj")]
    (same,) = query(f"SELECT objID FROM PhotoObj WHERE {' AND '.join(conditions)}")
    assert same["objID"] == galaxy["objid"]


def test_the_bright_sky_is_read_everywhere(sandbox, query):
    table = query("SELECT objID FROM PhotoPrimary WHERE r < 13.5 AND dec > 20")
    bright = sandbox.sky.bright.table
    truth = bright["objid"][(bright["r"] < 13.5) & (bright["dec"] > 20)]
    assert sorted(table["objID"]) == sorted(truth)
    assert len(table) > 1000


def test_without_a_position_a_patch_is_read_and_the_answer_says_so(ask):
    answer = ask.sql("SELECT min(ra) AS a, max(ra) AS b, min(dec) AS c FROM Galaxy WHERE r > 14")
    (row,) = rows(answer)
    assert (float(row["a"]), float(row["b"])) == pytest.approx((15, 30), abs=0.01)
    assert float(row["c"]) == pytest.approx(-1.25, abs=0.01)
    assert answer.headers["Sandbox-Scope"] == "ra 15 to 30, dec -1.25 to 1.25, and all with r < 14"
    assert "Sandbox-Scope" not in ask.sql("SELECT ra FROM Star WHERE ra < .1 AND dec < .1").headers


def test_a_sample_of_what_is_too_wide_is_read_and_the_answer_says_so(ask, monkeypatch):
    monkeypatch.setattr(scope, "MOST_CELLS", 4)
    answer = ask.sql("SELECT TOP 9 ra, dec FROM Galaxy WHERE dec > 40 AND r BETWEEN 17 AND 19")
    assert len(rows(answer)) == 9
    assert all(float(row["dec"]) > 40 for row in rows(answer))
    assert re.fullmatch(r"1 of \d{4} square degrees", answer.headers["Sandbox-Scope"])


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


def test_too_many_queries_in_a_minute():
    with Sandbox(queries_per_minute=2) as sandbox, requests.Session() as session:
        ask = Asker(sandbox, session)
        assert rows(ask.sql("SELECT 1 AS x")) == rows(ask.sql("SELECT 1 AS x")) == [{"x": "1"}]
        (row,) = rows(ask.sql("SELECT 2 AS x"))
        assert row["error_message"] == (
            "ERROR: Maximum 60 queries allowed per minute. Rejected query: SELECT 2 AS x"
        )
        assert ask.sql("SELECT 2 AS x", "json").json()[0]["Rows"] == [
            {"error_message": row["error_message"]}
        ]
        assert ask.picture(ra=20, dec=0).status_code == 200


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


def test_forms_of_answers(ask):
    command = "SELECT TOP 2 r, type FROM Star WHERE ra < 0.1 AND dec < 0.1"
    truth = [{"r": float(row["r"]), "type": 6} for row in rows(ask.sql(command))]
    assert ask.sql(command, "json").json()[0]["Rows"] == truth
    assert ask.sql(command, None).json()[0]["Rows"] == truth  # without a form, too
    assert ask.sql(command, "nonsense").json()[0]["Rows"] == truth
    items = ElementTree.fromstring(ask.sql(command, "xml").text).iter("Item")
    assert [float(item.text) for item in items] == [v for row in truth for v in row.values()]
    page = ask.sql(command, "html")
    assert page.headers["Content-Type"].startswith("text/html")
    assert page.text.count("<tr") == 3
    assert ask.sql(command, "fits").status_code == 400


def test_a_query_that_takes_too_long_is_stopped():
    catalogue = Catalogue(Sky(), time_limit=0.05)
    catalogue.run("SELECT 1")
    start = time.monotonic()
    with pytest.raises(QueryTooLongError, match="time limit"):
        catalogue.run("SELECT count(*) FROM Star a, Star b, Star c WHERE a.g > b.g")
    assert time.monotonic() - start < 10
    assert catalogue.run("SELECT 1 AS x").rows == [(1,)]
    catalogue.close()
