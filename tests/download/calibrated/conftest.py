"""Simulated servers whose frames are small, which changes nothing but the facts about them."""

import pytest
from archive import SMALL, small_client

from sdss_cutout.sandbox import Sandbox


@pytest.fixture(scope="session")
def running_exact():
    """Frames without noise."""
    with Sandbox(noise=False, frame_shape=SMALL) as server:
        yield server


@pytest.fixture
def exact(running_exact):
    """The same without faults and with an empty log."""
    running_exact.reset()
    yield running_exact
    running_exact.reset()


@pytest.fixture
def client(exact):
    return small_client(exact)
