"""A directory with pictures of several kinds, its contact sheet, and Chromium to use it with."""

from __future__ import annotations

import shutil
from pathlib import Path

import astropy.units as u
import numpy as np
import pytest
from astropy.table import MaskedColumn, Table
from browser import (
    CHROMEDRIVER,
    CHROMIUM,
    HOSTILE,
    HOSTILE_NAME,
    HOSTILE_TAG,
    OUTSIDE,
    Sheet,
    start_chromium,
)  # fmt: skip

from sdss_cutout import SDSSCutouts, read_cutouts
from sdss_cutout._views.sheet import write_sheet


def client_of(server):
    """Return a client with one connection, so that targets end in their order."""
    return SDSSCutouts(base_url=server.base_url, max_rate=5_000, max_connections=1)


@pytest.fixture
def one_by_one(sandbox):
    return client_of(sandbox)


@pytest.fixture(scope="session")
def downloaded(running_sandbox, tmp_path_factory):
    """Three pictures of different geometry, one of them with a hostile name; one outside."""
    ra, dec = OUTSIDE
    targets = Table(
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
    folder = tmp_path_factory.mktemp("downloaded")
    client_of(running_sandbox).download(
        targets,
        folder,
        scale=[0.3, 45.0, 1.0, 0.3] * u.arcsec / u.pix,
        width=[180, 400, 300, 180],
        height=[180, 400, 120, 180],
    )
    return folder


@pytest.fixture
def directory(downloaded, tmp_path):
    """The downloaded pictures, to do with as one likes."""
    return Path(shutil.copytree(downloaded, tmp_path / "pictures"))


@pytest.fixture
def page(directory):
    return write_sheet(directory, read_cutouts(directory).table)


@pytest.fixture(scope="session")
def chromium(tmp_path_factory):
    """Chromium, driven by selenium; one for all tests."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    if None in (CHROMIUM, CHROMEDRIVER):
        pytest.skip("Chromium is not installed (Debian: chromium, chromium-driver)")
    with start_chromium(webdriver, tmp_path_factory.mktemp("profile")) as driver:
        yield driver


@pytest.fixture
def open_sheet(chromium):
    """Open pages, and forget afterwards what they have stored."""

    def open_page(page):
        return Sheet(chromium, page)

    yield open_page
    chromium.execute_script("localStorage.clear()")


@pytest.fixture
def sheet(open_sheet, page):
    return open_sheet(page)
