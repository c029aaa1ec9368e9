"""``--bands`` and ``--frames-url``."""

from __future__ import annotations

import json

import pytest
from archive import SMALL_ARCHIVE, where
from astropy.table import Table
from click.testing import CliRunner

from sdss_cutout import CalibratedCutout, conf
from sdss_cutout.cli import main
from sdss_cutout.sandbox import Fault


@pytest.fixture
def run(exact, monkeypatch):
    """Run a command against the simulated servers."""
    monkeypatch.setattr("sdss_cutout.client.SAS", SMALL_ARCHIVE)

    def invoke(*arguments, frames_url=exact.frames_url):
        server = ["--base-url", exact.base_url, "--frames-url", frames_url, "--max-rate", "5000"]
        return CliRunner().invoke(main, [*arguments, *server], catch_exceptions=False)

    return invoke


@pytest.fixture
def position(exact):
    return [str(value) for value in where(exact, "middle")]


def test_one_target(run, position, exact, tmp_path):
    done = run("get", *position, "--bands", "gr", "--size", "32", "-o", str(tmp_path))
    assert done.exit_code == 0, done.stderr
    [path] = tmp_path.iterdir()
    assert done.stdout.strip() == str(path)
    assert path.suffix == ".fits"
    cutout = CalibratedCutout.read(path)
    assert (cutout.bands, cutout.width) == ("gr", 32)
    exact.reset()
    again = run("get", *position, "--bands", "gr", "--size", "32", "-o", str(tmp_path), "--json")
    assert json.loads(again.stdout)["status"] == "kept"
    assert not exact.requests


def test_another_cutout_under_the_name_is_refused(run, position, exact, tmp_path):
    where_to = ["--size", "20", "-o", str(tmp_path / "x.fits")]
    assert run("get", *position, "--bands", "r", *where_to).exit_code == 0
    done = run("get", *position, "--bands", "g", *where_to)
    assert done.exit_code == 2
    assert "x.fits already exists and is not this cutout; give --overwrite" in done.stderr
    assert run("get", *position, "--bands", "g", *where_to, "--overwrite").exit_code == 0
    assert CalibratedCutout.read(tmp_path / "x.fits").bands == "g"


@pytest.mark.parametrize(
    "more", [["--bands", "rr"], ["--bands", "k"], ["--bands", "r", "--avm"],
             ["--bands", "r", "--overlays", "G"], ["--bands", "r", "-o", "x.jpg"]],
)  # fmt: skip
def test_wrong_use(run, position, exact, tmp_path, monkeypatch, more):
    monkeypatch.chdir(tmp_path)
    done = run("get", *position, *more)
    assert done.exit_code == 2
    assert done.stderr
    assert not exact.requests


def test_a_wrong_root(run, position):
    done = run("get", *position, "--bands", "r", frames_url="nowhere")
    assert done.exit_code == 2
    assert "--frames-url" in done.stderr


def test_outside_and_failed(run, position, exact, tmp_path):
    done = run("get", "266.4", "-29.0", "--bands", "r", "-o", str(tmp_path))
    assert done.exit_code == 0
    exact.inject(Fault("frame_missing"))
    done = run("get", *position, "--bands", "r", "-o", str(tmp_path), "--max-attempts", "1")
    assert done.exit_code == 1
    assert "404 Not Found" in done.stderr
    assert not list(tmp_path.iterdir())


def test_a_list(run, exact, tmp_path):
    ra, dec = where(exact, "middle")
    Table({"id": ["a", "b"], "ra": [ra, 266.4], "dec": [dec, -29]}).write(tmp_path / "t.csv")
    out = tmp_path / "out"
    done = run(
        "download", str(tmp_path / "t.csv"), "-o", str(out), "--bands", "ri", "--fov", "10arcsec",
        "--json", "--sheet",
    )  # fmt: skip
    assert done.exit_code == 0, done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert {row["name"]: row["status"] for row in rows} == {"a": "ok", "b": "outside"}
    assert {path.name for path in out.iterdir()} == {
        "a.fits", "index.html", "manifest.ecsv", "manifest.sqlite", "montage.png"
    }  # fmt: skip


def test_sql(run, exact, tmp_path):
    query = "SELECT TOP 2 objID, ra, dec FROM Star WHERE r < 18 AND dec BETWEEN 29 AND 31"
    done = run("sql", query, "-o", str(tmp_path), "--bands", "r", "--size", "20")
    assert done.exit_code == 0, done.stderr
    assert len(list(tmp_path.glob("*.fits"))) == 2


def test_the_url_of_the_search(run, position):
    done = run("url", *position, "--bands", "r")
    assert "SDSSFields/FieldArray" in done.stdout
    assert conf.frames_url
