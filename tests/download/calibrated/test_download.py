"""Calibrated cutouts on disk: frames once, restart, retry, two runs at once."""

from __future__ import annotations

import hashlib
import pickle
import signal
import subprocess
import sys
import threading

import numpy as np
import pytest
from archive import SMALL, small_client, where
from astropy.table import Table
from matplotlib import pyplot

from sdss_cutout import CalibratedCutout, StoreError, TargetError, conf, read_cutouts
from sdss_cutout._frames import frame
from sdss_cutout._store import files
from sdss_cutout._transfer import next_step
from sdss_cutout._transfer.frames import classify
from sdss_cutout.sandbox import Fault, Sandbox


def targets_around(sandbox, count=12, place="middle", spread=0.03):
    """Targets in several fields, some of which end within cutouts."""
    ra, dec = where(sandbox, place)
    rows = np.arange(count)
    angle = 2.399963 * rows  # as the seeds of a sunflower
    r = spread * np.sqrt(rows / count)
    return Table(
        {
            "id": [f"t{row}" for row in rows],
            "ra": (ra + r * np.cos(angle) / np.cos(np.radians(dec))) % 360,
            "dec": dec + r * np.sin(angle),
        }
    )


def frame_names(sandbox):
    return [record.path.rpartition("/")[2] for record in sandbox.frame_requests]


def cached_frames(folder):
    """The names of the frames that a cache has, as their URLs have them."""
    return {f"{path.name[:26]}.fits.bz2" for path in folder.glob("frame-*")}


def assert_whole(directory, names):
    for name in names:
        assert CalibratedCutout.read(directory / f"{name}.fits").name == name


@pytest.fixture(autouse=True)
def _retry_soon(monkeypatch):
    monkeypatch.setattr(next_step, "_FIRST_WAIT", 0.001)


def test_what_a_report_draws_is_called_simulated(client, exact, tmp_path):
    [cutout] = client.download(targets_around(exact, 1), tmp_path / "out", bands="r", size=24)
    assert "simulated" in [text.get_text() for text in cutout.plot("r").texts]
    pyplot.close("all")


def test_each_frame_is_fetched_once(client, exact, tmp_path):
    table = targets_around(exact, 120, spread=0.12)
    seen = []
    report = client.download(table, tmp_path, bands="r", size=24, on_result=seen.append)
    assert report.counts["ok"] == 120
    assert list(report.table["id"]) == list(report.table["name"]) == list(table["id"])
    names = frame_names(exact)
    assert len(names) == len(set(names)) > 20
    assert len(exact.field_requests) < 10
    assert sorted(cutout.name for cutout in seen) == sorted(table["id"])
    assert_whole(tmp_path, table["id"])
    assert {path.suffix for path in tmp_path.iterdir()} == {".fits", ".sqlite", ".ecsv"}


def test_each_frame_is_decompressed_once(client, exact, tmp_path, monkeypatch):
    """Decompressing takes a hundred times as long as cutting."""
    seen, read_frame = [], frame.read_frame

    def counted(content, key, *arguments, **options):
        seen.append(key)
        return read_frame(content, key, *arguments, **options)

    monkeypatch.setattr(classify, "read_frame", counted)
    first = exact.survey.primary(*where(exact, "middle"))
    rng = np.random.default_rng(7)
    positions = []
    for row in range(120):
        field = exact.survey.field(first.run.number, first.camcol, first.number + row % 15)
        positions.append(field.sky_of(rng.uniform(40, 260), rng.uniform(40, 215)))
    ra, dec = np.array(positions, dtype=float).T
    table = Table({"id": np.arange(120), "ra": ra, "dec": dec})
    client.download(table, tmp_path, bands="r", size=16)
    assert len(set(seen)) == 15
    # The first targets are looked up apart from the others.
    assert len(seen) <= 15 + 4
    seen.clear()
    client.get(table, bands="r", size=16)  # from the cache
    assert len(seen) <= 15 + 4


def test_a_large_directory_is_not_read(client, exact, tmp_path):
    conf.verify_up_to = 0
    table = targets_around(exact, 6)
    client.download(table, tmp_path, bands="r", size=24)
    exact.reset()
    assert client.download(table, tmp_path, bands="r", size=24).counts["kept"] == 6
    assert not exact.requests
    (tmp_path / "t1.fits").write_bytes(b"short")
    assert client.download(table, tmp_path, bands="r", size=24).counts["ok"] == 1


def test_the_files_are_what_get_gets(client, exact, tmp_path):
    table = targets_around(exact, 5)
    report = client.download(table, tmp_path, bands="gr", size=24)
    for cutout, other in zip(report, client.get(table, bands="gr", size=24), strict=True):
        assert cutout.path == tmp_path / f"{cutout.name}.fits"
        assert (cutout["r"].data == other["r"].data).all()
        assert cutout.frames["sha256"].tolist() == other.frames["sha256"].tolist()
        assert cutout.sha256 == hashlib.sha256(cutout.path.read_bytes()).hexdigest()
    assert (report.table["path"] == [str(tmp_path / f"t{k}.fits") for k in range(5)]).all()
    manifest = Table.read(tmp_path / "manifest.ecsv")
    assert list(manifest["bands"]) == ["gr"] * 5
    assert list(manifest["sha256"]) == list(report.table["sha256"])


def test_a_second_run_sends_nothing(client, exact, tmp_path):
    table = targets_around(exact, 6)
    client.download(table, tmp_path, bands="r", size=24)
    exact.reset()
    report = client.download(table, tmp_path, bands="r", size=24)
    assert report.counts["kept"] == 6
    assert not exact.requests
    assert report[0]["r"].data.shape == (24, 24)


def test_what_is_missing_is_made_again(client, exact, tmp_path):
    table = targets_around(exact, 6)
    client.download(table, tmp_path, bands="r", size=24)
    (tmp_path / "t1.fits").unlink()
    (tmp_path / "t2.fits").write_bytes(b"no FITS")
    damaged = bytearray((tmp_path / "t3.fits").read_bytes())
    damaged[6000] ^= 1
    (tmp_path / "t3.fits").write_bytes(damaged)
    report = client.download(table, tmp_path, bands="r", size=24)
    assert report.counts == {"ok": 3, "kept": 3, "outside": 0, "failed": 0}
    assert_whole(tmp_path, table["id"])


def test_a_file_that_was_not_recorded_is_taken_over(client, exact, tmp_path):
    """A run can be killed between a file and its record."""
    table = targets_around(exact, 3)
    client.download(table, tmp_path, bands="r", size=24)
    for name in ("manifest.sqlite", "manifest.ecsv"):
        (tmp_path / name).unlink()
    exact.reset()
    report = client.download(table, tmp_path, bands="r", size=24)
    assert report.counts["kept"] == 3
    assert not exact.requests


def test_another_request_under_the_name_is_refused(client, exact, tmp_path):
    table = targets_around(exact, 2)
    client.download(table, tmp_path, bands="r", size=24)
    exact.reset()
    for options in ({"bands": "g", "size": 24}, {"bands": "r", "size": 25}, {"size": 64}):
        with pytest.raises(TargetError, match="different request"):
            client.download(table, tmp_path, **options)
    assert not exact.requests
    report = client.download(table, tmp_path, bands="g", size=24, overwrite=True)
    assert report.counts["ok"] == 2
    assert read_cutouts(tmp_path)[0].bands == "g"


def test_a_foreign_file_is_refused(client, exact, tmp_path):
    (tmp_path / "t0.fits").write_bytes(b"mine")
    with pytest.raises(TargetError, match=r"t0\.fits already exists and is not a file of ours"):
        client.download(targets_around(exact, 1), tmp_path, bands="r", size=24)


def test_a_directory_comes_back(client, exact, tmp_path):
    table = targets_around(exact, 4)
    table.add_row(("far", 266.4, -29.0))
    report = client.download(table, tmp_path, bands="gri", size=24)
    cutouts = read_cutouts(tmp_path)
    assert [c.status for c in cutouts.iter_unread()] == ["ok"] * 4 + ["outside"]
    assert list(cutouts.table["id"]) == list(table["id"])
    for name in ("path", "url", "sha256", "coverage", "nbytes", "width", "height", "scale"):
        assert list(cutouts.table[name]) == list(report.table[name])
    assert cutouts[1].request == report[1].request
    assert cutouts[1].to_rgb().shape == (24, 24, 3)
    assert cutouts[[0, 4]].counts["outside"] == 1


def test_what_has_failed_is_tried_again(client, exact, tmp_path):
    table = targets_around(exact, 6)
    client.max_attempts = 2
    exact.inject(Fault("frame_cut_stream", times=2, share=0.5))
    report = client.download(table, tmp_path, bands="r", size=24)
    failed = report.counts["failed"]
    assert 0 < failed <= 6
    assert all("compressed data" in error for error in report.failed["error"])
    assert set(report.failed["attempts"]) == {2}
    again = pickle.loads(pickle.dumps(report)).retry()
    assert again.counts["ok"] == 6
    assert list(again.table["id"]) == list(table["id"])
    assert read_cutouts(tmp_path).counts["ok"] == 6
    assert report.counts["failed"] == failed


def test_a_stream_of_targets(client, exact, tmp_path):
    table = targets_around(exact, 9)
    report = client.download(
        (table[k : k + 3] for k in (0, 3, 6)), tmp_path, bands="r", size=24, names="id"
    )
    assert report.counts["ok"] == 9
    assert len(set(frame_names(exact))) == len(frame_names(exact))


def test_two_runs_at_once_share_the_work(exact, tmp_path):
    table, reports = targets_around(exact, 120, spread=0.08), []

    def run():
        client = small_client(exact)
        reports.append(client.download(table, tmp_path, bands="r", size=24))

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [report.counts["failed"] for report in reports] == [0, 0]
    assert sum(report.counts["ok"] for report in reports) == 120
    assert len(set(frame_names(exact))) == len(frame_names(exact))
    assert_whole(tmp_path, table["id"])


def test_a_full_disk_ends_the_run(client, exact, tmp_path, monkeypatch):
    def full(path, content):
        if str(path).endswith(".fits"):
            raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(files, "_write", full)
    with pytest.raises(StoreError, match="No space left on device"):
        client.download(targets_around(exact, 6), tmp_path, bands="r", size=24)


def test_an_error_of_the_callers_ends_the_run(client, exact, tmp_path):
    def stop(_cutout):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        client.download(targets_around(exact, 30), tmp_path, bands="r", size=24, on_result=stop)
    assert not [t for t in threading.enumerate() if t.name.startswith("sdss_cutout")]
    report = client.download(targets_around(exact, 30), tmp_path, bands="r", size=24)
    assert report.counts["failed"] == 0
    # What was under way is asked for again.
    assert len(frame_names(exact)) <= len(set(frame_names(exact))) + 4


def test_a_dead_archive_ends_the_run(client, exact, tmp_path):
    with Sandbox(frame_shape=SMALL) as server:
        conf.frames_url = server.frames_url
    report = client.download(targets_around(exact, 60), tmp_path, bands="r", size=24)
    assert report.counts["failed"] == 60
    errors = list(report.table["error"])
    assert sum("the first 20 targets failed because" in error for error in errors) > 20
    assert any(error.startswith("frame r-") for error in errors)


def test_a_dead_server_ends_the_run(client, exact, tmp_path):
    with Sandbox(frame_shape=SMALL) as server:
        client.base_url = server.base_url
    report = client.download(targets_around(exact, 60), tmp_path, bands="r", size=24)
    assert report.counts["failed"] == 60
    assert not exact.requests


# ---------------------------------------------------------------------------------------- killed

_PROGRAM = """
import sys
from archive import small_client
from astropy.table import Table
from sdss_cutout import conf

class At:
    base_url, frames_url = sys.argv[1], sys.argv[1] + "/sas"

client = small_client(At, max_attempts=3)
conf.frame_cache = sys.argv[4]
client.download(Table.read(sys.argv[2], format="ascii.ecsv"), sys.argv[3], bands="r", size=24)
"""


def test_killed_and_run_again(exact, tmp_path):
    table, out = tmp_path / "targets.ecsv", tmp_path / "out"
    targets = targets_around(exact, 60, spread=0.08)
    targets.write(table)
    command = [
        sys.executable, "-c", _PROGRAM, exact.base_url, str(table), str(out), str(tmp_path / "c")
    ]  # fmt: skip
    environment = {"PYTHONPATH": ":".join(path for path in sys.path if path)}
    for more in (2, 5, None):
        cached, seen = cached_frames(tmp_path / "c"), len(exact.frame_requests)
        process = subprocess.Popen(command, env=environment)
        while more and len(exact.frame_requests) < seen + more and process.poll() is None:
            threading.Event().wait(0.005)
        if more:
            process.send_signal(signal.SIGKILL)
        assert process.wait() == (-signal.SIGKILL if more else 0)
        assert_whole(out, [path.stem for path in out.glob("*.fits")])
        assert not cached & set(frame_names(exact)[seen:])
    assert_whole(out, targets["id"])
    assert len([*out.iterdir()]) == 60 + 2
