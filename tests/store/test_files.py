"""Files appear whole under their names, or not at all."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from sdss_cutout import StoreError
from sdss_cutout._store.files import (
    atomic_path,
    remove_stale_scratch,
    scratch_folder,
    write_files,
    write_whole,
)


def test_a_write_that_takes_a_part_is_continued(tmp_path, monkeypatch):
    real = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: real(descriptor, data[:7]))
    write_whole(tmp_path / "a.txt", b"0123456789" * 10)
    assert (tmp_path / "a.txt").read_bytes() == b"0123456789" * 10


def test_files_are_moved_in_their_order_and_after_all_are_written(tmp_path, monkeypatch):
    moved = []
    real = os.replace

    def note(source, target):
        moved.append((os.path.basename(target), sorted(os.listdir(scratch))))
        real(source, target)

    monkeypatch.setattr(os, "replace", note)
    with scratch_folder(tmp_path) as scratch:
        write_files(tmp_path, scratch, {"a.wcs": b"1", "a.jpg": b"2"})
    assert moved == [
        ("a.wcs", ["a.jpg", "a.wcs", "lock"]),
        ("a.jpg", ["a.jpg", "lock"]),
    ]


def test_what_was_there_stays_when_writing_fails(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")

    def fail():
        with atomic_path(path) as part:
            part.write_text("new")
            raise ValueError("half way")

    with pytest.raises(ValueError, match="half way"):
        fail()
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_what_the_file_system_refuses_is_a_store_error(tmp_path):
    with pytest.raises(StoreError, match="No such file"), atomic_path(tmp_path / "no" / "a.txt"):
        pass


def test_scratch_in_use_stays_and_that_of_a_killed_process_goes(tmp_path):
    code = (
        "import sys, time, pathlib\n"
        "from sdss_cutout._store.files import scratch_folder\n"
        f"with scratch_folder(pathlib.Path({str(tmp_path)!r})) as folder:\n"
        "    print(folder.name, flush=True)\n"
        "    time.sleep(600)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    name = process.stdout.readline().strip()
    with scratch_folder(tmp_path) as ours:
        runs = {folder.removeprefix(".run-") for folder in (name, ours.name)}
        assert remove_stale_scratch(tmp_path) == runs
        process.kill()
        process.communicate()
        assert remove_stale_scratch(tmp_path) == {ours.name.removeprefix(".run-")}
        assert os.listdir(tmp_path) == [ours.name]


def test_scratch_without_a_lock_is_left_for_a_while(tmp_path):
    young, old = tmp_path / ".run-young", tmp_path / ".run-old"
    for folder in (young, old):
        folder.mkdir()
    os.utime(old, (time.time() - 3600,) * 2)
    assert remove_stale_scratch(tmp_path) == {"young"}
    assert os.listdir(tmp_path) == [".run-young"]
