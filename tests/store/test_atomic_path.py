"""What a killed process left of a file is removed by the next that writes there."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from sdss_cutout._store.files import atomic_path

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
    assert left.startswith(".run-")

    with atomic_path(target) as part:
        part.write_bytes(b"whole")

    assert os.listdir(tmp_path) == ["a.png"]
    assert target.read_bytes() == b"whole"
