"""getjpeg: limits, statuses, bodies, overlays."""

import io

import numpy as np
import pytest
import requests
from PIL import Image

from sdss_cutout.sandbox import Sandbox
from sdss_cutout.sandbox.sky.footprint import covered

from .conftest import Asker, decoded

OUTSIDE = {"ra": 280, "dec": 0}  # galactic latitude about 1


def test_signature_is_the_real_one_and_says_simulated(ask):
    answer = ask.picture(ra=20, dec=0)
    assert "SIMULATED" in answer.headers["Server"]
    with Image.open(io.BytesIO(answer.content)) as image:
        assert image.size == (128, 128)
        assert image.info["dpi"] == (96, 96)
        assert image.info["jfif_version"] == (1, 1)
        assert b"SIMULATED" in image.info["comment"]
        assert "exif" not in image.info
        assert image.layer[0][1:3] == (2, 2)  # 4:2:0


def test_same_request_same_bytes(ask):
    query = {"ra": 150.1, "dec": 2.2, "scale": 0.4, "width": 200, "height": 150, "opt": "G"}
    assert ask.picture(**query).content == ask.picture(**query).content
    with Sandbox() as other:
        ask.sandbox = other
        assert ask.picture(**query).content == ask.picture(**query).content


def test_the_sky_is_dark_but_not_black(ask):
    image = ask.pixels(ra=20, dec=0, scale=0.4, width=512, height=512)
    assert (image == 0).all(axis=-1).mean() < 0.04
    assert 2 < np.median(image) < 12


@pytest.mark.parametrize(
    ("query", "size"),
    [
        ({"width": 1, "height": 63}, (64, 64)),
        ({"width": 2049, "height": 65}, (2048, 65)),
        ({"width": 100, "height": 100, "opt": "X"}, (250, 250)),
        ({"WIDTH": 70, "Height": 80}, (70, 80)),
        ({"scale": 1e9}, (128, 128)),
        ({"scale": 1e-9}, (128, 128)),
    ],
)
def test_clipping_is_silent(ask, query, size):
    image = ask.pixels(ra=20, dec=0, **query)
    assert image.shape == (size[1], size[0], 3)


def test_wrapping_over_the_pole_is_silent(ask):
    assert ask.picture(ra=20, dec=91).content == ask.picture(ra=200, dec=89).content
    assert ask.picture(ra=380, dec=-91).content == ask.picture(ra=200, dec=-89).content
    assert ask.picture(ra=20, dec=360).content == ask.picture(ra=20, dec=0).content


def test_sexagesimal_positions(ask):
    assert ask.picture(ra="1:20:00", dec="-0:30:00").content == ask.picture(ra=20, dec=-0.5).content


@pytest.mark.parametrize(
    "path",
    [
        "/DR8/skyserverws/IMGCUTOUT/getjpeg",
        "/dr17/SkyserverWS/ImgCutout/getjpeg",
        "/SkyServerWS/ImgCutout/getjpeg",
        "/public/SkyserverWS/ImgCutout/getjpeg",
        "/DR7/ImgCutout/getjpeg.aspx",
    ],
)
def test_paths(ask, path):
    answer = ask.session.get(ask.sandbox.base_url + path + "?RA=20&dec=0")
    assert answer.content == ask.picture(ra=20, dec=0).content


@pytest.mark.parametrize("size", [(128, 128), (64, 300), (512, 90)])
def test_outside_is_404_with_a_black_picture_of_the_asked_size(ask, size):
    answer = ask.picture(**OUTSIDE, width=size[0], height=size[1])
    assert answer.status_code == 404
    assert answer.reason == "NOT FOUND. Requested (ra, dec) is outside the SDSS footprint."
    image = decoded(answer.content)
    assert image.shape[:2] == size[::-1]
    assert (image == 0).all(axis=-1).mean() > 0.5
    assert image.max() > 150


def test_outside_as_old_servers_said_it():
    with Sandbox(outside_status=200) as sandbox, requests.Session() as session:
        answer = Asker(sandbox, session).picture(**OUTSIDE, width=512, height=512)
    assert answer.status_code == 200
    assert (decoded(answer.content) == 0).all(axis=-1).mean() > 0.91


def test_near_the_border_part_of_the_picture_is_missing(ask):
    east = np.arange(240.0, 300.0, 0.01)
    border = east[np.argmin(covered(east, 30.0))]  # the first that is not
    image = ask.pixels(ra=border, dec=30.0, scale=1, width=256, height=256)
    black = (image == 0).all(axis=-1)
    assert 0.3 < black.mean() < 0.7


def test_the_whole_hemisphere_is_a_disc(ask):
    black = (ask.pixels(ra=190, dec=27, scale=2400, width=256, height=256) == 0).all(axis=-1)
    assert black[:30].all()
    assert not black[100:150, 100:150].any()


@pytest.mark.parametrize(
    "query", [{"ra": 1}, {"dec": 1}, {"ra": "x", "dec": 1}, {"ra": 1, "dec": 1, "width": "wide"}]
)
def test_bad_parameters_are_400_json(ask, query):
    answer = ask.picture(**query)
    assert answer.status_code == 400
    assert answer.json()["ErrorCode"] == 400
    assert answer.json()["ErrorType"] == "BadRequest"


def test_drawing_errors_are_500_with_a_picture(ask):
    answer = ask.picture(ra="nan", dec=1)
    assert answer.status_code == 500
    assert answer.reason.startswith("INTERNAL SERVER ERROR. ")
    assert decoded(answer.content).shape == (128, 128, 3)


@pytest.mark.parametrize(
    "query", ["odd", "SR(1,--2)", "SELECT", "SELECT nothing FROM x", "SELECT TOP 1 r FROM Star"]
)
def test_wrong_marks_are_passed_over(ask, query):
    assert ask.picture(ra=20, dec=0, query=query).content == ask.picture(ra=20, dec=0).content


def test_only_get(ask):
    answer = ask.session.post(f"{ask.sandbox.base_url}/dr17/SkyServerWS/ImgCutout/getjpeg", "ra=1")
    assert answer.status_code == 405


@pytest.mark.parametrize("path", ["/dr6/SkyServerWS/ImgCutout/getjpeg", "/dr20/x", "/nowhere"])
def test_unknown_paths_are_404_html(ask, path):
    answer = ask.session.get(ask.sandbox.base_url + path)
    assert answer.status_code == 404
    assert "html" in answer.headers["Content-Type"]


def test_the_grid_crosses_at_half_the_size(ask):
    image = ask.pixels(ra=20, dec=0.1, scale=0.4, width=512, height=300, opt="G")
    bare = ask.pixels(ra=20, dec=0.1, scale=0.4, width=512, height=300)
    drawn = (image.astype(int) - bare).sum(axis=-1) > 200
    assert drawn[50:120].sum(axis=0).argmax() == 256
    assert drawn[:, 100:200].sum(axis=1).argmax() == 150


@pytest.mark.parametrize("letter", "ABFGILMOPQST")
def test_every_letter_shows(ask, letter):
    # A star that the synthetic APOGEE would have taken, with all else around it.
    star = next(row for row in ask.sandbox.sky.near(20, 1.0, 8, limit=12) if row["kind"] == "star")
    query = {"ra": star["ra"], "dec": star["dec"], "scale": 4, "width": 1024, "height": 512}
    assert ask.picture(**query, opt=letter).content != ask.picture(**query).content


def test_unknown_letters_are_passed_over(ask):
    assert ask.picture(ra=20, dec=0, opt="RZ").content == ask.picture(ra=20, dec=0).content


@pytest.mark.parametrize(
    "query",
    [
        "SR(10,20)",
        "G",
        "pa(0, 30)",
        "name ra dec\none 20.001 0.001\n",
        "SELECT TOP 5 ra, dec FROM PhotoObj WHERE ra BETWEEN 19.98 AND 20.02 AND abs(dec) < 0.02",
    ],
)
def test_marks(ask, query):
    target = {"ra": 20, "dec": 0, "scale": 0.4, "width": 600, "height": 600}
    marked, bare = ask.pixels(**target, query=query), ask.pixels(**target)
    fuchsia = (marked[..., 0] > 150) & (marked[..., 1] < 120) & (marked[..., 2] > 150)
    assert fuchsia.sum() > 5
    assert not ((bare[..., 0] > 150) & (bare[..., 1] < 120) & (bare[..., 2] > 150)).any()
