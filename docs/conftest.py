"""The examples on the pages run against the sandbox, each page in a folder of its own."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import matplotlib as mpl
import pytest

from sdss_cutout import conf
from sdss_cutout.sandbox import Sandbox

mpl.use("agg")

# No examples in these; Sphinx's configuration would want Sphinx.
collect_ignore = ["conf.py", "conftest.py", "_build", "generated", "_generated"]
if not (find_spec("h5py") and find_spec("pyarrow")):  # the extras `hdf5` and `parquet`
    collect_ignore += ["howto/training_sets.rst", "tutorials/training_set.rst"]


@pytest.fixture(scope="session")
def docs_sandbox() -> Iterator[Sandbox]:
    """One simulated server for all pages."""
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def docs_frames(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return one cache of frames for all pages."""
    return tmp_path_factory.mktemp("frames")


@pytest.fixture(autouse=True)
def _as_on_the_page(
    docs_sandbox: Sandbox, docs_frames: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Let ``SDSSCutouts()`` ask the simulated server, faster than one would ask the real one."""
    import matplotlib.pyplot as plt

    monkeypatch.chdir(tmp_path)
    with (
        conf.set_temp("base_url", docs_sandbox.base_url),
        conf.set_temp("frames_url", docs_sandbox.frames_url),
        conf.set_temp("frame_cache", str(docs_frames)),
        conf.set_temp("max_rate", 1000.0),
        conf.set_temp("show_progress", False),
    ):
        yield
    plt.close("all")
