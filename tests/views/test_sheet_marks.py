"""Marking on the contact sheet, writing the marks and loading them back, in Chromium."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
from astropy.table import Table, join
from browser import HOSTILE_NAME, Keys

from sdss_cutout import read_cutouts, read_marks


def rows_of(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def written(path, rows, delimiter=",", start=""):
    """Write a file of marks as Python's csv module would."""
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(start)
        writer = csv.DictWriter(file, list(rows[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)
    return path


# ----------------------------------------------------------------------------------------- marking


def test_buttons_mark_and_take_back(sheet):
    good = sheet.tile("one").find_element("css selector", ".good-button")
    good.click()
    assert sheet.marks() == {"one": "good"}
    assert good.get_attribute("aria-pressed") == "true"
    assert good.accessible_name == "Mark one good"
    sheet.tile("one").find_element("css selector", ".bad-button").click()
    assert sheet.marks() == {"one": "bad"}
    sheet.tile("one").find_element("css selector", ".bad-button").click()
    assert sheet.marks() == {}
    assert sheet.text("#tally") == "0 good, 0 bad"
    assert not sheet.one("#export").is_enabled()


def test_keys_mark_and_advance(sheet):
    sheet.go_to("one")
    sheet.press("1", "2", "b", "g")
    assert sheet.marks() == {"one": "good", "5 degrees": "bad", HOSTILE_NAME: "bad", "out": "good"}
    assert sheet.focused() == "out, outside, marked good"  # there is no next
    sheet.press("2", "2")
    assert sheet.marks()["out"] == "bad"  # keys set; they never take back
    sheet.press("u")
    assert "out" not in sheet.marks()
    sheet.press("7")  # a key without a class
    assert "out" not in sheet.marks()


def test_advancing_can_be_turned_off(sheet):
    sheet.one("#advance").click()
    sheet.go_to("one")
    sheet.press("1", "2")
    assert sheet.marks() == {"one": "bad"}
    sheet.one("#advance").click()
    sheet.press("a")  # a box takes no text, so that keys are heard there too
    assert not sheet.one("#advance").is_selected()
    sheet.open()
    assert not sheet.one("#advance").is_selected()
    sheet.go_to("one")
    sheet.press("a", "1")
    assert sheet.one("#advance").is_selected()
    assert sheet.focused() == "5 degrees, ok"


def test_marking_in_the_viewer_advances(sheet):
    sheet.view("one")
    sheet.press("1")
    assert sheet.text("#viewer-name") == "5 degrees"
    sheet.one("#mark-bad").click()
    assert sheet.text("#viewer-name") == HOSTILE_NAME
    assert sheet.marks() == {"one": "good", "5 degrees": "bad"}
    sheet.press(Keys.LEFT)
    assert sheet.one("#mark-bad").get_attribute("aria-pressed") == "true"
    sheet.one("#mark-bad").click()  # takes it back, and stays
    assert sheet.text("#viewer-name") == "5 degrees"
    assert sheet.marks() == {"one": "good"}


def test_marks_survive_a_reload(sheet):
    sheet.all(".good-button")[0].click()
    sheet.all(".bad-button")[2].click()
    sheet.open()
    assert sheet.marks() == {"one": "good", HOSTILE_NAME: "bad"}
    assert sheet.text("#tally") == "1 good, 1 bad"


def test_marks_that_version_0_1_stored_are_read(sheet):
    sheet.script(
        "localStorage.setItem('sdss_cutout marks of ' + location.pathname, arguments[0])",
        json.dumps({"one": "good"}),
    )
    sheet.open()
    assert sheet.marks() == {"one": "good"}


def test_without_storage_marks_live_as_long_as_the_page(sheet):
    sheet.script("Storage.prototype.setItem = () => { throw new Error('full'); }")
    sheet.all(".good-button")[0].click()
    assert sheet.marks() == {"one": "good"}
    assert "export before you close" in sheet.text("#tally")


def test_marks_can_be_filtered_and_cleared(sheet):
    sheet.all(".good-button")[1].click()
    sheet.one("#add-filter").click()
    sheet.choose(".filter .column", "mark")
    sheet.choose(".filter .how", "=")
    sheet.one(".filter .wanted").send_keys("good")
    assert sheet.names() == ["5 degrees"]
    sheet.one("#clear").click()
    sheet.driver.switch_to.alert.accept()
    assert sheet.text("#tally") == "0 good, 0 bad"
    assert sheet.names() == []


# ---------------------------------------------------------------------------------------- comments


def test_a_comment_is_kept_and_shown(sheet):
    sheet.view("one")
    sheet.press("c", "2 arms, ", '"ring"')
    assert sheet.marks() == {}  # the digit went into the text
    sheet.press(Keys.ESCAPE)
    assert sheet.one("#viewer").is_displayed()
    sheet.press(Keys.RIGHT)
    assert sheet.text("#viewer-name") == "5 degrees"
    assert sheet.one("#comment").get_property("value") == ""
    sheet.one("#close").click()
    assert sheet.tile("one").text.splitlines()[1] == '2 arms, "ring"'
    sheet.open()
    assert sheet.text("#tally") == "0 good, 0 bad, 1 comment"
    sheet.view("one")
    assert sheet.one("#comment").get_property("value") == '2 arms, "ring"'
    sheet.one("#comment").clear()
    sheet.one("#comment").send_keys(" ", Keys.ENTER)
    assert sheet.text("#tally") == "0 good, 0 bad"


# ----------------------------------------------------------------------------------------- classes


def test_classes_of_ones_own(sheet):
    sheet.set_classes(k3="merger", k4="edge on", k9="star")
    sheet.go_to("one")
    sheet.press("3", "4", "9", "m")
    assert sheet.marks() == {
        "one": "merger", "5 degrees": "edge on", HOSTILE_NAME: "star", "out": "merger",
    }  # fmt: skip
    assert sheet.text("#tally") == "0 good, 0 bad, 2 merger, 1 edge on, 1 star"
    badge = sheet.tile("one").find_element("css selector", ".badge")
    assert badge.text == "merger"  # the buttons have room for the numbers only
    sheet.open()
    sheet.view("5 degrees")
    buttons = [button.text.split(maxsplit=1) for button in sheet.all("#viewer-marks button")]
    expected = [["1", "good"], ["2", "bad"], ["3", "merger"], ["4", "edge on"], ["9", "star"]]
    assert buttons == expected
    assert sheet.one("#mark-edge-on").get_attribute("aria-pressed") == "true"


def test_renaming_a_class_renames_its_marks(sheet):
    sheet.all(".bad-button")[0].click()
    sheet.set_classes(k2="artefact")
    assert sheet.marks() == {"one": "artefact"}


def test_a_class_that_goes_leaves_its_marks(sheet):
    sheet.all(".bad-button")[0].click()
    sheet.set_classes(k2="")
    assert sheet.text("#tally") == "0 good, 1 bad"
    assert sheet.tile("one").find_element("css selector", ".badge").text == "bad"


def test_a_name_stands_on_one_key_only(sheet):
    sheet.set_classes(k3="good")
    assert sheet.text("#classes-status") == "good is on key 1 already."
    sheet.one("#edit-classes").click()
    assert sheet.one("#class-fields [data-class='3']").get_property("value") == ""


# -------------------------------------------------------------------------------- out and in again


def test_marks_are_exported_to_the_last_digit(sheet, tmp_path):
    sheet.all(".good-button")[0].click()
    sheet.all(".bad-button")[3].click()
    sheet.view(HOSTILE_NAME)
    sheet.one("#comment").send_keys('a "ring", or not')
    sheet.one("#close").click()
    assert rows_of(sheet.export(tmp_path / "downloads")) == [
        {
            "name": "one", "mark": "good", "comment": "", "file": "one.jpg",
            "ra": "19.023342", "dec": "-0.014911",
        },
        {
            "name": HOSTILE_NAME, "mark": "", "comment": 'a "ring", or not',
            "file": f"{HOSTILE_NAME}.jpg", "ra": "359.999", "dec": "30",
        },
        {"name": "out", "mark": "bad", "comment": "", "file": "", "ra": "266.4", "dec": "-29"},
    ]  # fmt: skip


@pytest.fixture
def numbered(one_by_one, tmp_path):
    """A download of targets whose names are numbers and whose positions have all their digits."""
    rng = np.random.default_rng(1)
    targets = Table(
        {
            "objid": [7050, 1237648720693755918, 1237648720693755919],
            "ra": rng.uniform(150, 151, 3),
            "dec": rng.uniform(30, 31, 3),
        }
    )
    return one_by_one.download(targets, tmp_path / "numbered", size=64)


def test_exported_marks_join_and_download_again(open_sheet, numbered, one_by_one, tmp_path):
    sheet = open_sheet(numbered.write_html())
    for button in sheet.all(".good-button")[:2]:
        button.click()
    path = sheet.export(tmp_path / "downloads")

    table = Table.read(path)
    assert table["name"].tolist() == ["7050", "1237648720693755918"]
    joined = join(numbered.table, table, keys="name")
    assert dict(zip(joined["name"], joined["mark"], strict=True)) == {
        "7050": "good", "1237648720693755918": "good",
    }  # fmt: skip

    again = one_by_one.download(path, numbered.directory, size=64)
    assert again.table["status"].tolist() == ["kept", "kept"]
    assert again.table["attempts"].tolist() == [0, 0]


def test_marks_are_loaded_back(sheet, tmp_path):
    sheet.all(".good-button")[0].click()
    sheet.view("5 degrees")
    sheet.one("#comment").send_keys("a comment")
    sheet.one("#close").click()
    path = sheet.export(tmp_path / "downloads")
    sheet.script("localStorage.clear()")
    sheet.open()
    assert sheet.marks() == {}
    assert sheet.load(path) == "2 marks loaded from marks.csv."
    assert sheet.marks() == {"one": "good"}
    sheet.open()
    assert sheet.text("#tally") == "1 good, 0 bad, 1 comment"


def test_loaded_marks_are_merged_by_name(sheet, tmp_path):
    for number, kind in enumerate(["good", "bad", "good"]):
        sheet.all(f".{kind}-button")[number].click()
    rows = [
        {"mark": "merger", "name": "one"},
        {"mark": "", "name": "5 degrees"},
        {"mark": "bad", "name": "elsewhere"},
        {"mark": "bad", "name": "1.23764872069376E+18"},
    ]
    said = sheet.load(written(tmp_path / "edited.csv", rows))
    assert said == (
        "1 mark loaded from edited.csv; 2 names not on this page (elsewhere, ...); a spreadsheet "
        "has rounded the names."
    )
    assert sheet.marks() == {"one": "merger", "5 degrees": "bad", HOSTILE_NAME: "good"}
    sheet.go_to("out")
    sheet.press("3")  # a class that the page did not know has been given a key
    assert sheet.marks()["out"] == "merger"


@pytest.mark.parametrize(("delimiter", "start"), [(",", ""), (";", "\ufeff"), ("\t", "")])
def test_any_text_survives_the_way_out_and_in(sheet, tmp_path, delimiter, start):
    comments = ['"', 'a,b;"c"\td', 'ends in quotes ""', "two\nlines, \u2028 \u2229 \U0001f30c"]
    names = ["one", "5 degrees", HOSTILE_NAME, "out"]
    rows = [
        {"name": name, "mark": f"class, {n}", "comment": comment, "mine": "x"}
        for n, (name, comment) in enumerate(zip(names, comments, strict=True))
    ]
    path = written(tmp_path / "mine.csv", rows, delimiter, start)
    assert sheet.load(path) == "4 marks loaded from mine.csv."
    exported = sheet.export(tmp_path / "downloads")
    assert [(r["name"], r["mark"], r["comment"]) for r in rows_of(exported)] == [
        (row["name"], row["mark"], row["comment"]) for row in rows
    ]
    for table in (read_marks(path), read_marks(exported), Table.read(exported)):
        assert table["comment"].tolist() == comments
    cutouts = read_cutouts(sheet.page.parent)
    assert set(Table.read(exported)["name"]) <= set(cutouts.table["name"])


def test_a_file_that_is_no_table_of_marks_is_refused(sheet, tmp_path):
    path = tmp_path / "other.csv"
    path.write_text("a,b\n1,2\n")
    assert sheet.load(path) == "other.csv has no columns name and mark."
    assert sheet.errors() == []


def test_another_tab_shows_the_same_marks(sheet):
    first = sheet.driver.current_window_handle
    sheet.driver.switch_to.new_window("tab")
    try:
        sheet.driver.get(sheet.page.as_uri())
        sheet.all(".good-button")[1].click()
    finally:
        sheet.driver.close()
        sheet.driver.switch_to.window(first)
    sheet.until(lambda: sheet.marks() == {"5 degrees": "good"})
