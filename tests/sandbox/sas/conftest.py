"""Sandboxes with small frames."""

import pytest
from archive import SMALL

from sdss_cutout.sandbox import Sandbox


@pytest.fixture(scope="session")
def exact():
    """A sandbox whose small frames have no noise."""
    with Sandbox(noise=False, frame_shape=SMALL) as server:
        yield server


@pytest.fixture(scope="session")
def noisy():
    """A sandbox of small frames as real ones are."""
    with Sandbox(frame_shape=SMALL) as server:
        yield server


@pytest.fixture(autouse=True)
def _fresh_logs(request):
    yield
    for name in ("exact", "noisy"):
        if name in request.fixturenames:
            request.getfixturevalue(name).reset()
