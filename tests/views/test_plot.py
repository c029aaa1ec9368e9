"""Plots: the right way up, the coordinates right, the scale bar round and true."""

from __future__ import annotations

import astropy.units as u
import matplotlib.pyplot as plt
import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.table import Table
from astropy.wcs import WCS
from mpl_toolkits.axes_grid1.anchored_artists import AnchoredSizeBar
from PIL import Image

from sdss_cutout import Cutout, ImageError, RequestError, TargetError
from sdss_cutout._views.annotate import angle_text, round_angle
from sdss_cutout._views.plot import plot_pixels

PRIME = "\N{PRIME}"
TARGET = SkyCoord(150.0, 30.0, unit="deg")


@pytest.fixture(autouse=True)
def _figures_are_closed():
    yield
    plt.close("all")


@pytest.fixture
def cutout(client):
    return client.get(TARGET, scale=0.3 * u.arcsec / u.pix, size=180)


def on_screen(ax, coord):
    """Return where a position is drawn, in points of the screen from the lower left."""
    ax.figure.canvas.draw()
    transform = ax.get_transform("icrs")
    return transform.transform([(coord.ra.deg, coord.dec.deg)])[0]


@pytest.mark.parametrize(
    ("target", "scale"),
    [
        (TARGET, 0.3 * u.arcsec / u.pix),
        (SkyCoord(0.0, -1.0, unit="deg"), 5 * u.arcsec / u.pix),
        (SkyCoord(200.0, 85.0, unit="deg"), 100 * u.arcsec / u.pix),
    ],
    ids=["54 arcsec", "15 arcmin at RA 0", "5 degrees near the pole"],
)
def test_north_is_up_and_east_is_left(client, target, scale):
    ax = client.get(target, scale=scale, size=180).plot()

    step = 30 * scale * u.pix
    middle = on_screen(ax, target)
    north = on_screen(ax, target.directional_offset_by(0 * u.deg, step)) - middle
    east = on_screen(ax, target.directional_offset_by(90 * u.deg, step)) - middle

    assert north[1] > 5 * abs(north[0])
    assert -east[0] > 5 * abs(east[1])


def test_row_0_is_drawn_at_the_top(cutout):
    ax = cutout.plot()

    (image,) = ax.images
    assert np.array_equal(image.get_array(), cutout.data)
    bottom, top = ax.get_ylim()
    assert (top, bottom) == (-0.5, 179.5)
    assert image.get_extent() == [-0.5, 179.5, -0.5, 179.5]
    assert image.origin == "lower"  # pixel 0 at y = 0; the axis is turned, not the picture


def test_a_galaxy_is_bright_where_the_axes_say_that_it_is(client, sandbox):
    galaxy = client.query_sql("SELECT TOP 1 ra, dec FROM Galaxy WHERE r < 16")[0]
    target = SkyCoord(galaxy["ra"], galaxy["dec"], unit="deg")
    away = target.spherical_offsets_by(20 * u.arcsec, 10 * u.arcsec)
    ax = client.get(away, scale=0.4 * u.arcsec / u.pix, size=200).plot()

    x, y = on_screen(ax, target)
    canvas = np.asarray(ax.figure.canvas.buffer_rgba())
    row = canvas.shape[0] - round(y)
    here = canvas[row - 2 : row + 3, round(x) - 2 : round(x) + 3, :3].mean()
    mirrored = 2 * on_screen(ax, away) - (x, y)
    row = canvas.shape[0] - round(mirrored[1])
    there = canvas[row - 2 : row + 3, round(mirrored[0]) - 2 : round(mirrored[0]) + 3, :3].mean()

    assert here > 60
    assert here > 3 * there


def test_compass_points_to_north_and_east(cutout):
    ax = cutout.plot()

    letters = {text.get_text(): text for text in ax.texts if text.get_text() in ("N", "E")}
    assert letters["N"].xyann[1] > 10 * abs(letters["N"].xyann[0])
    assert -letters["E"].xyann[0] > 10 * abs(letters["E"].xyann[1])


@pytest.mark.parametrize(
    ("scale", "label"),
    [(0.3, "10″"), (1.5, f"1{PRIME}"), (3.0, f"2{PRIME}"), (110.0, "1°"), (0.02, "1″")],
)
def test_scale_bar_is_as_long_as_it_says(client, scale, label):
    ax = client.get(TARGET, scale=scale * u.arcsec / u.pix, size=180).plot()

    (bar,) = [artist for artist in ax.artists if isinstance(artist, AnchoredSizeBar)]
    assert bar.txt_label.get_text() == label
    (line,) = bar.size_bar.get_children()
    angle = line.get_width() * scale * u.arcsec
    units = {"″": u.arcsec, PRIME: u.arcmin, "°": u.deg}
    assert angle.to_value(units[label[-1]]) == pytest.approx(float(label[:-1]))


@pytest.mark.parametrize(
    ("limit", "text"),
    [
        (17.9 * u.arcsec, "10″"),
        (59.9 * u.arcsec, "30″"),
        (60 * u.arcsec, f"1{PRIME}"),
        (1.9 * u.deg, "1°"),
        (0.3 * u.arcsec, "0.2″"),
        (0.07 * u.arcsec, "0.01″"),
        (100 * u.deg, "45°"),
    ],
)
def test_round_angles(limit, text):
    assert angle_text(round_angle(limit)) == text


def test_title_is_the_name_whatever_it_holds(client):
    table = Table({"name": ["a $_$"], "ra": [150.0], "dec": [30.0]})
    cutout = client.get(table, size=64)[0]

    ax = cutout.plot()
    ax.figure.canvas.draw()  # would raise where dollar signs are read as mathematics

    assert ax.get_title() == cutout.name


def test_simulated_pictures_say_so(cutout):
    assert "simulated" in [text.get_text() for text in cutout.plot().texts]


def test_marks_are_drawn_through_the_wcs(cutout):
    inside = cutout.wcs.pixel_to_world([10.0, 170.0], [20.0, 30.0])

    ax = cutout.plot(mark=Table({"ra": inside.ra, "dec": inside.dec}))

    (marks,) = ax.collections
    assert np.asarray(marks.get_offsets()) == pytest.approx(
        np.array([[10.0, 20.0], [170.0, 30.0]]), abs=1e-6
    )


def test_marks_elsewhere_are_left_out(cutout):
    beside = TARGET.directional_offset_by(0 * u.deg, 1 * u.arcmin)
    opposite = SkyCoord(330.0, -30.0, unit="deg")  # would fall onto the middle

    ax = cutout.plot(mark=SkyCoord([TARGET, beside, opposite]))

    (marks,) = ax.collections
    assert np.asarray(marks.get_offsets()) == pytest.approx(np.array([[90.0, 90.0]]), abs=1e-6)
    assert ax.get_xlim() == (-0.5, 179.5)


def test_marks_that_are_no_positions_are_refused(cutout):
    with pytest.raises(TargetError):
        cutout.plot(mark=Table({"a": [1]}))


def test_given_axes_are_used_and_take_the_wcs(client, cutout):
    other = client.get(SkyCoord(10.0, 0.0, unit="deg"), size=64)
    figure, axes = plt.subplots(1, 2, subplot_kw={"projection": other.wcs})

    ax = cutout.plot(axes[1])

    assert ax is axes[1]
    assert ax.wcs.wcs.crval == pytest.approx([150.0, 30.0])
    assert not axes[0].images
    figure.canvas.draw()


def test_plain_axes_show_the_picture_without_coordinates(cutout):
    axes = plt.figure().add_subplot()

    assert cutout.plot(axes) is axes

    axes.figure.canvas.draw()
    (image,) = axes.images
    assert np.array_equal(image.get_array(), cutout.data)
    assert axes.yaxis_inverted()  # row 0, which is north, is at the top
    assert not axes.xaxis_inverted()  # column 0, which is east, is at the left
    assert axes.get_title() == cutout.name
    assert not len(axes.get_xticks())
    assert not len(axes.get_yticks())
    assert {"N", "E"} <= {text.get_text() for text in axes.texts}


def test_marks_on_plain_axes_are_at_the_same_pixels(cutout):
    position = cutout.wcs.pixel_to_world(10.0, 20.0)
    ax = cutout.plot(plt.figure().add_subplot(), mark=position)
    (marks,) = ax.collections
    assert np.asarray(marks.get_offsets()) == pytest.approx(np.array([[10.0, 20.0]]), abs=1e-6)


def text_boxes(figure, texts):
    figure.canvas.draw()
    return [text.get_window_extent() for text in texts]


def test_a_grid_of_fifty_is_readable(client):
    sky = SkyCoord(np.linspace(150, 151, 50), np.full(50, 30.0), unit="deg")
    figure, axes = plt.subplots(5, 10)
    for ax, cutout in zip(axes.flat, client.get(sky, size=64), strict=True):
        cutout.plot(ax)

    titles = [ax.title for ax in axes.flat]
    boxes = text_boxes(figure, titles)
    assert [title.get_text().replace("\n", "") for title in titles] == [
        f"J10{name}" for name in [title.get_text().replace("\n", "")[3:] for title in titles]
    ]
    assert all(title.get_size() >= 5 for title in titles)
    assert not any(one.overlaps(other) for n, one in enumerate(boxes) for other in boxes[n + 1 :])
    pictures = [ax.get_window_extent() for ax in axes.flat]
    assert not any(box.overlaps(picture) for box in boxes for picture in pictures)
    assert not [text for text in axes[0, 0].texts if text.get_text() in ("N", "E")]


@pytest.mark.parametrize("name", ["x" * 200, "a b c d e", "$", "J010203.45-010203.4"])
def test_a_title_fits_its_axes(client, name):
    table = Table({"name": [name], "ra": [150.0], "dec": [30.0]})
    figure, axes = plt.subplots(2, 3, figsize=(4, 3))
    ax = client.get(table, size=64)[0].plot(axes[0, 0])
    (box,) = text_boxes(figure, [ax.title])
    # Letters of a few pixels are rounded to whole ones; the gap between axes is a fifth.
    assert box.width <= 1.15 * ax.get_window_extent().width


@pytest.mark.parametrize(
    ("make", "what"),
    [
        (lambda: plt.figure().add_subplot(projection="polar"), "PolarAxes"),
        (lambda: plt.figure().add_subplot(projection="3d"), "Axes3D"),
        (lambda: plt.figure().add_subplot(projection="mollweide"), "MollweideAxes"),
        (lambda: plt.subplots(1, 2)[1], r"an array of shape \(2,\); give one of its elements"),
        (plt.figure, "Figure"),
        (lambda: "ax", "str"),
    ],
)
def test_what_takes_no_picture_is_refused_with_what_to_do(cutout, make, what):
    ax = make()
    with pytest.raises(RequestError, match=rf"ax is not valid: {what}.*projection=cutout\.wcs"):
        cutout.plot(ax)
    with pytest.raises(RequestError, match="ax is not valid"):
        cutout.imshow(ax)


def test_marks_may_have_the_same_name_twice(client, cutout):
    table = Table({"name": ["a", "a"], "ra": [150.0, 150.001], "dec": [30.0, 30.0]})
    ax = cutout.plot(mark=table)
    (marks,) = ax.collections
    assert len(marks.get_offsets()) == 2
    assert client.get(TARGET, size=64, mark=table).status == "ok"


# ------------------------------------------------------------------- picture and sidecar oneself


# astropy warns that a header without data has two axes.
reads_sidecars = pytest.mark.filterwarnings("ignore::astropy.wcs.FITSFixedWarning")


@pytest.fixture
def saved(client, sandbox, tmp_path):
    """A picture on disk with a bright star far from its middle, and the star's true position."""
    star = sandbox.sky.bright.table[0]
    truth = SkyCoord(star["ra"], star["dec"], unit="deg")
    middle = truth.directional_offset_by(70 * u.deg, 200 * u.arcsec)
    scale = 3 * u.arcsec / u.pix
    cutout = client.get(middle, scale=scale, size=200).save(tmp_path)
    return cutout, truth


def brightness_at(ax, coord):
    """Return how bright the figure is where its axes say that a position is."""
    x, y = on_screen(ax, coord)
    canvas = np.asarray(ax.figure.canvas.buffer_rgba())
    row = canvas.shape[0] - round(y)
    return canvas[row - 2 : row + 3, round(x) - 2 : round(x) + 3, :3].mean()


@reads_sidecars
def test_pillow_s_image_on_wcsaxes_is_against_the_coordinates(saved):
    # The trap that `imshow` is for; if astropy changes it, the page about it must change.
    cutout, star = saved
    ax = plt.figure().add_subplot(projection=WCS(str(cutout.sidecar)))
    ax.imshow(Image.open(cutout.path))
    assert brightness_at(ax, star) < 60


@reads_sidecars
def test_an_array_on_an_inverted_axis_is_right(saved):
    cutout, star = saved
    ax = plt.figure().add_subplot(projection=WCS(str(cutout.sidecar)))
    ax.imshow(np.asarray(Image.open(cutout.path)))
    ax.invert_yaxis()
    assert brightness_at(ax, star) > 150


@reads_sidecars
@pytest.mark.parametrize("draw", [Cutout.imshow, Cutout.plot])
def test_one_line_makes_picture_and_sidecar_right(saved, draw):
    cutout, star = saved
    ax = plt.figure().add_subplot(projection=WCS(str(cutout.sidecar)))

    draw(Cutout.read(cutout.path), ax)

    assert brightness_at(ax, star) > 150
    assert ax.yaxis_inverted()


def test_imshow_takes_axes_of_another_field(saved, client):
    cutout, star = saved
    other = client.get(SkyCoord(10.0, 0.0, unit="deg"), size=64)
    ax = plt.figure().add_subplot(projection=other.wcs)
    cutout.imshow(ax)
    assert brightness_at(ax, star) > 150


def test_imshow_keeps_the_labels_of_axes_that_have_the_wcs(cutout):
    ax = plt.figure().add_subplot(projection=cutout.wcs)
    ax.coords[0].set_axislabel("mine")
    cutout.imshow(ax)
    assert ax.coords[0].get_axislabel() == "mine"
    assert not ax.texts
    assert ax.get_title() == ""


def test_arrays_in_fits_order_are_drawn_bottom_first(cutout):
    flipped = cutout.data[::-1]
    sky = cutout.wcs.deepcopy()
    sky.wcs.cd = sky.wcs.cd * [[1], [-1]]
    sky.wcs.crpix = [sky.wcs.crpix[0], len(flipped) + 1 - sky.wcs.crpix[1]]

    ax = plot_pixels(flipped, sky, top_first=False, title="fits", cmap="gray")

    assert not ax.yaxis_inverted()
    letters = {text.get_text(): text for text in ax.texts if text.get_text() in ("N", "E")}
    assert letters["N"].xyann[1] > 10 * abs(letters["N"].xyann[0])
    assert -letters["E"].xyann[0] > 10 * abs(letters["E"].xyann[1])


def test_a_rotated_compass_stays_within_the_axes():
    sky = WCS(naxis=2)
    sky.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    sky.wcs.crval, sky.wcs.crpix = [150, 30], [50, 50]
    sky.array_shape = (100, 100)
    for angle in np.radians([0, 75, 140, 200, 290]):
        c, s = np.cos(angle), np.sin(angle)
        sky.wcs.cd = 1e-4 * np.array([[-c, s], [s, c]])
        ax = plot_pixels(np.zeros((100, 100)), sky, top_first=False, title="")
        ax.figure.canvas.draw()
        inside = ax.get_window_extent()
        for text in ax.texts:
            box = text.get_window_extent()
            assert inside.containsx(box.x0)
            assert inside.containsx(box.x1)
            assert inside.containsy(box.y0)
            assert inside.containsy(box.y1)


def test_a_target_without_a_picture_cannot_be_plotted(client):
    (cutout,) = client.get(SkyCoord([266.4], [-29.0], unit="deg"))
    with pytest.raises(ImageError, match="there is no picture, outside"):
        cutout.plot()
