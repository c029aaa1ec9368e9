"""The searches for fields."""

import csv
import io
import json
import subprocess
import sys
import time
import xml.etree.ElementTree as ET

import numpy as np
import pytest
import requests
from archive import asked
from astropy.coordinates import SkyCoord

from sdss_cutout.sandbox import Sandbox

PLACES = [
    (180.0, 30.0),
    (0.0, 20.0),
    (359.9999, 20.0),
    (40.0, 89.0),
    (123.0, 89.99),
    (19.02, -0.01),
]


@pytest.fixture(scope="module")
def full():
    with Sandbox() as server:
        yield server


def search(sandbox, kind, method="GET", release=17, **query):
    url = f"{sandbox.base_url}/dr{release}/SkyServerWS/SDSSFields/{kind}"
    return requests.request(method, url, params=query, timeout=30)


def table(answer):
    assert answer.status_code == 200, answer.text
    first, rest = answer.text.split("\n", 1)
    assert first == "#Table1"
    return list(csv.DictReader(io.StringIO(rest)))


@pytest.mark.parametrize("place", PLACES)
def test_all_fields_whose_centre_is_near(full, place):
    ra, dec = place
    rows = table(search(full, "ListOfFields", ra=ra, dec=dec, radius=10, format="csv"))
    centres = SkyCoord([float(r["ra"]) for r in rows], [float(r["dec"]) for r in rows], unit="deg")
    assert centres.separation(SkyCoord(ra, dec, unit="deg")).arcmin.max() <= 10
    listed = {tuple(int(row[key]) for key in ("run", "camcol", "field")) for row in rows}
    covering = {(f.run.number, f.camcol, f.number) for f in full.survey.covering(ra, dec)}
    assert covering
    assert covering <= listed
    for row in rows[:5]:
        field = full.survey.field(int(row["run"]), int(row["camcol"]), int(row["field"]))
        assert int(row["fieldId"]) == field.field_id > 2**60
        assert float(row["decMin"]) < float(row["dec"]) < float(row["decMax"])


def test_many_epochs_are_all_returned(full):
    rows = table(search(full, "ListOfFields", ra=19.02, dec=-0.01, radius=9, format="csv"))
    assert len({row["run"] for row in rows}) > 50


@pytest.mark.parametrize("release", [8, 12, 13, 17, 18, 19])
def test_urls_are_those_of_the_archive(noisy, release):
    (row, *_) = table(
        search(noisy, "UrlsOfFields", release=release, ra=180, dec=30, radius=2, format="csv")
    )
    assert list(row) == [f"{band}_url" for band in "ugriz"]
    tree = {8: "dr9/boss", 12: "dr12/boss", 13: "dr13/eboss", 17: "dr17/eboss"}.get(
        release, f"dr{release}/prior-surveys/sdss4-dr17-eboss"
    )
    assert row["g_url"].startswith(f"https://data.sdss.org/sas/{tree}/photoObj/frames/301/")
    with asked(noisy, row["g_url"]) as hdus:
        assert hdus[0].header["FILTER"] == "g"
        number = f"-{hdus[0].header['RUN']:06d}-{hdus[0].header['CAMCOL']}-"
        assert row["g_url"].endswith(f"{number}{hdus[0].header['FRAME']:04d}.fits.bz2")


def test_bands_are_chosen(noisy):
    query = {"ra": 180, "dec": 30, "radius": 2, "format": "csv"}
    assert list(table(search(noisy, "UrlsOfFields", band="i,z", **query))[0]) == ["i_url", "z_url"]
    assert len(table(search(noisy, "UrlsOfFields", band="all", **query))[0]) == 5


@pytest.mark.parametrize("kind", ["UrlsOfFields", "ListOfFields", "FieldArray"])
def test_forms_hold_the_same(noisy, kind):
    query = {"ra": 180, "dec": 30, "radius": 2}
    rows = table(search(noisy, kind, format="csv", **query))
    (data,) = search(noisy, kind, format="json", **query).json()
    assert data["TableName"] == "Table1"
    assert [list(row) for row in data["Rows"]] == [list(row) for row in rows]
    posted = search(noisy, kind, "POST", format="json", **query)
    assert posted.json() == [data]
    lower = requests.get(
        f"{noisy.base_url}/DR17/skyserverws/sdssfields/{kind.lower()}",
        params=query | {"format": "json"}, timeout=9,
    )  # fmt: skip
    assert lower.json() == [data]
    default = search(noisy, kind, **query)
    assert default.headers["Content-Type"].startswith("application/xml")
    root = ET.fromstring(default.content)
    if kind == "FieldArray":
        assert root.tag == "ArrayOfField"
        assert [e.findtext("fieldId") for e in root] == [row["fieldId"] for row in rows]
        bands = root[0].find("passband")
        assert [band.get("filter") for band in bands] == list("ugriz")
        assert [band.findtext("url") for band in bands] == [rows[0][f"{b}_url"] for b in "ugriz"]
    else:
        assert root.tag == "ArrayOfString"
        assert len(root) == len(rows) * (5 if kind == "UrlsOfFields" else 1)


def test_the_wcs_of_the_search_is_not_that_of_the_file(noisy):
    query = {"ra": 180, "dec": 30, "radius": 2}
    root = ET.fromstring(search(noisy, "FieldArray", **query).content)
    band = root[0].find("passband")[2]
    with asked(noisy, band.findtext("url")) as hdus:
        header = hdus[0].header
    wcs = {e.tag: e.text for e in band.find("wcs")}
    assert float(wcs["CRPIX1"]) == header["CRPIX1"] - 0.5
    assert float(wcs["CRVAL2"]) == pytest.approx(header["CRVAL2"], abs=1e-3)
    by_row = header["CD1_2"], header["CD2_2"]
    assert (float(wcs["CD1_1"]), float(wcs["CD1_2"])) == pytest.approx(by_row, abs=2e-6)


def test_terms_of_fields_have_single_precision(noisy):
    (row, *_) = table(search(noisy, "FieldArray", ra=180, dec=30, radius=2, format="csv"))
    field = noisy.survey.field_of_id(int(row["fieldId"]))
    exact = field.astrans("r")
    assert float(row["a"]) == pytest.approx(exact.a, abs=1e-11)
    assert float(row["a_r"]) == pytest.approx(float(np.float32(exact.a)), abs=1e-11)
    assert float(row["a_r"]) != pytest.approx(exact.a, abs=1e-7)


def test_a_rectangle_fails_at_ra_0(full):
    query = {"dec": 0.3, "dra": 0.2, "ddec": 0.2, "format": "csv"}
    away = table(search(full, "FieldArrayRect", ra=20, **query))
    assert len(away) > 60
    assert len({row["field"] for row in away}) > 1
    at_zero = table(search(full, "FieldArrayRect", ra=0.01, **query))
    wide = table(search(full, "FieldArray", ra=0.01, dec=0.3, radius=10, format="csv"))
    west = {row["fieldId"] for row in wide if float(row["raMin"]) > 300}
    assert west
    assert not west & {row["fieldId"] for row in at_zero}


@pytest.mark.parametrize(
    "query",
    [
        {"ra": 361, "dec": 0, "radius": 5}, {"ra": -1, "dec": 0, "radius": 5},
        {"ra": 1, "dec": 90.1, "radius": 5}, {"ra": 1, "dec": 0, "radius": -1},
        {"ra": 1, "dec": 0}, {"dec": 0, "radius": 1}, {"ra": "x", "dec": 0, "radius": 1},
        {"ra": "nan", "dec": 0, "radius": 1}, {"RA": 1, "dec": 0, "radius": 1}, {},
    ],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("kind", ["UrlsOfFields", "FieldArray"])
def test_other_values_are_400(noisy, kind, query):
    answer = search(noisy, kind, format="json", **query)
    assert answer.status_code == 400
    assert answer.json()["ErrorType"] == "BadRequest"


def test_nothing_is_an_empty_table(noisy):
    query = {"ra": 280, "dec": 0, "radius": 9}
    assert table(search(noisy, "UrlsOfFields", format="csv", **query)) == []
    assert search(noisy, "ListOfFields", format="json", **query).json()[0]["Rows"] == []
    assert len(ET.fromstring(search(noisy, "FieldArray", **query).content)) == 0


def test_the_log_counts_frames_and_searches(noisy):
    noisy.reset()
    (row, *_) = table(search(noisy, "UrlsOfFields", ra=180, dec=30, radius=2, format="csv"))
    for band in "gr":
        asked(noisy, row[f"{band}_url"]).close()
    requests.get(f"{noisy.frames_url}/dr17/nothing", timeout=9)
    assert [record.kind for record in noisy.requests] == ["fields", "frame", "frame", "frame"]
    assert [record.status for record in noisy.frame_requests] == [200, 200, 404]
    assert len(noisy.field_requests) == 1
    assert (noisy.counts["frames"], noisy.counts["fields"]) == (3, 1)
    assert (noisy.max_frames_in_flight, noisy.max_in_flight) == (1, 0)


def test_the_ready_file_names_both_roots(tmp_path):
    ready = tmp_path / "ready.json"
    code = (
        f"from sdss_cutout.sandbox import serve; serve(0, {str(ready)!r}, frame_shape=(256, 300))"
    )
    process = subprocess.Popen([sys.executable, "-c", code])
    try:
        while not ready.exists():
            assert process.poll() is None
            time.sleep(0.01)
        urls = json.loads(ready.read_text())
        assert urls["frames_url"] == urls["base_url"] + "/sas"
        search_url = urls["base_url"] + "/dr17/SkyServerWS/SDSSFields/UrlsOfFields"
        query = {"ra": 180, "dec": 30, "radius": 2, "format": "csv"}
        (row, *_) = table(requests.get(search_url, params=query, timeout=30))
        frame = row["r_url"].replace("https://data.sdss.org/sas", urls["frames_url"])
        assert requests.get(frame, timeout=30).content.startswith(b"BZh")
    finally:
        process.terminate()
        process.wait(timeout=10)
