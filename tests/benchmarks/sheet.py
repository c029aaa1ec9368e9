"""Times of a contact sheet with many targets, in Chromium: ``python tests/benchmarks/sheet.py``."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from astropy.coordinates import SkyCoord
from astropy.table import Table

from sdss_cutout import SDSSCutouts
from sdss_cutout._views.sheet import write_sheet
from sdss_cutout.sandbox import Sandbox

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
from browser import Sheet, start_chromium

COUNT = 20_000

# Times until the page has answered, and until the answer has been painted, in ms.
USE = """
const [done] = arguments;
const times = {};
const timed = async (what, act) => {
  const start = performance.now();
  act();
  const answered = performance.now() - start;
  await new Promise((go) => requestAnimationFrame(() => setTimeout(go)));
  times[what] = [answered, performance.now() - start].map(Math.round).join(" / ");
};
const type = (input, text) => {
  input.value = text;
  input.dispatchEvent(new Event("input", { bubbles: true }));
};
const search = document.getElementById("search");
const sort = document.getElementById("sort");
(async () => {
  times["first paint"] = Math.round(performance.getEntriesByName("first-contentful-paint")[0].startTime);
  times["usable"] = Math.round(performance.getEntriesByType("navigation")[0].domInteractive);
  await timed("first search", () => type(search, "123"));
  await timed("next search", () => type(search, "1237648"));
  await timed("end of search", () => type(search, ""));
  sort.value = "r";
  await timed("sort", () => sort.dispatchEvent(new Event("change", { bubbles: true })));
  document.getElementById("add-filter").click();
  document.querySelector(".filter .column").value = "g";
  document.querySelector(".filter .how").value = "<";
  await timed("filter", () => type(document.querySelector(".filter .wanted"), "17"));
  await timed("mark", () => document.querySelector(".good-button").click());
  done(times);
})();
"""  # noqa: E501


def write_page(folder: Path) -> Path:
    """Write the sheet of one picture under many names."""
    with Sandbox() as server:
        client = SDSSCutouts(base_url=server.base_url)
        cutout = client.get(SkyCoord(20.1, 0.5, unit="deg"), size=180).save(folder)
    names = [str(1237648720693755918 + number) for number in range(COUNT)]
    for name in names:
        os.link(cutout.path, folder / f"{name}.jpg")
        os.link(cutout.sidecar, folder / f"{name}.wcs")
    start = time.perf_counter()
    page = write_sheet(folder, table_of(folder, names, cutout))
    seconds, size = time.perf_counter() - start, page.stat().st_size / 1e6
    print(f"{COUNT:,} targets: page of {size:.1f} MB written in {seconds:.1f} s")
    return page


def table_of(folder: Path, names: list[str], cutout: object) -> Table:
    """Return a table such as a report has."""
    rng = np.random.default_rng(1)
    row = cutout.row()
    table = Table({"objID": np.array(names, dtype="i8")})
    for column in "ugr":
        table[column] = rng.normal(17, 1, COUNT)
    for name, value in row.items():
        table[name] = [value] * COUNT
    table["name"] = names
    table["path"] = [str(folder / f"{name}.jpg") for name in names]
    return table


def main() -> None:
    """Write the page, and use it four times."""
    from selenium import webdriver

    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as profile:
        page = write_page(Path(folder))
        with start_chromium(webdriver, profile) as driver:
            for _ in range(4):
                sheet = Sheet(driver, page)
                times = driver.execute_async_script(USE)
                print(", ".join(f"{what} {time_} ms" for what, time_ in times.items()))
                sheet.script("localStorage.clear()")


if __name__ == "__main__":
    main()
