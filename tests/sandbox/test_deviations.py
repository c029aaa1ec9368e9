"""Facts that are broken on demand: each is seen in what the sandbox then sends."""

import bz2
import io

import numpy as np
import pytest
import requests
from astropy.io import fits
from PIL import Image

from sdss_cutout.sandbox import BREAKABLE_FACTS, Sandbox
from sdss_cutout.sandbox.deviations import DEVIATIONS

from .conftest import Asker, decoded
from .test_positions import centroid

OUTSIDE = {"ra": 280, "dec": 0}
FRAME = {"ra": 132, "dec": 12, "radius": 10, "format": "json", "band": "r"}


@pytest.fixture(scope="module")
def small_sandbox():
    """A sandbox whose frames are quickly made."""
    with Sandbox(frame_shape=(128, 160)) as sandbox:
        yield sandbox


@pytest.fixture
def broken(request, small_sandbox):
    """One that breaks the fact which the test's name tells, and how to ask it."""
    small_sandbox.reset()
    small_sandbox.break_fact(request.function.__name__.removeprefix("test_").replace("_", "-"))
    with requests.Session() as session:
        yield Asker(small_sandbox, session)
    small_sandbox.reset()


def test_picture_route(broken):
    assert broken.picture(ra=20, dec=0).status_code == 404


@pytest.mark.parametrize(
    ("path", "status"),
    [("/dr17/SkyServerWS", 200), ("/DR17/SkyServerWS", 404), ("/dr17/SkyserverWS", 404)],
)
def test_path_case(broken, path, status):
    url = f"{broken.sandbox.base_url}{path}/ImgCutout/getjpeg?ra=20&dec=0"
    assert broken.session.get(url, timeout=20).status_code == status


def test_picture_size(broken):
    assert broken.pixels(ra=20, dec=0, width=64, height=70).shape == (70, 65, 3)


def test_picture_defaults(broken):
    assert broken.pixels(ra=20, dec=0).shape == (256, 256, 3)
    assert broken.pixels(ra=20, dec=0, width=64).shape == (256, 64, 3)


def test_picture_signature(broken):
    with Image.open(io.BytesIO(broken.picture(ra=20, dec=0).content)) as image:
        assert "dpi" not in image.info
        assert image.layer[0][1:3] == (1, 1)
        assert b"SIMULATED" in image.info["comment"]


def test_size_clipping(broken):
    assert broken.pixels(ra=20, dec=0, width=30, height=2100).shape == (2100, 30, 3)


def test_scale_clipping(broken):
    fine = broken.pixels(ra=20, dec=0, scale=0.001)
    broken.sandbox.reset()
    assert (fine != broken.pixels(ra=20, dec=0, scale=0.001)).any()


def test_dec_wrapping(broken):
    assert broken.picture(ra=20, dec=91).json()["ErrorCode"] == 400
    assert broken.picture(ra=20, dec="x").json()["ErrorCode"] == 400
    assert broken.picture(ra=20, dec=0).status_code == 200


def bright_star(sandbox, ra, dec, radius):
    near = sandbox.sky.near(ra, dec, radius, limit=13)
    return near[near["kind"] == "star"][0]


def test_picture_projection(broken):
    star = bright_star(broken.sandbox, 180, 40, 8)
    ra, dec = star["ra"], star["dec"] - 4.5
    asked = {"ra": ra, "dec": dec, "scale": 36.0, "width": 200, "height": 1000}
    place = broken.sandbox.pixel_of(star["ra"], star["dec"], ra, dec, 36.0, 200, 1000)
    x, y = map(float, place)
    grey = broken.pixels(**asked).mean(axis=-1)
    # tan and sin differ by half of the cube: 450 pixels of 36 arcsec are 4.5 degrees.
    off = np.degrees(np.tan(np.radians(4.5)) - np.sin(np.radians(4.5))) * 3600 / 36
    assert off > 1
    assert np.subtract(centroid(grey, x, y - off), (x, y - off)) == pytest.approx(0, abs=0.2)


def test_picture_centre(broken):
    star = bright_star(broken.sandbox, 20, 0, 1.2)
    asked = {"ra": star["ra"], "dec": star["dec"], "scale": 2.0, "width": 100, "height": 80}
    grey = broken.pixels(**asked).mean(axis=-1)
    assert centroid(grey, 49.5, 39.5) == pytest.approx((49.5, 39.5), abs=0.2)
    assert broken.picture(ra="nan", dec=0).status_code == 500


def test_picture_orientation(broken):
    turned = broken.pixels(ra=20, dec=0)
    broken.sandbox.reset()
    usual = broken.pixels(ra=20, dec=0)
    assert np.abs(turned[:, ::-1].astype(int) - usual).mean() < 3
    assert np.abs(turned.astype(int) - usual).mean() > 3


def test_outside_status(broken):
    answer = broken.picture(**OUTSIDE)
    assert answer.status_code == 200
    assert decoded(answer.content).shape == (128, 128, 3)


def test_outside_body(broken):
    answer = broken.picture(**OUTSIDE)
    assert answer.status_code == 404
    assert answer.text.startswith("<html>")


def test_bad_request_form(broken):
    answer = broken.picture(ra="x", dec=0)
    assert answer.status_code == 400
    assert answer.text.startswith("<html>")


def test_drawing_error_form(broken):
    assert broken.picture(ra="nan", dec=0).json()["ErrorCode"] == 500


def test_overlay_letters(broken):
    assert broken.picture(ra=20, dec=0, opt="GL").content == broken.picture(ra=20, dec=0).content


def test_wrong_marks(broken):
    assert broken.picture(ra=20, dec=0, query="nonsense").status_code == 500
    assert broken.picture(ra=20, dec=0, query="SR(10,20)").status_code == 200


SQL = "SELECT TOP 1 ra FROM Star WHERE ra BETWEEN 20 AND 20.1 AND dec BETWEEN 0 AND 0.1"


def page(broken, command):
    url = broken.sandbox.base_url + "/dr17/en/tools/search/x_results.aspx"
    return broken.session.get(url, params={"cmd": command, "format": "csv"}, timeout=20)


def test_sql_route(broken):
    assert broken.sql(SQL).status_code == 404
    assert page(broken, SQL).status_code == 200


def test_sql_page_route(broken):
    assert broken.sql(SQL).status_code == 200
    assert page(broken, SQL).status_code == 404


def test_sql_json_default(broken):
    assert broken.sql(SQL, None).text.startswith("#Table1\nra\n")
    assert broken.sql(SQL, "json").json()
    assert broken.sql("SELECT 1 AS x WHERE 1 = 2", None).text.startswith("#Table1\n")


def test_sql_csv_table_line(broken):
    assert broken.sql(SQL).text.startswith("ra\n")


def test_sql_identifiers(broken):
    assert "E+18" in broken.sql(SQL.replace("ra FROM", "objID FROM")).text


def test_sql_error_form(broken):
    answer = broken.sql("SELECT nothing FROM Star")
    assert answer.status_code == 200
    assert answer.text.startswith("<html>")


def test_sql_page_error_form(broken):
    assert page(broken, "SELECT nothing FROM Star").json()["ErrorCode"] == 500
    assert page(broken, SQL).status_code == 200


def test_sql_refusal_form(broken):
    assert broken.sql("SELECT TOP (5) ra FROM Star").status_code == 400
    assert broken.sql(SQL).status_code == 200


def frame(broken):
    url = broken.sandbox.base_url + "/dr17/SkyServerWS/SDSSFields/UrlsOfFields"
    found = broken.session.get(url, params=FRAME, timeout=20).json()[0]["Rows"][0]["r_url"]
    path = found.partition("/sas/")[2]
    return broken.session.get(f"{broken.sandbox.frames_url}/{path}", timeout=20)


def test_field_search(broken):
    url = broken.sandbox.base_url + "/dr17/SkyServerWS/SDSSFields/UrlsOfFields"
    assert broken.session.get(url, params=FRAME, timeout=20).status_code == 404


def test_field_search_columns(broken):
    url = broken.sandbox.base_url + "/dr17/SkyServerWS/SDSSFields/UrlsOfFields"
    found = broken.session.get(url, params=FRAME, timeout=20).json()[0]["Rows"][0]
    assert set(found) == {"url_r"}


def test_frame_path(broken):
    assert frame(broken).status_code == 404


def test_frame_compression(broken):
    assert frame(broken).content.startswith(b"SIMPLE  =")


def hdus_of(answer):
    return fits.open(io.BytesIO(bz2.decompress(answer.content)))


def test_frame_header(broken):
    with hdus_of(frame(broken)) as hdus:
        assert "NMGY" not in hdus[0].header
        assert "CRVAL1" in hdus[0].header


def test_frame_astrometry(broken):
    with hdus_of(frame(broken)) as hdus:
        assert len(hdus) == 3


def test_every_fact_has_a_test_here():
    named = {name.removeprefix("test_").replace("_", "-") for name in globals()}
    assert set(DEVIATIONS) <= named  # the finer ones are tested with the live check
    assert all(entry.text == BREAKABLE_FACTS[fact] for fact, entry in DEVIATIONS.items())


def test_facts_are_broken_until_the_reset(small_sandbox):
    small_sandbox.break_fact("picture-size", "outside-status")
    with requests.Session() as session:
        ask = Asker(small_sandbox, session)
        assert ask.pixels(ra=20, dec=0, width=64).shape[1] == 65
        assert ask.picture(**OUTSIDE).status_code == 200
        small_sandbox.reset()
        assert ask.pixels(ra=20, dec=0, width=64).shape[1] == 64
        assert ask.picture(**OUTSIDE).status_code == 404


def test_from_the_start():
    with Sandbox(broken=["picture-size"]) as sandbox, requests.Session() as session:
        assert Asker(sandbox, session).pixels(ra=20, dec=0).shape[1] == 129


def test_unknown_facts_are_refused():
    with pytest.raises(ValueError, match="'gravity' is not a fact that can be broken"):
        Sandbox(broken=["gravity"])
