"""Plots: the right way up, the coordinates right, the scale bar round and true."""

from __future__ import annotations

import astropy.units as u
import matplotlib.pyplot as plt
import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.table import Table
from mpl_toolkits.axes_grid1.anchored_artists import AnchoredSizeBar

from sdss_cutout import ImageError, TargetError
from sdss_cutout._views.plot import angle_text, round_angle

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


def test_plain_axes_are_refused_with_what_to_do(cutout):
    with pytest.raises(TypeError, match=r"ax is a Axes, not a WCSAxes; plt\.subplots\(subplot_kw"):
        cutout.plot(plt.figure().add_subplot())


def test_a_target_without_a_picture_cannot_be_plotted(client):
    (cutout,) = client.get(SkyCoord([266.4], [-29.0], unit="deg"))
    with pytest.raises(ImageError, match="there is no picture, outside"):
        cutout.plot()
