"""One run on a directory: what is kept, repaired, refused and recorded."""

from __future__ import annotations

import concurrent.futures
import math
import os
import shutil
import sqlite3
import subprocess
import sys
import threading

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table

from sdss_cutout import (
    Cutout,
    RequestError,
    SDSSCutouts,
    TargetError,
    conf,
    read_cutouts,
)
from sdss_cutout._image.avm import has_avm
from sdss_cutout.sandbox import Fault, Sandbox


def targets(count=6, **columns):
    names = [f"t{row}" for row in range(count)]
    table = Table({"name": names, "ra": 19 + np.arange(count) / 100, "dec": np.zeros(count)})
    for name, values in columns.items():
        table[name] = values
    return table


@pytest.fixture
def other_sandbox():
    with Sandbox() as server:
        yield server


@pytest.fixture
def verify_nothing():
    """The mode of large directories, for a small one."""
    with conf.set_temp("verify_up_to", 0):
        yield


# ------------------------------------------------------------------------ two runs at once


def test_two_runs_at_once_for_different_requests_one_is_refused(other_sandbox, tmp_path):
    other_sandbox.inject(Fault("delay", seconds=0.05))
    slow = SDSSCutouts(
        base_url=other_sandbox.base_url, max_rate=2_000, max_connections=1, show_progress=False
    )
    begun = threading.Event()

    def first():
        return slow.download(targets(40), tmp_path, size=64, on_result=lambda _: begun.set())

    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        future = pool.submit(first)
        begun.wait(30)
        with pytest.raises(TargetError, match=r"t39\.jpg is being fetched at this moment by"):
            slow.download(targets(40)[39:], tmp_path, size=100)
        sent = {r.query["width"] for r in other_sandbox.picture_requests}
        other_sandbox.reset()
        report = future.result(60)
    assert sent == {"64"}
    assert set(report.table["width"]) == {64}
    assert all(Cutout.read(path).width == 64 for path in tmp_path.glob("*.jpg"))


def test_two_runs_at_once_for_different_targets_do_not_disturb_each_other(client, tmp_path):
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        tables = targets(30)[:15], targets(30)[15:]
        reports = list(pool.map(lambda t: client.download(t, tmp_path, size=64), tables))
    assert [report.counts["ok"] for report in reports] == [15, 15]
    assert len(read_cutouts(tmp_path)) == 30


def test_many_processes_begin_on_a_new_directory_at_the_same_moment(other_sandbox, tmp_path):
    table = tmp_path / "targets.csv"
    targets(8).write(table)
    command = [
        sys.executable, "-m", "sdss_cutout", "download", str(table), "-o", str(tmp_path / "out"),
        "--size", "64", "--base-url", other_sandbox.base_url, "--max-rate", "400",
    ]  # fmt: skip
    runs = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    said = [run.communicate(timeout=120) for run in runs]
    assert [run.returncode for run in runs] == [0] * 4, said
    assert len(other_sandbox.picture_requests) == 8


def test_a_name_that_differs_in_case_from_an_earlier_runs_is_refused(client, sandbox, tmp_path):
    client.download(targets(1, name=["Ngc1"]), tmp_path, size=64)
    sandbox.reset()
    with pytest.raises(TargetError, match=r"target 0 \('NGC1'\): NGC1.jpg is 'Ngc1' for some file"):
        client.download(targets(1, name=["NGC1"]), tmp_path, size=64)
    assert not sandbox.requests


# ----------------------------------------------------------------------- large directories


@pytest.mark.usefixtures("verify_nothing")
@pytest.mark.parametrize("damage", [b"", b"\xff\xd8 and no more", None])
def test_a_torn_picture_is_fetched_again_in_a_large_directory(client, sandbox, tmp_path, damage):
    client.download(targets(), tmp_path, size=64)
    path = tmp_path / "t3.jpg"
    path.write_bytes(path.read_bytes()[:-7] if damage is None else damage)
    sandbox.reset()
    report = client.download(targets(), tmp_path, size=64)
    assert [r.query["ra"] for r in sandbox.requests] == ["19.03"]
    assert report.table["status"].tolist() == ["kept", "kept", "kept", "ok", "kept", "kept"]
    assert Cutout.read(path).data.shape == (64, 64, 3)


@pytest.mark.usefixtures("verify_nothing")
@pytest.mark.parametrize("damage", [b"", b"SIMPLE  ="])
def test_a_torn_sidecar_is_written_again_in_a_large_directory(client, sandbox, tmp_path, damage):
    client.download(targets(), tmp_path, size=64)
    path = tmp_path / "t3.wcs"
    whole = path.read_bytes()
    path.write_bytes(damage)
    sandbox.reset()
    assert client.download(targets(), tmp_path, size=64).counts["kept"] == 6
    assert path.read_bytes() == whole
    assert not sandbox.requests


@pytest.mark.usefixtures("verify_nothing")
def test_another_request_is_refused_in_a_large_directory(client, sandbox, tmp_path):
    client.download(targets(), tmp_path, size=64)
    sandbox.reset()
    with pytest.raises(TargetError, match=r"t0\.jpg already exists and belongs to a different"):
        client.download(targets(), tmp_path, size=65)
    assert not sandbox.requests


@pytest.mark.parametrize("verify_up_to", [0, 10_000])
@pytest.mark.parametrize("avm", [True, False])
def test_avm_that_is_wanted_on_a_restart_is_given(client, sandbox, tmp_path, avm, verify_up_to):
    client.download(targets(), tmp_path, size=64, avm=not avm)
    sandbox.reset()
    with conf.set_temp("verify_up_to", verify_up_to):
        report = client.download(targets(), tmp_path, size=64, avm=avm)
    assert report.counts["kept"] == 6
    assert not sandbox.requests
    assert {has_avm(path.read_bytes()) for path in tmp_path.glob("*.jpg")} == {avm}
    assert report.table["nbytes"].tolist() == [
        (tmp_path / f"t{row}.jpg").stat().st_size for row in range(6)
    ]


# --------------------------------------------------------------------------- what is recorded


def test_failed_targets_have_no_coverage_and_each_row_its_own_outcome(client, sandbox, tmp_path):
    for row in (1, 3):
        sandbox.inject(Fault("bad_request", match=f"ra=19.0{row}"))
    report = client.download(targets(5), tmp_path, size=64)
    assert [math.isnan(value) for value in report.table["coverage"]] == [0, 1, 0, 1, 0]
    assert np.isnan(read_cutouts(tmp_path).table["coverage"][[1, 3]]).all()
    sandbox.reset()
    sandbox.inject(Fault("bad_request", match="ra=19.01"))
    again = report.retry()
    assert again.table["status"].tolist() == ["ok", "failed", "ok", "ok", "ok"]
    assert again.table["attempts"].tolist() == [1, 1, 1, 1, 1]
    assert [bool(error) for error in again.table["error"]] == [0, 1, 0, 0, 0]
    assert again.table["sha256"][3] == Cutout.read(tmp_path / "t3.jpg").sha256


def test_a_retry_after_a_stream_keeps_the_input_columns(client, sandbox, tmp_path):
    sandbox.inject(Fault("bad_request", match="ra=19.01"))
    chunks = iter([targets(3, note=["a", "b", "c"])])
    report = client.download(chunks, tmp_path, size=64)
    sandbox.reset()
    assert report.retry().counts["ok"] == 3
    back = read_cutouts(tmp_path).table
    assert back["note"].tolist() == ["a", "b", "c"]
    assert back["status"].tolist() == ["ok", "ok", "ok"]


def test_manifest_table_has_the_input_columns_first(client, tmp_path):
    table = targets(3, z=[0.1, 0.2, 0.3], objid=np.array([2**63 + 5, 1, 2], "u8"))
    table["z"].unit = "deg"
    client.download(table, tmp_path, size=64)
    client.download(Table({"name": ["x"], "ra": [30.0], "dec": [1.0], "w": [7]}), tmp_path, size=64)

    found = Table.read(tmp_path / "manifest.ecsv")

    assert found.colnames[:6] == ["input_name", "ra", "dec", "z", "objid", "w"]
    assert found["objid"].tolist() == [2**63 + 5, 1, 2, None]
    assert found["objid"].dtype == np.dtype("u8")
    assert str(found["z"].unit) == "deg"
    assert found["name"].tolist() == ["t0", "t1", "t2", "x"]
    assert found["w"].tolist() == [None, None, None, 7]
    assert set(found["status"]) == {"ok"}


def test_an_input_column_of_every_kind_is_in_the_manifest_table(client, tmp_path):
    table = targets(2, flag=[True, False], text=['a "quoted", é', ""], vector=[[1, 2], [3, 4]])
    client.download(table, tmp_path, size=64)
    found = Table.read(tmp_path / "manifest.ecsv")
    assert found["flag"].tolist() == [True, False]
    assert found["vector"].tolist() == [[1, 2], [3, 4]]
    assert found["text"][0] == 'a "quoted", é'


def test_arrays_with_a_stream_are_refused_before_anything_is_sent(client, sandbox, tmp_path):
    with pytest.raises(RequestError, match="size has one value per target, which a stream"):
        client.download(iter([targets(3)]), tmp_path / "out", size=[64, 65, 66])
    assert not sandbox.requests


def test_on_result_is_told_of_each_outcome_in_the_calling_thread(client, sandbox, tmp_path):
    seen = []

    def note(cutout):
        seen.append((threading.get_ident(), cutout.name, cutout.status, len(cutout.content) > 0))

    table = targets(4)
    table["ra"][1], table["dec"][1] = 266.4, -29.0
    client.download(table, tmp_path, size=64, on_result=note)
    assert {thread for thread, *_ in seen} == {threading.get_ident()}
    assert sorted(rest for _, *rest in seen) == [
        ["t0", "ok", True], ["t1", "outside", False], ["t2", "ok", True], ["t3", "ok", True],
    ]  # fmt: skip
    seen.clear()
    client.download(table, tmp_path, size=64, on_result=note)
    assert sorted(status for *_, status, _ in seen) == ["kept", "kept", "kept", "outside"]


# ---------------------------------------------------------------------------------- places


def test_home_is_where_the_tilde_points(client, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    report = client.download(targets(1), "~/cutouts", size=64)
    assert (tmp_path / "cutouts" / "t0.jpg").exists()
    assert report.directory == tmp_path / "cutouts"
    assert len(read_cutouts("~/cutouts")) == 1
    assert next(iter(report)).save("~/more").path == tmp_path / "more" / "t0.jpg"
    assert not (tmp_path / "~").exists()


def test_what_a_killed_run_left_is_removed(client, tmp_path):
    client.download(targets(1), tmp_path, size=64)
    left = tmp_path / ".run-0123456789abcdef"
    left.mkdir()
    (left / "lock").touch()
    (left / "manifest.ecsv").write_text("half of it")
    with sqlite3.connect(tmp_path / "manifest.sqlite") as connection:
        connection.execute("INSERT INTO runs VALUES ('0123456789abcdef')")
        connection.execute("INSERT INTO claims VALUES ('t1', '0123456789abcdef')")
    connection.close()
    assert client.download(targets(2), tmp_path, size=64).counts == {
        "ok": 1, "kept": 1, "outside": 0, "failed": 0,
    }  # fmt: skip
    assert not list(tmp_path.glob(".run-*"))


def test_a_finished_directory_is_read_without_write_access(client, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(disk)]
    if not shutil.which("mount") or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("a file system cannot be mounted here")
    try:
        client.download(targets(3), disk / "out", size=64)
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        cutouts = read_cutouts(disk / "out")
        assert cutouts.table["status"].tolist() == ["ok"] * 3
        assert cutouts[2].data.shape == (64, 64, 3)
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=False)


def test_a_directory_in_use_by_a_killed_writer_is_read_without_write_access(client, tmp_path):
    """A killed run leaves SQLite's write-ahead log; where it cannot be written, it is not read."""
    client.download(targets(2), tmp_path / "out", size=64)
    with sqlite3.connect(tmp_path / "out" / "manifest.sqlite") as connection:
        connection.execute("PRAGMA journal_mode = WAL")
    connection.close()
    before = sorted(os.listdir(tmp_path / "out"))
    assert len(read_cutouts(tmp_path / "out")) == 2
    assert sorted(os.listdir(tmp_path / "out")) == before


@pytest.mark.parametrize("name", ["pic.jpg", "plot.png", "frame.fits"])
def test_a_file_name_is_not_a_directory_for_a_download(client, sandbox, tmp_path, name):
    with pytest.raises(RequestError, match=f"{name} is the name of a file"):
        client.download(targets(1), tmp_path / name, size=64)
    assert not sandbox.requests
    assert not list(tmp_path.iterdir())


def test_the_sidecar_of_a_second_run_is_the_first_ones(client, tmp_path):
    client.download(targets(1), tmp_path, size=64)
    header = fits.Header.fromfile(tmp_path / "t0.wcs")
    client.download(targets(1), tmp_path, size=64)
    assert fits.Header.fromfile(tmp_path / "t0.wcs") == header
