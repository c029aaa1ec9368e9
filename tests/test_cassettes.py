"""The client's and astroquery's traffic, replayed from cassettes with the network shut.

Recorded from the sandbox by ``pytest tests/test_cassettes.py --vcr-record=all``. The same checks
run on the real server with ``--remote-data``. One connection, as vcrpy is not thread-safe
(https://github.com/kevin1024/vcrpy/issues/849).
"""

from __future__ import annotations

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import SkyCoord

from sdss_cutout import OutsideFootprintError, QueryError, SDSSCutouts

REAL_SERVER = "https://skyserver.sdss.org"

# Galactic anticentre: neither SDSS nor the sandbox has imaging there.
OUTSIDE = SkyCoord(86.4, 28.9, unit="deg")
HERE = SkyCoord([19.023342, 20.13754], [-0.014911, -0.06057132], unit="deg")


@pytest.fixture(
    params=[
        pytest.param("cassette", marks=pytest.mark.vcr),
        pytest.param("remote", marks=[pytest.mark.remote_data, pytest.mark.enable_socket]),
    ]
)
def server(request):
    """A client of the recorded server, or of the real one."""
    if request.param == "remote":
        base_url = REAL_SERVER
    else:
        base_url = request.getfixturevalue("recorded_server")
    return SDSSCutouts(base_url=base_url, max_connections=1, show_progress=False)


def test_one_target(server):
    cutout = server.get(HERE[0], scale=0.3 * u.arcsec / u.pix, size=180)
    assert cutout.data.shape == (180, 180, 3)
    assert cutout.coverage == 1
    assert np.median(cutout.data) < 60  # dark sky
    x, y = cutout.wcs.world_to_pixel(HERE[0])
    assert (x, y) == pytest.approx((90, 90), abs=1e-6)


def test_a_list(server, tmp_path):
    report = server.download(HERE, tmp_path, width=120, height=100)
    assert report.counts["ok"] == 2
    assert [cutout.data.shape for cutout in report] == [(100, 120, 3)] * 2


def test_outside(server):
    with pytest.raises(OutsideFootprintError):
        server.get(OUTSIDE, size=100)


def test_overlays(server):
    plain, drawn = (server.get(HERE[0], size=128, overlays=o) for o in (None, "G"))
    changed = np.abs(plain.data.astype(int) - drawn.data.astype(int)).sum(axis=2) > 100
    # The crosshair's lines cross at index (w/2, h/2).
    assert changed[:, 64].mean() > 0.1
    assert changed[64, :].mean() > 0.1
    assert changed[:, 30].mean() < 0.1


def test_query(server):
    table = server.query_sql(
        "SELECT TOP 3 objID, ra, dec, r FROM Galaxy WHERE ra BETWEEN 20 AND 21 "
        "AND dec BETWEEN -0.5 AND 0.5 AND r < 17"
    )
    assert len(table) == 3
    assert table["objID"].dtype == np.uint64
    assert np.all(table["objID"] > 2**53)


def test_query_and_pictures_in_one_step(server, tmp_path):
    report = server.download_sql(
        "SELECT TOP 2 objID, ra, dec FROM Galaxy WHERE ra BETWEEN 20 AND 21 "
        "AND dec BETWEEN -0.5 AND 0.5 AND r < 17",
        tmp_path,
        size=100,
    )
    assert report.counts["ok"] == 2


def test_an_error_in_the_query(server):
    with pytest.raises(QueryError, match=r"(?i)nonsense"):
        server.query_sql("SELECT nonsense FROM Galaxy")
