"""What others ask: astroquery, SciScript-Python, Marvin."""

import io

import numpy as np
import pandas as pd
import pytest
import requests
from astropy import units as u
from astropy.coordinates import SkyCoord
from astroquery.exceptions import RemoteServiceError
from astroquery.sdss import SDSS, conf

COORDS = SkyCoord([180.0, 197.614455], [40.0, 18.438169], unit="deg")


@pytest.fixture(autouse=True)
def _astroquery_asks_the_sandbox(sandbox, monkeypatch):
    monkeypatch.setattr("astroquery.sdss.field_names._cached_table_fields", {})
    with conf.set_temp("skyserver_baseurl", sandbox.base_url):
        yield


class TestAstroquery:
    @pytest.mark.parametrize("release", [9, 10, 17, 19])
    def test_query_region_in_a_circle(self, sandbox, release):
        table = SDSS.query_region(COORDS, radius="2 arcmin", data_release=release, cache=False)
        truth = [sandbox.sky.near(c.ra.deg, c.dec.deg, 2 / 60)["objid"] for c in COORDS]
        assert sorted(table["objid"]) == sorted(np.concatenate(truth))
        assert table.colnames[:4] == ["ra", "dec", "objid", "run"]

    def test_query_region_in_a_rectangle(self, sandbox):
        table = SDSS.query_region(COORDS[:1], width="0.1 deg", height="0.05 deg", cache=False)
        truth = sandbox.sky.near(180, 40, 0.1)
        inside = (np.abs(truth["ra"] - 180) <= 0.05) & (np.abs(truth["dec"] - 40) <= 0.025)
        assert sorted(table["objid"]) == sorted(truth["objid"][inside])

    def test_query_region_with_spectra(self, sandbox):
        wide = sandbox.sky.near(180, 40, 0.3)
        targets = wide[wide["specobjid"] > 0][:2]
        coords = SkyCoord(targets["ra"], targets["dec"], unit="deg")
        table = SDSS.query_region(coords, radius=1 * u.arcsec, spectro=True, cache=False)
        assert sorted(table["specobjid"]) == sorted(targets["specobjid"])
        assert {"z", "plate", "mjd", "fiberID", "run2d"} <= set(table.colnames)

    def test_query_crossid(self, sandbox):
        nearest = [sandbox.sky.near(c.ra.deg, c.dec.deg, 0.05)[0] for c in COORDS]
        targets = SkyCoord([n["ra"] for n in nearest], [n["dec"] for n in nearest], unit="deg")
        far = SkyCoord([86.4], [28.9], unit="deg")  # nothing is there
        asked = SkyCoord([*targets, *far])
        table = SDSS.query_crossid(asked, obj_names=["one", "two", "none"], cache=False)
        assert list(table["name"]) == ["one", "two"]
        assert list(table["objID"]) == [n["objid"] for n in nearest]
        assert list(table["type"]) == [n["kind"].upper() for n in nearest]
        assert table["psfMag_r"][0] == pytest.approx(nearest[0]["r"], abs=1e-4)
        assert "psfMagerr_z" in table.colnames

    def test_query_specobj_and_photoobj(self, sandbox):
        near = sandbox.sky.near(180, 40, 0.2)
        galaxy = near[near["specobjid"] > 0][0]
        plate, date = int(galaxy["specobjid"]) >> 50, int(galaxy["specobjid"]) >> 24 & 16383
        spectra = SDSS.query_specobj(plate=plate, mjd=50_000 + date, cache=False)
        assert galaxy["specobjid"] in spectra["specobjid"]
        run, camcol, field = (int(galaxy["objid"]) >> n for n in (32, 29, 16))
        objects = SDSS.query_photoobj(
            run=run & 65535, camcol=camcol & 7, field=field & 4095, cache=False
        )
        assert galaxy["objid"] in objects["objid"]

    def test_errors(self):
        with pytest.raises(RemoteServiceError, match="error_message"):
            SDSS.query_sql("SELECT TOP (5) ra FROM Star", cache=False)

    def test_names_of_columns(self):
        fields = SDSS.query_sql("SELECT name FROM dbo.fDocColumns('PhotoObjAll')", cache=False)
        assert {"objID", "ra", "dec", "petroR90_r", "camcol"} <= set(fields["name"])


def fetch(sandbox, path, **query):
    return requests.get(sandbox.base_url + path, params=query, timeout=20)


TASK = {"TaskName": "SciScript-Python.SkyServer"}


class TestSciScript:
    """As its SkyServer.py sends it: in its own case, with names of tasks."""

    def read(self, answer):
        assert answer.status_code == 200
        return pd.read_csv(io.StringIO(answer.content.decode()), comment="#", index_col=None)

    def test_sql_search(self, sandbox):
        path = "/DR17/SkyServerWS/SearchTools/SqlSearch"
        answer = fetch(sandbox, path, format="csv", cmd="select 1 as x", **TASK)
        assert self.read(answer)["x"].tolist() == [1]

    def test_radial_search(self, sandbox):
        answer = fetch(
            sandbox, "/SkyServerWS/SearchTools/RadialSearch", format="csv", ra=258.25, dec=64.05,
            radius=3, coordType="equatorial", whichPhotometry="optical", limit="0", **TASK,
        )  # fmt: skip
        truth = sandbox.sky.near(258.25, 64.05, 3 / 60)
        assert sorted(self.read(answer)["objid"]) == sorted(truth["objid"])

    def test_rectangular_search(self, sandbox):
        answer = fetch(
            sandbox, "/DR13/SkyServerWS/SearchTools/RectangularSearch", format="csv",
            min_ra=258.2, max_ra=258.3, min_dec=64, max_dec=64.1, limit="10", **TASK,
        )  # fmt: skip
        table = self.read(answer)
        assert len(table) == 10
        assert table["ra"].between(258.2, 258.3).all()
        assert table["dec"].between(64, 64.1).all()

    def test_picture_with_marks(self, sandbox):
        marks = (
            "SELECT TOP 100 p.objID, p.ra, p.dec, p.r FROM fGetObjFromRectEq(197.6,18.4,197.7,18.5)"
            " n, PhotoPrimary p WHERE n.objID=p.objID"
        )
        path, place = "/DR13/SkyServerWS/ImgCutout/getjpeg", {"ra": 197.614455, "dec": 18.438169}
        marked = fetch(sandbox, path, **place, scale=0.4, width=512, height=512, query=marks)
        bare = fetch(sandbox, path, **place, scale=0.4, width=512, height=512)
        assert marked.status_code == 200
        assert marked.content != bare.content

    @pytest.mark.parametrize("name", ["RadialSearch", "RectangularSearch"])
    def test_missing_and_wrong_parameters(self, sandbox, name):
        path = f"/dr17/SkyServerWS/SearchTools/{name}"
        assert fetch(sandbox, path, ra=1).json()["ErrorCode"] == 400
        numbers = ("ra", "dec", "radius", "min_ra", "max_ra", "min_dec", "max_dec")
        wrong = dict.fromkeys(numbers, "x")
        assert fetch(sandbox, path, limit="1", **wrong).json()["ErrorCode"] == 400
        right = dict.fromkeys(numbers, "1")
        assert fetch(sandbox, path, limit="500001", **right).json()["ErrorCode"] == 400


def test_marvins_path(sandbox):
    answer = fetch(sandbox, "/public/SkyserverWS/ImgCutout/getjpeg", ra=232.5447, dec=48.6902)
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert answer.status_code == 200


CROSS_ID = "/dr17/SkyServerWS/SearchTools/CrossIdSearch"
QUERY = (
    "SELECT p.objID, p.ra, p.dec FROM #upload u JOIN #x x ON x.up_id = u.up_id "
    "JOIN PhotoTag p ON p.objID = x.objID ORDER BY x.up_id"
)
USUAL = {
    "format": "json", "searchType": "photo", "photoUpType": "ra-dec", "photoScope": "nearPrim",
    "firstcol": "1", "radius": "2", "uquery": QUERY,
}  # fmt: skip
LISTED = [(180.0, 40.0), (20.1, -0.1)]


class TestCrossIdSearch:
    def ask(self, sandbox, listed, how="body", **changes):
        url, query = sandbox.base_url + CROSS_ID, {**USUAL, **changes}
        if how == "body":
            return requests.post(url, params=query, data=listed, timeout=20)
        return requests.get(url, params=query | {"paste": listed}, timeout=20)

    def nearest(self, sandbox):
        return [int(sandbox.sky.near(ra, dec, 2 / 60)[0]["objid"]) for ra, dec in LISTED]

    @pytest.mark.parametrize("how", ["body", "paste"])
    @pytest.mark.parametrize("form", ["name ra dec\na 180 40\nb, 20.1 -0.1\n", "#name,ra,dec\r\n"
                                      "a,180.0,40.0\r\nb,20.1,-0.1"])  # fmt: skip
    def test_the_nearest(self, sandbox, how, form):
        (table,) = self.ask(sandbox, form, how).json()
        assert [row["objID"] for row in table["Rows"]] == self.nearest(sandbox)
        assert [row["name"] for row in table["Rows"]] == ["a", "b"]

    def test_all_around(self, sandbox):
        (table,) = self.ask(sandbox, "ra dec\n180 40\n", firstcol="0", photoScope="allObj").json()
        truth = sandbox.sky.near(180, 40, 2 / 60)
        assert sorted(row["objID"] for row in table["Rows"]) == sorted(truth["objid"].tolist())

    def test_a_list_without_names_loses_its_first_line_as_there(self, sandbox):
        (table,) = self.ask(sandbox, "a 180 40\nb 20.1 -0.1\n").json()
        assert [row["objID"] for row in table["Rows"]] == self.nearest(sandbox)[1:]

    def test_by_numbers(self, sandbox):
        one = int(sandbox.sky.near(180, 40, 2 / 60)[0]["objid"])
        numbers = [one >> 32 & 65535, 301, one >> 29 & 7, one >> 16 & 4095, one & 65535]
        listed = "run rerun camcol field obj\n" + " ".join(map(str, numbers))
        (table,) = self.ask(sandbox, listed, firstcol="0", photoUpType="run-rerun").json()
        assert [row["objID"] for row in table["Rows"]] == [one]

    def test_spectra(self, sandbox):
        near = sandbox.sky.near(180, 40, 0.2)
        one = near[near["specobjid"] > 0][0]
        spectro = {"searchType": "spectro", "spectroScope": "nearPrim", "spectroUpType": "ra-dec"}
        query = (
            "SELECT s.plate, s.mjd, s.fiberID FROM #upload u JOIN #x x ON x.up_id = u.up_id "
            "JOIN SpecObjAll s ON s.specObjID = x.SpecobjID"
        )
        listed = f"ra dec\n{one['ra']} {one['dec']}"
        (table,) = self.ask(sandbox, listed, firstcol="0", uquery=query, **spectro).json()
        (row,) = table["Rows"]
        assert row["plate"] == int(one["specobjid"]) >> 50
        query = (
            "SELECT s.specObjID FROM #upload u JOIN SpecObjAll s ON s.plate = u.up_plate "
            "AND s.mjd = u.up_mjd AND s.fiberID = u.up_fiber"
        )
        listed = "plate mjd fiber\n{plate} {mjd} {fiberID}".format(**row)
        spectro["spectroUpType"] = "plate-mjd-fiber"
        (table,) = self.ask(sandbox, listed, firstcol="0", uquery=query, **spectro).json()
        assert [row["specObjID"] for row in table["Rows"]] == [int(one["specobjid"])]

    @pytest.mark.parametrize(
        ("listed", "changes", "code"),
        [
            ("", {}, 400),
            ("name ra dec\na 1 2", {"radius": "4"}, 400),
            ("name ra dec\na 1 2", {"radius": "x"}, 400),
            ("name ra dec\na 1 2", {"firstcol": "x"}, 400),
            ("name ra\na 1", {}, 500),
            ("name ra dec\na 1", {}, 500),
            ("name ra dec\na b c", {}, 500),
            ("name ra dec\na 180 40", {"uquery": "SELECT nothing FROM #upload"}, 500),
        ],
    )
    def test_errors(self, sandbox, listed, changes, code):
        assert self.ask(sandbox, listed, **changes).json()["ErrorCode"] == code
        # Nothing is left of it: the same tables can be made again.
        assert self.ask(sandbox, "name ra dec\na 180 40").status_code == 200

    def test_errors_of_the_page_are_pages(self, sandbox):
        url = sandbox.base_url + "/dr17/en/tools/crossid/X_CrossID.aspx"
        answer = requests.post(url, data=USUAL | {"paste": ""}, timeout=20)
        assert answer.status_code == 200
        assert "<title>Skyserver Error</title>" in answer.text

    def test_without_a_format(self, sandbox):
        query = {name: value for name, value in USUAL.items() if name != "format"}
        answer = requests.post(sandbox.base_url + CROSS_ID, params=query, data="ra dec", timeout=9)
        assert answer.json()["ErrorCode"] == 500


def test_sql_by_post(sandbox):
    long = "SELECT ra FROM Star WHERE ra BETWEEN 20 AND 20.1 AND dec < 0 AND 'x' <> '" + "y" * 9000
    page = sandbox.base_url + "/dr17/en/tools/search/X_Results.aspx"
    form = {"cmd": long + "'", "format": "csv", "searchtool": "SQL"}
    answer = requests.post(page, data=form, timeout=20)
    assert answer.text.startswith("#Table1\nra\n")
    assert answer.text.count("\n") > 3
    rest = sandbox.base_url + "/dr17/SkyServerWS/SearchTools/SqlSearch"
    assert requests.post(rest, params={"cmd": "SELECT 1 AS x"}, timeout=9).json()[0]["Rows"]
    assert requests.post(rest, data={"cmd": "SELECT 1"}, timeout=9).status_code == 400
    assert [record.method for record in sandbox.sql_requests] == ["POST"] * 3
    assert sandbox.sql_requests[0].query["cmd"].endswith("y'")
