"""SQL: identifiers to the last digit, and no error page taken for a table."""

from __future__ import annotations

import re
import threading
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import astropy.units as u
import astroquery.sdss
import numpy as np
import pytest
from astropy.coordinates import SkyCoord

from sdss_cutout import QueryError, RequestError, SDSSCutouts
from sdss_cutout._request.site import check_site
from sdss_cutout._transfer.classify import Response
from sdss_cutout._transfer.fetch import FetchSettings
from sdss_cutout._transfer.session import Session
from sdss_cutout._transfer.sql import query as _sql
from sdss_cutout.sandbox import SQL_FAULTS, Fault, Sandbox

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


@pytest.mark.parametrize("sql", ["", "  ", None, 5, "-- only a comment", "/* a */ ;\n", ";"])
def test_what_is_no_query_is_refused(client, sandbox, sql):
    with pytest.raises(QueryError, match="is not an SQL query"):
        client.query_sql(sql)
    assert not sandbox.requests


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


# ----------------------------------------------------------------------- others are left alone


def test_astroquerys_settings_stay_as_they_are_while_a_query_runs(sandbox):
    sandbox.inject(Fault("delay", route="sql", seconds=0.3))
    client = SDSSCutouts(base_url=sandbox.base_url)
    before = (astroquery.sdss.conf.skyserver_baseurl, astroquery.cache_conf.cache_active)
    seen = set()
    with ThreadPoolExecutor(1) as thread:
        query = thread.submit(client.query_sql, QUERY)
        while not query.done():
            seen.add((astroquery.sdss.conf.skyserver_baseurl, astroquery.cache_conf.cache_active))
    assert len(query.result()) == 5
    assert seen == {before}


def test_other_threads_queries_go_to_their_server(sandbox):
    with Sandbox() as theirs, astroquery.sdss.conf.set_temp("skyserver_baseurl", theirs.base_url):
        sandbox.inject(Fault("delay", route="sql", seconds=1))
        client = SDSSCutouts(base_url=sandbox.base_url)
        with ThreadPoolExecutor(1) as thread:
            thread.submit(client.query_sql, QUERY)
            while not sandbox.requests:
                threading.Event().wait(0.01)
            astroquery.sdss.SDSS.query_sql(QUERY, cache=False)
        assert len(theirs.sql_requests) == len(sandbox.sql_requests) == 1


def test_queries_run_at_the_same_time():
    all_sent = threading.Barrier(4, timeout=30)

    class Transport:
        def send(self, url, request, deadline, auth):
            all_sent.wait()
            return Response(status=200, content=b"objID,ra\n5,1.5\n")

    session = Session(transport=Transport())
    settings = FetchSettings(max_connections=8, max_rate=1e6, max_attempts=1, timeout=5.0)
    site = check_site("http://sky.example", 17)
    with ThreadPoolExecutor(4) as threads:
        queries = [threads.submit(session.query_sql, QUERY, site, settings) for _ in range(4)]
    assert [query.result()["objID"][0] for query in queries] == [5] * 4


def test_sixty_queries_a_minute_and_pictures_do_not_wait(sandbox, monkeypatch):
    monkeypatch.setattr(_sql, "_budgets", {})
    budget = _sql._budget_of(check_site(sandbox.base_url, 17))
    assert budget is _sql._budget_of(check_site(sandbox.base_url, 16))
    assert budget is not _sql._budget_of(check_site("http://127.0.0.1:9", 17))
    running = threading.Event()
    for _ in range(59):
        budget.wait(running)
    client = SDSSCutouts(base_url=sandbox.base_url, max_connections=1, show_progress=False)
    assert len(client.query_sql(QUERY)) == 5
    waiting = threading.Thread(target=client.query_sql, args=(QUERY,), daemon=True)
    waiting.start()
    assert client.get(SkyCoord(20, 0, unit="deg"), size=64).status == "ok"
    waiting.join(0.3)
    assert waiting.is_alive()
    assert len(sandbox.sql_requests) == 1
    monkeypatch.setattr(budget, "_period", 0.0)
    budget.wake()
    waiting.join(10)
    assert len(sandbox.sql_requests) == 2


def test_a_query_asks_as_astroquery_does(sandbox, monkeypatch):
    with Sandbox() as theirs:
        monkeypatch.setattr(astroquery.sdss.conf, "skyserver_baseurl", theirs.base_url)
        astroquery.sdss.SDSS.query_sql(QUERY, data_release=16, cache=False)
        [asked] = theirs.sql_requests
    SDSSCutouts(16, base_url=sandbox.base_url).query_sql(QUERY)
    [ours] = sandbox.sql_requests
    expected = asked.query | {"cmd": asked.query["cmd"].strip()}
    assert (ours.path, ours.query) == (asked.path, expected)


@pytest.mark.parametrize("release", [8, 10, 12])
def test_older_releases_have_paths_of_their_own(release):
    url = _sql.query_request("SELECT 1", check_site("http://sky.example", release)).url
    astroquery_url = astroquery.sdss.SDSSClass()._get_query_url(release)
    assert url.startswith(f"http://sky.example{urlsplit(astroquery_url).path}?")


def test_long_queries_are_posted(sandbox):
    client = SDSSCutouts(base_url=sandbox.base_url)
    numbers = ", ".join(map(str, range(1, 20_000)))
    table = client.query_sql(f"{QUERY} AND objID NOT IN ({numbers})")
    assert len(table) == 5
    client.query_sql(QUERY)
    assert [record.method for record in sandbox.sql_requests] == ["POST", "GET"]


def test_a_redirect_of_a_query_to_another_port_is_not_followed(sandbox):
    with Sandbox() as other:
        location = f"{other.base_url}/dr17/elsewhere"
        sandbox.inject(Fault("redirect_elsewhere", route="sql", location=location))
        with pytest.raises(QueryError, match="which is not followed"):
            SDSSCutouts(base_url=sandbox.base_url, max_attempts=1).query_sql(QUERY)
        assert not other.requests
