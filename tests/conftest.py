"""What all tests share: a simulated server, cassettes, and real pictures where they are at hand."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

import hypothesis
import pytest
from astropy import log
from astropy.utils import iers

from sdss_cutout import SDSSCutouts, conf
from sdss_cutout.sandbox import Sandbox

os.environ.setdefault("MPLBACKEND", "agg")

ROOT = Path(__file__).parent.parent

collect_ignore = ["benchmarks", "typing"]  # run by hand, and read by type checkers

# Before version 7.1, astropy asks the network for Earth orientation even where it need not.
iers.conf.auto_download = False

# The machines that run this are slow at times; time is measured by the benchmarks only.
# In continuous integration the examples are the same each time, so what fails is what has changed.
hypothesis.settings.register_profile(
    "tests", deadline=None, max_examples=60, derandomize="CI" in os.environ
)
hypothesis.settings.load_profile("tests")


@pytest.fixture(scope="session")
def running_sandbox():
    """A simulated SkyServer for all tests."""
    with Sandbox() as server:
        yield server


@pytest.fixture
def sandbox(running_sandbox):
    """A simulated SkyServer without faults and with an empty log."""
    running_sandbox.reset()
    yield running_sandbox
    running_sandbox.reset()


@pytest.fixture
def client(sandbox):
    """A client of the sandbox, as fast as it may be."""
    return SDSSCutouts(base_url=sandbox.base_url, max_rate=5_000, show_progress=False)


_NUMBERS = itertools.count()


@pytest.fixture(autouse=True)
def _settings_stay(tmp_path_factory):
    """Restore the settings that a test changes; frames are kept for a test only."""
    conf.frame_cache = str(tmp_path_factory.getbasetemp() / f"frames-{next(_NUMBERS)}")
    names = [name for name in dir(type(conf)) if not name.startswith("_")]
    level = log.level
    yield
    log.setLevel(level)  # --quiet turns it off
    for name in names:
        item = getattr(type(conf), name)
        if hasattr(item, "defaultvalue"):
            item.set(item.defaultvalue)


@pytest.fixture(scope="session")
def shared_data():
    """Real pictures and answers, which are not part of the project."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the real pictures of ../shared/data are not at hand")
    return folder


# The address that the cassettes were recorded at; nothing listens there when they are replayed.
CASSETTE_PORT = 18917


@pytest.fixture(scope="module")
def vcr_cassette_dir(request):
    return str(ROOT / "cassettes" / request.module.__name__.rpartition(".")[2])


@pytest.fixture(scope="module")
def vcr_config():
    return {"record_mode": "none", "decode_compressed_response": False}


@pytest.fixture
def recorded_server(request):
    """The base URL of a server that is recorded, or replayed with the network shut."""
    if request.config.getoption("--vcr-record") in (None, "none"):
        yield f"http://127.0.0.1:{CASSETTE_PORT}"
    else:
        with Sandbox(port=CASSETTE_PORT) as server:
            yield server.base_url


def pytest_addoption(parser):
    parser.addoption(
        "--write-fault-table",
        action="store_true",
        help="write docs/_generated/faults.md from what the fault tests see",
    )
