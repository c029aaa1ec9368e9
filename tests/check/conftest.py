"""One sandbox for all checks: its frames have no noise, so that they are quickly compressed."""

from __future__ import annotations

import pytest

from sdss_cutout import SDSSCutouts, conf
from sdss_cutout._check.run import check
from sdss_cutout.sandbox import Sandbox


@pytest.fixture(scope="package")
def noiseless_sandbox():
    with Sandbox(noise=False) as server:
        yield server


@pytest.fixture
def server(noiseless_sandbox):
    """A sandbox on which every fact holds, with an empty log."""
    noiseless_sandbox.reset()
    yield noiseless_sandbox
    noiseless_sandbox.reset()


@pytest.fixture
def ask(server):
    """Checks the sandbox; returns the report."""

    def report():
        client = SDSSCutouts(base_url=server.base_url, show_progress=False)
        with conf.set_temp("frames_url", server.frames_url):
            return check(client, max_rate=5_000)

    return report
