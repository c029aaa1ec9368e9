"""The contact sheet's viewer, in Chromium."""

from __future__ import annotations

import astropy.units as u
import numpy as np
import pytest
from browser import HOSTILE_NAME, Keys

from sdss_cutout import read_cutouts
from sdss_cutout._views.preview import Preview
from sdss_cutout._views.sheet import write_sheet


def with_cards(header, values):
    """Return a sidecar with other numbers on some of its cards."""
    for key, value in values.items():
        start = header.index(f"{key:<8}=".encode())
        card = f"{key:<8}= {value:>20.12G}".ljust(80).encode()
        header = header[:start] + card + header[start + 80 :]
    return header


# ------------------------------------------------------------------------------------- coordinates


@pytest.mark.parametrize("name", ["one", "5 degrees", HOSTILE_NAME])
@pytest.mark.parametrize("zoom", [0, 3])
def test_coordinates_under_the_pointer_are_astropys(sheet, directory, name, zoom):
    (cutout,) = [cutout for cutout in read_cutouts(directory) if cutout.name == name]
    sheet.view(name)
    for _ in range(zoom):
        sheet.one("#larger").click()

    height, width = cutout.data.shape[:2]
    for x, y in [
        (0, 0),
        (width - 1, 0),
        (0, height - 1),
        (width - 1, height - 1),
        (width / 3, height / 2),
    ]:
        apart = sheet.point(x, y).separation(cutout.wcs.pixel_to_world(x, y))
        # Half a pixel was asked for; nothing is left to chance but the digits that are shown.
        assert apart < 0.02 * cutout.request.scale * u.arcsec


def test_a_sidecar_that_was_improved_is_followed(open_sheet, directory):
    path = directory / "5 degrees.wcs"
    values = {"CD1_1": -0.01, "CD1_2": 0.005, "CD2_1": 0.004, "CD2_2": -0.012}
    header = with_cards(path.read_bytes(), values)
    path.write_bytes(header.replace(b"RA---SIN", b"RA---TAN").replace(b"DEC--SIN", b"DEC--TAN"))
    (cutout,) = [cutout for cutout in read_cutouts(directory) if cutout.name == "5 degrees"]
    assert cutout.wcs.wcs.ctype[0] == "RA---TAN"

    sheet = open_sheet(write_sheet(directory, read_cutouts(directory).table))
    sheet.view("5 degrees")

    for x, y in [(0, 0), (399, 10), (100, 300)]:
        apart = sheet.point(x, y).separation(cutout.wcs.pixel_to_world(x, y))
        assert apart < 0.1 * u.arcsec


def test_the_keyboard_reads_coordinates_too(sheet, directory):
    (cutout,) = [cutout for cutout in read_cutouts(directory) if cutout.name == "one"]
    sheet.view("one")
    sheet.shift(Keys.LEFT, 4)
    sheet.shift(Keys.DOWN)
    # It begins in the middle, pixel 90, 90.
    assert sheet.reading().separation(cutout.wcs.pixel_to_world(87, 91)) < 0.01 * u.arcsec
    assert sheet.one("#readout").get_attribute("aria-live") == "polite"
    assert sheet.one("#crosshair").is_displayed()


# -------------------------------------------------------------------------------- zoom and gestures


def magnification(sheet):
    """Return screen pixels per pixel of the picture."""
    return sheet.box()[2] / sheet.script("return document.getElementById('picture').naturalWidth")


def wheel(sheet, x, y, turn):
    """Turn the wheel at a place in the middle's neighbourhood."""
    from selenium.webdriver.common.actions.wheel_input import ScrollOrigin

    origin = ScrollOrigin.from_element(sheet.one("#viewport"), x, y)
    sheet.actions().scroll_from_origin(origin, 0, turn).perform()


def read_at(sheet, x, y):
    """Return the position that is read at a place of the viewport, from its middle."""
    sheet.actions().move_to_element_with_offset(sheet.one("#viewport"), x, y).perform()
    return sheet.reading()


def test_the_wheel_zooms_about_the_pointer(sheet):
    sheet.view("one")
    fitted = magnification(sheet)
    before = read_at(sheet, 100, -60)
    wheel(sheet, 100, -60, -300)
    sheet.until(lambda: magnification(sheet) > 1.5 * fitted)
    sheet.actions().move_by_offset(1, 1).move_by_offset(-1, -1).perform()
    assert sheet.reading().separation(before) < 1.5 * 0.3 * u.arcsec / fitted
    wheel(sheet, 100, -60, 300)
    sheet.until(lambda: abs(magnification(sheet) / fitted - 1) < 0.01)


def test_double_click_zooms_in_and_out_again(sheet):
    sheet.view("one")
    fitted = magnification(sheet)
    picture = sheet.one("#picture")
    sheet.actions().move_to_element(picture).double_click().perform()
    assert magnification(sheet) == pytest.approx(3 * fitted, rel=0.01)
    sheet.actions().move_to_element(sheet.one("#viewport")).double_click().perform()
    assert magnification(sheet) == pytest.approx(fitted, rel=0.01)


def test_dragging_moves_the_magnified_picture(sheet):
    sheet.view("one")
    sheet.press("+", "+")
    left, top, *_ = sheet.box()
    chain = sheet.actions().move_to_element(sheet.one("#viewport")).click_and_hold()
    chain.move_by_offset(-40, -25).move_by_offset(-40, -25).release().perform()
    assert sheet.box()[:2] == pytest.approx([left - 80, top - 50], abs=1.5)
    assert sheet.text("#viewer-name") == "one"  # and does not go on to the next
    sheet.actions().move_by_offset(30, 30).perform()  # the button is up
    assert sheet.box()[:2] == pytest.approx([left - 80, top - 50], abs=1.5)


def middle_of(sheet):
    x, y, width, height = sheet.box("#viewport")
    return x + width / 2, y + height / 2


def test_a_swipe_goes_to_the_next(sheet):
    sheet.view("one")
    x, y = middle_of(sheet)
    sheet.touch([(x, y)], [(x - 50, y + 5)], [(x - 120, y + 10)], [])
    sheet.until(lambda: sheet.text("#viewer-name") == "5 degrees")
    sheet.touch([(x, y)], [(x + 50, y)], [(x + 120, y)], [])
    sheet.until(lambda: sheet.text("#viewer-name") == "one")
    sheet.touch([(x, y)], [(x - 20, y)], [])  # too short
    chain = sheet.actions().move_to_element(sheet.one("#viewport")).click_and_hold()
    chain.move_by_offset(-60, 0).move_by_offset(-60, 0).release().perform()  # with the mouse
    sheet.until(lambda: sheet.text("#viewer-name") == "5 degrees")


def test_two_fingers_zoom(sheet):
    sheet.view("one")
    fitted = magnification(sheet)
    x, y = middle_of(sheet)
    spread = [[(x - d, y), (x + d, y)] for d in (40, 60, 80)]
    sheet.touch([(x - 40, y)], *spread, [])
    sheet.until(lambda: magnification(sheet) > 1.5 * fitted)
    assert magnification(sheet) == pytest.approx(2 * fitted, rel=0.05)
    assert sheet.text("#viewer-name") == "one"


def test_the_magnification_stays_in_steps_and_goes_with_the_viewer(sheet):
    sheet.view("one")
    fitted = magnification(sheet)
    sheet.press("+", Keys.RIGHT, Keys.LEFT)
    assert magnification(sheet) == pytest.approx(2 * fitted, rel=0.01)
    sheet.press("0")
    assert magnification(sheet) == pytest.approx(fitted, rel=0.01)
    sheet.press("+", Keys.ESCAPE)
    sheet.view("one")
    assert magnification(sheet) == pytest.approx(fitted, rel=0.01)


# ---------------------------------------------------------------------------- scale bar and compass

LENGTHS = {"\N{PRIME}": u.arcmin, "\N{DOUBLE PRIME}": u.arcsec, "\N{DEGREE SIGN}": u.deg}


@pytest.mark.parametrize("name", ["one", "5 degrees", HOSTILE_NAME])
@pytest.mark.parametrize("zoom", [0, 2])
def test_the_scale_bar_is_as_long_as_it_says(sheet, directory, name, zoom):
    (cutout,) = [cutout for cutout in read_cutouts(directory) if cutout.name == name]
    sheet.view(name)
    for _ in range(zoom):
        sheet.press("+")
    text = sheet.one("#scale-bar").text
    length = u.Unit(float(text[:-1]) * LENGTHS[text[-1]])
    pixels = sheet.box("#scale-bar")[2] / magnification(sheet)
    height, width = cutout.data.shape[:2]
    x, y = width / 2, height / 2
    ends = cutout.wcs.pixel_to_world([x - pixels / 2, x + pixels / 2], [y, y])
    assert ends[0].separation(ends[1]).to_value(length) == pytest.approx(1, rel=0.02)
    assert 30 < sheet.box("#scale-bar")[2] <= 140


def arrow(sheet, name):
    """Return the direction of an arrow of the compass, x to the right, y downwards."""
    start, end = sheet.script(
        """
        const path = document.getElementById(arguments[0]);
        const ends = [0, path.getTotalLength()].map((at) => path.getPointAtLength(at));
        return ends.map((end) => [end.x, end.y]);
        """,
        f"compass-{name}",
    )
    vector = np.subtract(end, start)
    return vector / np.hypot(*vector)


def true_directions(wcs, x, y):
    """Return where north and east are on the screen, by astropy."""
    here = wcs.pixel_to_world(x, y)
    there = [here.directional_offset_by(angle * u.deg, 1 * u.arcsec) for angle in (0, 90)]
    vectors = [np.subtract(wcs.world_to_pixel(place), (x, y)) for place in there]
    return [vector / np.hypot(*vector) for vector in vectors]


def test_the_compass_points_north_and_east(sheet, directory):
    (cutout,) = [cutout for cutout in read_cutouts(directory) if cutout.name == "one"]
    sheet.view("one")
    for name, expected in zip(["north", "east"], true_directions(cutout.wcs, 90, 90), strict=True):
        np.testing.assert_allclose(arrow(sheet, name), expected, atol=0.02)
    assert sheet.one("#compass").accessible_name == "North and east"


def test_the_compass_turns_with_the_picture(open_sheet, directory):
    path = directory / "one.wcs"
    cosine, sine = 0.3 / 3600 * np.array([np.cos(0.6), np.sin(0.6)])
    values = {"CD1_1": -cosine, "CD1_2": sine, "CD2_1": sine, "CD2_2": cosine}  # mirrored, turned
    path.write_bytes(with_cards(path.read_bytes(), values))
    (cutout,) = [cutout for cutout in read_cutouts(directory) if cutout.name == "one"]

    sheet = open_sheet(write_sheet(directory, read_cutouts(directory).table))
    sheet.view("one")
    for name, expected in zip(["north", "east"], true_directions(cutout.wcs, 90, 90), strict=True):
        np.testing.assert_allclose(arrow(sheet, name), expected, atol=0.02)


def test_without_a_sidecar_there_is_a_scale_bar_but_no_compass(open_sheet, directory):
    table = read_cutouts(directory).table
    (directory / "one.wcs").unlink()
    sheet = open_sheet(write_sheet(directory, table))
    sheet.view("one")
    assert sheet.one("#scale-bar").is_displayed()
    assert not sheet.one("#compass").is_displayed()
    assert sheet.text("#readout").startswith("Point at")


# ------------------------------------------------------------------------------------ what is shown


def links(sheet):
    return {link.text: link.get_attribute("href") for link in sheet.all("#links a")}


def test_links_lead_to_the_same_place(sheet, sandbox):
    sheet.view("one")
    tools = f"{sandbox.base_url}/dr17/VisualTools"
    found = links(sheet)
    assert found["Navigate"] == f"{tools}/navi?ra=19.023342&dec=-0.014911"
    assert found["Explore"] == f"{tools}/explore/summary?id=1237648720693755918"
    assert found["Legacy Survey"] == (
        "https://www.legacysurvey.org/viewer?ra=19.023342&dec=-0.014911&layer=ls-dr9&zoom=15"
        "&mark=19.023342,-0.014911"
    )
    assert found["Aladin"] == (
        "https://aladin.cds.unistra.fr/AladinLite/?target=19.023342%20-0.014911&fov=0.0300"
        "&survey=CDS%2FP%2FSDSS9%2Fcolor"
    )
    assert found["JPEG"].endswith("/one.jpg")
    assert found["FITS header"].endswith("/one.wcs")
    sheet.press(Keys.RIGHT, Keys.RIGHT, Keys.RIGHT)
    assert sheet.text("#viewer-name") == "out"
    assert list(links(sheet)) == ["Navigate", "Explore", "Legacy Survey", "Aladin", "The request"]


def test_no_link_to_explore_without_an_object(open_sheet, directory):
    table = read_cutouts(directory).table
    table["objid"] = [-1, 0, 3, 4]
    sheet = open_sheet(write_sheet(directory, table))
    sheet.view("one")
    assert "Explore" not in links(sheet)


def test_columns_about_the_download_are_apart(sheet):
    sheet.view("one")
    shown = [cell.text for cell in sheet.all("#values th")]
    assert shown[:4] == ["id", "ra", "dec", "objid"]
    assert "sha256" not in shown
    assert "sha256" in sheet.text("#other-values")
    assert not sheet.one("#other-values").is_displayed()
    sheet.one("#others summary").click()
    assert sheet.one("#other-values").is_displayed()


def test_a_preview_stands_for_a_fits_file(open_sheet, directory):
    table = read_cutouts(directory).table
    table["path"] = [f"{path.removesuffix('.jpg')}.fits" if path else "" for path in table["path"]]

    def preview(path):
        jpeg, header = path.with_suffix(".jpg"), path.with_suffix(".wcs")
        return Preview(jpeg.read_bytes(), header.read_bytes())

    sheet = open_sheet(write_sheet(directory, table, preview=preview))
    sheet.view("one")
    assert sheet.script("return document.getElementById('picture').naturalWidth") == 180
    assert sheet.one("#compass").is_displayed()
    assert links(sheet)["FITS"].endswith("/one.fits")
    assert sheet.errors() == []

    sheet = open_sheet(write_sheet(directory, table))
    sheet.view("one")
    assert sheet.text("#instead") == "ok: no picture to show"
