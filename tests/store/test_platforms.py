"""What other platforms do with files, simulated on this one."""

from __future__ import annotations

import os
import sqlite3
import unicodedata

import numpy as np
import pytest
from astropy.table import Table

from sdss_cutout import StoreError, read_cutouts
from sdss_cutout._store import existing, files
from sdss_cutout._store.existing import ExistingFiles
from sdss_cutout._store.files import write_files, write_whole

TARGETS = Table({"name": ["a", "b"], "ra": [19.0, 20.0], "dec": [0.0, 0.0]})


@pytest.fixture
def windows(monkeypatch):
    """A platform that does not replace a file while a program has it open."""
    refused = []

    def replace(source, target, real=os.replace):
        if windows.opened and os.path.exists(target):
            windows.opened -= 1
            refused.append(target)
            raise PermissionError(13, "Access is denied", str(source), 5, str(target))
        real(source, target)

    windows.opened = 0
    monkeypatch.setattr(os, "replace", replace)
    monkeypatch.setattr(files, "_REFUSES_OPEN_FILES", True)
    monkeypatch.setattr(files, "_MOVE_PAUSE", 0.0)
    return refused


def hold_open(times):
    windows.opened = times


def test_a_file_that_is_open_for_a_moment_is_replaced(tmp_path, windows):
    path = tmp_path / "a.jpg"
    path.write_bytes(b"old")
    hold_open(3)
    write_whole(path, b"new")
    assert path.read_bytes() == b"new"
    assert len(windows) == 3


def test_a_file_that_stays_open_is_named_and_stays(client, tmp_path, windows):
    client.download(TARGETS, tmp_path, size=64)
    before = (tmp_path / "a.wcs").read_bytes()
    hold_open(1_000_000)
    with pytest.raises(StoreError, match=r"\.wcs: Access is denied"):
        client.download(TARGETS, tmp_path, size=80, overwrite=True)
    assert (tmp_path / "a.wcs").read_bytes() == before
    hold_open(0)
    assert client.download(TARGETS, tmp_path, size=80, overwrite=True).counts["ok"] == 2


def test_elsewhere_a_refusal_is_final(tmp_path, monkeypatch):
    asked = []

    def refuse(source, target):
        asked.append(target)
        raise PermissionError(13, "Permission denied", source, None, target)

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(PermissionError):
        write_files(tmp_path, tmp_path, {"a.jpg": b"1"})
    assert len(asked) == 1


def test_decomposed_names_are_found_on_hfs(tmp_path, monkeypatch):
    name = "caf\N{LATIN SMALL LETTER E WITH ACUTE}"
    decomposed = unicodedata.normalize("NFD", name)
    (tmp_path / f"{decomposed}.jpg").write_bytes(b"12345")
    (tmp_path / f"{decomposed}.wcs").write_bytes(b" " * 2880)
    assert ExistingFiles(tmp_path).files(name).picture is None
    monkeypatch.setattr(existing, "_DECOMPOSES", True)
    index = ExistingFiles(tmp_path)
    assert index.files(name) == (5, 2880)
    index.note([(name, "url", 1.0, 5, "00" * 32)])
    np.testing.assert_array_equal(index.kept([name, "cafe"], ["url", "url"]).rows, [0])


def test_a_file_system_without_shared_memory_has_the_ordinary_journal(
    client, tmp_path, monkeypatch
):
    # SQLite's locking for network file systems; it has no shared memory, so no write-ahead log.
    def connect(path, real=sqlite3.connect, **options):
        uri = str(path) if options.pop("uri", False) else f"file:{path}?mode=rwc"
        return real(f"{uri}&vfs=unix-dotfile", uri=True, **options)

    monkeypatch.setattr(sqlite3, "connect", connect)
    assert client.download(TARGETS, tmp_path, size=64).counts["ok"] == 2
    assert client.download(TARGETS, tmp_path, size=64).counts["kept"] == 2
    assert len(read_cutouts(tmp_path)) == 2
    assert not [*tmp_path.glob("*-wal")]
