"""The client on the simulated server."""

from __future__ import annotations

import concurrent.futures

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.table import QTable, Table

import sdss_cutout
from sdss_cutout import (
    CutoutList,
    OutsideFootprintError,
    QueryError,
    RequestError,
    SDSSCutouts,
    ServiceError,
    TargetError,
    conf,
)
from sdss_cutout.sandbox import Fault

HERE = SkyCoord(19.023342, -0.014911, unit="deg")
MILKY_WAY = SkyCoord(86.4, 28.9, unit="deg")
SCALE = 0.3 * u.arcsec / u.pix


def test_one_target(client, sandbox):
    cutout = client.get(HERE, scale=SCALE, size=180)
    assert (cutout.name, cutout.status, cutout.attempts) == ("J011605.60-000053.6", "ok", 1)
    assert cutout.data.shape == (180, 180, 3)
    assert cutout.data.dtype == np.uint8
    assert cutout.content.startswith(b"\xff\xd8")
    assert cutout.coord.separation(HERE) < 1e-6 * u.arcsec
    assert cutout.wcs.array_shape == (180, 180)
    [sent] = sandbox.requests
    assert sent.query == {
        "ra": "19.023342", "dec": "-0.014911", "scale": "0.3", "width": "180", "height": "180",
    }  # fmt: skip
    assert sent.path == "/dr17/SkyServerWS/ImgCutout/getjpeg"


def test_a_rectangle_is_as_wide_and_high_as_asked(client):
    cutout = client.get(HERE, width=300, height=120)
    assert cutout.data.shape == (120, 300, 3)
    assert cutout.wcs.pixel_shape == (300, 120)


def test_simulated_pictures_say_so(client):
    cutout = client.get(HERE, size=64)
    assert "SIMULATED" in cutout.header["ORIGIN"]
    assert b"SIMULATED" in cutout.content


def test_a_single_target_outside_raises(client):
    with pytest.raises(OutsideFootprintError, match=r"J054536.00\+285400.0: no SDSS imaging here"):
        client.get(MILKY_WAY)


def test_a_single_failure_raises_with_all_that_is_known(client, sandbox):
    sandbox.inject(Fault("bad_request"))
    with pytest.raises(ServiceError, match="400") as caught:
        client.get(HERE)
    error = caught.value
    assert (error.status, error.attempts) == (400, 1)
    assert error.url == sandbox.base_url + error.url.removeprefix(sandbox.base_url)
    assert "ra=19.023342" in error.url


def test_a_list_reports_instead(client, sandbox):
    sandbox.inject(Fault("bad_request", match="ra=21.0"))
    targets = Table({"id": ["x", "y", "z"], "ra": [20.0, 21, 86.4], "dec": [0, 0, 28.9]})
    targets["mass"] = [1.0, 2.0, 3.0] * u.Msun
    cutouts = client.get(targets)
    assert isinstance(cutouts, CutoutList)
    assert [c.status for c in cutouts] == ["ok", "failed", "outside"]
    table = cutouts.table
    assert table.colnames == [
        "id", "ra", "dec", "mass", "name", "status", "path", "sidecar", "url", "width", "height",
        "scale", "coverage", "nbytes", "sha256", "attempts", "error",
    ]  # fmt: skip
    assert list(table["name"]) == ["x", "y", "z"]
    assert table["mass"].unit == u.Msun
    assert list(cutouts.failed["name"]) == ["y"]
    assert table["coverage"][0] == 1
    assert table["coverage"][2] == 0
    assert np.isnan(table["coverage"][1])


def test_a_list_of_one_is_a_list(client):
    assert len(client.get(SkyCoord([20.0], [0.0], unit="deg"), size=64)) == 1


def test_an_empty_list_is_an_empty_result(client, sandbox, tmp_path):
    nothing = Table({"ra": [], "dec": []})
    assert len(client.get(nothing)) == 0
    report = client.download(nothing, tmp_path)
    assert len(report) == len(report.table) == 0
    assert not sandbox.requests


def test_an_input_column_with_our_name_is_kept(client, tmp_path):
    targets = Table({"name": ["a"], "ra": [20.0], "dec": [0.0], "status": ["dull"]})
    table = client.download(targets, tmp_path, size=64).table
    assert table["input_status"][0] == "dull"
    assert table["input_name"][0] == "a"
    assert table["status"][0] == "ok"


def test_a_row_is_one_target(client):
    table = QTable({"name": ["a", "b"], "pos": SkyCoord([20, 21], [0, 0], unit="deg")})
    cutout = client.get(table[1], size=64)
    assert (cutout.name, cutout.coord.ra.deg) == ("b", 21)


def test_sizes_from_the_catalogues_own_columns(client):
    table = client.query_sql("SELECT TOP 4 objID, ra, dec, petroR90_r FROM Galaxy WHERE r < 17")
    scale = 0.02 * table["petroR90_r"] * u.arcsec / u.pix
    found = client.get(table, scale=scale, size=100).table
    assert found["scale"] == pytest.approx(np.round(0.02 * table["petroR90_r"], 10))


def test_settings_are_read_at_call_time(sandbox):
    client = SDSSCutouts()
    with conf.set_temp("base_url", sandbox.base_url), conf.set_temp("data_release", 15):
        client.get(HERE, size=64)
    assert sandbox.requests[0].path.startswith("/dr15/")
    assert client.url(HERE).startswith("https://skyserver.sdss.org/dr17/")


def test_the_user_agent_says_what_and_which_version(client, sandbox):
    client.get(HERE, size=64)
    client.query_sql("SELECT TOP 1 ra, dec FROM Star")
    for record in sandbox.requests:
        assert record.user_agent.startswith("sdss_cutout/")
        assert "python-requests/" in record.user_agent


def test_overlays_and_marks_reach_the_server(client, sandbox):
    client.get(HERE, size=64, overlays=["grid", "L"], mark="SR(10,20)")
    client.get(HERE, size=64, mark=SkyCoord([19.02, 19.03], [0, -0.01], unit="deg"))
    assert sandbox.requests[0].query["opt"] == "GL"
    assert sandbox.requests[0].query["query"] == "SR(10,20)"
    assert sandbox.requests[1].query["query"] == "ra dec\n19.02 0.0\n19.03 -0.01"


@pytest.mark.parametrize(
    ("targets", "options", "message"),
    [
        ({"ra": [20.0, np.nan], "dec": [0.0, 0]}, {}, "target 1: ra = nan is missing"),
        ({"ra": [20.0, 21], "dec": [0.0, 91]}, {}, "target 1: dec = 91.0 deg is outside -90..90"),
        ({"x": [20.0], "y": [0.0]}, {}, "no coordinates in the table"),
        ({"ra": [20.0], "dec": [0.0]}, {"scale": 0.3}, "scale = 0.3 has no unit"),
        ({"ra": [20.0], "dec": [0.0]}, {"size": 63}, "width = 63 pix is outside 64..2048"),
        ({"ra": [20.0], "dec": [0.0]}, {"size": 2049}, "width = 2049 pix is outside 64..2048"),
        ({"ra": [20.0], "dec": [0.0]}, {"overlays": "GZ"}, "overlay 'Z' is not known"),
        (
            {"name": ["a", "A"], "ra": [20.0, 21], "dec": [0, 0]},
            {},
            "target 1: column 'name': the name 'A'",
        ),
        (
            {"name": ["a/b"], "ra": [20.0], "dec": [0]},
            {},
            "target 0: column 'name': the name 'a/b' is not a",
        ),
        (
            {"name": ["CON"], "ra": [20.0], "dec": [0]},
            {},
            "target 0: column 'name': the name 'CON' is not a",
        ),
    ],
)
def test_bad_input_is_refused_before_anything_is_sent(
    client, sandbox, tmp_path, targets, options, message
):
    out = tmp_path / "out"
    for call in (
        lambda: client.get(Table(targets), **options),
        lambda: client.download(Table(targets), out, **options),
        lambda: client.url(Table(targets), **options),
    ):
        with pytest.raises((TargetError, RequestError)) as caught:
            call()
        assert message in str(caught.value)
    assert not sandbox.requests
    assert not out.exists()


@pytest.mark.parametrize(
    "settings",
    [
        {"data_release": 6}, {"data_release": 20}, {"data_release": "17"}, {"base_url": "ftp://x"},
        {"max_connections": 0}, {"max_connections": 1.5}, {"max_rate": -1}, {"max_rate": np.nan},
        {"timeout": 0}, {"max_attempts": 0}, {"max_attempts": True},
    ],
)  # fmt: skip
def test_wrong_settings_are_refused(settings):
    with pytest.raises(RequestError, match=next(iter(settings))):
        SDSSCutouts(**settings)


def test_query_and_download_in_one_step(client, tmp_path):
    sql = "SELECT TOP 5 objID, ra, dec, r FROM Galaxy WHERE r < 17"
    report = client.download_sql(sql, tmp_path, scale=SCALE, size=100)
    table = report.table
    assert report.counts == {"ok": 5, "kept": 0, "outside": 0, "failed": 0}
    assert table["objID"].dtype == np.uint64
    assert [str(objid) for objid in table["objID"]] == list(table["name"])
    assert sorted(path.stem for path in tmp_path.glob("*.jpg")) == sorted(table["name"])
    assert len(client.get_sql(sql, size=64)) == 5


def test_a_query_that_fails_is_no_table(client, tmp_path):
    with pytest.raises(QueryError):
        client.download_sql("SELECT nonsense FROM Nowhere", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_retry_returns_a_report_of_the_same_length_and_order(client, sandbox, tmp_path):
    sandbox.inject(Fault("bad_request", match="ra=21.0"))
    targets = Table({"ra": [20.0, 21.0, 22.0], "dec": [0.0, 0, 0], "note": ["x", "y", "z"]})
    report = client.download(targets, tmp_path, size=64)
    sandbox.reset()
    again = report.retry()
    assert list(report.table["status"]) == ["ok", "failed", "ok"]
    assert list(again.table["status"]) == ["ok", "ok", "ok"]
    assert list(again.table["note"]) == ["x", "y", "z"]
    assert list(again.table["name"]) == list(report.table["name"])
    assert len(sandbox.requests) == 1
    assert all(again.table["sha256"])
    assert len(again.failed) == 0
    sandbox.reset()
    assert list(again.retry().table["status"]) == ["ok", "ok", "ok"]
    assert not sandbox.requests


def test_a_report_gives_its_cutouts_back(client, tmp_path):
    coords = SkyCoord([20.0, 86.4], [0.0, 28.9], unit="deg")
    first, second = client.download(coords, tmp_path, size=64)
    assert (first.status, first.data.shape) == ("ok", (64, 64, 3))
    assert second.status == "outside"


def test_many_threads_may_use_one_client(client):
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        found = pool.map(lambda ra: client.get(SkyCoord(ra, 0, unit="deg")), range(20, 28))
        assert len({cutout.name for cutout in found}) == 8


def test_links_to_the_servers_own_pages():
    client = SDSSCutouts()
    assert client.navigate_url(HERE) == (
        "https://skyserver.sdss.org/dr17/VisualTools/navi?ra=19.023342&dec=-0.014911"
    )
    assert client.explore_url(2**63 + 1).endswith("?id=9223372036854775809")
    assert (
        SDSSCutouts(12)
        .navigate_url(HERE)
        .startswith("https://skyserver.sdss.org/dr12/en/tools/chart/navi.aspx?ra=")
    )
    with pytest.raises(TargetError, match="is not a whole number"):
        client.explore_url(1.2376e18)


def test_credentials_go_with_the_connection_only(sandbox, tmp_path):
    secret = sandbox.base_url.replace("://", "://user:secret@")
    client = SDSSCutouts(base_url=secret, show_progress=False)
    cutout = client.get(HERE, size=64).save(tmp_path)
    assert "secret" not in cutout.url
    assert b"secret" not in cutout.sidecar.read_bytes()
    assert "secret" not in repr(client)
    assert sdss_cutout.SDSSCutouts is SDSSCutouts
