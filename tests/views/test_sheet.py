"""The contact sheet: what is in the page, and what it does in Chromium."""

from __future__ import annotations

import base64
import csv
import hashlib
import json
import re
import shutil
from pathlib import Path
from urllib.parse import quote

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.table import MaskedColumn, Table

from sdss_cutout import SDSSCutouts, StoreError, read_cutouts
from sdss_cutout._views.sheet import write_sheet

OUTSIDE = (266.4, -29.0)
HOSTILE = "</script><script>document.title = 'taken'</script>"
HOSTILE_TAG = "<img src=x onerror=\"document.title='taken'\">"
HOSTILE_NAME = "a'b&amp; #1%41 é"


def data_of(page):
    """Return the table as the page has it."""
    html = Path(page).read_text("utf-8")
    return json.loads(re.search(r'<script type="application/json"[^>]*>(.*?)</script>', html)[1])


def column_of(page, name):
    (column,) = [column for column in data_of(page)["columns"] if column["name"] == name]
    return column


@pytest.fixture
def client(sandbox):
    """One connection, so that targets end in their order."""
    return SDSSCutouts(base_url=sandbox.base_url, max_rate=5_000, max_connections=1)


@pytest.fixture
def directory(client, tmp_path):
    """Three pictures of different geometry, one of them with a hostile name; one outside."""
    ra, dec = OUTSIDE
    table = Table(
        {
            "id": ["one", "5 degrees", HOSTILE_NAME, "out"],
            "ra": [19.023342, 200.0, 359.999, ra],
            "dec": [-0.014911, 60.0, 30.0, dec],
            "objid": np.array([1237648720693755918, 1237648720693755917, 3, 4], dtype="u8"),
            "r": MaskedColumn([16.5, 15.25, 0.0, 17.0], mask=[0, 0, 1, 0], unit="mag"),
            "note": ["plain", HOSTILE, HOSTILE_TAG, "plain"],
            '<b>"&': [1, 2, 3, 10],
        }
    )
    client.download(
        table,
        tmp_path / "pictures",
        scale=[0.3, 45.0, 1.0, 0.3] * u.arcsec / u.pix,
        width=[180, 400, 300, 180],
        height=[180, 400, 120, 180],
    )
    return tmp_path / "pictures"


@pytest.fixture
def page(directory):
    return write_sheet(directory, read_cutouts(directory).table)


# ------------------------------------------------------------------------------------ in the page


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


def test_links_lead_to_navigate(page, sandbox):
    asked = data_of(page)["asked"]
    assert asked[3] == [*OUTSIDE, f"{sandbox.base_url}/dr17/VisualTools/navi?ra=266.4&dec=-29.0"]


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


def test_report_writes_the_same_page(client, tmp_path):
    report = client.download(SkyCoord([150.0], [30.0], unit="deg"), tmp_path, size=64)
    page = report.write_html()
    assert page == tmp_path / "index.html"
    assert column_of(page, "status")["values"] == ["ok"]


# ----------------------------------------------------------------------------------- in Chromium

CHROMIUM = [shutil.which("chromium"), shutil.which("chromedriver")]
OPTIONS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage", "--window-size=1200,900",
)  # fmt: skip


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    """Chromium, driven by selenium; one for all tests."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    if None in CHROMIUM:
        pytest.skip("Chromium is not installed (Debian: chromium, chromium-driver)")
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM[0]
    for option in OPTIONS:
        options.add_argument(option)
    options.add_argument(f"--user-data-dir={tmp_path_factory.mktemp('profile')}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    service = webdriver.ChromeService(CHROMIUM[1])
    with webdriver.Chrome(options=options, service=service) as driver:
        yield driver


class Sheet:
    """A contact sheet in Chromium, used as people use it."""

    def __init__(self, driver, page):
        self.driver = driver
        self.page = page
        self.open()

    def open(self):
        for log in ("browser", "performance"):
            self.driver.get_log(log)
        self.driver.get(self.page.as_uri())

    def all(self, selector):
        return self.driver.find_elements("css selector", selector)

    def one(self, selector):
        return self.driver.find_element("css selector", selector)

    def until(self, condition):
        from selenium.webdriver.support.ui import WebDriverWait

        return WebDriverWait(self.driver, 20, poll_frequency=0.02).until(lambda _: condition())

    def script(self, text, *arguments):
        return self.driver.execute_script(text, *arguments)

    def press(self, *keys):
        from selenium.webdriver import ActionChains

        ActionChains(self.driver).send_keys(*keys).perform()

    def shift(self, key, times=1):
        from selenium.webdriver import ActionChains, Keys

        chain = ActionChains(self.driver).key_down(Keys.SHIFT)
        for _ in range(times):
            chain = chain.send_keys(key)
        chain.key_up(Keys.SHIFT).perform()

    def choose(self, selector, value):
        from selenium.webdriver.support.ui import Select

        Select(self.one(selector)).select_by_value(value)

    def names(self):
        return self.script(
            "return [...document.querySelectorAll('#grid .name')].map((name) => name.innerText)"
        )

    def view(self, name):
        self.all("#grid .open")[self.names().index(name)].click()
        assert self.one("#viewer-name").text == name

    def point(self, x, y):
        """Move the pointer to a pixel of the open picture; return what is read there."""
        self.script(
            """
            const picture = document.getElementById("picture");
            const box = picture.getBoundingClientRect();
            const [x, y] = arguments;
            picture.dispatchEvent(new PointerEvent("pointermove", {
              bubbles: true,
              clientX: box.left + (x + 0.5) * box.width / picture.naturalWidth,
              clientY: box.top + (y + 0.5) * box.height / picture.naturalHeight,
            }));
            """,
            x,
            y,
        )
        return self.reading()

    def reading(self):
        found = re.match(r"RA ([\d.]+)°, Dec (-?[\d.]+)°", self.one("#readout").text)
        return SkyCoord(float(found[1]), float(found[2]), unit="deg")

    def errors(self):
        return [entry for entry in self.driver.get_log("browser") if entry["level"] == "SEVERE"]

    def requested(self):
        messages = [
            json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")
        ]
        return [
            message["params"]["request"]["url"]
            for message in messages
            if message["method"] == "Network.requestWillBeSent"
            and message["params"]["documentURL"] == self.page.as_uri()
        ]


@pytest.fixture
def sheet(chromium, page):
    return Sheet(chromium, page)


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


@pytest.mark.parametrize("name", ["one", "5 degrees", HOSTILE_NAME])
@pytest.mark.parametrize("zoom", [0, 3])
def test_coordinates_under_the_pointer_are_astropys(sheet, directory, name, zoom):
    (cutout,) = [cutout for cutout in read_cutouts(directory) if cutout.name == name]
    sheet.view(name)
    sheet.until(lambda: sheet.script("return document.getElementById('picture').naturalWidth > 0"))
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


def test_a_sidecar_that_was_improved_is_followed(chromium, directory):
    path = directory / "5 degrees.wcs"
    cards = path.read_bytes()
    for key, value in {"CD1_1": -0.01, "CD1_2": 0.005, "CD2_1": 0.004, "CD2_2": -0.012}.items():
        start = cards.index(f"{key:<8}=".encode())
        card = f"{key:<8}= {value:>20}".ljust(80).encode()
        cards = cards[:start] + card + cards[start + 80 :]
    path.write_bytes(cards.replace(b"RA---SIN", b"RA---TAN").replace(b"DEC--SIN", b"DEC--TAN"))
    (cutout,) = [cutout for cutout in read_cutouts(directory) if cutout.name == "5 degrees"]
    assert cutout.wcs.wcs.ctype[0] == "RA---TAN"

    sheet = Sheet(chromium, write_sheet(directory, read_cutouts(directory).table))
    sheet.view("5 degrees")
    sheet.until(lambda: sheet.script("return document.getElementById('picture').naturalWidth > 0"))

    for x, y in [(0, 0), (399, 10), (100, 300)]:
        apart = sheet.point(x, y).separation(cutout.wcs.pixel_to_world(x, y))
        assert apart < 0.1 * u.arcsec


def test_the_keyboard_reads_coordinates_too(sheet, directory):
    from selenium.webdriver import Keys

    (cutout,) = [cutout for cutout in read_cutouts(directory) if cutout.name == "one"]
    sheet.view("one")
    sheet.shift(Keys.ARROW_LEFT, 4)
    sheet.shift(Keys.ARROW_DOWN)
    # It begins in the middle, pixel 90, 90.
    assert sheet.reading().separation(cutout.wcs.pixel_to_world(87, 91)) < 0.01 * u.arcsec
    assert sheet.one("#readout").get_attribute("aria-live") == "polite"
    assert sheet.one("#crosshair").is_displayed()


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
    from selenium.webdriver import Keys

    def focused():
        return sheet.driver.switch_to.active_element.accessible_name

    sheet.press(Keys.TAB)
    assert focused() == "Skip to the pictures"
    sheet.press(Keys.ENTER)
    sheet.press(Keys.TAB)
    assert focused() == "one, ok"
    sheet.press(Keys.ARROW_RIGHT)
    sheet.press("g")
    assert focused() == "5 degrees, ok, marked good"
    sheet.press(Keys.ENTER)
    assert sheet.one("#viewer-name").text == "5 degrees"
    sheet.press(Keys.ARROW_RIGHT, "b", Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    assert sheet.one("#viewer-name").text == "out"
    sheet.press(Keys.ESCAPE)
    assert not sheet.one("#viewer").is_displayed()
    assert focused() == "out, outside"
    sheet.press(Keys.TAB)
    assert focused() == "Mark out good"
    sheet.press(Keys.HOME)
    assert focused() == "one, ok"
    assert sheet.one("#tally").text == "1 good, 1 bad"


def test_marks_survive_a_reload_and_are_exported(sheet, tmp_path):
    sheet.script("localStorage.clear()")
    sheet.open()
    sheet.all(".good-button")[0].click()
    sheet.all(".bad-button")[2].click()
    sheet.all(".good-button")[3].click()
    sheet.all(".good-button")[3].click()  # takes it back

    sheet.open()

    tiles = sheet.all(".tile")
    assert [tile.get_attribute("class") for tile in tiles] == [
        "tile good",
        "tile",
        "tile bad",
        "tile",
    ]
    assert sheet.all(".good-button")[0].get_attribute("aria-pressed") == "true"
    downloads = tmp_path / "downloads"
    downloads.mkdir()
    sheet.driver.execute_cdp_cmd(
        "Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(downloads)}
    )
    sheet.one("#export").click()
    sheet.until((downloads / "marks.csv").exists)
    with (downloads / "marks.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows == [
        {"name": "one", "mark": "good", "file": "one.jpg", "ra": "19.023342", "dec": "-0.014911"},
        {
            "name": HOSTILE_NAME, "mark": "bad", "file": f"{HOSTILE_NAME}.jpg", "ra": "359.999",
            "dec": "30",
        },
    ]  # fmt: skip


def test_marks_can_be_filtered_and_cleared(sheet):
    sheet.all(".good-button")[1].click()
    sheet.one("#add-filter").click()
    sheet.choose(".filter .column", "mark")
    sheet.choose(".filter .how", "=")
    sheet.one(".filter .wanted").send_keys("good")
    assert sheet.names() == ["5 degrees"]
    sheet.one("#clear").click()
    sheet.driver.switch_to.alert.accept()
    assert sheet.one("#tally").text == "0 good, 0 bad"
    assert sheet.names() == []


def test_every_control_has_a_name(sheet):
    sheet.one("#add-filter").click()
    for control in sheet.all("button, input, select, summary"):
        if control.is_displayed():
            assert control.accessible_name, control.get_attribute("outerHTML")
    sheet.view("one")
    for control in sheet.all("dialog button"):
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


def test_a_missing_file_is_said(chromium, directory):
    (directory / "one.jpg").unlink()
    sheet = Sheet(chromium, write_sheet(directory, read_cutouts(directory).table))
    sheet.until(lambda: sheet.all(".tile")[0].text.startswith("the file is missing"))


def test_twenty_thousand_targets(chromium, tmp_path):
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
    sheet = Sheet(chromium, write_sheet(tmp_path, table))

    assert len(sheet.all(".tile")) == 200
    assert sheet.one("#status").text == "Showing 1 to 200 of 20,000"
    sheet.all(".next")[1].click()
    assert sheet.names()[0] == "t00200"
    sheet.choose("#sort", "r")
    sheet.one("#direction").click()
    assert sheet.names()[0] == "t19999"
    sheet.view("t19800")
    sheet.press("\ue014")  # right: the viewer steps onto the next page
    assert sheet.one("#viewer-name").text == "t19799"
    sheet.press("\ue00c")
    assert sheet.one("#status").text == "Showing 201 to 400 of 20,000"


def test_an_empty_sheet_says_so(chromium, client, tmp_path):
    report = client.download(SkyCoord([], [], unit="deg"), tmp_path)
    sheet = Sheet(chromium, report.write_html())
    assert sheet.one("#status").text == "There are no targets."
    assert sheet.errors() == []
