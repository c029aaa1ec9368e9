"""What can go wrong with searches and frames is tried again, and never hidden."""

from __future__ import annotations

import pytest
from archive import small_client, where
from astropy.coordinates import SkyCoord

from sdss_cutout._transfer import next_step
from sdss_cutout.sandbox import FRAME_FAULTS, Fault, fault_options

# What any route can have, where a body is right only if it is whole.
COMMON = [
    "service_unavailable", "error_json", "error_jpeg", "reset_before_answer", "reset_in_body",
    "short_body", "broken_chunking", "html", "json", "empty", "redirect_loop",
    "redirect_elsewhere", "gzip_bomb", "truncated", "proxy_page",
]  # fmt: skip
ROUTES = ["frame", "fields"]
KEPT_ALIVE = [{}, {"close": True}, {"http10": True}]


@pytest.fixture
def client(exact, monkeypatch):
    monkeypatch.setattr(next_step, "_FIRST_WAIT", 0.001)
    return small_client(exact, max_attempts=2)


@pytest.fixture
def targets(exact):
    return SkyCoord([where(exact, "middle")], unit="deg")


CASES = [(name, route) for name in COMMON for route in ROUTES]
CASES += [(name, "frame") for name in FRAME_FAULTS]


@pytest.mark.parametrize(("name", "route"), CASES)
def test_a_fault_is_tried_again(client, exact, targets, name, route):
    exact.inject(Fault(name, times=1, route=route))
    cutouts = client.get(targets, bands="r", size=20)
    assert list(cutouts.table["status"]) == ["ok"]
    assert list(cutouts.table["attempts"]) == [2]


@pytest.mark.parametrize("options", KEPT_ALIVE[1:], ids=str)
@pytest.mark.parametrize(("name", "route"), [c for c in CASES if "close" in fault_options(c[0])])
def test_whatever_becomes_of_the_connection(client, exact, targets, name, route, options):
    exact.inject(Fault(name, times=1, route=route, **options))
    cutouts = client.get(targets, bands="r", size=20)
    assert list(cutouts.table["status"]) == ["ok"]


@pytest.mark.parametrize(("name", "route"), CASES)
def test_a_fault_that_stays_is_told(client, exact, targets, name, route):
    exact.inject(Fault(name, route=route))
    [cutout] = client.get(targets, bands="r", size=20)
    assert cutout.status == "failed"
    assert cutout.attempts == 2
    what = "frame r-" if route == "frame" else "the search for its fields: "
    assert cutout.error.startswith(what)
    assert len(cutout.error) > len(what) + 10
    assert not cutout.has_data


def test_retry_after_holds_for_the_archive(client, exact, targets):
    exact.inject(Fault("too_many_requests", times=1, route="frame", retry_after=3600))
    cutouts = client.get(targets, bands="r", size=20)
    assert "Retry-After" in cutouts[0].error
    assert len(exact.frame_requests) == 1
    # Both servers have their own.
    assert client.query_sql("SELECT TOP 1 ra, dec FROM Star")


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("name", ["slow_body", "slow_headers", "silence"])
def test_a_timeout_bounds_an_attempt(exact, targets, name, route):
    client = small_client(exact, max_attempts=1, timeout=0.2)
    client.get(targets, bands="g", size=20) if route == "frame" else None
    exact.inject(Fault(name, route=route))
    [cutout] = client.get(targets, bands="r", size=20)
    assert cutout.status == "failed"
    assert "0.2 s" in cutout.error


def test_a_frame_that_is_too_large_is_not_read(client, exact, targets):
    exact.inject(Fault("huge_body", route="frame"))
    [cutout] = client.get(targets, bands="r", size=20)
    assert "a body of more than 16777216 bytes" in cutout.error


def test_one_frame_that_fails_does_not_take_the_others(client, exact):
    targets = SkyCoord([where(exact, place) for place in ("middle", "RA 0", "dec 89")], unit="deg")
    names = [r.rpartition("/")[2] for r in client.get(targets, bands="r", size=20)[1].frames["url"]]
    other = small_client(exact, max_attempts=2)
    from sdss_cutout import conf

    conf.frame_cache_size = 0
    exact.inject(*(Fault("frame_bad_stream", match=name) for name in names))
    cutouts = other.get(targets, bands="r", size=20)
    assert list(cutouts.table["status"]) == ["ok", "failed", "ok"]


def test_a_missing_frame_is_asked_for_once_for_all(client, exact):
    ra, dec = where(exact, "middle")
    targets = SkyCoord([ra + k / 3600 for k in range(6)], [dec] * 6, unit="deg")
    exact.inject(Fault("frame_missing"))
    cutouts = client.get(targets, bands="r", size=20)
    assert cutouts.counts["failed"] == 6
    assert len(exact.frame_requests) == 2
