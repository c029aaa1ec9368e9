"""Killed at any moment and run again: what is missing is fetched, and nothing else."""

from __future__ import annotations

import errno
import hashlib
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table

from sdss_cutout import Cutout, SDSSCutouts, StoreError, TargetError, read_cutouts
from sdss_cutout._store import files as _files
from sdss_cutout._store.manifest import Manifest
from sdss_cutout.sandbox import Fault, Sandbox

COUNT = 500


def targets(count=6):
    names = [f"t{row}" for row in range(count)]
    return Table({"name": names, "ra": 19 + np.arange(count) / 100, "dec": np.zeros(count)})


def assert_whole(directory, names):
    for name in names:
        content = (directory / f"{name}.jpg").read_bytes()
        header = fits.Header.fromfile(directory / f"{name}.wcs")
        assert header["SHA256"] == hashlib.sha256(content).hexdigest()
        assert Cutout.read(directory / f"{name}.jpg").data.shape == (64, 64, 3)


@pytest.fixture
def fast_sandbox():
    with Sandbox() as server:
        yield server


def command(table, directory, base_url, *more):
    return [
        sys.executable, "-m", "sdss_cutout", "download", str(table), "-o", str(directory),
        "--size", "64", "--base-url", base_url, "--max-rate", "400", *more,
    ]  # fmt: skip


def test_killed_ten_times(fast_sandbox, tmp_path):
    table, out = tmp_path / "targets.csv", tmp_path / "out"
    targets(COUNT).write(table)
    random.seed(7)
    for _ in range(10):
        before, seen = pictures_in(out), len(fast_sandbox.picture_requests)
        process = subprocess.Popen(
            command(table, out, fast_sandbox.base_url),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        more = random.randint(1, 45)
        while len(fast_sandbox.picture_requests) < min(seen + more, COUNT - 1):
            if process.poll() is not None:
                break
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert_none_again(fast_sandbox.picture_requests[seen:], before)
        assert_whole(out, pictures_in(out))
    before, seen = pictures_in(out), len(fast_sandbox.picture_requests)
    done = subprocess.run(
        command(table, out, fast_sandbox.base_url), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert_none_again(fast_sandbox.picture_requests[seen:], before)
    assert_whole(out, [f"t{row}" for row in range(COUNT)])
    assert {path.suffix for path in out.iterdir()} == {".jpg", ".wcs", ".sqlite", ".ecsv"}
    assert len(list(out.iterdir())) == 2 * COUNT + 2


def pictures_in(directory):
    return {path.stem for path in directory.glob("*.jpg")}


def assert_none_again(requests, names):
    """No picture that was in the directory before is asked for."""
    asked = {f"t{round((float(request.query['ra']) - 19) * 100)}" for request in requests}
    assert not asked & names


def test_ctrl_c_ends_with_a_summary_and_130(fast_sandbox, tmp_path):
    table, out = tmp_path / "targets.csv", tmp_path / "out"
    targets(COUNT).write(table)
    fast_sandbox.inject(Fault("silence", match="ra=19.05"))
    process = subprocess.Popen(
        command(table, out, fast_sandbox.base_url),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while len(fast_sandbox.picture_requests) < 40:
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    printed, said = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "interrupted" in said
    assert "Traceback" not in said
    assert_whole(out, [line.rpartition("/")[2].removesuffix(".jpg") for line in printed.split()])
    assert (out / "manifest.ecsv").exists()
    assert not list(out.glob(".run-*"))


def test_a_second_run_sends_nothing(client, sandbox, tmp_path):
    client.download(targets(), tmp_path, size=64)
    sandbox.reset()
    report = client.download(targets(), tmp_path, size=64)
    assert report.counts["kept"] == 6
    assert not sandbox.requests
    assert list(report.table["attempts"]) == [0] * 6
    assert all(report.table["sha256"])


def test_outside_is_remembered_and_failed_is_tried_again(client, sandbox, tmp_path):
    table = targets(3)
    table["ra"][1], table["dec"][1] = 86.4, 28.9  # in the Milky Way
    sandbox.inject(Fault("bad_request", match="ra=19.02"))
    first = client.download(table, tmp_path, size=64)
    assert list(first.table["status"]) == ["ok", "outside", "failed"]
    sandbox.reset()
    again = client.download(table, tmp_path, size=64)
    assert list(again.table["status"]) == ["kept", "outside", "ok"]
    assert [r.query["ra"] for r in sandbox.requests] == ["19.02"]


@pytest.mark.parametrize("missing", [".jpg", ".wcs"])
def test_a_pair_that_lost_a_half_is_made_whole(client, sandbox, tmp_path, missing):
    client.download(targets(), tmp_path, size=64)
    sandbox.reset()
    (tmp_path / f"t2{missing}").unlink()
    report = client.download(targets(), tmp_path, size=64)
    assert_whole(tmp_path, [f"t{row}" for row in range(6)])
    assert len(sandbox.requests) == (1 if missing == ".jpg" else 0)
    assert report.table["status"][2] == ("ok" if missing == ".jpg" else "kept")


def test_an_altered_picture_is_noticed(client, sandbox, tmp_path):
    client.download(targets(), tmp_path, size=64)
    path = tmp_path / "t3.jpg"
    content = bytearray(path.read_bytes())
    content[-20] ^= 1
    path.write_bytes(content)
    sandbox.reset()
    client.download(targets(), tmp_path, size=64)
    assert [r.query["ra"] for r in sandbox.requests] == ["19.03"]
    assert_whole(tmp_path, ["t3"])


def test_a_damaged_sidecar_is_written_again(client, sandbox, tmp_path):
    client.download(targets(), tmp_path, size=64)
    (tmp_path / "t3.wcs").write_bytes(b"rubbish")
    sandbox.reset()
    client.download(targets(), tmp_path, size=64)
    assert not sandbox.requests
    assert_whole(tmp_path, ["t3"])


def test_a_sidecar_that_its_owner_improved_stays(client, sandbox, tmp_path):
    client.download(targets(), tmp_path, size=64)
    path = tmp_path / "t3.wcs"
    header = fits.Header.fromfile(path)
    header["CRPIX1"] += 0.25
    header.tofile(path, overwrite=True)
    improved = path.read_bytes()
    sandbox.reset()
    assert client.download(targets(), tmp_path, size=64).counts["kept"] == 6
    assert path.read_bytes() == improved
    assert not sandbox.requests


def test_another_request_under_the_same_name_is_refused(client, sandbox, tmp_path):
    client.download(targets(), tmp_path, size=64)
    before = {path.name: path.read_bytes() for path in tmp_path.glob("*.jpg")}
    sandbox.reset()
    with pytest.raises(TargetError, match=r"target 0 \('t0'\): t0.jpg already exists and belongs"):
        client.download(targets(), tmp_path, size=65)
    assert not sandbox.requests
    assert {path.name: path.read_bytes() for path in tmp_path.glob("*.jpg")} == before
    report = client.download(targets(), tmp_path, size=65, overwrite=True)
    assert report.counts["ok"] == 6
    assert Cutout.read(tmp_path / "t0.jpg").data.shape == (65, 65, 3)


def test_a_file_that_is_not_ours_is_refused(client, sandbox, tmp_path):
    (tmp_path / "t4.jpg").write_bytes(b"somebody's picture")
    with pytest.raises(TargetError, match=r"target 4 \('t4'\): t4.jpg already exists and is not a"):
        client.download(targets(), tmp_path, size=64)
    assert not sandbox.requests
    assert (tmp_path / "t4.jpg").read_bytes() == b"somebody's picture"


def test_without_its_manifest_the_pictures_are_taken_over(client, sandbox, tmp_path):
    client.download(targets(), tmp_path, size=64)
    (tmp_path / "manifest.sqlite").unlink()
    sandbox.reset()
    table = targets()
    table["note"] = [f"note {row}" for row in range(6)]
    report = client.download(table, tmp_path, size=64)
    assert report.counts["kept"] == 6
    assert not sandbox.requests
    assert len(Table.read(tmp_path / "manifest.ecsv")) == 6
    assert list(read_cutouts(tmp_path).table["note"]) == list(table["note"])


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(b"this is no database, it never was one, far from it"),
        lambda path: path.write_bytes(path.read_bytes()[:5000]),
    ],
)
def test_a_damaged_manifest_is_a_clear_error(client, sandbox, tmp_path, damage):
    client.download(targets(), tmp_path, size=64)
    damage(tmp_path / "manifest.sqlite")
    with pytest.raises(StoreError, match=r"manifest\.sqlite: .*Move it away and run again"):
        client.download(targets(), tmp_path, size=64)
    assert_whole(tmp_path, [f"t{row}" for row in range(6)])
    (tmp_path / "manifest.sqlite").rename(tmp_path / "manifest.old")
    assert client.download(targets(), tmp_path, size=64).counts["kept"] == 6


def test_a_manifest_of_another_version_is_a_clear_error(client, tmp_path):
    client.download(targets(), tmp_path, size=64)
    with sqlite3.connect(tmp_path / "manifest.sqlite") as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StoreError, match=r"another version of sdss_cutout \(format 99, this is 2"):
        client.download(targets(), tmp_path, size=64)


def test_a_full_disk(client, sandbox, tmp_path, monkeypatch):
    written = []
    real = os.write

    def full(descriptor, data):
        written.append(len(data))
        if len(written) > 5:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(descriptor, data)

    monkeypatch.setattr(_files.os, "write", full)
    with pytest.raises(StoreError, match="No space left on device"):
        client.download(targets(), tmp_path, size=64)
    monkeypatch.undo()
    for path in tmp_path.glob("*.jpg"):
        assert_whole(tmp_path, [path.stem])
    sandbox.reset()
    client.download(targets(), tmp_path, size=64)
    assert_whole(tmp_path, [f"t{row}" for row in range(6)])
    assert not list(tmp_path.glob(".*"))


def test_a_manifest_that_cannot_be_written(client, sandbox, tmp_path, monkeypatch):
    def full(*_):
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(Manifest, "record", full)
    with pytest.raises(StoreError, match=r"manifest\.sqlite: database or disk is full"):
        client.download(targets(), tmp_path, size=64)
    monkeypatch.undo()
    assert not list(tmp_path.glob(".run-*"))
    sandbox.reset()
    assert client.download(targets(), tmp_path, size=64).counts["failed"] == 0
    assert_whole(tmp_path, [f"t{row}" for row in range(6)])


def test_an_interrupt_within_a_transaction_is_rolled_back(client, tmp_path):
    client.download(targets(), tmp_path, size=64)
    manifest = Manifest(tmp_path / "manifest.sqlite")
    real = manifest._run

    def interrupted(statement, values=()):
        result = real(statement, values)
        if statement.startswith("BEGIN"):
            raise KeyboardInterrupt
        return result

    manifest._run = interrupted
    with pytest.raises(KeyboardInterrupt), manifest.transaction():
        pass
    manifest._run = real
    with manifest.transaction():
        assert len(manifest.runs()) == 0
    manifest.close()


def test_a_disk_that_fills_up_half_way(fast_sandbox, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1500k", "tmpfs", str(disk)]
    if not shutil.which("mount") or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("a small file system cannot be mounted here")
    table = tmp_path / "targets.csv"
    targets(COUNT).write(table)
    try:
        out = disk / "out"
        done = subprocess.run(
            command(table, out, fast_sandbox.base_url), capture_output=True, text=True, check=False
        )
        assert done.returncode == 1
        assert "Error: " in done.stderr
        assert "Traceback" not in done.stderr
        kept = [path.stem for path in out.glob("*.jpg")]
        assert 20 < len(kept) < COUNT
        assert_whole(out, kept)
        subprocess.run(["mount", "-o", "remount,size=30m", str(disk)], check=True)
        sent = len(fast_sandbox.picture_requests)
        done = subprocess.run(
            command(table, out, fast_sandbox.base_url), capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert_whole(out, [f"t{row}" for row in range(COUNT)])
        assert len(fast_sandbox.picture_requests) - sent <= COUNT - len(kept)
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=False)


def test_two_runs_share_the_work(fast_sandbox, tmp_path):
    table, out = tmp_path / "targets.csv", tmp_path / "out"
    targets(COUNT).write(table)
    fast_sandbox.inject(Fault("delay", seconds=0.02))
    runs = [
        subprocess.Popen(
            command(table, out, fast_sandbox.base_url, "--max-connections", "4"),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    said = [run.communicate(timeout=120) for run in runs]
    assert [run.returncode for run in runs] == [0, 0], said
    assert [len(printed.split()) for printed, _ in said] == [COUNT, COUNT]
    assert len(fast_sandbox.picture_requests) == COUNT
    assert_whole(out, [f"t{row}" for row in range(COUNT)])


def test_a_run_takes_over_what_a_killed_one_had_claimed(fast_sandbox, tmp_path):
    table, out = tmp_path / "targets.csv", tmp_path / "out"
    targets(COUNT).write(table)
    fast_sandbox.inject(Fault("silence", match="ra=19.01"))
    stuck = subprocess.Popen(
        command(table, out, fast_sandbox.base_url),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while len(fast_sandbox.picture_requests) < 50:
        time.sleep(0.005)
    other = subprocess.Popen(
        command(table, out, fast_sandbox.base_url), stdout=subprocess.PIPE, text=True
    )
    while len(fast_sandbox.picture_requests) < 300:
        time.sleep(0.005)
    stuck.send_signal(signal.SIGKILL)
    stuck.wait()
    fast_sandbox.reset()
    printed, _ = other.communicate(timeout=120)
    assert other.returncode == 0
    assert len(printed.split()) == COUNT
    assert_whole(out, [f"t{row}" for row in range(COUNT)])


def test_a_directory_that_cannot_be_used(client, tmp_path):
    (tmp_path / "file").write_text("not a directory")
    with pytest.raises(StoreError, match="file"):
        client.download(targets(), tmp_path / "file", size=64)


def test_a_directory_that_vanishes(client, sandbox, tmp_path):
    out = tmp_path / "out"
    sandbox.inject(Fault("delay", seconds=0.05))

    def vanish(cutout):
        shutil.rmtree(out, ignore_errors=True)

    with pytest.raises(StoreError):
        client.download(targets(60), out, size=64, on_result=vanish)
    # What was written while the directory was being deleted may be there, and whole.
    assert client.download(targets(), out, size=64).counts["failed"] == 0
    assert_whole(out, [f"t{row}" for row in range(6)])


def test_a_user_sees_which_settings_are_wrong(sandbox):
    with pytest.raises(ValueError, match="max_rate = 0 is not a positive number"):
        SDSSCutouts(max_rate=0)
