"""Searches for fields: each target's fields are found, and targets that lie together share one."""

from __future__ import annotations

import csv
import io

import astropy.units as u
import numpy as np
import pytest
import requests
from astropy.coordinates import SkyCoord
from hypothesis import given
from hypothesis import strategies as st

from sdss_cutout._request.calibrated import build_calibrated_requests
from sdss_cutout._request.field_search import MAX_POSITIONS, group_searches, primary_sql
from sdss_cutout._request.options import RequestOptions
from sdss_cutout._request.site import check_site
from sdss_cutout._targets.targets import read_targets

SITE = check_site("https://skyserver.sdss.org", 17)


def batch_at(ra, dec, **options):
    targets = read_targets(SkyCoord(np.atleast_1d(ra), np.atleast_1d(dec), unit="deg"))
    return build_calibrated_requests(targets, SITE, RequestOptions(**options), "r")


def test_one_target_is_searched_where_it_is():
    batch = batch_at(132.0, 12.0, size=100)
    [search] = group_searches(batch)
    assert search.url(SITE) == batch.urls()[0].partition("#")[0]


@given(
    st.floats(0, 360, exclude_max=True), st.floats(-90, 90), st.floats(0.01, 3),
    st.integers(1, 60), st.integers(1, 4000),
)  # fmt: skip
def test_every_target_is_in_one_search_that_reaches_its_fields(ra, dec, spread, count, size):
    rng = np.random.default_rng(count)
    middle = SkyCoord(ra, dec, unit="deg")
    places = middle.directional_offset_by(
        rng.uniform(0, 360, count) * u.deg, rng.uniform(0, spread, count) * u.deg
    )
    batch = batch_at(places.ra.deg, places.dec.deg, size=size)
    searches = group_searches(batch)
    assert sorted(np.concatenate([s.rows for s in searches]).tolist()) == [*range(count)]
    for search in searches:
        apart = SkyCoord(search.ra, search.dec, unit="deg").separation(places[search.rows]).arcmin
        assert (search.radius >= apart + batch.radii()[search.rows] - 1e-6).all()
        assert search.radius < batch.radii().max() + 30
        assert 0 <= search.ra < 360


def test_targets_that_lie_together_share_a_search():
    rng = np.random.default_rng(5)
    ra, dec = rng.uniform(150, 152, 1000), rng.uniform(1, 2, 1000)
    assert len(group_searches(batch_at(ra, dec))) <= 40


def test_the_query_for_primary_fields_is_short_enough():
    sql = primary_sql([123.4567890123] * MAX_POSITIONS, [-12.3456789012] * MAX_POSITIONS)
    assert len(sql) < 10_000


def test_the_query_finds_the_primary_fields(sandbox):
    ra, dec = [180.0, 266.4, 19.0, 0.0], [30.0, -29.0, 1e-5, 0.2]
    url = f"{sandbox.base_url}/dr17/SkyServerWS/SearchTools/SqlSearch"
    answer = requests.get(url, {"cmd": primary_sql(ra, dec), "format": "csv"}, timeout=30)
    rows = csv.DictReader(io.StringIO(answer.text.removeprefix("#Table1\n")))
    found = {int(row["target"]): int(row["primaryFieldID"]) for row in rows}
    expected = {
        n: field.field_id
        for n, field in enumerate(map(sandbox.survey.primary, ra, dec))
        if field is not None
    }
    assert found == expected
    assert [*found] == pytest.approx([0, 2, 3])
