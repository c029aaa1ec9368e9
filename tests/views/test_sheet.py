"""What is in the contact sheet's page."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from browser import HOSTILE, HOSTILE_TAG, OUTSIDE

from sdss_cutout import StoreError, read_cutouts
from sdss_cutout._views import sheet
from sdss_cutout._views.preview import Preview
from sdss_cutout._views.sheet import write_sheet


def data_of(page):
    """Return the table as the page has it."""
    html = Path(page).read_text("utf-8")
    return json.loads(re.search(r'<script type="application/json"[^>]*>(.*?)</script>', html)[1])


def column_of(page, name):
    (column,) = [column for column in data_of(page)["columns"] if column["name"] == name]
    return column


def test_page_is_beside_the_pictures(directory, page):
    assert page == directory / "index.html"
    assert data_of(page)["pictures"] == ""


def test_page_fetches_nothing_and_runs_nothing_but_its_own(page):
    html = page.read_text("utf-8")
    assert not re.search(r"<(?:script|img|link|iframe)[^>]+(?:src|href)=\"?https?:", html)
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', html)[1]
    (program,) = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(program.encode()).digest()).decode()
    assert "default-src &#39;none&#39;" in policy or "default-src 'none'" in policy
    assert f"script-src 'sha256-{digest}'" in policy


def test_all_modules_are_in_the_page():
    templates = Path(sheet.__file__).parent / "templates"
    assert sorted(sheet._MODULES) == sorted(module.stem for module in templates.glob("*.js"))


def test_hostile_values_are_data(page):
    html = page.read_text("utf-8")
    assert HOSTILE not in html
    assert HOSTILE_TAG not in html
    assert html.count("</script>") == 2
    assert column_of(page, "note")["values"] == ["plain", HOSTILE, HOSTILE_TAG, "plain"]


def test_identifiers_are_text_and_missing_values_null(page):
    objid = column_of(page, "objid")
    assert (objid["kind"], objid["values"][0]) == ("integer", "1237648720693755918")
    r = column_of(page, "r")
    assert (r["kind"], r["unit"], r["values"]) == ("number", "mag", [16.5, 15.25, None, 17.0])
    assert column_of(page, "coverage")["values"][3] == 0.0


def test_paths_of_this_machine_are_left_out(page, tmp_path):
    names = [column["name"] for column in data_of(page)["columns"]]
    assert "path" not in names
    assert "sidecar" not in names
    assert str(tmp_path) not in page.read_text("utf-8")


def test_all_kinds_of_columns_are_taken(directory):
    table = read_cutouts(directory).table
    table["inf"] = [np.inf, -np.inf, np.nan, 0.0]
    table["single"] = np.array([0.1, 1 / 3, 2.0, 3.0], dtype="f4")
    table["bytes"] = np.array([b"a", b"\xff", b"c", b"d"])
    table["pair"] = np.arange(8).reshape(4, 2)
    table["flag"] = [True, False, True, False]
    table["sky"] = SkyCoord([1.0] * 4, [2.0] * 4, unit="deg")

    page = write_sheet(directory, table)

    assert column_of(page, "inf")["values"] == ["Infinity", "-Infinity", None, 0.0]
    assert column_of(page, "single")["values"] == [0.1, 0.33333334, 2.0, 3.0]
    assert column_of(page, "bytes")["values"] == ["a", "�", "c", "d"]
    assert column_of(page, "pair")["values"][1] == "[2, 3]"
    assert column_of(page, "flag")["values"][:2] == ["True", "False"]
    assert column_of(page, "sky.ra")["values"] == [1.0] * 4


def test_simulated_pictures_are_said_to_be(directory, page):
    assert "<strong>Simulated pictures.</strong> They were drawn" in page.read_text("utf-8")

    sidecar = directory / "one.wcs"
    sidecar.write_bytes(sidecar.read_bytes().replace(b"SIMULATED", b"elsewhere"))
    html = write_sheet(directory, read_cutouts(directory).table).read_text("utf-8")
    assert "2 of 3 were drawn by a program and are not SDSS data" in html

    for sidecar in directory.glob("*.wcs"):
        sidecar.write_bytes(sidecar.read_bytes().replace(b"SIMULATED", b"elsewhere"))
    html = write_sheet(directory, read_cutouts(directory).table).read_text("utf-8")
    assert (
        "imulated" not in html.partition('<script type="application/json"')[0].partition("<body")[2]
    )


def test_requests_tell_site_and_position(page, sandbox):
    data = data_of(page)
    tools = f"{sandbox.base_url}/dr17/VisualTools"
    assert data["asked"][3] == [0, *OUTSIDE]
    assert data["sites"] == [
        {"navigate": f"{tools}/navi", "explore": f"{tools}/explore/summary"},
    ]


def test_a_url_that_is_none_of_ours_is_no_link(directory):
    table = read_cutouts(directory).table
    table["url"] = ["javascript:alert(1)", "https://x/y", table["url"][2], table["url"][3]]
    asked = data_of(write_sheet(directory, table))["asked"]
    assert asked[:2] == [None, None]
    assert asked[2] is not None


def test_a_missing_sidecar_gives_no_coordinates(directory):
    (directory / "one.wcs").unlink()
    sky = data_of(write_sheet(directory, read_cutouts(directory).table))["sky"]["rows"]
    assert sky[0] is None
    assert sky[3] is None
    assert sky[1] is not None


def test_page_elsewhere_reaches_the_pictures(directory, tmp_path):
    other = tmp_path / "é #"
    other.mkdir()
    page = write_sheet(directory, read_cutouts(directory).table, other / "page.html")
    assert data_of(page)["pictures"] == "../pictures/"
    assert data_of(write_sheet(directory, read_cutouts(directory).table, tmp_path / "p.html"))[
        "pictures"
    ] == quote("pictures/")


def test_page_that_cannot_be_written_is_an_error(directory, tmp_path):
    with pytest.raises(StoreError, match="No such file"):
        write_sheet(directory, read_cutouts(directory).table, tmp_path / "none" / "page.html")


def test_report_writes_the_same_page(one_by_one, tmp_path):
    report = one_by_one.download(SkyCoord([150.0], [30.0], unit="deg"), tmp_path, size=64)
    page = report.write_html()
    assert page == tmp_path / "index.html"
    assert column_of(page, "status")["values"] == ["ok"]


def test_columns_about_the_download_are_hidden_at_first(page):
    hidden = [column["name"] for column in data_of(page)["columns"] if not column["visible"]]
    assert hidden == ["url", "width", "height", "scale", "nbytes", "sha256", "attempts"]


def test_columns_named_as_those_of_the_page_are_renamed(directory):
    table = read_cutouts(directory).table
    table["mark"] = ["spiral", "", "", ""]
    page = write_sheet(directory, table)
    assert column_of(page, "input_mark")["values"][0] == "spiral"


def test_files_that_browsers_cannot_show_have_previews(directory):
    table = read_cutouts(directory).table
    table["path"] = [f"{path.removesuffix('.jpg')}.fits" if path else "" for path in table["path"]]
    seen = []

    def preview(path):
        seen.append(path)
        return Preview(b"\x89PNG...", (directory / "one.wcs").read_bytes())

    data = data_of(write_sheet(directory, table, preview=preview))

    assert seen == [directory / f"{name}.fits" for name in table["name"][:3]]
    assert data["suffixes"] == [".fits", ".fits", ".fits", ""]
    assert data["previews"]["0"] == "data:image/png;base64,iVBORy4uLg=="
    assert data["sky"]["rows"][2] == [0, 19.023342, -0.014911]
    assert data_of(write_sheet(directory, table))["previews"] == {}


def test_a_table_without_paths_means_jpegs(directory):
    table = read_cutouts(directory).table
    table.remove_column("path")
    assert data_of(write_sheet(directory, table))["suffixes"] == [".jpg", ".jpg", ".jpg", ""]
