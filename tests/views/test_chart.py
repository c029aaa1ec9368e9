"""Finding charts: every line of what ESO and SALT ask for, and everything in its place."""

from __future__ import annotations

import os
import re
from dataclasses import replace

import astropy.units as u
import matplotlib.pyplot as plt
import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.table import Table
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.patches import Circle, Polygon
from PIL import Image

from sdss_cutout import Cutout, ImageError, QueryError, RequestError, SDSSCutouts, StoreError
from sdss_cutout._views.chart.chart import draw_chart, make_chart
from sdss_cutout._views.chart.page import Page
from sdss_cutout.sandbox import Sandbox

TARGET = SkyCoord(20.0, 0.0, unit="deg")
NOTES = ["Run 116.ABCD.001", "PI A. Observer"]


@pytest.fixture(autouse=True)
def _figures_are_closed():
    yield
    plt.close("all")


@pytest.fixture
def cutout(field):
    return field[0]


@pytest.fixture(scope="module")
def field(running_sandbox):
    """A picture and its chart, drawn once; no test changes them."""
    client = SDSSCutouts(base_url=running_sandbox.base_url, show_progress=False)
    cutout = client.get(TARGET, fov=6 * u.arcmin, size=600)
    return cutout, cutout.chart(slit="120x1.5@35", notes=NOTES)


@pytest.fixture
def chart(field):
    return field[1]


def texts_of(figure):
    """Return all that is written on a chart, also what its scale bar says."""
    ax = figure.axes[0]
    bars = [artist.txt_label.get_text() for artist in ax.artists if hasattr(artist, "txt_label")]
    return [text.get_text() for text in [*figure.texts, *ax.texts]] + bars


def text_of(figure):
    return " ".join(texts_of(figure))


def circles_of(figure):
    """Return the circles of a chart, that of the target first."""
    return [patch for patch in figure.axes[0].patches if isinstance(patch, Circle)]


def lines_of_stars(figure):
    return [text for text in texts_of(figure) if re.match(r"[A-Z]  \d\d:", text)]


def canvas_of(figure):
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[:, :, :3]


# ------------------------------------------------------- what the observatories ask for


def saved(figure_of, tmp_path, suffix):
    path = tmp_path / f"chart{suffix}"
    figure_of(path)
    return path


def is_dark_on_light(figure):
    ax = figure.axes[0]
    box = ax.get_window_extent()
    canvas = canvas_of(figure)
    inside = canvas[-int(box.y1) : -int(box.y0), int(box.x0) : int(box.x1)]
    return np.median(inside) > 240 and inside.min() < 30


def shows_its_whole_field(figure):
    ax = figure.axes[0]
    return ax.get_xlim() == (-0.5, 599.5) and ax.get_ylim() == (599.5, -0.5)


def has_compass(figure):
    letters = {t.get_text(): t for t in figure.axes[0].texts if t.get_text() in ("N", "E")}
    north, east = letters["N"].xyann, letters["E"].xyann
    return north[1] > 10 * abs(north[0]) and -east[0] > 10 * abs(east[1])


def scale_bar_is_true(figure):
    [bar] = [artist for artist in figure.axes[0].artists if hasattr(artist, "size_bar")]
    [line] = bar.size_bar.get_children()
    return bar.txt_label.get_text() == "2 arcmin" and round(line.get_width()) == 200


def marks_target(figure):
    return np.allclose(circles_of(figure)[0].center, (300, 300))


ESO = {
    "run ID": lambda figure: "Run 116.ABCD.001" in texts_of(figure),
    "PI name": lambda figure: "PI A. Observer" in texts_of(figure),
    "OB or target name": lambda figure: texts_of(figure)[0] == "J012000.00+000000.0",
    "target marked": marks_target,
    "whole instrument field": shows_its_whole_field,
    "north and east": has_compass,
    "scale bar with its length in arcsec or arcmin": scale_bar_is_true,
    "wavelength of the image": lambda figure: "g, r, i (469, 617, 748 nm)" in text_of(figure),
    "negative: dark on light": is_dark_on_light,
    "reference stars marked": lambda figure: len(circles_of(figure)) == 6,
    "slit drawn": lambda figure: any(isinstance(p, Polygon) for p in figure.axes[0].patches),
}
SALT = {
    "black on white": is_dark_on_light,
    "proposal": lambda figure: "Run 116.ABCD.001" in texts_of(figure),
    "PI": lambda figure: "PI A. Observer" in texts_of(figure),
    "target circled": marks_target,
    "scale bar": scale_bar_is_true,
    "compass": has_compass,
    "position angle": lambda figure: "position angle 35\N{DEGREE SIGN}" in text_of(figure),
    "filter named": lambda figure: "bands g, r, i" in text_of(figure),
}


@pytest.mark.parametrize("line", ESO)
def test_eso_s_list(chart, line):
    assert ESO[line](chart)


@pytest.mark.parametrize("line", SALT)
def test_salt_s_list(chart, line):
    assert SALT[line](chart)


@pytest.mark.parametrize(("suffix", "kind"), [(".png", "PNG"), (".jpg", "JPEG")])
def test_a_chart_is_small_enough_for_eso_and_large_enough_for_salt(
    client, tmp_path, monkeypatch, suffix, kind
):
    # SALT wants about 10 arcmin; the largest picture that there is, full of noise.
    cutout = client.get(TARGET, fov=10 * u.arcmin, size=2048)
    noise = np.random.default_rng(1).integers(0, 255, (2048, 2048, 3), dtype=np.uint8)
    monkeypatch.setattr(Cutout, "data", property(lambda self: noise))

    cutout.chart(tmp_path / f"c{suffix}", stars=0)

    assert (tmp_path / f"c{suffix}").stat().st_size <= 1_000_000
    with Image.open(tmp_path / f"c{suffix}") as image:
        assert image.format == kind
        assert min(image.size) >= 500


def test_the_suffix_may_be_in_capitals(cutout, tmp_path):
    cutout.chart(tmp_path / "c.JPEG", stars=0)
    with Image.open(tmp_path / "c.JPEG") as image:
        assert image.format == "JPEG"


def test_a_chart_is_written_as_pdf(cutout, tmp_path):
    cutout.chart(tmp_path / "c.pdf", stars=2)
    content = (tmp_path / "c.pdf").read_bytes()
    assert content.startswith(b"%PDF-")
    assert b"/FontFile2" in content  # TrueType, so that names can be searched for
    assert b"/Type3" not in content
    assert len(content) < 1_000_000


def test_the_colours_of_a_png_are_those_of_the_chart(cutout, tmp_path):
    cutout.chart(tmp_path / "c.png", stars=2, slit="120x1.5@35")
    with Image.open(tmp_path / "c.png") as image:
        colors = {color for _, color in image.convert("RGB").getcolors(1 << 20)}
        assert image.info["dpi"][0] >= 99
    assert {(0, 0, 0), (255, 255, 255), (11, 78, 162), (176, 0, 32)} <= colors


# ------------------------------------------------------------------------ what is on the chart


def test_the_position_is_written(chart):
    assert "RA 01:20:00.000   Dec +00:00:00.00   ICRS   (20.000000 +0.000000 deg)" in texts_of(
        chart
    )


def test_stars_are_lettered_with_magnitudes_and_offsets(client, cutout, chart):
    lines = lines_of_stars(chart)
    assert [line[0] for line in lines] == list("ABCDE")
    truth = client.query_sql(
        "SELECT p.ra, p.dec, p.psfMag_g, p.psfMag_r, p.psfMag_i FROM "
        "fGetNearbyObjEq(20.0, 0.0, 5) AS n JOIN PhotoPrimary AS p ON p.objID = n.objID "
        "WHERE p.type = 6"
    )
    sky = SkyCoord(truth["ra"], truth["dec"], unit="deg")
    magnitudes = []
    for line in lines:
        ra, dec, *rest = line[1:].split()
        g, r, i, east, _, north, _ = rest
        star = SkyCoord(ra, dec, unit=("hourangle", "deg"))
        number, separation, _ = star.match_to_catalog_sky(sky)
        assert separation < 0.02 * u.arcsec
        row = truth[int(number)]
        assert [float(g), float(r), float(i)] == pytest.approx(
            [row[f"psfMag_{band}"] for band in "gri"], abs=0.006
        )
        # At the equator, offsets are differences of coordinates.
        assert float(east) == pytest.approx((TARGET.ra - star.ra).arcsec, abs=0.02)
        assert float(north) == pytest.approx((TARGET.dec - star.dec).arcsec, abs=0.02)
        magnitudes.append(float(r))
    assert magnitudes == sorted(magnitudes)


def test_circles_are_around_stars(cutout, chart):
    light = cutout.data.mean(axis=2)
    for circle in circles_of(chart)[1:]:
        x, y = circle.center
        inside = light[round(y) - 6 : round(y) + 7, round(x) - 6 : round(x) + 7]
        peak = np.array(np.unravel_index(inside.argmax(), inside.shape)) - 6
        assert inside.max() > np.median(light) + 30
        assert np.hypot(*peak) <= 2


@pytest.mark.parametrize(
    "target",
    [(200.0, 85.0), (0.0, 0.5), (359.999, -1.0)],
    ids=["high declination", "RA 0", "just before RA 0"],
)
def test_slit_and_stars_at_the_edges_of_the_coordinates(client, target):
    coord = SkyCoord(*target, unit="deg")
    cutout = client.get(coord, fov=8 * u.arcmin, size=800)
    figure = cutout.chart(slit="240x2@30")

    [slit] = [patch for patch in figure.axes[0].patches if isinstance(patch, Polygon)]
    corners = slit.get_xy()[:4]
    # In this picture the sky is flat enough: 240 arcsec are 400 pixels, 30 degrees to the left.
    along = (corners[0] + corners[1]) / 2 - (corners[2] + corners[3]) / 2
    assert np.hypot(*along) == pytest.approx(400, abs=0.5)
    assert along == pytest.approx(400 * np.array([-0.5, -np.sqrt(0.75)]), abs=1)
    assert corners.mean(axis=0) == pytest.approx([400, 400], abs=0.1)
    for line, circle in zip(lines_of_stars(figure), circles_of(figure)[1:], strict=True):
        east, north = float(line.split()[6]), float(line.split()[8])
        x, y = circle.center
        assert [x - 400, y - 400] == pytest.approx([east / 0.6, north / 0.6], abs=4)


def test_a_title_of_one_s_own_keeps_the_target_s_name(cutout):
    figure = cutout.chart(stars=0, title="SN 2026a $z$", notes="one\ntwo")
    assert texts_of(figure)[:2] == ["SN 2026a $z$", cutout.name]
    assert {"one", "two"} <= set(texts_of(figure))
    figure.canvas.draw()  # would raise where dollar signs are read as mathematics


def test_long_lines_stay_on_the_page(cutout):
    figure = cutout.chart(stars=0, title="x" * 300, notes=["word " * 60, "y" * 300])
    width = canvas_of(figure).shape[1]
    for text in figure.texts:
        box = text.get_window_extent()
        assert 0 < box.x0 < box.x1 < width
    assert "word" in texts_of(figure)[3]


@pytest.mark.parametrize(("width", "height"), [(64, 600), (600, 64), (600, 500)])
def test_rectangles_fit_the_page(client, width, height):
    cutout = client.get(TARGET, scale=1 * u.arcsec / u.pix, width=width, height=height)
    figure = cutout.chart(stars=0, slit="30x1@0")
    canvas = canvas_of(figure)
    box = figure.axes[0].get_window_extent()
    assert box.width / box.height == pytest.approx(width / height, rel=0.02)
    assert 0 < box.x0 < box.x1 < canvas.shape[1]
    texts = [text.get_window_extent() for text in figure.texts]
    assert not any(text.overlaps(box) for text in texts)
    assert not any(one.overlaps(two) for n, one in enumerate(texts) for two in texts[n + 1 :])


def test_simulated_pictures_say_so_and_are_not_called_sdss_data(chart):
    assert "SIMULATED, not SDSS data" in texts_of(chart)
    assert "Simulated picture in the form of SDSS DR17: bands" in text_of(chart)


def test_real_pictures_name_the_survey(cutout):
    picture = cutout.picture
    sidecar = picture.sidecar_bytes.replace(b"SIMULATED", b"SkyServer")
    real = replace(cutout, picture=picture._replace(sidecar_bytes=sidecar))
    text = text_of(draw_chart(real))
    assert "SDSS DR17: bands g, r, i" in text
    assert "imulated" not in text.replace("SIMULATED", "simulated")


def test_a_picture_that_the_server_inverted_is_not_inverted_again(client):
    plain, inverted = (
        client.get(TARGET, fov=6 * u.arcmin, size=600, overlays=overlays) for overlays in ("", "I")
    )
    one, two = (canvas_of(cutout.chart(stars=0)) for cutout in (plain, inverted))
    assert np.abs(one.astype(int) - two).mean() < 3


def test_2mass_is_named(client):
    cutout = client.get(TARGET, scale=1 * u.arcsec / u.pix, size=300, overlays="X")
    assert "2MASS: bands J, H, Ks (1.24, 1.66, 2.16 µm)" in text_of(cutout.chart(stars=0))


def test_missing_imaging_is_told(cutout):
    assert "imaging covers" not in text_of(draw_chart(cutout))
    partly = replace(cutout, coverage=0.634)
    assert "imaging covers 63% of it" in text_of(draw_chart(partly))


# ----------------------------------------------------------------------- the catalogue is away


def test_a_chart_is_drawn_without_the_catalogue_and_says_so(cutout, caplog):
    def fail(sql):
        raise QueryError("the query could not be sent")

    figure = make_chart(cutout, None, fail)

    told = "No offset stars: the catalogue query failed (the query could not be sent)."
    assert told in text_of(figure)
    assert len(circles_of(figure)) == 1
    assert "no offset stars, the query failed" in caplog.text


@pytest.mark.parametrize(
    ("table", "column"),
    [
        (Table({"error": [1]}), "ra"),
        (Table({"ra": ["x"], "dec": ["y"]}), "ra"),
        (Table({"ra": [20.0], "dec": [0.0]}), "psfMag_r"),
    ],
)
def test_a_strange_answer_is_told(cutout, table, column):
    figure = make_chart(cutout, None, lambda sql: table)
    assert f"the answer has no column {column} of numbers" in text_of(figure)


def test_a_chart_of_a_saved_picture_asks_where_the_picture_came_from(tmp_path):
    with Sandbox() as sandbox:
        client = SDSSCutouts(base_url=sandbox.base_url, show_progress=False)
        path = client.get(TARGET, fov=6 * u.arcmin, size=200).save(tmp_path).path
        sandbox.reset()
        online = Cutout.read(path).chart(stars=2)
        assert [request.kind for request in sandbox.requests] == ["sql"]
    offline = Cutout.read(path).chart(stars=2)

    assert len(lines_of_stars(online)) == 2
    assert lines_of_stars(offline) == []
    assert "No offset stars: the catalogue query failed" in text_of(offline)


def test_no_star_is_no_query(cutout, sandbox):
    sent = len(sandbox.requests)
    figure = cutout.chart(stars=0)
    assert len(sandbox.requests) == sent
    assert "offset stars" not in text_of(figure)


def test_too_few_stars_are_told(cutout):
    figure = make_chart(cutout, None, lambda sql: Table())
    assert "0 of 5 offset stars: no other star here is isolated and has r < 21." in text_of(figure)


# ------------------------------------------------------------------------------ files, refusals


def test_a_chart_that_is_written_is_not_kept_by_pyplot(cutout, tmp_path):
    cutout.chart(tmp_path / "c.png", stars=0)
    assert plt.get_fignums() == []
    cutout.chart(stars=0)
    assert len(plt.get_fignums()) == 1


def test_a_chart_is_replaced_whole(cutout, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "c.png").write_bytes(b"old")
    cutout.chart("~/c.png", stars=0)
    assert os.listdir(tmp_path) == ["c.png"]
    with Image.open(tmp_path / "c.png") as image:
        image.load()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"path": "chart.gif"}, r"'chart.gif' is not a valid path .* \.pdf, \.png or \.jpg"),
        ({"path": "chart"}, "'chart' is not a valid path"),
        ({"stars": -1}, "stars = -1 is not a whole number from 0 to 26"),
        ({"stars": 27}, "stars = 27 is not"),
        ({"stars": 2.5}, "stars = 2.5 is not"),
        ({"stars": True}, "stars = True is not"),
        ({"slit": "120"}, "slit = '120' is not valid; expected LENGTHxWIDTH@PA"),
    ],
)
def test_wrong_options_are_refused_before_anything_is_sent(cutout, sandbox, options, message):
    sent = len(sandbox.requests)
    with pytest.raises(RequestError, match=message):
        cutout.chart(**options)
    assert len(sandbox.requests) == sent


def test_a_file_that_cannot_be_written_is_a_store_error(cutout, tmp_path):
    with pytest.raises(StoreError, match="No such file"):
        cutout.chart(tmp_path / "none" / "c.png", stars=0)


def test_a_target_without_a_picture_has_no_chart(client):
    (cutout,) = client.get(SkyCoord([266.4], [-29.0], unit="deg"))
    with pytest.raises(ImageError, match="there is no picture, outside"):
        cutout.chart()


def test_text_that_fits_is_on_one_line():
    page = Page(1.0)
    page.write("a short line", size=10)
    page.place_picture()
    figure, ax = page.draw(managed=False)
    assert [text.get_text() for text in figure.texts] == ["a short line"]
    assert plt.get_fignums() == []
    assert ax.get_position().height > 0
