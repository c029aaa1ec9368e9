"""A contact sheet in Chromium, used as people use it."""

from __future__ import annotations

import json
import re
import shutil

from astropy.coordinates import SkyCoord

# What a careless page would run, or take for its own.
HOSTILE = "</script><script>document.title = 'taken'</script>"
HOSTILE_TAG = "<img src=x onerror=\"document.title='taken'\">"
HOSTILE_NAME = "a'b&amp; #1%41 é"

OUTSIDE = (266.4, -29.0)


class Keys:
    """Keys as WebDriver names them."""

    TAB, ENTER, SHIFT, ESCAPE = "\ue004", "\ue007", "\ue008", "\ue00c"
    END, HOME = "\ue010", "\ue011"
    LEFT, RIGHT, DOWN = "\ue012", "\ue014", "\ue015"


CHROMIUM, CHROMEDRIVER = shutil.which("chromium"), shutil.which("chromedriver")

OPTIONS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage", "--window-size=1200,900",
)  # fmt: skip


def start_chromium(webdriver, profile):
    """Return Chromium, driven by selenium."""
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for option in OPTIONS:
        options.add_argument(option)
    options.add_argument(f"--user-data-dir={profile}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    return webdriver.Chrome(options=options, service=webdriver.ChromeService(CHROMEDRIVER))


class Sheet:
    """A contact sheet in Chromium."""

    def __init__(self, driver, page):
        self.driver = driver
        self.page = page
        self.open()

    def open(self):
        for log in ("browser", "performance"):
            self.driver.get_log(log)
        self.driver.get(self.page.as_uri())

    # --------------------------------------------------------------------------------- elements

    def all(self, selector):
        return self.driver.find_elements("css selector", selector)

    def one(self, selector):
        return self.driver.find_element("css selector", selector)

    def focused(self):
        """Return the accessible name of what has the focus."""
        return self.driver.switch_to.active_element.accessible_name

    def text(self, selector):
        """Return a text, also where it is cut off or hidden."""
        return self.one(selector).get_property("textContent")

    def names(self):
        return self.script(
            "return [...document.querySelectorAll('#grid .name')].map((name) => name.innerText)"
        )

    def tile(self, name):
        return self.all(".tile")[self.names().index(name)]

    def marks(self):
        """Return the mark of each tile that has one, as the pressed button says it."""
        return self.script(
            """
            const pressed = document.querySelectorAll('#grid .mark-button[aria-pressed="true"]');
            return Object.fromEntries([...pressed].map((button) => [
              button.closest(".tile").querySelector(".name").innerText, button.dataset.mark,
            ]));
            """
        )

    # -------------------------------------------------------------------------------------- use

    def until(self, condition):
        from selenium.webdriver.support.ui import WebDriverWait

        return WebDriverWait(self.driver, 20, poll_frequency=0.02).until(lambda _: condition())

    def script(self, text, *arguments):
        return self.driver.execute_script(text, *arguments)

    def actions(self):
        from selenium.webdriver import ActionChains

        return ActionChains(self.driver, duration=0)

    def press(self, *keys):
        self.actions().send_keys(*keys).perform()

    def shift(self, key, times=1):
        chain = self.actions().key_down(Keys.SHIFT)
        for _ in range(times):
            chain = chain.send_keys(key)
        chain.key_up(Keys.SHIFT).perform()

    def choose(self, selector, value):
        from selenium.webdriver.support.ui import Select

        Select(self.one(selector)).select_by_value(value)

    def go_to(self, name):
        """Put the focus on a tile."""
        self.script("arguments[0].focus()", self.tile(name).find_element("css selector", ".open"))

    def view(self, name):
        """Open a picture and wait until it is there."""
        self.tile(name).find_element("css selector", ".open").click()
        assert self.text("#viewer-name") == name
        self.until(
            lambda: self.script(
                "const p = document.getElementById('picture');"
                "return !p.hasAttribute('src') || (p.complete && p.naturalWidth > 0)"
            )
        )

    def set_classes(self, **classes):
        """Give keys their classes: ``set_classes(k3="merger")``."""
        self.one("#edit-classes").click()
        for key, name in classes.items():
            field = self.one(f"#class-fields [data-class='{key[1:]}']")
            field.clear()
            field.send_keys(name, Keys.TAB)
        self.one("#classes-done").click()

    def export(self, folder):
        """Return the file of marks that the page exports."""
        folder.mkdir(exist_ok=True)
        self.driver.execute_cdp_cmd(
            "Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(folder)}
        )
        (folder / "marks.csv").unlink(missing_ok=True)
        self.one("#export").click()
        self.until((folder / "marks.csv").exists)
        return folder / "marks.csv"

    def load(self, path):
        """Load marks, and return what the page says of them."""
        before = self.text("#status")
        self.one("#marks-file").send_keys(str(path))
        self.until(lambda: self.text("#status") != before)
        return self.text("#status")

    # ------------------------------------------------------------------------------- the viewer

    def box(self, selector="#picture"):
        """Return the left and top edge, the width and the height of an element in the window."""
        return self.script(
            "const b = arguments[0].getBoundingClientRect(); return [b.x, b.y, b.width, b.height]",
            self.one(selector),
        )

    def touch(self, *steps):
        """Touch the screen: each step is the list of points where fingers are, the last empty."""
        for number, points in enumerate(steps):
            kind = "touchStart" if number == 0 else "touchMove" if points else "touchEnd"
            if number and len(points) > len(steps[number - 1]):
                kind = "touchStart"
            self.driver.execute_cdp_cmd(
                "Input.dispatchTouchEvent",
                {
                    "type": kind,
                    "touchPoints": [{"x": x, "y": y, "id": n} for n, (x, y) in enumerate(points)],
                },
            )

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

    # ------------------------------------------------------------------------------------- logs

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
