"""Montages: the order, the titles, what failed shown as such, and PNGs in little memory."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.table import MaskedColumn, Table
from outcomes import Composite, GonePicture, OutcomeList
from PIL import Image

from sdss_cutout import CutoutList, RequestError, StoreError
from sdss_cutout._views.montage import montage_figure, order_of, titles_of, write_montage

OUTSIDE = (266.4, -29.0)


@pytest.fixture(autouse=True)
def _figures_are_closed():
    yield
    plt.close("all")


@pytest.fixture
def cutouts(client):
    ra, dec = OUTSIDE
    table = Table(
        {
            "id": ["a", "b", "c", "out"],
            "ra": [150.0, 151.0, 152.0, ra],
            "dec": [30.0, 30.5, 31.0, dec],
            "r": MaskedColumn([16.25, 15.5, 0.0, 17.0], mask=[0, 0, 1, 0]),
        }
    )
    found = client.get(table, size=80)
    failed = replace(found[2], status="failed", picture=None, error="503")
    return CutoutList((found[0], found[1], failed, found[3]), found.input_table)


def texts_of(figure):
    return [text.get_text() for text in figure.axes[0].texts if text.get_text() != "simulated"]


def test_one_call_draws_pictures_in_the_targets_order(cutouts):
    figure = cutouts.montage(ncols=2)

    pictures = figure.axes[0].images
    assert [np.array_equal(p.get_array(), c.data) for p, c in zip(pictures, cutouts, strict=False)]
    assert [tuple(round(x) for x in p.get_extent()[:2]) for p in pictures] == [(0, 1), (1, 2)]
    assert texts_of(figure) == ["a", "b", "failed", "c", "outside", "out"]
    figure.canvas.draw()


def test_names_stand_under_their_pictures(cutouts):
    figure = cutouts.montage(ncols=2)
    figure.canvas.draw()
    places = {text.get_text(): text.get_window_extent() for text in figure.axes[0].texts}
    for picture, name in zip(figure.axes[0].images, "ab", strict=True):
        box = picture.get_window_extent()
        gap = box.y0 - places[name].y1
        assert 0 <= gap < 0.1 * box.height
        assert places[name].x0 < (box.x0 + box.x1) / 2 < places[name].x1


def test_order_and_titles_come_from_columns(cutouts):
    figure = cutouts.montage(ncols=4, titles="r", order="r", reverse=True)

    places = {text.get_text(): round(text.get_position()[0] - 0.5) for text in figure.axes[0].texts}
    del places["simulated"]
    assert places == {"17": 0, "outside": 0, "16.25": 1, "15.5": 2, "": 3, "failed": 3}


def test_pictures_stand_the_right_way_up(cutouts):
    figure = cutouts[:1].montage(titles=None)

    (picture,) = figure.axes[0].images
    _, _, bottom, top = picture.get_extent()
    assert bottom > top  # the axis runs down: row 0 is at the top
    assert figure.axes[0].yaxis_inverted()
    assert picture.origin == "upper"


def test_titles_keep_dollar_signs_and_fit(cutouts):
    figure = cutouts.montage(titles=["$x", "y" * 300, "", "z"])

    figure.canvas.draw()
    shown = texts_of(figure)
    assert "$x" in shown
    (long,) = [text for text in shown if text.startswith("yy")]
    assert len(long) < 40
    assert "…" in long


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"order": "z"}, r"order = 'z' is not a column; there are id, ra, dec, r, name, status"),
        ({"titles": "z"}, r"titles = 'z' is not a column"),
        ({"titles": ["a"]}, r"titles has 1 texts for 4 targets"),
        ({"ncols": 0}, r"ncols = 0 is not a whole number of at least 1"),
    ],
)
def test_wrong_options_are_refused(cutouts, options, message):
    with pytest.raises(RequestError, match=message):
        cutouts.montage(**options)


def test_a_report_shows_a_file_that_is_gone_as_such(client, tmp_path):
    sky = SkyCoord([150.0, 150.1, 150.2], [30.0, 30.0, 30.0], unit="deg")
    report = client.download(sky, tmp_path, size=64)
    (tmp_path / f"{report.table['name'][1]}.jpg").unlink()

    figure = report.montage()
    path = write_montage(report, tmp_path / "montage.png", tile=64)

    assert len(figure.axes[0].images) == 2
    assert "unreadable" in texts_of(figure)
    with Image.open(path) as image:
        red, _, blue = image.getpixel((64 + 5, 5))
        assert red > 2 * blue


def test_a_report_is_drawn_too(client, tmp_path):
    report = client.download(
        SkyCoord([150.0, OUTSIDE[0]], [30.0, OUTSIDE[1]], unit="deg"), tmp_path
    )
    figure = report.montage()
    assert len(figure.axes[0].images) == 1
    assert "outside" in texts_of(figure)


def test_a_file_that_is_gone_shows_as_such(cutouts):
    shown = OutcomeList([cutouts[0], GonePicture(), cutouts[1]])
    figure = montage_figure(shown, Table({"name": ["a", "gone", "b"]}))
    assert len(figure.axes[0].images) == 2
    assert texts_of(figure) == ["a", "unreadable", "gone", "b"]


def test_a_picture_of_arrays_is_shown_with_its_last_row_at_the_top():
    simulated = Composite(header=fits.Header({"ORIGIN": "SIMULATED sky"}))
    outcomes = OutcomeList([Composite(), simulated, Composite(status="outside")])
    figure = montage_figure(outcomes, Table({"name": ["a", "b", "c"]}))

    picture, _ = figure.axes[0].images
    assert picture.get_array()[0, 0].tolist() == [0, 0, 200]
    assert [text.get_text() for text in figure.axes[0].texts] == [
        "a", "simulated", "b", "outside", "c",
    ]  # fmt: skip


def test_an_empty_list_gives_an_empty_figure(cutouts):
    assert not cutouts[:0].montage().axes[0].images


def test_order_is_stable_and_nan_comes_last():
    table = Table({"x": [2.0, np.nan, 1.0, 2.0]})
    assert order_of(table, "x") == [2, 0, 3, 1]
    assert order_of(table, "x", reverse=True) == [0, 3, 2, 1]
    assert order_of(table, None, reverse=True) == [3, 2, 1, 0]


def test_identifiers_keep_all_digits_in_titles():
    table = Table({"objid": np.array([1237648720693755918], dtype="u8")})
    assert titles_of(table, "objid") == ["1237648720693755918"]


# ------------------------------------------------------------------------------------ as a PNG


def test_png_holds_every_tile_in_its_place(cutouts, tmp_path):
    path = write_montage(cutouts, tmp_path / "m.png", ncols=2, tile=82)

    with Image.open(path) as image:
        image.load()
        pixels = np.asarray(image)
    assert pixels.shape == (2 * 82 + 24, 2 * 82, 3)
    for number in (0, 1):
        tile = pixels[1:81, number * 82 + 1 : number * 82 + 81].astype(int)
        assert np.abs(tile - cutouts[number].data).max() <= 3  # decoders differ in rounding
    failed, outside = pixels[90, 5], pixels[90, 82 + 5]
    assert failed[0] > 2 * failed[2]
    assert np.ptp(outside) < 10 < outside[0]


@pytest.mark.parametrize(("count", "ncols"), [(4, 4), (4, 3), (4, 1), (0, None), (1, None)])
def test_png_has_as_many_lines_as_it_needs(cutouts, tmp_path, count, ncols):
    path = write_montage(cutouts[:count], tmp_path / "m.png", ncols=ncols, tile=40)
    with Image.open(path) as image:
        image.load()
        columns = max(min(ncols or 10, count), 1)
        assert image.size == (columns * 40, max(-(-count // columns), 1) * 40 + 24)


def test_png_has_titles(cutouts, tmp_path):
    plain = write_montage(cutouts, tmp_path / "plain.png", ncols=4)
    titled = write_montage(cutouts, tmp_path / "titled.png", ncols=4, titles=["a", "b", "c", "é"])
    with Image.open(plain) as a, Image.open(titled) as b:
        assert b.height == a.height + 14
        strip = np.asarray(b)[96:110]
        assert all(strip[:, 96 * n : 96 * n + 96].max() > 150 for n in range(4))


def test_png_shows_pictures_of_arrays_and_files_that_are_gone(tmp_path):
    path = write_montage(OutcomeList([Composite(), GonePicture()]), tmp_path / "m.png", tile=82)
    with Image.open(path) as image:
        pixels = np.asarray(image)
    assert pixels[5, 41].tolist() == [0, 0, 200]
    assert pixels[75, 41].tolist() == [200, 0, 0]
    assert pixels[5, 82 + 5, 0] > 2 * pixels[5, 82 + 5, 2]


def test_png_titles_keep_their_ends(cutouts, tmp_path):
    one, other = (
        write_montage(cutouts[:1], tmp_path / f"{end}.png", tile=64, titles=["x" * 40 + end])
        for end in "mi"
    )
    with Image.open(one) as a, Image.open(other) as b:
        assert not np.array_equal(np.asarray(a), np.asarray(b))


def test_png_that_was_killed_half_way_is_removed_by_the_next(cutouts, tmp_path):
    left = tmp_path / ".run-0123abcd"  # the folder of a process that does not run any more
    left.mkdir()
    (left / "lock").touch()
    (left / "m.png").write_bytes(b"half")
    write_montage(cutouts, tmp_path / "m.png")
    assert [path.name for path in tmp_path.iterdir()] == ["m.png"]


def test_png_holds_one_line_of_tiles_in_memory(cutouts, tmp_path):
    many = CutoutList(cutouts.cutouts[:1] * 2_000, Table())
    whole = 2_000 * 40 * 40 * 3
    write_montage(many[:10], tmp_path / "m.png", ncols=10, tile=40)  # fonts and the like

    tracemalloc.start()
    try:
        write_montage(many, tmp_path / "m.png", ncols=10, tile=40)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < whole / 8


def test_png_that_cannot_be_written_leaves_nothing(cutouts, tmp_path):
    with pytest.raises(StoreError, match="No such file"):
        write_montage(cutouts, tmp_path / "none" / "m.png")
    (tmp_path / "m.png").mkdir()
    with pytest.raises(StoreError):
        write_montage(cutouts, tmp_path / "m.png")
    assert [path.name for path in tmp_path.iterdir()] == ["m.png"]
