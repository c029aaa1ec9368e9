"""A user's script that must pass `mypy --strict`, see the nox session `types`; it is not run."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, assert_type

import astropy.units as u  # type: ignore[import-untyped]
import numpy as np
from astropy.coordinates import SkyCoord  # type: ignore[import-untyped]
from astropy.table import Table  # type: ignore[import-untyped]
from numpy.typing import NDArray

import sdss_cutout
from sdss_cutout import (
    CalibratedCutout,
    Cutout,
    CutoutError,
    CutoutList,
    DownloadReport,
    SDSSCutouts,
    ServiceError,
    read_cutouts,
    read_marks,
)
from sdss_cutout.sandbox import Fault, Sandbox


def one(client: SDSSCutouts, target: SkyCoord) -> NDArray[np.uint8]:
    """Look at one target."""
    cutout: Cutout = client.get(target, scale=0.3 * u.arcsec / u.pix, size=180)
    path: Path = cutout.save("pictures").path or Path()
    print(path.name, cutout.width * cutout.scale, cutout.header["CSYER1"])
    return cutout.data


def told_by_the_type(client: SDSSCutouts) -> None:
    """Get lists and single cutouts without asking which of them came."""
    assert_type(client.get(Path("targets.csv")), CutoutList)
    assert_type(client.get(["150.0 2.2", "151.0 2.2"], size=64), CutoutList)
    assert_type(client.get(np.zeros(2, [("ra", "f8"), ("dec", "f8")])), CutoutList)
    assert_type(client.get("150.0 2.2"), Cutout | Any)
    assert_type(client.get("150.0 2.2", bands="gri"), CalibratedCutout | Any)
    assert_type(client.url(["150.0 2.2"]), list[str])
    assert_type(client.url("150.0 2.2", size=64), str | Any)


def note(cutout: Cutout) -> None:
    """Take note of an outcome."""
    print(cutout.name, cutout.status, cutout.coverage, cutout.attempts, cutout.error or "")


def many(client: SDSSCutouts, table: Table) -> DownloadReport:
    """Download, try again, and look at what came."""
    with ThreadPoolExecutor(4) as executor:
        report = client.download(table, "night", executor=executor, on_result=note)
    if report.counts["failed"]:
        report = report.retry()
    bright: CutoutList = report[report.table["coverage"] > 0.99]
    first: Cutout = report[0]
    named: Cutout = report["J011605.60-000053.6"]
    print(len(bright), [cutout.url for cutout in report], first.name, named.name)
    report.write_html()
    report.montage().savefig("montage.png")
    counts: dict[str, int] = report.export("set", "imagefolder", label="kind").counts
    print(counts)
    return report


def later() -> CutoutList:
    """Come back to what was downloaded and sorted."""
    marks: Table = read_marks("marks.csv")
    print(len(marks))
    return read_cutouts("night").with_marks("marks.csv")


def errors(client: SDSSCutouts) -> list[str]:
    """Handle what can go wrong."""
    try:
        return [str(row["objID"]) for row in client.query_sql("SELECT TOP 3 objID FROM Galaxy")]
    except ServiceError as error:
        print(error.status, error.url)
    except CutoutError as error:
        print(error)
    return []


def offline() -> None:
    """Try it without a network."""
    with Sandbox() as sandbox, SDSSCutouts(base_url=sandbox.base_url, timeout=5) as client:
        sandbox.inject(Fault("service_unavailable", times=1))
        one(client, SkyCoord(19.0, 0.0, unit="deg"))
        links: list[str] = [client.explore_url(1237648720693755918)]
        print(links, client.navigate_url(SkyCoord(19.0, 0.0, unit="deg")))
        with sdss_cutout.conf.set_temp("max_rate", 1.0):
            client.get_sql("SELECT TOP 2 objID, ra, dec FROM Galaxy", size=64)
