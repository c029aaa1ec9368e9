"""Searching, sorting, filtering and moving about in the contact sheet, in Chromium."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.table import Table
from browser import HOSTILE_NAME, HOSTILE_TAG, Keys

from sdss_cutout import read_cutouts
from sdss_cutout._views.sheet import write_sheet


def test_every_picture_loads_and_nothing_from_elsewhere(sheet, directory):
    sheet.until(
        lambda: sheet.script(
            "return [...document.images].filter((i) => i.closest('#grid'))"
            ".every((i) => i.complete && i.naturalWidth > 0)"
        )
    )
    assert len(sheet.all("#grid img")) == 3
    sheet.view("one")
    sheet.until(
        lambda: sheet.script("return document.getElementById('picture').naturalWidth === 180")
    )
    folder = directory.as_uri() + "/"
    requested = sheet.requested()
    assert len([url for url in requested if url.endswith(".jpg")]) >= 3
    assert [url for url in requested if not url.startswith((folder, "data:"))] == []
    assert sheet.errors() == []


def test_hostile_text_is_shown_as_text(sheet):
    assert HOSTILE_NAME in sheet.names()
    sheet.view(HOSTILE_NAME)
    assert HOSTILE_TAG in sheet.one("#values").text
    assert '<b>"&' in sheet.one("#values").text
    assert sheet.driver.title == "pictures: contact sheet"
    assert sheet.all("#values img") == []


def test_what_has_no_picture_is_shown_as_such(sheet):
    tile = sheet.all(".tile")[3]
    assert tile.text.startswith("outside")
    assert tile.find_element("css selector", ".open").accessible_name == "out, outside"
    sheet.view("out")
    assert "outside" in sheet.one("#instead").text
    assert not sheet.one("#stage").is_displayed()


def test_sort_by_any_column(sheet):
    sheet.choose("#sort", "r")
    assert sheet.names() == ["5 degrees", "one", "out", HOSTILE_NAME]  # missing comes last
    sheet.one("#direction").click()
    assert sheet.names() == ["out", "one", "5 degrees", HOSTILE_NAME]
    sheet.one("#direction").click()
    sheet.choose("#sort", "objid")  # these differ in the last of 19 digits
    assert sheet.names() == [HOSTILE_NAME, "out", "5 degrees", "one"]
    sheet.choose("#sort", '<b>"&')  # as numbers: 10 after 3
    assert sheet.names()[-1] == "out"


@pytest.mark.parametrize(
    ("column", "how", "wanted", "names"),
    [
        ("r", "<", "16.5", ["5 degrees"]),
        ("r", "≤", "16.5", ["one", "5 degrees"]),
        ("r", "is missing", None, [HOSTILE_NAME]),
        ("objid", "=", "1237648720693755917", ["5 degrees"]),
        ("objid", ">", "1e3", ["one", "5 degrees"]),
        ("note", "contains", "SCRIPT", ["5 degrees"]),
        ("status", "≠", "ok", ["out"]),
        ("r", "<", "no number", ["one", "5 degrees", HOSTILE_NAME, "out"]),
    ],
)
def test_filter_by_any_column(sheet, column, how, wanted, names):
    sheet.one("#add-filter").click()
    sheet.choose(".filter .column", column)
    sheet.choose(".filter .how", how)
    if wanted is not None:
        sheet.one(".filter .wanted").send_keys(wanted)
    assert sheet.names() == names
    sheet.one(".filter .remove").click()
    assert len(sheet.names()) == 4


def test_search_and_filters_work_together(sheet):
    sheet.one("#search").send_keys("plain")
    assert sheet.names() == ["one", "out"]
    assert sheet.one("#status").text == "Showing 1 to 2 of 2 that fit, of 4 in all"
    sheet.one("#add-filter").click()
    sheet.choose(".filter .column", "status")
    sheet.choose(".filter .how", "=")
    sheet.one(".filter .wanted").send_keys("failed")
    assert sheet.names() == []
    assert sheet.one("#status").text == "No target fits."


def test_the_whole_road_by_keyboard(sheet):
    sheet.press(Keys.TAB)
    assert sheet.focused() == "Skip to the pictures"
    sheet.press(Keys.ENTER)
    sheet.press(Keys.TAB)
    assert sheet.focused() == "one, ok"
    sheet.press(Keys.RIGHT)
    sheet.press("1")
    assert sheet.focused() == f"{HOSTILE_NAME}, ok"  # marking goes on to the next
    sheet.press(Keys.LEFT)
    assert sheet.focused() == "5 degrees, ok, marked good"
    sheet.press(Keys.ENTER)
    assert sheet.one("#viewer-name").text == "5 degrees"
    sheet.press(Keys.RIGHT, "2")
    assert sheet.one("#viewer-name").text == "out"
    sheet.press(Keys.ESCAPE)
    assert not sheet.one("#viewer").is_displayed()
    assert sheet.focused() == "out, outside"
    sheet.press(Keys.TAB)
    assert sheet.focused() == "Mark out good"
    sheet.press(Keys.HOME)
    assert sheet.focused() == "one, ok"
    assert sheet.one("#tally").text == "1 good, 1 bad"


def test_every_control_has_a_name(sheet):
    sheet.one("#add-filter").click()
    for control in sheet.all("button, input, select, summary"):
        if control.is_displayed():
            assert control.accessible_name, control.get_attribute("outerHTML")
    sheet.view("one")
    for control in sheet.all("#viewer button, #viewer input, #viewer summary, #viewer svg"):
        assert control.accessible_name, control.get_attribute("outerHTML")
    assert sheet.one("#picture").accessible_name == "Cutout one"


def test_light_and_dark(sheet):
    def paper():
        return sheet.script("return getComputedStyle(document.body).backgroundColor")

    def prefer(scheme):
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        sheet.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    try:
        prefer("dark")
        dark = paper()
        prefer("light")
        light = paper()
        assert (dark, light) == ("rgb(19, 19, 22)", "rgb(250, 250, 250)")
        sheet.one("#theme").click()
        sheet.one("#theme").click()
        assert (sheet.one("#theme").text, paper()) == ("Theme: dark", dark)
        sheet.open()
        assert paper() == dark
        sheet.one("#theme").click()
        assert paper() == light
    finally:
        prefer("")


def test_a_missing_file_is_said(open_sheet, directory):
    (directory / "one.jpg").unlink()
    sheet = open_sheet(write_sheet(directory, read_cutouts(directory).table))
    sheet.until(lambda: sheet.all(".tile")[0].text.startswith("the file is missing"))


def test_twenty_thousand_targets(open_sheet, tmp_path):
    count = 20_000
    table = Table(
        {
            "r": np.linspace(10, 20, count),
            "name": [f"t{n:05}" for n in range(count)],
            "status": ["outside"] * count,
            "url": ["https://h/dr17/SkyServerWS/ImgCutout/getjpeg?ra=1.0&dec=2.0"] * count,
            "width": [64] * count,
            "height": [64] * count,
            "error": ["no SDSS imaging here"] * count,
        }
    )
    sheet = open_sheet(write_sheet(tmp_path, table))

    assert len(sheet.all(".tile")) == 200
    assert sheet.one("#status").text == "Showing 1 to 200 of 20,000"
    sheet.all(".next")[1].click()
    assert sheet.names()[0] == "t00200"
    sheet.choose("#sort", "r")
    sheet.one("#direction").click()
    assert sheet.names()[0] == "t19999"
    sheet.view("t19800")
    sheet.press(Keys.RIGHT)  # the viewer steps onto the next page
    assert sheet.one("#viewer-name").text == "t19799"
    sheet.press(Keys.ESCAPE)
    assert sheet.one("#status").text == "Showing 201 to 400 of 20,000"


def test_an_empty_sheet_says_so(open_sheet, one_by_one, tmp_path):
    report = one_by_one.download(SkyCoord([], [], unit="deg"), tmp_path)
    sheet = open_sheet(report.write_html())
    assert sheet.one("#status").text == "There are no targets."
    assert sheet.errors() == []


# ------------------------------------------------------------------------------------------ search


def test_search_looks_in_the_visible_columns(sheet, directory):
    digest = hashlib.sha256((directory / "one.jpg").read_bytes()).hexdigest()
    sheet.one("#search").send_keys(digest[:8])
    assert sheet.names() == []
    sheet.one("#columns summary").click()
    (box,) = [label for label in sheet.all("#column-boxes label") if label.text == "sha256"]
    box.click()
    assert sheet.names() == ["one"]
    sheet.open()
    sheet.one("#search").send_keys(digest[:8])
    assert sheet.names() == ["one"]  # the choice is kept


def test_search_finds_marks_and_comments(sheet):
    sheet.tile("5 degrees").find_element("css selector", ".bad-button").click()
    sheet.view("one")
    sheet.one("#comment").send_keys("Tidal tail")
    sheet.one("#close").click()
    sheet.one("#search").send_keys("tidal")
    assert sheet.names() == ["one"]
    sheet.one("#search").clear()
    sheet.one("#search").send_keys("bad")
    assert sheet.names() == ["5 degrees"]


def test_slash_goes_to_the_search(sheet):
    sheet.press("/", "plain")
    assert sheet.names() == ["one", "out"]


# ------------------------------------------------------------------------------------------ clicks


def type_into_a_filter(sheet):
    sheet.one("#add-filter").click()
    sheet.choose(".filter .column", "status")
    sheet.one(".filter .wanted").send_keys("ok")


def test_the_first_click_after_typing_in_a_filter_counts(sheet):
    type_into_a_filter(sheet)
    sheet.all(".good-button")[0].click()
    assert sheet.marks() == {"one": "good"}


def test_the_first_picture_clicked_after_typing_in_a_filter_opens(sheet):
    type_into_a_filter(sheet)
    sheet.all(".open")[1].click()
    assert sheet.one("#viewer-name").text == "5 degrees"


def test_a_redraw_while_the_mouse_is_down_loses_no_click(sheet):
    button = sheet.all(".good-button")[1]
    sheet.actions().move_to_element(button).click_and_hold().perform()
    # What another tab's marking, or a slow filter, would bring about.
    sheet.script("document.getElementById('sort').value = 'r'")
    sheet.script("document.getElementById('sort').dispatchEvent(new Event('change'))")
    sheet.actions().release().perform()
    assert sheet.marks() == {"5 degrees": "good"}
    assert sheet.names() == ["5 degrees", "one", "out", HOSTILE_NAME]


def test_a_redraw_comes_also_where_no_click_follows(sheet):
    sheet.actions().move_to_element(sheet.all(".good-button")[1]).click_and_hold().perform()
    sheet.script("document.getElementById('direction').click()")
    sheet.script("document.getElementById('sort').dispatchEvent(new Event('change'))")
    sheet.actions().move_to_element(sheet.one("h1")).release().perform()
    sheet.until(lambda: sheet.names()[0] == "out")


def test_marking_moves_no_other_tile(sheet):
    before = [tile.rect for tile in sheet.all(".tile")]
    for button in sheet.all(".good-button"):
        button.click()
    assert [tile.rect for tile in sheet.all(".tile")] == before


# --------------------------------------------------------------------------------- looks and layout


def test_a_column_as_caption(sheet):
    def captions():
        return [extra.text for extra in sheet.all(".tile .name + .extra")]

    sheet.choose("#sort", "r")
    assert captions()[:2] == ["r 15.25", "r 16.5"]
    sheet.choose("#caption", "objid")
    assert captions()[:2] == ["objid 1237648720693755917", "objid 1237648720693755918"]
    sheet.choose("#caption", "")
    assert captions()[:2] == ["", ""]


@pytest.fixture
def long_names(open_sheet, one_by_one, tmp_path):
    """The sheet of a target whose name has 19 digits."""
    target = Table({"objid": [1237648720693755918], "ra": [150.0], "dec": [30.0]})
    return open_sheet(one_by_one.download(target, tmp_path, size=64).write_html())


def test_names_of_nineteen_digits_stay_on_one_line(long_names):
    name = long_names.one(".name")
    line = float(name.value_of_css_property("line-height").removesuffix("px"))
    assert name.size["height"] == pytest.approx(line, abs=1)
    # Where there is no room they wrap in halves rather than by one digit.
    long_names.script("document.getElementById('grid').style.setProperty('--tile', '80px')")
    long_names.script("document.getElementById('grid').style.width = '88px'")
    widths = long_names.script(
        """
        const range = document.createRange();
        range.selectNodeContents(document.querySelector(".name"));
        return [...range.getClientRects()].map((box) => box.width);
        """
    )
    assert len(widths) == 2
    assert min(widths) > 0.7 * max(widths)


@pytest.fixture
def phone(sheet):
    """The sheet on a screen as wide as a phone's."""
    metrics = {"width": 360, "height": 700, "deviceScaleFactor": 1, "mobile": True}
    sheet.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    sheet.open()
    yield sheet
    sheet.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_a_phone_shows_pictures_before_controls(phone):
    overflow = "const d = document.documentElement; return d.scrollWidth - d.clientWidth"
    assert phone.script(overflow) <= 0
    assert not phone.one("#search").is_displayed()
    assert phone.all(".tile")[0].rect["y"] < 500
    phone.one("#arranging summary").click()
    assert phone.one("#search").is_displayed()
    assert phone.script(overflow) <= 0
    phone.view("one")
    assert phone.box("#viewer")[2] == 360
    assert phone.script(overflow) <= 0


def test_the_keys_are_explained(sheet):
    sheet.press("?")
    assert sheet.one("#help").is_displayed()
    assert "move the crosshair" in sheet.one("#help").text
    sheet.press(Keys.ESCAPE)
    assert not sheet.one("#help").is_displayed()
    sheet.one("#show-help").click()
    assert sheet.one("#help").is_displayed()
    sheet.one("#help-done").click()
    assert not sheet.one("#help").is_displayed()
