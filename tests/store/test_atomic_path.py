"""A file appears whole under its name, and what a killed process left is removed."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from sdss_cutout._store.files import atomic_path


def test_a_file_is_replaced_when_it_is_whole(tmp_path):
    target = tmp_path / "a.png"
    target.write_bytes(b"old")
    with atomic_path(target) as part:
        part.write_bytes(b"new")
        assert part.parent == tmp_path
        assert target.read_bytes() == b"old"
    assert target.read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["a.png"]


def test_an_error_leaves_what_was_there(tmp_path):
    target = tmp_path / "a.png"
    target.write_bytes(b"old")
    with pytest.raises(OSError, match="disk full"), atomic_path(target) as part:
        _write_half(part)
    assert target.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a.png"]


def _write_half(part):
    part.write_bytes(b"half")
    raise OSError("disk full")


def test_two_at_once_do_not_disturb_each_other(tmp_path):
    target = tmp_path / "a.png"
    with atomic_path(target) as one, atomic_path(target) as other:
        one.write_bytes(b"one")
        other.write_bytes(b"other")
    assert target.read_bytes() == b"one"
    assert os.listdir(tmp_path) == ["a.png"]


KILLED = """
import os, pathlib, signal, sys
from sdss_cutout._store.files import atomic_path
with atomic_path(pathlib.Path(sys.argv[1])) as part:
    part.write_bytes(b"half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_what_a_killed_process_left_is_removed_by_the_next(tmp_path):
    target = tmp_path / "a.png"
    subprocess.run([sys.executable, "-c", KILLED, str(target)], check=False)
    (left,) = os.listdir(tmp_path)
    assert left.startswith(".a.png.")

    with atomic_path(target) as part:
        part.write_bytes(b"whole")

    assert os.listdir(tmp_path) == ["a.png"]
